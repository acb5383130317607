"""
The program of a bundle: checked rules, coverage, coherence and settings in; straight-line code over slots, as data with a digest, out.

One program serves every day, since the day is a fact like others. It has a part for the verdict (which rules stand, which requirements are
met, which duties are owed, each jurisdiction's bounds), a part for one country of each jurisdiction (where its law is silent), and a part
that puts them together. A carrier runs it (`integers`); what the slots mean is `LaneProgram`'s.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from engine.backends.lanes.conflict_slots import ConflictSlots
from engine.backends.lanes.fact_tests import Test
from engine.backends.lanes.kleene import ConditionSlots
from engine.backends.lanes.silent_law import Country, Raise, SilentLaw
from engine.backends.lanes.slots import FALSE, NO, TRUE, YES, Operation, Pair, Slots
from engine.backends.lanes.standing_slots import (
    NeedSlots,
    ProgressSlots,
    RuleSlots,
    Signed,
    States,
    stand,
    states,
    strongest,
)
from engine.backends.lanes.thresholds import LEVELS, NOTHING, Ends, Thresholds, place, row
from engine.backends.reference.standing_rules import RuleLinks
from engine.policy_language.coherence import Never
from engine.policy_language.vocabulary import Vocabulary
from engine.policy_language.written_effects import PolicySettings
from engine.rules import Duty, Floor, Rule, RuleSet
from engine.values.outcome_levels import Level

LOCAL = frozenset({"role", "unknown", "other", "signed here", "accepted here", "raised", "signed for", "nowhere", "touched"})


@dataclass(frozen=True)
class VerdictSlots:
    """
    Where the code leaves what a verdict says: by the rules' numbers, and by the keys of everything else. `speaks` has the lanes in which
    the law of a jurisdiction certainly speaks, and so is at least a permit (4.2).
    """

    holds: tuple[Pair, ...]
    stands: tuple[Pair, ...]
    doubted: tuple[Pair, ...]
    requirements: Mapping[str, States]
    owed: Mapping[str, Pair]
    overdue: Mapping[str, Pair]
    defined: Mapping[str, Pair]
    jurisdictions: Mapping[str, Ends]
    beneath: Mapping[str, Ends]
    speaks: Mapping[str, int]


@dataclass(frozen=True)
class WholeSlots:
    """
    Where the code leaves the whole outcome: each jurisdiction's bounds with coverage and what travelled with the data, and those over all;
    the same beneath. `incoherent` has the lanes that an entry of the vocabulary says cannot be true, by its id. `conflicts` has where a
    rule compels what a jurisdiction refuses, and where the two may conflict.
    """

    jurisdictions: Mapping[str, Ends]
    overall: Ends
    beneath: Ends
    incoherent: Mapping[str, int]
    conflicts: Mapping[tuple[str, str], Pair]


@dataclass(frozen=True)
class LaneProgram:
    """
    Straight-line code. `code` has an operation for each slot, `inputs` the slots that are given by name, `tests` those of the tests.

    `countries` has the code for one country of each jurisdiction that covers countries, and under "" for one that none covers. `touching`
    says whether each fact that names countries counts.
    """

    code: Sequence[Operation]
    inputs: Mapping[object, int]
    tests: Mapping[Test, Pair]
    verdict: VerdictSlots
    whole: WholeSlots
    countries: Mapping[str, Country]
    nowhere: Mapping[str, int]
    touching: tuple[Pair, ...]

    @cached_property
    def local(self) -> Mapping[object, int]:
        """The places of what is given of a country, or of what countries raise, by name."""
        return {name: number for number, name in enumerate(filter(_is_local, self.inputs))}

    @property
    def digest(self) -> str:
        """A digest of the code and of what is given to it and read from it."""
        parts = (self.code, tuple(self.inputs.items()), self.verdict, self.whole, self.countries, self.nowhere, self.touching)
        return hashlib.sha256(repr(parts).encode()).hexdigest()


def lower(
    rules: RuleSet, vocabulary: Vocabulary | None, coherence: Iterable[Never] = (), settings: PolicySettings | None = None
) -> LaneProgram:
    """The program of some checked rules. Without a vocabulary, which has the coverage, it gives verdicts and no outcome over all."""
    return ProgramLowering(rules, vocabulary, tuple(coherence), settings or PolicySettings()).program()


class ProgramLowering:
    """Writes the code of one rule set. `changed_verdicts` writes that of changed rules into the same slots."""

    def __init__(
        self, rules: RuleSet, vocabulary: Vocabulary | None, coherence: tuple[Never, ...], settings: PolicySettings
    ) -> None:
        self.rules = rules
        self.vocabulary = vocabulary
        self.coherence = coherence
        self.settings = settings
        self.slots = Slots()
        self.conditions = ConditionSlots(self.slots, rules)
        self.links = RuleLinks.of(rules)
        self.duties = rules.duties()
        self.progress = {key: self._progress(duty) for key, duty in self.duties.items()}

    def program(self) -> LaneProgram:
        slots = self.slots
        holds = {rule.key: self.conditions(rule.condition) for rule in self.rules.rules}
        standing, needs, thresholds = self._strata(holds, self._signed)
        raised = {rule.key: thresholds.of(rule) for rule in self.rules.rules}
        # Beneath, a law whose reach is certainly in doubt is read as if it reached (4.3).
        reaching: dict[str, list[int]] = {}
        for rule in self.rules.rules:
            if rule.effect == "doubts":
                reaching.setdefault(rule.provision.id, []).append(standing[rule.key].stands.must)
        under, under_raised = standing, raised
        if reaching:
            under, _, below = self._strata(holds, lambda name: slots.either(self._signed(name), *reaching.get(name, ())))
            under_raised = {rule.key: below.of(rule) for rule in self.rules.rules}
        reviews = {rule.key for rule in self.rules.rules if rule.effect == "review"}
        plain = self._by_jurisdiction(
            {
                rule.key: self._without(raised[rule.key], standing[rule.key].stands.must, self._signed(rule.provision.id))
                if rule.key in reviews
                else raised[rule.key]
                for rule in self.rules.rules
            },
            thresholds,
        )
        beneath = self._by_jurisdiction(
            {
                rule.key: self._without(under_raised[rule.key], under[rule.key].stands.must, TRUE)
                if rule.key in reviews
                else under_raised[rule.key]
                for rule in self.rules.rules
            },
            thresholds,
        )
        weighed = self._on_floors(plain, thresholds, None), self._on_floors(beneath, thresholds, None)
        verdict = VerdictSlots(
            tuple(holds[rule.key] for rule in self.rules.rules),
            tuple(standing[rule.key].stands for rule in self.rules.rules),
            tuple(standing[rule.key].doubted for rule in self.rules.rules),
            needs.requirements,
            thresholds.owing,
            {key: self.progress[key].overdue for key in thresholds.owing},
            self.conditions.defined,
            *weighed,
            {floor.jurisdiction: self._permits(floor, None).must for floor in self.rules.floors},
        )
        nothing = WholeSlots({}, NOTHING, NOTHING, {}, {})
        if self.vocabulary is None:
            return LaneProgram(tuple(slots.code), slots.inputs, self.conditions.tests, verdict, nothing, {}, {}, ())
        silent = SilentLaw(slots, self.conditions, self.rules, self.vocabulary, self.settings.trust)
        countries = {name: silent.covered(name) for name in self.vocabulary.jurisdictions}
        countries[""] = silent.uncovered()
        nowhere = silent.nowhere()
        conflicts = ConflictSlots(slots, needs, thresholds, self._signed)
        whole = self._whole(plain, beneath, thresholds, conflicts)
        return LaneProgram(
            tuple(slots.code), slots.inputs, self.conditions.tests, verdict, whole, countries, nowhere, silent.touching
        )

    def _signed(self, name: str) -> int:
        return self.slots.given(("signed", name))

    def _progress(self, duty: Duty) -> ProgressSlots:
        slots = self.slots
        done = self.conditions(duty.done_when) if duty.done_when else NO
        return ProgressSlots(done, slots.all_of((slots.inverse(done), self.conditions.late(duty.due))))

    def _strata(self, holds: Mapping[str, Pair], signed: Signed) -> tuple[dict[str, RuleSlots], NeedSlots, Thresholds]:
        """Which rules stand, which requirements are met, and what rules raise, with some provisions signed off."""
        slots, links = self.slots, self.links
        standing = stand(slots, self.rules.rules, links, holds, signed)
        requirements = {
            name: states(
                slots, strongest(slots, (standing[r.key].lifts for r in (*links.grounds[name], *links.excusers[name])))
            )
            for name in self.rules.requirements
        }
        needs = NeedSlots(slots, self.rules, links, standing, requirements, self.progress)
        return standing, needs, Thresholds(slots, standing, needs, self.duties, self.progress)

    def _without(self, ends: Ends, certain: int, signed: int) -> Ends:
        """What a review raises where it is not put away: a person signs only one that certainly stands (4.6)."""
        off = self.slots.both(certain, signed)
        return Ends(
            tuple(self.slots.less(each, off) for each in ends.low), tuple(self.slots.less(each, off) for each in ends.high)
        )

    def _by_jurisdiction(self, raised: Mapping[str, Ends], thresholds: Thresholds) -> dict[str, Ends]:
        found: dict[str, list[Ends]] = {}
        for rule in self.rules.rules:
            found.setdefault(rule.provision.jurisdiction, []).append(raised[rule.key])
        return {name: thresholds.over(ends) for name, ends in found.items()}

    def _on_floors(self, ends: Mapping[str, Ends], thresholds: Thresholds, weighing: int | None) -> dict[str, Ends]:
        """4.2: the bounds on each jurisdiction's floor; with `weighing`, what a person signed for is worked out from the coverage."""
        weighed = dict(ends)
        for floor in self.rules.floors:
            permits = self._permits(floor, weighing)
            weighed[floor.jurisdiction] = thresholds.on_floor(weighed.get(floor.jurisdiction, NOTHING), floor.covered, permits)
        return weighed

    def _permits(self, floor: Floor, weighing: int | None) -> Pair:
        """4.2: whether law speaks of a subject matter of the exchange, and of each one that is covered on the day."""
        slots, speaks, of_each = self.slots, NO, YES
        for spoken in floor.spoken:
            about = self.conditions.defined[spoken.subject] if spoken.subject else YES
            signed = self._signed(spoken.signed) if spoken.signed else FALSE
            if weighing is not None and spoken.signed:
                signed = slots.either(signed, slots.given(("signed for", spoken.signed, weighing)))
            says = slots.any_of((Pair(signed, signed), *(self.conditions.defined[key] for key in spoken.by)))
            speaks = slots.any_of((speaks, slots.all_of((about, says))))
            if spoken.covered_from is not None:
                outside = slots.inverse(self.conditions.from_day(spoken.covered_from))
                of_each = slots.all_of((of_each, slots.any_of((outside, slots.inverse(about), says))))
        return slots.all_of((speaks, of_each))

    def _whole(
        self, plain: Mapping[str, Ends], beneath: Mapping[str, Ends], thresholds: Thresholds, conflicts: ConflictSlots
    ) -> WholeSlots:
        """4.3, 4.4: the bounds with coverage and with what travelled, of each jurisdiction and over all."""
        slots = self.slots
        floored = [self._on_floors(ends, thresholds, weighing) for weighing, ends in enumerate((plain, beneath))]
        weighed = [
            {name: self._raised(each, self._given_of(name, weighing)) for name, each in ends.items()}
            for weighing, ends in enumerate(floored)
        ]
        overall: list[Ends] = []
        for weighing, places in enumerate(weighed):
            elsewhere = self._raised(NOTHING, self._given_of("", weighing))
            nowhere = Ends(row(Level.NOT_APPLICABLE), row(Level.REVIEW, slots.given(("nowhere",))))
            overall.append(thresholds.over((*places.values(), elsewhere, nowhere)))
        # Where nothing is refused, nothing lies above what is beneath.
        own, below = overall
        refused = own.high[place(Level.REVIEW)]
        below = Ends(
            *(
                tuple(
                    slots.either(slots.both(refused, under), slots.less(over, refused))
                    for under, over in zip(*rows, strict=True)
                )
                for rows in ((below.low, own.low), (below.high, own.high))
            )
        )
        permitting = own.low[place(Level.PERMITTED)]
        carried: dict[str, list[Ends]] = {}
        for rule in {rule.provision.id: rule for rule in self.rules.rules if rule.travels}.values():
            carried.setdefault(rule.provision.jurisdiction, []).append(self._carried(rule, permitting))
        every = [each for mine in carried.values() for each in mine]
        jurisdictions = weighed[0] | {
            name: thresholds.over((weighed[0].get(name, NOTHING), *mine)) for name, mine in carried.items()
        }
        return WholeSlots(
            jurisdictions,
            thresholds.over((own, *every)),
            thresholds.over((below, *every)),
            self._incoherent(),
            conflicts.of(self.rules.rules, floored[0]),
        )

    def _given_of(self, name: str, weighing: int) -> Raise:
        return Raise(*(self.slots.given(("raised", name, weighing, field)) for field in Raise._fields))

    def _raised(self, ends: Ends, by: Raise) -> Ends:
        either = self.slots.either
        low, high = (
            tuple(
                either(each, permit if level <= Level.PERMITTED else FALSE, review if level <= Level.REVIEW else FALSE)
                for level, each in zip(LEVELS, levels, strict=True)
            )
            for levels, permit, review in (
                (ends.low, by.permit_low, by.review_low),
                (ends.high, by.permit_high, by.review_high),
            )
        )
        return Ends(low, high)

    def _carried(self, rule: Rule, permitting: int) -> Ends:
        """What a condition that came with the data raises; what it makes a permit counts only where the exchange is permitted."""
        slots, travels = self.slots, rule.travels
        assert travels
        laid = slots.given(("carried", rule.provision.id))
        if not travels.when:
            low = high = row(Level.PERMITTED_WITH_OBLIGATIONS, laid)
        else:
            met = self.conditions.defined[travels.when]
            violated, open_ = slots.neither(met.may), slots.neither(met.must)
            low = tuple(
                slots.both(laid, slots.either(a, b))
                for a, b in zip(row(travels.otherwise, violated), row(Level.PERMITTED, open_), strict=True)
            )
            high = row(travels.otherwise, slots.both(laid, open_))
        review = place(Level.REVIEW)
        return Ends(
            *(tuple(slots.both(each, slots.either(permitting, levels[review])) for each in levels) for levels in (low, high))
        )

    def _incoherent(self) -> dict[str, int]:
        """1.5: the lanes in which what an entry says cannot be true is certainly true, and nothing said makes it possible."""
        found = {}
        read = ConditionSlots(self.slots, replace(self.rules, definitions={}), undated=True)
        for never in self.coherence:
            unless = read(never.unless) if never.unless is not None else NO
            found[never.id] = self.slots.less(read(never.condition).must, unless.must)
        self.conditions.tests |= read.tests
        return found


def _is_local(name: object) -> bool:
    """Whether a given slot is one of a country, or of what countries raise."""
    assert isinstance(name, tuple)
    inner = name[1] if name[0] in ("must", "may") else name
    return isinstance(inner, tuple) and inner[0] in LOCAL
