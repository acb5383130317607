"""Exchanges that name parties and data by id: what is filled in, what beats what, what is refused, and what the record keeps."""

import json
from datetime import UTC, datetime, timedelta

import pytest

import engine
from service.policies.live import Live
from service.service import Service
from tests.service.conftest import POLICIES as OTHER_POLICIES
from tests.service.register.conftest import CONTRACT

NAMED = {"exporter": "clinic-7", "recipient": "lab-2", "data": "asset-9"}


@pytest.fixture
def filled(put):
    """A register with a clinic, a laboratory and a data asset."""
    put("parties/clinic-7", aliases=["c7"], facts={"country": "CN", "operator": False})
    put("parties/lab-2", facts={"country": "US", "lists": ["red"]}, evidence={"cn-standard-contract": CONTRACT})
    put("assets/asset-9", facts={"data": {"people": {"ordinary": 0, "sensitive": 12000}}, "terms": {"value": "5 CNY"}})


def test_the_record_has_the_facts_as_used_and_the_versions_they_are_from(filled, put, decide):
    """The request is an exchange like any other, and is decided as that."""
    put("parties/clinic-7", aliases=["c7"], facts={"country": "CN", "operator": True})
    kept = decide(as_of="2024-06-01", named={**NAMED, "exporter": "c7"})["record"]
    assert kept["schema"] == "fifthfactor/record/2"
    assert kept["register"] == {"exporter": {"version": 2}, "recipient": {"version": 1}, "data": {"version": 1}}
    assert kept["request"] == {
        "as_of": "2024-06-01",
        "exporter": {"id": "clinic-7", "country": "CN", "operator": True},
        "recipient": {"id": "lab-2", "country": "US", "lists": ["red"]},
        "data": {"id": "asset-9", "people": {"ordinary": 0, "sensitive": 12000}},
        "terms": {"value": "5 CNY"},
        "evidence": {"cn-standard-contract": CONTRACT},
    }
    assert kept["decision"]["outcome"] == "permitted"
    again = decide(**kept["request"])["record"]
    assert again["schema"] == "fifthfactor/record/1"
    assert "register" not in again
    for record in (kept, again):
        del record["decision"]["id"]
    assert again["decision"] == kept["decision"]


def test_ids_are_personal_in_the_leaf(filled, client, service: Service):
    """Neither an id nor who attested a document stands in it in clear."""
    id = client.post("/v1/evaluate", json={"named": NAMED}).json()["id"]
    stored = service.store.read(id)
    assert stored is not None
    leaf = stored.entry.leaf
    for word in (b"clinic-7", b"lab-2", b"Wang Fang"):
        assert word not in leaf
    assert b'"register":{"data":{"version":1},"exporter":{"version":1},"recipient":{"version":1}}' in leaf


def test_what_is_sent_beats_the_register(filled, decide):
    """Fact by fact; a family of facts and a document are said as one."""
    request = decide(
        named=NAMED,
        exporter={"operator": "unknown"},
        data={"people": {"sensitive": 5}},
        evidence={"cn-standard-contract": {"dated": "2024-05-02"}, "report": "none"},
    )["record"]["request"]
    assert request["exporter"] == {"id": "clinic-7", "country": "CN", "operator": "unknown"}
    assert request["data"] == {"id": "asset-9", "people": {"sensitive": 5}}
    assert request["evidence"] == {"cn-standard-contract": {"dated": "2024-05-02"}, "report": "none"}


