"""
What stands and what ended: the commitment of a decision, and the signed list of those that ended while their receipts could still be good.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from service.log.proofs import LogTree
from service.log.receipt_leaf import CommitmentMoment
from service.log.search_index import first_since
from service.receipts.withdrawals import Ended, WithdrawalsPage
from service.store.moments import moment_text
from service.store.tables import commitment, commitment_event
from service.transparency.signed_note import Note, SignatureType, SignerKey

LIST_GOOD_FOR = timedelta(minutes=5)
MOST_ENDED = 1_000  # of a page: so many lines are well below the most bytes of a note

_OUT_OF_ORDER = timedelta(minutes=10)  # records are numbered when they are written, a little after the moment that they name


def standing_commitment(connection: sa.Connection, decision: str) -> CommitmentMoment | None:
    """The commitment of a decision, as the one that was named or the one made when it was committed; None if it ended."""
    same = sa.or_(commitment.c.decision == decision, commitment.c.evaluation == decision)
    found = sa.select(commitment.c.id, commitment.c.committed_at).where(same, commitment.c.state == "committed")
    row = connection.execute(found).first()
    return None if row is None else CommitmentMoment(row.id, row.committed_at)


def commitment_of(connection: sa.Connection, decision: str) -> str | None:
    """The id of the commitment of a decision, whether it stands or ended; None if it was never committed."""
    same = sa.or_(commitment.c.decision == decision, commitment.c.evaluation == decision)
    found: str | None = connection.execute(sa.select(commitment.c.id).where(same)).scalars().first()
    return found


@dataclass(frozen=True, slots=True)
class EndedPage:
    """A page of the list, not signed yet: the commitments that ended, and the place to go on after, None at the end."""

    ended: tuple[Ended, ...]
    next: int | None

    @classmethod
    def read(cls, connection: sa.Connection, since: datetime, after: int | None, limit: int) -> "EndedPage":
        """The commitments that were made since a moment and ended, in the order in which they were made, after a place."""
        first = first_since(connection, since - _OUT_OF_ORDER)
        if first is None:
            return cls((), None)
        ending = sa.and_(
            commitment_event.c.commitment == commitment.c.id, commitment_event.c.kind.in_(("withdrawn", "amended"))
        )
        ended = (
            sa.select(
                commitment.c.id, commitment.c.sequence, commitment.c.state, sa.func.max(commitment_event.c.at).label("at")
            )
            .join(commitment_event, ending)
            .where(
                commitment.c.sequence >= first,
                commitment.c.sequence > (-1 if after is None else after),
                commitment.c.committed_at >= moment_text(since),
                commitment.c.state != "committed",
            )
            .group_by(commitment.c.id, commitment.c.sequence, commitment.c.state)
            .order_by(commitment.c.sequence)
            .limit(limit + 1)
        )
        rows = connection.execute(ended).all()
        found = tuple(Ended(row.id, row.state, datetime.fromisoformat(row.at)) for row in rows[:limit])
        return cls(found, rows[limit - 1].sequence if len(rows) > limit else None)


def withdrawals(tree: LogTree, now: datetime, good_for: timedelta, after: int | None, limit: int) -> tuple[Note, int | None]:
    """
    A page of the list, signed by the log, and the place of the next page; `good_for` is how long receipts are good.

    It has the commitments whose end is in the database when it is read, and is said to be issued before.
    """
    since = now - good_for
    page = EndedPage.read(tree.connection, since, after, limit)
    signer = SignerKey(tree.key.origin, SignatureType.NOTE, tree.key.private)
    signed = WithdrawalsPage(tree.key.origin, now, now + LIST_GOOD_FOR, since, after, page.next, page.ended).signed(signer)
    return signed, page.next
