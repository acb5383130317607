"""
The worst that may come in each lane: a program goes in, its code for the highest levels of outcomes comes out, a piece a jurisdiction.

Whoever asks only for this needs little of a program: nothing beneath, hardly any lower ends. The law of a jurisdiction runs only where one
of its policies may apply in some lane, and only as long as it can make such a lane worse; coverage runs only for lanes that no law
refuses. The function of each piece is written when it first runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from engine.backends.lanes.integers import Function, function, needed
from engine.backends.lanes.lane_cases import Cases, LaneSet
from engine.backends.lanes.lane_program import LaneProgram
from engine.backends.lanes.slots import FALSE, TRUE, Operation, simpler
from engine.backends.lanes.thresholds import Ends, place
from engine.rules import RuleSet
from engine.values.outcome_levels import Bounds, Level

PERMITTED, OWING, REVIEW = (place(each) for each in (Level.PERMITTED, Level.PERMITTED_WITH_OBLIGATIONS, Level.REVIEW))
ABSENT = frozenset({"signed", "signed here", "signed for", "carried"})  # of which the cases that fit have nothing
REFUSING = (Level.REVIEW, Level.REQUIREMENTS_UNMET, Level.PROHIBITED)
GIVEN, IN_COUNTRY = ("given",), ("given", "local")


class Refused(NamedTuple):
    """The lanes in which the outcome may be at least so strict."""

    review: LaneSet
    unmet: LaneSet
    prohibited: LaneSet


@dataclass(frozen=True, slots=True)
class WorstLevels:
    """
    The worst of each lane. Where law certainly speaks it is at least a permit. `owing` works out where duties may be owed, of lanes that
    are not refused.
    """

    refused: Refused
    speaking: LaneSet
    owing: Callable[[], LaneSet]

    @classmethod
    def among(cls, outcomes: Sequence[Bounds]) -> WorstLevels:
        """The worst of outcomes that were found one by one, a lane each."""

        def lanes(there: Callable[[Bounds], bool]) -> LaneSet:
            return sum(1 << lane for lane, each in enumerate(outcomes) if there(each))

        owing = lanes(lambda each: each.high >= Level.PERMITTED_WITH_OBLIGATIONS)
        refused = Refused(*(lanes(lambda each, level=level: each.high >= level) for level in REFUSING))  # type: ignore[misc]
        return cls(refused, lanes(lambda each: each.low >= Level.PERMITTED), lambda: owing)

    @property
    def permitted(self) -> LaneSet:
        """The lanes that are permitted, whatever is not known."""
        return self.speaking & ~self.refused.review

    def of(self, lane: int) -> Level:
        """The worst that may come in a lane; `NOT_APPLICABLE` where nothing refuses and no law may speak."""
        if self.refused.review >> lane & 1:
            return Level(REVIEW + 1 + (self.refused.unmet >> lane & 1) + (self.refused.prohibited >> lane & 1))
        if not self.speaking >> lane & 1:
            return Level.NOT_APPLICABLE
        return Level.PERMITTED_WITH_OBLIGATIONS if self.owing() >> lane & 1 else Level.PERMITTED


def fits(cases: Cases) -> bool:
    """Whether this code decides some cases: nothing is signed off, and no condition came with the data."""
    return not any(kind in ABSENT for kind, _ in cases.named)


class WorstCode:
    """
    The pieces of one program. `places` has the given slots that a coder codes.

    `first` says how surely each fact that names countries counts, and then of each
    of `jurisdictions` where its law may apply.
    """

    def __init__(self, program: LaneProgram, rules: RuleSet, places: Mapping[int, int]) -> None:
        absent = {slot for name, slot in program.inputs.items() if isinstance(name, tuple) and name[0] in ABSENT}
        self._program = program
        self._code, at = simpler(program.code, absent)
        self._at = at
        here = {at[program.inputs[name]]: ("local", number) for name, number in program.local.items()}
        self._places = {at[slot]: ("given", number) for slot, number in places.items()} | here
        verdict = program.verdict
        policies: dict[str, dict[str, None]] = {}
        for rule in rules.rules:
            policies.setdefault(rule.provision.jurisdiction, {})[rule.provision.policy] = None
        self._ends: dict[str, Ends] = {}
        gates: list[int] = []
        for name, ends in verdict.jurisdictions.items():
            high = [at[slot] for slot in ends.high[OWING:]]
            if any(slot != FALSE for slot in high):
                self._ends[name] = ends
                defined = (verdict.defined.get(f"{policy}#applies") for policy in policies.get(name, ()))
                gates.append(self._gate([at[pair.may] for pair in defined if pair is not None], high))
        self.jurisdictions = tuple(self._ends)
        self.order = list(self._ends)
        self.everywhere = tuple(verdict.jurisdictions)
        touching = [at[slot] for pair in program.touching for slot in pair]
        self.touching = len(program.touching)
        self.first = self._function([*touching, *gates], GIVEN)
        self._written: dict[tuple[str, str], Function] = {}

    def set_up(self) -> None:
        """Write the functions of all pieces now."""
        for name in self.jurisdictions:
            for piece in (self.high, self.owing, self.speaks):
                piece(name)
        for name in self._program.countries:
            self.country(name)
        for name in self.everywhere:
            self.permits(name)
        _ = self.nowhere

    def put_first(self, jurisdiction: str) -> None:
        """Let a jurisdiction whose law prohibited something run earlier: what is prohibited already spares the law of others."""
        self.order.remove(jurisdiction)
        self.order.insert(0, jurisdiction)

    def high(self, jurisdiction: str) -> Function:
        """Where the law of a jurisdiction may refuse: Refused, without what its silences raise."""
        return self._piece("high", jurisdiction, lambda: self._verdict(jurisdiction).high[REVIEW:])

    def owing(self, jurisdiction: str) -> Function:
        """Where something may be owed under the law of a jurisdiction."""
        return self._piece("owing", jurisdiction, lambda: [self._verdict(jurisdiction).high[OWING]])

    def speaks(self, jurisdiction: str) -> Function:
        """Where the law of a jurisdiction certainly speaks."""
        return self._piece("speaks", jurisdiction, lambda: [self._program.verdict.speaks.get(jurisdiction, FALSE)])

    def permits(self, jurisdiction: str) -> Function:
        """Where it certainly raises something, whatever it is."""
        return self._piece("permits", jurisdiction, lambda: [self._verdict(jurisdiction).low[PERMITTED]])

    def country(self, jurisdiction: str) -> Function:
        """Where silent law may be a review in a country that a jurisdiction covers, and where an organisation's word is a permit."""
        [raised, _] = self._program.countries[jurisdiction].raises
        return self._piece("country", jurisdiction, lambda: [raised.review_high, raised.permit_low])

    @property
    def nowhere(self) -> Function:
        """Where a country that is not known may be a review, by subject matter."""
        return self._piece("nowhere", "", lambda: list(self._program.nowhere.values()))

    def _verdict(self, jurisdiction: str) -> Ends:
        return self._program.verdict.jurisdictions[jurisdiction]

    def _piece(self, kind: str, name: str, wanted: Callable[[], Iterable[int]]) -> Function:
        found = self._written.get((kind, name))
        if found is None:
            slots = [self._at[slot] for slot in wanted()]
            found = self._written[kind, name] = self._function(slots, IN_COUNTRY if kind in ("country", "nowhere") else GIVEN)
        return found

    def _function(self, wanted: Sequence[int], parameters: Sequence[str]) -> Function:
        return function(self._code, wanted, self._places, parameters)

    def _gate(self, applying: Sequence[int], high: Sequence[int]) -> int:
        """The slot of where a jurisdiction's law may apply; of every lane, where it may raise something all the same."""
        if not _nothing_without(self._code, set(applying), high):
            return TRUE
        found = FALSE
        for slot in dict.fromkeys(applying):
            self._code.append(("or", found, slot))
            found = len(self._code) - 1
        return found


def _nothing_without(code: Sequence[Operation], nothing: set[int], wanted: Sequence[int]) -> bool:
    """Whether some slots hold no lane where some others hold none."""
    known: dict[int, bool | None] = {}
    for slot in needed(code, wanted, nothing):
        kind, one, other = code[slot]
        if slot in nothing or kind == "no":
            known[slot] = False
        elif kind in ("yes", "in"):
            known[slot] = True if kind == "yes" else None
        elif kind == "not":
            inner = known[one]
            known[slot] = None if inner is None else not inner
        else:
            both, decides = (known[one], known[other]), kind == "or"
            known[slot] = decides if decides in both else None if None in both else not decides
    return all(known[slot] is False for slot in wanted)
