"""
Tells when policies may have changed on the disk.

The one door to the library `watchfiles`. Of a folder all YAML files count; of a bundle file its own name and that of its signatures in
the folder around it, so that a file which takes another's place is seen. Nothing is read here, and what is told once too often does no
harm.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

from watchfiles import Change, awatch

from service.bundles.archive import SUFFIXES
from service.bundles.sources import beside, is_bundle

LONGEST_MS = 2_000  # how long changes that do not end are gathered
QUIET_MS = 500  # how long nothing happens before changes are told
LOOK_AGAIN_MS = 5_000  # how often the folder itself is looked at: another may have taken its place
GONE_SECONDS = 1.0


State = frozenset[tuple[str, int, int]]


def state(path: Path) -> State:
    """The files that count, with their sizes and when they were written: to be taken before they are read."""
    files = [path, beside(path)] if is_bundle(path) else [file for file in path.rglob("*") if file.suffix in SUFFIXES]
    found = set()
    for file in files:
        with suppress(OSError):
            status = file.stat()
            found.add((str(file), status.st_mtime_ns, status.st_size))
    return frozenset(found)


async def changes(path: Path, stop: asyncio.Event, before: State) -> AsyncIterator[None]:
    """
    Yields whenever policies may be others than `before`, and than when it yielded last, until told to stop.

    The files are looked at now and then too, since what happens before the watch stands tells nobody.
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
                    break  # what is watched is no longer what the path names


def _of_a_folder(change: Change, name: str) -> bool:
    path = Path(name)
    # Without a suffix: a folder that comes or goes takes its files along, and a Kubernetes volume turns by a link.
    return path.suffix in SUFFIXES or not path.suffix or path.name.startswith("..")


def _of_a_file(path: Path) -> Callable[[Change, str], bool]:
    names = (path.name, beside(path).name)
    return lambda change, name: Path(name).name in names or Path(name).name.startswith("..")


def _identity(folder: Path) -> tuple[int, int] | None:
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
