"""
How long a service waits by itself for a lock, a body or a write: minutes, for a machine that does much else.

On its own it gives up after seconds, and then answers 503 or 408. A machine on which four workers run tests, and servers beside them,
can stand still for as long. A test that is about the giving up sets its own time. Processes that are started from nothing (`fresh`) wait
as they always do.
"""

from __future__ import annotations

from service.api import health, request_bodies
from service.decisions import readiness
from service.store import database

SECONDS = 120


def begin() -> None:
    """From now on this process, and each that is copied from it, has patience."""
    vars(database).update(
        LOCK_WAIT_SECONDS=float(SECONDS),
        _WRITER_SETTINGS=(
            "SET synchronous_commit = on;"
            f" SET idle_in_transaction_session_timeout = '{SECONDS}s'; SET lock_timeout = '{SECONDS}s'"
        ),
    )
    vars(readiness)["LOCK_WAIT_SECONDS"] = float(SECONDS)
    vars(health)["PROBE_SECONDS"] = float(SECONDS)
    vars(request_bodies)["BODY_SECONDS"] = SECONDS
