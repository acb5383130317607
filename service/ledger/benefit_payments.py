"""
What becomes of a line of the book of benefits: reported as paid, confirmed or disputed, and settled.

A caller, a line and what it sends go in; events and leaves of the log come out, and the line says how it stands. The payer reports what
it paid, in parts that add up. The payee confirms a part, or disputes it. A dispute counts as not paid until an operator with the scope
`administer` settles it. What was paid and is no longer payable is a claim: the payee pays it back and reports it here, and the payer
confirms it. An operator does all this for parties without a key.

Lines that are told to a party as one are reported, confirmed and disputed as one: a report fills them in the order of their numbers.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

import sqlalchemy as sa
from pydantic import Field

import engine
from service.callers import caller as callers
from service.callers.context import Administering, Committing
from service.callers.sending import Reason, Sending
from service.ledger import benefit_lines, overdue_benefits
from service.ledger.benefit_lines import BenefitLine
from service.ledger.benefit_view import BenefitView
from service.ledger.counter_book import Book
from service.log import tree_leaves
from service.log.store import subject_of_decision
from service.log.tree_leaves import LogEvent
from service.problems import RequestRefused, wrong_value
from service.store.moments import moment_text
from service.store.tables import benefit, benefit_event, commitment

MOST_PARTS = 1_000  # of a line

Amount = Annotated[str, Field(pattern=r"^\d{1,19}(\.\d{1,10})?$", description="a decimal amount above zero")]
Evidence = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,63}$", description="the kind of the document that shows it")]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$", description="the SHA-256 of the document, in hexadecimal")]
Part = Annotated[int | None, Field(ge=0, description="the number of a part; all that are waiting if it is left out")]

Kind = Literal["paid", "confirmed", "disputed", "found-paid", "found-unpaid", "refunded"]
ERASABLE = frozenset({"sha256", "reason"})

_BOOK = Book()
_AMOUNTS = ("paid", "confirmed", "disputed")


class PaidSent(Sending):
    """The report that a line was paid, or a part of it. The document stays with the caller."""

    amount: Amount
    dated: date = Field(strict=False, description="the day on which it was paid")
    evidence: Evidence
    document: Sha256
    back: bool = Field(default=False, description="whether the payee paid back what is no longer payable")


class ConfirmSent(Sending):
    """What was received."""

    part: Part = None


class DisputeSent(Sending):
    """What was not received, and why."""

    part: Part = None
    reason: Reason = Field(description="why it does not count as paid")


class SettleSent(Sending):
    """How a dispute ends."""

    part: Part = None
    paid: bool = Field(description="whether the part was paid")
    reason: Reason = Field(description="why it is settled so")


@dataclass(frozen=True, slots=True)
class _Report:
    """A part of a line that was reported, in minor units, and what became of it."""

    part: int
    units: int
    back: bool
    state: str

    @property
    def amount(self) -> int:
        """How much it adds to what was paid."""
        return -self.units if self.back else self.units


def report_paid(context: Committing, number: int, sent: PaidSent, transaction: sa.Connection) -> BenefitLine:
    """Report that the payer paid a line in part, or that the payee paid back what is no longer payable. Raises RequestRefused."""
    view, lines = _told(context, number, transaction)
    if all(line.payer == line.account for line in lines):
        raise RequestRefused("not-payable", "the payer of this line is who gets it, so nobody owes it")
    back, left = sent.back, {line.number: line.net - line.paid for line in lines}
    if not any((each < 0) == back and each for each in left.values()):
        owed_back = any(left.values()) and not back
        detail = (
            "more is paid than is payable: report with `back` what was paid back"
            if owed_back
            else "nothing of this line is owed"
        )
        raise RequestRefused("not-payable", detail)
    _check_side(context, view, lines, "account" if back else "payer", "owes")
    units = units_of(sent.amount, lines[0].scale)
    owed = {line: -each if back else each for line, each in left.items() if (each < 0) == back and each}
    if units > sum(owed.values()):
        most = engine.amount_text(sum(owed.values()), lines[0].scale)
        raise wrong_value("/amount", f"is more than what is owed, which is {most}")
    if sent.dated > context.today:
        raise wrong_value("/dated", "must be a day that has come")
    for line in lines:
        if (part := min(units, owed.get(line.number, 0))) > 0:
            units -= part
            shown: dict[str, Any] = {"units": part, "back": back, "day": sent.dated.isoformat()}
            _happened(
                transaction, context, line, "paid", _next_part(transaction, line.number), shown, sent.evidence, sent.document
            )
    return _answer(context, number, transaction)


def confirm(context: Committing, number: int, sent: ConfirmSent, transaction: sa.Connection) -> BenefitLine:
    """Confirm that what was reported was received: by the payee, or by the payer what was paid back. Raises RequestRefused."""
    return _changed(context, number, sent.part, "confirmed", "reported", None, transaction)


def dispute(context: Committing, number: int, sent: DisputeSent, transaction: sa.Connection) -> BenefitLine:
    """Dispute what was reported: it counts as not paid until an operator settles it. Raises RequestRefused."""
    return _changed(context, number, sent.part, "disputed", "reported", sent.reason, transaction)


def settle(context: Administering, number: int, sent: SettleSent, transaction: sa.Connection) -> BenefitLine:
    """Settle a dispute: what was reported counts as paid, or does not. Raises RequestRefused."""
    kind: Kind = "found-paid" if sent.paid else "found-unpaid"
    return _changed(context, number, sent.part, kind, "disputed", sent.reason, transaction)


def append_event(
    transaction: sa.Connection,
    commitment_id: str,
    kind: Kind,
    at: str,
    shown: Mapping[str, Any],
    hidden: Mapping[str, Any],
) -> None:
    """Note an event of a commitment's lines: a row, and a leaf whose reason and document are erased with the decision."""
    evaluation = transaction.execute(sa.select(commitment.c.evaluation).where(commitment.c.id == commitment_id)).scalar_one()
    mine = sa.select(sa.func.count()).select_from(benefit_event).where(benefit_event.c.commitment == commitment_id)
    place: dict[str, Any] = {"commitment": commitment_id, "number": transaction.execute(mine).scalar_one()}
    beside = {name: shown.get(name) for name in ("units", "back", "day")}
    of = {name: shown.get(name) for name in ("line", "part")}
    members = {**place, **of, "event": kind, "decision": evaluation}
    units = None if beside["units"] is None else str(beside["units"])
    told = {"lines": None, "evidence": None, "sha256": None, "reason": None, **hidden, **beside, "units": units}
    (leaf,) = tree_leaves.append(
        transaction, LogEvent("benefit-event", at, members, told, subject_of_decision(evaluation), ERASABLE)
    )
    transaction.execute(sa.insert(benefit_event).values(**place, **of, **beside, leaf=leaf, kind=kind, at=at))


