"""
The issuer of receipts: the id of a recorded decision goes in, a receipt comes out.

The first receipt of a decision adds a leaf to the log, and so does the first one after it was committed; later ones are of the same leaf.
Each is of the checkpoint of its moment.
"""

import asyncio
import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import sqlalchemy as sa

from service.callers.context import Reading
from service.decisions import log_access
from service.decisions.replay import CannotReplay, Replayer
from service.ledger.ended_commitments import standing_commitment
from service.log import tree_leaves
from service.log.durable_record import durable
from service.log.receipt_leaf import CommitmentMoment, NoReceipt, ReceiptContent, ReceiptLeaf, newest
from service.log.store import Stored
from service.problems import RequestRefused
from service.receipts import Receipt
from service.service import Service


@dataclass(frozen=True, slots=True)
class _Held:
    """What the database holds of a decision: its record, the commitment that stands, and the leaf of its last receipt."""

    stored: Stored
    committed: CommitmentMoment | None
    leaf: ReceiptLeaf | None

    @property
    def fits(self) -> bool:
        """Whether the leaf still says how the decision is committed."""
        if self.leaf is None:
            return False
        said = json.loads(self.leaf.leaf)["committed"]
        return bool(said == (None if self.committed is None else {"id": self.committed.id, "at": self.committed.at}))


class ReceiptIssuer:
    """Issues the receipts of one service."""

    def __init__(self, service: Service, replaying: Replayer) -> None:
        self._service = service
        self._replaying = replaying
        self._zone = service.settings.tzinfo

    async def receipt(self, context: Reading, id: str) -> Receipt:
        """The receipt of a decision whose record is durable. Raises RequestRefused."""

        def look(connection: sa.Connection) -> _Held:
            return _held(connection, log_access.record(context, id, connection))

        held = await asyncio.to_thread(self._service.read, look)
        if not held.fits:
            try:
                answered = ReceiptContent.of(held.stored)
            except NoReceipt as none:
                raise RequestRefused("no-receipt", str(none)) from None
            last_day = await asyncio.to_thread(self._last_day, held.stored, answered)
            await durable(self._service.store.do(lambda transaction: self._append(context, transaction, answered, last_day)))
            held = await asyncio.to_thread(self._service.read, look)
        if held.leaf is None:
            raise RequestRefused("no-receipt", "a personal value of the decision is being erased")
        return await asyncio.to_thread(self._proven, held.leaf)

    def _append(self, context: Reading, transaction: sa.Connection, answered: ReceiptContent, last_day: date | None) -> None:
        """In the writing transaction: the leaf, unless another call made it meanwhile."""
        held = _held(transaction, log_access.record(context, answered.id, transaction))
        if held.fits:
            return
        now = self._service.clock()
        again = ReceiptContent.of(held.stored)  # a personal value may have been erased meanwhile
        until = self._good_until(again, held.committed, last_day)
        tree_leaves.append(transaction, again.happening(now, until, held.committed))

    def _good_until(
        self, answered: ReceiptContent, committed: CommitmentMoment | None, last_day: date | None
    ) -> datetime | None:
        """Until when the receipt is good: a number of hours, at most to the end of the last day of the outcome; None for no permit."""
        if answered.answer.get("proceed") is not True:
            return None
        begin = answered.recorded_at if committed is None else committed.moment
        until = begin + timedelta(hours=self._service.settings.receipt_hours)
        if last_day is None or last_day == date.max:
            return until
        return min(until, datetime.combine(last_day + timedelta(days=1), time.min, self._zone).astimezone(UTC))

    def _last_day(self, stored: Stored, answered: ReceiptContent) -> date | None:
        """The last day on which the same facts certainly have the same outcome; None if it does not change within years."""
        if answered.answer.get("proceed") is not True:
            return None
        try:
            return self._replaying.reopened(stored).last_day()
        except (CannotReplay, KeyError):
            return date.fromisoformat(answered.answer["as_of"])

    def _proven(self, leaf: ReceiptLeaf) -> Receipt:
        proof, cose = self._service.read_tree(lambda tree: tree.receipt(leaf.index, leaf.leaf))
        return Receipt(leaf.leaf, leaf.opened, proof, cose)


def _held(connection: sa.Connection, stored: Stored) -> _Held:
    id = stored.entry.id
    return _Held(stored, standing_commitment(connection, id), newest(connection, id))
