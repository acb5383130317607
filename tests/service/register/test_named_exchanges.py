"""Exchanges that name parties and data by id: what is filled in, what beats what, what is refused, and what the record keeps."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import engine
from service.callers import keys
from service.callers.caller import SCOPES
from service.decisions.kept_permits import KeepableAnswer
from service.log.leaf import opened
from service.policies.live import Live
from service.service import Service
from tests.service.api.test_explanation import alike
from tests.service.conftest import POLICIES as OTHER_POLICIES
from tests.service.register.conftest import CONTRACT

NAMED = {"exporter": "clinic-7", "recipient": "lab-2", "data": "asset-9"}


@pytest.fixture
def filled(put):
    """A register with a clinic, a laboratory and a data asset."""
    put("parties/clinic-7", aliases=["c7"], facts={"country": "CN", "operator": False})
    put("parties/lab-2", facts={"country": "US", "lists": ["red"]}, evidence={"cn-standard-contract": CONTRACT})
    put("assets/asset-9", facts={"data": {"people": {"ordinary": 0, "sensitive": 12000}}, "terms": {"value": "5 CNY"}})


def test_the_record_has_what_was_sent_and_what_the_register_said(filled, put, decide):
    """The request is what was sent, and beside it what each version of an entity states."""
    put("parties/clinic-7", aliases=["c7"], facts={"country": "CN", "operator": True})
    kept = decide(as_of="2024-06-01", named={**NAMED, "exporter": "c7"})["record"]
    assert kept["request"] == {
        "as_of": "2024-06-01",
        "exporter": {"id": "clinic-7"},
        "recipient": {"id": "lab-2"},
        "data": {"id": "asset-9"},
        "register": {
            "exporter.id": {"kind": "party", "version": 2, "states": {"exporter": {"country": "CN", "operator": True}}},
            "recipient.id": {
                "kind": "party",
                "version": 1,
                "states": {
                    "recipient": {"country": "US", "lists": ["red"]},
                    "evidence": {"cn-standard-contract": CONTRACT},
                },
            },
            "data.id": {
                "kind": "asset",
                "version": 1,
                "states": {"data": {"people": {"ordinary": 0, "sensitive": 12000}}, "terms": {"value": "5 CNY"}},
            },
        },
    }
    assert kept["decision"]["outcome"] == "permitted"
    assert "disputed" not in kept["decision"]


def test_ids_and_personal_values_are_not_in_the_leaf(filled, client, service: Service):
    """Neither an id nor who attested a document stands in it in clear; an erasure reaches what the register said too."""
    id = client.post("/v1/evaluate", json={"named": NAMED}).json()["id"]
    stored = service.store.read(id)
    assert stored is not None
    whole = [each for each in stored.entry.openings if not each.pointer.startswith("/")]
    assert [each.pointer for each in whole] == ["decision", "found_by", "request"]
    for word in (b"clinic-7", b"lab-2", b"Wang Fang"):
        assert word not in stored.entry.leaf
        assert not [each for each in whole if word in (each.value or b"")]
    assert b'"kind":"party"' in (whole[2].value or b"")
    assert client.post(f"/v1/decisions/{id}/erase").json()["erased"] == 3
    told = client.get(f"/v1/decisions/{id}")
    assert "Wang Fang" not in told.text
    again = client.get(f"/v1/decisions/{id}/replay").json()
    assert (again["holds"], len(again["erased"])) == (True, 3)


def test_the_register_counts_beside_what_is_sent(filled, decide, client):
    """Fact by fact: what is not sent, or said to be unknown, is filled in; a document that is presented counts as presented."""
    record = decide(
        named=NAMED,
        exporter={"operator": "unknown"},
        data={"people": {"sensitive": 12000}},
        evidence={"cn-standard-contract": {"dated": "2024-05-02"}, "report": "none"},
    )["record"]
    assert record["request"]["exporter"] == {"id": "clinic-7", "operator": "unknown"}
    assert "disputed" not in record["decision"]
    explained = client.get(f"/v1/decisions/{record['id']}/explanation?include=possible").json()
    reason = next(each for each in explained["possible"] if each["provision"] == "cn.test/art-1")
    assert {each["fact"]: each["value"] for each in reason["evidence"]}["evidence.cn-standard-contract"] == {
        "dated": "2024-05-02"
    }
    assert [each["jurisdiction"] for each in record["decision"]["jurisdictions"]] == ["CN"]


def test_a_listing_cannot_be_stated_away(put, client, service: Service):
    """A listed party that is sent with an empty list is not permitted; answer, record and page name the contradiction."""
    put("parties/lab-2", facts={"country": "US", "lists": ["blue"]})
    sent = {"exporter": {"country": "CN"}, "recipient": {"id": "lab-2", "lists": []}, "data": {"people": {"rest": 0}}}
    plain = client.post("/v1/evaluate", json={**sent, "recipient": {"country": "US", "lists": []}}).json()
    assert plain["proceed"]
    answer = client.post("/v1/evaluate", json=sent).json()
    assert (answer["proceed"], answer["outcome"], answer["questions"]) == (False, "prohibited", [])
    contradiction = {
        "fact": "recipient.lists",
        "stated": [],
        "registered": ["blue"],
        "entity": "recipient.id",
        "kind": "party",
        "version": 1,
    }
    assert answer["disputed"] == [contradiction]
    assert "lists: stated none, registered blue" in answer["answer"]
    record = client.get(f"/v1/decisions/{answer['id']}").json()["record"]
    assert record["request"]["recipient"] == {"id": "lab-2", "lists": []}
    assert record["request"]["register"]["recipient.id"]["states"]["recipient"]["lists"] == ["blue"]
    assert record["decision"]["disputed"] == [contradiction]
    page = client.get(f"/log/{answer['id']}").text
    assert "What the register says otherwise" in page
    assert "stated none, registered blue" in page
    again = client.get(f"/v1/decisions/{answer['id']}/replay").json()
    assert (again["same"], again["differences"]) == ("bytes", []), again


@pytest.mark.parametrize("lang", engine.LANGUAGES)
def test_what_the_register_said_is_replayed_and_explained_after_it_says_otherwise(filled, put, client, lang):
    """To the byte: by the versions that were used, a contradiction included."""
    sent = {"named": NAMED, "exporter": {"country": "KE"}}
    before = alike(client, sent, "all", lang)
    put("parties/clinic-7", facts={"country": "US"})
    put("parties/lab-2", facts={"country": "US", "lists": ["blue"]})
    assert client.get(f"/v1/decisions/{before['id']}/replay").json()["same"] == "bytes"
    later = client.get(f"/v1/decisions/{before['id']}/explanation?include=all")
    assert (later.headers["verdict"], later.json()) == ("same", before)
    record = client.get(f"/v1/decisions/{before['id']}").json()["record"]
    assert [each["fact"] for each in record["decision"]["disputed"]] == ["exporter.country"]


@pytest.fixture
def travelling(client):
    """How the conditions that came with the data stand, by the explanation of a record."""

    def states(record: dict[str, Any]) -> list[str]:
        explained = client.get(f"/v1/decisions/{record['id']}/explanation?include=reasons").json()
        return [each["state"] for each in explained["carried"]]

    return states


def test_an_id_alone_is_looked_up(filled, put, decide, travelling):
    """As if it were named: it fills in facts, documents and conditions that travel. An unknown id stays an id."""
    put(
        "assets/asset-9",
        facts={"data": {"people": {"rest": 0}}},
        travels=[{"provision": "cn.test/art-2", "from": "decision 1"}],
    )
    sent = {"exporter": {"id": "c7"}, "recipient": {"id": "lab-9", "country": "KE"}, "data": {"id": "asset-9"}, "carried": []}
    record = decide(**sent)["record"]
    assert record["request"]["exporter"] == {"id": "clinic-7"}
    assert record["request"]["carried"] == [{"provision": "cn.test/art-2", "from": "decision 1"}]
    assert record["request"]["register"]["recipient.id"] == {"kind": "party", "known": False}
    assert (record["decision"]["outcome"], travelling(record)) == ("prohibited", ["violated"])
    assert [each["condition"] for each in record["decision"]["carried"]] == ["The data are not passed on to Kenya."]
    named = decide(**{**sent, "exporter": {}, "data": {}}, named={"exporter": "clinic-7", "data": "asset-9"})["record"]
    assert named["request"] == record["request"]


def test_an_id_that_may_not_be_named_refuses_the_exchange(put, client, refused):
    """As a name does, at the id: without the entity its prohibitions would be lost."""
    put("parties/gone", facts={"country": "CN"})
    client.delete("/v1/parties/gone")
    put("parties/old", valid_until="2023-12-31")
    put("parties/away", facts={"country": "CN"})
    client.delete("/v1/parties/away?erase=true")
    assert refused(exporter={"id": "gone"}) == [("/exporter/id", "entity-withdrawn")]
    assert refused(as_of="2024-06-01", recipient={"id": "old"}) == [("/recipient/id", "entity-expired")]
    assert client.post("/v1/evaluate", json={"exporter": {"id": "away", "country": "CN"}}).status_code == 200


def test_nobody_says_what_the_register_says(filled, client, refused):
    """A body that brings it is refused, however it is written; and so is an id that is written with escapes looked up."""
    assert refused(register={"exporter.id": {"states": {"exporter": {"country": "US"}}}}) == [("/register", "unknown-key")]
    escaped = json.dumps({"register": {}}).replace("register", "regist\\u0065r")
    answer = client.post("/v1/evaluate", content=escaped, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/register")
    hidden = json.dumps({"recipient": {"id": "lab-2", "lists": []}}).replace('"id"', '"i\\u0064"')
    answer = client.post("/v1/evaluate", content=hidden, headers={"content-type": "application/json"})
    assert [each["registered"] for each in answer.json()["disputed"]] == [["red"]]


@pytest.fixture
def evaluator(service: Service, client):
    """A caller who may evaluate and commit, and read nothing. All other calls are made by one who may do everything."""
    database = service.store.database
    with database.transaction() as connection:
        _, all_ = keys.create(connection, "all", SCOPES, None, "test", datetime.now(UTC))
        _, key = keys.create(connection, "a gateway", ["evaluate", "commit"], None, "test", datetime.now(UTC))
    client.headers["authorization"] = f"Bearer {all_}"

    def send(path: str, sent: dict[str, Any], **headers: str) -> Any:
        return client.post(path, json=sent, headers={"authorization": f"Bearer {key}", **headers})

    return send


def test_who_may_not_read_the_register_sees_the_outcome_only(evaluator, put, client, service: Service):
    """No registered value, no reason that shows one; neither in a batch, nor in a retry. The record has the whole."""
    put("parties/lab-2", facts={"country": "US", "lists": ["blue"]}, note="secret")
    sent = {"exporter": {"country": "CN"}, "recipient": {"id": "lab-2", "lists": []}, "data": {"people": {"rest": 0}}}
    first = evaluator("/v1/evaluate", sent, **{"Idempotency-Key": "1"})
    answer = first.json()
    assert (answer["outcome"], answer["proceed"], answer["withheld"]) == ("prohibited", False, True)
    assert answer["answer"] == "Do not proceed: prohibited. The reasons rest on the register, which this caller may not read."
    assert (answer["jurisdictions"], answer["unmet"], answer["gaps"]) == ([], [], [])
    assert answer.keys().isdisjoint({"disputed", "explanation", "verdict"})
    for word in ("blue", "US", "art-3", "Listed"):
        assert word not in first.text
    KeepableAnswer.model_validate(answer)
    reader = client.get(f"/v1/decisions/{answer['id']}/explanation?include=possible")
    assert [each["provision"] for each in reader.json()["possible"]] == ["cn.test/art-3"]
    again = evaluator("/v1/evaluate", sent, **{"Idempotency-Key": "1"})
    assert (again.content, again.headers["idempotency-replayed"]) == (first.content, "true")
    batch = evaluator(
        "/v1/evaluate/batch?include=trace,remedies&lang=zh", {"exchanges": [sent, {"exporter": {"country": "CN"}}]}
    )
    withheld, whole = (each["decision"] for each in batch.json()["results"])
    assert (withheld["withheld"], "explanation" in withheld, "blue" in json.dumps(withheld)) == (True, False, False)
    assert ("withheld" in whole, "trace" in whole["explanation"], whole["jurisdictions"] != []) == (False, True, True)
    stored = service.store.read(answer["id"])
    assert stored is not None
    record = opened(stored.entry.leaf, stored.entry.openings)
    assert (record["decision"]["disputed"][0]["registered"], "withheld" in record["decision"]) == (["blue"], False)


def test_where_engines_disagree_no_place_of_it_is_told_to_who_may_not_read(
    evaluator, put, client, service: Service, monkeypatch
):
    """A place may tell a registered value: the caller learns that they disagree, and whoever may read sees where."""
    put("parties/lab-2", facts={"country": "US", "lists": ["blue"]})

    def fails(exchange, as_of, *_, **__):
        raise RuntimeError("about the blue list")

    monkeypatch.setattr(service.live.pdp.engines[0], "evaluate", fails)
    sent = {"exporter": {"country": "CN"}, "recipient": {"id": "lab-2"}, "data": {"people": {"rest": 0}}}
    answer = evaluator("/v1/evaluate", sent).json()
    assert (answer["proceed"], answer["withheld"], answer["engine"]["agreed"]) == (False, True, False)
    assert "disagreement" not in answer["engine"]
    record = client.get(f"/v1/decisions/{answer['id']}").json()["record"]
    assert record["decision"]["engine"]["disagreement"]


def test_a_decision_without_reasons_still_says_what_is_owed_and_asked(evaluator, put):
    """Whoever may go ahead learns the duties; where something is open, the questions."""
    put("parties/clinic-7", facts={"country": "CN"})
    sent = {"exporter": {"id": "clinic-7"}, "recipient": {"country": "US", "lists": []}}
    answer = evaluator("/v1/evaluate", sent).json()
    assert (answer["outcome"], answer["withheld"]) == ("undetermined", True)
    assert answer["questions"][0]["question"] in answer["answer"]
    sent["data"] = {"people": {"rest": 0}}
    answer = evaluator("/v1/evaluate", sent).json()
    assert (answer["proceed"], answer["answer"]) == (
        True,
        "This may go ahead. The reasons rest on the register, which this caller may not read.",
    )
    assert answer.keys().isdisjoint({"rests_on", "also_rests_on"})
    assert answer["more"].keys().isdisjoint({"rests_on", "also_rests_on", "ordinary_facts"})
    made = evaluator("/v1/commitments", {"decision": answer["id"]})
    assert made.status_code == 201
    assert "CN" not in made.text


def test_a_refusal_does_not_show_the_register_either(evaluator, put, client):
    """Nor when an entity may be named, nor which of its facts does not fit."""
    put("parties/old", facts={"country": "CN"}, valid_until="2023-12-31")
    sent = {"as_of": "2024-06-01", "exporter": {"id": "old"}}
    answer = evaluator("/v1/evaluate", sent)
    assert answer.json()["errors"][0]["detail"] == "`old` may not be named on the day of the exchange"
    assert "until 2023-12-31" in client.post("/v1/evaluate", json=sent).text


def test_what_is_sent_cannot_contradict_what_the_register_fills_in(filled, client, evaluator):
    """The exchange as filled is refused, at the name and at what was sent, in the caller's language; of a batch only that one."""
    for exporter in ({"operator": True, "country": "KE"}, {"operator": True}):  # what is disputed contradicts nothing
        answer = client.post("/v1/evaluate", json={"named": {"exporter": "clinic-7"}, "exporter": exporter})
        assert answer.status_code == 200
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
    hidden = evaluator("/v1/evaluate", sent).json()["errors"]
    assert [each["pointer"] for each in hidden] == ["/named/recipient"]
    assert hidden[0]["detail"].startswith("what the register states of `lab-2` does not fit")
    batch = client.post("/v1/evaluate/batch?lang=zh", json={"exchanges": [{"exporter": {"country": "KE"}}, sent]}).json()
    assert [list(each) for each in batch["results"]] == [["decision"], ["problem"]]
    assert batch["results"][1]["problem"]["errors"][1]["detail"] == said["zh"]


