"""How work of the watch is written: from a thread beside an event loop, or in a process without one."""

import asyncio
from collections.abc import Callable
from typing import Protocol, TypeVar

import sqlalchemy as sa

from service.log.store import Store

Result = TypeVar("Result")


class Write(Protocol):
    """Does work in a writing transaction, and returns its result once it is durable. Raises NotRecorded, and what the work raises."""

    def __call__(self, work: Callable[[sa.Connection], Result], /) -> Result:
        """Do the work."""


class StoreOwner(Protocol):
    """A service, or whatever else has an open log."""

    @property
    def store(self) -> Store:
        """The log."""


def writing(service: StoreOwner, loop: asyncio.AbstractEventLoop | None = None) -> Write:
    """For a thread beside an event loop, or without one for a process that has none."""

    def write(work: Callable[[sa.Connection], Result], /) -> Result:
        if loop is None:
            return asyncio.run(service.store.do(work))
        return asyncio.run_coroutine_threadsafe(service.store.do(work), loop).result()

    return write
