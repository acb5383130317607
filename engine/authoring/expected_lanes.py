"""
What the cases of a bundle expect, as sets of lanes: a lane is a case.

Cases go in. Then what a change of the rules moves of their verdicts goes in, and the lanes come out in which an expectation is not met any
more; and apart from these the lanes in which only an outcome, or only a whole decision, can show that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from engine.authoring.prepared_case import PreparedCase, full_name
from engine.backends.lanes.changed_verdicts import ChangedVerdicts, Part, VerdictMove
from engine.backends.lanes.slots import NO
from engine.backends.lanes.thresholds import place
from engine.deciding.combine import COVERAGE
from engine.explaining.phrasebook import Phrasebook
from engine.policy_language.case_text import DutyOnDay
from engine.rules import Truth
from engine.values.outcome_levels import Level

Masks = defaultdict[str, int]
PROHIBITED = place(Level.PROHIBITED)


class Departing(NamedTuple):
    """The lanes that depart from what is expected; those that an outcome has to show; those that only a decision can show."""

    surely: int
    by_outcome: int
    by_decision: int


class ExpectedLanes:
    """The expectations of some cases, by what of a verdict they read."""

    def __init__(self, cases: Sequence[PreparedCase], unchanged: ChangedVerdicts, book: Phrasebook) -> None:
        self.unchanged = unchanged
        rules = unchanged.rules
        self._read: dict[str, dict[Truth, int]] = defaultdict(lambda: defaultdict(int))  # by definition and truth
        self._because, self._silent, self._beaten, self._met, self._bounds, self._alone = (Masks(int) for _ in range(6))
        self._silent_of = Masks(int)  # by policy, where one of its rules is expected to be silent
        self._duties = self._overdue = self._due = self._outcome = self._coverage = self._opening = self._whole = 0
        for number, case in enumerate(cases):
            self._add(case, 1 << number)
        self._of_provision: dict[str, list[str]] = defaultdict(list)
        self._requiring: dict[str, list[str]] = defaultdict(list)
        for rule in rules.rules:
            self._of_provision[rule.provision.id].append(rule.key)
            for name in rule.need.requirements() if rule.need else ():
                self._requiring[name].append(rule.key)
        self._exempting = {rule.key for rule in rules.rules if rule.effect == "exempts"}
        self._words = {key: book.text(duty.text) for key, duty in unchanged.duties.items()}
        self._in_words: dict[str, list[str]] = defaultdict(list)
        for key, words in self._words.items():
            self._in_words[words].append(key)
        self._with_duty: dict[str, list[str]] = defaultdict(list)
        for rule in rules.rules:
            for duty in rule.duties:
                self._with_duty[duty.key].append(rule.key)
        refusing = [rule for rule in rules.rules if any(duty.arises == "refusal" for duty in rule.duties)]
        self._refusing = {rule.key for rule in refusing}
        self._refusing_places = {rule.provision.jurisdiction for rule in refusing}

    def _add(self, case: PreparedCase, lane: int) -> None:
        expect, suite = case.expect, case.suite
        definitions = self.unchanged.rules.definitions
        for policy, word in expect.applies.items():
            self._read[f"{policy}#applies"][Truth[word.upper()]] |= lane
        for name, word in expect.define.items():
            self._read[name if name in definitions else f"{name}!raise"][Truth[word.upper()]] |= lane
        for names, masks in ((expect.because, self._because), (expect.silent, self._silent), (expect.beaten, self._beaten)):
            for name in names or ():
                masks[full_name(suite, name)] |= lane
        for name in expect.silent or ():
            self._silent_of[full_name(suite, name).rpartition("/")[0]] |= lane
        for name in expect.requirements:
            self._met[name] |= lane
        for name in expect.jurisdictions:
            self._bounds[name] |= lane
        self._duties |= lane if expect.duties is not None else 0
        self._due |= lane if any(isinstance(each, DutyOnDay) for each in expect.duties or ()) else 0
        self._overdue |= lane if expect.overdue is not None else 0
        self._outcome |= lane if expect.outcome or expect.proceed else 0
        covered = expect.outcome or expect.proceed or expect.jurisdictions or expect.not_modelled is not None
        self._coverage |= lane if covered else 0
        for policy in expect.instruments:
            self._alone[policy] |= lane
        self._opening |= lane if expect.lanes else 0
        listed = expect.missing is not None or expect.conflicts is not None or expect.factor or expect.rests_on
        self._whole |= lane if listed or case.exchange.disputed or case.exchange.carried else 0

    def departing(self, moved: Sequence[VerdictMove], redated: Iterable[str], values: Sequence[int]) -> Departing:
        """The lanes that depart where some parts of the verdicts have moved, and some duties have another last day."""
        after = {(each.part, each.key): each.after for each in moved}
        reading = _Reading(self.unchanged, after, values)
        keys: dict[Part, dict[str, None]] = defaultdict(dict)
        surely = by_outcome = by_decision = 0
        for part, key, before, now in moved:
            keys[part][key] = None
            apart = 0
            for one, other in zip(before, now, strict=True):
                apart |= values[one] ^ values[other]
            if part != "defined" or key.startswith(COVERAGE):
                by_decision |= apart & self._whole
            if part == "defined":
                surely |= self._misread(key, *(values[slot] for slot in now))
                by_decision |= apart & self._alone.get(key.removesuffix("#applies"), 0)
                by_outcome |= apart & self._coverage if key.startswith(COVERAGE) else 0
            elif part == "bounds":
                by_outcome |= apart & (self._outcome | self._bounds[key])
                if key in self._refusing_places:  # a prohibition brings duties of its own
                    by_decision |= self._duties & (values[before[PROHIBITED]] ^ values[now[PROHIBITED]])
            elif part == "raised":
                by_decision |= apart & self._alone.get(self.unchanged.by_key[key].provision.policy, 0)
            elif part in ("stands", "doubted"):
                rule = self.unchanged.by_key[key]
                by_outcome |= apart & self._coverage if rule.effect == "doubts" else 0
                by_decision |= apart & self._duties if key in self._refusing else 0
                by_decision |= apart & self._opening if rule.lane else 0
        provisions = {self.unchanged.by_key[key].provision.id for part in ("holds", "stands", "doubted") for key in keys[part]}
        for name in provisions:
            surely |= self._not_standing(name, reading)
        needs = {name for rule in keys["stands"] if (need := self.unchanged.by_key[rule].need) for name in need.requirements()}
        for name in needs | keys["requirements"].keys():
            if expecting := self._met[name]:
                surely |= expecting & _apart(self._states(name, each) for each in (reading.before, reading.now))
        for words in {self._words[key] for part in ("owed", "overdue") for key in keys[part]}:
            for expecting, find in ((self._duties, self._owed), (self._overdue, self._late)):
                surely |= expecting & _apart([find(words, each)] for each in (reading.before, reading.now))
        for key in redated:
            by_decision |= self._due & values[reading.now("owed", key)[1]]
            for owner in self._with_duty[key]:  # a refusal brings its duties too
                by_decision |= self._due & values[reading.now("stands", owner)[1]]
        return Departing(surely, by_outcome, by_decision)

    def _misread(self, key: str, must: int, may: int) -> int:
        """The lanes in which a definition does not read as expected."""
        wanted = self._read.get(key)
        found = 0
        if wanted:
            found = wanted[Truth.YES] & ~must | wanted[Truth.NO] & may | wanted[Truth.UNKNOWN] & (must | ~may)
        if key.endswith("#applies") and (silent := self._silent_of.get(key.removesuffix("#applies"))):
            found |= silent & ~may  # a silent rule shows nothing where its policy does not apply
        return found

    def _not_standing(self, name: str, reading: _Reading) -> int:
        """The lanes in which a provision does not stand, is not silent or is not beaten as expected."""
        because, silent, beaten = self._because[name], self._silent[name], self._beaten[name]
        if not because | silent | beaten:
            return 0
        certain = possible = lifted = 0
        for key in self._of_provision[name]:
            must, may = reading.values("stands", key)
            certain, possible = certain | must, possible | may
            if beaten and key not in self._exempting:
                held, may_hold = reading.values("holds", key)
                lifted |= (held ^ must | may_hold ^ may | reading.values("doubted", key)[1]) & may_hold
        return because & ~certain | silent & possible | beaten & ~lifted

    def _states(self, name: str, slots: _Slots) -> tuple[int, ...]:
        """Where a requirement is asked for, and where it is said to be unmet, doubtful and met; elsewhere it is unknown."""
        values = slots.of
        asked = 0
        for key in self._requiring[name]:
            asked |= values[slots("stands", key)[1]]
        unmet, doubtful, met, _ = (values[slot] for slot in slots("requirements", name))
        return asked, asked & unmet & ~doubtful & ~met, asked & doubtful & ~unmet & ~met, asked & met & ~unmet & ~doubtful

    def _owed(self, words: str, slots: _Slots) -> int:
        found = 0
        for key in self._in_words[words]:
            found |= slots.of[slots("owed", key)[1]]
        return found

    def _late(self, words: str, slots: _Slots) -> int:
        found = 0
        for key in self._in_words[words]:
            found |= slots.of[slots("owed", key)[1]] & slots.of[slots("overdue", key)[0]]
        return found


def _apart(both: Iterable[Iterable[int]]) -> int:
    """Where two rows of sets of lanes differ."""
    before, now = both
    found = 0
    for one, other in zip(before, now, strict=True):
        found |= one ^ other
    return found


class _Slots:
    """Finds the slots of the parts of a verdict, of the unchanged rules or of changed ones; `of` are the lanes of each slot."""

    def __init__(self, find: Callable[[Part, str], tuple[int, ...]], of: Sequence[int]) -> None:
        self._find, self.of = find, of

    def __call__(self, part: Part, key: str) -> tuple[int, ...]:
        return self._find(part, key)


class _Reading:
    """A verdict before a change and now."""

    def __init__(
        self, unchanged: ChangedVerdicts, after: Mapping[tuple[Part, str], tuple[int, ...]], values: Sequence[int]
    ) -> None:
        self._after = after
        self._values = values
        parts: dict[Part, Mapping[str, tuple[int, ...]]] = {
            "holds": unchanged.holds,
            "stands": {},
            "requirements": unchanged.needs.requirements,
            "owed": unchanged.owed,
        }

        def find(part: Part, key: str) -> tuple[int, ...]:
            if part in ("stands", "doubted"):
                return getattr(unchanged.standing[key], part)  # type: ignore[no-any-return]
            if part == "overdue":
                return unchanged.progress[key].overdue
            return parts[part].get(key, NO)

        self.before = _Slots(find, values)
        self.now = _Slots(lambda part, key: after.get((part, key)) or find(part, key), values)

    def values(self, part: Part, key: str) -> tuple[int, int]:
        must, may = self.now(part, key)
        return self._values[must], self._values[may]
