"""
The outcome of a row of a table.

A judgement goes in, a row's outcome comes out: the bounds overall and by jurisdiction, what stands and may stand, what is unmet, what
stands beside, the coverage, and the facts to find out; or what the door refused. Lists are JSON in a text, so that every format has them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from engine.bundle import Bundle
from engine.deciding.combine import MET
from engine.deciding.judgement import BEARING, Judgement
from engine.exchange_input.exchange_problems import ExchangeProblem
from engine.rules import Need
from engine.tables.missing_facts import MissingFacts
from engine.values import Missing, Range, SetOf, Value
from engine.values.outcome_levels import Bounds, Level, closed, outcome_word
from engine.verdict import numbers

PROBLEM = "problem"  # the outcome of a row that the door refused; it is never a permit
REMEMBERED = 4_096  # lists of provisions whose text is kept
_NONE = "[]"
_ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True, kw_only=True)
class RowOutcome:
    """
    The outcome of a row, each member as its column has it.

    `as_of` is None where the day of the row cannot be read. `low` and `high` are levels, "" where the door refused the row; then
    `problems` says why. `jurisdictions` has the two bounds of each jurisdiction whose law applies or may. `stands` and `may_stand` are
    provisions, `unmet` requirements, `besides` what a person must look at beside a stricter outcome. `gaps` are the places and subject
    matters on which law is silent or its reach is in doubt, `coverage` those that a permit stands on. `missing` are the facts to find
    out (`missing_facts`).
    """

    as_of: date | None
    outcome: str
    low: str = ""
    high: str = ""
    proceed: bool = False
    jurisdictions: str = "{}"
    stands: str = _NONE
    may_stand: str = _NONE
    unmet: str = _NONE
    besides: str = _NONE
    gaps: str = _NONE
    coverage: str = _NONE
    missing: str = _NONE
    problems: tuple[ExchangeProblem, ...] = ()


LISTS = ("jurisdictions", "stands", "may_stand", "unmet", "besides", "gaps", "coverage", "missing")  # JSON in a text
CELLS = ("as_of", "outcome", "low", "high", "proceed", *LISTS, "problems")  # what a proof of a row is about


def cell_text(cell: object) -> str:
    """A cell as the text whose digest counts. Of problems it is the number."""
    if cell is None or isinstance(cell, str):
        return cell or ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return cell.isoformat() if isinstance(cell, date) else str(cell)


def cell_digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def outcome_digest(cells: Mapping[str, object]) -> bytes:
    """SHA-256 over the SHA-256 of each cell's text, in the order of CELLS. Raises ValueError where cells are missing or of another kind."""
    if set(cells) != set(CELLS):
        raise ValueError("it has other cells than an outcome")
    for name, cell in cells.items():
        kind = bool if name == "proceed" else int if name == "problems" else str
        if type(cell) is not kind and not (kind is str and (cell is None or (name == "as_of" and isinstance(cell, date)))):
            raise ValueError(f"`{name}` is of another kind")
    return hashlib.sha256(b"".join(cell_digest(cell_text(cells[name])) for name in CELLS)).digest()


def refused(problems: Sequence[ExchangeProblem], as_of: date | None) -> RowOutcome:
    """The outcome of a row that the door refused."""
    return RowOutcome(as_of=as_of, outcome=PROBLEM, problems=tuple(problems))


