"""
Files and SQLite databases that are not waited for until they are on the disk, like those of the tests' server of PostgreSQL.

What a process wrote is in the memory of the system, also when the process is killed, and whoever reads finds it there. What the service
asks of SQLite is tested as it stands (`AS_WRITTEN`). Servers that are killed under load wait as they always do (`SYNCED`).
"""

from __future__ import annotations

import os

from service.store import database

AS_WRITTEN = database._WRITER_PRAGMAS
FSYNC = os.fsync
SYNCED = "TESTS_WAIT_FOR_THE_DISK"  # the variable by which a copied server knows that it is to wait


def begin() -> None:
    """From now on this process waits for no disk."""
    os.fsync = lambda fd: None
    unsynced = ("synchronous = OFF" if each.startswith("synchronous") else each for each in AS_WRITTEN)
    vars(database)["_WRITER_PRAGMAS"] = tuple(unsynced)


def end() -> None:
    """From now on this process waits for the disk again."""
    os.fsync = FSYNC
    vars(database)["_WRITER_PRAGMAS"] = AS_WRITTEN
