"""
Shares of a ledger: which counts of a calendar year each share of an exchange is made of, and what a committed exchange adds to them.

From a bundle and an exchange come the counts by which each share is found; the caller keeps them and adds them up. What is not known for
certain counts nowhere but in all exchanges. Source: semantics 1.8, 4.6.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from engine.bundle import Bundle
from engine.deciding.contributions import BundleCounters, Contribution, Counter, Key
from engine.deciding.counting_window import CountingWindow
from engine.exchange import Exchange
from engine.policy_language.share_facts import LedgerShare
from engine.values import Missing, Range, SetOf, Value, either

ONCE = Range.exact(1)
_YEAR = CountingWindow("", 1, CountingWindow.read("preceding 1 day").length)
COUNTER = "share "  # a counter behind a share is called so, with the name of its family
PARTIES = " parties"  # how many have exchanges in a cell: counted at the first exchange of each in a year


@dataclass(frozen=True, slots=True)
class ShareCount:
    """A count of exchanges in a calendar year, for a key; `fact` says what is counted."""

    fact: str
    counter: Counter
    key: Key

    @property
    def contribution(self) -> Contribution:
        """What an exchange adds to it."""
        return Contribution(self.counter.name, self.fact, self.key, ONCE)


@dataclass(frozen=True, slots=True)
class ShareCell:
    """
    A cell in which an exchange lies: `whole` counts all of its exchanges, `own` those of its party, None where nobody knows which it is.

    `parties` counts how many parties there are on this side, in the same place as `whole`.
    """

    whole: ShareCount
    own: ShareCount | None
    parties: str


@dataclass(frozen=True, slots=True)
class ExchangeShare:
    """A share with its cells in one exchange: None where it is not known in which the exchange lies. Of the `public` there is none."""

    share: LedgerShare
    every: ShareCount
    cells: tuple[ShareCell, ...] | None
    public: bool


class ShareCounts:
    """The counts behind the shares of one bundle. Made once for a bundle."""

    def __init__(self, bundle: Bundle, counting: BundleCounters) -> None:
        self._counting = counting
        self._ids = {name for name, fact in bundle.vocabulary.facts.items() if fact.type.kind == "id"}

    def of(self, exchange: Exchange) -> Iterator[ExchangeShare]:
        """Each share of an exchange."""
        for share in self._counting.shares:
            every = self._count(share, share.family, (), ())
            words = _words(exchange.value(share.by)) if share.by else ("",)
            whose = self._counting.part(share.of, exchange)
            cells = None if words is None else tuple(self._cell(share, word, whose) for word in words)
            yield ExchangeShare(share, every, cells, exchange.is_of_everyone(share.of))

    def _cell(self, share: LedgerShare, word: str, whose: str | None) -> ShareCell:
        per, key = ((share.by,), (json.dumps(word),)) if share.by else ((), ())
        whole = self._count(share, f"{share.family} {share.by} {word}" if share.by else share.family, per, key)
        fact = f"{share.fact} {word}".rstrip()
        own = None if whose is None else self._count(share, fact, (share.of, *per), (whose, *key))
        return ShareCell(whole, own, f"{fact}{PARTIES}")

    def _count(self, share: LedgerShare, fact: str, per: tuple[str, ...], key: Key) -> ShareCount:
        ids = tuple(place for place, each in enumerate(per) if each in self._ids)
        return ShareCount(fact, Counter(f"{COUNTER}{share.family}", (fact,), False, per, _YEAR, share.meaning, ids=ids), key)


def _words(value: Value) -> tuple[str, ...] | None:
    """The values of a fact, of what is disputed all that it may have; None where there may be others."""
    found: set[str] = set()
    for each in either(value):
        if isinstance(each, SetOf) and not each.open:
            found |= each.members
        elif isinstance(each, str) and not isinstance(each, Missing):
            found.add(each)
        else:
            return None
    return tuple(sorted(found))
