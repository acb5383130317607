"""
The doors of the process that is ready (`ready_process`): sockets in a folder, behind which it begins when somebody first knocks.

Where tests are shared out among workers, the process that shares them out opens the doors, and all workers knock at the same ones: to
import the project and to read the bundled policies takes six seconds of a processor, once for all of them.
"""

from __future__ import annotations

import os
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
READY = "READY_PROCESS"  # the variable by which a worker knows the folder
BUNDLED, OTHERS = "bundled", "others"  # a process with the bundled policies, and one without


def opened() -> tuple[Path, Callable[[], Callable[[], None]]]:
    """
    A folder with the doors, and what lets somebody wait behind them.

    That gives what shuts the doors and ends the process. It starts a thread, so whoever forks does so before.
    """
    folder = Path(tempfile.mkdtemp(prefix="ready-"))
    doors = [socket.socket(socket.AF_UNIX) for _ in (BUNDLED, OTHERS)]
    for door, name in zip(doors, (BUNDLED, OTHERS), strict=True):
        door.bind(str(folder / name))
        door.listen()
    return folder, lambda: _waiting(folder, doors)


def _waiting(folder: Path, doors: list[socket.socket]) -> Callable[[], None]:
    owner, owned = socket.socketpair()  # once the owner's end is shut, the process ends
    begun: list[subprocess.Popen[bytes]] = []

    def begin() -> None:
        if owner not in select.select([*doors, owner], [], [])[0]:
            numbers = [each.fileno() for each in (*doors, owned)]
            command = [sys.executable, "-m", "tests.service.ready_process", *map(str, numbers)]
            environment = {**os.environ, "PYTHONPATH": str(ROOT)}
            begun.append(subprocess.Popen(command, cwd=ROOT, env=environment, pass_fds=numbers, stdin=subprocess.DEVNULL))
        for each in (*doors, owned):
            each.close()

    waiting = threading.Thread(target=begin, daemon=True)
    waiting.start()

    def end() -> None:
        owner.shutdown(socket.SHUT_RDWR)
        waiting.join(120)
        for each in begun:
            each.wait(120)
        shutil.rmtree(folder, ignore_errors=True)

    return end
