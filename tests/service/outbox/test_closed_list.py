"""What stands in an event: the closed list, and of everything else only what a reader asks for by name and what was not erased."""

import asyncio
import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from starlette.testclient import TestClient

import engine
from service.outbox.event_choice import EventChoice
from service.outbox.event_members import ALWAYS, ON_REQUEST
from service.outbox.log_reader import LogReader
from service.outbox.sink_settings import FilesSettings
from service.outbox.stream_event import StreamEvent
from service.server.app import create_app
from service.service import Service
from service.settings import Settings
from service.store.tables import entry
from tests.service.conftest import BOTH_DATABASES
from tests.service.outbox.test_delivery import settings
from tests.service.watch.test_week import CERTIFICATE, CONTRACT, Desk, erased
from tests.service.watch.test_week import opened as opened  # a fixture

CANARY = "canary"
NUMBER = 7_654_321
SHOWN = "ca9a" * 16  # looked for as a whole: four digits of it turn up in other digests


def read(service: Service, *members: str) -> list[StreamEvent]:
    """All events, with some members."""
    with service.store.database.reading.connect() as connection:
        return list(LogReader().read(connection, 0, 10_000, EventChoice(members=members)).events)


def written(events: list[StreamEvent]) -> str:
    """All events as they are sent."""
    return json.dumps([each.cloud_event("urn:log") for each in events], ensure_ascii=False)


@pytest.fixture
def bundled(database: str) -> Iterator[TestClient]:
    """A service with the policies that come with it."""
    given = Settings(database=database, mode="bitset", watch=False, watch_commitments=False)
    with TestClient(create_app(given), base_url="http://127.0.0.1:8080") as client:
        yield client


def put_everywhere(vocabulary: Any) -> dict[str, Any]:
    """An exchange with a canary in each place that takes a text of one's own, and a number that is nobody else's."""
    exchange: dict[str, Any] = {}
    for number, fact in enumerate(vocabulary.facts.values()):
        if fact.register_only or fact.name.startswith(("counts.", "ledger.", "promises.")):
            continue
        if fact.type.kind == "id":
            text = f"{CANARY}-{number}"
            exchange = engine.with_fact_set(exchange, fact.name, [text] if fact.type.many else text)
    for document in ("cn-standard-contract", "eu-clauses"):
        attested = {"dated": "2024-05-01", "covers": True, "attested_by": f"{CANARY} and sons, notaries"}
        exchange.setdefault("evidence", {})[document] = attested
    exchange["exporter"]["country"], exchange["recipient"]["country"] = "CN", "US"
    exchange["data"] |= {"personal": True, "people": {"ordinary": NUMBER}}
    return exchange


def test_no_event_of_a_decision_has_a_text_or_a_number_of_the_exchange(bundled: TestClient) -> None:
    """With the bundled policies and a canary in every free place; the record has them all, so they were taken."""
    service: Service = bundled.app.state.service  # type: ignore[attr-defined]
    exchange = put_everywhere(service.live.bundle.vocabulary)
    while True:  # whatever the checks of the exchange refuse is left out
        answer = bundled.post("/v1/evaluate", json=exchange)
        if answer.status_code == 200:
            break
        for error in answer.json()["errors"]:
            step, *rest = error["pointer"].strip("/").split("/")
            holder = exchange
            for each in rest:
                holder, step = holder[step], each
            holder.pop(step, None)
    record = bundled.get(f"/v1/decisions/{answer.json()['id']}").text
    assert record.count(f'"{CANARY}') >= 10
    assert str(NUMBER) in record
    (event,) = [each for each in read(service) if each.kind == "decision"]
    assert tuple(event.data) == ALWAYS["decision"]
    assert CANARY not in written([event])
    assert str(NUMBER) not in written([event])
    assert event.key is not None
    with_parties = read(
        service, "exporter", "recipient", "exchange.data.people.ordinary", "exchange.data.id", "exchange.no.fact"
    )
    assert with_parties[0].data["exporter"] == exchange["exporter"]["id"]
    assert with_parties[0].data["recipient"] == exchange["recipient"]["id"]
    assert with_parties[0].data["facts"] == {
        "exchange.data.people.ordinary": NUMBER,
        "exchange.data.id": exchange["data"]["id"],
    }
    assert "exchange" in read(service, "exchange")[0].data
    assert read(service, "answer")[0].data["answer"]["outcome"] == event.data["outcome"]


@BOTH_DATABASES
def test_no_event_of_a_commitment_or_of_the_watch_has_a_free_text(opened: Any) -> None:
    """References, reasons, evidence, names of keys and persons; each only for who asks for it by name."""
    desk: Desk = opened(watch_days=0)
    shown = {
        each: {**of, "attested_by": f"{CANARY} notary"} for each, of in (("certificate", CERTIFICATE), ("contract", CONTRACT))
    }
    id = desk.commit(f"{CANARY}-exporter", data__kind="certified", data__people=NUMBER, evidence=shown)
    stage = {"stage": "signed", "on": desk.now[0].date().isoformat(), "evidence": SHOWN}
    desk.post(f"/v1/commitments/{id}/stages", stage)
    desk.post(f"/v1/commitments/{id}/references", {"references": [{"kind": "order", "number": f"{CANARY}-order"}]})
    desk.round(date(2027, 3, 2))
    other = desk.commit(f"{CANARY}-other")
    desk.post(f"/v1/commitments/{other}/withdraw", {"reason": f"{CANARY} fell ill"})
    plain = read(desk.service)
    assert {each.kind for each in plain} == {"decision", "commitment", "watch"}
    for each in plain:
        assert set(each.data) <= set(ALWAYS[each.kind]), each
    for secret in (CANARY, str(NUMBER), SHOWN, '"local"'):
        assert secret not in written(plain)
    asked = read(desk.service, *ON_REQUEST)
    (withdrawn,) = [each for each in asked if each.data.get("event") == "withdrawn"]
    assert (withdrawn.data["reason"], withdrawn.data["caller"]) == (f"{CANARY} fell ill", "local")
    (signed,) = [each for each in asked if each.data.get("event") == "signed"]
    assert signed.data["evidence"] == SHOWN
    (told,) = [each for each in asked if each.kind == "watch"]
    assert "because" in told.data or "changes" in told.data
    assert [each.sequence for each in asked] == [each.sequence for each in plain]


