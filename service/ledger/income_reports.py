"""
Reports of what was earned or delivered in a period: what a price follows from that no exchange can state beforehand.

A report by the payer or an operator goes in. The agreement that the exchange named says how a price follows from it: so much for each
unit, so much for each period that is over, or a share of the income. This price is divided as that of the exchange would be, and its
lines are booked on the day of the report. Periods of one commitment do not overlap. A wrong report is reversed with its lines, and made
again. What was not reported is not nought: nobody knows it.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, Literal

import sqlalchemy as sa
from pydantic import Field, StringConstraints

import engine
from service.callers import caller as callers
from service.callers.context import Committing, Reading
from service.callers.sending import Reason, Sending
from service.ledger import agreement_book, party_view
from service.ledger.benefit_book import (
    Accounts,
    account_of,
    accounts_of,
    change_lines,
    lines_of,
    put_lines,
    told,
    with_shares,
)
from service.ledger.benefit_payments import Evidence, Sha256
from service.ledger.benefit_view import BenefitView
from service.ledger.commitment_list import LedgerPart
from service.ledger.counter_book import Book
from service.ledger.recorded_exchange import exchange_again
from service.log import tree_leaves
from service.log.store import record_of, subject_of_decision
from service.log.tree_leaves import LogEvent
from service.policies.live import Live
from service.problems import RequestRefused, wrong_value
from service.store.moments import moment_text
from service.store.tables import agreement_party, agreement_use, commitment, income_report, settlement

MOST_REPORTS = 1_000  # of a commitment
MOST_UNREPORTED = 100  # that a list has
ERASABLE = frozenset({"sha256"})

PricingKind = Literal["per-unit", "subscription", "share-of-income"]
Income = Annotated[str, StringConstraints(pattern=r"^\d{1,15}(\.\d{1,4})? [A-Z]{3}$")]
Units = Annotated[str, StringConstraints(pattern=r"^\d{1,15}(\.\d{1,6})?$")]

_BOOK = Book()


class IncomeReportSent(Sending):
    """What was earned or delivered from a first to a last day. The document stays with the caller."""

    from_: date = Field(alias="from", strict=False, description="the first day of the period")
    until: date = Field(strict=False, description="its last day, which is over or today")
    income: Income | None = Field(default=None, description="the income; of a share of income", examples=["1200.00 CNY"])
    units: Units | None = Field(default=None, description="how many units were delivered; of a price by unit", examples=["350"])
    evidence: Evidence
    document: Sha256


class ReverseReportSent(Sending):
    """Why a report was wrong."""

    reason: Reason = Field(description="why it was wrong")


class IncomeReport(LedgerPart):
    """A report of a period, and the price that follows from it."""

    number: int = Field(description="the number of the report, from 0")
    from_: date = Field(serialization_alias="from", description="the first day of the period")
    until: date = Field(description="its last day")
    reported: str = Field(description="the income, the number of units, or the number of periods", examples=["1200.00 CNY"])
    price: str = Field(description="the price that follows from it", examples=["120.00 CNY"])
    lines: list[int] = Field(description="the numbers of the lines that it booked")
    reported_at: datetime = Field(description="when it was reported")
    evidence: str | None = Field(default=None, description="the kind of the document that shows it")
    document: str | None = Field(default=None, description="the SHA-256 of that document; null after an erasure")
    reversed_at: datetime | None = Field(default=None, description="when it was reversed; null where it stands")


class IncomeReports(LedgerPart):
    """The reports of a commitment, by their periods, and the days of which there is none."""

    commitment: str
    pricing: PricingKind = Field(description="how the price follows from a report")
    reports: list[IncomeReport] = Field(
        description="the reports, also those that were reversed, in the order in which they were made"
    )
    not_reported: list["NotReported"] = Field(
        description="the periods until today of which nothing is reported: it is not nought"
    )


class NotReported(LedgerPart):
    """Days of which nothing is reported."""

    from_: date = Field(serialization_alias="from", description="the first of the days")
    until: date = Field(description="the last of them")


class UnreportedPrice(LedgerPart):
    """
    An agreement whose price follows from reports, and of which some days are not reported: nobody knows what is payable for them.

    Who is paid by it and does not supply is told neither which exchange it is nor which days.
    """

    agreement: str = Field(description="the id of the agreement")
    commitment: str | None = Field(default=None, description="the commitment; left out of others' exchanges")
    days: list[NotReported] = Field(description="the days until today of which nothing is reported")


def report(context: Committing, id: str, sent: IncomeReportSent, transaction: sa.Connection) -> IncomeReport:
    """Report a period, and book the lines of its price. Raises RequestRefused."""
    row, exchange, pricing = _commitment(context, id, transaction)
    if context.party is None:
        callers.check(context.caller, "administer", of_party=False)
    if row.state != "committed":
        raise RequestRefused("commitment-ended", f"the commitment is {row.state}, so nothing follows from a report")
    if not date.fromisoformat(row.as_of) <= sent.from_ <= sent.until:
        raise wrong_value("/from", f"must be a day from {row.as_of}, when it was committed, until the last day of the period")
    if sent.until > context.today:
        raise wrong_value("/until", "must be a day that has come")
    before = _rows(transaction, id)
    if len(before) >= MOST_REPORTS:
        raise RequestRefused("not-payable", f"a commitment has at most {MOST_REPORTS:,} reports")
    for each in before:
        if each.reversed_at is None and each.first <= sent.until.isoformat() and sent.from_.isoformat() <= each.last:
            raise wrong_value(
                "/from", f"the period has days of report {each.number}, from {each.first} until {each.last}: reverse that first"
            )
    reported, price = _price(pricing, sent)
    accounts = accounts_of(transaction, id)
    exchange = _as_of_now(transaction, exchange, accounts, sent.from_)
    lines = _lines(transaction, context.live, exchange, price, context.today, accounts)
    put_lines(transaction, id, context.today, lines)
    first = lines[0]["number"] if lines else None
    shown: dict[str, Any] = {
        "first": sent.from_.isoformat(),
        "last": sent.until.isoformat(),
        "reported": reported,
        "price": str(price),
        "line": first,
        "booked": len(lines),
    }
    hidden: dict[str, Any] = {
        **shown,
        "day": context.today.isoformat(),
        "lines": [*map(told, lines)],
        "evidence": sent.evidence,
        "sha256": sent.document,
        "by": context.caller.id,
    }
    place: dict[str, Any] = {"commitment": id, "number": len(before)}
    at, subject = moment_text(context.now), subject_of_decision(row.evaluation)
    event = LogEvent("income-report", at, {**place, "decision": row.evaluation}, hidden, subject, ERASABLE)
    (leaf,) = tree_leaves.append(transaction, event)
    transaction.execute(sa.insert(income_report).values(**place, **shown, leaf=leaf, at=at))
    return _told(transaction, _rows(transaction, id)[-1:])[0].model_copy(update={"document": None})


def reverse(context: Committing, id: str, number: int, sent: ReverseReportSent, transaction: sa.Connection) -> IncomeReport:
    """Reverse a report with its lines: what was paid of them is owed back. Raises RequestRefused."""
    row, _, _ = _commitment(context, id, transaction)
    if context.party is None:
        callers.check(context.caller, "administer", of_party=False)
    found = [each for each in _rows(transaction, id) if each.number == number]
    if not found:
        raise RequestRefused("not-found", "the commitment has no such report")
    if found[0].reversed_at is not None or row.state != "committed":
        raise RequestRefused("not-payable", "the report is reversed already, or its commitment ended")
    numbers = _numbers(found[0])
    changes = change_lines(transaction, id, "reversed", context.today, dict.fromkeys(numbers, (0, 0)))
    at, place = moment_text(context.now), {"commitment": id, "number": number}
    here = (income_report.c.commitment == id, income_report.c.number == number)
    transaction.execute(sa.update(income_report).where(*here).values(reversed_at=at))
    hidden: dict[str, Any] = {
        "day": context.today.isoformat(),
        "lines": changes,
        "reason": sent.reason,
        "by": context.caller.id,
    }
    members: dict[str, Any] = {**place, "decision": row.evaluation}
    subject = subject_of_decision(row.evaluation)
    tree_leaves.append(transaction, LogEvent("income-report-reversed", at, members, hidden, subject, frozenset({"reason"})))
    return _told(transaction, [each for each in _rows(transaction, id) if each.number == number])[0].model_copy(
        update={"document": None}
    )


def reports(context: Reading, id: str, connection: sa.Connection) -> IncomeReports:
    """The reports of a commitment, and of which days there is none. Raises RequestRefused."""
    row, _, pricing = _commitment(context, id, connection)
    rows = _rows(connection, id)
    missing = not_reported(rows, date.fromisoformat(row.as_of), context.today) if row.state == "committed" else []
    return IncomeReports(commitment=id, pricing=_kind(pricing), reports=_told(connection, rows), not_reported=missing)


def not_reported(rows: Sequence[Any], since: date, today: date) -> list[NotReported]:
    """The days from one on until today that no report that stands has, as periods."""
    found, begin = [], since
    for first, last in sorted((each.first, each.last) for each in rows if each.reversed_at is None):
        if begin < date.fromisoformat(first):
            found.append(NotReported(from_=begin, until=date.fromisoformat(first) - timedelta(days=1)))
        begin = date.fromisoformat(last) + timedelta(days=1)
    return [*found, NotReported(from_=begin, until=today)] if begin <= today else found


def unreported(context: Reading, id: str | None, connection: sa.Connection) -> list[UnreportedPrice]:
    """The prices that wait for reports, of one commitment or the first ones of all. A caller who belongs to a party gets its own."""
    view = BenefitView.of(connection, _BOOK, context.caller)
    use, own = agreement_use.c, view.own_exchange()
    query = (
        sa.select(commitment.c.id, commitment.c.as_of, use.agreement, sa.case((own, 1), else_=0).label("own"))
        .join(settlement, settlement.c.commitment == commitment.c.id)
        .join(agreement_use, use.commitment == commitment.c.id)
        .where(settlement.c.state == "not-reported", commitment.c.state == "committed")
        .order_by(commitment.c.sequence)
        .limit(MOST_UNREPORTED)
    )
    if view.accounts is not None:
        party = agreement_party.c
        named = sa.exists().where(
            party.agreement == use.agreement, party.version == use.version, party.party.in_(view.accounts)
        )
        query = query.where(sa.or_(own, named))
    if id is not None:
        query = query.where(commitment.c.id == id, own)
    found: dict[str, UnreportedPrice] = {}
    for row in connection.execute(query):
        days = not_reported(_rows(connection, row.id), date.fromisoformat(row.as_of), context.today)
        if days:
            told = UnreportedPrice(
                agreement=row.agreement, commitment=row.id if row.own else None, days=days if row.own else []
            )
            found.setdefault(row.id if row.own else row.agreement, told)
    return [*found.values()]


# --- inside --------------------------------------------------------------------------------------------------------------


def _commitment(
    context: Committing | Reading, id: str, connection: sa.Connection
) -> tuple[Any, engine.Exchange, engine.BenefitPricing]:
    """A commitment of the caller's, its exchange and how its price follows from reports. Raises RequestRefused."""
    party_view.check_commitment(connection, _BOOK, id, context.caller)
    row = connection.execute(sa.select(commitment).where(commitment.c.id == id)).one_or_none()
    if row is None:
        raise RequestRefused("not-found", "there is no commitment with this id")
    exchange = exchange_again(context.live, record_of(connection, row.evaluation))
    if exchange is None:
        raise RequestRefused("not-payable", "the policies can no longer read the exchange of this commitment")
    page = exchange.benefits
    if page is None or page.pricing is None or page.pricing.kind == "fixed":
        raise RequestRefused("not-payable", "the exchange named no agreement whose price follows from reports")
    return row, exchange, page.pricing


