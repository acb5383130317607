"""
The book of what is payable to whom: a commitment books its settlement, and whatever ends the commitment reverses it.

The settlement of a committed exchange goes in; rows and a leaf of the log come out. What was booked never changes. A reversal is a row of
its own on the day on which it happens, and so is a refund. So a period that was reported stays as it was reported, and an amendment books
the difference: the old lines reversed, the new ones payable. Money is whole minor units of the currency. What was agreed stays as it was
booked, whatever later policies say. A line has beside it how it stands: what is payable after all this, and what was paid of it.

A row names no party: it holds a keyed hash, and the place of the name in the record of the commitment, or `AGREEMENT#PLACE` where it is
named by an agreement. Whose the keys of the exchange's page of benefits are is kept with the settlement, for what is booked later.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, TypeAlias

import sqlalchemy as sa

import engine
from service.callers.caller import Caller
from service.ledger import agreement_book, hashed_names, overdue_benefits, party_view
from service.ledger.counter_book import Book
from service.log import tree_leaves
from service.log.canonical_json import canonical
from service.log.leaf import value_at
from service.log.tree_leaves import LogEvent
from service.problems import RequestRefused
from service.register import entity_versions
from service.register.entity import PARTY, pointer_step
from service.store.tables import benefit, settlement

ASSET = "data.id"
ROLE = "role:"  # begins the account of a role that names no party; a hash has no colon
Accounts: TypeAlias = Mapping[
    str, tuple[str, str, str]
]  # by key: a keyed hash, the agreement that names the party, and the place there

_BASES = ("commission", "component")
_BESIDE = dict.fromkeys(("payer", "asset", "basis", "base", "due", "step", "agreement", "country", "of"))
_UNPAID = {"paid": 0, "confirmed": 0, "disputed": 0}
_OF_A_LINE = ("due", "net", *_UNPAID)  # columns that a reversal or a refund of a line has not


def book_settlement(
    transaction: sa.Connection,
    book: Book,
    commitment: str,
    exchange: engine.Exchange,
    found: engine.Settlement | None,
    day: date,
    at: str,
    accounts: Accounts,
) -> None:
    """
    Book what a commitment makes payable, on a day; `found` is the settlement of its exchange. Without one nothing is written.

    `accounts` are those behind the keys of the exchange's page of benefits.
    """
    if found is None:
        return
    price = None if found.price is None else str(found.price)
    kept = canonical({key: list(each) for key, each in accounts.items()}).decode() if accounts else None
    row = {"commitment": commitment, "day": day.isoformat(), "state": found.state, "price": price, "accounts": kept}
    transaction.execute(sa.insert(settlement).values(row))
    lines = lines_of(transaction, book, exchange, found, day, accounts)
    put_lines(transaction, commitment, day, lines)
    hidden: dict[str, Any] = {**row, "lines": [*map(told, lines)]}
    del hidden["commitment"]
    tree_leaves.append(transaction, LogEvent("settlement", at, {"commitment": commitment}, hidden))


def check_within(found: engine.Settlement | None, page: engine.BenefitsPage | None, caller: Caller) -> None:
    """
    Nobody may pay more by agreements than it gets. Raises RequestRefused.

    A caller who belongs to a party is told by which of the agreements by which it pays itself.
    """
    if found is None or found.state != "exceeds":
        return
    own = () if page is None else (page.named, *page.steps)
    paid = {each.agreement for each in own if each is not None and each.payer == engine.EXPORTER_KEY}
    named = [each for each in found.exceeding if caller.party is None or each in paid]
    which = f"the agreements {', '.join(named)}" if named else "agreements further up"
    raise RequestRefused(
        "not-committable", f"by {which} a payer would pay more than it gets of this exchange: have one amended"
    )


def accounts_of(connection: sa.Connection, commitment: str) -> Accounts:
    """The accounts behind the keys of the page of benefits of a commitment's exchange."""
    kept = connection.execute(sa.select(settlement.c.accounts).where(settlement.c.commitment == commitment)).scalar()
    return {} if kept is None else {key: tuple(each) for key, each in json.loads(kept).items()}


def with_shares(
    exchange: engine.Exchange, change: Callable[[engine.BenefitStep, engine.BenefitShare], engine.BenefitShare | None]
) -> engine.Exchange:
    """The exchange with each share of its page of benefits changed; None leaves one out."""
    page = exchange.benefits
    if page is None:
        return exchange

    def again(step: engine.BenefitStep) -> engine.BenefitStep:
        shares = (change(step, each) for each in step.shares)
        return step.model_copy(update={"shares": tuple(each for each in shares if each is not None)})

    named = None if page.named is None else again(page.named)
    now = page.model_copy(update={"named": named, "steps": tuple(map(again, page.steps))})
    books = tuple(replace(each, page=now) if each.page is page else each for each in exchange.books)
    return replace(exchange, books=books)


def account_of(payee: str, accounts: Accounts) -> str:
    """The account behind a key of a page: of a role that names no party it is the key."""
    return accounts[payee][0] if payee in accounts else payee


