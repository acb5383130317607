"""The endpoints: what they answer, what they refuse, and what they leave in the log."""

import asyncio
import json
import sqlite3
import time
from dataclasses import replace
from datetime import UTC, date, datetime
from hashlib import sha256
from itertools import product
from typing import Any
from uuid import UUID

import httpx
import pytest
import rfc8785
import sqlalchemy as sa
from jsonschema import Draft202012Validator, ValidationError
from starlette.exceptions import HTTPException
from starlette.testclient import TestClient

import engine
from service.decisions.kept_permits import KeepableAnswer
from service.log.leaf import WHOLE
from service.log.record import KeptRecord, Record
from service.problems import Problem
from service.server.app import create_app
from service.service import Service
from service.settings import Settings
from service.store.writer import LogBusy, NotRecorded
from service.telemetry import log_lines
from tests.service.conftest import BOTH_DATABASES, EXCHANGE, PERSONAL, POLICIES, as_recorded, body
from tests.service.documented import resolved

JSON: dict[str, Any] = {"content": body(), "headers": {"content-type": "application/json"}}


def refused(answer, status: int, kind: str = "") -> dict[str, Any]:
    """Check that an answer is a problem document of this status; the document."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    Problem.model_validate(problem)
    assert problem["status"] == status
    assert problem["request_id"] == answer.headers["x-request-id"]
    if kind:
        assert problem["type"] == f"urn:fifthfactor:problem:{kind}"
    return problem


# --- evaluate --------------------------------------------------------------------------------------------------------


def test_an_exchange_gets_a_decision(evaluate):
    """200, JSON, an answer of the engine's own shape that leads with `proceed` and a sentence in words."""
    answer = evaluate()
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    decision = KeepableAnswer.model_validate(answer.json())
    assert UUID(decision.id).version == 7
    assert list(answer.json())[:4] == ["schema", "id", "proceed", "answer"]


def test_the_day_is_the_exchange_s_or_today_in_the_zone(tmp_path):
    """At 20:00 in London it is tomorrow in Shanghai; a day that the exchange names makes the decision hypothetical."""
    settings = Settings(watch=False, policies=POLICIES, database=tmp_path / "log.db", zone="Asia/Shanghai")
    service = Service.open(settings, clock=lambda: datetime(2026, 6, 30, 20, 0, tzinfo=UTC))
    with TestClient(create_app(settings, service), base_url="http://localhost") as client:

        def decide(content):
            return client.post("/v1/evaluate", content=content, headers={"content-type": "application/json"}).json()

        today = decide(json.dumps({key: value for key, value in EXCHANGE.items() if key != "as_of"}).encode())
        assert (today["as_of"], today["hypothetical"]) == ("2026-07-01", False)
        named = decide(body(as_of="2026-06-30"))
        assert (named["as_of"], named["hypothetical"]) == ("2026-06-30", True)


def test_each_wrong_place_is_named(evaluate):
    """400 with a JSON Pointer, a code and a sentence for each."""
    wrong = {"exporter": {"contry": "CN", "country": "XX"}, "data": {"people": None}, "as_of": "2024-02-30"}
    problem = refused(evaluate(body(**wrong)), 400, "exchange-refused")
    assert {each["pointer"] for each in problem["errors"]} == {
        "/as_of",
        "/data/people",
        "/exporter/contry",
        "/exporter/country",
    }
    assert problem["detail"] == "4 places in the body are wrong"
    assert all(each["code"] and each["detail"] for each in problem["errors"])