# --- inside --------------------------------------------------------------------------------------------------------------


def _told(context: Committing | Administering, number: int, transaction: sa.Connection) -> tuple[BenefitView, Sequence[Any]]:
    """What a caller sees, and the lines that it knows by a number. Raises RequestRefused."""
    view = BenefitView.of(transaction, _BOOK, context.caller)
    numbers = benefit_lines.line_numbers(view, number, transaction)
    if not numbers:
        raise RequestRefused("not-found", "there is no line with this number")
    return view, transaction.execute(sa.select(benefit).where(benefit.c.number.in_(numbers)).order_by(benefit.c.number)).all()


def _check_side(context: Committing | Administering, view: BenefitView, lines: Sequence[Any], side: str, does: str) -> None:
    """A party's key acts for its own side of a line, and an operator's needs the scope `administer`. Raises RequestRefused."""
    if view.accounts is None:
        callers.check(context.caller, "administer", of_party=False)
    elif getattr(lines[0], side) not in view.accounts:
        raise RequestRefused("forbidden", f"only who {does} this, or an operator, may say so")


def _changed(
    context: Committing | Administering,
    number: int,
    part: int | None,
    kind: Kind,
    before: str,
    reason: str | None,
    transaction: sa.Connection,
) -> BenefitLine:
    """Take parts of lines that are in one state to another."""
    view, lines = _told(context, number, transaction)
    if part is not None and (len(lines) > 1 or lines[0].number != number):
        raise wrong_value("/part", "these lines are told as one: leave it out")
    found = [
        (line, report)
        for line in lines
        for report in _reports(transaction, line.number).values()
        if report.state == before and part in (None, report.part)
    ]
    if not found:
        raise RequestRefused("not-payable", f"no part of this line is {before}")
    sides = {"payer" if report.back else "account" for _, report in found}
    for side in sides:
        _check_side(context, view, lines, side, "is paid")
    for line, report in found:
        _happened(transaction, context, line, kind, report.part, {"day": context.today.isoformat()}, None, None, reason)
    return _answer(context, number, transaction)


