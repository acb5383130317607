"""
`make bench`: our figures on the bundled policies, as ratios within one run; `make bench ARGS=http` has those over HTTP alone.

Decisions by mode on exchanges that are settled and some that are not, what is told only when asked for, memory of a worker over many
decisions, load time, and the evaluate endpoint, alone and in batches, against a bare `return {}` of the same server. Absolute times are
this machine's, and the first line says how fast it is today; quote the ratios.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date
from itertools import cycle
from pathlib import Path
from typing import Any

import engine
from engine.backends.bitset import Bitset
from engine.backends.durable import Durable
from engine.backends.reference import Reference
from engine.verdict import Engine

DAY = date(2026, 11, 24)
HOSPITAL: dict[str, Any] = {
    "exporter": {"country": "CN", "zone": "none", "kind": "hospital", "role": "controller", "cn_ciio": False},
    "recipient": {"country": "US", "kind": "university", "listed_on": []},
    "data": {
        "personal": True,
        "state": "identified",
        "kind": "dataset",
        "categories": ["health"],
        "grades": ["general"],
        "people": {"ordinary": 0, "sensitive": 12000},
        "people_in": ["CN"],
        "collected_in": ["CN"],
        "stored_in": ["CN"],
        "controls": [],
        "source": "self-produced",
    },
    "act": {"kind": "provide", "trigger": "own", "evades": False, "bars": []},
    "safeguards": {"basis": ["consent"]},
}
SHOWN = {
    kind: {"dated": "2026-10-01", "covers": True}
    for kind in ("cn-assessment", "cn-export-notice", "cn-separate-consent", "cn-impact-assessment")
}
EXCHANGES = {
    "nothing shown": HOSPITAL,
    "everything shown": {**HOSPITAL, "evidence": SHOWN},
    "one fact sent": {"exporter": {"country": "CN"}},
}
THREE_SOVEREIGNS = {
    "three sovereigns, settled": "Through legal assistance and with approval in Beijing",
    "three sovereigns, in conflict": "X-01: What American law compels",
}
CONNECTIONS = 16
BATCH = 100


def timed(function: Callable[[], object], seconds: float = 2.0) -> tuple[float, float]:
    """Median and 99th percentile of one call, in microseconds."""
    function()
    times = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        function()
        times.append((time.perf_counter() - start) * 1e6)
    times.sort()
    return statistics.median(times), times[min(len(times) - 1, int(len(times) * 0.99))]


def row(name: str, *cells: str) -> None:
    print(f"{name:44}" + "".join(f"{cell:>16}" for cell in cells), flush=True)


def micro(value: float) -> str:
    return f"{value:,.0f} µs"


def reading(bundle: engine.Bundle, raw: bytes) -> Callable[[], object]:
    return lambda: engine.parse_exchange(bundle, raw)


def evaluating(back_end: Engine, exchange: engine.Exchange) -> Callable[[], object]:
    return lambda: back_end.evaluate(exchange, DAY)


def deciding(pdp: engine.PDP, exchange: engine.Exchange, include: tuple[str, ...] = ()) -> Callable[[], object]:
    return lambda: pdp.write(exchange, as_of=DAY, today=DAY, id="bench", include=include).json()


def founding(pdp: engine.PDP, judgement: engine.Judgement, exact: bool) -> Callable[[], object]:
    return lambda: pdp.rests_on(judgement, exact=exact)


def exchanges(bundle: engine.Bundle) -> dict[str, engine.Exchange]:
    """A hospital's export in three states, and two exchanges of the policies' own tests that touch three sovereigns."""
    found = {name: engine.parse_exchange(bundle, json.dumps(sent).encode()) for name, sent in EXCHANGES.items()}
    for name, case in THREE_SOVEREIGNS.items():
        [raw] = [trial.raw for trial in engine.trials(bundle, bundle, "court-order") if case in trial.name]
        found[name] = engine.parse_exchange(bundle, raw)
    return found


def decisions(bundle: engine.Bundle) -> None:
    pdps = {mode: engine.PDP(bundle, mode) for mode in ("bitset", "checked", "durable", "reference")}
    raw = json.dumps(EXCHANGES["everything shown"]).encode()
    print()
    row("read an exchange of 25 facts", *map(micro, timed(reading(bundle, raw))))
    for name, exchange in exchanges(bundle).items():
        written = pdps["checked"].write(exchange, as_of=DAY, today=DAY, id="bench")
        print()
        row(f"{name}: {written.outcome}", "median", "p99", "to bitset")
        base = 0.0
        for back_end in (Bitset(bundle.rules), Durable(bundle.rules), Reference(bundle.rules)):
            median, high = timed(evaluating(back_end, exchange))
            base = base or median
            row(f"  evaluate, {back_end.name}", micro(median), micro(high), f"{median / base:.2f}")
        base = 0.0
        for mode, pdp in pdps.items():
            median, high = timed(deciding(pdp, exchange))
            base = base or median
            row(f"  decide and write, mode {mode}", micro(median), micro(high), f"{median / base:.2f}")
        for more in engine.INCLUDES:
            median, high = timed(deciding(pdps["bitset"], exchange, (more,)))
            row(f"  decide and write, with {more}", micro(median), micro(high), f"{median / base:.2f}")
        judgement = pdps["bitset"].judge(exchange, as_of=DAY)
        if judgement.outcome.permits:
            for name, exact in (("proposed and verified", False), ("exact", True)):
                median, high = timed(founding(pdps["bitset"], judgement, exact))
                row(f"  what it rests on, {name}; {len(exchange.values)} facts", micro(median), micro(high))
        row("  its JSON", f"{len(written.json()) / 1024:,.0f} kB")


def resident() -> float:
    """The memory this process holds, in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def memory_of(mode: str, rounds: int = 20_000) -> None:
    """One worker's memory, in a process of its own: with everything loaded, and what many decisions add."""
    bundle = engine.load(engine.bundled_policies())
    pdp = engine.PDP(bundle, mode)
    exchange = engine.parse_exchange(bundle, json.dumps(EXCHANGES["everything shown"]).encode())
    decide = deciding(pdp, exchange)
    for _ in range(200):
        decide()
    before = resident()
    for _ in range(rounds):
        decide()
    row(f"a worker's memory, mode {mode}; {rounds:,} decisions add", f"{before:,.0f} MB", f"{resident() - before:+,.1f} MB")


