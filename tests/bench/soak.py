"""
`python -m tests.bench.soak --minutes 10 --load 0.7`: a service for a while under a steady load, on each database, with one and two workers.

First what it can do at most is measured, with as many requests under way as there are connections. Then requests come at a share of that
rate, by the clock and whether or not earlier ones were answered; each answer's time counts from when its request was due. Printed
are the rate, what was not answered with 200, the median and the 99th percentile, the memory of all processes at the start and the end,
and what the log holds: every answer of 200 has a record, and the numbers have no gap.

Records of the bundled policies have tens of kilobytes each, so a long run wants gigabytes of disk; those of
`--policies tests/service/bundle/policies` are small.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import engine
from service.log.backup import examine
from tests.bench.traffic import EVERYTHING_SHOWN
from tests.service.conftest import EXCHANGE, POLICIES, Server, running
from tests.service.databases import PostgreSQL
from tests.service.load import LOST, Load, children, during, post

CONNECTIONS = 32
MOST_WAITING = 2_000  # requests that are due and not sent: what comes then is counted as given up
MEASURED_SECONDS = 5.0


@dataclass
class Steady:
    """Requests at a rate, each second as many, on connections that are kept. `took` is in seconds."""

    port: int
    request: bytes
    rate: float
    connections: int
    statuses: Counter[int] = field(default_factory=Counter)
    took: list[float] = field(default_factory=list)
    given_up: int = 0

    async def run(self, seconds: float) -> None:
        """Until the time is over and everything that was sent is answered."""
        due: asyncio.Queue[float | None] = asyncio.Queue()
        senders = [asyncio.create_task(self._send(due)) for _ in range(self.connections)]
        began = time.perf_counter()
        sent = 0
        while (passed := time.perf_counter() - began) < seconds:
            while sent < passed * self.rate:
                if due.qsize() < MOST_WAITING:
                    due.put_nowait(began + sent / self.rate)
                else:
                    self.given_up += 1
                sent += 1
            await asyncio.sleep(0.002)
        for _ in senders:
            due.put_nowait(None)
        await asyncio.gather(*senders)

    async def _send(self, due: asyncio.Queue[float | None]) -> None:
        open_ = None
        while (at := await due.get()) is not None:
            try:
                reader, writer = open_ = open_ or await asyncio.open_connection("127.0.0.1", self.port)
                writer.write(self.request)
                head = await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(int(head.lower().partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0]))
            except (OSError, asyncio.IncompleteReadError):
                self.statuses[LOST] += 1
                open_ = None
                continue
            self.statuses[int(head[9:12])] += 1
            self.took.append(time.perf_counter() - at)
        if open_:
            open_[1].close()


def held(server: Server) -> float:
    """The memory of the server and its workers, in MB; what they share counts once."""
    pids = [server.process.pid, *children(server.process.pid)]
    lines = [line for pid in pids for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()]
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def soak(database: str, folder: Path, workers: int, policies: Path, minutes: float, share: float) -> None:
    """One line of figures; ends the program where an answer has no record."""
    small = policies == POLICIES
    request = post("/v1/evaluate", json.dumps(EXCHANGE).encode() if small else EVERYTHING_SHOWN)
    options = ("--workers", str(workers), "--policies", str(policies))
    with running(database, *options, folder=folder) as server:
        most = Load(server.port, [request], CONNECTIONS, keep=False)
        during(most, lambda: asyncio.sleep(MEASURED_SECONDS))
        capacity = most.statuses.get(200, 0) / MEASURED_SECONDS
        before = held(server)
        steady = Steady(server.port, request, capacity * share, CONNECTIONS * 2)
        asyncio.run(steady.run(minutes * 60))
        after = held(server)
        code = server.stop()
    found = examine(database)
    took = sorted(steady.took)
    answered = most.statuses.get(200, 0) + steady.statuses[200]
    others = {status: count for status, count in (Counter(most.statuses) + steady.statuses).items() if status != 200}
    print(
        f"{'SQLite' if '://' not in database else 'PostgreSQL':12}{workers:>8}{capacity:>10,.0f}"
        f"{steady.statuses[200] / (minutes * 60):>10,.0f}{statistics.median(took) * 1e3:>10.1f}{took[int(len(took) * 0.99)] * 1e3:>10.1f}"
        f"{before:>10,.0f}{after - before:>+10,.1f}{found.records:>12,}  {others or 'all 200'}"
        + (f", {steady.given_up} given up" if steady.given_up else ""),
        flush=True,
    )
    if found.faults or found.records < answered or code:
        sys.exit(f"{answered} were answered, {found.records} recorded; exit code {code}; {found.faults[:5]}")


def main() -> None:
    """Run what is asked for."""
    asked = argparse.ArgumentParser(prog="python -m tests.bench.soak", description=__doc__.split("\n\n")[0].strip())
    asked.add_argument("--minutes", type=float, default=10.0, help="of each line")
    asked.add_argument("--load", type=float, default=0.7, help="share of the highest rate")
    asked.add_argument("--databases", default="sqlite,postgresql")
    asked.add_argument("--workers", default="1,2")
    asked.add_argument("--policies", type=Path, default=engine.bundled_policies())
    chosen = asked.parse_args()
    print(
        f"{'':12}{'workers':>8}{'most/s':>10}{'steady/s':>10}{'p50 ms':>10}{'p99 ms':>10}{'MB':>10}{'adds MB':>10}{'records':>12}"
    )
    for database in chosen.databases.split(","):
        for workers in map(int, chosen.workers.split(",")):
            with ExitStack() as stack:
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
                file = database == "sqlite"
                address = str(folder / "log.db") if file else stack.enter_context(PostgreSQL.running()).new()
                soak(address, folder, workers, chosen.policies.absolute(), chosen.minutes, chosen.load)


if __name__ == "__main__":
    main()
