"""
Requests that bring many exchanges: how many may be under way, whose turn it is, and how much it may hold.

Each holds its body while it waits and its decisions until they are recorded, so only a few may wait and one at a time is decided. One
whose caller has left is decided no further.
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

# What the records of one request may take in memory, as much as their answers do.
MOST_BYTES = 64 * 1024 * 1024

# Requests that are sent or wait for their turn; each holds its body.
MOST_WAITING = 8


class Holding:
    """What the request whose turn it is holds in memory."""

    def __init__(self, leaving: asyncio.Future[Any]) -> None:
        self._leaving = leaving
        self._bytes = 0

    def check(self) -> None:
        """Raises ClientDisconnect where the caller has left."""
        if self._leaving.done():
            raise ClientDisconnect

    def add(self, entry: SealedRecord) -> None:
        """Hold a record more. Raises RequestRefused where it is too much."""
        self._bytes += len(entry.leaf)
        if self._bytes > MOST_BYTES:
            raise RequestRefused("batch-too-large", f"the decisions take more than {MOST_BYTES} bytes; send it in parts")


class LargeRequests:
    """Those of one endpoint, called `what` where there are too many; belongs to one event loop."""

    def __init__(self, load: Load, what: str) -> None:
        self._load = load
        self._what = what
        self._places = asyncio.Semaphore(MOST_WAITING)
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """A place for a request, before its body is read. Raises RequestRefused where there is none."""
        if self._places.locked():
            raise self._load.turn_away(f"{MOST_WAITING} {self._what} are under way")
        async with self._places:
            yield

    @asynccontextmanager
    async def turn(self, request: Request) -> AsyncIterator[Holding]:
        """The turn of a request whose body was read whole."""
        leaving = asyncio.ensure_future(request.receive())  # nothing more comes but the word that the caller has left
        try:
            async with self._turn:
                yield Holding(leaving)
        finally:
            leaving.cancel()