def test_a_group_of_facts_is_not_a_value_and_gives_away_none_of_them(bundled: TestClient) -> None:
    """Whoever names a group or a document names no id and no person in it; a value that is a range, or a list, is one value."""
    service: Service = bundled.app.state.service  # type: ignore[attr-defined]
    attested = {"dated": "2024-05-01", "covers": True, "attested_by": f"{CANARY}, notary"}
    exchange = {
        "exporter": {"id": f"{CANARY}-1", "country": "CN", "targets": ["CN"]},
        "terms": {"parties": {"provider": [f"{CANARY}-2"]}},
        "data": {"people": {"ordinary": {"at_least": 5, "at_most": 9}}},
        "evidence": {"cn-standard-contract": attested},
    }
    answer = bundled.post("/v1/evaluate", json=exchange)
    assert answer.status_code == 200, answer.text
    of_groups = EventChoice(members=("exchange.exporter", "exchange.terms.parties", "exchange.evidence.cn-standard-contract"))
    of_values = EventChoice(
        members=("exchange.exporter.targets", "exchange.data.people.ordinary", "exchange.evidence.cn-standard-contract.dated")
    )
    with service.store.database.reading.connect() as connection:
        groups, values = (LogReader().read(connection, 0, 10, each).events for each in (of_groups, of_values))
    assert CANARY not in written(list(groups))
    assert values[0].data["facts"] == {
        "exchange.exporter.targets": ["CN"],
        "exchange.data.people.ordinary": {"at_least": 5, "at_most": 9},
        "exchange.evidence.cn-standard-contract.dated": "2024-05-01",
    }


@BOTH_DATABASES
def test_what_was_erased_is_in_no_later_reading(opened: Any) -> None:
    """Nor is the key, which is made of the exporter's id; whoever asked for all members by name gets the rest."""
    desk: Desk = opened(watch_days=0)
    first = desk.post(
        "/v1/evaluate", {"exporter": {"id": f"{CANARY}-one", "country": "CN"}, "recipient": {"id": f"{CANARY}-two"}}
    )
    asked = read(desk.service, *ON_REQUEST, "exchange.exporter.id", "exchange.exporter.country")
    assert CANARY in written(asked)
    assert asked[0].key is not None
    erased(desk, first["id"])
    later = read(desk.service, *ON_REQUEST, "exchange.exporter.id", "exchange.exporter.country")
    assert CANARY not in written(later)
    assert later[0].key is None
    assert later[0].data["facts"] == {"exchange.exporter.country": "CN"}
    assert later[0].id == first["id"]


@BOTH_DATABASES
def test_the_key_of_a_commitment_is_erased_with_its_record(opened: Any) -> None:
    """Of all that happened to it and that the watch told; another commitment of the exporter keeps it."""
    desk: Desk = opened(watch_days=0)
    shown = {"certificate": CERTIFICATE, "contract": CONTRACT}
    id = desk.commit(f"{CANARY}-exporter", data__kind="certified", evidence=shown)
    other = desk.commit(f"{CANARY}-exporter")
    desk.post(f"/v1/commitments/{id}/stages", {"stage": "signed", "on": desk.now[0].date().isoformat()})
    desk.round(date(2027, 3, 2))
    before = [each for each in read(desk.service) if each.kind != "decision"]
    assert {each.kind for each in before} == {"commitment", "watch"}
    assert all(each.key for each in before)
    for of in ("decision", "evaluation"):
        erased(desk, next(each.data[of] for each in before if each.subject == id and each.kind == "commitment"))
    for each in read(desk.service):
        if each.kind != "decision":
            assert (each.key is None) == (each.subject == id), each
    assert other in {each.subject for each in before}


@BOTH_DATABASES
def test_a_record_that_the_index_has_not_taken_in_is_the_same_event(service: Service, evaluate: Any) -> None:
    """As while the index is made anew: what it would say is found from the leaf and what was not erased."""
    evaluate()
    before = read(service, "exporter", "recipient")
    assert before[0].data["exporter"] == "practice-of-dr-li-na"
    asyncio.run(service.store.do(lambda transaction: transaction.execute(entry.delete()).rowcount))
    assert read(service, "exporter", "recipient") == before


def test_a_sink_asks_for_members_by_their_names() -> None:
    """A name that is none is refused, so that nobody asks for all."""
    assert settings(members=["exporter", "exchange.data.id"]).members == ("exporter", "exchange.data.id")
    for wrong in ("*", "all", "exchange.*", "exchange.", "exchange.exporter", "exchange.register", "Exporter", "facts"):
        with pytest.raises(ValueError, match="there is no member"):
            FilesSettings.model_validate({"name": "a", "kind": "files", "folder": "f", "members": [wrong]})