@pytest.mark.parametrize(
    "content",
    [
        b" ",
        b"null",
        b"[]",
        b'"text"',
        b"{",
        b'{"exporter":}',
        b"\xff\xfe",
        b'{"exporter": {"country": "\xff"}}',
        b'{"exporter": {"id": "\\ud800"}}',
        b'{"exporter": {"id": "a\x00b"}}',
        b'{"data": {"people": ' + b"9" * 10_000 + b"}}",
        b'{"data": {"people": 9007199254740993}}',
        b'{"data": {"people": 1e400}}',
        b'{"data": {"people": NaN}}',
        b'{"data": {"people": -1}}',
        b'{"data": {"people": 1.5}}',
        b"[" * 100_000,
        b'{"exporter":' * 20_000,
        b'{"a":1,"a":2}',
        b"\xef\xbb\xbf{}",
    ],
)
def test_what_is_no_exchange_is_refused(evaluate, content, service):
    """Whatever the bytes: 400, at least one place, and nothing in the log."""
    problem = refused(evaluate(content), 400, "exchange-refused")
    assert problem["errors"]
    assert service.store.records == 0


def test_very_many_wrong_places_are_counted_and_not_all_listed(evaluate):
    """The answer stays small."""
    answer = evaluate(json.dumps({f"fact-{number}": 1 for number in range(5_000)}).encode())
    problem = refused(answer, 400)
    assert len(problem["errors"]) == 100
    assert problem["detail"] == "at least 100 places in the body are wrong; 100 are listed"
    assert len(answer.content) < 50_000


def test_a_number_that_canonical_json_cannot_carry_is_refused(evaluate, service, monkeypatch):
    """Should the engine ever let one pass, it is the request's fault, and nothing is recorded."""
    real = engine.accept_exchange
    large = {**EXCHANGE, "data": {"people": 2**53}}
    monkeypatch.setattr(engine, "accept_exchange", lambda bundle, sent: replace(real(bundle, sent), document=large))
    refused(evaluate(), 400, "exchange-refused")
    assert service.store.records == 0


def test_an_empty_body_is_refused(client):
    """No body is no JSON."""
    refused(client.post("/v1/evaluate", headers={"content-type": "application/json"}), 400, "exchange-refused")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content-type": ""},
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "application/json; charset=latin-1"},
        {"content-type": "application/json", "content-encoding": "gzip"},
    ],
)
def test_a_body_that_is_not_sent_as_plain_json_is_refused(client, headers):
    """415; a page in a browser cannot send JSON elsewhere without asking first."""
    refused(client.post("/v1/evaluate", content=body(), headers=headers), 415, "unsupported-media-type")


@pytest.mark.parametrize(
    "content_type", ["Application/JSON", "application/json;charset=UTF-8", 'application/json; charset="utf-8"']
)
def test_json_may_be_spelled_as_http_allows(client, content_type):
    """Names of types are written in any case, and UTF-8 may be named."""
    assert client.post("/v1/evaluate", content=body(), headers={"content-type": content_type}).status_code == 200


def test_a_body_up_to_the_limit_is_read_and_one_byte_more_is_not(evaluate, service):
    """413, whether the length is told beforehand or not."""
    limit = service.settings.body_limit
    assert evaluate(body() + b" " * (limit - len(body()))).status_code == 200
    too_large = body() + b" " * (limit + 1 - len(body()))
    refused(evaluate(too_large), 413, "body-too-large")
    refused(evaluate(iter([too_large[:1000], too_large[1000:]])), 413, "body-too-large")


def recorded(answer: Any) -> dict[str, Any]:
    """An answer as it is recorded."""
    return as_recorded(answer.json())


# Parts with members of other names.
SHOWN_BY = {
    "reasons": (
        *("advice", "beaten", "carried", "conflicts", "disputed", "jurisdictions", "must_be_shown"),
        *("possible_count", "reasons", "signed_off"),
    ),
    "rests_on": ("rests_on", "rests_on_exactly"),
}


def test_a_caller_may_ask_for_more(evaluate, client):
    """`include` adds an explanation with these parts, and only those that were asked for; the record has the answer alone."""
    for wanted in ([], ["trace"], ["remedies", "holds_until"], ["reasons", "rests_on"], list(engine.PARTS), ["all"]):
        answer = client.post(f"/v1/evaluate?include={','.join(wanted)}" if wanted else "/v1/evaluate", **JSON)
        assert answer.status_code == 200
        KeepableAnswer.model_validate(answer.json())
        explained = answer.json().get("explanation", {})
        parts = engine.PARTS if wanted == ["all"] else wanted
        assert explained.keys() - {"schema", "id", "lang"} == {name for part in parts for name in SHOWN_BY.get(part, (part,))}
        record = client.get(f"/v1/decisions/{answer.json()['id']}").json()["record"]
        assert record["decision"] == recorded(answer)


