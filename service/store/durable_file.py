"""
Small files, such as those beside the log's key: on the disk when a call returns, and whole or not there at all.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from service.receipts.file_lock import lock


def put(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Write a file, or replace it; `mode` says who reads it. Two processes do not do this at once. Raises OSError."""
    part = _part(path, "part")
    _write(part, content, mode)
    part.rename(path)
    sync_folder(path)


def put_once(path: Path, content: bytes) -> None:
    """Write a file unless it is there. Two processes may do this at once. Raises OSError."""
    part = _part(path, str(os.getpid()))
    _write(part, content)
    with suppress(FileExistsError):
        os.link(part, path)
    part.unlink()
    sync_folder(path)


def sync_folder(path: Path) -> None:
    """Write the names in the folder of a file through to the disk. Raises OSError."""
    opened = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


@contextmanager
def alone_in(folder: Path, seconds: float | None = None) -> Iterator[None]:
    """A folder, held against other processes that hold it so. Raises LockHeld after so many seconds (HELD_SECONDS), and OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        lock(descriptor, f"the folder `{folder}`", seconds)
        yield
    finally:
        os.close(descriptor)


def _part(path: Path, suffix: str) -> Path:
    return path.with_name(f"{path.name}.{suffix}")


def _write(part: Path, content: bytes, mode: int = 0o600) -> None:
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