def test_what_is_sent_cannot_contradict_what_the_register_fills_in(filled, client):
    """The exchange as filled is refused, at the name and at what was sent, in the caller's language; of a batch only that one."""
    for exporter, status in (({"operator": True, "country": "KE"}, 400), ({"operator": True}, 200)):
        answer = client.post("/v1/evaluate", json={"named": {"exporter": "clinic-7"}, "exporter": exporter})
        assert answer.status_code == status
    sent = {"named": {"recipient": "lab-2"}, "recipient": {"share": "0.95"}}
    said = {"en": "nobody else holds a listed recipient", "zh": "列入清单的接收方不由他人持有"}
    for lang in ("en", "zh"):
        answer = client.post(f"/v1/evaluate?lang={lang}", json=sent)
        assert answer.status_code == 400
        places = {each["pointer"]: each for each in answer.json()["errors"]}
        assert {each["code"] for each in places.values()} == {"incoherent"}
        assert places.keys() == {"/named/recipient", "/recipient/share"}
        assert places["/recipient/share"]["detail"] == said[lang]
        assert places["/named/recipient"]["detail"].endswith(said[lang])
    told = client.post("/v1/evaluate", json=sent).json()["errors"]
    assert told[0]["detail"] == "the register states `recipient.lists` of `lab-2`: nobody else holds a listed recipient"
    batch = client.post("/v1/evaluate/batch?lang=zh", json={"exchanges": [{"exporter": {"country": "KE"}}, sent]}).json()
    assert [list(each) for each in batch["results"]] == [["decision"], ["problem"]]
    assert batch["results"][1]["problem"]["errors"][1]["detail"] == said["zh"]


def test_a_party_says_in_a_role_what_the_role_has(put, decide):
    """Facts of the other role are passed over."""
    put("parties/group", facts={"country": "CN", "operator": True, "lists": []})
    request = decide(named={"exporter": "group", "recipient": "group"})["record"]["request"]
    assert request["exporter"] == {"id": "group", "country": "CN", "operator": True}
    assert request["recipient"] == {"id": "group", "country": "CN", "lists": []}


def test_names_that_lead_nowhere_are_refused_where_they_stand(filled, put, client, refused):
    """With the reason: nobody, withdrawn, not yet valid, expired."""
    put("parties/gone", facts={"country": "CN"})
    client.delete("/v1/parties/gone")
    put("parties/new", valid_from="2025-01-01")
    put("parties/old", valid_until="2023-12-31")
    sent = {"as_of": "2024-06-01"}
    assert refused(named={"exporter": "nobody", "data": "clinic-7"}) == [
        ("/named/exporter", "unknown-entity"),
        ("/named/data", "unknown-entity"),
    ]
    for name, code in (("gone", "entity-withdrawn"), ("new", "entity-not-yet-valid"), ("old", "entity-expired")):
        assert refused(**sent, named={"recipient": name}) == [("/named/recipient", code)]
    assert refused(named={"sender": "clinic-7", "exporter": 7, "recipient": "a/b"}) == [
        ("/named/sender", "unknown-key"),
        ("/named/exporter", "wrong-type"),
        ("/named/recipient", "unknown-entity"),
    ]
    assert refused(named="clinic-7") == [("/named", "wrong-type")]
    assert refused(named={"exporter": "clinic-7"}, exporter="CN") == [("/exporter", "wrong-type")]
    assert refused(named={"exporter": "clinic-7"}, as_of="2024-W12-5") == [("/as_of", "wrong-value")]


def test_the_day_of_the_exchange_says_which_version_counts(put, decide):
    """Both ends count; without a day, today does."""
    put("parties/lab", valid_from="2024-01-01", facts={"country": "US"})
    put("parties/lab", valid_from="2025-01-01", valid_until="2025-12-31", facts={"country": "KE"})
    for day, country in (("2024-12-31", "US"), ("2025-01-01", "KE"), ("2025-12-31", "KE")):
        record = decide(as_of=day, named={"recipient": "lab"})["record"]
        assert record["request"]["recipient"]["country"] == country
    today = datetime.now(UTC).date()
    put("parties/now", valid_from=str(today - timedelta(1)), valid_until=str(today + timedelta(1)), facts={"country": "KE"})
    assert decide(named={"recipient": "now"})["record"]["request"]["recipient"]["country"] == "KE"