@pytest.mark.parametrize("query", ["lang=en", "lang=zh", "lang=zh&include=trace", "include=trace%2Cremedies&lang=en"])
def test_a_query_that_is_understood(client, query):
    """Either parameter alone, or both, in any order."""
    assert client.post(f"/v1/evaluate?{query}", **JSON).status_code == 200


def test_the_language_and_what_is_included_reach_the_engine(client, service, monkeypatch):
    """As they were asked for; without a query, nothing more, in English."""
    passed = []
    real = type(service.live.pdp).answer

    def watched(self, judgement, **more):
        passed.append((more["parts"], more["lang"]))
        return real(self, judgement, **more)

    monkeypatch.setattr(type(service.live.pdp), "answer", watched)
    client.post("/v1/evaluate?lang=zh&include=remedies,trace", **JSON)
    client.post("/v1/evaluate", **JSON)
    assert passed == [({"remedies", "trace"}, "zh"), (set(), "en")]


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("include=remedy", "`remedies`, `holds_until`, `trace`, `all`"),
        ("include=remedy", "did you mean `remedies`"),
        ("include=", "`remedies`"),
        ("include=trace,", "`trace`"),
        ("include=trace,trace", "twice"),
        ("include=trace&include=remedies", "twice"),
        ("lang=fr", "`lang` takes `en`, `zh`, not `fr`"),
        ("lang=EN", "not `EN`"),
        ("inlcude=trace", "there is no parameter `inlcude`; did you mean `include`? there are `include`, `lang`"),
        ("trace", "write the query as"),
        ("lang=en&", "write the query as"),
        ("&".join(f"p{n}=1" for n in range(1000)), "write the query as"),
        ("lang=%FF", "write the query as"),
        ("lang=" + "x" * 1000, "`lang` takes"),
    ],
)
def test_a_query_that_is_not_understood_is_refused(client, service, query, says):
    """400 that names the choices, before anything is decided: what is misspelled would be missed in the answer."""
    for path in ("/v1/evaluate", "/v1/evaluate/batch"):
        problem = refused(client.post(f"{path}?{query}", **JSON), 400, "bad-request")
        assert says in problem["detail"]
        assert len(problem["detail"]) < 300
    assert service.store.records == 0


# --- the record ------------------------------------------------------------------------------------------------------


def test_the_record_of_an_answer_is_there(client, evaluate):
    """What was asked and what was answered, in clear, with its place in the log."""
    answered = evaluate()
    decision = answered.json()
    answer = client.get(f"/v1/decisions/{decision['id']}")
    assert answer.status_code == 200
    kept = KeptRecord.model_validate(answer.json())
    assert kept.record.as_of == date(2024, 6, 1)
    assert kept.record.recorded_at.tzinfo == UTC
    assert kept.record.asked_by == "local"
    unknown = {role: {"kind": "party", "known": False} for role in ("exporter.id", "recipient.id")}
    assert answer.json()["record"]["request"] == {**EXCHANGE, "register": unknown}
    assert answer.json()["record"]["decision"] == recorded(answered)
    assert answer.json()["record"]["bundle"] == decision["bundle"]
    assert kept.record.engine.version == engine.__version__
    assert kept.log.sequence == 0
    assert {each.pointer for each in kept.log.personal} == {*PERSONAL, *WHOLE}


