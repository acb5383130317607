"""The book of rights over HTTP: what was granted decides what may be granted, and each row follows from the leaves of the log."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from service.server.app import create_app
from service.service import Service
from service.settings import Settings
from service.telemetry import log_lines
from tests.service.conftest import Lines

POLICIES = Path(__file__).parent / "rights"
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
TODAY = NOON.date()

pytestmark = pytest.mark.usefixtures("audited")


class Exchange:
    """A data exchange's service with a clock of its own, and what its operator does."""

    def __init__(self, service: Service, client: TestClient, now: list[datetime]) -> None:
        self.service, self.client, self.now = service, client, now

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.client.post(path, json=body, headers=headers)

    def supply(self, granter: str | None, holder: str, **more: Any) -> dict[str, Any]:
        terms = {
            "purposes": ["research", "credit"],
            "territory": ["worldwide"],
            "term": "1 year",
            "exclusive": False,
            "sublicensable": True,
        }
        rights = more.pop("rights", ["operate"])
        day = {"as_of": more.pop("as_of")} if "as_of" in more else {}
        return {
            "exporter": {"country": "CN", "id": granter or "unknown"},
            "recipient": {"id": holder},
            "data": {"id": more.pop("asset", "weather")},
            "rights": {"conveyed": rights, "held": ["operate"]},
            "terms": terms | more,
            **day,
        }

    def evaluate(self, granter: str | None, holder: str, **more: Any) -> Any:
        answer = self.post("/v1/evaluate", self.supply(granter, holder, **more))
        assert answer.status_code == 200, answer.text
        return answer.json()

    def page(self, decision: Any) -> Any:
        request = self.client.get(f"/v1/decisions/{decision['id']}").json()["record"]["request"]
        return request.get("books", {}).get("data-rights")

    def commit(self, granter: str | None, holder: str, **more: Any) -> str:
        answer = self.post("/v1/commitments", {"decision": self.evaluate(granter, holder, **more)["id"]})
        assert answer.status_code == 201, answer.text
        id: str = answer.json()["id"]
        return id


@pytest.fixture
def exchange(database: str, lines: Lines) -> Iterator[Exchange]:
    """A service that has the test's policies."""
    now = [NOON]
    settings = Settings(watch=False, policies=POLICIES, database=database, mode="bitset", ledger_since="2026-01-01")
    service = Service.open(settings, say=log_lines.logger(lines), clock=lambda: now[0])
    with TestClient(create_app(settings, service), base_url="http://127.0.0.1:8080") as client:
        yield Exchange(service, client, now)
    service.close()


def test_what_the_book_does_not_keep_is_decided_by_what_is_stated(exchange: Exchange) -> None:
    """Before the first line of an asset there is no page; then there is one of this asset only."""
    first = exchange.evaluate("met", "mill")
    assert first["proceed"]
    assert exchange.page(first) is None
    given = exchange.commit("met", "mill")
    assert exchange.page(exchange.evaluate("met", "mill", asset="tides")) is None
    page = exchange.page(exchange.evaluate("mill", "farm", purposes=["research"]))
    assert page["on"] == TODAY.isoformat()
    assert [(each["sure"], each["by"]) for each in page["holds"]] == [(False, [given])]


def test_a_page_is_the_service_s_alone(exchange: Exchange) -> None:
    """Who sends what the books say is refused."""
    sent = exchange.supply("met", "mill") | {"books": {"data-rights": {"on": "2026-11-25"}}}
    refused = exchange.post("/v1/evaluate", sent)
    assert refused.status_code == 400
    assert [each["pointer"] for each in refused.json()["errors"]] == ["/books"]


def test_an_exclusive_grant_bars_the_next_one(exchange: Exchange) -> None:
    """Also where the next one was decided before it: committing looks again. Once it is withdrawn, nothing stands in the way."""
    late = exchange.evaluate("met", "farm")
    assert late["proceed"]
    given = exchange.commit("met", "mill", exclusive=True)
    refused = exchange.evaluate("met", "farm")
    assert refused["outcome"] == "prohibited"
    assert [each["id"] for each in exchange.page(refused)["exclusive"]] == [given]
    moved = exchange.post("/v1/commitments", {"decision": late["id"]})
    assert (moved.status_code, moved.json()["decision"]["outcome"]) == (409, "prohibited")
    record = exchange.client.get(f"/v1/decisions/{moved.json()['decision']['id']}").json()["record"]
    assert record["request"]["books"]["data-rights"]["exclusive"]
    exchange.post(f"/v1/commitments/{given}/withdraw", {"reason": "not signed"})
    assert exchange.evaluate("met", "farm")["proceed"]
    assert exchange.post("/v1/commitments", {"decision": late["id"]}).status_code == 201


def test_a_decision_with_a_page_is_replayed_byte_for_byte(exchange: Exchange) -> None:
    """What the book said is in the record."""
    given = exchange.commit("met", "mill", exclusive=True)
    decided = exchange.evaluate("mill", "farm")
    exchange.post(f"/v1/commitments/{given}/withdraw", {"reason": "not signed"})
    replayed = exchange.post(f"/v1/decisions/{decided['id']}/replay")
    assert replayed.json()["same"] == "bytes"
    assert replayed.json()["holds"] is True