class OutcomeReader:
    """Reads judgements under one bundle as outcomes of rows."""

    def __init__(self, bundle: Bundle) -> None:
        self.rules = bundle.rules.rules
        self.missing = MissingFacts(bundle)
        self.bearing = frozenset(number for number, rule in enumerate(self.rules) if rule.effect in BEARING)
        self.reviews = tuple(number for number, rule in enumerate(self.rules) if rule.effect == "review")
        self.needing = tuple(number for number, rule in enumerate(self.rules) if rule.need is not None)
        self._bearing, self._reviews, self._needing = (
            sum(1 << number for number in each) for each in (self.bearing, self.reviews, self.needing)
        )
        self._of_place: dict[str, int] = {}
        for number, rule in enumerate(self.rules):
            place = rule.provision.jurisdiction
            self._of_place[place] = self._of_place.get(place, 0) | 1 << number
        self.place_of: dict[str, int] = {}  # of each provision
        for rule in self.rules:
            self.place_of.setdefault(rule.provision.id, len(self.place_of))
        self._texts: dict[int, str] = {}

    def read(self, judgement: Judgement, today: date | None) -> RowOutcome:
        """The outcome of a judgement. It may proceed only where it was judged as of `today`."""
        outcome, verdict = judgement.outcome, judgement.verdict
        exchange, covered = judgement.exchange, outcome.coverage
        possible, certain = verdict.stands
        silent = dict.fromkeys((quiet_name(each.place, each.subject), each.certain) for each in covered.silences)
        quiet = sorted({name: any(sure for other, sure in silent if other == name) for name, _ in silent}.items())
        unknown = self.missing.unknown(
            lambda name: is_open(exchange.values.get(name, Missing.LEFT_OUT)) and not exchange.is_of_everyone(name)
        )
        missing = self.missing_of(
            outcome.bounds, outcome.jurisdictions, possible & ~certain, any(not sure for _, sure in quiet), unknown
        )
        found = self.outcome(
            judgement.as_of,
            outcome.bounds,
            today is not None and judgement.proceeds(today),
            outcome.jurisdictions,
            certain,
            possible,
            {name for name, states in verdict.requirements.items() if states == MET},
            quiet,
            sorted(f"{place}/{subject}" for place, subject in covered.stands_on) if outcome.permits else [],
            missing,
        )
        return found if found.outcome == outcome.word else replace(found, outcome=outcome.word)

    def missing_of(self, bounds: Bounds, places: Mapping[str, Bounds], may_only: int, silent: bool, unknown: int) -> list[str]:
        """The facts to find out: of provisions that only may stand, where they may raise the outcome; none where it is closed."""
        if closed(bounds):
            return []
        return self.missing.of(may_only & self.reaching(bounds.low, places), silent, unknown)

    def reaching(self, low: Level, places: Mapping[str, Bounds]) -> int:
        """The rules that bear on the outcome, of jurisdictions that are open and may raise it."""
        found = 0
        for name, each in places.items():
            if each.low is not each.high and each.high > low:
                found |= self._of_place.get(name, 0)
        return found & self._bearing

    def outcome(
        self,
        as_of: date,
        bounds: Bounds,
        proceed: bool,
        places: Mapping[str, Bounds],
        certain: int,
        possible: int,
        met: Collection[str],
        silent: Sequence[tuple[str, bool]],
        settled: Sequence[str],
        missing: Sequence[str],
    ) -> RowOutcome:
        """
        The outcome of a row: its bounds, those of each jurisdiction, the rules that stand and may stand, the requirements that are met for
        certain, places on which law is silent and whether it certainly is, what a permit stands on, and the facts to find out.
        """
        return RowOutcome(
            as_of=as_of,
            outcome=outcome_word(bounds),
            low=bounds.low.word,
            high=bounds.high.word,
            proceed=proceed,
            jurisdictions=told_places(places),
            stands=self.provisions(certain),
            may_stand=self.provisions(possible & ~certain),
            unmet=told(self.unmet(certain, met)),
            besides=told(self.besides(bounds, certain, silent)),
            gaps=told([name for name, _ in silent]),
            coverage=told(settled),
            missing=told(missing),
        )

    def unmet(self, certain: int, met: Collection[str]) -> list[str]:
        """The requirements that are not met for certain, of what provisions that certainly stand ask for and nothing else meets."""
        needs = (self.rules[number].need for number in numbers(certain & self._needing))
        asked = dict.fromkeys(name for need in needs if need and not _met(need, met) for name in need.requirements())
        return [name for name in asked if name not in met]

    def besides(self, bounds: Bounds, certain: int, silent: Sequence[tuple[str, bool]]) -> list[str]:
        """What a person certainly must look at beside a stricter outcome: provisions, and law that is silent (semantics 4.1)."""
        if bounds.low <= Level.REVIEW:
            return []
        beside = [self.rules[number].provision.id for number in numbers(certain & self._reviews)]
        return list(dict.fromkeys([*beside, *(name for name, sure in silent if sure)]))

    def provisions(self, mask: int) -> str:
        """The ids of the provisions of those of some rules that bear on the outcome, in the order in which they are written."""
        mask &= self._bearing
        found = self._texts.get(mask)
        if found is None:
            if len(self._texts) >= REMEMBERED:
                self._texts.clear()
            named = {self.rules[number].provision.id for number in numbers(mask)}
            found = self._texts[mask] = told(sorted(named, key=self.place_of.__getitem__))
        return found


def quiet_name(place: str, subject: str) -> str:
    """A place and a subject matter on which law is silent, or its reach in doubt; either may not be known."""
    return f"{place or 'unknown'}/{subject or 'all'}"


def is_open(value: Value) -> bool:
    """Whether something of a value is not known."""
    if isinstance(value, Missing):
        return True
    return value.open if isinstance(value, SetOf) else isinstance(value, Range) and value.low != value.high


def _met(need: Need, met: Collection[str]) -> bool:
    """Whether a need is met for certain."""
    if need.op == "one":
        return need.requirement in met
    parts = (_met(part, met) for part in need.parts)
    return any(parts) if need.op == "any_of" else all(parts)


def told_places(places: Mapping[str, Bounds]) -> str:
    """The bounds of each jurisdiction, in a text."""
    return encoded({name: [each.low.word, each.high.word] for name, each in sorted(places.items())})


def told(names: Sequence[str]) -> str:
    """A list of names in a text."""
    return encoded(list(names)) if names else _NONE


def encoded(value: object) -> str:
    """JSON as the lists of an outcome have it."""
    return _ENCODE(value)