def _happened(
    transaction: sa.Connection,
    context: Committing | Administering,
    line: Any,
    kind: Kind,
    part: int,
    shown: Mapping[str, Any],
    evidence: str | None,
    document: str | None,
    reason: str | None = None,
) -> None:
    """Note an event of a line, and how the line stands after it."""
    append_event(
        transaction,
        line.commitment,
        kind,
        moment_text(context.now),
        {**shown, "line": line.number, "part": part},
        {"evidence": evidence, "sha256": document, "reason": reason, "by": context.caller.id},
    )
    held = transaction.execute(sa.select(benefit).where(benefit.c.number == line.number)).one()
    reports = _reports(transaction, line.number).values()
    after = {name: sum(map(_COUNTS[name], reports)) for name in _AMOUNTS}
    transaction.execute(sa.update(benefit).where(benefit.c.number == line.number).values(after))
    before = dict(held._mapping)
    overdue_benefits.changed(transaction, [before], [{**before, **after}])


_COUNTS: Mapping[str, Callable[[_Report], int]] = {
    "paid": lambda each: each.amount if each.state in ("reported", "confirmed", "found-paid") else 0,
    "confirmed": lambda each: each.amount if each.state in ("confirmed", "found-paid") else 0,
    "disputed": lambda each: each.units if each.state == "disputed" else 0,
}


def _reports(connection: sa.Connection, line: int) -> dict[int, _Report]:
    """The parts of a line that were reported, and what became of each."""
    found: dict[int, _Report] = {}
    rows = sa.select(benefit_event).where(benefit_event.c.line == line).order_by(benefit_event.c.number)
    for row in connection.execute(rows):
        if row.kind == "paid":
            found[row.part] = _Report(row.part, row.units, row.back, "reported")
        else:
            found[row.part] = _Report(row.part, found[row.part].units, found[row.part].back, row.kind)
    return found


def _next_part(connection: sa.Connection, line: int) -> int:
    number = len(_reports(connection, line))
    if number >= MOST_PARTS:
        raise RequestRefused("not-payable", f"a line is paid in at most {MOST_PARTS:,} parts")
    return number


def _answer(context: Committing | Administering, number: int, transaction: sa.Connection) -> BenefitLine:
    """The line as the caller sees it, without what a record says, so that nothing of it is kept for retries."""
    told = benefit_lines.of_caller(context.caller, context.today, number, transaction)
    parts = None if told.parts is None else [*_without_texts(told.parts)]
    return told.model_copy(update={"party": None, "payer": None, "asset": None, "references": None, "parts": parts})


def _without_texts(parts: Sequence[benefit_lines.BenefitPart]) -> Iterator[benefit_lines.BenefitPart]:
    for each in parts:
        yield each.model_copy(update={"document": None, "reason": None})


def units_of(amount: str, scale: int) -> int:
    """A decimal text in minor units. Raises RequestRefused."""
    units = Decimal(amount).scaleb(scale)
    if units != units.to_integral_value():
        raise wrong_value(
            "/amount", f"is finer than the smallest unit of the currency, which has {scale} digits after the point"
        )
    if units <= 0:
        raise wrong_value("/amount", "must be above zero")
    return int(units)
