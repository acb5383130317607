"""
What damns an exchange over HTTP, and what was said before a value of a set existed (semantics 2.1).
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

import engine
from engine.values import SetOf
from service.ledger.recorded_exchange import exchange_again
from service.log.leaf import with_personal_values
from service.server.app import create_app
from service.service import Service
from service.settings import Settings
from service.store import log_key
from service.store.tables import entity
from service.telemetry import log_lines
from tests.service.conftest import Lines, sealed_again
from tests.service.written_records import put

TODAY = datetime(2026, 11, 24, 12, tzinfo=UTC)
# A weather service in Germany sends its figures to a company in the United States.
WEATHER: dict[str, Any] = {
    "exporter": {
        "country": "DE", "role": "controller", "kind": "other-company", "sectors": ["commerce"], "organised_in": ["DE"],
        "targets": [], "zone": "none",
    },
    "recipient": {
        "country": "US", "kind": "other-company", "role": "controller", "relation": "unrelated", "listed_on": [], "us_ties": [],
        "organised_in": ["US"], "controlled_from": ["US"], "zone": "US-NY",
    },
    "data": {
        "categories": ["weather"], "personal": False, "kind": "dataset", "grades": [], "controls": [], "collected_in": ["DE"],
        "stored_in": ["DE"], "people_in": [], "source": "self-produced",
    },
    "act": {"kind": "provide", "bars": [], "trigger": "own", "ai_service": "none"},
    "purpose": {"is": ["service-provision"], "end_use": ["civil"]},
}  # fmt: skip
BEFORE = {"semantics": 2, "version": "0.9.0"}  # an engine of exchanges of the first shape


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with the bundled policies."""
    database = tmp_path_factory.mktemp("damning") / "log.db"
    opened = Service.open(Settings(watch=False, database=str(database)), say=log_lines.logger(Lines()), clock=lambda: TODAY)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def client(service: Service) -> Iterator[TestClient]:
    with TestClient(create_app(service.settings, service), base_url="http://127.0.0.1:8080") as client:
        yield client


def evaluate(client: TestClient, **facts: Any) -> dict[str, Any]:
    """The answer to the exchange with other facts; None leaves a fact out."""
    document: dict[str, Any] = WEATHER
    for fact, value in facts.items():
        document = engine.with_fact_set(document, fact.replace("__", "."), value)
    answer: dict[str, Any] = client.post("/v1/evaluate", json=document).json()
    return answer


def test_a_bar_that_damns_is_no_permit(client: TestClient) -> None:
    """The exchange may proceed; with each bar it may not, and an evasion is prohibited."""
    assert evaluate(client)["proceed"] is True
    found = {bar: evaluate(client, act__bars=[bar])["outcome"] for bar in ("evasion", "state-security", "unlawful-source")}
    assert found == {"evasion": "prohibited", "state-security": "review", "unlawful-source": "review"}


def test_a_statement_of_its_own_counts_where_the_bars_are_left_out(client: TestClient) -> None:
    """Evasion prohibits; the harmless contrary closes nothing, and the bars are asked."""
    assert evaluate(client, act__bars=None, act__evades=True)["outcome"] == "prohibited"
    harmless = evaluate(client, act__bars=None, act__evades=False, act__security_concern=False, data__lawful_source=True)
    assert (harmless["outcome"], [each["fact"] for each in harmless["questions"]]) == ("undetermined", ["act.bars"])


@pytest.mark.parametrize(
    ("fact", "value", "bars"),
    [
        ("act.evades", True, []),
        ("act.evades", False, ["evasion"]),
        ("act.security_concern", True, ["suspension"]),
        ("data.lawful_source", False, []),
        ("data.lawful_source", True, ["unlawful-source"]),
    ],
)
def test_a_statement_that_contradicts_the_bars_is_refused_at_both_places(
    client: TestClient, fact: str, value: bool, bars: list[str]
) -> None:
    """400, in the language that is asked for."""
    sent = engine.with_fact_set(engine.with_fact_set(WEATHER, fact, value), "act.bars", bars)
    for query, word in (("", "what stands against the exchange"), ("?lang=zh", "不利于本次交换的情形")):
        answer = client.post(f"/v1/evaluate{query}", json=sent)
        assert answer.status_code == 400
        errors = answer.json()["errors"]
        assert [(each["pointer"], each["code"]) for each in errors] == [
            (f"/{fact.replace('.', '/')}", "incoherent"),
            ("/act/bars", "incoherent"),
        ]
        assert all(word in each["detail"] for each in errors)


