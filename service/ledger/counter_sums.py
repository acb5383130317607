"""
What is wanted of the ledger and what it has: a counter for one key in a window goes in, its sums come out.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TypeAlias

import engine
from service.register.periods import EntityPeriod

NOTHING = engine.Tally()
ALWAYS = date.max.isoformat()
Hashes: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CounterQuery:
    """
    A counter for one key in a window, both ends included.

    `own` are hashes of the key itself, and `keys` these and the hashes of keys that may be the same. Both are empty if it is not known.
    `day` is the one on which it is asked. Of a counter of money, `currency` is that of the sum. Of one that is kept by periods, `period` is
    that of the window, and `earlier` are those before it.
    """

    counter: engine.Counter
    own: Hashes
    keys: Hashes
    first: date
    last: str = ALWAYS
    currency: str = ""
    period: EntityPeriod | None = None
    earlier: tuple[EntityPeriod, ...] = ()
    day: date = date.max

    def before(self) -> "Iterator[CounterQuery]":
        """The same counter in each of the earlier periods."""
        for each in self.earlier:
            yield replace(self, first=each.first, last=each.last.isoformat(), period=each, earlier=())


@dataclass(frozen=True, slots=True)
class OpeningCount:
    """The attested count at the beginning of a day, for each fact of a counter, and of money for each currency."""

    id: str
    day: date
    counts: dict[str, engine.Tally]


@dataclass(frozen=True, slots=True)
class FoundCounts:
    """
    The sums of a counter: in the `window`, `since` the day of the `opening`, and `later` than some record.

    `foreign`: some commitments in the window were not counted under the present meaning of the counter; they may add any number.
    """

    window: Mapping[str, engine.Tally] = field(default_factory=dict)
    opening: OpeningCount | None = None
    since: Mapping[str, engine.Tally] = field(default_factory=dict)
    later: Mapping[str, engine.Tally] = field(default_factory=dict)
    foreign: bool = False


NOT_FOUND = FoundCounts()


def ends(count: engine.Range) -> dict[str, int]:
    """A range as JSON."""
    return {"at_least": int(count.low)} | ({} if count.high is None else {"at_most": int(count.high)})
