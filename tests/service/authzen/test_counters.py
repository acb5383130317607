"""Searches where a counter decides: they find what an evaluation would permit, with the counters of the ledger."""

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from service.server.app import create_app
from service.service import Service
from service.settings import Settings
from service.telemetry import log_lines
from tests.service.authzen.conftest import Memory
from tests.service.conftest import Lines

POLICIES = Path(__file__).parents[1] / "ledger" / "policies"
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
STORED = (
    ("company", ("clinic",), {"country": "CN"}),
    ("company", ("hospital",), {"country": "CN"}),
    ("dataset", ("visits",), {"people": {"ordinary": 200, "rest": 0}, "staff": False}),
)
ACCESS = """vocabulary: ledger-tests-access
authzen:
  subjects:
    company: {id: exporter.id, under: exporter}
  actions:
    send: {}
  resources:
    dataset: {under: data}
  context:
    facts: {counts: counts, recipient: recipient.id}
"""


@pytest.mark.parametrize("counts", [{}, {"counts": {"year": {"ordinary": 200}, "week": 1}}])
def test_a_search_counts_as_an_evaluation_does(tmp_path: Path, counts: Any) -> None:
    """Whoever comes to the threshold with what the ledger has is not found, whatever count comes with the search."""
    policies = tmp_path / "policies"
    shutil.copytree(POLICIES, policies)
    (policies / "access.yaml").write_text(ACCESS)
    settings = Settings(policies=policies, database=str(tmp_path / "log.db"), mode="bitset", ledger_since="2026-01-01")
    service = Service.open(settings, say=log_lines.logger(Lines()), clock=lambda: NOON)
    with TestClient(create_app(settings, service, Memory(STORED)), base_url="http://127.0.0.1:8080") as client:
        exchange = {
            "exporter": {"id": "clinic", "country": "CN"},
            "recipient": {"id": "lab"},
            "data": {"people": {"ordinary": 900, "rest": 0}, "staff": False},
        }
        decided = client.post("/v1/evaluate", json=exchange).json()
        assert client.post("/v1/commitments", json={"decision": decided["id"]}).status_code == 201
        asked: dict[str, Any] = {
            "action": {"name": "send"},
            "resource": {"type": "dataset", "id": "visits"},
            "context": {"recipient": "lab", **counts},
        }
        permitted = [
            id
            for id in ("clinic", "hospital")
            if client.post("/access/v1/evaluation", json={**asked, "subject": {"type": "company", "id": id}}).json()["decision"]
        ]
        assert permitted == ["hospital"]
        found = client.post("/access/v1/search/subject", json={**asked, "subject": {"type": "company"}}).json()
        assert [each["id"] for each in found["results"]] == permitted