def _kind(pricing: engine.BenefitPricing) -> PricingKind:
    assert pricing.kind != "fixed"
    return pricing.kind


def _rows(connection: sa.Connection, id: str) -> Sequence[Any]:
    query = sa.select(income_report).where(income_report.c.commitment == id).order_by(income_report.c.number)
    return connection.execute(query).all()


def _numbers(row: Any) -> list[int]:
    return [] if row.line is None else [*range(row.line, row.line + row.booked)]


def _price(pricing: engine.BenefitPricing, sent: IncomeReportSent) -> tuple[str, engine.Money]:
    """What was reported, and the price that follows from it, to the nearest unit of the currency. Raises RequestRefused."""
    wanted = {"per-unit": "units", "share-of-income": "income"}.get(pricing.kind)
    for name in ("units", "income"):
        if (getattr(sent, name) is not None) != (name == wanted):
            raise wrong_value(
                f"/{name}", f"a price of the kind `{pricing.kind}` {'needs it' if name == wanted else 'has none'}"
            )
    if pricing.kind == "share-of-income":
        assert sent.income is not None
        number, _, currency = sent.income.partition(" ")
        return sent.income, _rounded(Fraction(number) * Fraction(pricing.ratio or "0"), currency)
    amount, _, currency = (pricing.amount or "").partition(" ")
    if not currency:
        raise RequestRefused("not-payable", "the agreement says no amount")
    reported = sent.units or str(_periods(pricing.period or "", sent.from_, sent.until))
    return reported, _rounded(Fraction(reported) * Fraction(amount), currency)


