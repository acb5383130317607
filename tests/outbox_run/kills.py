"""Processes that are killed at random moments and come again: which they are and how often each was killed."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

GROWTH, LONGER = 1.05, 6.0  # of the mean between two kills: with each, and at most


@dataclass
class Revived:
    """A process that is started again after each kill. What it says goes to a file."""

    name: str
    command: Sequence[str]
    said: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    kills: int = 0
    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, if it does not run."""
        if self._process is None or self._process.poll() is not None:
            with self.said.open("ab") as said:
                self._process = subprocess.Popen(
                    self.command, env={**os.environ, **self.environment}, stdout=said, stderr=said, start_new_session=True
                )

    def kill(self) -> None:
        """SIGKILL for it and all that it started."""
        if self._process is not None and self._process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


class Killer(threading.Thread):
    """
    Kills one process after the other at random moments, and starts it again a moment later.

    `every` is the mean of the seconds between two kills, `away` how long a process stays away at most. The moments come from a seed; what
    the processes are just doing then, nobody chooses. The mean grows with each kill, up to six times: a machine on which a start takes
    longer than that comes to an end too.
    """

    def __init__(self, victims: Sequence[Revived], seed: int, every: float, away: float) -> None:
        super().__init__(name="killer", daemon=True)
        self._victims, self._chance = victims, random.Random(seed)
        self._every, self._away = every, away
        self._longest = LONGER * every
        self._over = threading.Event()

    def run(self) -> None:
        next_kill = self._moment()
        while not self._over.wait(0.2):
            for each in self._victims:
                each.start()  # also one that ended by itself, as whatever runs a service does
            if time.monotonic() >= next_kill:
                victim = self._chance.choice(self._victims)
                victim.kill()
                victim.kills += 1
                self._over.wait(self._chance.uniform(0, self._away))
                self._every = min(self._every * GROWTH, self._longest)
                next_kill = self._moment()

    def _moment(self) -> float:
        return time.monotonic() + self._chance.expovariate(1 / self._every)

    def stop(self) -> None:
        """No more kills; all of them run."""
        self.end()
        for each in self._victims:
            each.start()

    def end(self) -> None:
        """No more kills."""
        self._over.set()
        if self.is_alive():
            self.join()


def listening(port: int, seconds: float = 30.0) -> None:
    """Wait until somebody listens on a port."""
    until = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            assert time.monotonic() < until, f"nobody listens on {port}"
            time.sleep(0.02)