def memory() -> None:
    print(flush=True)
    for mode in ("bitset", "checked"):
        subprocess.run([sys.executable, "-m", "tests.bench", "--memory-of", mode], check=True)


def speed() -> float:
    """What a step of a plain loop costs here and now, in nanoseconds: others on the machine make it more."""
    start = time.perf_counter()
    total = 0
    for number in range(1_000_000):
        total += number
    return (time.perf_counter() - start) * 1e3


@dataclass(slots=True)
class Load:
    """
    Requests to send to a server, each connection going through all of them from another place on.

    `rates` and `costs` have a figure for each round: what was answered in a second, and the server's CPU seconds for it. An answered
    request counts as `holds` of what is measured.
    """

    name: str
    port: int
    pid: int
    requests: list[bytes]
    connections: int = CONNECTIONS
    holds: int = 1
    rates: list[float] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)

    def round(self, seconds: float) -> None:
        before = cpu_seconds(self.pid)
        start = time.perf_counter()
        answered = self.holds * asyncio.run(self._answered(start + seconds))
        self.rates.append(answered / (time.perf_counter() - start))
        self.costs.append((cpu_seconds(self.pid) - before) / answered)

    async def _answered(self, end: float) -> int:
        callers: list[Caller] = []

        def begin() -> Caller:
            callers.append(Caller(self.requests[len(callers) :: CONNECTIONS] or self.requests, end))
            return callers[-1]

        for _ in range(self.connections):
            await asyncio.get_running_loop().create_connection(begin, "127.0.0.1", self.port)
        await asyncio.gather(*(caller.done for caller in callers))
        return sum(caller.answered for caller in callers)

    def against(self, other: Load) -> tuple[str, str]:
        """How fast it is beside another, by what was answered and by the CPU time of the server: medians over the rounds."""
        rate = statistics.median(a / b for a, b in zip(self.rates, other.rates, strict=True))
        cost = statistics.median(b / a for a, b in zip(self.costs, other.costs, strict=True))
        return f"{rate:.3f}", f"{cost:.3f}"


