"""
The book of what is payable to whom: a commitment books its settlement, and whatever ends the commitment reverses it.

The settlement of a committed exchange goes in; rows and a leaf of the log come out. No row ever changes. A reversal is a row of its own on
the day on which it happens, so a period that was reported stays as it was reported, and an amendment books the difference: the old lines
reversed, the new ones payable. Money is whole minor units of the currency. What was agreed stays as it was booked, whatever later policies
say.

A row names no party: it holds a keyed hash, and the place of the name in the record of the commitment.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import sqlalchemy as sa

import engine
from service.ledger import hashed_names
from service.ledger.counter_book import Book
from service.log import tree_leaves
from service.log.leaf import value_at
from service.log.tree_leaves import LogEvent
from service.register import entity_versions
from service.register.entity import PARTY, pointer_step
from service.store.tables import benefit, settlement

ROLE = "role:"  # begins the account of a role that names no party; a hash has no colon


def book_settlement(
    transaction: sa.Connection,
    book: Book,
    commitment: str,
    exchange: engine.Exchange,
    found: engine.Settlement | None,
    day: date,
    at: str,
) -> None:
    """Book what a commitment makes payable, on a day; `found` is the settlement of its exchange. Without one nothing is written."""
    if found is None:
        return
    price = None if found.price is None else str(found.price)
    row = {"commitment": commitment, "day": day.isoformat(), "state": found.state, "price": price}
    transaction.execute(sa.insert(settlement).values(row))
    lines = [
        {
            "number": number,
            "role": each.role,
            "account": f"{ROLE}{each.role}" if each.party is None else _hashed(transaction, book, each.party),
            "place": None if each.party is None else _place(exchange.document, each.fact, each.party),
            "share": f"{each.share:f}",
            "currency": found.price.currency,
            "scale": found.scale,
            "units": each.units,
        }
        for number, each in enumerate(found.lines, _next(transaction) if found.lines else 0)
        if found.price is not None
    ]
    if lines:
        booked = {"commitment": commitment, "kind": "payable", "day": day.isoformat()}
        transaction.execute(sa.insert(benefit), [{**line, **booked} for line in lines])
    # RFC 8785 has no whole numbers as large as an amount may be.
    told: list[Any] = [{**line, "units": str(line["units"])} for line in lines]
    hidden: dict[str, Any] = {"day": row["day"], "state": found.state, "price": price, "lines": told}
    tree_leaves.append(transaction, LogEvent("settlement", at, {"commitment": commitment}, hidden))


def reverse_settlement(transaction: sa.Connection, commitment: str, day: date, at: str) -> None:
    """Reverse what a commitment made payable, on the day on which it ends. It ends once."""
    mine = (benefit.c.commitment == commitment, benefit.c.kind == "payable")
    rows = transaction.execute(sa.select(benefit).where(*mine).order_by(benefit.c.number)).all()
    if not rows:
        return
    first = _next(transaction)
    reversed = {"kind": "reversed", "day": day.isoformat()}
    changed = [{**row._mapping, **reversed, "number": number, "units": -row.units} for number, row in enumerate(rows, first)]
    transaction.execute(sa.insert(benefit), changed)
    hidden: dict[str, Any] = {"day": day.isoformat(), "first": first}
    tree_leaves.append(transaction, LogEvent("settlement-reversed", at, {"commitment": commitment}, hidden))


def accounts_of(connection: sa.Connection, book: Book, party: str) -> set[str]:
    """The accounts of a party: under this name, and under the id that the register knows it by."""
    return {hashed_names.party(book, connection, party), _hashed(connection, book, party)}


def _hashed(connection: sa.Connection, book: Book, name: str) -> str:
    """The hash of a party, whom the register may know under another id."""
    known = entity_versions.newest(connection, PARTY, name)
    return hashed_names.party(book, connection, name if known is None else known.id)


def _next(transaction: sa.Connection) -> int:
    last: int | None = transaction.execute(sa.select(sa.func.max(benefit.c.number))).scalar_one()
    return 0 if last is None else last + 1


def _place(request: Mapping[str, Any], fact: str, party: str) -> str | None:
    """The pointer to a party's id in a request: where the exchange states it, or what the register says."""
    steps = fact.split(".")
    entities = request.get(engine.REGISTER, {})
    for before in ([], *([engine.REGISTER, name, "states"] for name in entities)):
        pointer = "".join(f"/{pointer_step(step)}" for step in (*before, *steps))
        try:
            value = value_at(request, pointer)
        except (ValueError, LookupError, TypeError):
            continue
        # The request has ids as they were sent, the party has the form in which they are compared.
        for at, each in [(pointer, value)] if isinstance(value, str) else _members(pointer, value):
            if engine.id_form(each) == party:
                return at
    return None


def _members(pointer: str, value: Any) -> Iterator[tuple[str, str]]:
    """The texts in a list, each with the pointer to it."""
    for number, each in enumerate(value if isinstance(value, list) else ()):
        if isinstance(each, str):
            yield f"{pointer}/{number}", each
