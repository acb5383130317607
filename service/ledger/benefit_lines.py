"""
The lines of the book of benefits as they are read: a caller and what it asks for go in, lines come out, and how each stands.

The name of a party is read from the record of its commitment, so a name that was erased there is null. What a caller sees of whose lines
is said by `benefit_view`; lines that are told as one are summed here.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

import sqlalchemy as sa
from pydantic import Field

import engine
from service.callers.caller import Caller
from service.callers.context import Reading
from service.ledger import agreement_book, hashed_names
from service.ledger.benefit_book import ASSET, ROLE
from service.ledger.benefit_view import TOGETHER, BenefitView
from service.ledger.commitment_list import LedgerPart
from service.ledger.counter_book import Book
from service.ledger.party_view import EXPORTER
from service.log import tree_leaves
from service.log.leaf import value_at, with_personal_values
from service.log.store import of_numbers
from service.problems import RequestRefused
from service.register.entity import pointer_step
from service.store.tables import benefit, benefit_event, commitment, commitment_reference

_AT_ONCE = 200  # records
_BOOK = Book()

LineKind = Literal["share", "public", "commission", "component", "upward"]
LineEntry = Literal["payable", "reversed", "refunded"]
LineState = Literal["due", "overdue", "disputed", "reported", "confirmed", "claim", "own", "nothing"]


class BenefitPart(LedgerPart):
    """A part of a line that was reported as paid: by the payer, or `back` by the payee of what was paid too much."""

    part: int = Field(description="the number of the part, from 0")
    amount: str = Field(description="how much was paid")
    back: bool = Field(description="whether the payee paid it back")
    state: Literal["reported", "confirmed", "disputed", "found-paid", "found-unpaid"] = Field(
        description="`disputed` counts as not paid, until an operator finds that it was paid or was not"
    )
    dated: date = Field(description="the day on which it was paid")
    evidence: str | None = Field(default=None, description="the kind of the document that shows it")
    document: str | None = Field(default=None, description="the SHA-256 of that document; null after an erasure")
    reason: str | None = Field(default=None, description="why it was disputed, or so settled; null after an erasure")


class BenefitLine(LedgerPart):
    """
    A line of the book: what a commitment makes payable, or what a reversal or a refund changes of such a line (`of`).

    `party` and `payer` are ids as the exchange names them; they are left out where they were erased, and where the line belongs to the
    account of the role (`account`). `share` is the share of the whole role. `amount` is a decimal with all digits of the currency, and so
    are all other sums. A reversal and a refund have no state: they change what their line makes payable (`payable`).

    To a party that is not the exporter, lines up a chain are told as one for each `month`: `number` is the first of them.
    """

    number: int
    commitment: str | None = Field(default=None, description="the id of the commitment; left out of others' exchanges")
    decision: str | None = Field(default=None, description="the decision that the caller committed")
    entry: LineEntry = Field(description="what the line is in the book")
    of: int | None = Field(default=None, description="the line that a reversal or a refund changes")
    kind: LineKind = Field(description="what it is paid for; `upward` is a share of what another party is paid")
    day: date | None = Field(default=None, description="when it was booked")
    month: str | None = Field(default=None, description="the month, of lines that are told as one", examples=["2026-11"])
    role: str
    account: Literal["party", "role"]
    party: str | None = None
    payer: str | None = Field(default=None, description="who owes it")
    asset: str | None = Field(default=None, description="the asset that the exchange is of")
    agreement: str | None = Field(default=None, description="the agreement from which it follows")
    step: int | None = Field(default=None, description="how far up the chain it is; left out of a share of the price itself")
    country: str | None = Field(default=None, description="the country that it is for")
    share: str
    currency: str
    amount: str
    base: str | None = Field(default=None, description="the sum of which it is a share")
    due: date | None = Field(default=None, description="the last day on which it can be paid in time")
    state: LineState | None = Field(default=None, description="how it stands: own is what nobody else owes")
    payable: str | None = Field(default=None, description="what is payable after reversals and refunds")
    paid: str | None = Field(default=None, description="what was paid: confirmed, or reported and not disputed")
    confirmed: str | None = Field(default=None, description="what the payee confirmed of it")
    disputed: str | None = Field(default=None, description="what was reported and is disputed")
    rests_on: Literal["confirmed", "stated"] | None = Field(
        default=None, description="`stated` where what was paid is only reported"
    )
    references: list[str] | None = Field(
        default=None,
        description="the numbers of orders, contracts and invoices of an own exchange, each after its kind",
        examples=[["invoice 2026-17"]],
    )
    parts: list[BenefitPart] | None = Field(default=None, description="only in the answer about one line of an own exchange")


@dataclass(frozen=True, slots=True)
class BenefitFilter:
    """Which lines are meant. The days are included; None is no limit. The state of a line is that of today."""

    party: str | None = None
    role: str | None = None
    commitment: str | None = None
    currency: str | None = None
    first: date | None = None
    last: date | None = None
    payer: str | None = None
    asset: str | None = None
    kind: LineKind | None = None
    state: LineState | None = None
    due_until: date | None = None

    def where(
        self, connection: sa.Connection, book: Book, view: BenefitView, *, also_before: bool = False
    ) -> list[sa.ColumnElement[bool]]:
        """The conditions on a line that are told of it; `also_before` leaves out the first day."""
        found = view.where()
        for column, id in ((benefit.c.account, self.party), (benefit.c.payer, self.payer)):
            if id is not None:
                found.append(column.in_(hashed_names.accounts(book, connection, id)))
        told = ((benefit.c.role, self.role), (benefit.c.currency, self.currency), (_KIND, self.kind))
        found += (column == value for column, value in told if value is not None)
        asset = None if self.asset is None else hashed_names.asset(book, connection, self.asset)
        for of_exchange, value in ((benefit.c.commitment, self.commitment), (benefit.c.asset, asset)):
            if value is not None:
                found += (of_exchange == value, view.own_exchange())
        if self.first is not None and not also_before:
            found.append(view.since(self.first))
        if self.last is not None:
            found.append(view.until(self.last))
        return found


def lines(
    context: Reading, wanted: BenefitFilter, after: int | None, limit: int, connection: sa.Connection
) -> tuple[list[BenefitLine], int | None]:
    """
    Lines in the order of the book, after a number; and the number to go on after, None at the end.

    A caller who belongs to a party gets those that it pays or is paid. Raises RequestRefused.
    """
    view = BenefitView.of(connection, _BOOK, context.caller)
    query = _query(view, context.today).where(*wanted.where(connection, _BOOK, view))
    begin = -1 if after is None else after
    if view.accounts is None:
        query = query.where(benefit.c.number > begin).order_by(benefit.c.number)
    else:
        number: sa.ColumnElement[Any] = sa.func.min(benefit.c.number)
        query = query.having(number > begin).order_by(number)
    query = query.limit(limit + 1)
    if wanted.state is not None:
        query = query.having(_state(view, context.today) == wanted.state)
    if wanted.due_until is not None:
        last, due = wanted.due_until.isoformat(), sa.func.max(benefit.c.due)
        ends: sa.ColumnElement[bool] = sa.case(
            (_any(view.together()), sa.func.substr(due, 1, 7) <= last[:7]), else_=due <= last
        )
        query = query.having(ends)
    rows = connection.execute(query).all()
    return _lines(connection, rows[:limit]), rows[limit - 1].number if len(rows) > limit else None


def record_number(connection: sa.Connection, number: int) -> int:
    """The number of the record of the commitment of a line: its names, reasons and documents are erased with it."""
    of = sa.select(commitment.c.sequence).join(benefit, benefit.c.commitment == commitment.c.id)
    found: int = connection.execute(of.where(benefit.c.number == number)).scalar_one()
    return found


def one(context: Reading, number: int, connection: sa.Connection) -> BenefitLine:
    """A line, or lines that are told as one, by its number; with its parts if the exchange is the caller's. Raises RequestRefused."""
    return of_caller(context.caller, context.today, number, connection)


