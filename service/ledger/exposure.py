"""
What a change would touch: the running commitments that rest on an entry of the register or on a provision, or that other policies decide
otherwise.

Input: a question, and the commitments that run. Output: for each part of them, those that are touched: how, which parties and assets they
name, and what they add to counters. The parts may be looked at by several processes. Nothing is recorded.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from service.ledger import running_commitments
from service.ledger.exposure_questions import Erased, ExposureQuestion, Touch
from service.ledger.money_sums import shown
from service.ledger.running_commitments import CountedMovement, RunningCommitment
from service.log.leaf import with_personal_values
from service.register.entity import PARTY
from service.register.recorded_entities import named_in
from service.store.forked_reading import ForkedReading
from service.store.upgrade import reading

PART = 200  # commitments that are looked at together


@dataclass(frozen=True, slots=True)
class TouchedCommitment:
    """A commitment that a change would touch. Of `parties` and `assets` that it names, those that were erased are left out."""

    commitment: str
    decision: str
    evaluation: str
    as_of: str
    how: tuple[str, ...]
    old: str
    new: str
    parties: tuple[str, ...]
    assets: tuple[str, ...]
    adds: tuple[CountedMovement, ...]

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """From the JSON of one."""
        adds = tuple(CountedMovement(**each) for each in document["adds"])
        lists = {name: tuple(document[name]) for name in ("how", "parties", "assets")}
        return cls(**{**document, **lists, "adds": adds})


@dataclass(frozen=True, slots=True)
class PartExposure:
    """
    A part of the running commitments that was looked at, up to the number `last`.

    `erased` are those of which nobody can say whether they are touched, since values were erased; `unreadable` those whose record cannot
    be read. `noted` counts what is of interest besides, and `recounted` the commitments that add to counters with another meaning.
    """

    last: int
    looked: int
    touched: tuple[TouchedCommitment, ...] = ()
    erased: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()
    noted: Mapping[str, int] = field(default_factory=dict)
    recounted: Mapping[str, int] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """From its JSON. Raises KeyError, TypeError."""
        lists = {name: tuple(document[name]) for name in ("erased", "unreadable")}
        return cls(**{**document, **lists, "touched": tuple(map(TouchedCommitment.read, document["touched"]))})


@dataclass(eq=False)
class Exposure:
    """The commitments of a database that a change would touch. `prepare` is called before processes are forked, `part` in each."""

    url: str
    question: ExposureQuestion

    def __post_init__(self) -> None:
        self._reading = ForkedReading(self.url)

    def prepare(self, after: int = -1) -> tuple[int, list[tuple[int, int]]]:
        """How many commitments run whose record has a number above `after`, and their parts. Raises DatabaseRefused."""
        with reading(self.url) as connection:
            self.question.prepare(connection)
            return running_commitments.how_many(connection, after), running_commitments.parts(connection, PART, after)

    def part(self, numbers: tuple[int, int]) -> PartExposure:
        """Look at the commitments whose records have numbers from the first to the last. Raises DatabaseRefused."""
        looked = 0
        touched: list[TouchedCommitment] = []
        erased: list[str] = []
        unreadable: list[str] = []
        noted: Counter[str] = Counter()
        recounted: Counter[str] = Counter()
        with self._reading.connection() as connection:
            for each in running_commitments.running(connection, *numbers):
                looked += 1
                recounted.update(self.question.recounted(each))
                try:
                    record = with_personal_values(each.stored.entry.leaf, each.stored.entry.openings)
                    found = self.question.look(connection, each, record, noted)
                    if found:
                        touched.append(_touched(each, record, found))
                except Erased:
                    erased.append(each.id)
                except (ValueError, LookupError, TypeError, AttributeError):  # the bytes are not those of a record
                    unreadable.append(each.id)
        return PartExposure(numbers[1], looked, tuple(touched), tuple(erased), tuple(unreadable), dict(noted), dict(recounted))

    def close(self) -> None:
        """Close what this process opened."""
        self._reading.close()


def _touched(commitment: RunningCommitment, record: Mapping[str, Any], found: Touch) -> TouchedCommitment:
    named = [each for each in named_in(record) if each.id is not None]
    parties, assets = ([each.id or "" for each in named if (each.kind == PARTY) is of] for of in (True, False))
    return TouchedCommitment(
        commitment.id,
        commitment.decision,
        commitment.evaluation,
        commitment.as_of.isoformat(),
        found.how,
        found.old,
        found.new,
        tuple(dict.fromkeys(parties)),
        tuple(dict.fromkeys(assets)),
        commitment.moved,
    )


@dataclass(slots=True)
class CounterTotal:
    """What the touched commitments add to one counted fact: at most `most`, None for no upper end, for some keys of its counter."""

    counter: str
    commitments: int = 0
    most: int | None = 0
    keys: set[str] = field(default_factory=set)


@dataclass(slots=True)
class ExposureTotals:
    """
    The parts that were looked at so far, added up.

    `how` counts the commitments by how they are touched, `moves` by their outcomes, with the causes of each move.
    """

    looked: int = 0
    touched: int = 0
    how: Counter[str] = field(default_factory=Counter)
    moves: Counter[tuple[str, str]] = field(default_factory=Counter)
    causes: dict[tuple[str, str], Counter[str]] = field(default_factory=dict)
    parties: Counter[str] = field(default_factory=Counter)
    assets: Counter[str] = field(default_factory=Counter)
    counters: dict[str, CounterTotal] = field(default_factory=dict)
    erased: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    noted: Counter[str] = field(default_factory=Counter)
    recounted: Counter[str] = field(default_factory=Counter)

    def take(self, part: PartExposure) -> None:
        """Add a part."""
        self.looked += part.looked
        self.erased += part.erased
        self.unreadable += part.unreadable
        self.noted.update(part.noted)
        self.recounted.update(part.recounted)
        for each in part.touched:
            self.touched += 1
            self.parties.update(each.parties)
            self.assets.update(each.assets)
            if each.old or each.new:
                move = (each.old, each.new)
                self.moves[move] += 1
                self.causes.setdefault(move, Counter()).update(each.how)
            else:
                self.how.update(each.how)
            for added in each.adds:
                total = self.counters.setdefault(added.fact, CounterTotal(added.counter))
                total.commitments += 1
                total.most = None if total.most is None or added.high is None else total.most + added.high
                total.keys.add(added.key)

    def most(self, place: str) -> int | str | None:
        """The most that is added to what is counted: a number, or a sum of money with its currency."""
        return shown(place, self.counters[place].most)

    def document(self) -> dict[str, Any]:
        """As JSON, the most frequent first; without the single commitments."""
        return {
            "looked": self.looked,
            "touched": self.touched,
            "how": dict(self.how.most_common()),
            "moves": [
                {"from": old, "to": new, "commitments": number, "causes": dict(self.causes[old, new].most_common())}
                for (old, new), number in self.moves.most_common()
            ],
            "parties": dict(self.parties.most_common()),
            "assets": dict(self.assets.most_common()),
            "counters": {
                place: {
                    "counter": each.counter,
                    "commitments": each.commitments,
                    "at_most": self.most(place),
                    "keys": len(each.keys),
                }
                for place, each in sorted(self.counters.items())
            },
            "erased": self.erased,
            "unreadable": self.unreadable,
            "noted": dict(self.noted),
            "recounted": dict(self.recounted),
        }
