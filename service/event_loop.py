"""
Turns of the event loop while exchanges are decided.

Deciding blocks the loop, because a separate thread would cost more than most decisions do. So a request waits for its turn before it
decides. After some milliseconds of deciding, over all requests, the loop turns once, so that answers leave and probes come in between;
who comes meanwhile waits. Turns go round among the callers that wait: the second item of a caller comes after the first of each other.

What searches long is divided: it runs in a thread of its own, but only while the loop waits for it, and gives its turn back between two
evaluations of the search. INVARIANT (one at a time): while a part of long work runs, the loop stands still, as it does while it decides.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from contextvars import copy_context
from itertools import islice
from threading import Semaphore
from time import perf_counter
from typing import Generic, TypeVar
from weakref import WeakValueDictionary

import engine

SLICE_SECONDS = 0.05  # of deciding, after which the loop turns; one commit takes the records of a slice
PART_SECONDS = 0.002  # of long work, after which it gives its turn back at its next pause
MOST_LONG = 8  # long works that are begun and not done; more of them wait
MOST_LONG_OF_ONE = 2  # of one caller

_MOST_WOKEN = 64  # at each turn of the loop; most often a few of them fill it
_COMING_IN = 3  # turns of the loop in which a request that arrived asks for its own turn

Result = TypeVar("Result")


class Turns:
    """The turns of one event loop."""

    def __init__(self) -> None:
        self._spent = 0.0
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()  # by caller, the next first
        self._again: deque[asyncio.Future[None]] = deque()  # those that were woken, and for which no time was left
        self._renews: asyncio.AbstractEventLoop | None = None  # the loop that will call `_renew`
        self._long = asyncio.Semaphore(MOST_LONG)
        self._long_of: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()  # as long as somebody uses one
        self._threads = ThreadPoolExecutor(MOST_LONG, "long-work")

    @asynccontextmanager
    async def of(self, caller: str) -> AsyncIterator[None]:
        """A turn of a caller, to decide in. INVARIANT (one at a time): nothing is awaited in it."""
        await self._come(caller)
        began = perf_counter()
        try:
            yield
        finally:
            self._spent += perf_counter() - began

    async def run(self, caller: str, work: Callable[[], Result], *, long: bool = False) -> Result:
        """What a work returns that is done in a turn of a caller, or in many if it is `long`. Passes on what it raises."""
        if not long:
            async with self.of(caller):
                return work()
        async with self._place(caller):
            parts = _Parts(work)
            try:
                self._threads.submit(copy_context().run, parts.run)
                while True:
                    async with self.of(caller):
                        parts.go_on()
                    if parts.done:
                        return parts.result()
                    await self.let_in()
            finally:
                parts.abandon()

    async def let_in(self) -> None:
        """Let requests that arrive come in, if much was done since the loop turned. For work of many items, between two of them."""
        if self._spent >= PART_SECONDS:
            for _ in range(_COMING_IN):
                await asyncio.sleep(0)
            self._spent = 0.0

    @asynccontextmanager
    async def _place(self, caller: str) -> AsyncIterator[None]:
        """A place for long work, of which a caller has few."""
        own = self._long_of.get(caller)
        if own is None:
            own = self._long_of[caller] = asyncio.Semaphore(MOST_LONG_OF_ONE)
        async with own, self._long:
            yield

    async def _come(self, caller: str) -> None:
        """Wait for a turn."""
        if self._spent <= SLICE_SECONDS and not self._waiting and not self._again:
            return
        queue = self._waiting.setdefault(caller, deque())
        while True:
            turn = asyncio.get_running_loop().create_future()
            queue.append(turn)
            self._renew_soon()
            await turn
            if self._spent <= SLICE_SECONDS:
                return
            queue = self._again

    def _renew_soon(self) -> None:
        loop = asyncio.get_running_loop()
        if self._renews is not loop:
            self._renews = loop
            loop.call_soon(self._renew)

    def _renew(self) -> None:
        """The loop has turned: there is time for those that come next."""
        self._renews = None
        self._spent = 0.0
        for turn in islice(self._next(), _MOST_WOKEN):
            turn.set_result(None)
        if self._again or self._waiting:
            self._renew_soon()

    def _next(self) -> Iterator[asyncio.Future[None]]:
        """Those that wait for a turn, in their order, each removed."""
        while self._again or self._waiting:
            if self._again:
                turn = self._again.popleft()
            else:
                caller, turns = self._waiting.popitem(last=False)
                turn = turns.popleft()
                if turns:
                    self._waiting[caller] = turns
            if not turn.done():
                yield turn


class _Abandoned(BaseException):
    """Nobody waits for the work any more."""


class _Parts(Generic[Result]):
    """Work in a thread that goes on only while somebody waits for it."""

    def __init__(self, work: Callable[[], Result]) -> None:
        self._work = work
        self._goes = Semaphore(0)
        self._stands = Semaphore(0)
        self._until = 0.0
        self._abandoned = False
        self._result: Result | None = None
        self._failed: BaseException | None = None
        self.done = False

    def run(self) -> None:
        """The work, in its own thread."""
        try:
            self._goes.acquire()
            if not self._abandoned:
                with engine.pausing(self._pause):
                    self._result = self._work()
        except BaseException as failed:  # noqa: BLE001 - whoever waits gets it
            self._failed = failed
        self.done = True
        self._stands.release()

    def go_on(self) -> None:
        """Go on until the next pause, or the end."""
        self._until = perf_counter() + PART_SECONDS
        self._goes.release()
        self._stands.acquire()

    def abandon(self) -> None:
        """Let the thread end where nobody waits any more."""
        if not self.done:
            self._abandoned = True
            self._goes.release()

    def result(self) -> Result:
        """What the work returned. Raises what it raised."""
        if self._failed is not None:
            raise self._failed
        return self._result  # type: ignore[return-value]

    def _pause(self) -> None:
        if perf_counter() < self._until and not self._abandoned:
            return
        self._stands.release()
        self._goes.acquire()
        if self._abandoned:
            raise _Abandoned
