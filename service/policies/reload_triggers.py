"""
What makes a running service load its policies again: a change on the disk, or a SIGHUP.

Both only ask for a reload. One task does it, so that a hundred changes at once are one reload. `Policies` reports refusals, which stop
nothing.

Only this module uses the library `watchfiles`. In a folder all YAML files are watched. For a bundle file, the folder around it is watched
for the names of the file and of its signatures, so that a file which replaces another is seen. No policy is read here, and one reload too
many does no harm.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from structlog.typing import FilteringBoundLogger
from watchfiles import Change, awatch

from service.policies.archive import SUFFIXES
from service.policies.loading import is_bundle, signature_file
from service.telemetry.log_lines import described

LONGEST_MS = 2_000  # how long changes are collected, if they do not end
QUIET_MS = 500  # how long nothing must happen before changes are reported
LOOK_AGAIN_MS = 5_000  # how often the folder itself is checked: another may have replaced it
GONE_SECONDS = 1.0
AGAIN_SECONDS = 10.0  # before a failed watch is tried again; it then sees what happened meanwhile


State = frozenset[tuple[str, int, int]]


def state(path: Path) -> State:
    """The files that are watched, with their sizes and when they were written. Call this before the files are read."""
    files = [path, signature_file(path)] if is_bundle(path) else [path] if path.is_file() else _yaml_below(path)
    found = set()
    for file in map(str, files):
        with suppress(OSError):
            status = os.stat(file)  # noqa: PTH116 - of a thousand files, paths would take longer than the questions
            found.add((file, status.st_mtime_ns, status.st_size))
    return frozenset(found)


def _yaml_below(folder: Path) -> list[str]:
    return [f"{at}/{name}" for at, folders, files in os.walk(folder) for name in (*folders, *files) if name.endswith(SUFFIXES)]


class Reloading:
    """
    Asks for reloads and does them, between the start and the end of `running`.

    `watched` has paths, each with its state before it was read. A difference from this state is a change like any other.
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
        """Ask for a reload, from any thread or a signal's handler. If it comes before the start, the reload is done at the start."""
        self._early = True
        if self._loop:
            with suppress(RuntimeError):  # the loop is closed: nothing decides any more
                self._loop.call_soon_threadsafe(self._asked.set)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Do the reloads that are asked for, and watch."""
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
            except Exception as failed:  # noqa: BLE001 - refusals are reported elsewhere; no error may prevent the next reload
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


async def changes(path: Path, stop: asyncio.Event, before: State) -> AsyncIterator[None]:
    """
    Yields whenever the policies may have changed since `before` or since the last time, until `stop` is set.

    The files are also checked now and then, since a change before the watch has begun is not reported.
    """
    file = is_bundle(path)
    folder = path.parent if file else path
    known = _identity(folder)
    while not stop.is_set():
        there = _identity(folder)
        if there != known:
            known = there
            yield
        if (now := await asyncio.to_thread(state, path)) != before:
            before = now
            yield
        if there is None:
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), GONE_SECONDS)
            continue
        with suppress(FileNotFoundError):
            async for found in awatch(
                folder,
                watch_filter=_of_a_file(path) if file else _of_a_folder,
                debounce=LONGEST_MS,
                step=QUIET_MS,
                stop_event=stop,
                rust_timeout=LOOK_AGAIN_MS,
                yield_on_timeout=True,
                recursive=not file,
            ):
                now = await asyncio.to_thread(state, path)
                if found or now != before:
                    before = now
                    yield
                if _identity(folder) != known:
                    break  # the watched folder is no longer the one that the path names


def _of_a_folder(change: Change, name: str) -> bool:
    path = Path(name)
    # Names without a suffix count: a folder that comes or goes takes its files along, and Kubernetes changes a volume by a link.
    return path.suffix in SUFFIXES or not path.suffix or path.name.startswith("..")


def _of_a_file(path: Path) -> Callable[[Change, str], bool]:
    names = (path.name, signature_file(path).name)
    return lambda change, name: Path(name).name in names or Path(name).name.startswith("..")


def _identity(folder: Path) -> tuple[int, int] | None:
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