def test_somebody_else_cannot_stand_beside_a_name(filled, refused, decide):
    """A body whose id is another's contradicts itself; the same one, or an alias of it, may stand there."""
    assert refused(named={"exporter": "clinic-7"}, exporter={"id": "clinic-8"}) == [("/exporter/id", "other-entity")]
    assert decide(named={"exporter": "c7"}, exporter={"id": "c7"})["record"]["request"]["exporter"]["id"] == "clinic-7"


def test_two_documents_of_a_kind_are_not_chosen_from(filled, put, refused, decide):
    """Who sends the one that counts has it; two that are equal are one."""
    put("assets/asset-9", facts={}, evidence={"cn-standard-contract": {**CONTRACT, "covers": False}})
    assert refused(named=NAMED) == [("/named/data", "two-documents")]
    sent = {"cn-standard-contract": {**CONTRACT, "covers": "unknown"}}
    assert decide(named=NAMED, evidence=sent)["record"]["request"]["evidence"] == sent
    put("assets/asset-9", facts={}, evidence={"cn-standard-contract": CONTRACT})
    assert decide(named=NAMED)["record"]["request"]["evidence"] == {"cn-standard-contract": CONTRACT}


def test_what_travels_with_an_asset_decides(put, decide, refused):
    """A condition of an earlier exchange binds the next one, and stays in the request that is recorded."""
    put("assets/asset-9", facts={}, travels=[{"provision": "cn.test/art-2", "from": "decision 1"}])
    sent = {"exporter": {"country": "CN"}, "data": {"people": {"rest": 0}}}
    kept = decide(named={"data": "asset-9"}, **sent, recipient={"country": "KE"})["record"]
    assert (kept["decision"]["outcome"], kept["decision"]["carried"][0]["state"]) == ("prohibited", "violated")
    assert kept["request"]["carried"] == [{"provision": "cn.test/art-2", "from": "decision 1"}]
    del sent["data"]
    own = [{"provision": "cn.test/art-2", "from": "contract 5"}, {"provision": "cn.test/art-2", "from": "decision 1"}]
    kept = decide(named={"data": "asset-9"}, **sent, carried=own, recipient={"country": "US"})["record"]
    assert kept["request"]["carried"] == own
    assert [each["state"] for each in kept["decision"]["carried"]] == ["met", "met"]
    kept = decide(named={"data": "asset-9"}, **sent, carried=[], recipient={"country": "KE"})["record"]
    assert kept["decision"]["outcome"] == "prohibited"
    assert refused(named={"data": "asset-9"}, carried="none") == [("/carried", "wrong-value")]


def test_what_the_vocabulary_no_longer_has_refuses_the_exchange(filled, service: Service, refused):
    """A fact, a value, a document or a condition that went since; never left out in silence."""
    service.policies.live = Live.of(engine.load(OTHER_POLICIES), "checked")
    assert refused(named={"exporter": "clinic-7"}) == [("/named/exporter", "unknown-fact")]
    assert refused(named={"data": "asset-9"}) == [("/named/data", "unknown-fact")]


def test_a_value_that_went_from_the_vocabulary_refuses_the_exchange(put, service: Service, refused):
    """At the name that brought it, unless the body says something else in its place."""
    put("parties/lab", facts={"country": "US"})
    put("assets/a", travels=[{"provision": "cn.test/art-2", "from": "x"}])
    put("assets/b", claims={"necessity": "none"})
    sources = dict(service.live.bundle.sources)
    vocabulary = next(name for name in sources if name.endswith("vocabulary.yaml"))
    sources[vocabulary] = sources[vocabulary].replace(b"      US: United States\n", b"").replace(b"necessity", b"something")
    rules = next(name for name in sources if name.endswith("rules.yaml"))
    sources[rules] = sources[rules].partition(b"    travels:")[0]
    service.policies.live = Live.of(engine.load_sources(sources), "checked")
    assert refused(named={"recipient": "lab"}) == [("/named/recipient", "wrong-value")]
    assert refused(named={"recipient": "lab"}, recipient={"country": "XX"}) == [("/recipient/country", "wrong-value")]
    assert refused(named={"data": "a"}) == [("/named/data", "unknown-provision")]
    assert refused(named={"data": "b"}) == [("/named/data", "unknown-fact")]