def of_caller(caller: Caller, today: date, number: int, connection: sa.Connection) -> BenefitLine:
    """The same for work that has looked already what the caller may do."""
    view = BenefitView.of(connection, _BOOK, caller)
    rows = connection.execute(_query(view, today).where(*view.where(), view.key() == _key_of(view, number))).all()
    if not rows or rows[0].number != number:
        raise RequestRefused("not-found", "there is no line with this number")
    (line,) = _lines(connection, rows)
    return line if rows[0].together else line.model_copy(update={"parts": _parts(connection, number, rows[0].scale)})


def line_numbers(view: BenefitView, number: int, connection: sa.Connection) -> list[int]:
    """The lines that are told as one under a number, in order; none where the caller does not see them so."""
    key = (*view.where(), view.key() == _key_of(view, number))
    query = sa.select(benefit.c.number, benefit.c.kind).join(commitment, commitment.c.id == benefit.c.commitment)
    rows = connection.execute(query.where(*key).order_by(benefit.c.number)).all()
    return [row.number for row in rows if row.kind == "payable"] if rows and rows[0].number == number else []


# --- inside --------------------------------------------------------------------------------------------------------------

# A sum of units is taken of two parts of each, so that it cannot overflow: their sums stay exact for a thousand million lines.
_HALF = 10**9
_UNITS = ("units", "base", "net", "paid", "confirmed", "disputed")
_KIND: sa.ColumnElement[str] = sa.case(
    (benefit.c.step.is_not(None), "upward"),
    (benefit.c.basis.in_(("commission", "component")), benefit.c.basis),
    (benefit.c.role == "public", "public"),
    else_="share",
)


