"""
Requests with many exchanges: how many may be under way, which one is decided now, and how much memory it may take.

Each request holds its body while it waits, and its decisions until they are recorded. So only a few may wait, and one at a time is
decided. If the caller has left, its request is not decided any further.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import Request
from starlette.requests import ClientDisconnect

from service.callers.shedding import Load
from service.log.leaf import SealedRecord
from service.problems import RequestRefused

# The memory that the records of one request may take. Their answers take as much again.
MOST_BYTES = 64 * 1024 * 1024

# Requests that are being received or wait for their turn. Each holds its body.
MOST_WAITING = 8


class Holding:
    """The memory that is held by the request whose turn it is."""

    def __init__(self, leaving: asyncio.Future[Any]) -> None:
        self._leaving = leaving
        self._bytes = 0

    def check(self) -> None:
        """Raises ClientDisconnect if the caller has left."""
        if self._leaving.done():
            raise ClientDisconnect

    def add(self, entry: SealedRecord, answered: int = 0) -> None:
        """Hold one more record, and so many bytes of its answer. Raises RequestRefused if they take too much memory."""
        self._bytes += answered + len(entry.leaf) + sum(len(each.value or b"") for each in entry.openings)
        if self._bytes > MOST_BYTES:
            raise RequestRefused(
                "batch-too-large", f"the decisions take more than {MOST_BYTES} bytes; send the request in parts"
            )


class LargeRequests:
    """The large requests of one endpoint. A refusal calls them `what`. Belongs to one event loop."""

    def __init__(self, load: Load, what: str) -> None:
        self._load = load
        self._what = what
        self._places = asyncio.Semaphore(MOST_WAITING)
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """A place for a request, before its body is read. Raises RequestRefused if there is none."""
        if self._places.locked():
            raise self._load.turn_away(f"{MOST_WAITING} {self._what} are under way")
        async with self._places:
            yield

    @asynccontextmanager
    async def turn(self, request: Request) -> AsyncIterator[Holding]:
        """The turn of a request whose body was read whole."""
        leaving = asyncio.ensure_future(request.receive())  # the only message still to come says that the caller has left
        try:
            async with self._turn:
                yield Holding(leaving)
        finally:
            leaving.cancel()
