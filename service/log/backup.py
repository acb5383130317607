"""
Backing up a database that is in use, and checking that all its records and leaves are there and sound.

A copy shows the database at one moment. Writers are not held up. PostgreSQL has its own programs for copies.
"""

import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import sqlalchemy as sa

from service.log.store import scan
from service.log.tree_verification import counted, tree_faults
from service.store.database import Database, DatabaseRefused, plain
from service.store.upgrade import open_present, revision


@dataclass(frozen=True, slots=True)
class DatabaseCheck:
    """The result of checking a database: its revision, the number of its records, and their faults in order."""

    revision: str
    records: int
    faults: tuple[str, ...]


def back_up(url: str, copy: Path) -> DatabaseCheck:
    """
    Copy a database into a new file that only its owner can read, and check the copy. Writers are not held up.

    Erased values are not in the copy, not even in its free pages. The file gets its name only when it is complete and on the disk.
    Raises DatabaseRefused.
    """
    database = open_present(url)
    part = copy.with_name(copy.name + ".part")
    try:
        if database.dialect != "sqlite":
            raise DatabaseRefused(f"the database `{database.shown}` is on a server: back it up with `pg_dump --format=custom`")
        if copy.exists():
            raise DatabaseRefused(f"the file `{copy}` exists already; a backup needs a new file")
        try:
            copy_file(database, part)
            found = examine(str(part))
            if not found.faults:
                os.link(part, copy)  # unlike a rename, this replaces nothing
                _sync(copy.parent)
            return found
        finally:
            for suffix in ("", "-wal", "-shm", "-journal"):  # checking the copy makes files beside it
                part.with_name(part.name + suffix).unlink(missing_ok=True)
    except (OSError, sqlite3.Error, sa.exc.SQLAlchemyError) as refused:
        raise DatabaseRefused(f"the database `{database.shown}` cannot be copied to `{copy}`: {plain(refused)}") from None
    finally:
        database.close()


def copy_file(database: Database, copy: Path) -> None:
    """Copy a database file into a new file that only its owner can read, and that is on the disk. Raises OSError and sqlite3.Error."""
    os.close(os.open(copy, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    with database.reading.connect() as connection:
        raw = cast(sqlite3.Connection, connection.connection.dbapi_connection)
        raw.execute("VACUUM INTO ?", (str(copy),))
    _sync(copy)


def examine(url: str) -> DatabaseCheck:
    """Check every record of a database. A service may write to it at the same time. Raises DatabaseRefused."""
    database = open_present(url)
    try:
        with database.reading.connect() as connection:
            found = revision(connection)
            # The number is read before the records, so records that are written meanwhile lie beyond it.
            expected, miscounted = counted(connection)
            faults = (*_faults(connection, expected), *([miscounted] if miscounted else ()))
        return DatabaseCheck(found or "", expected, faults)
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
            yield f"records are missing between {number} and {stored.sequence}"
        number = stored.sequence
        for fault in stored.faults():
            yield f"record {number}: {fault}"
    yield from tree_faults(connection, None)
    if number + 1 != expected:
        yield f"the last record is {number}, but the log counts {expected} records from 0 on"


def _sync(path: Path) -> None:
    """Write a file or a folder through to the disk."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
