"""
On which values of an exchange its permit rests, from the masks of its evaluation.

A verdict and the share of each value go in. Out come values, each with the worst that may come without it. Two things have to
stay as they are: terms that would raise the outcome stay impossible (shut), and terms of what lifts stay certain (kept). A value is
named where nothing else shuts a term, where a kept term tests it, or where it is the next that shuts a term which several values shut.

It is a proposal: it knows the rules, but neither coverage nor the last days of duties. The caller verifies it by evaluating the exchange
without all other values (`deciding.rests_on`).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence

from engine.backends.bitset.fact_masks import Share
from engine.backends.bitset.rule_table import RuleTable, without
from engine.backends.bitset.terms import Derived
from engine.rules import Need
from engine.values.outcome_levels import RANK, STAKES, Level, worst
from engine.verdict import Masks, Verdict, numbers

RAISING = STAKES[:3]
BY_EFFECT = {"prohibit": Level.PROHIBITED, "review": Level.REVIEW, "require": Level.REQUIREMENTS_UNMET}


class UnchangedTerms:
    """Terms that have to stay as they are, by what is at stake."""

    __slots__ = ("all", "masks")

    def __init__(self) -> None:
        self.masks = [0] * len(STAKES)  # in the order of STAKES
        self.all = 0

    def add(self, stake: Level, terms: int) -> None:
        self.masks[RANK[stake]] |= terms
        self.all |= terms

    def among(self, terms: int) -> UnchangedTerms:
        """Those of them that are among some terms."""
        found = UnchangedTerms()
        found.masks = [mask and mask & terms for mask in self.masks]
        found.all = self.all & terms
        return found


class Reliance:
    """`of` a verdict: the values on which a permit rests. Made once for a rule set."""

    def __init__(self, table: RuleTable, placed: Sequence[int], derived: Sequence[Derived]) -> None:
        self._table = table
        self._placed = placed
        # Each uses only earlier ones, so the users come first.
        self._derived = tuple(
            (each.terms, each.users.all, each.users.holding, each.users.failing) for each in reversed(derived)
        )
        self._rules: dict[Level, int] = dict.fromkeys(RAISING, 0)  # rules as bits, by the level that they raise
        self._terms: dict[Level, int] = dict.fromkeys(RAISING, 0)  # the same as bits of their terms
        self._needing: dict[str, int] = {}
        meeting: dict[str, int] = {}
        for number, rule in enumerate(table.rules):
            late = [duty.overdue for duty in rule.duties if duty.due and rule.effect == "oblige"]
            stake = worst(BY_EFFECT.get(rule.effect, Level.PERMITTED), *late)
            if stake in RAISING:
                self._rules[stake] |= 1 << number
                self._terms[stake] |= placed[number]
            if rule.need is not None:
                for name in rule.need.requirements():
                    self._needing[name] = self._needing.get(name, 0) | 1 << number
                for name in _enough(rule.need):
                    meeting[name] = meeting.get(name, 0) | placed[number]
        # For each rule that lifts, the terms that raise nothing while it stands, and those that would put it out.
        self._spared = {
            number: _union(
                (*(placed[n] for n in numbers(table.victims.get(number, 0))), *(meeting.get(name, 0) for name in lifted))
            )
            for number in numbers(table.exempters | table.lifters)
            for lifted in (table.lifts.get(number, ()),)
        }
        self._against: dict[int, int] = {}
        for exempter, victims in table.victims.items():
            for number in numbers(victims):
                self._against[number] = self._against.get(number, 0) | placed[exempter]

    def of(
        self,
        verdict: Verdict,
        terms: Masks,
        free: int,
        narrowed: int,
        shares: Sequence[Share],
        shut: UnchangedTerms,
        kept: UnchangedTerms,
    ) -> Mapping[str, Level]:
        """
        The values of an exchange on which its permit rests, by their keys, each with the worst that may come without it alone.

        `free` are the terms that the day and what is left out leave possible, `narrowed` those that the values leave too, and `shares` the
        shares of all values. `shut` and `kept` are the terms that have to stay for other reasons than the rules.
        """
        spared = self._lifts(verdict, terms, shut, kept)
        for stake, mask in self._terms.items():
            shut.add(stake, without(mask, spared))
        closed = without(free, terms.possible)
        shut = shut.among(closed)
        every = self._through_derived(terms, narrowed, closed, shut, kept)
        return _named(shares, shut, kept, every)

    def _lifts(self, verdict: Verdict, terms: Masks, shut: UnchangedTerms, kept: UnchangedTerms) -> int:
        """Keep what lifts for certain, though another lift would do; returns the terms that raise nothing while it stands."""
        table, stands = self._table, verdict.stands
        spared = 0
        for number in numbers(stands.certain & (table.exempters | table.lifters)):
            lifted = self._lifted(number, verdict)
            kept.add(lifted, self._placed[number] & terms.certain)
            shut.add(lifted, self._against.get(number, 0))
            if not (table.doubtful | verdict.doubted.possible) >> number & 1:
                spared |= self._spared[number]
        for number in numbers(verdict.holds.possible & table.otherwise):
            # What a law says otherwise stays away while one of its rules stands.
            others = numbers(stands.certain & table.speaking[number])
            for first in itertools.islice(others, 1):
                stake = BY_EFFECT[table.rules[number].effect]
                kept.add(stake, self._placed[first] & terms.certain)
                shut.add(stake, self._against.get(first, 0))
        return spared

    def _lifted(self, number: int, verdict: Verdict) -> Level:
        """The worst of what a rule lifts."""
        victims = self._table.victims.get(number, 0) & verdict.holds.possible
        found = next((stake for stake, rules in self._rules.items() if rules & victims), Level.PERMITTED)
        needed = any(self._needing.get(name, 0) & verdict.stands.possible for name in self._table.lifts.get(number, ()))
        return worst(found, Level.REQUIREMENTS_UNMET) if needed else found

    def _through_derived(
        self, terms: Masks, narrowed: int, closed: int, shut: UnchangedTerms, kept: UnchangedTerms
    ) -> UnchangedTerms:
        """
        From terms that test derived conditions to the terms of these conditions.

        Returns the terms that have to stay shut by each value that shuts them: those behind something that is kept.
        """
        every = UnchangedTerms()
        unshut = shut.all & narrowed  # what no value shuts
        staying = kept.all | unshut
        for tests, users, holding, failing in self._derived:
            if not staying & users and not every.all:
                continue
            behind, alone = kept.all & users, unshut & users
            if not terms.possible & tests:
                shuts = holding
            elif terms.certain & tests:
                shuts = failing
            else:
                continue
            alone &= shuts
            behind |= every.all & shuts
            if behind or alone:
                stake = _stake(shut, kept, every, alone, behind, behind)
                if shuts is failing:
                    kept.add(stake, tests & terms.certain)
                else:
                    (every if behind else shut).add(stake, tests & closed)
                    unshut = shut.all & narrowed
                staying = kept.all | unshut
        return every


def _stake(
    shut: UnchangedTerms, kept: UnchangedTerms, every: UnchangedTerms, opened: int, lost: int, each_opened: int
) -> Level:
    """The worst that may come where terms of these three do not stay: shut ones open, kept ones are lost, ones shut by each value open."""
    for stake, of_shut, of_kept, of_every in zip(STAKES, shut.masks, kept.masks, every.masks, strict=True):
        if opened & of_shut or lost & of_kept or each_opened & of_every:
            return stake
    return Level.PERMITTED


def _named(shares: Sequence[Share], shut: UnchangedTerms, kept: UnchangedTerms, every: UnchangedTerms) -> Mapping[str, Level]:
    """Values that stay by themselves, then of several values that shut a term the first."""
    all_shut, all_kept, all_every = shut.all, kept.all, every.all
    once = twice = 0
    shuts = []
    for _, possible, _ in shares:
        mine = all_shut & possible ^ all_shut  # `without`, in place: there are many values
        if mine:
            twice |= once & mine
            once |= mine
        shuts.append(mine)
    alone, left = once ^ twice, once
    found: dict[str, Level] = {}
    for (values, possible, tested), mine in zip(shares, shuts, strict=True):
        needed = mine and alone & mine
        keeps = all_kept & tested
        too = all_every and all_every & possible ^ all_every
        if needed or keeps or too:
            stake = _stake(shut, kept, every, needed, keeps, too)
            for value in values:
                found[value] = worst(found[value], stake) if value in found else stake
            left = without(left, mine)
    for (values, _, _), mine in zip(shares, shuts, strict=True) if left else ():
        if left & mine:
            for value in values:
                found.setdefault(value, Level.PERMITTED)
            left = without(left, mine)
    return found


def _enough(need: Need) -> Iterable[str]:
    """The requirements each of which is enough to meet a need."""
    if need.op == "one":
        yield need.requirement
    elif need.op == "any_of" or len(need.parts) == 1:
        for part in need.parts:
            yield from _enough(part)


def _union(masks: Iterable[int]) -> int:
    union = 0
    for mask in masks:
        union |= mask
    return union
