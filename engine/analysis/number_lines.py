"""
Numbers and days as literals: one for each threshold that some test compares with, in order (order encoding).

A threshold is a number and whether the value must be beyond it: `(c, 0)` is "at least c", `(c, 1)` "more than c". Thresholds may come one
by one; `finish` then says how they hang together, and may be called again.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from itertools import pairwise
from typing import TypeAlias

from engine.analysis.gates import TRUE, Gates

Threshold: TypeAlias = tuple[Decimal, int]
ZERO: Threshold = (Decimal(0), 0)
MOST_SUMS = 500  # of the first members of a family, that are told apart
FINEST = Decimal("0.000000000001")


class NumberLine:
    """One number or day: `from_(threshold)` holds where it is at a threshold or beyond it."""

    def __init__(self, gates: Gates, name: object, seldom: bool = False) -> None:
        self.gates = gates
        self.name = name
        self.seldom = seldom
        self.at: dict[Threshold, int] = {}

    def from_(self, threshold: Threshold) -> int:
        """The literal of a threshold."""
        if threshold not in self.at:
            self.at[threshold] = self.gates.variable((self.name, threshold), self.seldom)
        return self.at[threshold]

    def finish(self) -> None:
        """Say that what is beyond a threshold is beyond each lower one."""
        ordered = sorted(self.at)
        for lower, higher in pairwise(ordered):
            self.gates.follows(self.at[higher], self.at[lower])


class NumberRange:
    """
    What an exchange says of a number: nothing, or the least and the most that it is.

    `whole` numbers have nothing between one and the next. A `complete` exchange has no range, and states each number that is `asked`.
    """

    def __init__(
        self, gates: Gates, name: str, complete: int, whole: bool, asked: bool = True, stated: int | None = None
    ) -> None:
        self.gates = gates
        self.name = name
        self.asked = asked
        self.whole = whole
        self.complete = complete
        self.stated = gates.variable((name, "stated"), seldom=True) if stated is None else stated
        self.low = NumberLine(gates, (name, "low"), seldom=True)
        self.high = NumberLine(gates, (name, "high"))

    def threshold(self, number: Decimal, beyond: bool) -> Threshold:
        """The threshold of a number; of whole numbers the next one lies beyond it."""
        return (number + 1, 0) if beyond and self.whole else (number, int(beyond))

    def compare(self, op: str, number: Decimal) -> tuple[int, int]:
        """2.8: whether it certainly compares so with a number, and whether it may."""
        at = self.threshold(number, op in ("more_than", "at_most"))
        low, high = self.low.from_(at), self.high.from_(at)
        return (low, high) if op in ("at_least", "more_than") else (-high, -low)

    def thresholds(self) -> set[Threshold]:
        """The thresholds of both ends."""
        return {*self.low.at, *self.high.at}

    def finish(self) -> None:
        """Say how the two ends hang together."""
        say = self.gates.say
        for at in self.thresholds():
            low, high = self.low.from_(at), self.high.from_(at)
            say(-low, high)
            say(self.stated, -low)
            say(self.stated, high)
            say(-self.complete, -self.stated, low, -high)
            if at <= ZERO:
                say(-self.stated, low)
        if self.asked:
            say(-self.complete, self.stated)
        self.low.finish()
        self.high.finish()


class TotalRange:
    """2.7: what the members of a family are together: the largest up to the sum of `distinct` counts, else the sum."""

    def __init__(self, total: NumberRange, members: Iterable[NumberRange], distinct: bool) -> None:
        self.total = total
        self.members = tuple(members)
        self.distinct = distinct

    def link(self) -> bool:
        """Say how the total hangs on the members; whether a new threshold was met on the way."""
        before = sum(len(each.thresholds()) for each in self.members)
        total, say = self.total, self.total.gates.say
        for at in sorted(total.thresholds()):
            if at <= ZERO:
                continue  # every total reaches it
            low, high = total.low.from_(at), total.high.from_(at)
            lows, highs = ([getattr(each, end).from_(at) for each in self.members] for end in ("low", "high"))
            for each in lows:
                say(-each, low)
            for each in highs:
                say(-each, high)
            # A sum of n reaches a number only where some member reaches the n-th part of it.
            part = at[0] / len(self.members)
            share = (part.to_integral_value(ROUND_CEILING) if total.whole else part.quantize(FINEST, ROUND_FLOOR), 0)
            say(-high, *(each.high.from_(share) for each in self.members))
            say(-low, *(lows if self.distinct else (each.low.from_(share) for each in self.members)))
        if not self.distinct:
            self._add_up()
        return before != sum(len(each.thresholds()) for each in self.members)

    def _add_up(self) -> None:
        """Say that a sum reaches what its parts reach together, and lies below what they lie below together."""
        total, (both, either, say) = self.total, (self.total.gates.both, self.total.gates.either, self.total.gates.say)
        most = max(total.thresholds(), default=ZERO)
        reached: dict[Threshold, int] = {ZERO: TRUE}
        below: dict[Threshold, int] = {(Decimal(0), 1): TRUE}
        for member in self.members:
            more: dict[Threshold, list[int]] = {}
            less: dict[Threshold, list[int]] = {}
            for (number, beyond), literal in reached.items():
                for part, end in ((ZERO, TRUE), *((at, member.low.from_(at)) for at in sorted(member.thresholds()))):
                    together = min((number + part[0], max(beyond, part[1])), most)
                    more.setdefault(together, []).append(both((literal, end)))
            for (number, beyond), literal in below.items():
                for at in sorted(member.thresholds()):
                    together = number + at[0], min(beyond, at[1])
                    if together <= most:
                        less.setdefault(together, []).append(both((literal, -member.high.from_(at))))
            reached, below = ({at: either(each) for at, each in found.items()} for found in (more, less))
            if len(reached) + len(below) > MOST_SUMS:
                return  # what is not said is free
        for at in total.thresholds():
            say(total.low.from_(at), -either(literal for sum_, literal in reached.items() if sum_ >= at))
            say(-total.high.from_(at), -either(literal for sum_, literal in below.items() if sum_ <= at))


def never_below(counter: NumberRange, own: NumberRange) -> bool:
    """2.8: say that a counter is never below this exchange's own count; whether a new threshold was met on the way."""
    before = len(own.thresholds())
    for at in sorted(counter.thresholds()):
        counter.gates.follows(own.low.from_(at), counter.low.from_(at))
    return before != len(own.thresholds())


class AnyNumber(NumberRange):
    """The total of a family, which is always known as a range, however wide."""

    def __init__(self, gates: Gates, name: str, complete: int, whole: bool) -> None:
        super().__init__(gates, name, complete, whole, stated=TRUE)

    def finish(self) -> None:
        """A total may be a range although every member is known, since people may be counted in several."""
        say = self.gates.say
        for at in self.thresholds():
            say(-self.low.from_(at), self.high.from_(at))
            if at <= ZERO:
                say(self.low.from_(at))
        self.low.finish()
        self.high.finish()
