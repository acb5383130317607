"""
Closed values over HTTP (semantics 1.6): the export from Quebec that no spelling, no "none" and no place abroad turns into a permit.
"""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.testclient import TestClient

from service.server.app import create_app
from service.service import Service
from service.settings import Settings
from service.telemetry import log_lines
from tests.service.conftest import Lines

TODAY = datetime(2026, 11, 24, 12, tzinfo=UTC)
QUEBEC: dict[str, Any] = {
    "exporter": {
        "sectors": ["commerce"],
        "country": "CA",
        "zone": "CA-QC",
        "kind": "company",
        "role": "controller",
        "targets": ["CA"],
    },
    "recipient": {
        "country": "US",
        "zone": "US-NY",
        "kind": "company",
        "role": "processor",
        "relation": "unrelated",
        "under": [],
        "carve_outs": [],
        "listed_on": [],
    },
    "data": {
        "kind": "dataset",
        "personal": True,
        "state": "identified",
        "categories": ["contact"],
        "grades": [],
        "controls": [],
        "people": {"ordinary": 500, "sensitive": 0},
        "people_in": ["CA"],
        "collected_in": ["CA"],
        "stored_in": ["CA"],
        "lawful_source": True,
    },
    "act": {
        "kind": "provide",
        "trigger": "own",
        "frequency": "repeated",
        "evades": False,
        "bars": [],
        "security_concern": False,
    },
    "purpose": {"is": ["service-provision"]},
    "safeguards": {"basis": ["contract"]},
    "evidence": {
        "ca-processing-contract": {"dated": "2026-10-01", "covers": True},
        "ca-foreign-processing-notice": {"dated": "2026-10-01", "covers": True},
    },
}
Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """The application with the bundled policies."""
    database = tmp_path_factory.mktemp("places") / "log.db"
    opened = Service.open(Settings(watch=False, database=str(database)), say=log_lines.logger(Lines()), clock=lambda: TODAY)
    with TestClient(create_app(opened.settings, opened), base_url="http://127.0.0.1:8080") as client:
        yield client
    opened.close()


@pytest.fixture(scope="module")
def ask(client: TestClient) -> Ask:
    """Evaluate the export with the place or the country of its exporter changed; None leaves a fact out."""

    def evaluate(**changes: Any) -> Any:
        exchange = json.loads(json.dumps(QUEBEC))
        exchange["exporter"] = {name: value for name, value in (exchange["exporter"] | changes).items() if value is not None}
        return client.post("/v1/evaluate", json=exchange)

    return evaluate


def refusals(answer: Any) -> list[tuple[str, str, str]]:
    """What is wrong with an exchange: pointer, code and sentence of each problem."""
    assert answer.status_code == 400, answer.text
    assert answer.json()["type"] == "urn:fifthfactor:problem:exchange-refused"
    return [(each["pointer"], each["code"], each["detail"]) for each in answer.json()["errors"]]


def test_the_export_from_quebec_needs_its_assessment(ask: Ask) -> None:
    """With the place said as it is, the assessment is missing; from Ontario the same export is permitted."""
    decision = ask().json()
    assert (decision["outcome"], decision["proceed"]) == ("requirements_unmet", False)
    assert {each["requirement"] for part in decision["unmet"] for way in part["ways"] for each in way} == {
        "ca.quebec-assessment",
        "ca.quebec-agreement",
    }
    assert ask(zone="CA-ON").json()["proceed"] is True


@pytest.mark.parametrize(
    "zone",
    [
        "Quebec",
        "Québec",
        "QUEBEC",
        "quebec",
        "Quebce",
        "ca-qc",
        "CA_QC",
        "CAQC",
        "QC",
        "Province of Quebec",
        "魁北克",
        "魁北克省",
    ],
)
def test_another_spelling_of_quebec_is_refused_and_quebec_proposed(ask: Ask, zone: str) -> None:
    """No text passes for "somewhere else in Canada"."""
    [(pointer, code, detail)] = refusals(ask(zone=zone))
    assert (pointer, code) == ("/exporter/zone", "wrong-value")
    assert detail == f"`{zone}` is not one of the 78 values of `zone`; did you mean `CA-QC` (Quebec)?"


BOTH = [("/exporter/zone", "incoherent"), ("/exporter/country", "incoherent")]


def test_who_is_in_canada_is_in_one_of_its_provinces(ask: Ask) -> None:
    """`none` is no answer there; the refusal is at both facts, and says what can be sent."""
    found = refusals(ask(zone="none"))
    assert [each[:2] for each in found] == BOTH
    [said] = {each[2] for each in found}
    assert said == (
        "`none` (none of the zones listed for its country) is no answer in Canada, where everybody is in one of these places: `CA-NL`, "
        "`CA-PE`, `CA-NS`, `CA-NB`, `CA-QC`, `CA-ON`, `CA-MB`, `CA-SK`, `CA-AB`, `CA-BC`, `CA-YT`, `CA-NT`, `CA-NU`"
    )
    assert ask(country="US", zone="none").json()["errors"][0]["detail"].endswith("`US-HI`, `US-ID`, …")


@pytest.mark.parametrize("zone", ["CN-GBA", "US-FL", "AE-DIFC"])
def test_a_place_of_another_country_is_refused(ask: Ask, zone: str) -> None:
    """The refusal names the place, its country, the country that was stated, and the places of that country."""
    found = refusals(ask(zone=zone))
    assert [each[:2] for each in found] == BOTH
    assert all(each[2].startswith(f"`{zone}` (") and "not in Canada; of places there, `CA-NL`" in each[2] for each in found)
    said = refusals(ask(country="KE", zone=zone))[0][2]
    assert said.endswith(", not in Kenya; no place is told apart there, so leave it out")