def test_a_caller_can_compute_the_leaf_hash_from_the_answer(client, evaluate):
    """With nothing but the document, a JSON library and SHA-256, as service/docs/record.md describes."""
    kept = client.get(f"/v1/decisions/{evaluate().json()['id']}").json()
    # The request and the decision are committed to as wholes, after the personal values within.
    for personal in sorted(kept["log"]["personal"], key=lambda each: not each["pointer"].startswith("/")):
        *path, last = personal["pointer"].split("/")
        holder = kept["record"]["request"] if path else kept["record"]
        for step in path[1:]:
            holder = holder[step]
        opened = b"fifthfactor/commitment/1\x00" + bytes.fromhex(personal["salt"]) + rfc8785.dumps(holder[last])
        assert sha256(opened).hexdigest() == personal["commitment"]
        holder[last] = {"commitment": personal["commitment"]}
    assert sha256(b"\x00" + rfc8785.dumps(kept["record"])).hexdigest() == kept["log"]["leaf_hash"]


def test_no_personal_value_enters_the_leaf(evaluate, service):
    """Neither from the request nor through the decision."""
    stored = service.store.read(evaluate().json()["id"])
    for value in PERSONAL.values():
        assert value.encode() not in stored.entry.leaf
    assert stored.faults() == ()


def test_an_erased_record_still_verifies_and_shows_commitments(client, evaluate, service):
    """The values are gone from the answer too; everything else is as before, request and decision as wholes included."""
    id = evaluate().json()["id"]
    before = client.get(f"/v1/decisions/{id}").json()
    assert client.portal.call(service.store.erase, id) == 3
    after = client.get(f"/v1/decisions/{id}").json()
    KeptRecord.model_validate(after)
    assert after["log"]["leaf_hash"] == before["log"]["leaf_hash"]
    held = {each["pointer"]: each for each in after["log"]["personal"]}
    assert {pointer for pointer, each in held.items() if each["salt"] is None} == set(PERSONAL)
    assert after["record"]["request"]["exporter"]["id"] == {"commitment": held["/exporter/id"]["commitment"]}
    assert after["record"]["decision"] == before["record"]["decision"]
    assert not [value for value in PERSONAL.values() if value in json.dumps(after, ensure_ascii=False)]
    assert service.store.read(id).faults() == ()


@pytest.mark.parametrize("id", ["nothing", "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071", "%00", "%FF", "' OR 1=1 --", "数"])
def test_a_decision_that_is_not_recorded_is_404(client, evaluate, id):
    """Whatever is asked for."""
    evaluate()
    refused(client.get(f"/v1/decisions/{id}"), 404, "not-found")


@BOTH_DATABASES
def test_a_log_that_cannot_be_read_is_503(client, evaluate, monkeypatch):
    """Not a 404, which would say that there is no such decision."""
    id = evaluate().json()["id"]

    def fail(connection, id):
        raise sa.exc.OperationalError("SELECT", {}, sqlite3.OperationalError("disk I/O error"))

    monkeypatch.setattr("service.decisions.log_access.record_of", fail)
    refused(client.get(f"/v1/decisions/{id}"), 503, "not-ready")


@pytest.mark.parametrize(("failure", "kind"), [(NotRecorded("disk I/O error"), "not-recorded"), (LogBusy(""), "busy")])
def test_without_a_record_there_is_no_answer(client, evaluate, service, monkeypatch, failure, kind):
    """503, with a time to try again, and nothing of the decision in it; the next request works."""

    async def fail(entries):
        raise failure

    with monkeypatch.context() as patch:
        patch.setattr(type(service.store), "append_many", lambda store, entries: fail(entries))
        answer = evaluate()
        refused(answer, 503, kind)
        assert answer.headers["retry-after"] == "1"
        assert "outcome" not in answer.text
    assert evaluate().status_code == 200


def test_a_writer_that_fails_is_logged_and_answered_with_503(in_file, lines):
    """Through the real writer: the database may not grow, then it may again."""
    client = TestClient(create_app(in_file.settings, in_file), base_url="http://127.0.0.1:8080")

    def evaluate() -> Any:
        return client.post("/v1/evaluate", content=body(), headers={"content-type": "application/json"})

    evaluate()
    raw = in_file.store.writer._connection.connection.dbapi_connection
    raw.execute("PRAGMA max_page_count = 1")
    for _ in range(200):  # the file has some free pages left at first
        answer = evaluate()
        if answer.status_code != 200:
            break
    refused(answer, 503, "not-recorded")
    assert lines.events("log_failed")[0]["reason"] == "database or disk is full"
    assert in_file.store.records == len(list(in_file.store.scan()))  # what was not committed is not counted
    assert client.get("/readyz").status_code == 200  # the connection is a new one, and may let it grow
    assert evaluate().status_code == 200


