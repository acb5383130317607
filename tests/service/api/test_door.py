"""
The door over HTTP (semantics 1.5, 1.7): what can never be so is a 400 at every place that says it; what is true is let in, and judged.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.testclient import TestClient

from service.server.app import create_app
from service.service import Service
from service.settings import Settings
from service.telemetry import log_lines
from tests.service.conftest import Lines

TODAY = datetime(2026, 11, 30, 12, tzinfo=UTC)
SHOWN = {"dated": "2026-05-01", "covers": True}
# A Kenyan firm sends contact data of eight hundred customers to a firm in Germany.
USUAL: dict[str, Any] = {
    "exporter.country": "KE",
    "exporter.kind": "other-company",
    "exporter.role": "controller",
    "exporter.sectors": ["commerce"],
    "exporter.organised_in": ["KE"],
    "exporter.controlled_from": ["KE"],
    "exporter.targets": ["KE"],
    "recipient.country": "DE",
    "recipient.kind": "other-company",
    "recipient.role": "controller",
    "recipient.relation": "unrelated",
    "recipient.organised_in": ["DE"],
    "recipient.controlled_from": ["DE"],
    "recipient.listed_on": [],
    "data.kind": "dataset",
    "data.personal": True,
    "data.state": "identified",
    "data.categories": ["contact"],
    "data.people": {"ordinary": 800, "sensitive": 0},
    "data.people_in": ["KE"],
    "data.source": "self-produced",
    "data.lawful_source": True,
    "data.collected_in": ["KE"],
    "data.stored_in": ["KE"],
    "data.grades": [],
    "data.controls": [],
    "act.kind": "provide",
    "act.trigger": "own",
    "act.evades": False,
    "act.bars": [],
    "act.security_concern": False,
    "act.ai_service": "none",
    "purpose.is": ["service-provision"],
    "purpose.end_use": ["civil"],
}
NOBODY: dict[str, Any] = {"data.personal": False, "data.state": None, "data.people": None, "data.people_in": []}
CODE = {**NOBODY, "data.kind": "code", "data.categories": ["industrial"], "purpose.is": ["industry"]}


def written(change: dict[str, Any]) -> dict[str, Any]:
    """The usual exchange with some facts changed; None leaves a fact out."""
    document: dict[str, Any] = {}
    for name, value in {**USUAL, **change}.items():
        *path, last = name.split(".")
        group = document
        for step in path:
            group = group.setdefault(step, {})
        if value is not None:
            group[last] = value
    return document


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """The application with the bundled policies."""
    database = tmp_path_factory.mktemp("door") / "log.db"
    opened = Service.open(Settings(watch=False, database=str(database)), say=log_lines.logger(Lines()), clock=lambda: TODAY)
    with TestClient(create_app(opened.settings, opened), base_url="http://127.0.0.1:8080") as client:
        yield client
    opened.close()


# What can never be so: the exchange, and the place that says it
NEVER: dict[str, tuple[dict[str, Any], str]] = {
    "one entity under two ids": (
        {
            "recipient.relation": "same-entity",
            "exporter.id": "acme",
            "recipient.id": "acme-2",
            "recipient.organised_in": ["KE"],
        },
        "/recipient/id",
    ),
    "a return of what was collected, made and kept here": ({"act.kind": "return"}, "/act/kind"),
    "the transit of what was collected, made and kept here": ({"act.kind": "transit"}, "/act/kind"),
    "anonymised data with categories and people counted, called personal": (
        {"data.state": "anonymised", "data.categories": ["health"]},
        "/data/state",
    ),
    "own data called entrusted": ({"exporter.role": "processor"}, "/data/source"),
    "people of a country, data made there, said to be collected elsewhere": (
        {"data.collected_in": ["SG"]},
        "/data/collected_in",
    ),
    "a person herself as sender of a set on many": (
        {"exporter.role": "data-subject", "exporter.kind": "individual", "exporter.organised_in": []},
        "/exporter/role",
    ),
    "a person herself as recipient of a set on many": (
        {"recipient.role": "data-subject", "recipient.kind": "individual", "recipient.organised_in": []},
        "/data/people/ordinary",
    ),
    "a company organised nowhere": ({"exporter.organised_in": []}, "/exporter/organised_in"),
    "no end use at all": ({"purpose.end_use": []}, "/purpose/end_use"),
    "a price below zero": ({"terms.price": "-1 CNY"}, "/terms/price"),
    "a term of no days": ({"terms.term": "0 days"}, "/terms/term"),
    "a document of the year 1": ({"evidence.ke-safeguards": {**SHOWN, "dated": "0001-01-01"}}, "/evidence/ke-safeguards/dated"),
    "a document that expires in 9999": (
        {"evidence.ke-safeguards": {**SHOWN, "expires": "9999-12-31"}},
        "/evidence/ke-safeguards/expires",
    ),
    # Ten more of the same kinds
    "one id of a company and of a hospital": (
        {"exporter.id": "a", "recipient.id": "a", "recipient.kind": "hospital"},
        "/recipient/kind",
    ),
    "one entity organised under two laws": ({"recipient.relation": "same-entity"}, "/recipient/organised_in"),
    "one entity of whom half is a natural person": (
        {"recipient.relation": "same-entity", "recipient.kind": "individual", "recipient.organised_in": []},
        "/recipient/kind",
    ),
    "a hospital organised nowhere": (
        {"recipient.kind": "university-hospital", "recipient.organised_in": []},
        "/recipient/kind",
    ),
    "stateless people of data about nobody": (
        {**NOBODY, "data.categories": ["weather"], "data.nationalities": ["stateless"]},
        "/data/nationalities",
    ),
    "people of no nationality and not stateless": ({"data.nationalities": []}, "/data/nationalities"),
    "a cap between two sums below zero": ({"terms.price_cap": {"at_least": "-2 CNY", "at_most": "-1 CNY"}}, "/terms/price_cap"),
    "an operation authorised for no time": ({"terms.operation_term": "0 years"}, "/terms/operation_term"),
    "a transfer that began in the year 1": ({"act.began_on": "0001-01-01"}, "/act/began_on"),
    "an exchange of the last day there is": ({"as_of": "9999-12-31"}, "/as_of"),
    "half of the market and no position": ({"terms.market_share": "0.6", "terms.dominance": "none"}, "/terms/dominance"),
    "own data that go back to a principal": (
        {"act.kind": "return", "exporter.role": "processor", "evidence.cn-principal-mandate": SHOWN},
        "/exporter/role",
    ),
}


@pytest.mark.parametrize(("change", "place"), NEVER.values(), ids=NEVER)
def test_what_can_never_be_so_is_refused_at_its_place(client: TestClient, change: dict[str, Any], place: str) -> None:
    """A 400 with a sentence at the place; nothing is decided."""
    answer = client.post("/v1/evaluate", json=written(change))
    assert answer.status_code == 400, answer.text
    assert place in {each["pointer"] for each in answer.json()["errors"]}
    assert all(each["detail"] for each in answer.json()["errors"])


def test_what_serves_peace_is_named_civil(client: TestClient) -> None:
    """The refusal of an end use of nothing names the word (1.7)."""
    [wrong] = client.post("/v1/evaluate", json=written({"purpose.end_use": []})).json()["errors"]
    assert wrong["detail"] == 'must name at least one end use; send ["civil"] where none of the others applies'


# What is true
TRUE: dict[str, dict[str, Any]] = {
    "a hospital that is a university": {
        "exporter.kind": "university-hospital",
        "recipient.kind": "university-hospital",
        "recipient.relation": "same-entity",
        "recipient.organised_in": ["KE"],
    },
    "bought code whose licence excludes the destination": {
        **CODE,
        "data.source": "purchased",
        "terms.licence": "proprietary",
        "terms.licence_limits": ["destination"],
    },
    "own code whose licence excludes the destination": {
        **CODE,
        "terms.licence": "proprietary",
        "terms.licence_limits": ["destination"],
    },
    "stateless people": {"data.nationalities": ["stateless"]},
    "dominance found at 45 %": {
        **NOBODY,
        "data.kind": "data-product",
        "data.categories": ["industrial"],
        "terms.market_share": "0.45",
        "terms.dominance": "one-firm",
    },
    "a ministry's staff data": {
        "exporter.kind": "public-body",
        "data.categories": ["employee"],
        "purpose.is": ["hr"],
        "purpose.end_use": ["military"],
    },
    "remote administration without reading": {
        "act.kind": "remote-access",
        "act.access_from": ["DE"],
        "recipient.can_read": False,
        "recipient.role": "processor",
    },
    "health data under an American licence": {
        "exporter.country": "US",
        "exporter.zone": "US-NY",
        "exporter.organised_in": ["US"],
        "data.categories": ["health"],
        "data.people_in": ["US"],
        "data.collected_in": ["US"],
        "data.controls": ["us-ear-licence"],
    },
    "a civil and a military end use": {"purpose.is": ["industry"], "purpose.end_use": ["civil", "military"]},
    "a person's own data with some whom she knows": {
        "recipient.role": "data-subject",
        "recipient.kind": "individual",
        "recipient.organised_in": [],
        "data.people": {"ordinary": 40, "sensitive": 0},
    },
    "anonymised data with people counted": {"data.personal": False, "data.state": "anonymised"},
    "own data that only cross a country under encryption": {
        "act.kind": "transit",
        "safeguards.measures": ["encrypted-transit"],
    },
}


@pytest.mark.parametrize("change", TRUE.values(), ids=TRUE)
def test_what_is_true_is_let_in(client: TestClient, change: dict[str, Any]) -> None:
    """A decision comes out, whatever it is."""
    answer = client.post("/v1/evaluate", json=written(change))
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    "name",
    [
        "bought code whose licence excludes the destination",
        "a ministry's staff data",
        "health data under an American licence",
        "a civil and a military end use",
    ],
)
def test_what_is_let_in_goes_no_further_than_its_law(client: TestClient, name: str) -> None:
    """A licence that excludes, an end use of arms and an American licence that is not shown still keep it from going ahead."""
    assert client.post("/v1/evaluate", json=written(TRUE[name])).json()["proceed"] is False
