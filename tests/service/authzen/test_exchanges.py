"""Our own domain asked in AuthZEN: by the bundled vocabulary, a transfer is the exchange that its attributes state."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from starlette.testclient import TestClient

import engine
from service.authzen.mapping import MOST_IGNORED, AccessMapping
from service.authzen.requests import evaluation
from service.mappings.entity_store import KnownEntities
from service.problems import RequestRefused
from service.server.app import create_app
from service.service import Service
from service.settings import Settings
from service.telemetry import log_lines
from tests.service.authzen.conftest import Memory
from tests.service.conftest import Lines

URL = "/access/v1/evaluation"
TODAY = datetime(2026, 11, 24, 12, tzinfo=UTC)
# Permitted: the clauses of the zone cover it.
PERMITTED: dict[str, Any] = {
    "exporter": {
        "id": "e-1",
        "country": "AE",
        "sectors": ["commerce"],
        "kind": "company",
        "role": "controller",
        "targets": ["AE"],
        "zone": "AE-ADGM",
    },
    "recipient": {
        "id": "r-1",
        "country": "IN",
        "kind": "company",
        "listed_on": [],
        "relation": "unrelated",
        "role": "controller",
        "zone": "none",
    },
    "data": {
        "id": "d-1",
        "kind": "dataset",
        "categories": ["contact"],
        "collected_in": ["AE"],
        "stored_in": ["AE"],
        "people_in": ["AE"],
        "people": {"ordinary": 500, "sensitive": 0},
        "personal": True,
        "state": "identified",
        "controls": [],
        "grades": [],
    },
    "act": {"bars": [], "frequency": "repeated", "kind": "provide", "trigger": "own"},
    "purpose": {"is": ["service-provision"]},
    "evidence": {"ae-adgm-clauses": {"covers": True, "dated": "2026-10-01"}},
}
STORED: tuple[tuple[str, tuple[str, ...], dict[str, Any]], ...] = (
    ("party", ("clinic-7", "91310000MA1K35EX0Y"), {"country": "CN", "cn_ciio": False, "people_handled": 20_000}),
    ("party", ("lab-3", "lab@example.com"), {"country": "US"}),
    ("party", ("bureau-1",), {"country": "HK"}),
    ("asset", ("weather-1",), {"personal": False, "categories": ["weather"], "origin": ["CN"]}),
    ("asset", ("visits-2",), {"personal": True, "people": {"sensitive": 12_000}}),
    ("asset", ("visits-3",), {"people": {"sensitive": 12_000}}),
)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """An open service with the bundled policies."""
    database = tmp_path_factory.mktemp("exchanges") / "log.db"
    opened = Service.open(
        Settings(watch=False, database=str(database), mode="bitset"), say=log_lines.logger(Lines()), clock=lambda: TODAY
    )
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def client(service: Service) -> Iterator[TestClient]:
    """The application with the bundled policies and a few stored parties and data."""
    with TestClient(create_app(service.settings, service, Memory(STORED)), base_url="http://127.0.0.1:8080") as client:
        yield client


def transfer(subject: str, resource: str, context: dict[str, Any], **properties: Any) -> dict[str, Any]:
    """A request to transfer a data set."""
    return {
        "subject": {"type": "organization", "id": subject},
        "action": {"name": "transfer", "properties": properties},
        "resource": {"type": "dataset", "id": resource},
        "context": context,
    }


def recorded(client: TestClient, answer: Any) -> dict[str, Any]:
    """The exchange that was decided."""
    request: dict[str, Any] = client.get(f"/v1/decisions/{answer['context']['decision_id']}").json()["record"]["request"]
    return request


def as_request(exchange: dict[str, Any]) -> dict[str, Any]:
    """The access request that asks about an exchange whose exporter, recipient and data have ids."""
    sent = json.loads(json.dumps(exchange))
    exporter, recipient, data = sent.pop("exporter"), sent.pop("recipient"), sent.pop("data")
    purpose, safeguards = sent.pop("purpose", {}), sent.pop("safeguards", {})
    action = sent.pop("act", {})
    for name, fact in (("purpose", "is"), ("end_use", "end_use"), ("rights_risk", "rights_risk")):
        if fact in purpose:
            action[name] = purpose[fact]
    if "basis" in safeguards:
        action["legal_basis"] = safeguards.pop("basis")
    if "collected_in" in data:
        data["origin"] = data.pop("collected_in")
    action |= {"safeguards": safeguards} | {
        name: sent.pop(name) for name in ("evidence", "claims", "relies_on") if name in sent
    }
    more = {name: sent.pop(name) for name in ("rights", "terms") if name in sent}
    context = {"importer": {"id": recipient.pop("id"), "properties": recipient}}
    if "as_of" in sent:
        context["effective_at"] = sent.pop("as_of")
    if "counts" in sent:
        context["counts"] = sent.pop("counts")
    for group, fact, name in (("authorisation", "id", "authorisation"), ("promises", "overdue", "overdue_promises")):
        if group in sent:
            context[name] = sent.pop(group)[fact]
    assert sent == {}, "every group of facts has its place in a request"
    return {
        "subject": {"type": "organization", "id": exporter.pop("id"), "properties": exporter},
        "action": {"name": "transfer", "properties": action},
        "resource": {"type": "dataset", "id": data.pop("id"), "properties": data | more},
        "context": context,
    }


def test_every_test_exchange_can_be_asked_about(service: Service) -> None:
    """The access request that says what an exchange says is read as that exchange."""
    bundle = service.live.bundle
    assert bundle.vocabulary.authzen
    mapping = AccessMapping(bundle, bundle.vocabulary.authzen)
    asked = 0
    for trial in engine.trials(bundle, bundle, "cross-border"):
        exchange = json.loads(trial.raw)
        recipient = "e-1" if exchange.get("recipient", {}).get("relation") == "same-entity" else "r-1"
        for group, id in (("exporter", "e-1"), ("recipient", recipient), ("data", "d-1")):
            exchange[group] = {"id": id, **exchange.get(group, {})}
        exchange.pop("schema", None)
        read = mapping.exchange(evaluation(as_request(exchange)), KnownEntities(Memory(())), TODAY.date())
        same = engine.parse_exchange(bundle, json.dumps(exchange).encode())
        told = {fact: value for fact, value in read.values.items() if fact not in read.sources}  # less that the ids are unknown
        assert (told, read.as_of, read.relies_on) == (same.values, same.as_of, same.relies_on), trial.at
        asked += 1
    assert asked > 100


def test_every_fact_can_be_stated(service: Service) -> None:
    """No fact of the vocabulary is out of reach of an access request."""
    vocabulary = service.live.bundle.vocabulary
    text = vocabulary.authzen
    assert text
    parts = [
        *text.subjects.values(),
        *text.actions.values(),
        *text.resources.values(),
        text.context,
        *text.context.entities.values(),
    ]
    places = {place for part in parts for place in (part.under, *part.facts.values()) if place}
    for fact, entry in vocabulary.facts.items():
        if entry.register_only:
            continue  # nobody states it
        assert any(fact == place or fact.startswith(f"{place}.") for place in places), fact


def test_the_answer_is_that_of_the_exchange(client: TestClient, service: Service) -> None:
    """Outcome, sentence and duties are what the engine says of the exchange that is recorded."""
    seen = set()
    for asked in (
        as_request(PERMITTED),
        as_request({**PERMITTED, "evidence": {}}),
        as_request({**PERMITTED, "as_of": "2026-11-23"}),
        transfer("clinic-7", "visits-2", {"importer": "lab-3"}),
        transfer("clinic-7", "weather-1", {"importer": "lab-3"}, purpose=["research"]),
        transfer("bureau-1", "weather-1", {"importer": "bureau-1"}),
        transfer("bureau-1", "weather-1", {"importer": "bureau-1", "effective_at": "2025-01-01"}),
        transfer("nobody", "nothing", {}),
    ):
        answer = client.post(URL, json=asked).json()
        exchange = engine.accept_exchange(service.live.bundle, recorded(client, answer))
        day = exchange.as_of or TODAY.date()
        alone = service.live.pdp.decide(exchange, as_of=day, today=TODAY.date(), id="1").model_dump()
        assert (answer["decision"], answer["context"]["outcome"]) == (alone["proceed"], alone["outcome"])
        assert answer["context"]["reason_user"] == {"200" if alone["proceed"] else "403": alone["answer"]}
        arises = "exchange" if alone["proceed"] else "refusal"
        owed = [each["duty"] for each in alone["duties"] if each["arises"] == arises]
        assert [each["properties"]["duty"] for each in answer["context"].get("obligations", [])] == owed
        seen.add((answer["decision"], answer["context"]["outcome"]))
    assert {(True, "permitted"), (False, "permitted"), (False, "requirements_unmet"), (False, "undetermined")} <= seen


def test_parties_and_data_come_from_the_store(client: TestClient) -> None:
    """By any of their ids; the exchange states the first, and beside it what is known of each."""
    asked = transfer("91310000MA1K35EX0Y", "visits-2", {"importer": {"id": "lab@example.com"}}, frequency="repeated")
    answer = client.post(URL, json=asked)
    exchange = recorded(client, answer.json())
    assert exchange == {
        "exporter": {"id": "clinic-7"},
        "recipient": {"id": "lab-3"},
        "data": {"id": "visits-2"},
        "act": {"frequency": "repeated"},
        "register": {
            "exporter.id": {
                "kind": "party",
                "states": {"exporter": {"country": "CN", "cn_ciio": False, "people_handled": 20_000}},
            },
            "data.id": {"kind": "asset", "states": {"data": {"personal": True, "people": {"sensitive": 12_000}}}},
            "recipient.id": {"kind": "party", "states": {"recipient": {"country": "US"}}},
        },
    }


def test_the_store_is_asked_of_the_day_whose_law_counts(client: TestClient) -> None:
    """What is said of an entity is what was said of it on that day."""
    for day, known in (("2024-01-01", True), ("2023-12-31", False)):
        asked = transfer("91310000MA1K35EX0Y", "visits-2", {"importer": "lab-3", "effective_at": day})
        exchange = recorded(client, client.post(URL, json=asked).json())
        assert exchange["as_of"] == day
        assert exchange["exporter"]["id"] == ("clinic-7" if known else "91310000MA1K35EX0Y")
        lab = exchange["register"]["recipient.id"]
        assert (
            lab == {"kind": "party", "states": {"recipient": {"country": "US"}}} if known else {"kind": "party", "known": False}
        )


def test_what_the_store_says_counts_here_too(client: TestClient, service: Service) -> None:
    """What is sent otherwise is open between both; what is not sent is filled in."""
    asked = transfer("clinic-7", "visits-2", {"importer": "lab-3", "destination": "SG"})
    asked["resource"]["properties"] = {"people": {"ordinary": 5}}
    asked["subject"]["properties"] = {"cn_ciio": True}
    answer = client.post(URL, json=asked).json()
    exchange = engine.accept_exchange(service.live.bundle, recorded(client, answer))
    assert exchange.disputed == ("exporter.cn_ciio", "recipient.country")
    assert exchange.value("data.people.sensitive") == engine.Range(12_000, 12_000)  # type: ignore[arg-type]
    assert "stated otherwise than registered: " in answer["context"]["reason_admin"]["403"]


def test_an_id_that_an_attribute_states_is_looked_up(service: Service) -> None:
    """As if the entity were named in its own place."""
    text = service.live.bundle.vocabulary.authzen
    assert text is not None
    context = text.context.model_copy(update={"facts": {**text.context.facts, "receiver": "recipient.id"}})
    mapping = AccessMapping(service.live.bundle, text.model_copy(update={"context": context}))
    asked = evaluation(transfer("e-1", "d-1", {"receiver": "lab-3"}))
    found = mapping.exchange(asked, KnownEntities(Memory(STORED)), TODAY.date())
    assert found.value("recipient.country") == "US"


def test_a_request_that_contradicts_itself_is_refused(client: TestClient) -> None:
    """Two attributes that state one fact must agree."""
    importer = {"id": "r-1", "properties": {"country": "US"}}
    for destination, status in (("SG", 400), ("US", 200)):
        asked = transfer("clinic-7", "visits-2", {"importer": importer, "destination": destination})
        assert client.post(URL, json=asked).status_code == status


def test_what_cannot_be_true_together_is_refused_at_each_place(client: TestClient) -> None:
    """What was sent, at its place; what is stored has none in the request and is never passed over for what was sent."""
    asked = transfer("clinic-7", "d-1", {"importer": {"id": "clinic-7", "properties": {"relation": "unrelated"}}})
    answer = client.post(URL, json=asked)
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:fifthfactor:problem:access-refused")
    pointers = ["/subject/id", "/context/importer/id", "/context/importer/properties/relation"]
    assert [(each["pointer"], each["code"]) for each in answer.json()["errors"]] == [(p, "incoherent") for p in pointers]
    # Data of which the register counts 12,000 people are said to be about nobody.
    asked = transfer("clinic-7", "visits-3", {"importer": "lab-3"})
    asked["resource"]["properties"] = {"personal": False}
    told = client.post(URL, json=asked).json()["errors"]
    assert [each["pointer"] for each in told] == ["/resource/properties/personal", ""]
    assert {each["code"] for each in told} == {"incoherent"}
    assert {each["detail"] for each in told} == {"cannot be true together with what the register states"}
    # What the register states otherwise is disputed, and what is disputed contradicts nothing.
    asked["resource"]["id"] = "visits-2"
    assert client.post(URL, json=asked).json()["decision"] is False


def test_only_the_item_that_cannot_be_true_is_refused(client: TestClient) -> None:
    """The others are decided, and a search passes over the candidates that contradict it."""
    resources = [
        {"type": "dataset", "id": "visits-3"},
        {"type": "dataset", "id": "visits-3", "properties": {"personal": False}},
        {"type": "dataset", "id": "weather-1", "properties": {"personal": False}},
    ]
    asked = {
        "subject": {"type": "organization", "id": "bureau-1"},
        "action": {"name": "transfer"},
        "context": {"importer": "bureau-1"},
        "evaluations": [{"resource": resource} for resource in resources],
    }
    answers = client.post("/access/v1/evaluations", json=asked).json()["evaluations"]
    errors = [answer.get("context", {}).get("error", {}).get("status") for answer in answers]
    assert errors == [None, 400, None]
    search = {
        **transfer("bureau-1", "", {"importer": "bureau-1"}),
        "resource": {"type": "dataset", "properties": {"personal": False}},
    }
    answer = client.post("/access/v1/search/resource", json=search)
    assert answer.status_code == 200, answer.text
    assert "visits-3" not in [each["id"] for each in answer.json()["results"]]
    search["context"] = {"importer": {"id": "bureau-1", "properties": {"relation": "unrelated"}}}
    assert client.post("/access/v1/search/resource", json=search).status_code == 400


@pytest.mark.parametrize(
    "importer",
    [5, True, None, [], "", {"id": 5}, {"id": ""}, {"id": "r-1", "properties": []}, {"properties": None}, {"id": None}],
)
def test_an_importer_is_an_entity(client: TestClient, importer: Any) -> None:
    """Its id, or an object with an id or properties."""
    answer = client.post(URL, json=transfer("clinic-7", "visits-2", {"importer": importer}))
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/context/importer")


def test_a_group_is_an_object(client: TestClient) -> None:
    """And the pointer leads to what is none."""
    for evidence, pointer in (
        ("all", "/action/properties/evidence"),
        ({"cn-standard-contract": {"dated": "soon"}}, "/action/properties/evidence"),
    ):
        answer = client.post(URL, json=transfer("clinic-7", "visits-2", {}, evidence=evidence))
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, pointer)


def test_nothing_but_transfers_is_permitted(client: TestClient) -> None:
    """Whatever is stated."""
    asked = transfer("clinic-7", "weather-1", {"importer": "clinic-7"})
    asked["action"]["name"] = "delete"
    assert client.post(URL, json=asked).json()["decision"] is False


def test_searches_go_over_parties_and_data(client: TestClient) -> None:
    """They agree with evaluations."""
    asked = transfer("bureau-1", "weather-1", {"importer": "bureau-1"})
    permitted = {
        id
        for id in ("bureau-1", "clinic-7", "lab-3")
        if client.post(URL, json={**asked, "subject": {"type": "organization", "id": id}}).json()["decision"]
    }
    answer = client.post("/access/v1/search/subject", json=asked).json()
    assert {each["id"] for each in answer["results"]} == permitted
    del asked["action"]
    names = client.post("/access/v1/search/action", json=asked).json()["results"]
    assert names == ([{"name": "transfer"}] if "bureau-1" in permitted else [])


def test_a_property_that_may_mean_a_fact_is_refused(client: TestClient) -> None:
    """A misspelt end use or category would state nothing, and what depends on it would be decided without it."""
    asked = transfer("e-1", "d-1", {}, enduse=["military"])
    asked["subject"]["properties"] = {"Contry": "CN"}
    asked["resource"]["properties"] = {"category": ["health"], "shoe": 7}
    answer = client.post(URL, json=asked)
    told = {each["pointer"]: (each["code"], each["detail"]) for each in answer.json()["errors"]}
    assert (answer.status_code, {code for code, _ in told.values()}) == (400, {"unknown-fact"})
    assert "`purpose.end_use`, which `/action/properties/end_use` states" in told.pop("/action/properties/enduse")[1]
    assert "`data.categories`, which `/resource/properties/categories` states" in told.pop("/resource/properties/category")[1]
    assert "`exporter.country`, which `/subject/properties/country` states" in told.pop("/subject/properties/Contry")[1]
    assert not told
    several = {**transfer("e-1", "d-1", {}), "evaluations": [{"action": {"name": "transfer", "properties": {"enduse": 1}}}, {}]}
    first, second = client.post("/access/v1/evaluations", json=several).json()["evaluations"]
    assert (first["decision"], first["context"]["error"]["status"], "error" in second.get("context", {})) == (False, 400, False)


def test_what_else_states_nothing_is_named_in_the_answer(client: TestClient) -> None:
    """In the context, even where it may mean a fact, and a property that means none; what is read is not named."""
    context = {
        "importer": {"id": "r-1", "properties": {"shoe": 7}},
        "enduse": ["x"],
        "a/b": 1,
        "supported_obligations": ["custom"],
    }
    asked = transfer("e-1", "d-1", context, purpose=["research"])
    asked["resource"]["properties"] = {"shoe": 7, "personal": True}
    told = client.post(URL, json=asked).json()["context"]
    pointers = ["/resource/properties/shoe", "/context/enduse", "/context/a~1b", "/context/importer/properties/shoe"]
    assert told["ignored"] == pointers
    asked = transfer("e-1", "d-1", {f"x{number}": 1 for number in range(100)} | {"y" * 5000: 1}, purpose=["research"])
    told = client.post(URL, json=asked).json()["context"]
    assert len(told["ignored"]) == MOST_IGNORED
    assert "ignored" not in client.post(URL, json=transfer("e-1", "d-1", {}, purpose=["research"])).json()["context"]


def test_a_family_with_a_member_that_there_is_not_is_refused(client: TestClient) -> None:
    """Passed over it would be zero, for `rest` says that there are no others."""
    asked = transfer("e-1", "d-1", {})
    asked["resource"]["properties"] = {"people": {"ordinary": 500, "sensitve": 12_000, "rest": 0}}
    answer = client.post(URL, json=asked)
    assert answer.status_code == 400
    assert [each["pointer"] for each in answer.json()["errors"]] == ["/resource/properties/people"]


@pytest.mark.parametrize("people", [{"sensitve": 12_000, "rest": 0}, {"sensitive": -1, "rest": 0}])
def test_a_stored_family_counts_whole_or_not_at_all(service: Service, people: Any) -> None:
    """A member that does not fit is not zero because the others are closed."""
    stored = (("asset", ("d-1",), {"personal": True, "people": people}),)
    text = service.live.bundle.vocabulary.authzen
    assert text is not None
    mapping = AccessMapping(service.live.bundle, text)
    found = mapping.exchange(evaluation(transfer("e-1", "d-1", {})), KnownEntities(Memory(stored)), TODAY.date())
    assert found.document["register"]["data.id"]["states"] == {"data": {"personal": True}}
    assert "data.people.sensitive" not in found.values


@pytest.mark.parametrize("stored", [{"personal": "perhaps"}, {"people": 5}, {"people": {"sensitve": 1, "rest": 0}}])
def test_an_attribute_cannot_take_the_place_of_what_the_store_does_not_say_usably(service: Service, stored: Any) -> None:
    """Nobody can compare the two; a document that is presented counts as presented."""
    text = service.live.bundle.vocabulary.authzen
    assert text is not None
    mapping = AccessMapping(service.live.bundle, text)
    known = KnownEntities(Memory((("asset", ("d-1",), {**stored, "evidence": {"cn-standard-contract": "soon"}}),)))
    asked = transfer("e-1", "d-1", {}, evidence={"cn-standard-contract": {"dated": "2026-10-01"}})
    found = mapping.exchange(evaluation(asked), known, TODAY.date())
    assert found.value("evidence.cn-standard-contract.dated") == date(2026, 10, 1)
    asked["resource"]["properties"] = {"personal": True, "people": {"rest": 0}}
    with pytest.raises(RequestRefused) as refused:
        mapping.exchange(evaluation(asked), known, TODAY.date())
    (place,) = refused.value.errors or ()
    assert (place.code, place.pointer) == ("register-unusable", f"/resource/properties/{next(iter(stored))}")


def test_conditions_of_two_stored_entities_are_added_up(service: Service) -> None:
    """Where two of a request brought conditions, neither's are lost to the other's."""
    text = service.live.bundle.vocabulary.authzen
    assert text is not None
    copied = text.resources["dataset"].model_copy(update={"entity": "asset", "id": None, "under": None})
    context = text.context.model_copy(update={"entities": {**text.context.entities, "source": copied}})
    mapping = AccessMapping(service.live.bundle, text.model_copy(update={"context": context}))
    first, second = ({"provision": "cn.data-twenty/operation-right", "from": f"decision {number}"} for number in (1, 2))
    stored = (("asset", ("d-1",), {"carried": [first]}), ("asset", ("d-2",), {"carried": [second]}))
    found = mapping.exchange(evaluation(transfer("e-1", "d-1", {"source": "d-2"})), KnownEntities(Memory(stored)), TODAY.date())
    assert found.document["carried"] == [first, second]


def test_a_fact_that_has_another_name_is_stored_under_its_own(service: Service) -> None:
    """The register knows `data.collected_in` and no `origin`; what is sent by the other name is compared with it."""
    text = service.live.bundle.vocabulary.authzen
    assert text is not None
    mapping = AccessMapping(service.live.bundle, text)
    known = KnownEntities(Memory((("asset", ("d-1",), {"collected_in": ["CN"]}),)))
    asked = transfer("e-1", "d-1", {})
    for properties, disputed in (({}, ()), ({"origin": ["CN"]}, ()), ({"origin": ["AE"]}, ("data.collected_in",))):
        asked["resource"]["properties"] = properties
        assert mapping.exchange(evaluation(asked), known, TODAY.date()).disputed == disputed


def test_an_error_proposes_the_right_word(client: TestClient) -> None:
    """A value by what people call it, a property that people call so, and an action that is not there: each is told what there is."""
    asked = transfer("clinic-7", "visits-2", {})
    asked["subject"]["properties"] = {"industry": "hospital"}
    answer = client.post(URL, json=asked)
    [wrong] = answer.json()["errors"]
    assert (answer.status_code, wrong["pointer"]) == (400, "/subject/properties/industry")
    assert "did you mean `exporter.sectors`, which `/subject/properties/sectors` states" in wrong["detail"]
    asked["subject"]["properties"], asked["resource"]["properties"] = {}, {"nationalities": ["France"]}
    [wrong] = client.post(URL, json=asked).json()["errors"]
    assert wrong["pointer"] == "/resource/properties/nationalities"
    assert "did you mean `FR` (France)?" in wrong["detail"]
    asked["action"]["name"], asked["resource"]["properties"] = "transfers", {}
    told = client.post(URL, json=asked).json()
    assert told["decision"] is False
    assert "did you mean `transfer`?" in json.dumps(told)
