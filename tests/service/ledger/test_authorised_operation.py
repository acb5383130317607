"""A year of an authorised operation, by the bundled policies: to the maximum, beyond it with a signature, and the next year."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.testclient import TestClient

import engine
from service.server.app import create_app
from service.service import Service
from service.settings import Settings
from service.telemetry import log_lines
from tests.service.conftest import Lines

pytestmark = pytest.mark.usefixtures("audited")

INCOME = "cn.public-data-pricing/income"
COVERS = {"dated": "2025-06-10", "covers": True}
OPERATOR = {"id": "gz-operator", "country": "CN", "kind": "company", "role": "controller", "zone": "none"}
DATA = {
    "id": "weather-of-gz",
    "kind": "data-product",
    "stage": "product",
    "personal": False,
    "state": "anonymised",
    "categories": ["none-of-these"],
    "people_in": [],
    "collected_in": ["CN"],
    "stored_in": ["CN"],
    "grades": ["general"],
    "grade_basis": "self-assessed",
    "source": "public-authorised",
    "owner_class": ["public"],
    "lawful_source": True,
    "controls": [],
}
TERMS = {
    "price": "30000 CNY",
    "price_cap": "30000 CNY",
    "pricing": "government-guided",
    "purposes": ["industry"],
    "territory": ["KE"],
    "term": "1 year",
    "sublicensable": True,
    "exclusive": False,
    "forecloses": False,
    "redevelops_own": False,
    "operation_mode": "whole",
    "operation_term": "5 years",
    "outside_limits": [],
    "share": {"operator": "0.6", "public": "0.4", "rest": "0"},
    "by_contribution": True,
    "valuation": "cost",
    "accounting": "not-recognised",
    "venue": "direct",
}
RIGHTS = {
    "held": ["use", "operate"],
    "exercised": ["operate"],
    "conveyed": ["use"],
    "basis": ["authorisation"],
    "disputed": False,
    "authorised_by": ["agency"],
    "traceable": ["source-confirmable", "scope-definable", "flow-traceable", "risk-preventable"],
}
SALE: dict[str, Any] = {
    "exporter": {**OPERATOR, "locality": "elsewhere", "cn_ciio": False},
    "recipient": {"id": "nairobi-weather", "country": "KE", "kind": "company", "relation": "unrelated", "listed_on": []},
    "authorisation": {"id": "gz-2026-17"},
    "act": {"kind": "provide", "trigger": "own", "evades": False, "bars": [], "security_concern": False},
    "data": DATA,
    "purpose": {"is": ["industry"], "end_use": ["civil"]},
    "rights": RIGHTS,
    "safeguards": {"delivery": "api"},
    "terms": TERMS,
    "evidence": {
        "cn-rights-chain": COVERS,
        "cn-authorised-operation": {**COVERS, "expires": "2030-05-31"},
        "cn-public-data-registration": COVERS,
        "cn-price-filing": COVERS,
        "cn-grading-record": COVERS,
        "data-valuation-report": COVERS,
    },
}


OPENING = {
    "party": OPERATOR["id"],
    "asset": DATA["id"],
    "rights": [
        {"right": right, "purposes": ["industry"], "territory": ["worldwide"], "term": "perpetual", "onward": True}
        for right in ("use", "operate")
    ],
    "from": "2025-06-10",
    "complete": True,
    "evidence": [{"kind": "authorisation", "dated": "2025-06-10"}],
    "reason": "authorised operation gz-2026-17",
}


def test_a_year_and_the_next(database: str, lines: Lines) -> None:
    """The sale that crosses the maximum waits for a person; what exceeds it is taken off the next year, whose disclosure has its day."""
    now = [datetime(2026, 11, 25, 12, tzinfo=UTC)]
    given = Settings(watch=False, policies=engine.bundled_policies(), database=database, ledger_since="2020-01-01")
    service = Service.open(given, say=log_lines.logger(lines), clock=lambda: now[0])
    with TestClient(create_app(given, service), base_url="http://127.0.0.1:8080") as client:

        def sell(done: Callable[[Any], bool] = lambda answer: bool(answer["proceed"])) -> Any:
            decided = client.post("/v1/evaluate", json=SALE).json()
            assert done(decided), json.dumps(decided)[:2_000]
            return decided

        def commit(decided: Any) -> None:
            answer = client.post("/v1/commitments", json={"decision": decided["id"]})
            assert answer.status_code == 201, answer.text

        def income() -> Any:
            query = {"counter": "terms.income", "authorisation.id": "gz-2026-17"}
            told = client.get("/v1/counters", params=query).json()
            return told["counts"]["terms.income"]["at_most"], told["period"]

        for year, maximum in ((2026, "50000 CNY"), (2027, "55000 CNY")):
            period = {"valid_from": f"{year}-01-01", "valid_until": f"{year}-12-31"}
            content = {"facts": {"terms": {"allowed_income": maximum}}, **period}
            assert client.put("/v1/entities/authorisation/gz-2026-17", json=content).status_code in (200, 201)
        assert client.post("/v1/rights/openings", json=OPENING).status_code == 201
        first = sell()
        assert "2027-03-31" in [each.get("due") for each in first["owed"] if each["duty"].startswith("Disclose the last year")]
        commit(first)
        over = sell(lambda answer: answer["outcome"] == "review")
        assert "above its allowed maximum" in over["answer"]
        refused = client.post("/v1/commitments", json={"decision": over["id"]})
        assert refused.json()["type"] == "urn:fifthfactor:problem:not-committable"
        signed = {"provisions": [INCOME], "verdict": "approve", "reason": "deducted next year", "until": "2026-12-31"}
        assert client.post(f"/v1/decisions/{over['id']}/sign-off", json=signed).status_code == 201
        commit(sell())
        assert income() == ("60000.00 CNY", {"maximum": "50000 CNY"})
        now[0] = datetime(2027, 2, 1, 12, tzinfo=UTC)
        carried = {"at_least": "10000.00 CNY", "at_most": "10000.00 CNY"}
        assert income() == ("10000.00 CNY", {"maximum": "55000 CNY", "carried": carried})
        commit(sell())
        assert income()[0] == "40000.00 CNY"
        sell(lambda answer: answer["outcome"] == "review")
    service.close()
