"""What the tests of access requests share: a store in memory, and the application with the policies of another domain."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from service.mappings.entity_store import StoredEntity
from service.server.app import create_app
from service.service import Service
from service.settings import Settings
from service.telemetry import log_lines
from tests.service.conftest import Lines

WORKPLACE = Path(__file__).parent / "policies"
SUB = "CiRmZDE2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs"  # how an identity provider calls Morty

Stored = Sequence[tuple[str, tuple[str, ...], Mapping[str, Any]]]

# kind, ids (the first is the one that facts state), properties
STORED: Stored = (
    ("user", ("alice",), {}),
    ("user", ("bob",), {"role": "admin"}),
    ("record", ("record-1",), {"status": "active"}),
    ("record", ("record-2",), {"status": "archived"}),
    ("user", ("ada", "ada@example.com"), {"department": "legal"}),
    ("user", ("bo", "bo@example.com", "employee-7"), {"department": "sales"}),
    ("user", ("cy",), {}),
    ("document", ("doc-1", "archive/1"), {"owner": "bo@example.com", "department": "legal", "tags": ["draft"]}),
    ("document", ("doc-2",), {"owner": "employee-7", "tags": ["draft", "public"]}),
    ("document", ("doc-3",), {"owner": "cy"}),
    ("document", ("doc-13",), {"owner": "ada", "department": "legal"}),
    ("user", ("rick@the-citadel.com", "sub-rick"), {"roles": ["admin", "evil_genius"]}),
    ("user", ("morty@the-citadel.com", SUB), {"roles": ["editor"]}),
    ("user", ("beth@the-smiths.com", "sub-beth"), {"roles": ["viewer"]}),
    ("todo", ("todo-1",), {"ownerID": "morty@the-citadel.com"}),
    ("todo", ("todo-2",), {"ownerID": "sub-rick"}),
)


class Memory:
    """A store of entities in memory, of which nothing is said before a day."""

    since = date(2024, 1, 1)

    def __init__(self, stored: Stored = STORED) -> None:
        self.fill(stored)

    def fill(self, stored: Stored) -> None:
        """Hold these and no others."""
        self.ids = {(kind, id): ids[0] for kind, ids, _ in stored for id in ids}
        self.entities = {(kind, ids[0]): StoredEntity(ids[0], properties) for kind, ids, properties in stored}

    def find(self, kind: str, id: str, day: date) -> StoredEntity | None:
        first = self.ids.get((kind, id)) if day >= self.since else None
        return None if first is None else self.entities[kind, first]

    def list(self, kind: str, after: str, limit: int, day: date) -> Sequence[StoredEntity]:
        found = sorted(
            ((id, each) for (of, id), each in self.entities.items() if of == kind and id > after and day >= self.since),
            key=lambda each: each[0],
        )
        return [each for _, each in found[:limit]]


@dataclass(frozen=True, slots=True)
class Shared:
    """The application with the policies of the other domain, and what it reads and writes."""

    client: TestClient
    entities: Memory
    lines: Lines


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    """One application for the tests of a file: opening one takes longer than most of them."""
    lines, entities = Lines(), Memory()
    settings = Settings(watch=False, policies=WORKPLACE, database=str(tmp_path_factory.mktemp("workplace") / "log.db"))
    service = Service.open(settings, say=log_lines.logger(lines))
    with TestClient(create_app(settings, service, entities), base_url="http://127.0.0.1:8080") as client:
        yield Shared(client, entities, lines)


@pytest.fixture
def entities(shared: Shared) -> Memory:
    """The store as it is at first; a test may change what is in it."""
    shared.entities.fill(STORED)
    return shared.entities


@pytest.fixture
def client(shared: Shared, entities: Memory) -> TestClient:
    """The application in this process."""
    return shared.client


@pytest.fixture
def lines(shared: Shared) -> Lines:
    """The log lines from now on."""
    shared.lines.seek(0)
    shared.lines.truncate()
    return shared.lines


def records(client: TestClient) -> int:
    """How many decisions are recorded."""
    found: int = client.get("/readyz").json()["log"]["records"]
    return found


Ask = Callable[..., Any]


def question(subject: str, action: Any, resource: str, **more: Any) -> dict[str, Any]:
    """An access request in short: `user:ada`, `read` (or a whole action), `document:doc-1`, and further members."""
    named = {}
    for name, text in (("subject", subject), ("resource", resource)):
        type, _, id = text.partition(":")
        named[name] = {"type": type, "id": id} if id else {"type": type}
    return {**named, "action": {"name": action} if isinstance(action, str) else action, **more}


@pytest.fixture
def decide(client: TestClient) -> Ask:
    """Whether something may be done; properties of subject and resource are given by name."""

    def ask(
        subject: str,
        action: Any,
        resource: str,
        subject_properties: dict[str, Any] | None = None,
        resource_properties: dict[str, Any] | None = None,
        **more: Any,
    ) -> bool:
        sent = question(subject, action, resource, **more)
        if subject_properties is not None:
            sent["subject"]["properties"] = subject_properties
        if resource_properties is not None:
            sent["resource"]["properties"] = resource_properties
        answer = client.post("/access/v1/evaluation", json=sent)
        assert answer.status_code == 200, answer.text
        decision = answer.json()["decision"]
        assert isinstance(decision, bool)
        return decision

    return ask