def halves(name: str, units: sa.ColumnElement[Any]) -> tuple[sa.ColumnElement[Any], sa.ColumnElement[Any]]:
    """The two parts of the sum of units."""
    high = units // _HALF
    return sa.func.sum(high).label(f"{name}_high"), sa.func.sum(units - high * _HALF).label(f"{name}_low")


def whole(row: Any, name: str) -> int | None:
    """A sum that was taken in two parts; None where there is nothing to sum."""
    high, low = getattr(row, f"{name}_high"), getattr(row, f"{name}_low")
    return None if high is None else int(high) * _HALF + int(low)


def _one(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.case((condition, 1), else_=0)


def _any(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    return sa.func.max(_one(condition)) == 1


def _state(view: BenefitView, today: date) -> sa.ColumnElement[Any]:
    """How a line stands on a day; of several that are told as one, what is worst."""
    unpaid = benefit.c.paid < benefit.c.net
    return sa.case(
        (sa.func.max(benefit.c.net).is_(None), None),
        (_any(benefit.c.payer == benefit.c.account), "own"),
        (_any(benefit.c.disputed > 0), "disputed"),
        (_any(sa.and_(unpaid, view.is_past(today))), "overdue"),
        (_any(unpaid), "due"),
        (_any(benefit.c.paid > benefit.c.net), "claim"),
        (sa.func.max(benefit.c.net) == 0, "nothing"),
        (_any(benefit.c.confirmed != benefit.c.paid), "reported"),
        else_="confirmed",
    )


def _query(view: BenefitView, today: date) -> sa.Select[Any]:
    together = view.together()
    same = (sa.func.min(benefit.c[name]).label(name) for name in (*TOGETHER, "kind", "place", "asset", "of", "day"))
    own = (sa.func.min(commitment.c[name]).label(name) for name in ("decision", "sequence"))
    return (
        sa.select(
            sa.func.min(benefit.c.number).label("number"),
            sa.func.min(benefit.c.commitment).label("commitment"),
            *same,
            *own,
            sa.func.max(benefit.c.due).label("due"),
            sa.func.min(_KIND).label("shown_kind"),
            sa.func.max(_one(together)).label("together"),
            sa.func.max(_one(view.own_exchange())).label("own"),
            _state(view, today).label("state"),
            *(half for name in _UNITS for half in halves(name, benefit.c[name])),
        )
        .select_from(benefit.join(commitment, commitment.c.id == benefit.c.commitment))
        .group_by(view.key())
    )


def _key_of(view: BenefitView, number: int) -> sa.ScalarSelect[Any]:
    own = sa.select(view.key()).join(commitment, commitment.c.id == benefit.c.commitment)
    return own.where(benefit.c.number == number).scalar_subquery()


def _lines(connection: sa.Connection, rows: Sequence[Any]) -> list[BenefitLine]:
    named = names(connection, rows)
    numbers = _references(connection, {row.commitment for row in rows if row.own})
    found = []
    for row in rows:
        amounts = {name: whole(row, name) for name in _UNITS}
        told = {name: None if each is None else engine.amount_text(each, row.scale) for name, each in amounts.items()}
        due = None if row.due is None else _last_of_month(row.due) if row.together else date.fromisoformat(row.due)
        paid, known = amounts["paid"], named.get(row.number, LineNames())
        found.append(
            BenefitLine(
                number=row.number,
                commitment=row.commitment if row.own else None,
                references=numbers.get(row.commitment) if row.own else None,
                decision=row.decision if row.own else None,
                entry="payable" if row.together else row.kind,
                of=None if row.together else row.of,
                kind=row.shown_kind,
                day=None if row.together else date.fromisoformat(row.day),
                month=row.day[:7] if row.together else None,
                role=row.role,
                account="role" if row.account.startswith(ROLE) else "party",
                party=known.party,
                payer=known.payer,
                asset=known.asset if row.own else None,
                agreement=row.agreement,
                step=row.step,
                country=row.country,
                share=row.share,
                currency=row.currency,
                amount=told["units"] or "",
                base=told["base"],
                due=due,
                state=row.state,
                payable=told["net"],
                paid=told["paid"],
                confirmed=told["confirmed"],
                disputed=told["disputed"],
                rests_on=None if not paid else "confirmed" if amounts["confirmed"] == paid else "stated",
            )
        )
    return found


def _references(connection: sa.Connection, ids: Collection[str]) -> dict[str, list[str]]:
    """The numbers by which others know some commitments, each after its kind, without those that were erased."""
    found: dict[str, list[str]] = {}
    number = commitment_reference.c
    rows = sa.select(commitment_reference).where(number.commitment.in_(sorted(ids)), number.text.is_not(None))
    for row in connection.execute(rows.order_by(number.commitment, number.number)) if ids else ():
        found.setdefault(row.commitment, []).append(f"{row.kind} {row.text}")
    return found


def _last_of_month(day: str) -> date:
    first = date.fromisoformat(f"{day[:7]}-01")
    return (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


@dataclass(frozen=True, slots=True)
class LineNames:
    """The names that belong to a line; None where a name was erased, or where there is none."""

    party: str | None = None
    payer: str | None = None
    asset: str | None = None


def names(connection: sa.Connection, rows: Sequence[Any]) -> dict[int, LineNames]:
    """The names that belong to some lines, by their numbers, from the records of the commitments."""
    of_record: dict[int, list[Any]] = {}
    for row in rows:
        of_record.setdefault(row.sequence, []).append(row)
    up = [row for row in rows if row.step is not None]
    places: dict[tuple[str, str], str] = {}
    if up:
        paid = sa.select(benefit.c.commitment, benefit.c.account, benefit.c.place).where(
            benefit.c.commitment.in_({row.commitment for row in up}),
            benefit.c.account.in_({row.payer for row in up}),
            benefit.c.place.is_not(None),
        )
        places = {(row.commitment, row.account): row.place for row in connection.execute(paid)}
    found: dict[int, LineNames] = {}
    for sequence, request in _requests(connection, sorted(of_record)):
        exporter, asset = _stated(request, EXPORTER), _stated(request, ASSET)
        for row in of_record[sequence]:
            higher = places.get((row.commitment, row.payer)) if row.step is not None else None
            payer = exporter if higher is None else _at(connection, request, higher)
            found[row.number] = LineNames(_at(connection, request, row.place), None if row.payer is None else payer, asset)
    return found


def _at(connection: sa.Connection, request: Mapping[str, Any], place: str | None) -> str | None:
    """The name at a place: of the request, or of the version of an agreement."""
    if place is None or "#" not in place:
        return _text(request, place)
    agreement, _, at = place.partition("#")
    return agreement_book.name_at(connection, agreement, at)


def _stated(request: Mapping[str, Any], fact: str) -> str | None:
    """An id that a request states, or that the register says."""
    path = "/" + fact.replace(".", "/")
    entities = request.get(engine.REGISTER, {})
    pointers = (path, *(f"/{engine.REGISTER}/{pointer_step(name)}/states{path}" for name in entities))
    return next((found for pointer in pointers if (found := _text(request, pointer)) is not None), None)


def _text(request: Mapping[str, Any], pointer: str | None) -> str | None:
    try:
        value = None if pointer is None else value_at(request, pointer)
    except (ValueError, LookupError, TypeError):
        return None
    return value if isinstance(value, str) else None


def _requests(connection: sa.Connection, sequences: Sequence[int]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for begin in range(0, len(sequences), _AT_ONCE):
        for stored in of_numbers(connection, sequences[begin : begin + _AT_ONCE]):
            yield stored.sequence, with_personal_values(stored.entry.leaf, stored.entry.openings)["request"]


def _parts(connection: sa.Connection, line: int, scale: int) -> list[BenefitPart]:
    """What was reported of a line, part by part."""
    rows = connection.execute(
        sa.select(benefit_event).where(benefit_event.c.line == line).order_by(benefit_event.c.number)
    ).all()
    opened = tree_leaves.opened(connection, [row.leaf for row in rows])
    found: list[BenefitPart] = []
    for row in rows:
        told = opened.get(row.leaf, {})
        if row.kind == "paid":
            amount = engine.amount_text(row.units, scale)
            shown = {"dated": date.fromisoformat(row.day), "evidence": told.get("evidence"), "document": told.get("sha256")}
            found.append(BenefitPart(part=row.part, amount=amount, back=row.back, state="reported", **shown))
        else:
            found[row.part] = found[row.part].model_copy(update={"state": row.kind, "reason": told.get("reason")})
    return found
