"""
Requests with many exchanges: how many may be under way, and how much memory each may take.

Each request holds its body, and its decisions until they are recorded. So only a few may be under way, and of one caller half of them.
They are decided side by side, item by item, as long as they hold little. One that holds more goes on alone among its like. If the caller
has left, its request is not decided any further.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fastapi import Request
from starlette.requests import ClientDisconnect

from service.callers.caller import LOCAL, Caller
from service.callers.shedding import Load
from service.limits import LARGE_REQUESTS_OF_ONE, LARGE_REQUESTS_UNDER_WAY
from service.log.leaf import SealedRecord
from service.problems import RequestRefused

# The memory that the records of one request may take. Their answers take as much again.
MOST_BYTES = 64 * 1024 * 1024

# What the records of a request may take beside others.
LITTLE_BYTES = MOST_BYTES // LARGE_REQUESTS_UNDER_WAY


class RequestMemory:
    """The memory that a request holds. `alone` is for the one of its like that may hold more than a little."""

    def __init__(self, leaving: asyncio.Future[Any], alone: asyncio.Lock) -> None:
        self._leaving = leaving
        self._alone = alone
        self._is_alone = False
        self._bytes = 0

    async def room(self) -> None:
        """Wait for room for one more record. Raises ClientDisconnect if the caller has left."""
        if self._bytes > LITTLE_BYTES:
            await self.be_alone()
        if self._leaving.done():
            raise ClientDisconnect

    async def be_alone(self) -> None:
        """Wait until no other request of its like holds more than a little."""
        if not self._is_alone:
            await self._alone.acquire()
            self._is_alone = True

    def let_go(self) -> None:
        """The request is over."""
        if self._is_alone:
            self._alone.release()

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
        self._places: Counter[str] = Counter()  # that are taken, by caller
        self._alone = asyncio.Lock()

    @contextmanager
    def place(self, caller: Caller) -> Iterator[None]:
        """A place for a request, before its body is read. Raises RequestRefused if there is none."""
        if self._places.total() >= LARGE_REQUESTS_UNDER_WAY:
            raise self._load.turn_away(f"{LARGE_REQUESTS_UNDER_WAY} {self._what} are under way")
        if caller != LOCAL and self._places[caller.id] >= LARGE_REQUESTS_OF_ONE:
            raise self._load.turn_away(f"{LARGE_REQUESTS_OF_ONE} {self._what} of this caller are under way")
        self._places[caller.id] += 1
        try:
            yield
        finally:
            self._places[caller.id] -= 1
            if not self._places[caller.id]:
                del self._places[caller.id]

    @contextmanager
    def holding(self, request: Request) -> Iterator[RequestMemory]:
        """What a request holds whose body was read whole."""
        leaving = asyncio.ensure_future(request.receive())  # the only message still to come says that the caller has left
        holding = RequestMemory(leaving, self._alone)
        try:
            yield holding
        finally:
            holding.let_go()
            leaving.cancel()
