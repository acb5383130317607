"""What the tests of compliance documents share: a service on the bundled policies, two worked cases, and who talks to it."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from service.callers import keys
from service.callers.caller import LOCAL
from service.callers.context import ReadingAll
from service.callers.person import Person
from service.compliance_documents.draft_document import DraftDocument
from service.compliance_documents.drafting import draft
from service.decisions.replay import Replayer
from service.server.app import create_app
from service.service import Service
from service.settings import Settings
from service.telemetry import log_lines
from tests.service.callers.test_callers import bearer
from tests.service.conftest import Lines

HERE = Path(__file__).parent
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
ISSUER = "https://id.example.org"
PERSONS = {"asker": ("Jonas Weber", "evaluate", "commit", "read"), "reviewer": ("Meera Rao", "review", "read")}
# The document of each case that a person has confirmed.
CONFIRMED = {"optician-munich-pune": "evidence.eu-scc-m2", "retailer-shanghai-penang": "evidence.cn-standard-contract"}


@dataclass
class Desk:
    """A service, the keys of two persons and of an operator, and the decision of each worked case."""

    service: Service
    client: TestClient
    keys: dict[str, str] = field(default_factory=dict)
    before: dict[str, str] = field(default_factory=dict)  # for which the document of a case was confirmed

    def call(self, who: str, method: str, path: str, content: Any = None) -> Any:
        """The answer to a call with a key. Bytes are sent as they are."""
        sent = {"content": content} if isinstance(content, bytes) else {"json": content}
        answer = self.client.request(method, path, headers=bearer(self.keys[who]), **sent)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def evaluate(self, exchange: dict[str, Any]) -> Any:
        """The answer to an exchange."""
        return self.call("asker", "POST", "/v1/evaluate", exchange)

    def case(self, name: str) -> str:
        """The decision of a worked case: both parties are registered, one document is confirmed by a person, and it is committed."""
        exchange = case(name)
        for id in exchange["named"].values():
            self.call("boss", "PUT", f"/v1/parties/{id}", json.loads((HERE / "register.json").read_text())[id])
        group, kind = CONFIRMED[name].split(".")
        content = f"%PDF-1.7\nthe contract of {name}\n%%EOF\n".encode()
        sha256 = hashlib.sha256(content).hexdigest()
        exchange[group][kind]["hash"] = f"sha256:{sha256}"
        first = self.evaluate(exchange)["id"]
        self.call("asker", "POST", "/v1/documents", content)
        self.call("asker", "POST", f"/v1/decisions/{first}/documents", {"name": CONFIRMED[name], "sha256": sha256})
        sent = {"sha256": sha256, "reason": "I read it", "until": "2027-11-30"}
        self.call("reviewer", "POST", f"/v1/decisions/{first}/documents/{CONFIRMED[name]}/confirm", sent)
        second: str = self.evaluate(exchange)["id"]
        self.call("asker", "POST", "/v1/commitments", {"decision": second})
        self.before[second] = first
        return second

    def draft(self, id: str, name: str, lang: str = "en") -> DraftDocument:
        """The draft of a document, as an operator gets it."""
        context = self.service.context(ReadingAll, LOCAL, "")
        return draft(context, id, name, lang, Replayer(self.service), self.service)


def case(name: str) -> dict[str, Any]:
    """The exchange of a worked case."""
    found: dict[str, Any] = json.loads((HERE / f"{name}.json").read_text())
    return found


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A service on the bundled policies."""
    database = str(tmp_path_factory.mktemp("drafts") / "log.db")
    settings = Settings(watch=False, watch_commitments=False, database=database, mode="bitset", ledger_since="2026-01-01")
    service = Service.open(settings, say=log_lines.logger(Lines()), clock=lambda: NOON)
    with TestClient(create_app(settings, service), base_url="http://127.0.0.1:8080") as client:
        made = Desk(service, client)
        with service.store.database.transaction() as transaction:
            for name, (shown, *scopes) in PERSONS.items():
                person = Person(ISSUER, name, shown)
                _, made.keys[name] = keys.create(transaction, name, tuple(scopes), None, "test", NOON, person=person)
            _, made.keys["boss"] = keys.create(transaction, "boss", ("administer", "read", "evaluate"), None, "test", NOON)
        yield made
    service.close()
