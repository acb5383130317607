"""
`make bench`: our figures on the bundled policies, as ratios within one run.

Decisions by mode on exchanges that are settled and one that is not, memory over many decisions, load time, and the evaluate endpoint
with its durable record against a bare `return {}` of the same server. Absolute times are this machine's; quote the ratios.
"""

from __future__ import annotations

import asyncio
import json
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import engine
from engine.backends.durable import Durable
from engine.backends.reference import Reference

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


def evaluating(back_end: Reference | Durable, exchange: engine.Exchange) -> Callable[[], object]:
    return lambda: back_end.evaluate(exchange, DAY)


def deciding(pdp: engine.PDP, exchange: engine.Exchange) -> Callable[[], engine.Decision]:
    return lambda: pdp.decide(exchange, as_of=DAY, today=DAY, id="bench")


def writing(decision: engine.Decision) -> Callable[[], object]:
    return lambda: decision.model_dump_json(by_alias=True)


def decisions(bundle: engine.Bundle) -> None:
    pdps = {mode: engine.PDP(bundle, mode) for mode in ("reference", "durable", "checked")}
    for name, sent in EXCHANGES.items():
        raw = json.dumps(sent).encode()
        exchange = engine.parse_exchange(bundle, raw)
        print()
        row(name, "median", "p99", "to reference")
        row("  read the exchange", *map(micro, timed(reading(bundle, raw))))
        base = 0.0
        for back_end in (Reference(bundle.rules), Durable(bundle.rules)):
            median, high = timed(evaluating(back_end, exchange))
            base = base or median
            row(f"  evaluate, {back_end.name}", micro(median), micro(high), f"{median / base:.2f}")
        base = 0.0
        for mode, pdp in pdps.items():
            median, high = timed(deciding(pdp, exchange))
            base = base or median
            row(f"  decide, mode {mode}", micro(median), micro(high), f"{median / base:.2f}")
        decision = pdps["checked"].decide(exchange, as_of=DAY, today=DAY, id="bench")
        row("  its JSON", *map(micro, timed(writing(decision))))


def memory(bundle: engine.Bundle, rounds: int = 3_000) -> None:
    pdp = engine.PDP(bundle)
    exchange = engine.parse_exchange(bundle, json.dumps(EXCHANGES["everything shown"]).encode())
    for _ in range(200):
        pdp.decide(exchange, as_of=DAY, today=DAY, id="bench")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(rounds):
        pdp.decide(exchange, as_of=DAY, today=DAY, id="bench")
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print()
    row(f"peak memory, and growth over {rounds:,} decisions", f"{after / 1024:,.0f} MB", f"{(after - before) / 1024:,.1f} MB")


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
        for mode in ("bare", "durable", "checked"):
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
        import subprocess

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
    start = time.perf_counter()
    bundle = engine.load(engine.bundled_policies())
    loaded = time.perf_counter()
    engine.PDP(bundle)
    provisions = len({rule.provision.id for rule in bundle.rules.rules})
    row(f"load {provisions} provisions, {len(bundle.facts())} facts", f"{(loaded - start) * 1e3:,.0f} ms")
    row("compile the back ends", f"{(time.perf_counter() - loaded) * 1e3:,.0f} ms")
    decisions(bundle)
    memory(bundle)
    http()


if __name__ == "__main__":
    main()
