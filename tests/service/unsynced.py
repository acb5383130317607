"""
Files and SQLite databases that are not waited for until they are on the disk, like those of the tests' server of PostgreSQL.

The tests kill processes, never the machine: what a process wrote is then in the memory of the system, and whoever reads finds it there.
What the service asks of SQLite is tested as it stands (`AS_WRITTEN`).
"""

from __future__ import annotations

import os

from service.store import database

AS_WRITTEN = database._WRITER_PRAGMAS


def begin() -> None:
    """From now on this process waits for no disk."""
    os.fsync = lambda fd: None
    unsynced = ("synchronous = OFF" if each.startswith("synchronous") else each for each in AS_WRITTEN)
    vars(database)["_WRITER_PRAGMAS"] = tuple(unsynced)