def lines_of(
    transaction: sa.Connection,
    book: Book,
    exchange: engine.Exchange,
    found: engine.Settlement,
    day: date,
    accounts: Accounts,
) -> list[dict[str, Any]]:
    """The lines of a settlement as rows without numbers, as they are booked on a day; `accounts` are those behind the page's keys."""
    if found.price is None:
        return []
    exporter, asset = exchange.value(party_view.EXPORTER), exchange.value(ASSET)
    own = hashed_names.account(book, transaction, exporter) if isinstance(exporter, str) else None
    of_all = {
        "currency": found.price.currency,
        "scale": found.scale,
        "asset": hashed_names.asset(book, transaction, asset) if isinstance(asset, str) else None,
    }

    def behind(key: str) -> tuple[str | None, str | None, str | None]:
        """The account behind a key of the page, the place of its name, and the name; of the exporter the last two are in the record."""
        if key == engine.EXPORTER_KEY:
            return own, _place(exchange.document, party_view.EXPORTER, str(exporter)), str(exporter)
        if key.startswith(ROLE):
            return key, None, None
        account, agreement, place = accounts[key]
        return account, f"{agreement}#{place}", agreement_book.name_at(transaction, agreement, place)

    rows = []
    for each in found.lines:
        if each.payee is not None:
            account, place, name = behind(each.payee)
        elif each.party is not None:
            account, name = hashed_names.account(book, transaction, each.party), each.party
            place = _place(exchange.document, each.fact, each.party)
        else:
            account, place, name = f"{ROLE}{each.role}", None, None
        rows.append(
            {
                "role": each.role,
                "account": account,
                "place": place,
                "share": engine.ratio_text(each.share),
                "units": each.units,
                "payer": behind(each.payer)[0],
                "basis": each.kind if each.kind in _BASES else "share",
                "base": each.base,
                "due": None if each.due is None else (day + timedelta(days=each.due)).isoformat(),
                "step": each.step,
                "agreement": each.agreement,
                "country": each.country if name is None else _country(transaction, name, day),
                **of_all,
            }
        )
    return rows


def _country(connection: sa.Connection, name: str, day: date) -> str | None:
    """The country of a party by the register on a day."""
    known = entity_versions.speaking(connection, PARTY, name, day.isoformat())
    country = None if known is None else known.content.facts.get("country")
    return country if isinstance(country, str) else None


def put_lines(transaction: sa.Connection, commitment: str, day: date, lines: list[dict[str, Any]]) -> None:
    """Number and write new lines of a commitment. Nothing is paid of them yet."""
    if not lines:
        return
    booked = {"commitment": commitment, "kind": "payable", "day": day.isoformat()}
    for number, line in enumerate(lines, _next(transaction)):
        line["number"] = number
    rows = [{**_BESIDE, **line, **booked, **_UNPAID, "net": line["units"]} for line in lines]
    transaction.execute(sa.insert(benefit), rows)
    overdue_benefits.changed(transaction, (), rows)


def change_lines(
    transaction: sa.Connection, commitment: str, kind: str, day: date, net: Mapping[int, tuple[int, int | None]]
) -> list[dict[str, Any]]:
    """
    Bring lines of a commitment to other amounts and bases, by rows of a kind that have the differences; returns what a leaf tells of them.

    `net` has the amount of each line that changes, by its number, and its base.
    """
    mine = (benefit.c.commitment == commitment, benefit.c.kind == "payable")
    lines = [
        row for row in transaction.execute(sa.select(benefit).where(*mine).order_by(benefit.c.number)) if row.number in net
    ]
    bases = bases_of(transaction, commitment)
    first = _next(transaction) if lines else 0
    changes = [
        {
            **line._mapping,
            **dict.fromkeys(_OF_A_LINE),
            "number": number,
            "kind": kind,
            "day": day.isoformat(),
            "of": line.number,
            "units": net[line.number][0] - line.net,
            "base": None if line.base is None else (net[line.number][1] or 0) - bases[line.number],
        }
        for number, line in enumerate(lines, first)
    ]
    if changes:
        transaction.execute(sa.insert(benefit), changes)
    for line in lines:
        transaction.execute(sa.update(benefit).where(benefit.c.number == line.number).values(net=net[line.number][0]))
    before = [dict(row._mapping) for row in lines]
    overdue_benefits.changed(transaction, before, [{**line, "net": net[line["number"]][0]} for line in before])
    return [told({name: each[name] for name in ("number", "of", "units", "base")}) for each in changes]


def reverse_settlement(transaction: sa.Connection, commitment: str, day: date, at: str) -> None:
    """
    Reverse what a commitment made payable, on the day on which it ends. It ends once.

    What was paid of it is owed back by whoever got it.
    """
    mine = (benefit.c.commitment == commitment, benefit.c.kind == "payable")
    numbers = transaction.execute(sa.select(benefit.c.number).where(*mine)).scalars()
    changes = change_lines(transaction, commitment, "reversed", day, dict.fromkeys(numbers, (0, 0)))
    if changes:
        hidden: dict[str, Any] = {"day": day.isoformat(), "first": changes[0]["number"]}
        tree_leaves.append(transaction, LogEvent("settlement-reversed", at, {"commitment": commitment}, hidden))


def told(line: Mapping[str, Any]) -> dict[str, Any]:
    """A line as a leaf has it: RFC 8785 has no whole numbers as large as an amount may be."""
    return {name: str(value) if name in ("units", "base") and value is not None else value for name, value in line.items()}


def bases_of(connection: sa.Connection, commitment: str) -> dict[int, int]:
    """The bases of the lines of a commitment after all changes, by their numbers."""
    found: dict[int, int] = {}
    rows = sa.select(benefit.c.number, benefit.c.of, benefit.c.base).where(benefit.c.commitment == commitment)
    for row in connection.execute(rows):
        line = row.number if row.of is None else row.of
        found[line] = found.get(line, 0) + (row.base or 0)
    return found


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