def test_a_record_that_names_somebody_is_decided_again_without_the_register(put, decide, client):
    """The same bytes, though the register says something else by then."""
    put("parties/lab", facts={"country": "KE"})
    put("assets/asset-9", travels=[{"provision": "cn.test/art-2", "from": "decision 1"}])
    kept = decide(named={"recipient": "lab", "data": "asset-9"}, exporter={"country": "CN"})["record"]
    put("parties/lab", facts={"country": "US"})
    client.delete("/v1/assets/asset-9?erase=true")
    again = client.get(f"/v1/decisions/{kept['id']}/replay").json()
    assert (again["same"], again["differences"]) == ("bytes", []), again


def test_conditions_add_up_to_no_more_than_an_exchange_may_carry(put, refused):
    """Those of the register and those that were sent."""
    put("assets/many", travels=[{"provision": "cn.test/art-2", "from": f"decision {number}"} for number in range(64)])
    assert refused(named={"data": "many"}, carried=[{"provision": "cn.test/art-2", "from": "x"}]) == [
        ("/carried", "wrong-value")
    ]


def test_a_batch_names_like_a_single_exchange(filled, client):
    """Each by itself; a name that leads nowhere refuses only its own."""
    exchanges = [
        {"named": NAMED},
        {"named": {"exporter": "nobody"}},
        {"exporter": {"id": "named"}, "recipient": {"country": "US"}},
    ]
    results = client.post("/v1/evaluate/batch", json={"exchanges": exchanges}).json()["results"]
    assert [next(iter(each)) for each in results] == ["decision", "problem", "decision"]
    assert results[1]["problem"]["errors"][0]["pointer"] == "/named/exporter"
    record = client.get(f"/v1/decisions/{results[0]['decision']['id']}").json()["record"]
    assert record["request"]["exporter"]["id"] == "clinic-7"


def test_a_name_written_with_escapes_is_no_way_round(filled, client):
    """It is refused as a fact that there is not."""
    body = json.dumps({"named": NAMED}).replace('"named"', '"n\\u0061med"')
    answer = client.post("/v1/evaluate", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/named")


def test_the_schemas_show_it(client):
    """That of a body, and the OpenAPI document, with the roles of the vocabulary."""
    for schema in (
        client.get("/v1/schemas/exchange").json(),
        client.get("/openapi.json").json()["components"]["schemas"]["Exchange"],
    ):
        assert list(schema["properties"]["named"]["properties"]) == ["exporter", "recipient", "data"]


@pytest.mark.parametrize("change", ["withdrawn", "changed", "erased", "written anew", "ended"])
def test_what_the_register_no_longer_says_is_not_committed(filled, put, decide, client, change: str):
    """A decision rests on what was stated of those it names; once that is otherwise, it is to be decided again."""
    made = [decide(named=NAMED)["record"]["decision"] for _ in range(2)]
    assert made[0]["proceed"]
    put("parties/clinic-7", aliases=["c7"], facts={"country": "CN", "operator": False})  # says nothing new
    assert client.post("/v1/commitments", json={"decision": made[0]["id"]}).status_code == 201
    match change:
        case "withdrawn":
            assert client.delete("/v1/parties/clinic-7").status_code == 200
        case "changed":
            put("parties/clinic-7", facts={"country": "CN", "operator": True})
        case "erased":
            assert client.delete("/v1/parties/clinic-7?erase=true").status_code == 200
        case "written anew":
            assert client.delete("/v1/parties/clinic-7?erase=true").status_code == 200
            put("parties/clinic-7", facts={"country": "CN", "operator": True})  # another first version
        case "ended":
            yesterday = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
            put("parties/clinic-7", facts={"country": "CN", "operator": False}, valid_until=yesterday)
    refused = client.post("/v1/commitments", json={"decision": made[1]["id"]})
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:fifthfactor:problem:not-committable"), refused.text
    assert "exporter" in refused.json()["detail"]
