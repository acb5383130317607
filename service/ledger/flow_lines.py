"""
The lines of the statistics: a committed exchange goes in, its line in the rows of the ledger comes out, and the sums move with it.

A line is written in the transaction of the commitment, with a leaf that has all of it hidden. It is taken out when the commitment ends,
and written again when policies read it otherwise. A line holds keyed hashes of the parties, and no name.
"""

from datetime import date
from typing import Any

import sqlalchemy as sa

import engine
from service.ledger import exact_sums, flow_sums, hashed_names
from service.ledger.counter_book import Book
from service.ledger.flow_sums import DIMENSIONS
from service.log import tree_leaves
from service.log.tree_leaves import LogEvent
from service.policies.live import Live
from service.store.moments import now_text
from service.store.tables import MONEY_PARTS, commitment, flow

LARGEST = 10**12  # people of one line; an upper end above it is none


def lacks_line(meaning: str) -> sa.ColumnElement[bool]:
    """Whether a commitment has no line of a meaning."""
    return ~sa.exists().where(flow.c.commitment == commitment.c.id, flow.c.meaning == meaning)


class FlowLines:
    """Writes the lines of one database, in writing transactions."""

    def __init__(self, book: Book) -> None:
        self._book = book

    def enter(self, transaction: sa.Connection, live: Live, id: str, day: date, judged: engine.Judgement) -> None:
        """Write the line of a commitment, in the place of one of another meaning. Policies without statistics have no lines."""
        meaning = live.flows.meaning
        old = transaction.execute(sa.select(flow).where(flow.c.commitment == id)).mappings().one_or_none()
        if not meaning or (old is not None and old["meaning"] == meaning):
            return
        if old is not None:
            transaction.execute(sa.delete(flow).where(flow.c.commitment == id))
            flow_sums.add(transaction, [dict(old)] if old["live"] else [], -1)
        line = self.line(transaction, meaning, day, live.flows.of(judged.exchange, judged.verdict, day))
        transaction.execute(sa.insert(flow).values(commitment=id, live=True, **line))
        tree_leaves.append(transaction, LogEvent("flow", now_text(), {"commitment": id}, {"flow": line}))
        flow_sums.add(transaction, [line])

    def end(self, transaction: sa.Connection, id: str) -> None:
        """Take the line of a commitment out of the sums."""
        mine = sa.and_(flow.c.commitment == id, flow.c.live.is_(sa.true()))
        old = transaction.execute(sa.select(flow).where(mine)).mappings().one_or_none()
        if old is not None:
            transaction.execute(sa.update(flow).where(mine).values(live=False))
            flow_sums.add(transaction, [dict(old)], -1)

    def line(self, connection: sa.Connection, meaning: str, day: date, told: engine.Flow) -> dict[str, Any]:
        """The row of a flow, without its commitment."""
        named = {"supplier": told.supplier, "recipient": told.recipient}
        words = (*DIMENSIONS, "lanes")
        high = told.people.high
        endless = high is None or high > LARGEST
        row: dict[str, Any] = {
            "meaning": meaning,
            "month": day.isoformat()[:7],
            **{name: getattr(told, name) for name in words},
            "currency": told.price.currency if told.price else "",
            **{side: None if id is None else hashed_names.party(self._book, connection, id) for side, id in named.items()},
            "people_least": min(int(told.people.low), LARGEST),
            "people_most": 0 if high is None or endless else int(high),
            "people_endless": int(endless),
            "exclusive": int(told.exclusive == "yes"),
            "terms_unknown": int(told.exclusive == engine.UNKNOWN),
        }
        price = told.price.amount if told.price else None
        amounts = {"price": price, "exclusive_price": price if row["exclusive"] else None}
        amounts |= {"source_country": told.source_country_share, "public": told.public_share}
        for name, amount in amounts.items():
            parts = (0, 0, 0) if amount is None else exact_sums.parts(amount)
            row |= {f"{name}_{part}": number for part, number in zip(MONEY_PARTS, parts, strict=True)}
            if name in ("source_country", "public"):
                row[f"{name}_known"] = int(amount is not None)
        return row
