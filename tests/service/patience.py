"""
How long a service waits by itself for a lock, a body or a write: minutes, for a machine that does much else.

On its own it gives up after seconds, and then answers 503 or 408. A machine on which four workers run tests, and servers beside them,
can stand still for as long. A test that is about the giving up sets its own time, or has a server without patience (`IMPATIENT`).
Processes that are started from nothing (`fresh`) have none either.
"""

from __future__ import annotations

from types import ModuleType

from service.api import health, request_bodies
from service.decisions import readiness
from service.server import database_figures
from service.store import database

SECONDS = 120
IMPATIENT = "TESTS_WAIT_AS_USUAL"  # the variable by which a copied server knows that it is to wait as it always does


_WRITES = (
    f"SET synchronous_commit = on; SET idle_in_transaction_session_timeout = '{SECONDS}s'; SET lock_timeout = '{SECONDS}s'"
)
_WAITS: dict[ModuleType, dict[str, object]] = {
    database: {"LOCK_WAIT_SECONDS": float(SECONDS), "CONNECT_SECONDS": SECONDS, "_WRITER_SETTINGS": _WRITES},
    database_figures: {"PATIENCE_SECONDS": float(SECONDS), "STATEMENT_SECONDS": float(SECONDS)},
    readiness: {"LOCK_WAIT_SECONDS": float(SECONDS)},
    health: {"PROBE_SECONDS": float(SECONDS)},
    request_bodies: {"BODY_SECONDS": SECONDS},
}
_USUAL = {module: {name: vars(module)[name] for name in waits} for module, waits in _WAITS.items()}


def begin() -> None:
    """From now on this process, and each that is copied from it, has patience."""
    for module, waits in _WAITS.items():
        vars(module).update(waits)


def end() -> None:
    """From now on this process waits as it always does."""
    for module, waits in _USUAL.items():
        vars(module).update(waits)