def test_an_exchange_of_an_earlier_shape_swears_to_no_new_value(client: TestClient) -> None:
    """Its empty sets are open, and are asked again."""
    answer = evaluate(client, schema="fifthfactor/exchange/1")
    assert (answer["proceed"], answer["outcome"]) == (False, "undetermined")
    assert {"act.bars", "recipient.listed_on"} <= {each["fact"] for each in answer["questions"]}
    assert evaluate(client, schema="fifthfactor/exchange/2")["proceed"] is True


def before(service: Service, id: str) -> str:
    """Record what a decision's record says, as a record of an engine of that time; its id."""
    stored = service.stored(id)
    record = with_personal_values(stored.entry.leaf, stored.entry.openings)
    other = "2" + id[1:]
    return put(service, {**record, "id": other, "decision": {**record["decision"], "id": other}, "engine": BEFORE})


def test_an_earlier_record_swears_to_no_new_value(client: TestClient, service: Service) -> None:
    """Read again by the policies of now, its closed sets are open; those of a record of now are closed."""
    now = evaluate(client)["id"]
    for id, open_ in ((now, False), (before(service, now), True)):
        stored = service.stored(id)
        exchange = exchange_again(service.live, stored)
        assert exchange is not None
        sets = [exchange.value(fact) for fact in ("act.bars", "recipient.listed_on", "data.grades")]
        assert sets == [SetOf(frozenset(), open=each) for each in (open_, open_, False)]


def test_an_earlier_entry_of_the_register_swears_to_no_new_value(client: TestClient, service: Service) -> None:
    """A recipient that was on no list before there were more is asked about again; who writes it again has said so."""
    content = {"facts": {"country": "US", "kind": "other-company", "listed_on": []}}
    assert client.put("/v1/parties/buyer-1", json=content).json()["version"] == 1
    named = {"recipient__listed_on": None, "named": {"recipient": "buyer-1"}}
    assert evaluate(client, **named)["proceed"] is True
    with service.store.database.writing.begin() as connection:
        connection.execute(sa.update(entity).values(shape=1))
    sealed_again(service)
    answer = evaluate(client, **named)
    assert (answer["proceed"], [each["fact"] for each in answer["questions"]]) == (False, ["recipient.listed_on"])
    record = client.get(f"/v1/decisions/{answer['id']}").json()["record"]
    assert record["request"]["register"]["recipient.id"]["schema"] == "fifthfactor/exchange/1"
    assert client.put("/v1/parties/buyer-1", json=content).json()["version"] == 2
    assert client.put("/v1/parties/buyer-1", json=content).json()["version"] == 2
    assert evaluate(client, **named)["proceed"] is True


def test_a_changed_entry_decides_nothing_where_the_key_is_gone_too(client: TestClient, service: Service) -> None:
    """It is refused by its name, as with the key."""
    content = {"facts": {"country": "US", "kind": "other-company", "listed_on": []}}
    assert client.put("/v1/parties/buyer-2", json=content).json()["version"] == 1
    named = {"recipient__listed_on": None, "named": {"recipient": "buyer-2"}}
    assert evaluate(client, **named)["proceed"] is True
    key = log_key.key_file(Path(service.settings.database))
    key.rename(key.with_name("elsewhere"))
    with service.store.database.writing.begin() as connection:
        connection.execute(
            sa.update(entity)
            .where(entity.c.id == "buyer-2")
            .values(facts=sa.func.replace(entity.c.facts, "other-company", "hospital"))
        )
    assert evaluate(client, **named)["type"].endswith(":seal-broken")
    key.with_name("elsewhere").rename(key)
    sealed_again(service)


def test_an_earlier_record_is_replayed_by_what_decided_it(client: TestClient, service: Service) -> None:
    """Under other semantics whatever comes out now is no fault."""
    id = before(service, evaluate(client)["id"])
    replayed = client.get(f"/v1/decisions/{id}/replay").json()
    assert replayed.get("holds") is True, json.dumps(replayed)[:800]
