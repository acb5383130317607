"""
Keeping a database: a copy of it while it is written, and a look at whether it is whole.

A copy is taken as of one moment, without holding up whoever writes. PostgreSQL has programs of its own for that.
"""

import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import sqlalchemy as sa

from service.log.store import scan
from service.store.database import DatabaseRefused, plain
from service.store.tables import head
from service.store.upgrade import look, revisions


@dataclass(frozen=True, slots=True)
class DatabaseCheck:
    """What a look at a database found: its revision, how many records it has, and what is wrong with them, in order."""

    revision: str
    records: int
    faults: tuple[str, ...]


def back_up(url: str, copy: Path) -> DatabaseCheck:
    """
    Copy a database into a new file, readable by its owner only, and look at the copy. Whoever writes meanwhile is not held up.

    What was erased is not in the copy, not even in pages that are free. The file has its name once it is whole and on the disk. Raises
    DatabaseRefused.
    """
    database = look(url)
    part = copy.with_name(copy.name + ".part")
    try:
        if database.dialect != "sqlite":
            raise DatabaseRefused(f"the database `{database.shown}` is a server's: back it up with `pg_dump --format=custom`")
        if copy.exists():
            raise DatabaseRefused(f"the file `{copy}` is there already; a backup gets a new one")
        os.close(os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        try:
            with database.reading.connect() as connection:
                raw = cast(sqlite3.Connection, connection.connection.dbapi_connection)
                raw.execute("VACUUM INTO ?", (str(part),))
            _sync(part)
            found = examine(str(part))
            if not found.faults:
                os.link(part, copy)  # unlike a rename, this replaces nothing
                _sync(copy.parent)
            return found
        finally:
            for suffix in ("", "-wal", "-shm", "-journal"):  # looking at it makes files beside it
                part.with_name(part.name + suffix).unlink(missing_ok=True)
    except (OSError, sqlite3.Error, sa.exc.SQLAlchemyError) as refused:
        raise DatabaseRefused(f"the database `{database.shown}` cannot be copied to `{copy}`: {plain(refused)}") from None
    finally:
        database.close()


def examine(url: str) -> DatabaseCheck:
    """Look at every record of a database, which a service may be writing at the same time. Raises DatabaseRefused."""
    database = look(url)
    try:
        with database.reading.connect() as connection:
            revision, _ = revisions(connection)
            # First the number, then the records: those that come meanwhile are beyond it.
            expected: int = connection.execute(sa.select(head.c.next).where(head.c.name == "record")).scalar_one()
            faults = tuple(_faults(connection, expected))
        return DatabaseCheck(revision or "", expected, faults)
    except (OSError, sa.exc.SQLAlchemyError) as refused:
        raise DatabaseRefused(f"the database `{database.shown}` cannot be read: {plain(refused)}") from None
    finally:
        database.close()


def _faults(connection: sa.Connection, expected: int) -> Iterator[str]:
    number = -1
    for stored in scan(connection):
        if stored.sequence >= expected:
            break
        if stored.sequence != number + 1:
            yield f"between the records {number} and {stored.sequence} some are missing"
        number = stored.sequence
        for fault in stored.faults():
            yield f"record {number}: {fault}"
    if number + 1 != expected:
        yield f"the last record is {number}, and {expected} were counted"


def _sync(path: Path) -> None:
    """A file or folder, onto the disk."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