def _rounded(exact: Fraction, currency: str) -> engine.Money:
    digits = engine.minor_units().get(currency)
    if digits is None:
        raise RequestRefused("not-payable", f"`{currency}` is no currency of ISO 4217 with a minor unit")
    whole = (exact * 10**digits + Fraction(1, 2)).__floor__()  # halves go up: the reading is ours
    return engine.Money(Decimal(whole).scaleb(-digits), currency)


def _periods(length: str, first: date, last: date) -> int:
    """How many periods of a length there are from a first to a last day. Raises RequestRefused where they are not whole."""
    try:
        period = engine.read_duration(length)
    except engine.BadValue:
        raise RequestRefused("not-payable", f"the agreement has no period that can be counted: `{length[:40]}`") from None
    number, begin = 0, first
    while begin <= last:
        number += 1
        begin = replace(period, months=period.months * number, hours=period.hours * number).after(first)
        if number > 10_000 or begin <= first:
            break
    if begin != last + timedelta(days=1):
        raise wrong_value("/until", f"must be the last day of a whole period of {length}")
    return number


def _lines(
    transaction: sa.Connection, live: Live, exchange: engine.Exchange, price: engine.Money, day: date, accounts: Accounts
) -> list[dict[str, Any]]:
    """The lines of a price, as rows without numbers. Raises RequestRefused where it is not divided."""
    if not price.amount:
        return []
    found = engine.settle(live.bundle.vocabulary, exchange, price)
    if found is None or found.state != "settled":
        state = "no settlement" if found is None else found.state
        raise RequestRefused("not-payable", f"the price that follows, {price}, is not divided: {state}")
    return lines_of(transaction, _BOOK, exchange, found, day, accounts)


