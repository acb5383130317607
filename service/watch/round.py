"""
A round of the watch: every commitment that runs is looked at, and those whose grounds may have moved are decided again.

In: an open service, a day, and how many days ahead. Out: events, once for each commitment, cause and day. The commitments are taken in
batches, in the order of their records. What a batch tells, and what the watch keeps of its commitments, is one transaction. So a round
that is interrupted or killed goes on where it stopped: what is kept says that nothing has moved since.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from service.decisions.exchange_judge import ExchangeJudge
from service.ledger.counter_book import Book
from service.ledger.exchange_counters import CounterFiller
from service.service import Service
from service.store.moments import moment_text
from service.store.tables import commitment, watched
from service.telemetry.log_lines import described
from service.watch import events, promise_deadlines, watched_commitments
from service.watch.commitment_review import CommitmentReview, OneCommitment
from service.watch.lease import Lease
from service.watch.outcome_basis import GroundTokens, Reason
from service.watch.outlook import Outlook
from service.watch.transactions import Write
from service.watch.watched_commitments import WatchedRow
from service.watch.webhook_connections import digest_of

AT_ONCE = 100  # commitments: what they tell is written in one transaction


@dataclass(slots=True)
class RoundDone:
    """
    What a round did.

    `failed` commitments could not be decided, by any engine or by a fault; the next round tries again. `whole`: it came to its end.
    """

    running: int = 0
    looked_at: int = 0
    decided: int = 0
    told: int = 0
    failed: int = 0
    whole: bool = False


def sign(service: Service, today: date) -> str:
    """What a round is done for: when this changes, the next one is due."""
    signers = service.verifier.signers.digest
    return f"{today.isoformat()} {service.live.digests.meaning} {service.settings.watch_days} {signers}".rstrip()


def run(
    service: Service,
    write: Write,
    today: date,
    *,
    progress: Callable[[RoundDone], None] = lambda done: None,
    stopped: Callable[[], bool] = lambda: False,
    pause: Callable[[], None] = lambda: None,
) -> RoundDone:
    """
    Do a round for a day. It waits for the disk and decides for long, so call it in a thread.

    `pause` is called between decisions, `stopped` between batches. Raises LeaseLost where another process does a round, NotRecorded and
    sqlalchemy.exc.SQLAlchemyError where the database does not answer.
    """
    done = RoundDone()
    with service.store.database.reading.connect() as connection:
        done.running = watched_commitments.count(connection)
    if not done.running:
        done.whole = True
        return done
    lease = Lease.of("round")
    write(lambda transaction: lease.take(transaction, service.clock()))
    finished: str | None = None
    try:
        done_for = sign(service, today)  # before the policies are read: a reload meanwhile makes another round due
        made = _Round(service, write, today, lease, done)
        while not stopped():
            if not made.batch(pause, stopped) and not made.promises():
                done.whole, finished = True, done_for
                break
            progress(done)
    finally:
        write(lambda transaction: lease.give_back(transaction, finished))
    return done


class _Round:
    """A round under way."""

    def __init__(self, service: Service, write: Write, today: date, lease: Lease, done: RoundDone) -> None:
        self._service, self._write, self._today, self._lease, self._done = service, write, today, lease, done
        book = Book()
        counts = CounterFiller(service.settings, book)
        self._until = today + timedelta(days=service.settings.watch_days)
        now = service.clock()
        with service.store.database.reading.connect() as connection:
            moment = now if today == service.today else None
            self._tokens = GroundTokens(connection, service.live, book, today, moment, service.verifier.signers.digest)
        self._outlook = Outlook(ExchangeJudge(service), counts, self._tokens, today, self._until)
        self._addresses = tuple(map(digest_of, service.settings.webhooks))
        self._after = -1

    def batch(self, pause: Callable[[], None], stopped: Callable[[], bool]) -> bool:
        """The next commitments; whether there were any. Once it is stopped, the rest is left for the next round."""
        with self._service.store.database.reading.connect() as connection:
            rows = watched_commitments.page(connection, self._after, AT_ONCE)
            if not rows:
                return False
            due = [(row, reasons) for row in rows if (reasons := self._tokens.reasons(connection, row, self._until))]
            looked = self._look(connection, due, pause, stopped)
        self._write(lambda transaction: self._keep(transaction, looked))
        self._after = rows[-1].sequence
        self._done.looked_at += len(rows)
        return True

    def promises(self) -> bool:
        """Tell which promises are due or overdue, some at once; whether there were any."""
        with self._service.store.database.reading.connect() as connection:
            if not promise_deadlines.any_to_tell(connection, self._today, self._until):
                return False

        def tell(transaction: sa.Connection) -> int:
            now = self._service.clock()
            self._lease.keep(transaction, now)
            return promise_deadlines.tell(transaction, self._today, self._until, moment_text(now), self._addresses)

        self._done.told += self._write(tell)
        return True

    def _look(
        self,
        connection: sa.Connection,
        due: Sequence[tuple[WatchedRow, tuple[Reason, ...]]],
        pause: Callable[[], None],
        stopped: Callable[[], bool],
    ) -> list[CommitmentReview]:
        if not due:
            return []
        reasons = {row.id: why for row, why in due}
        told = events.events_told(connection, list(reasons))
        ones = [
            OneCommitment(self._outlook, connection, each, reasons[each.row.id], told.get(each.row.id, ()))
            for each in watched_commitments.open_commitments(connection, [row for row, _ in due])
        ]
        pause()
        self._foresee(connection, ones)
        found = []
        for one in ones:
            if stopped():
                break
            try:
                found.append(one.looked())
            except sa.exc.SQLAlchemyError:
                raise
            except Exception as failed:  # noqa: BLE001 - whatever it is, the others are decided all the same
                self._done.failed += 1
                self._service.say.error("watch_not_decided", commitment_id=one.committed.row.id, **described(failed))
            pause()
        return found

    def _foresee(self, connection: sa.Connection, ones: Sequence[OneCommitment]) -> None:
        """Find what stays as it is. Where that fails, or the engines decide otherwise, they decide all: it is only shorter."""
        try:
            if not self._outlook.foresee(connection, [(one.committed, one.begin) for one in ones]):
                self._service.say.error("watch_lanes_differ", commitments=len(ones))
        except Exception as failed:  # noqa: BLE001 - whatever it is, each commitment is looked at by itself
            self._service.say.error("watch_not_foreseen", **described(failed))

    def _keep(self, transaction: sa.Connection, looked: Sequence[CommitmentReview]) -> None:
        """Write what a batch tells, and what is kept of its commitments; what ended meanwhile is left out."""
        self._lease.keep(transaction, self._service.clock())
        if not looked:
            return
        ids = [each.committed.row.id for each in looked]
        running = sa.select(commitment.c.id).where(commitment.c.id.in_(ids), commitment.c.state == "committed")
        count = set(transaction.execute(running).scalars())
        kept = [each for each in looked if each.committed.row.id in count]
        found = [(each.committed.row, finding) for each in kept for finding in each.findings]
        events.tell(transaction, self._today, found, moment_text(self._service.clock()), self._addresses)
        transaction.execute(sa.delete(watched).where(watched.c.commitment.in_(ids)))
        if kept:
            transaction.execute(sa.insert(watched), [_row(each, self._tokens.live.digests.meaning) for each in kept])
        self._done.decided += len(kept)
        self._done.told += len(found)


def _row(looked: CommitmentReview, meaning: str) -> dict[str, Any]:
    return {
        "commitment": looked.committed.row.id,
        "meaning": meaning,
        "told_until": looked.told_until.isoformat(),
        "next_day": None if looked.next_day is None else looked.next_day.isoformat(),
        "sign_offs": looked.sign_offs,
        "erased": looked.erased,
        "grounds": looked.grounds.text(),
    }
