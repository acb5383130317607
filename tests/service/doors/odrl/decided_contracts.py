"""What the tests of written contracts share: a desk with the bundled policies, exchanges that may proceed, and a JSON-LD processor."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pyld import jsonld
from starlette.testclient import TestClient

import engine
from service.server.app import create_app
from service.service import Service
from service.settings import Settings
from tests.service.api.described import PERMITTED
from tests.service.ledger.desk import NOON, Desk

FIXTURES = Path(__file__).parents[1] / "fixtures"
CONTEXTS = {
    "http://www.w3.org/ns/odrl.jsonld": FIXTURES / "odrl" / "ODRL22.jsonld",
    "https://w3id.org/dspace/2025/1/odrl-profile.jsonld": FIXTURES / "dsp" / "context" / "odrl.jsonld",
}

# A laboratory gets the right to operate the data for two years.
GRANT: dict[str, Any] = {
    "exporter": {"id": "clinic-8", "country": "IN", "kind": "company", "role": "controller", "targets": ["IN"]},
    "recipient": {
        "id": "did:web:lab.example", "country": "IN", "kind": "company", "listed_on": [], "relation": "unrelated", "role": "controller",
    },
    "act": {"kind": "provide", "frequency": "repeated", "trigger": "own", "bars": [], "security_concern": False},
    "data": {
        "id": "visits/2026", "kind": "dataset", "personal": True, "state": "identified", "categories": ["contact"], "people_in": ["IN"],
        "collected_in": ["IN"], "stored_in": ["IN"], "people": {"ordinary": 500, "sensitive": 0}, "grades": [], "lawful_source": True,
    },
    "rights": {"held": ["operate"], "conveyed": ["operate"]},
    "terms": {
        "purposes": ["service-provision", "research"], "territory": ["IN", "AE"], "term": "2 years", "exclusive": False,
        "sublicensable": True, "price": "60000.00 INR",
    },
    "purpose": {"is": ["service-provision"]},
}  # fmt: skip

# A brand sends customers' data abroad with consent, and owes duties.
OWING: dict[str, Any] = {
    "exporter": {"id": "brand-1", "group": "brand-1", "country": "CN", "kind": "company", "zone": "none", "cn_ciio": False},
    "recipient": {"id": "post-1", "country": "AE", "kind": "company", "relation": "unrelated", "listed_on": []},
    "act": {"kind": "provide", "trigger": "own", "evades": False, "bars": [], "security_concern": False},
    "data": {
        "id": "customers-day-1", "kind": "dataset", "personal": True, "state": "identified", "categories": ["contact"], "controls": [],
        "grades": ["general"], "people": {"ordinary": 60_000, "sensitive": 0}, "people_in": ["CN"], "collected_in": ["CN"],
        "stored_in": ["CN"], "lawful_source": True,
    },
    "purpose": {"is": ["marketing"]},
    "safeguards": {"basis": ["consent"]},
    "counts": {"cn_all": {"ordinary": 60_000, "sensitive": 0}, "cn_group": {"ordinary": 60_000, "sensitive": 0}},
    "evidence": {
        name: {"dated": "2026-09-01", "covers": True, **({"people": 80_000} if "assessment" in name else {})}
        for name in ("cn-export-notice", "cn-separate-consent", "cn-impact-assessment", "cn-export-need")
    },
}  # fmt: skip
TRANSFER: dict[str, Any] = engine.with_fact_set(PERMITTED, "data.id", "ds-1")


@contextmanager
def contract_desk(folder: Path, **more: Any) -> Iterator[Desk]:
    """A service with the bundled policies, whose ledger is complete, at noon."""
    now = [NOON]
    given = {"mode": "bitset", "ledger_since": "2026-01-01", "policies": engine.bundled_policies(), **more}
    settings = Settings(watch=False, database=str(folder / "log.db"), **given)
    service = Service.open(settings, clock=lambda: now[0])
    with TestClient(create_app(settings, service), base_url="http://127.0.0.1:8080") as client:
        yield Desk(service, client, now)


def granted(desk: Desk, asset: str, **more: Any) -> str:
    """The id of a decision on a grant of an asset that the exporter may operate by the book of rights."""
    right = {"right": "operate", "purposes": ["service-provision", "research"], "territory": ["worldwide"], "term": "perpetual"}
    opening = {
        "party": "clinic-8",
        "asset": asset,
        "rights": [{**right, "onward": True}],
        "from": "2026-01-01",
        "complete": True,
        "evidence": [{"kind": "own-production", "dated": "2026-01-01", "attested_by": "registry of the exchange"}],
        "reason": "registration 2026-17",
    }
    opened = desk.post("/v1/rights/openings", opening)
    assert opened.status_code == 201, opened.text
    document = engine.with_fact_set(GRANT, "data.id", asset)
    for fact, value in more.items():
        document = engine.with_fact_set(document, fact.replace("__", "."), value)
    return decided(desk, document)


def decided(desk: Desk, exchange: dict[str, Any], proceed: bool = True) -> str:
    """The id of a decision."""
    answer = desk.post("/v1/evaluate", exchange).json()
    assert answer["proceed"] is proceed, answer
    return str(answer["id"])


def committed(desk: Desk, decision: str) -> Any:
    """The commitment of a decision."""
    made = desk.post("/v1/commitments", {"decision": decision})
    assert made.status_code == 201, made.text
    return made.json()


def policy_of(desk: Desk, id: str, of: str = "decisions", form: str = "odrl") -> Any:
    """The policy of a decision or of a commitment."""
    answer = desk.client.get(f"/v1/{of}/{id}/odrl", params={"form": form})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/ld+json"
    return answer.json()


def refusal(desk: Desk, id: str, of: str = "decisions", form: str = "odrl") -> tuple[int, str, str]:
    """Why no policy is written: the status, the kind and the sentence."""
    answer = desk.client.get(f"/v1/{of}/{id}/odrl", params={"form": form})
    problem = answer.json()
    return answer.status_code, problem["type"].rpartition(":")[2], problem["detail"]


def offline(url: str, _: Any) -> Any:
    """The contexts of the fixtures; no other is loaded."""
    document = json.loads(CONTEXTS[url].read_text())
    return {"contentType": "application/ld+json", "contextUrl": None, "documentUrl": url, "document": document}


def options(**more: Any) -> dict[str, Any]:
    """Options of the JSON-LD processor, which reaches no network and keeps no context between calls."""
    from pyld.context_resolver import ContextResolver

    return {"documentLoader": offline, "contextResolver": ContextResolver({}, offline), **more}


def expanded(document: Any) -> Any:
    """A document without its context."""
    return jsonld.expand(document, options())