def test_a_party_says_in_a_role_what_the_role_has(put, decide):
    """Facts of the other role are passed over."""
    put("parties/group", facts={"country": "CN", "operator": True, "lists": []})
    register = decide(named={"exporter": "group", "recipient": "group"})["record"]["request"]["register"]
    assert register["exporter.id"]["states"] == {"exporter": {"country": "CN", "operator": True}}
    assert register["recipient.id"]["states"] == {"recipient": {"country": "CN", "lists": []}}


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
        assert record["request"]["register"]["recipient.id"]["states"] == {"recipient": {"country": country}}
    today = datetime.now(UTC).date()
    put("parties/now", valid_from=str(today - timedelta(1)), valid_until=str(today + timedelta(1)), facts={"country": "KE"})
    assert decide(named={"recipient": "now"})["record"]["request"]["register"]["recipient.id"]["version"] == 1


def test_somebody_else_cannot_stand_beside_a_name(filled, refused, decide):
    """A body whose id is another's contradicts itself; the same one, or an alias of it, may stand there."""
    assert refused(named={"exporter": "clinic-7"}, exporter={"id": "clinic-8"}) == [("/exporter/id", "other-entity")]
    assert decide(named={"exporter": "c7"}, exporter={"id": "c7"})["record"]["request"]["exporter"]["id"] == "clinic-7"


