"""
How a long command is stopped: after SIGTERM or Ctrl-C it ends the part of its work that is being done, and says what it has and how to go
on.

A second signal ends it at once. The exit code is 143 after SIGTERM and 130 after Ctrl-C.
"""

import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from service.cli.output import complain, progress

if TYPE_CHECKING:
    from types import FrameType

Part = TypeVar("Part")
BEGINS_ANEW = "the same command begins anew"


class Stopped(KeyboardInterrupt):
    """The command is to stop, in the middle of work that tells how far it is."""


@dataclass(slots=True)
class Stopping:
    """Whether a command is to stop: `number` is the signal that came, 0 if none did; `done` is how far its work is."""

    number: int = 0
    done: str = ""

    def until(self, parts: Iterable[Part]) -> Iterator[Part]:
        """The parts of some work, up to the one during which a signal came."""
        each = iter(parts)
        try:
            while not self.number:
                try:
                    part = next(each)
                except StopIteration:
                    return
                yield part
        finally:
            if close := getattr(each, "close", None):
                close()

    def check(self, done: str) -> None:
        """Leave work that tells how far it is. Raises Stopped once a signal came."""
        self.done = done
        if self.number:
            raise Stopped

    def told(self, has: str, how: str) -> int:
        """Say what the command has and how to go on; the exit code."""
        progress("")
        complain(f"stopped {has}: {how}")
        return 128 + self.number


@contextmanager
def stoppable() -> Iterator[Stopping]:
    """Within, the first signal to stop is noted."""
    stopping = Stopping()

    def note(number: int, frame: "FrameType | None") -> None:
        if stopping.number:
            raise KeyboardInterrupt
        stopping.number = number

    before = {number: signal.signal(number, note) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
