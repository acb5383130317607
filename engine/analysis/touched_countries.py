"""
Coverage in literals: the program has the code for one country of each jurisdiction, which is read here for each that may be touched.

Countries that no test and no jurisdiction tells apart are one class, and one reading. Where a jurisdiction covers a country on some days
only, those days are in its roles. What a person signs is false; what an organisation accepts has a literal of its own. Source: 4.3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from engine.analysis.dated_facts import LawDay
from engine.analysis.gates import TRUE, Gates
from engine.analysis.word_choices import ManyWords, OneWord
from engine.backends.lanes.integers import needed
from engine.backends.lanes.lane_program import LaneProgram
from engine.backends.lanes.silent_law import Raise
from engine.backends.lanes.slots import Pair
from engine.policy_language.coverage_text import ROLES
from engine.policy_language.vocabulary import Vocabulary
from engine.rules import RegisterEntry

NOBODY = Pair(-TRUE, -TRUE)
Roles = Mapping[str, Pair]


@dataclass(frozen=True, slots=True)
class TouchedFact:
    """A fact that names countries: the role of these, the literals of the fact, and whether the fact counts."""

    role: str
    fact: OneWord | ManyWords
    counts: Pair


class TouchedCountries:
    """Reads the code for countries. `literals` has those of the slots that do not depend on a country."""

    def __init__(
        self,
        gates: Gates,
        day: LawDay,
        program: LaneProgram,
        vocabulary: Vocabulary,
        touches: Sequence[TouchedFact],
        classes: Sequence[Sequence[object]],
        literals: Mapping[int, int],
    ) -> None:
        self.gates = gates
        self.day = day
        self.program = program
        self.vocabulary = vocabulary
        self.touches = touches
        self.classes = classes
        self.literals = literals
        self.names = {slot: name for name, slot in program.inputs.items()}
        self.raised: dict[tuple[str, str], int] = {}  # by jurisdiction and field
        self.touched: dict[str, int] = {}
        self.uncovered: dict[str, Raise] = {}  # by country, what one that no jurisdiction covers is raised to
        self._gather()

    @staticmethod
    def frontier(program: LaneProgram) -> list[int]:
        """The slots that do not depend on a country and that the code for countries reads."""
        local = {program.inputs[name] for name in program.local}
        late = set(local)
        for slot, (kind, one, other) in enumerate(program.code):
            if (kind in ("and", "or", "not") and one in late) or (kind in ("and", "or") and other in late):
                late.add(slot)
        wanted = [slot for country in program.countries.values() for slot in country.raises[0]]
        wanted += program.nowhere.values()
        early: dict[int, None] = {slot: None for slot in wanted if slot not in late}
        for slot in needed(program.code, wanted):
            kind, one, other = program.code[slot]
            if slot in late and kind != "in":
                early.update(dict.fromkeys(each for each in (one, other)[: 1 + (kind != "not")] if each not in late))
        return list(early)

    def unknown(self, role: str) -> Pair:
        """Whether a country may be touched in a role that nobody named."""
        here = (each for each in self.touches if each.role == role)
        may = self.gates.either(
            self.gates.both((self.gates.either((each.fact.open, each.fact.unknown)), each.counts.may)) for each in here
        )
        return Pair(-TRUE, may)

    def nowhere(self) -> int:
        """Where a country is not known and may be one that is reviewed, or whose law reaches the data."""
        unknown = {role: self.unknown(role) for role in ROLES}
        found = self._read(self.program.nowhere.values(), {"unknown": unknown}, lambda subject: -TRUE)
        return self.gates.either(found)

    def _gather(self) -> None:
        gates, unknown = self.gates, {role: self.unknown(role) for role in ROLES}
        roles = [self._roles(number) for number in range(len(self.classes))]
        beside = {role: list(self._beside([each[role] for each in roles])) for role in ("recipient", "access")}
        raised: dict[tuple[str, str], list[int]] = {}
        touched: dict[str, list[int]] = {}
        for number, words in enumerate(self.classes):
            if all(each == NOBODY for each in roles[number].values()):
                continue
            country = str(words[0])
            for jurisdiction, on in self._covering(country):
                here = {
                    role: Pair(gates.both((must, on)), gates.both((may, on))) for role, (must, may) in roles[number].items()
                }
                given = {"role": here, "unknown": unknown, "other": {role: each[number] for role, each in beside.items()}}
                slots = self.program.countries[jurisdiction].raises[0]
                found = Raise(*self._read(slots, given, self._accepting(country)))
                if not jurisdiction and len(words) == 1:
                    self.uncovered[country] = found
                for field, literal in zip(Raise._fields, found, strict=True):
                    raised.setdefault((jurisdiction, field), []).append(literal)
                touched.setdefault(jurisdiction, []).extend(may for _, may in here.values())
        self.raised = {key: gates.either(each) for key, each in raised.items()}
        self.touched = {name: gates.either(each) for name, each in touched.items()}

    def _roles(self, number: int) -> dict[str, Pair]:
        both, either = self.gates.both, self.gates.either
        found = {}
        for role in ROLES:
            here = [(each.fact.has[number], each.counts) for each in self.touches if each.role == role]
            found[role] = Pair(either(both((h, c.must)) for h, c in here), either(both((h, c.may)) for h, c in here))
        return found

    def _beside(self, each: Sequence[Pair]) -> Iterator[Pair]:
        """Of each country, whether another one is touched."""
        before, after = [NOBODY], [NOBODY]
        for pair in each:
            before.append(Pair(*(self.gates.either((a, b)) for a, b in zip(before[-1], pair, strict=True))))
        for pair in reversed(each):
            after.append(Pair(*(self.gates.either((a, b)) for a, b in zip(after[-1], pair, strict=True))))
        after.reverse()
        for number in range(len(each)):
            yield Pair(*(self.gates.either((a, b)) for a, b in zip(before[number], after[number + 1], strict=True)))

    def _covering(self, country: str) -> Iterator[tuple[str, int]]:
        """The jurisdictions that cover a country, "" for none, each with the literal of the days on which it does."""
        left = TRUE
        for name, text in self.vocabulary.jurisdictions.items():
            if isinstance(text.countries, str):
                windows = self.vocabulary.registers[text.countries].entries.get(country, ())
                on = self.gates.either(map(self.day.within, windows))
            else:
                on = TRUE if country in text.countries else -TRUE
            here = self.gates.both((on, left))
            if here != -TRUE:
                yield name, here
            left = self.gates.both((left, -on))
        if left != -TRUE:
            yield "", left

    def _accepting(self, country: str) -> Callable[[str], int]:
        def on(subject: str) -> int:
            mine = (each for each in self.vocabulary.accepts if country in each.countries and subject in each.subjects)
            return self.gates.either(self.day.within(RegisterEntry(each.from_, each.until)) for each in mine)

        return on

    def _read(self, slots: Iterable[int], given: Mapping[str, Roles], accepted: Callable[[str], int]) -> list[int]:
        """The literals of some slots for one country."""

        def local(slot: int) -> int:
            match self.names[slot]:
                case ("must" | "may" as end, (str(of), str(role))):
                    pair = given.get(of, {}).get(role, NOBODY)
                    return pair.must if end == "must" else pair.may
                case ("accepted here", str(subject)):
                    return accepted(subject)
            return -TRUE  # what is signed

        slots = list(slots)
        found = self.gates.of_code(self.program.code, slots, local, self.literals)
        return [found[slot] for slot in slots]