def test_the_refusal_is_told_in_chinese(ask: Ask, client: TestClient) -> None:
    """Where the sentences of decisions are asked for in Chinese."""
    sent = {**QUEBEC, "exporter": {**QUEBEC["exporter"], "zone": "US-FL"}}
    detail = client.post("/v1/evaluate?lang=zh", json=sent).json()["errors"][0]["detail"]
    assert detail.startswith("`US-FL`（美国佛罗里达州）位于美国，不在加拿大；当地可填写`CA-NL`、`CA-PE`")
    sent["exporter"] = {**QUEBEC["exporter"], "zone": "none"}
    detail = client.post("/v1/evaluate?lang=zh", json=sent).json()["errors"][0]["detail"]
    assert "不适用于加拿大，当地任何人都在下列某一地方：`CA-NL`、`CA-PE`" in detail


def test_where_country_or_place_is_left_out_it_is_asked_for(ask: Ask, client: TestClient) -> None:
    """Neither alone is a permit. The places of a country are asked at once; the country of a place, which follows, is asked last."""
    decision = ask(zone=None).json()
    assert (decision["outcome"], decision["proceed"]) == ("undetermined", False)
    asked = {each["fact"]: [choice["value"] for choice in each.get("values", ())] for each in decision["questions"]}
    assert asked["exporter.zone"]
    assert all(each.startswith("CA-") for each in asked["exporter.zone"])
    decision = ask(country=None).json()
    assert (decision["outcome"], decision["proceed"]) == ("undetermined", False)
    explained = client.get(f"/v1/decisions/{decision['id']}/explanation?include=questions").json()
    listed = [each["fact"] for part in explained["questions"] for each in part["facts"]]
    assert "exporter.country" in listed
    assert "exporter.zone" not in listed
    for zone in ("none", "CN-GBA", "unknown"):
        assert ask(country=None, zone=zone).json()["proceed"] is False


def test_no_place_is_asked_of_a_country_without_places(ask: Ask, client: TestClient) -> None:
    """An exporter in Kenya is not asked for its province, and says nothing wrong with none."""
    for zone in (None, "none", "unknown"):
        decision = ask(country="KE", zone=zone).json()
        explained = client.get(f"/v1/decisions/{decision['id']}/explanation?include=questions").json()
        listed = [each for part in explained["questions"] for each in part["facts"]]
        assert not [each for each in (*decision["questions"], *listed) if each["fact"].endswith(".zone")]


@pytest.mark.parametrize(
    ("country", "meant"),
    {
        "UK": "`GB` (United Kingdom)",
        "Germany": "`DE` (Germany)",
        "CHN": "`CN` (China)",
        "中国": "`CN` (China)",
        "Quebec": "`CA` (Canada)",
    }.items(),
)
def test_a_country_is_proposed_by_what_people_call_it(ask: Ask, country: str, meant: str) -> None:
    """The value stays refused, and the sentence names the one that is meant."""
    [(pointer, code, detail)] = refusals(ask(country=country, zone=None))
    assert (pointer, code) == ("/exporter/country", "wrong-value")
    assert detail.endswith(f"did you mean {meant}?")


def test_a_batch_refuses_the_one_item(client: TestClient) -> None:
    """The other item is decided."""
    wrong = {**QUEBEC, "exporter": {**QUEBEC["exporter"], "zone": "none"}}
    answer = client.post("/v1/evaluate/batch", json={"exchanges": [QUEBEC, wrong]})
    assert answer.status_code == 200, answer.text
    first, second = answer.json()["results"]
    assert first["decision"]["outcome"] == "requirements_unmet"
    assert [each["code"] for each in second["problem"]["errors"]] == ["incoherent", "incoherent"]


def test_the_register_holds_no_party_out_of_its_country(client: TestClient) -> None:
    """Such an entry is refused; and who is registered in Quebec does not leave it by stating another place or another country."""
    refused = client.put("/v1/parties/firm-1", json={"facts": {"country": "CA", "zone": "none"}})
    assert refused.status_code == 400
    assert {(each["pointer"], each["code"]) for each in refused.json()["errors"]} == {
        ("/facts/zone", "incoherent"),
        ("/facts/country", "incoherent"),
    }
    assert client.put("/v1/parties/firm-1", json={"facts": {"country": "CA", "zone": "CA-QC"}}).status_code == 201
    for stated in ({"zone": "CA-ON"}, {"country": "KE"}):
        exporter = {name: value for name, value in QUEBEC["exporter"].items() if name not in ("country", "zone")} | stated
        decision = client.post("/v1/evaluate", json={**QUEBEC, "named": {"exporter": "firm-1"}, "exporter": exporter}).json()
        assert decision["proceed"] is False
        assert [each["fact"] for each in decision["disputed"]] == [f"exporter.{name}" for name in stated]
        explained = client.get(f"/v1/decisions/{decision['id']}/explanation?include=reasons,possible").json()
        assert "ca.quebec/s-17" in {each["provision"] for part in ("reasons", "possible") for each in explained[part]}


def test_the_facts_say_which_fact_names_the_country(client: TestClient) -> None:
    """So that a form can ask for the country first."""
    listed = {each["name"]: each for each in client.get("/v1/facts").json()["facts"]}
    assert listed["exporter.zone"]["lies_in"] == "exporter.country"
    assert "CA-QC" in listed["exporter.zone"]["values"]
    assert listed["exporter.country"]["lies_in"] == ""