def test_two_documents_of_a_kind_are_not_chosen_from(filled, put, refused, decide):
    """Who sends the one that counts has it; two that are equal are one."""
    put("assets/asset-9", facts={}, evidence={"cn-standard-contract": {**CONTRACT, "covers": False}})
    assert refused(named=NAMED) == [("/named/data", "two-values")]
    assert refused(named=NAMED, evidence={"cn-standard-contract": "none"}) == [("/named/data", "two-values")]
    sent = {"cn-standard-contract": {**CONTRACT, "covers": "unknown"}}
    assert decide(named=NAMED, evidence=sent)["record"]["request"]["evidence"] == sent
    put("assets/asset-9", facts={}, evidence={"cn-standard-contract": CONTRACT})
    assert decide(named=NAMED)["record"]["decision"]["outcome"] == "permitted"


def test_what_travels_with_an_asset_decides(put, decide, refused, travelling):
    """A condition of an earlier exchange binds the next one, and stays in the request that is recorded."""
    put("assets/asset-9", facts={}, travels=[{"provision": "cn.test/art-2", "from": "decision 1"}])
    sent = {"exporter": {"country": "CN"}, "data": {"people": {"rest": 0}}}
    kept = decide(named={"data": "asset-9"}, **sent, recipient={"country": "KE"})["record"]
    assert (kept["decision"]["outcome"], travelling(kept)) == ("prohibited", ["violated"])
    assert kept["request"]["carried"] == [{"provision": "cn.test/art-2", "from": "decision 1"}]
    del sent["data"]
    own = [{"provision": "cn.test/art-2", "from": "contract 5"}, {"provision": "cn.test/art-2", "from": "decision 1"}]
    kept = decide(named={"data": "asset-9"}, **sent, carried=own, recipient={"country": "US"})["record"]
    assert kept["request"]["carried"] == own
    assert travelling(kept) == ["met", "met"]
    kept = decide(named={"data": "asset-9"}, **sent, carried=[], recipient={"country": "KE"})["record"]
    assert kept["decision"]["outcome"] == "prohibited"
    assert refused(named={"data": "asset-9"}, carried="none") == [("/carried", "wrong-value")]


