"""What really happens: commitments and what follows from them, counters, accounts, and what flowed where."""

from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import date
from typing import Any, Literal, Unpack

from .. import statistics as flows
from ..accounts import AccountEntry, AssetAccounts, RollForward
from ..answers import Committed, CounterRead
from ..benefits import AllNotDivided, BenefitBalance, BenefitLine, NotDivided
from ..calls import call
from ..pages import Pages
from ..promises import Promise, PromiseFilters
from ..statistics import Concentration, FlowFilters, Statistics, YearFilters
from ..watch import WatchEvent
from .connection import Connection


class Ledger(Connection):
    """The methods about the ledger."""

    async def commit(self, decision: str) -> Committed:
        """Commit a decided exchange: it happens."""
        same = {"decision": decision, "state": "committed"}
        return await self._call(call(Committed, "POST", "commitments", sent={"decision": decision}, same=same))

    async def withdraw(self, commitment: str, reason: str) -> Committed:
        """Withdraw a commitment: the exchange does not happen."""
        path = ("commitments", commitment, "withdraw")
        return await self._call(call(Committed, "POST", *path, sent={"reason": reason}, same={"id": commitment}))

    async def amend(self, commitment: str, decision: str, reason: str) -> Committed:
        """Amend a commitment: `decision` is the one on the exchange as it really happened."""
        sent = {"decision": decision, "reason": reason}
        same = {"decision": decision, "state": "committed"}
        return await self._call(call(Committed, "POST", "commitments", commitment, "amend", sent=sent, same=same))

    async def end(self, commitment: str, first_day_without: date, reason: str) -> Committed:
        """End the rights that a commitment granted, from a day on. It stays committed."""
        sent = {"from": first_day_without.isoformat(), "reason": reason}
        same = {"id": commitment, "state": "committed"}
        return await self._call(call(Committed, "POST", "commitments", commitment, "end", sent=sent, same=same))

    async def commitment(self, id: str) -> Committed:
        """A commitment, with what became of it."""
        return await self._call(call(Committed, "GET", "commitments", id, same={"id": id}))

    def commitments(
        self, *, exporter: str | None = None, state: Literal["committed", "withdrawn", "superseded"] | None = None
    ) -> AsyncIterator[Committed]:
        """The commitments, oldest first. The time-out is that of a page."""
        return self._each(Pages(Committed, "commitments", "commitments", query={"exporter": exporter, "state": state}))

    def watch_events(
        self,
        *,
        commitment: str | None = None,
        kind: Literal["moved", "expected", "averted", "due", "overdue", "undecidable"] | None = None,
    ) -> AsyncIterator[WatchEvent]:
        """What becomes of commitments, oldest first: each is told once. The time-out is that of a page."""
        return self._each(Pages(WatchEvent, "events", "watch", "events", query={"commitment": commitment, "kind": kind}))

    def promises(self, **filters: Unpack[PromiseFilters]) -> AsyncIterator[Promise]:
        """The promises of committed exchanges, by their last days; filtered by `party` or `state`. The time-out is that of a page."""
        return self._each(Pages(Promise, "promises", "ledger", "promises", query=filters))

    async def keep_promise(self, commitment: str, number: int, *, evidence: str, dated: date, document: str) -> Promise:
        """Report that a promise was kept: the kind and day of the document that shows it, and its SHA-256 in hexadecimal."""
        path = ("commitments", commitment, "promises", str(number), "kept")
        sent = {"evidence": evidence, "dated": dated.isoformat(), "document": document}
        same = {"commitment": commitment, "number": number, "document": document, "state": "kept"}
        return await self._call(call(Promise, "POST", *path, sent=sent, same=same))

    def benefits(
        self,
        *,
        party: str = "",
        role: str = "",
        currency: str = "",
        first: date | None = None,
        last: date | None = None,
        commitment: str = "",
    ) -> AsyncIterator[BenefitLine]:
        """What commitments make payable to whom, line by line, from `first` to `last`. The time-out is that of a page."""
        words = {"party": party or None, "role": role or None, "currency": currency or None, "commitment": commitment or None}
        return self._each(Pages(BenefitLine, "lines", "ledger", "benefits", query={**words, "from": first, "until": last}))

    def benefit_balances(
        self, *, party: str = "", role: str = "", currency: str = "", first: date | None = None, last: date | None = None
    ) -> AsyncIterator[BenefitBalance]:
        """The balances of these lines by account, currency and month. The time-out is that of a page."""
        words = {"party": party or None, "role": role or None, "currency": currency or None}
        query = {**words, "from": first, "until": last}
        return self._each(Pages(BenefitBalance, "balances", "ledger", "benefits", "balances", query=query))

    async def benefits_not_divided(self, *, first: date | None = None, last: date | None = None) -> tuple[NotDivided, ...]:
        """How many commitments of a period have nothing in the book, by reason: the balances are without them."""
        query = {"from": first, "until": last}
        return (await self._call(call(AllNotDivided, "GET", "ledger", "benefits", "balances", query=query))).not_divided

    async def counter(self, name: str, per: Mapping[str, str]) -> CounterRead:
        """A counter of the ledger as of today; `per` has the facts that it is kept per, with their values."""
        return await self._call(call(CounterRead, "GET", "counters", query={"counter": name, **per}, same={"counter": name}))

    async def open_counter(
        self, name: str, per: Mapping[str, str], *, on: date, counts: Mapping[str, Any], reason: str
    ) -> dict[str, Any]:
        """State what a counter was at the beginning of a day; from that day on the ledger is complete for it."""
        sent = {"counter": name, "per": dict(per), "on": on.isoformat(), "counts": dict(counts), "reason": reason}
        return await self._call(call(dict, "POST", "ledger", "openings", sent=sent))

    async def recount(self) -> dict[str, Any]:
        """Count the ledger again by the present policies, after they changed what a counter counts."""
        return await self._call(call(dict, "POST", "ledger", "recount"))

    async def post_entry(self, asset: str, entry: Mapping[str, Any]) -> AccountEntry:
        """Post an entry in the accounts of a data asset; the page on the accounts says what an entry has."""
        return await self._call(call(AccountEntry, "POST", "assets", asset, "accounts", "entries", sent=entry))

    async def asset_accounts(
        self, asset: str, *, first: date | None = None, until: date | None = None, known: date | None = None
    ) -> AssetAccounts:
        """The accounts of a data asset in a period; by default, this year up to today."""
        query = {"from": first, "until": until, "known": known}
        return await self._call(call(AssetAccounts, "GET", "assets", asset, "accounts", query=query))

    async def accounts(self, *, first: date | None = None, until: date | None = None, known: date | None = None) -> RollForward:
        """The roll-forward of all data assets in a period, by class and currency."""
        query = {"from": first, "until": until, "known": known}
        return await self._call(call(RollForward, "GET", "ledger", "accounts", query=query))

    async def statistics(self, by: Iterable[str] = ("month",), **filters: Unpack[FlowFilters]) -> Statistics:
        """
        What flowed where, by `month`, `pair`, `venue`, `grade`, `sector`, `kind`, `purpose`, `source_register`, `destination_register` or
        `reached`. A filter has the name of a dimension, or is `since` or `until`, the first and the last month, like `2026-01`.
        """
        return await self._call(call(Statistics, "GET", "statistics", query=flows.asked(by, filters)))

    async def concentration(self, by: Iterable[str] = ("kind",), **filters: Unpack[YearFilters]) -> Concentration:
        """The largest parties' shares and the Herfindahl index by `venue`, `sector`, `kind` and the like; `since` and `until` are years."""
        return await self._call(call(Concentration, "GET", "statistics", "concentration", query=flows.asked(by, filters)))