class Caller(asyncio.Protocol):
    """One kept-alive connection: sends a request, reads the answer whole, sends the next. It does as little else as possible."""

    def __init__(self, requests: list[bytes], end: float) -> None:
        self._requests = cycle(requests)
        self._end = end
        self._left = 0
        self.answered = 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(next(self._requests))

    def data_received(self, data: bytes) -> None:
        if not self._left:
            if not data.startswith(b"HTTP/1.1 200"):
                sys.exit(f"not answered with 200: {data[:80]!r}")
            # The head is short, so it comes in one piece.
            head, _, _ = data.partition(b"\r\n\r\n")
            self._left = len(head) + 4 + int(head.lower().partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0])
        self._left -= len(data)
        if not self._left:
            self.answered += 1
            if time.perf_counter() < self._end:
                self._transport.write(next(self._requests))
            else:
                self._transport.close()

    def connection_lost(self, lost: Exception | None) -> None:
        self.done.set_result(None)


def cpu_seconds(pid: int) -> float:
    """What a process and its workers have used of the processors so far."""
    times = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    workers = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return (int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK") + sum(map(cpu_seconds, map(int, workers)))


def post(path: str, body: bytes) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def settled_tests(bundle: engine.Bundle) -> list[bytes]:
    """The exchanges of the policies' own tests that settle and touch a jurisdiction, each on its day."""
    pdp = engine.PDP(bundle, "bitset")
    found = []
    for trial in engine.trials(bundle, bundle):
        day = trial.as_of or engine.parse_exchange(bundle, trial.raw).as_of or DAY
        sent = json.dumps({**json.loads(trial.raw), "as_of": day.isoformat()}).encode()
        decision = pdp.decide(engine.parse_exchange(bundle, sent), as_of=day, today=day, id="bench")
        if decision.outcome != "undetermined" and decision.jurisdictions:
            found.append(sent)
    return found


def http(bundle: engine.Bundle, rounds: int = 5) -> None:
    """Every server is asked in turn, in every round, so that whatever else the machine does falls on all alike."""
    from tests.service.conftest import running

    one = [json.dumps(EXCHANGES["everything shown"]).encode()]
    tests = settled_tests(bundle)
    batches = [b'{"exchanges": [%b]}' % b",".join(tests[at : at + BATCH]) for at in range(0, len(tests) - BATCH + 1, BATCH)]
    with tempfile.TemporaryDirectory() as folder, ExitStack() as servers:
        port, pid = servers.enter_context(bare_server(Path(folder)))
        bare = Load("return {}", port, pid, [post("/", one[0])])
        loads = []
        for mode in ("bitset", "checked"):
            options = ("--policies", str(engine.bundled_policies()), "--mode", mode)
            server = servers.enter_context(running(Path(folder) / f"{mode}.db", *options))
            at = (server.port, server.process.pid)
            single = Load(f"evaluate, everything shown, {mode}", *at, [post("/v1/evaluate", each) for each in one])
            mixed = Load(f"evaluate, the tests' exchanges, {mode}", *at, [post("/v1/evaluate", each) for each in tests])
            batch = Load(f"the same in batches of {BATCH}, {mode}", *at, [post("/v1/evaluate/batch", each) for each in batches])
            batch.connections, batch.holds = 2, BATCH
            loads += [single, mixed, batch]
        for load in (bare, *loads):
            load.round(0.5)
            load.rates.clear()
            load.costs.clear()
        for _ in range(rounds):
            for load in (bare, *loads):
                load.round(1.0)
    print()
    row(f"HTTP, one worker, {CONNECTIONS} connections, durable record", "exchanges/s", "to bare", "by CPU time")
    for load in (bare, *loads):
        row(f"  {load.name}", f"{statistics.median(load.rates):,.0f}", *load.against(bare))


def processes(rounds: int = 5) -> None:
    """One and two workers, on both databases; every server is asked in turn, in every round."""
    from tests.service.conftest import running
    from tests.service.databases import PostgreSQL

    request = post("/v1/evaluate", json.dumps(EXCHANGES["everything shown"]).encode())
    with tempfile.TemporaryDirectory() as name, PostgreSQL.running() as postgresql, ExitStack() as servers:
        folder = Path(name)
        port, pid = servers.enter_context(bare_server(folder))
        loads = [Load("return {}", port, pid, [post("/", b"{}")])]
        for workers in (1, 2):
            for database in (str(folder / f"{workers}.db"), postgresql.new()):
                options = ("--policies", str(engine.bundled_policies()), "--workers", str(workers))
                server = servers.enter_context(running(database, *options, folder=folder))
                kind = "PostgreSQL" if "://" in database else "SQLite"
                loads.append(Load(f"{kind}, {workers} worker{'s' * (workers > 1)}", server.port, server.process.pid, [request]))
        for load in loads:
            load.round(0.5)
            load.rates.clear()
            load.costs.clear()
        for _ in range(rounds):
            for load in loads:
                load.round(1.0)
    print()
    row(f"HTTP, {CONNECTIONS} connections, durable record", "exchanges/s", "to bare", "by CPU time")
    for load in loads:
        row(f"  {load.name}", f"{statistics.median(load.rates):,.0f}", *load.against(loads[0]))


@contextmanager
def bare_server(folder: Path) -> Iterator[tuple[int, int]]:
    """The same server library with an application that returns {}: its port and its process."""
    code = (
        "import socket, uvicorn, fastapi\n"
        "app = fastapi.FastAPI()\n"
        "@app.post('/')\nasync def bare() -> dict:\n    return {}\n"
        "s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(); print(s.getsockname()[1], flush=True)\n"
        "uvicorn.Server(uvicorn.Config(app, loop='auto', http='httptools', log_level='error', access_log=False)).run(sockets=[s])\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=folder) as process:
        assert process.stdout
        port = int(process.stdout.readline())
        time.sleep(1)
        yield port, process.pid
        process.kill()


def main() -> None:
    if sys.argv[1:2] == ["--memory-of"]:
        memory_of(sys.argv[2])
        return
    if sys.argv[1:] == ["http"]:
        row("a step of a plain loop", f"{speed():,.0f} ns")
        http(engine.load(engine.bundled_policies()))
        processes()
        return
    if sys.argv[1:2] == ["search"]:
        from tests.bench import search

        search.main(int(sys.argv[2]) if sys.argv[2:] else 1_000_000, sys.argv[3:] or ["sqlite", "postgresql"])
        return
    row("a step of a plain loop", f"{speed():,.0f} ns")
    start = time.perf_counter()
    bundle = engine.load(engine.bundled_policies())
    loaded = time.perf_counter()
    engine.PDP(bundle)
    provisions = len({rule.provision.id for rule in bundle.rules.rules})
    row(f"load {provisions} provisions, {len(bundle.facts())} facts", f"{(loaded - start) * 1e3:,.0f} ms")
    row("compile the back ends", f"{(time.perf_counter() - loaded) * 1e3:,.0f} ms")
    decisions(bundle)
    memory()
    http(bundle)
    processes()


if __name__ == "__main__":
    main()
