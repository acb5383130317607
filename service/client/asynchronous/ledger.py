"""What really happens: commitments and what follows from them, counters, accounts, and what flowed where."""

from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Literal, Unpack

from .. import statistics as flows
from ..accounts import AccountEntry, AssetAccounts, ClosedPeriod, RollForward
from ..answers import Committed, CounterRead, ReferenceKind, Stage
from ..benefits import (
    AllNotDivided,
    AllUnreported,
    BenefitBalance,
    BenefitLine,
    IncomeReport,
    IncomeReports,
    LineFilters,
    LineKind,
    NotDivided,
    Refund,
    UnreportedPrice,
)
from ..calls import call, policy, referring
from ..pages import Pages
from ..promises import AllPromised, CountedPromises, Promise, PromisedForCountries, PromiseFilters
from ..statistics import Concentration, FlowFilters, Statistics, YearFilters
from ..watch import WatchEvent
from .connection import Connection


class Ledger(Connection):
    """The methods about the ledger."""

    async def commit(self, decision: str, references: Iterable[tuple[ReferenceKind, str]] = ()) -> Committed:
        """Commit a decided exchange: it happens. `references` are numbers by which others know it, like `("order", "PO-7781")`."""
        sent = {"decision": decision, **referring(references)}
        same = {"decision": decision, "state": "committed"}
        return await self._call(call(Committed, "POST", "commitments", sent=sent, same=same))

    async def withdraw(self, commitment: str, reason: str) -> Committed:
        """Withdraw a commitment: the exchange does not happen."""
        path = ("commitments", commitment, "withdraw")
        return await self._call(call(Committed, "POST", *path, sent={"reason": reason}, same={"id": commitment}))

    async def amend(
        self, commitment: str, decision: str, reason: str, references: Iterable[tuple[ReferenceKind, str]] = ()
    ) -> Committed:
        """Amend a commitment: `decision` is the one on the exchange as it really happened. Its references stay, beside new ones."""
        sent = {"decision": decision, "reason": reason, **referring(references)}
        same = {"decision": decision, "state": "committed"}
        return await self._call(call(Committed, "POST", "commitments", commitment, "amend", sent=sent, same=same))

    async def end(self, commitment: str, first_day_without: date, reason: str) -> Committed:
        """End the rights that a commitment granted, from a day on. It stays committed."""
        sent = {"from": first_day_without.isoformat(), "reason": reason}
        same = {"id": commitment, "state": "committed"}
        return await self._call(call(Committed, "POST", "commitments", commitment, "end", sent=sent, same=same))

    async def add_references(self, commitment: str, references: Iterable[tuple[ReferenceKind, str]]) -> Committed:
        """Add numbers by which others know a commitment, like `("invoice", "2026-118")`. Those that it has stay."""
        path = ("commitments", commitment, "references")
        return await self._call(call(Committed, "POST", *path, sent=referring(references), same={"id": commitment}))

    async def reach_stage(self, commitment: str, stage: Stage, on: date, evidence: str | None = None) -> Committed:
        """Note the day on which an exchange reached a stage, with the SHA-256 of what shows it, if anything does."""
        sent = {"stage": stage, "on": on.isoformat(), **({} if evidence is None else {"evidence": evidence})}
        same = {"id": commitment, "stage": stage}
        return await self._call(call(Committed, "POST", "commitments", commitment, "stages", sent=sent, same=same))

    async def commitment(self, id: str) -> Committed:
        """A commitment, with what became of it."""
        return await self._call(call(Committed, "GET", "commitments", id, same={"id": id}))

    async def commitment_policy(self, id: str, *, form: Literal["odrl", "dsp"] = "odrl") -> dict[str, Any]:
        """A committed exchange as an ODRL agreement in JSON-LD, or in the form of the Dataspace Protocol."""
        return await self._call(policy("commitments", id, form))

    def commitments(
        self,
        *,
        exporter: str | None = None,
        state: Literal["committed", "withdrawn", "superseded"] | None = None,
        stage: Literal["listed", "signed", "delivered", "settled", "none"] | None = None,
        reference: str | None = None,
    ) -> AsyncIterator[Committed]:
        """The commitments, oldest first, also by the `stage` reached last or by a `reference`. The time-out is that of a page."""
        query = {"exporter": exporter, "state": state, "stage": stage, "reference": reference}
        return self._each(Pages(Committed, "commitments", "commitments", query=query))

    def watch_events(
        self,
        *,
        commitment: str | None = None,
        kind: Literal["moved", "expected", "averted", "due", "overdue", "undecidable"] | None = None,
    ) -> AsyncIterator[WatchEvent]:
        """What becomes of commitments, oldest first: each is told once. The time-out is that of a page."""
        return self._each(Pages(WatchEvent, "events", "watch", "events", query={"commitment": commitment, "kind": kind}))

    def promises(self, **filters: Unpack[PromiseFilters]) -> AsyncIterator[Promise]:
        """The promises of committed exchanges, by their last days; filtered by `party`, `to` or `state`. The time-out is that of a page."""
        return self._each(Pages(Promise, "promises", "ledger", "promises", query=filters))

    async def promises_by_country(self, *, party: str | None = None, to: str | None = None) -> tuple[PromisedForCountries, ...]:
        """What was promised for the people of each country, and what was reported of it; of a `party`, or `to` one."""
        query = {"party": party, "to": to}
        found = await self._call(call(AllPromised, "GET", "ledger", "promises", "countries", query=query))
        return found.countries

    async def promise_counts(self, party: str = "", to: str = "") -> CountedPromises:
        """How many promises by a party, or to one, are due, overdue, kept, kept late and in dispute, as `counts`."""
        query = {"party": party or None, "to": to or None, "limit": 1}
        return await self._call(call(CountedPromises, "GET", "ledger", "promises", query=query))

    async def keep_promise(
        self, commitment: str, number: int, *, evidence: str, dated: date, document: str, amount: int | None = None
    ) -> Promise:
        """
        Report that a promise was kept, or an amount of it.

        The kind and day of the document that shows it, and its SHA-256 in hexadecimal. Reports add up.
        """
        path = ("commitments", commitment, "promises", str(number), "kept")
        much = {} if amount is None else {"amount": amount}
        sent = {"evidence": evidence, "dated": dated.isoformat(), "document": document, **much}
        same = {"commitment": commitment, "number": number}
        return await self._call(call(Promise, "POST", *path, sent=sent, same=same))

    async def answer_promise_report(
        self, commitment: str, number: int, report: int, answer: Literal["confirmed", "disputed"], reason: str
    ) -> Promise:
        """Confirm or dispute a report on a promise, once, with the key of the party that it was made to."""
        return await self._about_report(commitment, number, report, "answer", {"answer": answer, "reason": reason})

    async def settle_promise_dispute(
        self, commitment: str, number: int, report: int, settled: Literal["counts", "dropped"], reason: str
    ) -> Promise:
        """Settle whether a report in dispute counts or is dropped."""
        return await self._about_report(commitment, number, report, "settle", {"settled": settled, "reason": reason})

    async def _about_report(self, commitment: str, number: int, report: int, last: str, sent: Mapping[str, str]) -> Promise:
        path = ("commitments", commitment, "promises", str(number), "reports", str(report), last)
        same = {"commitment": commitment, "number": number}
        return await self._call(call(Promise, "POST", *path, sent=sent, same=same))

    def benefits(
        self, *, first: date | None = None, last: date | None = None, **filters: Unpack[LineFilters]
    ) -> AsyncIterator[BenefitLine]:
        """What commitments make payable to whom, line by line, from `first` to `last`. The time-out is that of a page."""
        return self._each(Pages(BenefitLine, "lines", "ledger", "benefits", query={**filters, "from": first, "until": last}))

    async def benefits_not_reported(self, *, commitment: str = "") -> tuple[UnreportedPrice, ...]:
        """The prices that wait for reports, of one commitment or the first ones of all: the lines are without them."""
        query = {"commitment": commitment or None}
        return (await self._call(call(AllUnreported, "GET", "ledger", "benefits", query=query))).not_reported

    async def benefit(self, number: int) -> BenefitLine:
        """A line of the book, with the parts in which it was paid."""
        return await self._call(call(BenefitLine, "GET", "ledger", "benefits", str(number), same={"number": number}))

    async def report_paid(
        self, number: int, amount: Decimal, *, dated: date, evidence: str, document: str, back: bool = False
    ) -> BenefitLine:
        """
        Report that a line was paid, or a part of it, or that it was paid `back`: the kind of the document that shows it, and its SHA-256 in
        hexadecimal.
        """
        sent: dict[str, Any] = {"amount": f"{amount:f}", "dated": dated.isoformat(), "evidence": evidence}
        sent |= {"document": document, "back": back}
        return await self._of_line(number, "paid", sent)

    async def confirm_benefit(self, number: int, *, part: int | None = None) -> BenefitLine:
        """Confirm that a part of a line was received, or all that was reported."""
        return await self._of_line(number, "confirm", {"part": part})

    async def dispute_benefit(self, number: int, reason: str, *, part: int | None = None) -> BenefitLine:
        """Dispute that a part of a line was received, or all that was reported: it counts as not paid."""
        return await self._of_line(number, "dispute", {"reason": reason, "part": part})

    async def settle_benefit(self, number: int, paid: bool, reason: str, *, part: int | None = None) -> BenefitLine:
        """Settle a dispute: whether a part was paid, or all that is disputed."""
        return await self._of_line(number, "settle", {"paid": paid, "reason": reason, "part": part})

    async def _of_line(self, number: int, what: str, sent: Mapping[str, Any]) -> BenefitLine:
        known = {name: value for name, value in sent.items() if value is not None}
        path = ("ledger", "benefits", str(number), what)
        return await self._call(call(BenefitLine, "POST", *path, sent=known, same={"number": number}))

    async def refund(self, commitment: str, amount: Decimal, *, dated: date, evidence: str, document: str) -> Refund:
        """Refund a part of a price: the rest is divided anew, and the difference is booked."""
        sent = {"amount": f"{amount:f}", "dated": dated.isoformat(), "evidence": evidence, "document": document}
        path = ("commitments", commitment, "refund")
        return await self._call(call(Refund, "POST", *path, sent=sent, same={"commitment": commitment}))

    async def income_reports(self, commitment: str) -> IncomeReports:
        """What was reported of a commitment whose price follows from it, and of which days nothing is."""
        path = ("commitments", commitment, "reports")
        return await self._call(call(IncomeReports, "GET", *path, same={"commitment": commitment}))

    async def report_income(
        self,
        commitment: str,
        *,
        first: date,
        last: date,
        evidence: str,
        document: str,
        income: str | None = None,
        units: Decimal | None = None,
    ) -> IncomeReport:
        """Report the income of a period, like `1200.00 CNY`, or the units delivered in it; of a subscription neither."""
        told = {"income": income, "units": None if units is None else f"{units:f}"}
        sent: dict[str, Any] = {name: value for name, value in told.items() if value is not None}
        sent |= {"from": first.isoformat(), "until": last.isoformat(), "evidence": evidence, "document": document}
        path = ("commitments", commitment, "reports")
        return await self._call(call(IncomeReport, "POST", *path, sent=sent, same={"until": last}))

    async def reverse_income_report(self, commitment: str, number: int, reason: str) -> IncomeReport:
        """Reverse a report that was wrong, with its lines."""
        path = ("commitments", commitment, "reports", str(number), "reverse")
        return await self._call(call(IncomeReport, "POST", *path, sent={"reason": reason}, same={"number": number}))

    def benefit_balances(
        self,
        *,
        party: str = "",
        payer: str = "",
        role: str = "",
        kind: LineKind | None = None,
        currency: str = "",
        first: date | None = None,
        last: date | None = None,
    ) -> AsyncIterator[BenefitBalance]:
        """The balances of these lines by account, currency and month. The time-out is that of a page."""
        words = {"party": party or None, "payer": payer or None, "role": role or None, "currency": currency or None}
        query = {**words, "kind": kind, "from": first, "until": last}
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
        self,
        asset: str,
        *,
        first: date | None = None,
        until: date | None = None,
        known: date | None = None,
        entity: str | None = None,
    ) -> AssetAccounts:
        """The accounts of a data asset in a period, of one legal `entity` if it is named; by default, this year up to today."""
        query = {"from": first, "until": until, "known": known, "entity": entity}
        return await self._call(call(AssetAccounts, "GET", "assets", asset, "accounts", query=query))

    async def accounts(
        self, *, first: date | None = None, until: date | None = None, known: date | None = None, entity: str | None = None
    ) -> RollForward:
        """The roll-forward of all data assets in a period, by class and currency; of one legal `entity` if it is named."""
        query = {"from": first, "until": until, "known": known, "entity": entity}
        return await self._call(call(RollForward, "GET", "ledger", "accounts", query=query))

    async def close_accounts(self, entity: str, until: date, *, reason: str) -> ClosedPeriod:
        """Close all days of a legal entity up to one: what is posted later moves on the first day after it."""
        sent = {"entity": entity, "until": until.isoformat(), "reason": reason}
        return await self._call(call(ClosedPeriod, "POST", "ledger", "accounts", "close", sent=sent))

    async def statistics(self, by: Iterable[str] = ("month",), **filters: Unpack[FlowFilters]) -> Statistics:
        """
        What flowed where, by `month`, `pair`, `venue`, `grade`, `sector`, `kind`, `purpose`, `source_register`, `destination_register` or
        `reached`. A filter has the name of a dimension, or is `since` or `until`, the first and the last month, like `2026-01`.
        """
        return await self._call(call(Statistics, "GET", "statistics", query=flows.asked(by, filters)))

    async def concentration(self, by: Iterable[str] = ("kind",), **filters: Unpack[YearFilters]) -> Concentration:
        """The largest parties' shares and the Herfindahl index by `venue`, `sector`, `kind` and the like; `since` and `until` are years."""
        return await self._call(call(Concentration, "GET", "statistics", "concentration", query=flows.asked(by, filters)))
