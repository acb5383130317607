"""
A desk: a service with a ledger and a clock of its own, and who talks to it, on each database.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

import engine
from service.decisions import commitment_writer
from service.policies.live import Live
from service.server.app import create_app
from service.service import Service
from service.settings import Settings
from service.telemetry import log_lines
from tests.service.conftest import OTHERWISE, Lines

POLICIES = Path(__file__).parent / "policies"
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
JSON = {"content-type": "application/json"}


@dataclass
class Desk:
    """A service with a clock of its own, and who talks to it."""

    service: Service
    client: TestClient
    now: list[datetime] = field(default_factory=lambda: [NOON])

    def post(self, path: str, body: Any = None) -> Any:
        return self.client.post(path, content=json.dumps(body) if body is not None else b"", headers=JSON)

    def evaluate(self, people: Any = 100, exporter: str = "clinic", **more: Any) -> Any:
        sent: dict[str, Any] = {
            "exporter": {"id": exporter, "country": "CN"},
            "recipient": {"id": "lab"},
            "data": {"people": {"ordinary": people, "rest": 0}, "staff": False},
        }
        for fact, value in more.items():
            sent = engine.with_fact_set(sent, fact.replace("__", "."), value)
        answer = self.post("/v1/evaluate", sent)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def commit(self, people: Any = 100, exporter: str = "clinic", **more: Any) -> Any:
        answer = self.post("/v1/commitments", {"decision": self.evaluate(people, exporter, **more)["id"]})
        assert answer.status_code == 201, answer.text
        return answer.json()

    def counter(self, name: str = "counts.year", **per: str) -> Any:
        query = {"counter": name, "exporter.id": "clinic", **{key.replace("__", "."): value for key, value in per.items()}}
        answer = self.client.get("/v1/counters", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def ordinary(self, **per: str) -> tuple[int, int | None]:
        count = self.counter(**per)["counts"]["counts.year.ordinary"]
        return count["at_least"], count.get("at_most")

    def record(self, id: str) -> Any:
        return self.client.get(f"/v1/decisions/{id}").json()["record"]

    def reload(self, **changes: str) -> None:
        """Put changed policies in the place of those that decide."""
        sources = {path.name: path.read_text() for path in POLICIES.glob("*.yaml")}
        for name, (old, new) in ((name, change.split(" => ")) for name, change in changes.items()):
            file = f"{name}.yaml"
            assert old in sources[file]
            sources[file] = sources[file].replace(old, new)
        bundle = engine.load_sources({name: text.encode() for name, text in sources.items()})
        self.service.policies.live = Live.of(bundle, "bitset")


@contextmanager
def desks(lines: Lines, make: Callable[..., Any] = Desk, **always: Any) -> Iterator[Callable[..., Any]]:
    """Opens desks, with these settings and others; `make` is their class."""
    with ExitStack() as stack:

        def open(**settings: Any) -> Any:
            now = [NOON]
            given = Settings(watch=False, **{"watch_commitments": False, "shed_seconds": 60} | always | settings)
            service = Service.open(given, say=log_lines.logger(lines), clock=lambda: now[0])
            stack.callback(service.close)
            client = stack.enter_context(TestClient(create_app(given, service), base_url="http://127.0.0.1:8080"))
            return make(service, client, now)

        yield open


@pytest.fixture
def opened(database: str, lines: Lines) -> Iterator[Any]:
    """Opens desks on one database."""
    with desks(lines, policies=POLICIES, database=database, mode="bitset") as open:
        yield open


@pytest.fixture
def desk(opened: Any) -> Desk:
    """A service whose ledger is complete."""
    desk: Desk = opened(ledger_since="2026-01-01")
    return desk


@contextmanager
def before_ids_were_asked() -> Iterator[None]:
    """As the ledger was when an exchange that does not say by whom it counts could be committed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine.BundleCounters, "unsaid", lambda *_: ())
        patch.setattr(commitment_writer, "_check_keys", lambda *_: None)
        OTHERWISE.append("its counts")
        yield


def open_with(desk: Desk, on: str, count: Any) -> Any:
    return desk.post(
        "/v1/ledger/openings",
        {
            "counter": "counts.year",
            "per": {"exporter.id": "clinic"},
            "on": on,
            "counts": {"counts.year.ordinary": count, "counts.year.sensitive": 0},
            "reason": "from the books",
        },
    )