def test_a_disk_that_is_nearly_full_is_not_ready(in_file):
    """Where a record finds no room, a service is not ready although a word still does; with room again, it is."""
    client = TestClient(create_app(in_file.settings, in_file), base_url="http://127.0.0.1:8080")
    assert client.get("/readyz").status_code == 200
    connected, most = in_file.store.writer._connect, 0

    def small() -> Any:
        connection = connected()
        raw = connection.connection.dbapi_connection
        raw.execute(f"PRAGMA max_page_count = {most or 4_294_967_294}")
        return connection

    in_file.store.writer._connect = small
    (most,) = in_file.store.writer._connection.connection.dbapi_connection.execute("PRAGMA page_count").fetchone()
    in_file.store.writer._disconnect()
    for _ in range(200):
        answer = client.post("/v1/evaluate", content=body(), headers={"content-type": "application/json"})
        if answer.status_code != 200:
            break
    refused(answer, 503, "not-recorded")
    refused(client.get("/readyz"), 503, "not-ready")
    assert asyncio.run(in_file.store.do(lambda transaction: 1)) == 1  # nothing to write, so it finds room
    refused(client.get("/readyz"), 503, "not-ready")
    most = 0
    in_file.store.writer._disconnect()
    assert client.get("/readyz").status_code == 200
    assert client.post("/v1/evaluate", content=body(), headers={"content-type": "application/json"}).status_code == 200


@BOTH_DATABASES
def test_requests_at_the_same_time_share_commits(service):
    """Sixty-four at once take far fewer than sixty-four commits, where nothing has to be looked up first."""
    nameless = {**EXCHANGE, "exporter": {"country": "CN"}, "recipient": {"country": "US"}}
    app = create_app(service.settings, service)

    async def together():
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            sent = [client.post("/v1/evaluate", json=nameless) for _ in range(64)]
            return await asyncio.gather(*sent)

    answers = asyncio.run(together())
    assert [answer.status_code for answer in answers] == [200] * 64
    assert service.store.records == 64
    assert service.store.writer.counts.commits < 16
    assert {stored.entry.id for stored in service.store.scan()} == {answer.json()["id"] for answer in answers}


def test_slow_decisions_let_others_through(service, monkeypatch):
    """While many exchanges are decided slowly, answers leave one by one and a probe is heard after one decision."""
    app = create_app(service.settings, service)
    real = type(service.live.pdp).judge

    def slowly(self, exchange, **more):
        time.sleep(0.06)
        return real(self, exchange, **more)

    monkeypatch.setattr(type(service.live.pdp), "judge", slowly)
    done: list[str] = []

    async def send(client, method, path, **more):
        await client.request(method, path, **more)
        done.append(path)

    async def together():
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
            slow = [asyncio.create_task(send(client, "POST", "/v1/evaluate", json=EXCHANGE)) for _ in range(10)]
            await asyncio.sleep(0.07)
            await send(client, "GET", "/livez")
            await asyncio.gather(*slow)

    asyncio.run(together())
    assert done.index("/livez") <= 5
    assert done.count("/v1/evaluate") == 10


# --- failures --------------------------------------------------------------------------------------------------------


def test_an_unforeseen_error_is_500_without_details(client, evaluate, service, monkeypatch, lines):
    """The caller gets a request id; the log gets the class and the places, not the message, which quotes a value."""

    def fail(*_, **__):
        raise RuntimeError("about practice-of-dr-li-na")

    monkeypatch.setattr(type(service.live.pdp), "judge", fail)
    answer = evaluate()
    problem = refused(answer, 500, "internal")
    assert "RuntimeError" not in answer.text
    (line,) = lines.events("internal")
    assert (line["level"], line["error"], line["request_id"]) == ("error", "RuntimeError", problem["request_id"])
    assert any("decider.py" in place for place in line["at"])
    assert "li-na" not in lines.getvalue()
    assert service.store.records == 0


