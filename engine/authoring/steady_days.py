"""
The days between which an exchange comes out the same under two bundles: rows that differ in such days alone are decided once.

An exchange goes in, as both bundles read it; out come the days on which a test of one of them may change (`horizon`). Between two of them
no test changes. An exchange that states no date has only the days that all exchanges have. One that does is asked for its own days when it
is met on many days: that takes longer than to decide it on a few.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Hashable, Sequence
from datetime import date

from engine.bundle import Bundle
from engine.exchange import Exchange
from engine.questions.horizon import YEARS, Horizon
from engine.values import Disputed, Document

MANY_DAYS = 6
EARLIER = 5  # years before the first day that is asked for, from which on days are known


class SteadyDays:
    """What is known of the exchanges of one comparison, by what their rows share."""

    def __init__(self, *bundles: Bundle) -> None:
        self._bundles = bundles
        self._horizons: Sequence[Horizon] = ()
        self._from = date.max
        self._plain: Sequence[int] = ()
        self._turns: dict[Hashable, Sequence[int]] = {}
        self._met: dict[Hashable, int] = {}

    def first(self, exchange: Hashable, day: date) -> date:
        """The first of the days that make no difference, up to a day; the day itself where that is not known."""
        turns = self._turns.get(exchange)
        if turns is None or not self._from < day < self._from.replace(year=self._from.year + YEARS):
            return day
        at = bisect_right(turns, day.toordinal())
        return date.fromordinal(turns[at - 1] if at else self._from.toordinal() + 1)

    def learn(self, exchange: Hashable, old: Exchange, new: Exchange, days: Collection[date]) -> None:
        """Note an exchange that is met on some days on which it was not met before."""
        if exchange in self._turns:
            return
        if not self._horizons:
            self._horizons = [Horizon(bundle) for bundle in self._bundles]
            self._from = date(max(min(days).year - EARLIER, 1), 1, 1)
            nothing = Exchange({}, {})
            self._plain = self._found(nothing, nothing)
        if not any(map(_states_dates, (old, new))):
            self._turns[exchange] = self._plain
            return
        self._met[exchange] = self._met.get(exchange, 0) + len(days)
        if self._met[exchange] > MANY_DAYS:
            self._turns[exchange] = self._found(old, new)
            del self._met[exchange]

    def forget(self) -> None:
        """Forget the exchanges."""
        self._turns.clear()
        self._met.clear()

    def _found(self, old: Exchange, new: Exchange) -> Sequence[int]:
        """The days on which a test of either may change, as ordinals; conditions that travel with the data among them."""
        found = (
            horizon.turns(each, self._from, carried=True) for horizon, each in zip(self._horizons, (old, new), strict=True)
        )
        return sorted({day for turns in found for day in turns})


def _states_dates(exchange: Exchange) -> bool:
    """Whether an exchange has days of its own: a date, a document, what travels with the data, what is shown until a day."""
    own = any(isinstance(value, date | Document | Disputed) for value in exchange.values.values())
    return own or bool(exchange.carried) or bool(exchange.shown_until)
