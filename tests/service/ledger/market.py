"""A market for the tests of agreements: an operator, parties with keys of their own, and a clock."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

import engine
from service.server.app import create_app
from service.service import Service
from service.settings import Settings
from service.telemetry import log_lines
from tests.service.callers.test_callers import bearer, make
from tests.service.conftest import Lines
from tests.service.ledger.test_rights_book import everything, supply

POLICIES = Path(__file__).parent / "agreements"
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
SCOPES = ["evaluate", "commit", "read"]
PARTIES = ("hospital", "platform", "studio", "bank", "stranger")


@dataclass
class Market:
    """A service, its operator (`ops`) and its parties, each with a key."""

    service: Service
    client: TestClient
    keys: dict[str, str]
    now: list[datetime] = field(default_factory=lambda: [NOON])

    def get(self, path: str, who: str = "ops", **query: Any) -> Any:
        return self.client.get(path, params=query, headers=bearer(self.keys[who]))

    def post(self, path: str, body: Any, who: str = "ops") -> Any:
        return self.client.post(path, json=body, headers=bearer(self.keys[who]))

    def done(self, path: str, body: Any, who: str = "ops") -> Any:
        answer = self.post(path, body, who)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    def propose(self, *shares: Any, asset: str = "images", who: str = "ops", **more: Any) -> Any:
        return self.done(f"/v1/assets/{asset}/agreements", {"shares": [*shares], "reason": "contract 7", **more}, who)

    def accept(self, told: Any, *parties: str) -> Any:
        sent = {"digest": told["versions"][-1]["digest"]}
        for party in parties:
            told = self.done(f"/v1/agreements/{told['id']}/accept", sent, party)
        return told

    def open(self, told: Any) -> Any:
        evidence = [{"kind": "contract", "dated": "2026-11-01"}]
        sent = {"digest": told["versions"][-1]["digest"], "evidence": evidence, "reason": "shown at the desk"}
        return self.done(f"/v1/agreements/{told['id']}/open", sent)

    def standing(self, *shares: Any, **more: Any) -> Any:
        return self.open(self.propose(*shares, **more))

    def exchange(self, granter: str, holder: str, asset: str = "images", **more: Any) -> dict[str, Any]:
        """What one party supplies to another, with the right to operate it."""
        sent = supply(granter, holder, asset=asset)
        for fact, value in more.items():
            sent = engine.with_fact_set(sent, fact.replace("__", "."), value)
        return sent

    def evaluated(self, granter: str, holder: str, asset: str = "images", **more: Any) -> Any:
        return self.done("/v1/evaluate", self.exchange(granter, holder, asset, **more))

    def commit(self, granter: str, holder: str, asset: str = "images", **more: Any) -> str:
        decided = self.evaluated(granter, holder, asset, **more)
        assert decided["proceed"], decided
        return str(self.done("/v1/commitments", {"decision": decided["id"]})["id"])

    def page(self, granter: str, holder: str, asset: str = "images", **more: Any) -> Any:
        """What the book of benefits says of an exchange."""
        decided = self.evaluated(granter, holder, asset, **more)
        return self.get(f"/v1/decisions/{decided['id']}").json()["record"]["request"].get("books", {}).get("benefits")

    def opened(self, party: str, asset: str = "images") -> str:
        return str(self.done("/v1/rights/openings", everything(party, asset))["id"])


def share(payer: str, payee: str | None, ratio: str, of: str = "income", **more: Any) -> dict[str, Any]:
    """What one party pays."""
    named = {} if payee is None else {"payee": payee}
    return {"payer": payer, **named, "ratio": ratio, "of": of, **more}


@pytest.fixture
def market(database: str, lines: Lines) -> Iterator[Market]:
    """The service, its operator and its parties."""
    with held(database, lines) as market:
        yield market


@contextmanager
def held(database: str, lines: Lines, policies: Path = POLICIES, zone: str = "UTC") -> Iterator[Market]:
    """A market in a database, under these policies; its days are those of the zone."""
    now = [NOON]
    ops = make(database, "administer", *SCOPES, "review", now=NOON)
    settings = Settings(
        watch=False,
        watch_commitments=False,
        policies=policies,
        database=database,
        mode="bitset",
        ledger_since="2026-01-01",
        failure_burst=10_000,
        zone=zone,
    )
    service = Service.open(settings, say=log_lines.logger(lines), clock=lambda: now[0])
    with TestClient(create_app(settings, service), base_url="http://127.0.0.1:8080") as client:
        made = Market(service, client, {"ops": ops}, now)
        for party in PARTIES:
            made.keys[party] = made.done("/v1/keys", {"name": party, "scopes": SCOPES, "party": party})["key"]
        yield made
    service.close()
