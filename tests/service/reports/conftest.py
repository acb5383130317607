"""What the tests of reports share: a service on small policies, whose clock stands, and who talks to it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pypdf
import pytest
from starlette.testclient import TestClient

from service.server.app import create_app
from service.service import Service
from service.settings import Settings
from service.telemetry import log_lines
from tests.service.conftest import Lines

HERE = Path(__file__).parent
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
JSON = {"content-type": "application/json"}
FORM = {"content-type": "application/x-www-form-urlencoded", "origin": "http://127.0.0.1:8080"}
CONTRACT = {"dated": "2026-10-01", "covers": True, "attested_by": "a notary"}


@dataclass
class Desk:
    """A service with a clock of its own, and who talks to it."""

    service: Service
    client: TestClient
    now: list[datetime] = field(default_factory=lambda: [NOON])

    def post(self, path: str, body: Any) -> Any:
        answer = self.client.post(path, content=json.dumps(body), headers=JSON)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def evaluate(self, exporter: str = "clinic", recipient: str = "lab", place: str = "KE", **more: Any) -> Any:
        sent = {
            "exporter": {"id": exporter, "country": "CN"},
            "recipient": {"id": recipient, "country": place},
            "data": {"people": {"ordinary": 50}},
            "act": {"doubtful": False},
            "evidence": {"contract": CONTRACT},
        }
        return self.post("/v1/evaluate", {**sent, **more})

    def commit(self, *parties: str, **more: Any) -> Any:
        """The commitment of an exchange; a second later the next thing happens."""
        made = self.post("/v1/commitments", {"decision": self.evaluate(*parties, **more)["id"]})
        self.now[0] += timedelta(seconds=1)
        return made

    def page(self, path: str, **form: Any) -> Any:
        """The page that a form of the pages of reports leads to."""
        token = self.client.get("/reports").text.partition('name="token" value="')[2][:64]
        return self.client.post(path, data={"token": token, **form}, headers=FORM, follow_redirects=True)


def opened(database: str, lines: Lines, *policies: Path | str, zone: str = "UTC") -> Iterator[Desk]:
    """A desk on some policies, closed at the end; its days are those of the zone."""
    now = [NOON]
    given = Settings(
        watch=False,
        watch_commitments=False,
        policies=policies,
        database=database,
        mode="bitset",
        ledger_since="2026-01-01",
        zone=zone,
    )
    service = Service.open(given, say=log_lines.logger(lines), clock=lambda: now[0])
    with TestClient(create_app(given, service), base_url="http://127.0.0.1:8080") as client:
        yield Desk(service, client, now)
    service.close()


@pytest.fixture
def desk(database: str, lines: Lines) -> Iterator[Desk]:
    """A service on the small policies."""
    yield from opened(database, lines, HERE / "policies")


def pdf_text(data: bytes) -> str:
    """The text of a PDF, as a reader of PDF extracts it, without line breaks."""
    reader = pypdf.PdfReader(BytesIO(data))
    return "".join(page.extract_text().replace("\n", "") for page in reader.pages)