def _as_of_now(connection: sa.Connection, exchange: engine.Exchange, accounts: Accounts, first: date) -> engine.Exchange:
    """The exchange with the room that is left under caps now, and without shares whose last day is before the period."""
    page = exchange.benefits
    steps = [] if page is None else [each for each in (page.named, *page.steps) if each is not None]
    booked = agreement_book.booked(connection, {each.agreement for each in steps})

    def again(step: engine.BenefitStep, share: engine.BenefitShare) -> engine.BenefitShare | None:
        if share.until is not None and share.until < first:
            return None
        if share.room is None:
            return share
        account = account_of(share.payee, accounts)
        caps = agreement_book.caps(connection, step.agreement, step.version)
        left = {
            currency: max(Decimal(cap) - booked.get((step.agreement, account, currency), Decimal(0)), Decimal(0))
            for currency, cap in caps.get((account, share.of, share.ratio), {}).items()
        }
        return share.model_copy(update={"room": {currency: f"{each:f}" for currency, each in left.items()}})

    return with_shares(exchange, again)


def _told(connection: sa.Connection, rows: Sequence[Any]) -> list[IncomeReport]:
    opened = tree_leaves.opened(connection, [row.leaf for row in rows])
    return [
        IncomeReport(
            number=row.number,
            from_=date.fromisoformat(row.first),
            until=date.fromisoformat(row.last),
            reported=row.reported,
            price=row.price,
            lines=_numbers(row),
            reported_at=datetime.fromisoformat(row.at),
            evidence=opened.get(row.leaf, {}).get("evidence"),
            document=opened.get(row.leaf, {}).get("sha256"),
            reversed_at=None if row.reversed_at is None else datetime.fromisoformat(row.reversed_at),
        )
        for row in rows
    ]
