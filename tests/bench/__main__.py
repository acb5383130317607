"""
`make bench`: our figures on the bundled policies, as ratios within one run.

Decisions by mode on exchanges that are settled and some that are not, what is told only when asked for, memory of a worker over many
decisions, load time, and the evaluate endpoint with its durable record against a bare `return {}` of the same server. Absolute times are
this machine's, and the first line says how fast it is today; quote the ratios.
"""

from __future__ import annotations

import asyncio
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
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
    "recipient": {"country": "US", "kind": "university"},
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
    },
    "act": {"kind": "provide", "trigger": "own", "evades": False, "cn_bars": []},
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
    "three sovereigns, in conflict": "What American law compels",
}
CONNECTIONS = 16


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


async def requests(port: int, request: bytes, seconds: float) -> float:
    """Answers a second over some kept-alive connections; every answer is read whole."""
    answered = 0
    end = time.perf_counter() + seconds

    async def caller() -> None:
        nonlocal answered
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while time.perf_counter() < end:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                sys.exit(f"not answered with 200: {head[:80]!r}")
            length = next(
                int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
            )
            await reader.readexactly(length)
            answered += 1
        writer.close()

    await asyncio.gather(*(caller() for _ in range(CONNECTIONS)))
    return answered / seconds


def post(path: str, body: bytes) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def http() -> None:
    from tests.service.conftest import running

    print()
    row(f"HTTP, one worker, {CONNECTIONS} connections", "requests/s", "to bare")
    with tempfile.TemporaryDirectory() as folder:
        bare = 0.0
        for mode in ("bare", "bitset", "checked"):
            if mode == "bare":
                with bare_server(Path(folder)) as port:
                    bare = asyncio.run(requests(port, post("/", b"{}"), 4))
                row("  return {}", f"{bare:,.0f}", "1.00")
                continue
            options = ("--policies", str(engine.bundled_policies()), "--mode", mode)
            with running(Path(folder) / f"{mode}.db", *options) as server:
                rate = asyncio.run(
                    requests(server.port, post("/v1/evaluate", json.dumps(EXCHANGES["everything shown"]).encode()), 6)
                )
            row(f"  evaluate with durable record, {mode}", f"{rate:,.0f}", f"{rate / bare:.3f}")


class bare_server:
    """The same server library with an application that returns {}."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __enter__(self) -> int:
        code = (
            "import socket, uvicorn, fastapi\n"
            "app = fastapi.FastAPI()\n"
            "@app.post('/')\nasync def bare() -> dict:\n    return {}\n"
            "s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(); print(s.getsockname()[1], flush=True)\n"
            "uvicorn.Server(uvicorn.Config(app, loop='auto', http='httptools', log_level='error', access_log=False)).run(sockets=[s])\n"
        )
        self.process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=self.folder)
        assert self.process.stdout
        port = int(self.process.stdout.readline())
        time.sleep(1)
        return port

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()


def main() -> None:
    if sys.argv[1:2] == ["--memory-of"]:
        memory_of(sys.argv[2])
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
    http()


if __name__ == "__main__":
    main()
