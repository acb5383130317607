"""
The sum of what exchanges add to a counter, in any order; every range contains the true number, whatever is unknown.

In: ranges of people, or of ten-thousandths of a currency. Out: the range of the count or of the sum. Source: semantics 2.7, 2.8, 5.1.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Self

from engine.deciding.money_counts import parts
from engine.values import MAX_COUNT, Range, Value, either

# Of one contribution, a lower end above this many people is cut to it and an upper end above it is dropped; sums stay exact.
ENOUGH = 10**12
ENOUGH_MONEY = 10**16  # of money, the same number in ten-thousandths


@dataclass(frozen=True, slots=True)
class Tally:
    """
    The sum of contributions, in any order.

    `largest` is the largest certain number of people in one contribution, `least` the certain number in all together, and `most` the
    largest possible number (None without an upper end).
    """

    largest: int = 0
    least: int = 0
    most: int | None = 0

    @classmethod
    def of(cls, people: Range, certain: bool = True, enough: int = ENOUGH) -> Self:
        """One contribution; where it is not `certain`, it may belong to another key. `enough` is the most that is added exactly."""
        low = min(int(people.low), enough) if certain else 0
        return cls(low, low, None if people.high is None or people.high > enough else int(people.high))

    @classmethod
    def over(cls, parts: Iterable[Range | None]) -> Self:
        """The sum of contributions that are certain; one of None may be any number."""
        largest = least = 0
        most: int | None = 0
        for people in parts:
            if people is None:
                most = None
                continue
            low = min(int(people.low), ENOUGH)
            least += low
            if low > largest:
                largest = low
            if most is not None:
                most = None if people.high is None or people.high > ENOUGH else most + int(people.high)
        return cls(largest, least, most)

    @classmethod
    def of_money(cls, sum_: Value) -> Self:
        """A sum of money, in ten-thousandths."""
        return cls.of(parts(sum_), enough=ENOUGH_MONEY)

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            max(self.largest, other.largest),
            self.least + other.least,
            None if self.most is None or other.most is None else self.most + other.most,
        )

    def range(self, distinct: bool) -> Range:
        """
        The count.

        The overlap of contributions is unknown, so `distinct` people number at least those of the largest contribution and at most the sum.
        """
        low = min(self.largest if distinct else self.least, MAX_COUNT)
        most = None if self.most is None or self.most > MAX_COUNT else Decimal(self.most)
        return Range(Decimal(low), most)

    def sum(self) -> Range:
        """A sum of money, in ten-thousandths: what a currency can have is more than people can number."""
        return Range(Decimal(self.least), None if self.most is None else Decimal(self.most))


NOTHING = Tally()
UNBOUNDED = Tally(most=None)


def span(count: Value) -> Range | None:
    """All that a count may be, from the least to the most; None where it is not known."""
    if isinstance(count, Range):
        return count
    counts = [each for each in either(count) if isinstance(each, Range)]
    if len(counts) < len(either(count)):
        return None
    highs = [each.high for each in counts if each.high is not None]
    return Range(min(each.low for each in counts), max(highs) if len(highs) == len(counts) else None)
