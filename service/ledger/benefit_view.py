"""
Who sees what of the book of benefits: a caller goes in, and conditions on lines come out.

An operator's key sees all lines. A caller who belongs to a party sees those that it pays and those that it is paid. Of its own exchanges
it sees all of such a line. Of others' exchanges it sees no exchange, buyer, asset or reference; and of lines up a chain one for each
month, step, agreement, payer and payee, with sums. What follows from its own amount and ratio cannot be hidden.

INVARIANT (nothing is cut out of a month): where lines are told as one, no filter takes less than all of them.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any, Self

import sqlalchemy as sa

from service.callers.caller import Caller
from service.ledger import hashed_names, party_view
from service.ledger.counter_book import Book
from service.store.tables import benefit, commitment

# The columns of a line beside its amounts that are the same in all lines that are told as one.
TOGETHER = ("payer", "account", "agreement", "step", "basis", "role", "share", "currency", "scale", "country")

_month: sa.ColumnElement[str] = sa.func.substr(benefit.c.day, 1, 7)


@dataclass(frozen=True, slots=True)
class BenefitView:
    """What a caller sees: `accounts` are those of its party, `exporter` is how commitments have it. None of an operator."""

    accounts: frozenset[str] | None = None
    exporter: str = ""

    @classmethod
    def of(cls, connection: sa.Connection, book: Book, caller: Caller) -> Self:
        """What a caller sees."""
        if caller.party is None:
            return cls()
        accounts = frozenset(hashed_names.accounts(book, connection, caller.party))
        return cls(accounts, party_view.hashed(connection, book, caller.party))

    def where(self) -> list[sa.ColumnElement[bool]]:
        """The lines that the caller may see."""
        if self.accounts is None:
            return []
        return [sa.or_(benefit.c.payer.in_(self.accounts), benefit.c.account.in_(self.accounts))]

    def own_exchange(self) -> sa.ColumnElement[bool]:
        """Whether a line is of an exchange of which the caller may know."""
        return sa.true() if self.accounts is None else sa.func.coalesce(commitment.c.exporter, "") == self.exporter

    def together(self) -> sa.ColumnElement[bool]:
        """Whether a line is told as one with others."""
        return sa.and_(sa.not_(self.own_exchange()), benefit.c.step.is_not(None))

    def key(self) -> sa.ColumnElement[Any]:
        """What the lines have in common that are told as one."""
        if self.accounts is None:
            return benefit.c.number
        parts: list[sa.ColumnElement[str]] = [_month]
        parts += [sa.func.coalesce(sa.cast(benefit.c[name], sa.String), "") for name in TOGETHER]
        joined = parts[0]
        for part in parts[1:]:
            joined = joined + "/" + part
        return sa.case((self.together(), joined), else_=sa.cast(benefit.c.number, sa.String))

    def since(self, first: date) -> sa.ColumnElement[bool]:
        """Whether a line is of a day or a later one; of lines that are told as one the month counts."""
        return sa.case((self.together(), _month >= first.isoformat()[:7]), else_=benefit.c.day >= first.isoformat())

    def until(self, last: date) -> sa.ColumnElement[bool]:
        """Whether a line is of a day or an earlier one; of lines that are told as one the month counts."""
        return sa.case((self.together(), _month <= last.isoformat()[:7]), else_=benefit.c.day <= last.isoformat())

    def is_past(self, day: date) -> sa.ColumnElement[bool]:
        """Whether a line's due day is over on a day; of lines that are told as one, whether the month of the due day is."""
        month = sa.func.substr(benefit.c.due, 1, 7) < day.isoformat()[:7]
        return sa.case((self.together(), month), else_=benefit.c.due < day.isoformat())