# --- the rest of the interface ---------------------------------------------------------------------------------------


def test_facts(client, service):
    """Every fact of the vocabulary, with its type, its titles and its question."""
    answer = client.get("/v1/facts").json()
    facts = {fact["name"]: fact for fact in answer["facts"]}
    assert facts["exporter.country"]["ask"]["en"] == "In which country is the exporter?"
    assert facts["exporter.id"]["personal"] is True
    assert answer["bundle"]["source"] == service.live.bundle.digests.source


def test_alive(client):
    """It answers."""
    assert client.get("/livez").json() == {"status": "alive"}


def test_ready(client, evaluate, service):
    """Policies are loaded, and a write has just reached the disk."""
    evaluate()
    commits = service.store.writer.counts.commits
    ready = client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json()["status"] == "ready"
    assert ready.json()["log"] == {"writable": True, "records": 1}
    assert ready.json()["incidents"] == 0
    assert ready.json()["policies"]["source"] == service.live.bundle.digests.source
    assert service.store.writer.counts.commits == commits + 1


def test_not_ready_when_the_log_cannot_be_written(in_file):
    """503 with what was found."""
    client = TestClient(create_app(in_file.settings, in_file), base_url="http://127.0.0.1:8080")
    assert client.get("/readyz").status_code == 200
    in_file.store.database.path.unlink()
    problem = refused(client.get("/readyz"), 503, "not-ready")
    assert problem["checks"]["policies"]["loaded"] is True
    assert problem["checks"]["log"] == {"writable": False, "reason": "No such file or directory"}
    assert problem["checks"]["incidents"] == 0
    assert client.get("/livez").status_code == 200


def test_those_who_ask_at_once_share_a_write(in_file):
    """Whoever asks whether it is ready, and nobody need be known for that, takes no room in the log's queue from decisions."""
    in_file.store.writer.queue_limit = 5
    app = create_app(in_file.settings, in_file)

    async def ask() -> list[int]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
            return [answer.status_code for answer in await asyncio.gather(*(client.get("/readyz") for _ in range(50)))]

    assert asyncio.run(ask()) == [200] * 50


def test_the_schemas_come_from_models_and_vocabulary(client, service):
    """An exchange's from the loaded vocabulary, a decision's and a record's from their models."""
    exchange = client.get("/v1/schemas/exchange")
    assert exchange.headers["content-type"] == "application/schema+json"
    told, own = exchange.json(), service.live.bundle.exchange_schema()
    assert told["properties"].pop("named")
    assert told["$defs"]["Exchange_exporter"]["properties"]["country"]["description"] == "In which country is the exporter?"
    assert undescribed(told).items() >= undescribed(own).items()
    proceed = client.get("/v1/schemas/decision").json()["properties"]["proceed"]
    assert proceed == {
        "title": "Proceed",
        "type": "boolean",
        "description": "whether the exchange may go ahead; act only on true",
    }
    schema = client.get("/v1/schemas/record").json()
    assert schema["properties"]["schema"]["const"] == "fifthfactor/record/3"
    Draft202012Validator(schema).validate(schema["examples"][0])
    with pytest.raises(ValidationError):
        Draft202012Validator(schema).validate({**schema["examples"][0], "schema": "fifthfactor/record/4"})
    assert refused(client.get("/v1/schemas/record?shape=3"), 400, "bad-request")["parameter"] == "shape"
    assert all(client.get(f"/v1/schemas/{name}").json()["$schema"] for name in ("exchange", "decision", "record"))
    refused(client.get("/v1/schemas/nothing"), 404, "not-found")


def undescribed(schema: Any) -> Any:
    """A schema without the descriptions of its members."""
    match schema:
        case dict():
            return {name: undescribed(each) for name, each in schema.items() if name != "description" or isinstance(each, dict)}
        case list():
            return [undescribed(each) for each in schema]
    return schema