def test_what_the_vocabulary_no_longer_has_refuses_the_exchange(filled, service: Service, refused):
    """A fact, a value, a document or a condition that went since; never left out in silence."""
    service.policies.live = Live.of(engine.load(OTHER_POLICIES), "checked")
    assert refused(named={"exporter": "clinic-7"}) == [("/named/exporter", "unknown-fact")]
    assert refused(named={"data": "asset-9"}) == [("/named/data", "unknown-fact")]


def test_a_value_that_went_from_the_vocabulary_refuses_the_exchange(put, service: Service, refused):
    """At the name that brought it, whatever the body says in its place: nobody can compare the two."""
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
    assert refused(named={"recipient": "lab"}, recipient={"country": "KE"}) == [("/named/recipient", "wrong-value")]
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
    """It is a name like any other."""
    body = json.dumps({"named": NAMED}).replace('"named"', '"n\\u0061med"')
    answer = client.post("/v1/evaluate", content=body, headers={"content-type": "application/json"})
    assert answer.json()["outcome"] == "permitted"


def test_the_schemas_show_it(client):
    """That of a body, and the OpenAPI document, with the roles of the vocabulary."""
    for schema in (
        client.get("/v1/schemas/exchange").json(),
        client.get("/openapi.json").json()["components"]["schemas"]["Exchange"],
    ):
        assert "register" not in schema["properties"]
        assert list(schema["properties"]["named"]["properties"]) == ["exporter", "recipient", "data"]


