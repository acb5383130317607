"""
What makes a running service load its policies anew: a change on the disk, or a SIGHUP.

Both only ask; one task loads, so that a hundred changes at once are one reload. Refusals are told by `Policies` and end nothing.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from structlog.typing import FilteringBoundLogger

from service.bundles.watching import State, changes
from service.telemetry import described

AGAIN_SECONDS = 10.0  # after which a watch that failed is tried again; what happened meanwhile is then seen


class Reloading:
    """
    Asks for and does reloads, between the start and the end of `running`.

    `watched` are paths, and what was there before they were read: what changed since is a change like any other.
    """

    def __init__(
        self, reload: Callable[[], Awaitable[object]], say: FilteringBoundLogger, watched: Mapping[Path, State]
    ) -> None:
        self._reload = reload
        self._say = say
        self._watched = watched
        self._loop: asyncio.AbstractEventLoop | None = None
        self._asked = asyncio.Event()
        self._early = False

    def ask(self) -> None:
        """Ask for a reload, from any thread or a signal's handler; before the start, one is done at the start."""
        self._early = True
        if self._loop:
            with suppress(RuntimeError):  # the loop is closed: nothing decides any more
                self._loop.call_soon_threadsafe(self._asked.set)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Do what is asked for, and watch."""
        self._loop = asyncio.get_running_loop()
        stop = asyncio.Event()
        if self._early:
            self._asked.set()
        work = asyncio.create_task(self._work())
        watching = [asyncio.create_task(self._watch(path, before, stop)) for path, before in self._watched.items()]
        try:
            yield
        finally:
            self._loop = None
            stop.set()
            work.cancel()
            await asyncio.gather(work, *watching, return_exceptions=True)

    async def _work(self) -> None:
        while True:
            await self._asked.wait()
            self._asked.clear()
            try:
                await self._reload()
            except Exception as failed:  # noqa: BLE001 - what is refused is told elsewhere; nothing may end the next reload
                self._say.error("internal", request_id=None, **described(failed))

    async def _watch(self, path: Path, before: State, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                async for _ in changes(path, stop, before):
                    self._asked.set()
            except Exception as failed:  # noqa: BLE001 - SIGHUP and the endpoint remain meanwhile
                self._say.error("watch_failed", **described(failed))
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), AGAIN_SECONDS)