def test_every_schema_has_an_example_that_holds(client, service):
    """An example that the shape itself accepts."""
    examples = {name: client.get(f"/v1/schemas/{name}").json()["examples"] for name in ("exchange", "decision", "record")}
    assert all(examples.values())
    for example in examples["decision"]:
        KeepableAnswer.model_validate(example)
    for example in examples["record"]:
        Record.model_validate(example)
    for example in examples["exchange"]:
        engine.parse_exchange(service.live.bundle, json.dumps(example).encode())


def test_the_openapi_document_shows_the_real_shapes(client, service):
    """The body of evaluate is the vocabulary's exchange, and every reference in the document leads somewhere."""
    document = resolved(client.get("/openapi.json").json())
    assert document["openapi"].startswith("3.1")
    sent = document["paths"]["/v1/evaluate"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert sent == {"$ref": "#/components/schemas/Exchange"}
    for path in ("/v1/evaluate", "/v1/evaluate/batch"):
        asked = {each["name"]: each["schema"] for each in document["paths"][path]["post"]["parameters"]}
        beside = {"receipt"} if path == "/v1/evaluate" else set()
        assert set(asked["include"]["items"]["enum"]) == {*engine.PARTS, "all", *beside}
        assert asked["lang"]["enum"] == list(engine.LANGUAGES)
        answer = document["paths"][path]["post"]["responses"]["200"]["content"]["application/json"]["schema"]
        assert answer["$ref"].rpartition("/")[2] in document["components"]["schemas"]
    shapes = document["components"]["schemas"]
    assert shapes["Exchange"]["properties"].keys() == {*service.live.bundle.exchange_schema()["properties"], "named"}
    assert "#/$defs/" not in json.dumps(document)
    found = json.dumps(document).split('"$ref": "#/components/schemas/')[1:]
    assert {each.partition('"')[0] for each in found} <= set(shapes)
    assert "not legal advice" in document["info"]["description"]


@pytest.mark.parametrize("path", ["/v1", "/v1/evaluate/", "/v2/evaluate", "/docs/", "/docs/nothing.js", "/%00"])
def test_other_addresses_are_404(client, path):
    """No redirect, no page."""
    refused(client.get(path), 404, "not-found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/v1/evaluate", "POST"),
        ("GET", "/v1/evaluate/batch", "POST"),
        ("DELETE", "/v1/decisions/x", "GET"),
        ("OPTIONS", "/v1/evaluate", "POST"),
        ("PUT", "/v1/keys", "GET, POST"),
    ],
)
def test_other_methods_are_405(client, method, path, allowed):
    """With the methods that there are."""
    answer = client.request(method, path)
    refused(answer, 405, "method-not-allowed")
    assert answer.headers["allow"] == allowed


def test_a_status_that_says_everything(client):
    """Whatever else a library raises is a problem document of type `about:blank`."""

    def teapot():
        raise HTTPException(418)

    client.app.add_api_route("/teapot", teapot)
    problem = refused(client.get("/teapot"), 418)
    assert (problem["type"], problem["title"]) == ("about:blank", "I'm a Teapot")


def test_every_answer_carries_its_headers(client, evaluate):
    """Not cached, not guessed at, not framed; right answers and refusals alike."""
    for answer in (evaluate(), evaluate(b"{"), client.get("/nothing"), client.get("/livez")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert "server" not in answer.headers


@pytest.mark.parametrize("id", ["a", "A-b.c_d~e:f/g+h=i@j", "0" * 128])
def test_a_plain_request_id_is_echoed(client, id):
    """The caller's own, where it is short and plain."""
    assert client.get("/livez", headers={"x-request-id": id}).headers["x-request-id"] == id


@pytest.mark.parametrize("id", ["", "0" * 129, "a b", 'a"b', "a\tb", "数".encode(), "<script>"])
def test_any_other_request_id_is_replaced(client, id):
    """It would end up in headers and log lines."""
    given = client.get("/livez", headers={"x-request-id": id}).headers["x-request-id"]
    assert UUID(given).version == 7


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:9", "localhost:8080", "LocalHost", "[::1]:8080", "127.1.2.3"])
def test_a_host_that_is_this_machine(client, host):
    """With a port or without."""
    assert client.get("/livez", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "example.org",
        "localhost.example.org",
        "127.0.0.1.example.org",
        "10.0.0.1",
        "0.0.0.0",
        "[::]",
        "",
        "a@localhost",
        "::1",
        "localhost:x",
    ],
)
def test_a_host_that_is_not_this_machine_is_refused(client, evaluate, service, host):
    """421, so that a page that rebinds its own name to 127.0.0.1 gets nothing."""
    refused(client.get("/v1/facts", headers={"host": host}), 421, "misdirected")
    refused(evaluate(host=host), 421, "misdirected")
    assert service.store.records == 0


