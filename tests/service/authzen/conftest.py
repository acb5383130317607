"""What the tests of access requests share: a store in memory, and the application with the policies of another domain."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from service import telemetry
from service.app import create_app
from service.authzen.entities import Entity
from service.service import Service
from service.settings import Settings
from tests.service.conftest import Lines

WORKPLACE = Path(__file__).parent / "policies"
SUB = "CiRmZDE2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs"  # how an identity provider calls Morty

# kind, ids (the first is the one that facts state), properties
STORED: tuple[tuple[str, tuple[str, ...], dict[str, Any]], ...] = (
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

    def __init__(self, stored: Sequence[tuple[str, tuple[str, ...], Mapping[str, Any]]] = STORED) -> None:
        self.ids = {(kind, id): ids[0] for kind, ids, _ in stored for id in ids}
        self.entities = {(kind, ids[0]): Entity(ids[0], properties) for kind, ids, properties in stored}

    def find(self, kind: str, id: str, day: date) -> Entity | None:
        first = self.ids.get((kind, id)) if day >= self.since else None
        return None if first is None else self.entities[kind, first]

    def list(self, kind: str, after: str, limit: int, day: date) -> Sequence[Entity]:
        found = sorted(
            ((id, each) for (of, id), each in self.entities.items() if of == kind and id > after and day >= self.since),
            key=lambda each: each[0],
        )
        return [each for _, each in found[:limit]]


@pytest.fixture
def entities() -> Memory:
    """The store of this test; a test may change what is in it."""
    return Memory()


@pytest.fixture
def workplace(tmp_path: Path, lines: Lines) -> Iterator[Service]:
    """An open service with the policies of the other domain."""
    opened = Service.open(Settings(policies=WORKPLACE, database=str(tmp_path / "log.db")), say=telemetry.logger(lines))
    yield opened
    opened.close()


@pytest.fixture
def client(workplace: Service, entities: Memory) -> Iterator[TestClient]:
    """The application in this process, with the policies of the other domain."""
    with TestClient(create_app(workplace.settings, workplace, entities), base_url="http://127.0.0.1:8080") as client:
        yield client


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
