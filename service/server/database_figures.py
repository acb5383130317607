"""
The figures that are in the database, for the metrics: an open service goes in, and its page has them, at most FRESH_SECONDS old.

They are read in a thread, by the worker that answers, in one short look. INVARIANT (it never hurts): a look reads through an index, or a
row by its key, or the size of a file; what is counted has a bound; nothing is written, and no lock is taken that the writer waits for.
A page waits for a look PATIENCE_SECONDS at most, and then shows what was read before, with the time at which it was.
"""

import asyncio
from dataclasses import dataclass
from time import monotonic

import sqlalchemy as sa

from service.log.witness_client import last_given
from service.reviews.waiting_count import WaitingReviews, waiting_reviews
from service.service import Service
from service.settings import time_zone
from service.store.log_key import LogRefused
from service.store.tables import head
from service.telemetry.metrics import Labelled
from service.watch.webhook_delivery import undelivered

FRESH_SECONDS = 10.0
PATIENCE_SECONDS = 1.0
STATEMENT_SECONDS = 2.0  # after which a server of databases gives up

_Given = tuple[tuple[str, int, float], ...]  # by witness: leaves that it has not cosigned, and when it cosigned last


@dataclass(frozen=True, slots=True)
class DatabaseLook:
    """What a look found, and when, in seconds since 1970. Of a log whose checkpoint is not kept, `kept_at` is None."""

    at: float
    size: int
    free: int | None
    leaves: int
    kept_leaves: int
    kept_at: float | None
    reviews: WaitingReviews
    webhooks: tuple[int, int]
    witnesses: _Given


class DatabaseFigures:
    """The figures of the database of one service. `refresh` belongs to its event loop."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._zone = time_zone(service.settings.zone)
        self._began = -FRESH_SECONDS
        self._looking: asyncio.Future[DatabaseLook] | None = None
        self._found: DatabaseLook | None = None

    async def refresh(self) -> None:
        """Look again if the last look is too old. One that fails, or takes long, leaves what was found before."""
        if self._looking is None:
            if monotonic() - self._began < FRESH_SECONDS:
                return
            self._began = monotonic()
            self._looking = asyncio.ensure_future(asyncio.to_thread(self._look))
        done, _ = await asyncio.wait((self._looking,), timeout=PATIENCE_SECONDS)
        for each in done:
            self._looking = None
            if isinstance(each.exception(), sa.exc.SQLAlchemyError | OSError | LogRefused):
                return
            self._found = each.result()

    def _look(self) -> DatabaseLook:
        """Look now. It waits for the disk. Raises SQLAlchemyError, OSError, LogRefused."""
        service = self._service
        database, now = service.store.database, service.clock()
        with database.looking(STATEMENT_SECONDS) as connection:
            kept = database.kept.size_and_moment()  # before the tree, which may grow meanwhile
            asked = sa.select(head.c.next).where(head.c.name == "leaf")
            leaves: int = connection.execute(asked).scalar_one_or_none() or 0
            witnesses = last_given(connection, service.witnesses.witnesses) if service.witnesses else []
            return DatabaseLook(
                now.timestamp(),
                database.size(connection),
                database.free(),
                leaves,
                kept[0] if kept else 0,
                kept[1] if kept else None,
                waiting_reviews(connection, now.astimezone(self._zone).date()),
                undelivered(connection),
                tuple((name, behind, at.timestamp()) for name, behind, at in witnesses),
            )

    # --- the figures -------------------------------------------------------------------------------------------------

    def register(self) -> None:
        """Have the metrics of the service show them."""
        self._service.metrics.refresh_by(self.refresh)
        for name, documentation, read in (
            ("fifthfactor_database_read_timestamp_seconds", "When the figures of the database were read.", self._at),
            ("fifthfactor_database_size_bytes", "What the database takes on the disk.", self._size),
            ("fifthfactor_database_disk_free_bytes", "What is free where the file of the database is.", self._free),
            ("fifthfactor_log_leaves", "Leaves of the log's tree.", self._leaves),
            ("fifthfactor_checkpoint_behind_leaves", "Leaves that the kept checkpoint does not cover.", self._unkept),
            ("fifthfactor_checkpoint_timestamp_seconds", "When the checkpoint of the log was kept last.", self._kept_at),
            ("fifthfactor_witness_behind_leaves", "Leaves that a witness has not cosigned.", self._unwitnessed),
            ("fifthfactor_witness_timestamp_seconds", "When a witness cosigned last.", self._cosigned_at),
            ("fifthfactor_reviews_waiting", "Reviews that wait for a person.", self._waiting),
            ("fifthfactor_reviews_oldest_timestamp_seconds", "When the oldest review that waits was recorded.", self._oldest),
            ("fifthfactor_webhook_events", "Events that no webhook has accepted, by state.", self._webhooks),
        ):
            self._service.metrics.tell("gauge", name, documentation, read, over="answering")

    def _at(self) -> Labelled:
        return _one(self._found and self._found.at)

    def _size(self) -> Labelled:
        return _one(self._found and self._found.size)

    def _free(self) -> Labelled:
        return _one(self._found and self._found.free)

    def _leaves(self) -> Labelled:
        return _one(self._found and self._found.leaves)

    def _unkept(self) -> Labelled:
        return _one(self._found and max(0, self._found.leaves - self._found.kept_leaves))

    def _kept_at(self) -> Labelled:
        return _one(self._found and self._found.kept_at)

    def _unwitnessed(self) -> Labelled:
        """Of each witness that is set; one that has never cosigned lacks all leaves."""
        if self._found is None or self._service.witnesses is None:
            return ()
        known = {name: behind for name, behind, _ in self._found.witnesses}
        names = (each.verifier.name for each in self._service.witnesses.witnesses)
        return [({"witness": name}, known.get(name, self._found.leaves)) for name in names]

    def _cosigned_at(self) -> Labelled:
        return [({"witness": name}, at) for name, _, at in self._found.witnesses] if self._found else ()

    def _waiting(self) -> Labelled:
        return _one(self._found and self._found.reviews.count)

    def _oldest(self) -> Labelled:
        oldest = self._found and self._found.reviews.oldest
        return _one(oldest and oldest / 1e6)

    def _webhooks(self) -> Labelled:
        if self._found is None:
            return ()
        waiting, given_up = self._found.webhooks
        return [({"state": "waiting"}, waiting), ({"state": "given-up"}, given_up)]


def _one(value: float | None) -> Labelled:
    """A figure without labels, if it is known."""
    return () if value is None else (({}, value),)
