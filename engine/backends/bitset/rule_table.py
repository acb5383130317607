"""
What the upper strata of the bitset back end look up, made once for a rule set: the rules of each kind as masks, and floors as terms.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from engine.backends.bitset.value_tests import NO, UNKNOWN, YES, AtomReader
from engine.rules import Floor, Need, RuleSet, State, Truth
from engine.values.outcome_levels import Level
from engine.verdict import Masks

OWING = Level.PERMITTED_WITH_OBLIGATIONS
BARS = {"review": Level.REVIEW, "prohibit": Level.PROHIBITED}
UNMET = frozenset((State.UNMET,))


class RuleTable:
    """What the strata look up: the rules of each kind as masks, victims, grounds, needs; made once for a rule set."""

    def __init__(self, rules: RuleSet, reader: AtomReader) -> None:
        self.rules = rules.rules
        self.requirements = rules.requirements
        self.reader = reader
        self.duties = rules.duties()
        number_of = {rule.key: number for number, rule in enumerate(rules.rules)}
        self.victims = {
            n: mask_of(number_of[key] for key in rule.exempts) for n, rule in enumerate(rules.rules) if rule.exempts
        }
        self.exempters = mask_of(self.victims)
        self.speaking = {
            n: mask_of(number_of[key] for key in rule.otherwise) for n, rule in enumerate(rules.rules) if rule.otherwise
        }
        self.otherwise = mask_of(self.speaking)
        self.doubtful = mask_of(n for n, rule in enumerate(rules.rules) if rule.doubtful)
        self.doubting = mask_of(n for n, rule in enumerate(rules.rules) if rule.effect == "doubts")
        self.provisions: dict[str, int] = {}  # by provision, its rules that a person may sign off
        for number, rule in enumerate(rules.rules):
            if rule.doubtful or rule.effect == "review":
                self.provisions[rule.provision.id] = self.provisions.get(rule.provision.id, 0) | 1 << number
        self.lifts = {
            n: (*rule.satisfies, *rule.excuses) for n, rule in enumerate(rules.rules) if rule.satisfies or rule.excuses
        }
        self.lifters = mask_of(self.lifts)
        self.obliged = {
            number: frozenset(duty.key for duty in rule.duties if duty.arises == "exchange")
            for number, rule in enumerate(rules.rules)
            if rule.effect == "oblige"
        }
        # A duty without a last day and without `done_when` is owed wherever its rule stands.
        self.plain = {
            number: next(iter(keys))
            for number, keys in self.obliged.items()
            if len(keys) == 1 and all(self.duties[key].due is None and self.duties[key].done_when is None for key in keys)
        }
        self.plainly = mask_of(self.plain)
        self.raising = mask_of(n for n, rule in enumerate(rules.rules) if rule.effect in ("oblige", "require")) & ~self.plainly
        # Rules of one jurisdiction that require the same raise the same.
        alike: dict[tuple[str, Need], int] = {}
        for number, rule in enumerate(rules.rules):
            if rule.need is not None:
                key = (rule.provision.jurisdiction, rule.need)
                alike[key] = alike.get(key, 0) | 1 << number
        self.alike = {n: alike[r.provision.jurisdiction, r.need] if r.need else 1 << n for n, r in enumerate(rules.rules)}
        self.level = {n: OWING if n in self.plain else BARS.get(rule.effect) for n, rule in enumerate(rules.rules)}
        # By jurisdiction, its rules that raise one level: all of them, and those of each level, the strictest first. Rules that require
        # raise one while unmet.
        self.bars: dict[str, tuple[int, tuple[tuple[Level, int], ...]]] = {}
        for number, rule in enumerate(rules.rules):
            level = Level.REQUIREMENTS_UNMET if rule.need else self.level[number]
            if level is not None:
                mask, levels = self.bars.get(rule.provision.jurisdiction, (0, ()))
                of_place = dict(levels)
                of_place[level] = of_place.get(level, 0) | 1 << number
                self.bars[rule.provision.jurisdiction] = mask | 1 << number, tuple(sorted(of_place.items(), reverse=True))
        self.levelled = mask_of(number for number, level in self.level.items() if level is not None)
        self.reviewing = mask_of(n for n, rule in enumerate(rules.rules) if rule.effect == "review")
        self.barring = mask_of(n for n, level in self.level.items() if level is not None and level is not OWING)
        self.places = tuple(rule.provision.jurisdiction for rule in rules.rules)
        self.covered = tuple(floor.jurisdiction for floor in rules.floors if floor.covered)
        self.everywhere = tuple(dict.fromkeys((*self.places, *(floor.jurisdiction for floor in rules.floors))))
        self.unmet = dict.fromkeys(rules.requirements, UNMET)
        grounds: dict[str, list[int]] = {name: [] for name in rules.requirements}
        for number, rule in enumerate(rules.rules):
            for name in rule.satisfies:
                grounds[name].append(number)
        order = {n: (rule.provision.policy, rule.provision.line) for n, rule in enumerate(rules.rules)}
        self.grounds = {name: tuple(sorted(found, key=order.__getitem__)) for name, found in grounds.items()}
        self.ways = {
            (name, number): frozenset(d.key for d in (*rules.requirements[name].duties, *rules.rules[number].duties))
            for name, found in grounds.items()
            for number in found
        }
        # The requirements of which some ground comes with duties, and the rules that require one of them.
        self.dutiful = frozenset(name for (name, _), duties in self.ways.items() if duties)
        self.requiring_dutiful = mask_of(
            n for n, rule in enumerate(rules.rules) if rule.need and not self.dutiful.isdisjoint(rule.need.requirements())
        )
        # The rules of which no need is met while nothing lifts what they require, and of these the ones that require something.
        self.needing = mask_of(n for n, rule in enumerate(rules.rules) if rule.need and not _met_by_nothing(rule.need))
        self.requiring: dict[str, int] = {}
        for number, rule in enumerate(rules.rules):
            for name in rule.need.requirements() if rule.need else ():
                self.requiring[name] = self.requiring.get(name, 0) | 1 << number
        # A rule that requires one thing that comes without duties, by that thing; one that obliges to one duty without a last day.
        self.single_need = {
            n: rule.need.requirement
            for n, rule in enumerate(rules.rules)
            if rule.need and rule.need.op == "one" and rule.need.requirement not in self.dutiful
        }
        self.undated = {
            number: next(iter(keys))
            for number, keys in self.obliged.items()
            if number not in self.plain and len(keys) == 1 and all(self.duties[key].due is None for key in keys)
        }


@dataclass(frozen=True, slots=True)
class FloorTerms:
    """
    A floor (semantics 4.2) as masks of terms. `spoken` has for each subject matter the terms that are about it (0 for any), the day from
    which it is covered, the terms by which the law speaks, and the name under which a person signs for it; `voices` are all terms by which
    the law speaks, `signed` all names.
    """

    place: str
    voices: int
    signed: frozenset[str]
    spoken: tuple[tuple[int, date | None, int, str], ...]

    @classmethod
    def of(cls, floor: Floor, defined: Mapping[str, int]) -> FloorTerms:
        spoken = []
        voices = 0
        for each in floor.spoken:
            said = 0
            for key in each.by:
                said |= defined[key]
            voices |= said
            spoken.append((defined[each.subject] if each.subject else 0, each.covered_from, said, each.signed))
        return cls(floor.jurisdiction, voices, frozenset(each.signed for each in floor.spoken), tuple(spoken))

    def permits(self, terms: Masks, day: date, signed: frozenset[str]) -> Truth:
        """Whether the law speaks of some subject matter of the exchange, and of every one that it covers on the day."""
        possible, certain = terms
        speaks, everywhere = NO, YES
        for subject, since, said, name in self.spoken:
            about = not subject or certain & subject
            if not about and not possible & subject:
                continue
            if certain & said or name in signed:
                speaks = YES if about else speaks or UNKNOWN
                continue
            says = UNKNOWN if possible & said else NO
            speaks = speaks or says
            if since is not None and since <= day:
                everywhere = min(everywhere, says if about else UNKNOWN)
        return min(speaks, everywhere)


def without(terms: int, others: int) -> int:
    """Some terms without others; the complement of a mask is slow to make."""
    return terms & others ^ terms


def mask_of(numbers: Iterable[int]) -> int:
    """A set of numbers as an integer: bit n is the number n."""
    mask = 0
    for number in numbers:
        mask |= 1 << number
    return mask


def _met_by_nothing(need: Need) -> bool:
    """Whether a need is met although none of what it requires is."""
    if need.op == "one":
        return False
    return (any if need.op == "any_of" else all)(map(_met_by_nothing, need.parts))
