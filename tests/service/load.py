"""Load on a real server: many connections that ask again and again, and what became of each request."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

LOST = 0  # a request was sent on an open connection and no whole answer came
IDLE = 2.5  # seconds, half of those after which the service closes a connection on which nothing is asked


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: its status or LOST, when it was sent, how long its answer took (seconds), and the answer's body."""

    status: int
    at: float
    took: float
    body: bytes = b""


@dataclass
class Load:
    """Connections that ask until they are told to stop. `refused` counts connections that were not opened."""

    port: int
    requests: Sequence[bytes]
    connections: int
    pause: float = 0.0  # between an answer and the next request of a connection
    keep: bool = True  # the bodies of answers
    asked: list[Asked] = field(default_factory=list)
    refused: int = 0
    stopped: bool = False

    async def run(self) -> None:
        """Until `stopped`."""
        await asyncio.gather(*(self._connection(number) for number in range(self.connections)))

    async def _connection(self, number: int) -> None:
        while not self.stopped:
            try:
                reading, writing = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                self.refused += 1
                await asyncio.sleep(0.02)
                continue
            with contextlib.closing(writing):
                last = monotonic()
                while not self.stopped:
                    number += 1
                    request = self.requests[number % len(self.requests)]
                    at = monotonic()
                    if at - last > IDLE:  # this process stood still: as every client does, it asks on a new one
                        break
                    try:
                        writing.write(request)
                        head = await reading.readuntil(b"\r\n\r\n")
                        length = int(head.lower().partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0])
                        body = await reading.readexactly(length)
                    except (OSError, asyncio.IncompleteReadError):
                        self.asked.append(Asked(LOST, at, monotonic() - at))
                        break
                    last = monotonic()
                    self.asked.append(Asked(int(head[9:12]), at, last - at, body if self.keep else b""))
                    if self.pause:
                        await asyncio.sleep(self.pause)
                    if b"\r\nconnection: close\r\n" in head.lower():
                        break

    @property
    def statuses(self) -> dict[int, int]:
        """How many requests ended with each status."""
        return {status: sum(each.status == status for each in self.asked) for status in {each.status for each in self.asked}}


def during(load: Load, what: Callable[[], Awaitable[None]]) -> None:
    """Do something while the load goes on, then stop it."""

    async def both() -> None:
        going = asyncio.create_task(load.run())
        try:
            await what()
        finally:
            load.stopped = True
            await asyncio.wait_for(going, 120)

    asyncio.run(both())


def post(path: str, body: bytes) -> bytes:
    """The bytes of a request."""
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def memory(pid: int, what: str = "VmRSS") -> float:
    """What a process holds of the machine's memory, in MB; `VmHWM` is the most it ever held."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(what)) / 1024


def children(pid: int) -> list[int]:
    """The processes that a process started, of one that has ended none."""
    try:
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):  # it ended before it was looked at, or meanwhile
        return []


def state(pid: int) -> str:
    """What a process does, as the kernel says it in one letter: `T` where it is stopped; Z where it has ended, or is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError, IndexError):
        return "Z"