# --- log lines -------------------------------------------------------------------------------------------------------


def test_one_line_a_request(client, evaluate, lines):
    """With the ids, the outcome and the duration, and the route in place of the path."""
    decision = evaluate(**{"x-request-id": "abc"}).json()
    client.get(f"/v1/decisions/{decision['id']}")
    client.get("/somewhere/practice-of-dr-li-na")
    evaluated, read, nowhere = lines.events("request")
    assert {key: evaluated[key] for key in ("level", "request_id", "method", "route", "status")} == {
        "level": "info",
        "request_id": "abc",
        "method": "POST",
        "route": "/v1/evaluate",
        "status": 200,
    }
    assert evaluated["decision_id"] == decision["id"]
    assert (evaluated["outcome"], evaluated["proceed"]) == (decision["outcome"], decision["proceed"])
    assert 0 < evaluated["duration_ms"] < 60_000
    assert datetime.fromisoformat(evaluated["timestamp"]).tzinfo == UTC
    assert read["route"] == "/v1/decisions/{id}"
    assert nowhere["route"] is None


def test_no_personal_value_in_any_line(client, evaluate, lines):
    """Whatever becomes of the request, and wherever the value stands in it."""
    decision = evaluate().json()
    evaluate(body(exporter={"id": "practice-of-dr-li-na", "country": "practice-of-dr-li-na"}))
    evaluate(body(**{"practice-of-dr-li-na": 1}))
    evaluate(b"practice-of-dr-li-na")
    client.get("/v1/decisions/practice-of-dr-li-na?who=lab-of-dr-smith")
    client.get(f"/v1/decisions/{decision['id']}", headers={"user-agent": "Wang Fang, notary"})
    assert len(lines.events("request")) == 6
    for value in PERSONAL.values():
        assert value not in lines.getvalue()


# --- opening ---------------------------------------------------------------------------------------------------------


def test_the_bundled_policies_are_the_default(tmp_path):
    """Nothing needs to be named."""
    settings = Settings(watch=False, database=tmp_path / "log.db")
    with TestClient(create_app(settings), base_url="http://localhost") as client:
        assert "exporter.country" in {fact["name"] for fact in client.get("/v1/facts").json()["facts"]}


def test_trust_and_norms_are_the_operator_s(tmp_path):
    """What a deployment trusts, and whether norms bind it, goes into the bundle, and so into its digest of meaning."""
    digests = set()
    for number, (trust, norms) in enumerate(product(("confirmed", "from-memory"), ("bind", "advise"))):
        settings = Settings(watch=False, policies=POLICIES, database=tmp_path / f"{number}.db", trust=trust, norms=norms)
        service = Service.open(settings)
        service.close()
        assert service.live.bundle.settings == engine.PolicySettings(trust=trust, norms=norms)
        digests.add(service.live.bundle.digests.meaning)
    assert len(digests) == 4


def test_policies_that_do_not_hold_leave_no_log_behind(tmp_path):
    """The policies are read first."""
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "wrong.yaml").write_text("policy: x\nnothing: else\n")
    settings = Settings(policies=tmp_path / "policies", database=tmp_path / "log.db")
    with pytest.raises(engine.BundleRefused):
        Service.open(settings, say=log_lines.logger())
    assert [path.name for path in tmp_path.iterdir()] == ["policies"]
