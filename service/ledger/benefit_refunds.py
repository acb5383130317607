"""
Refunds: a part of a price that was given back goes in, and the lines of its commitment come to what they are of the rest.

The price less all refunds is settled anew, by the agreements of the exchange. The differences are booked, and give room under the caps
back. What was paid and is no longer payable is owed back. Under a cap nobody gets more by a refund: dividing less, the largest remainder
may give a unit more, for which there may be no room any more.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from pydantic import Field

import engine
from service.callers.context import Committing
from service.callers.sending import Sending
from service.ledger import benefit_payments, party_view
from service.ledger.benefit_book import Accounts, account_of, accounts_of, bases_of, change_lines, lines_of, with_shares
from service.ledger.benefit_payments import Amount, Evidence, Sha256
from service.ledger.commitment_list import LedgerPart
from service.ledger.counter_book import Book
from service.ledger.recorded_exchange import exchange_again
from service.log.store import record_of
from service.policies.live import Live
from service.problems import RequestRefused, wrong_value
from service.store.moments import moment_text
from service.store.tables import benefit, benefit_event, commitment, settlement

_BOOK = Book()
# What two settlements of one exchange have in common in a line.
_SAME = ("step", "role", "account", "payer", "agreement", "basis", "share")


class RefundSent(Sending):
    """A part of the price that was given back. The document stays with the caller."""

    amount: Amount
    dated: date = Field(strict=False, description="the day on which it was given back")
    evidence: Evidence
    document: Sha256


class RefundPart(LedgerPart):
    """What was refunded of a price in all, what is left of it, and how many lines the last refund changed."""

    commitment: str
    price: str = Field(description="the price that was agreed", examples=["60000.00 CNY"])
    refunded: str = Field(description="all refunds of it")
    left: str = Field(description="the price less all refunds, which is divided now")
    changed: int = Field(description="how many lines have another amount than before")


def refund(context: Committing, id: str, sent: RefundSent, transaction: sa.Connection) -> RefundPart:
    """Refund a part of a price, and settle the rest anew. Raises RequestRefused."""
    party_view.check_commitment(transaction, _BOOK, id, context.caller)
    row = transaction.execute(sa.select(commitment).where(commitment.c.id == id)).one_or_none()
    if row is None:
        raise RequestRefused("not-found", "there is no commitment with this id")
    if row.state != "committed":
        raise RequestRefused("commitment-ended", f"the commitment is {row.state}, so all of it is reversed")
    divided = transaction.execute(sa.select(settlement).where(settlement.c.commitment == id)).one_or_none()
    lines = transaction.execute(_lines(id)).all()
    if divided is None or divided.price is None or not lines:
        detail = "no price was divided by this commitment: where it follows from reports, reverse the report and make it again"
        raise RequestRefused("not-payable", detail)
    scale, currency = lines[0].scale, lines[0].currency
    price = int(Decimal(divided.price.partition(" ")[0]).scaleb(scale))
    before = refunded(transaction, id)
    units = benefit_payments.units_of(sent.amount, scale)
    if units > price - before:
        raise wrong_value(
            "/amount", f"is more than what is left of the price, which is {engine.amount_text(price - before, scale)}"
        )
    if sent.dated > context.today:
        raise wrong_value("/dated", "must be a day that has come")
    left = price - before - units
    net = _net(transaction, context.live, row, lines, engine.Money(Decimal(left).scaleb(-scale), currency))
    changes = change_lines(transaction, id, "refunded", context.today, net)
    shown: dict[str, Any] = {"units": units, "day": context.today.isoformat()}
    hidden: dict[str, Any] = {
        "dated": sent.dated.isoformat(),
        "evidence": sent.evidence,
        "sha256": sent.document,
        "lines": changes,
        "by": context.caller.id,
    }
    benefit_payments.append_event(transaction, id, "refunded", moment_text(context.now), shown, hidden)
    amounts = {"price": price, "refunded": before + units, "left": left}
    told = {name: f"{engine.amount_text(each, scale)} {currency}" for name, each in amounts.items()}
    return RefundPart(commitment=id, **told, changed=len(changes))


def refunded(connection: sa.Connection, id: str) -> int:
    """All refunds of a commitment's price, in minor units."""
    query = sa.select(benefit_event.c.units).where(benefit_event.c.commitment == id, benefit_event.c.kind == "refunded")
    return sum(connection.execute(query).scalars())


def _lines(id: str) -> sa.Select[Any]:
    return sa.select(benefit).where(benefit.c.commitment == id, benefit.c.kind == "payable").order_by(benefit.c.number)


def _net(
    transaction: sa.Connection, live: Live, row: Any, lines: Sequence[Any], price: engine.Money
) -> dict[int, tuple[int, int | None]]:
    """The amounts and bases that lines come to with another price, of those that change. Raises RequestRefused."""
    wanted: dict[tuple[Any, ...], list[Mapping[str, Any]]] = defaultdict(list)
    if price.amount:
        accounts = accounts_of(transaction, row.id)
        exchange = exchange_again(live, record_of(transaction, row.evaluation))
        exchange = None if exchange is None else _with_no_more(exchange, lines, accounts)
        found = None if exchange is None else engine.settle(live.bundle.vocabulary, exchange, price)
        if exchange is None or found is None or found.state != "settled":
            raise RequestRefused(
                "not-payable",
                "the policies cannot divide what is left of the price, or a name was erased: withdraw the commitment instead",
            )
        for line in lines_of(transaction, _BOOK, exchange, found, date.fromisoformat(row.as_of), accounts):
            wanted[tuple(line.get(name) for name in _SAME)].append(line)
    bases, net = bases_of(transaction, row.id), {}
    for line in lines:
        of_line = wanted[tuple(getattr(line, name) for name in _SAME)]
        after = of_line.pop(0) if of_line else {"units": 0, "base": 0}
        base = None if line.base is None else (after.get("base") or 0)
        if after["units"] != line.net or (base is not None and base != bases[line.number]):
            net[line.number] = after["units"], base
    if any(line["units"] for of_line in wanted.values() for line in of_line):
        raise RequestRefused("not-payable", "the policies divide the rest among others than the price: withdraw the commitment")
    return net


def _with_no_more(exchange: engine.Exchange, lines: Iterable[Any], accounts: Accounts) -> engine.Exchange:
    """The exchange with as much room under a cap as its lines have taken."""
    taken, currencies = Counter[tuple[str, str]](), {}
    for line in lines:
        currencies[line.currency] = line.scale
        if line.payer != line.account:
            taken[line.agreement, line.account] += line.net

    def again(step: engine.BenefitStep, share: engine.BenefitShare) -> engine.BenefitShare:
        units = taken[step.agreement, account_of(share.payee, accounts)]
        room = {currency: engine.amount_text(units, scale) for currency, scale in currencies.items()}
        return share if share.room is None else share.model_copy(update={"room": room})

    return with_shares(exchange, again)
