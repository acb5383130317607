"""
Small files, such as those beside the log's key: on the disk when a call returns, and whole or not there at all.
"""

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

HELD_SECONDS = 10.0  # whoever holds a folder writes a small file in it
_LONGEST_PAUSE = 0.05
_LOCKS = Path("/proc/locks")


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


class FolderHeld(OSError):
    """Another process holds a folder for longer than anybody needs to; `strerror` says which one, in words for an operator."""

    def __init__(self, folder: Path, descriptor: int, seconds: float) -> None:
        holder = _holder(descriptor)
        who = "another process" if holder is None else f"the process {holder}"
        words = f"{who} has held the folder `{folder}` for more than {seconds:g} seconds"
        if holder is not None and _is_stopped(holder):
            words += f", and is stopped: let it go on with `kill -CONT {holder}`, or end it"
        super().__init__(errno.EAGAIN, words)


@contextmanager
def alone_in(folder: Path, seconds: float | None = None) -> Iterator[None]:
    """A folder, held against other processes that hold it so. Raises FolderHeld after so many seconds (HELD_SECONDS), and OSError."""
    seconds = HELD_SECONDS if seconds is None else seconds
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        until, pause = time.monotonic() + seconds, 0.001
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= until:
                    raise FolderHeld(folder, descriptor, seconds) from None
                time.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
        yield
    finally:
        os.close(descriptor)


def _holder(descriptor: int) -> int | None:
    """The number of the process that holds a file, as far as the kernel tells it here."""
    status = os.fstat(descriptor)
    place = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    with suppress(OSError, ValueError):
        for line in _LOCKS.read_text().splitlines():
            match line.split():
                case [_, "FLOCK", _, _, process, where, *_] if where == place and int(process) > 0:
                    return int(process)
    return None


def _is_stopped(process: int) -> bool:
    """Whether a process was stopped by a signal or a debugger, as the kernel tells it."""
    with suppress(OSError, IndexError):
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] in "Tt"
    return False


def _part(path: Path, suffix: str) -> Path:
    return path.with_name(f"{path.name}.{suffix}")


def _write(part: Path, content: bytes, mode: int = 0o600) -> None:
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