@pytest.mark.parametrize("change", ["withdrawn", "changed", "erased", "written anew", "ended", "registered since"])
def test_what_the_register_no_longer_says_is_not_committed(filled, put, decide, client, change: str):
    """A decision rests on what the register said of those it names or knows by id; once that is otherwise, it is to be decided again."""
    sent = {
        "exporter": {"id": "clinic-7"},
        "recipient": {"id": "lab-3", "country": "US", "lists": []},
        "named": {"data": "asset-9"},
    }
    made = [decide(**sent, evidence={"cn-standard-contract": CONTRACT})["record"]["decision"] for _ in range(2)]
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
        case "registered since":
            put("parties/lab-3", facts={"country": "US", "lists": ["blue"]})
    refused = client.post("/v1/commitments", json={"decision": made[1]["id"]})
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:fifthfactor:problem:not-committable"), refused.text
    assert ("recipient.id" if change == "registered since" else "exporter.id") in refused.json()["detail"]


@pytest.mark.parametrize(("names", "outcome"), [(["L2"], "permitted"), (["lab-2"], "permitted"), (["other"], "review")])
def test_a_document_for_another_name_of_the_recipient_is_for_the_recipient(put, decide, names: list[str], outcome: str):
    """An alias in the document means the entity; the record says which of its names was meant, and no other one."""
    put("parties/lab-2", aliases=["L2", "lab-of-dr-smith"], facts={"country": "US", "lists": ["red"]})
    data = {"people": {"ordinary": 12000, "rest": 0}}
    contract = {**CONTRACT, "for": names}
    sent = {"exporter": {"country": "CN"}, "recipient": {"id": "lab-2"}, "data": data}
    record = decide(as_of="2024-06-01", **sent, evidence={"cn-standard-contract": contract})["record"]
    assert record["decision"]["outcome"] == outcome
    assert record["request"]["register"]["recipient.id"].get("also") == (["L2"] if names == ["L2"] else None)
    assert record["request"]["evidence"]["cn-standard-contract"]["for"] == names
