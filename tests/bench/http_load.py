"""
Load on servers that are compared: requests in, for each server what it answered in a second and the CPU time that it took.

Every server is asked in turn, in every round, so that whatever else the machine does falls on all alike.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

from tests.bench.figures import progress

CONNECTIONS = 16
PATIENCE = 60.0  # seconds that a server may take for one answer
FIRST = 60.0  # seconds at most in which a server answers what is not counted
BARE = """
import socket, fastapi, uvicorn
app = fastapi.FastAPI()
@app.post("/")
async def bare() -> dict:
    return {}
listening = socket.socket()
listening.bind(("127.0.0.1", 0))
listening.listen()
print(listening.getsockname()[1], flush=True)
config = uvicorn.Config(app, loop="auto", http="httptools", log_level="error", access_log=False)
uvicorn.Server(config).run(sockets=[listening])
"""


@dataclass(slots=True)
class Load:
    """
    Requests to send to a server, in turn, going on from round to round.

    `rates` and `costs` have a figure for each round: what was answered in a second, and the server's CPU seconds for it. An answered
    request counts as `holds` of what is measured. So many requests are answered `first`, and not counted. A server that leaves a request
    without an answer for `PATIENCE` ends the run.
    """

    name: str
    port: int
    pid: int
    requests: Sequence[bytes]
    connections: int = CONNECTIONS
    holds: int = 1
    first: int = 0
    rates: list[float] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)
    turn: Iterator[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.turn = cycle(self.requests)

    @property
    def rate(self) -> float:
        """What is answered in a second, the median of all rounds."""
        return statistics.median(self.rates)

    def round(self, seconds: float) -> None:
        """Ask for a while."""
        before = cpu_seconds(self.pid)
        start = time.perf_counter()
        answered = self.holds * asyncio.run(self._answered(start + seconds))
        self.rates.append(answered / (time.perf_counter() - start))
        self.costs.append((cpu_seconds(self.pid) - before) / answered)

    async def _answered(self, end: float) -> int:
        callers: list[_Caller] = []

        def begin() -> _Caller:
            callers.append(_Caller(self.turn, end))
            return callers[-1]

        for _ in range(self.connections):
            await asyncio.get_running_loop().create_connection(begin, "127.0.0.1", self.port)
        try:
            await asyncio.wait_for(asyncio.gather(*(caller.done for caller in callers)), end - time.perf_counter() + PATIENCE)
        except TimeoutError:
            sys.exit(f"{self.name}: no answer for {PATIENCE:.0f} s")
        return sum(caller.answered for caller in callers)

    def against(self, other: Load) -> float:
        """How many times as much as another is answered in a second: the median of the ratios of all rounds."""
        return statistics.median(a / b for a, b in zip(self.rates, other.rates, strict=True))

    def against_by_cpu(self, other: Load) -> float:
        """The same by the CPU time of the two servers."""
        return statistics.median(b / a for a, b in zip(self.costs, other.costs, strict=True))


class _Caller(asyncio.Protocol):
    """One kept-alive connection: sends a request, reads the answer whole, sends the next. It does as little else as possible."""

    def __init__(self, turn: Iterator[bytes], end: float) -> None:
        self._turn = turn
        self._end = end
        self._left = 0
        self.answered = 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(next(self._turn))

    def data_received(self, data: bytes) -> None:
        if not self._left:
            if not data.startswith(b"HTTP/1.1 200"):
                sys.exit(f"not answered with 200: {data[:600]!r}")
            # The head is short, so it comes in one piece.
            head, _, _ = data.partition(b"\r\n\r\n")
            self._left = len(head) + 4 + int(head.lower().partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0])
        self._left -= len(data)
        if not self._left:
            self.answered += 1
            if time.perf_counter() < self._end:
                self._transport.write(next(self._turn))
            else:
                self._transport.close()

    def connection_lost(self, lost: Exception | None) -> None:
        self.done.set_result(None)


def in_turn(loads: Sequence[Load], rounds: int = 5, seconds: float = 1.0) -> None:
    """Ask each for a while, in every round. A first round is not counted; it says so if it ended before all of it was answered."""
    for load in loads:
        progress(f"first round: {load.name}")
        answered, end = 0.0, time.monotonic() + FIRST
        while answered <= load.first and time.monotonic() < end:
            load.round(seconds / 2)
            answered += load.rates[-1] * seconds / 2 / load.holds
        if answered <= load.first:
            progress(
                f"{answered:,.0f} of {load.first:,} were answered in {FIRST:.0f} s, so the others are counted the first time too"
            )
        load.rates.clear()
        load.costs.clear()
    for number in range(rounds):
        progress(f"round {number + 1} of {rounds}")
        for load in loads:
            load.round(seconds)


def cpu_seconds(pid: int) -> float:
    """What a process and its workers have used of the processors so far."""
    times = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    workers = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return (int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK") + sum(map(cpu_seconds, map(int, workers)))


def post(path: str, body: bytes, key: str = "") -> bytes:
    """A request, with an API key if there is one."""
    authorization = f"Authorization: Bearer {key}\r\n" if key else ""
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{authorization}Content-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


@contextmanager
def printing_port(*command: str, folder: Path) -> Iterator[tuple[int, int]]:
    """A Python program that prints its port once it listens, and is ended afterwards: its port and its process."""
    with subprocess.Popen([sys.executable, *command], stdout=subprocess.PIPE, text=True, cwd=folder) as process:
        assert process.stdout
        try:
            yield int(process.stdout.readline()), process.pid
        finally:
            process.kill()


@contextmanager
def bare_server(folder: Path) -> Iterator[Load]:
    """The same server library with an application that returns {}."""
    with printing_port("-c", BARE, folder=folder) as (port, pid):
        yield Load("return {}", port, pid, [post("/", b"{}")])
