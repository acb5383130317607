"""
Whether the service can decide and record now: it looks up what decisions need, tries a record, and writes a word that stays.

It fails where nearly every evaluation would. A damaged page that holds the rows of some parties or assets refuses these only, and no probe
finds it: the line `read_failed` says so when one of them is asked about.
"""

import asyncio
from collections.abc import Sequence
from functools import cache
from time import monotonic
from typing import Any

import sqlalchemy as sa

from service.policies.live import Live
from service.service import Service
from service.store import tables
from service.store.database import LOCK_WAIT_SECONDS, plain
from service.store.writer import NotRecorded

LOOK_SECONDS = 1.0  # anybody may ask as often as they like
# PostgreSQL keeps what was taken back as dead rows, until a vacuum.
TRIAL_SECONDS = {"sqlite": 1.0, "postgresql": 10.0}

_ALWAYS = (tables.about, tables.head, tables.entity, tables.entity_alias, tables.entity_spelling, tables.subject_seal)
_COUNTS = (tables.counted, tables.counter_sum, tables.movement, tables.opening)
_RIGHTS = (tables.right_line, tables.right_opening)
_BENEFITS = (tables.agreement, tables.agreement_party, tables.benefit)
_INDEXED = (sa.Index, sa.PrimaryKeyConstraint, sa.UniqueConstraint)


class NotReadable(NotRecorded):
    """What decisions need cannot be read, so none is made."""


class Readiness:
    """Probes one service."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._trial_seconds = TRIAL_SECONDS[service.store.database.dialect]
        self._looked_until = self._tried_until = 0.0

    async def probe(self) -> int:
        """
        How many records the log holds, after a write that reached the disk. Raises NotRecorded, and NotReadable.

        What decisions read is looked up at most once in LOOK_SECONDS, and a record is tried at most once in TRIAL_SECONDS, if that went
        well the last time and no write has failed since.
        """
        store = self._service.store
        if store.writer.counts.failing:
            self._looked_until = self._tried_until = 0.0
        if monotonic() >= self._looked_until:
            self._looked_until = 0.0
            await asyncio.to_thread(self._look_up)
            self._looked_until = monotonic() + LOOK_SECONDS
        if monotonic() < self._tried_until:
            return await store.probe()
        self._tried_until = 0.0
        records = await store.probe(with_record=True)
        self._tried_until = monotonic() + self._trial_seconds
        return records

    def _look_up(self) -> None:
        try:
            with self._service.store.database.looking(LOCK_WAIT_SECONDS) as connection:
                connection.execute(_lookups(tables_read(self._service.live, self._service.settings.key_required))).one()
        except sa.exc.SQLAlchemyError as failed:
            raise NotReadable(plain(failed)) from None


def tables_read(live: Live, key_required: bool) -> tuple[sa.Table, ...]:
    """The tables without which these policies decide about next to nothing that names its parties and data."""
    counting, reader = live.counting, live.bundle.reader
    return (
        *_ALWAYS,
        *((tables.caller,) if key_required else ()),
        *(_COUNTS if counting.facts or counting.shares else ()),
        *((tables.promise,) if counting.promises else ()),
        *(_RIGHTS if reader.books else ()),
        *(_BENEFITS if reader.benefits is not None else ()),
    )


@cache
def _lookups(asked: Sequence[sa.Table]) -> sa.Select[Any]:
    """One statement, which asks each table for a row, and each index for what is not there."""
    found: list[sa.ScalarSelect[Any]] = []
    for table in asked:
        indexes = [each.columns for each in (*table.indexes, *table.constraints) if isinstance(each, _INDEXED)]
        indexed = {column.name for columns in indexes for column in columns}
        *_, last = table.columns
        alone = next((column for column in table.columns if column.name not in indexed), last)
        found.append(sa.select(alone).limit(1).scalar_subquery())  # of a column in no index, so that the table itself is read
        absent = [sa.select(sa.literal(1)).where(*(column == _absent(column) for column in columns)) for columns in indexes]
        found += [each.limit(1).scalar_subquery() for each in absent]
    return sa.select(*(each.label(f"found_{number}") for number, each in enumerate(found)))


def _absent(column: sa.Column[Any]) -> object:
    """A value that no column of its type has together with those of the other columns of an index."""
    match column.type:
        case sa.String():
            return "\x01"
        case sa.LargeBinary():
            return b""
        case sa.Boolean():
            return False
        case _:
            return -2
