"""
A lock on an open file or folder, against the other processes that lock it: taken, or after some seconds an error that says who holds it.

It is here because verifiers take one too; the service takes it by `service.store.durable_file`.
"""

import errno
import fcntl
import os
import time
from contextlib import suppress
from pathlib import Path

HELD_SECONDS = 10.0  # whoever holds a lock writes a small file
_LONGEST_PAUSE = 0.05
_LOCKS = Path("/proc/locks")


class LockHeld(OSError):
    """Another process holds a lock for longer than anybody needs to; `strerror` says which one, in words for an operator."""

    def __init__(self, named: str, descriptor: int, seconds: float) -> None:
        holder = _holder(descriptor)
        who = "another process" if holder is None else f"the process {holder}"
        words = f"{who} has held {named} for more than {seconds:g} seconds"
        if holder is not None and _is_stopped(holder):
            words += f", and is stopped: let it go on with `kill -CONT {holder}`, or end it"
        super().__init__(errno.EAGAIN, words)


def lock(descriptor: int, named: str, seconds: float | None = None) -> None:
    """Lock what is open, until it is closed. Raises LockHeld after so many seconds (HELD_SECONDS), with what it is `named`, and OSError."""
    seconds = HELD_SECONDS if seconds is None else seconds
    until, pause = time.monotonic() + seconds, 0.001
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= until:
                raise LockHeld(named, descriptor, seconds) from None
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)


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
