"""
The figures that are in the database, for the metrics: an open service goes in, and its page has them, at most FRESH_SECONDS old.

They are read in a thread, by the worker that answers, in one short look. INVARIANT (it never hurts): a look reads through an index, or a
row by its key, or the size of a file; what is counted has a bound; nothing is written, and no lock is taken that the writer waits for.
A page waits for a look PATIENCE_SECONDS at most, and then shows what was read before, with the time at which it was.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from time import monotonic

import sqlalchemy as sa

from service.log.witness_client import last_given
from service.reviews.waiting_count import WaitingReviews, waiting_reviews
from service.service import Service
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


_Of = Callable[[DatabaseLook], float | Labelled | None]
_Figure = tuple[str, str, _Of]  # name, what it is, and how it is found in a look


class DatabaseFigures:
    """The figures of the database of one service. `refresh` belongs to its event loop."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._began = -FRESH_SECONDS
        self._looking: asyncio.Future[DatabaseLook] | None = None
        self.found: DatabaseLook | None = None  # by the last look

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
            self.found = each.result()

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
                waiting_reviews(connection, service.settings.day_of(now)),
                undelivered(connection),
                tuple((name, behind, at.timestamp()) for name, behind, at in witnesses),
            )

    # --- the figures -------------------------------------------------------------------------------------------------

    def register(self) -> None:
        """Have the metrics of the service show them. What is not known has no value."""
        self._service.metrics.refresh_by(self.refresh)
        for name, documentation, of in (*_OF_THE_DATABASE, *_OF_ITS_LOG, *_OF_ITS_WORK):
            self._service.metrics.tell("gauge", name, documentation, partial(self._read, of), over="answering")
        behind = "fifthfactor_witness_behind_leaves"
        self._service.metrics.tell("gauge", behind, "Leaves that a witness has not cosigned.", self._behind, over="answering")

    def _read(self, of: _Of) -> Labelled:
        value = None if self.found is None else of(self.found)
        return () if value is None else (({}, value),) if isinstance(value, int | float) else value

    def _behind(self) -> Labelled:
        """Of each witness that is set; one that has never cosigned lacks all leaves."""
        if self.found is None or self._service.witnesses is None:
            return ()
        known = {name: behind for name, behind, _ in self.found.witnesses}
        names = (each.verifier.name for each in self._service.witnesses.witnesses)
        return [({"witness": name}, known.get(name, self.found.leaves)) for name in names]


def _oldest(look: DatabaseLook) -> float | None:
    return None if look.reviews.oldest is None else look.reviews.oldest / 1e6


def _cosigned_at(look: DatabaseLook) -> Labelled:
    return [({"witness": name}, at) for name, _, at in look.witnesses]


def _undelivered(look: DatabaseLook) -> Labelled:
    waiting, given_up = look.webhooks
    return [({"state": "waiting"}, waiting), ({"state": "given-up"}, given_up)]


_OF_THE_DATABASE: tuple[_Figure, ...] = (
    ("fifthfactor_database_read_timestamp_seconds", "When the figures of the database were read.", lambda look: look.at),
    ("fifthfactor_database_size_bytes", "What the database takes on the disk.", lambda look: look.size),
    ("fifthfactor_database_disk_free_bytes", "What is free where the file of the database is.", lambda look: look.free),
)
_OF_ITS_LOG: tuple[_Figure, ...] = (
    ("fifthfactor_log_leaves", "Leaves of the log's tree.", lambda look: look.leaves),
    (
        "fifthfactor_checkpoint_behind_leaves",
        "Leaves that the kept checkpoint does not cover.",
        lambda look: max(0, look.leaves - look.kept_leaves),
    ),
    ("fifthfactor_checkpoint_timestamp_seconds", "When the checkpoint of the log was kept last.", lambda look: look.kept_at),
    ("fifthfactor_witness_timestamp_seconds", "When a witness cosigned last.", _cosigned_at),
)
_OF_ITS_WORK: tuple[_Figure, ...] = (
    ("fifthfactor_reviews_waiting", "Reviews that wait for a person.", lambda look: look.reviews.count),
    ("fifthfactor_reviews_oldest_timestamp_seconds", "When the oldest review that waits was recorded.", _oldest),
    ("fifthfactor_webhook_events", "Events that no webhook has accepted, by state.", _undelivered),
)
