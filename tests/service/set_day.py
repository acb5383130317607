"""
A service on a day that a test sets: what a page shows of it is the law of this day, whenever the test runs.

A process with `SET_DAY` in its environment begins so (`ready_process`). The clock of the service goes on from the noon of that day; nothing
else does.
"""

from datetime import UTC, datetime
from functools import partial

from service.service import Service

SET_DAY = "SET_DAY"


def begin(day: str) -> None:
    """Open services in this process on a day, from now on."""
    began, noon = datetime.now(UTC), datetime.fromisoformat(f"{day}T12:00:00+00:00")

    def clock() -> datetime:
        return noon + (datetime.now(UTC) - began)

    Service.open = staticmethod(partial(Service.open, clock=clock))  # type: ignore[method-assign]
