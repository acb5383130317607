"""
`make bench ARGS=sinks`: does a sink of the event stream delay decisions?

Three services of one kind have a log each with the same number of events: one without a sink, one whose sink (files by day) catches up with
all of them, one whose receiver (of OpenTelemetry) takes each request and never answers. All three are asked in turn, round by round, over a
few connections that do not use the service up, and whoever is not asked is stopped meanwhile. So each round compares what the machine gives
at that moment. Of `POST /v1/evaluate` the median and the 99th percentile are printed, and their ratios to the first service.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import engine
from service.log.leaf import SealedRecord
from service.log.store import Store
from service.outbox.cursors import cursor_of
from service.policies.prepared_policies import PreparedPolicies
from service.settings import Settings
from service.store.upgrade import open_present
from tests.bench import sizing, traffic
from tests.bench.figures import line, progress
from tests.bench.whole_decisions import percentile
from tests.service.conftest import Server
from tests.service.databases import PostgreSQL
from tests.service.load import Load, post

EVENTS = 100_000
ROUNDS, SECONDS = 20, 3.0  # at most: it ends once the second has caught up
TEMPLATES = 40  # different decisions in the log
CONNECTIONS, PAUSE = 4, 0.03
AFTER_STOP = 0.5  # seconds in which a service that was stopped writes what waited: its log is behind for so long
PATIENCE = 300.0  # seconds until a service is ready
ASKED = 100  # different exchanges, each asked before
NONE, CATCHES_UP, HANGS = "no sink", "catches up", "receiver hangs"


@dataclass(slots=True)
class Asked:
    """A service, and how long each of its answers took in each round, in seconds."""

    name: str
    server: Server
    url: str
    rounds: list[list[float]] = field(default_factory=list)
    refused: int = 0

    def ratio(self, other: Asked, hundredth: int) -> float:
        """How many times as long as another, in the median of all rounds."""
        pairs = zip(self.rounds, other.rounds, strict=True)
        return statistics.median(percentile(mine, hundredth) / percentile(its, hundredth) for mine, its in pairs)

    def all(self, hundredth: int) -> float:
        """A percentile over all rounds, in milliseconds."""
        return percentile([each for some in self.rounds for each in some], hundredth) * 1000


def main(events: int, kinds: Sequence[str]) -> None:
    """Measure on these databases."""
    made = sizing.models(PreparedPolicies.of(Settings(watch=False, policies=engine.bundled_policies())), TEMPLATES)
    exchanges = traffic.varied(engine.load(engine.bundled_policies()))[:ASKED]
    for kind in kinds:
        with tempfile.TemporaryDirectory(prefix="sinks-") as name, ExitStack() as stack:
            folder = Path(name)
            server = stack.enter_context(PostgreSQL.running()) if kind == "postgresql" else None
            _measure(kind, folder, server, made, events, exchanges)


def _measure(
    kind: str,
    folder: Path,
    server: PostgreSQL | None,
    made: Sequence[SealedRecord],
    events: int,
    exchanges: Sequence[bytes],
) -> None:
    urls = _filled(folder, server, made, events)
    with ExitStack() as stack:
        port = stack.enter_context(_silent())
        sinks = {
            NONE: "",
            CATCHES_UP: f"- {{name: s, kind: files, folder: {folder / 'events'}, from: beginning}}\n",
            HANGS: f"- {{name: s, kind: otlp, address: 'http://127.0.0.1:{port}/v1/logs', private: yes, from: beginning}}\n",
        }
        asked = []
        for (name, written), (url, key) in zip(sinks.items(), urls, strict=True):
            progress(f"{kind}: starting the service: {name}")
            environment = {"FIFTHFACTOR_LOG_KEY": key}
            if written:
                file = folder / f"{name.replace(' ', '-')}.yaml"
                file.write_text(written)
                environment["FIFTHFACTOR_SINKS"] = str(file)
            options = ("--policies", str(engine.bundled_policies()))
            started = Server(url, *options, folder=folder, environment=environment, module="service.cli")
            stack.callback(started.stop, signal.SIGKILL)
            started.wait(PATIENCE)
            asked.append(Asked(name, started, url))
            _ask(asked[-1], exchanges, 2.0)
            started.process.send_signal(signal.SIGSTOP)
        for number in range(ROUNDS):
            for each in asked:
                progress(f"{kind}: round {number + 1}: {each.name}")
                each.server.process.send_signal(signal.SIGCONT)
                time.sleep(AFTER_STOP)
                each.rounds.append(_ask(each, exchanges, SECONDS))
                each.server.process.send_signal(signal.SIGSTOP)
            if _sent(*urls[1]) >= events:  # it has caught up in this round
                break
        sent = {each.name: _sent(each.url, key) for each, (_, key) in zip(asked, urls, strict=True)}
    print()
    line(
        f"{kind}, {events:,} events",
        "median ms",
        "of none",
        "99th ms",
        "of none",
        "answered",
        "refused",
        "events sent",
        width=30,
    )
    print(f"    in {len(asked[0].rounds)} rounds, until the second had caught up")
    for each in asked:
        figures = (
            f"{each.all(50):.1f}", f"{each.ratio(asked[0], 50):.2f}×", f"{each.all(99):.1f}", f"{each.ratio(asked[0], 99):.2f}×",
            f"{sum(map(len, each.rounds)):,}", f"{each.refused:,}", f"{sent[each.name]:,}",
        )  # fmt: skip
        line(f"  {each.name}", *figures, width=30)


def _filled(folder: Path, server: PostgreSQL | None, made: Sequence[SealedRecord], events: int) -> list[tuple[str, str]]:
    """
    Three databases with the same log, and the key of each: the first is filled, the others are copies.

    Each has a folder of its own: who keeps a checkpoint beside a key holds a lock on the folder, also while it is stopped.
    """
    first, key = folder / "1", folder / "1" / "log.db.log-key"
    first.mkdir()
    if server is not None:
        shutil.copy(server._key, key)
    address = str(first / "log.db") if server is None else server.new()
    with Store.open(address, log_key=key) as store:
        asyncio.run(sizing.append(store, made, 0, events, events))
    found = [(address, str(key))]
    for number in ("2", "3"):
        shutil.copytree(first, folder / number)
        copy = str(folder / number / "log.db") if server is None else server.copy(address)
        found.append((copy, str(folder / number / key.name)))
    return found


def _ask(of: Asked, exchanges: Sequence[bytes], seconds: float) -> list[float]:
    load = Load(of.server.port, [post("/v1/evaluate", each) for each in exchanges], CONNECTIONS, PAUSE, keep=False)

    async def ask() -> None:
        asking = asyncio.create_task(load.run())
        await asyncio.sleep(seconds)
        load.stopped = True
        await asking

    asyncio.run(ask())
    of.refused += sum(each.status != 200 for each in load.asked)
    return [each.took for each in load.asked if each.status == 200]


def _sent(url: str, key: str) -> int:
    with closing(open_present(url, Path(key))) as database, database.reading.connect() as connection:
        cursor = cursor_of(connection, "s")
        return 0 if cursor is None else cursor.sent


@contextmanager
def _silent() -> Iterator[int]:
    """A receiver that takes what it is sent and never answers: its port."""
    listening = socket.create_server(("127.0.0.1", 0))
    kept: list[socket.socket] = []

    def take() -> None:
        while True:
            try:
                kept.append(listening.accept()[0])
            except OSError:
                return

    threading.Thread(target=take, daemon=True).start()
    try:
        yield listening.getsockname()[1]
    finally:
        os.close(listening.detach())
        for each in kept:
            each.close()
