"""Documents over HTTP: bytes kept and attached, confirmed by a person who did not ask, counted as shown, withdrawn and erased."""

import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from service.callers import keys
from service.callers.person import Person
from service.decisions.replay import kept_decider, replay
from service.documents.document_bytes import JPEG, PDF, PNG, TEXT, media_type_of
from service.documents.stated_documents import documents_with_hash, states_a_hash
from service.log.leaf import with_personal_values
from service.server.app import create_app
from service.service import Service
from service.settings import Settings
from service.store.tables import attached_document, document, document_confirmation, leaf_opening, tree_leaf
from service.telemetry import log_lines
from tests.service.callers.test_callers import bearer
from tests.service.conftest import BOTH_DATABASES, POLICIES, Lines, unlike_the_leaves

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
TODAY = NOON.date()
LAST = TODAY + timedelta(days=30)
CONTRACT = b"%PDF-1.7\nthe contract between the practice and the lab\n%%EOF\n"
HASH = hashlib.sha256(CONTRACT).hexdigest()
NAME = "evidence.cn-standard-contract"
TERMS = {"dated": "2026-05-01", "covers": True, "hash": f"sha256:{HASH}", "attested_by": "Wang Fang, notary"}
EXCHANGE = {
    "exporter": {"id": "practice", "country": "CN"},
    "recipient": {"id": "lab", "country": "US"},
    "data": {"people": 12_000},
    "evidence": {"cn-standard-contract": TERMS},
}
ACME = f"organisation: acme\ntitle: {{en: Acme, zh: 测试组织}}\nmust_be_shown: [{NAME}]\n"
ISSUER = "https://id.example.org"
PERSONS = {"asker": ("evaluate", "commit", "read"), "reviewer": ("review", "read", "evaluate"), "second": ("review", "read")}


class Desk:
    """A service whose organisation wants the contract shown, with the keys of some persons and of a program."""

    def __init__(self, service: Service, client: TestClient, moment: list[datetime]) -> None:
        self.service, self.client, self.moment = service, client, moment
        self.keys: dict[str, str] = {}
        for name, scopes in PERSONS.items():
            self.add_key(name, scopes, Person(ISSUER, name, name.title()))
        self.add_key("program", ("evaluate", "commit", "read", "review"), None)
        self.add_key("boss", ("administer", "read"), None)

    def add_key(self, name: str, scopes: tuple[str, ...], person: Person | None) -> None:
        """Make a key under a name."""
        with self.service.store.database.transaction() as transaction:
            _, self.keys[name] = keys.create(transaction, name, scopes, None, "test", NOON, person=person)

    def call(self, who: str, method: str, path: str, content: Any = None) -> Any:
        """Send a call with a key; the response. Bytes are sent as they are."""
        headers = bearer(self.keys[who])
        if isinstance(content, bytes):
            return self.client.request(method, path, content=content, headers=headers)
        return self.client.request(method, path, json=content, headers=headers)

    def evaluate(self, who: str = "asker", **changes: Any) -> dict[str, Any]:
        """The answer to the exchange, with some of its parts changed."""
        answer = self.call(who, "POST", "/v1/evaluate", {**EXCHANGE, **changes})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def kept(self, content: bytes = CONTRACT, who: str = "asker") -> str:
        """Keep some bytes; their hash."""
        answer = self.call(who, "POST", "/v1/documents", content)
        assert answer.status_code == 201, answer.text
        sha256: str = answer.json()["sha256"]
        return sha256

    def attach(self, decision: str, who: str = "asker", **changes: Any) -> Any:
        """Attach the contract to a decision."""
        return self.call(who, "POST", f"/v1/decisions/{decision}/documents", {"name": NAME, "sha256": HASH, **changes})

    def confirm(self, decision: str, who: str = "reviewer", **changes: Any) -> Any:
        """Confirm the contract of a decision."""
        sent = {"sha256": HASH, "reason": "I read it and called the notary", "until": LAST.isoformat(), **changes}
        return self.call(who, "POST", f"/v1/decisions/{decision}/documents/{NAME}/confirm", sent)

    def withdraw(self, decision: str, who: str = "reviewer") -> Any:
        """Withdraw what was confirmed of it."""
        path = f"/v1/decisions/{decision}/documents/{NAME}/withdraw"
        return self.call(who, "POST", path, {"reason": "the notary did not sign it"})

    def confirmed(self, **changes: Any) -> str:
        """A decision whose contract is attached and confirmed."""
        id: str = self.evaluate(**changes)["id"]
        self.kept()
        assert self.attach(id).status_code == 201
        assert self.confirm(id).status_code == 201
        return id

    def record(self, id: str) -> dict[str, Any]:
        """The record of a decision."""
        found: dict[str, Any] = self.call("reviewer", "GET", f"/v1/decisions/{id}").json()["record"]
        return found

    def replay(self, id: str) -> str:
        """What is the same where a decision is decided again by itself."""
        with self.service.store.database.reading.connect() as connection:
            return replay(self.service.stored(id), partial(kept_decider, connection)).same


@pytest.fixture
def desk(database: str, tmp_path: Path, lines: Lines) -> Iterator[Desk]:
    """At the end, each row says what the leaves say."""
    more = tmp_path / "more"
    more.mkdir()
    (more / "acme.yaml").write_text(ACME)
    moment = [NOON]
    settings = Settings(watch=False, watch_commitments=False, policies=(POLICIES, more), database=database)
    service = Service.open(settings, say=log_lines.logger(lines), clock=lambda: moment[0])
    with TestClient(create_app(settings, service), base_url="http://127.0.0.1:8080") as client:
        yield Desk(service, client, moment)
    assert unlike_the_leaves(database) == []


def source(answer: dict[str, Any]) -> str | None:
    """The source of the contract in what a permit rests on."""
    return {each["fact"]: each["source"] for each in answer.get("rests_on", ())}.get(NAME)


def test_a_document_counts_once_a_person_who_did_not_ask_has_confirmed_it(desk: Desk) -> None:
    """Attached alone it counts for nothing; confirmed it is shown, the record says by what, and a replay gives the same bytes."""
    first = desk.evaluate()
    assert (first["outcome"], first["must_be_shown"]) == ("review", [NAME])
    assert desk.kept() == HASH
    attached = desk.attach(first["id"])
    assert attached.status_code == 201
    assert (attached.json()["size"], attached.json()["media_type"]) == (len(CONTRACT), PDF)
    assert desk.evaluate()["outcome"] == "review"
    given = desk.confirm(first["id"]).json()
    again = desk.evaluate()
    assert (again["outcome"], again["proceed"], source(again)) == ("permitted", True, "shown")
    assert "must_be_shown" not in again
    shown = {NAME: {"by": "person", "id": given["id"], "until": LAST.isoformat()}}
    assert desk.record(again["id"])["shown"] == shown
    assert "shown" not in desk.record(first["id"])
    [listed] = desk.call("second", "GET", f"/v1/decisions/{first['id']}/documents").json()["documents"]
    assert (listed["name"], listed["sha256"], listed["shown_until"]) == (NAME, HASH, LAST.isoformat())
    assert [each["verdict"] for each in listed["confirmations"]] == ["confirm"]
    batch = desk.call("asker", "POST", "/v1/evaluate/batch", {"exchanges": [EXCHANGE]}).json()["results"]
    assert batch[0]["decision"]["outcome"] == "permitted"
    assert desk.withdraw(first["id"], "second").status_code == 201
    assert desk.evaluate()["outcome"] == "review"
    assert {desk.replay(each) for each in (first["id"], again["id"])} == {"bytes"}
    assert desk.withdraw(first["id"]).status_code == 409


def test_nobody_confirms_her_own_request(desk: Desk) -> None:
    """Neither with another key of hers, nor as a program, nor where it is not known who asked; and her own confirmation never counts."""
    desk.add_key("asker-2", ("review", "read"), Person(ISSUER, "asker", "Asker"))
    first = desk.evaluate()["id"]
    desk.kept()
    desk.attach(first)
    for who, said in (("asker-2", "asked for this decision yourself"), ("program", "a confirmation is a person's")):
        refused = desk.confirm(first, who)
        assert (refused.status_code, refused.json()["type"]) == (409, "urn:fifthfactor:problem:not-confirmable")
        assert said in refused.json()["detail"]
    assert desk.confirm(first, "asker").status_code == 403
    own = desk.evaluate("reviewer")["id"]
    desk.attach(own)
    assert desk.confirm(own).status_code == 409
    assert desk.confirm(first).status_code == 201
    assert desk.evaluate()["outcome"] == "permitted"
    assert desk.evaluate("reviewer")["outcome"] == "review"  # she asks, and she confirmed it
    assert desk.confirm(own, "second").status_code == 201
    assert desk.evaluate("reviewer")["outcome"] == "permitted"
    of_program = desk.evaluate("program")
    assert of_program["outcome"] == "permitted"
    assert desk.confirm(of_program["id"], "second").status_code == 409  # nothing is attached to this decision


def test_a_confirmation_is_bound_to_hash_terms_and_parties(desk: Desk) -> None:
    """Another date, end, hash, witness or party, and it says nothing."""
    desk.confirmed()
    assert desk.evaluate(data={"people": 30_000})["outcome"] == "permitted"
    terms: tuple[dict[str, Any], ...] = (
        {"dated": "2026-05-02"},
        {"expires": "2030-01-01"},
        {"hash": "0" * 64},
        {"attested_by": "Li Na, notary"},
    )
    documents = [*({**TERMS, **each} for each in terms), {name: each for name, each in TERMS.items() if name != "hash"}]
    others: tuple[dict[str, Any], ...] = (
        *({"evidence": {"cn-standard-contract": each}} for each in documents),
        {"recipient": {"id": "institute", "country": "US"}},
        {"recipient": {"id": "lab", "country": "KE"}},
        {"recipient": {"country": "US"}},
        {"exporter": {"id": "clinic", "country": "CN"}},
    )
    for changes in others:
        assert desk.evaluate(**changes)["outcome"] == "review", changes


def test_without_the_ids_of_both_parties_it_is_bound_to_all_facts(desk: Desk) -> None:
    """A recipient without an id may be anybody."""
    desk.confirmed(recipient={"country": "US"})
    assert desk.evaluate(recipient={"country": "US"})["outcome"] == "permitted"
    assert desk.evaluate(recipient={"country": "US"}, data={"people": 12_001})["outcome"] == "review"


def test_a_confirmation_ends(desk: Desk) -> None:
    """After its last day it counts for nothing; one that ended already is refused; and the answer says until when it holds."""
    id = desk.confirmed()
    past = (TODAY - timedelta(days=1)).isoformat()
    assert "has passed already" in desk.confirm(id, until=past).json()["detail"]
    answer = desk.call("asker", "POST", "/v1/evaluate?include=holds_until", EXCHANGE).json()
    assert answer["explanation"]["holds_until"]["holds_until"] == LAST.isoformat()
    assert "the check of the standard contract ends" in answer["explanation"]["holds_until"]["because"][0]
    desk.moment[0] = NOON + timedelta(days=30)
    assert desk.evaluate()["outcome"] == "permitted"
    desk.moment[0] = NOON + timedelta(days=31)
    last = desk.evaluate()
    assert last["outcome"] == "review"
    assert desk.replay(last["id"]) == "bytes"


def test_what_cannot_be_attached_or_confirmed_is_refused(desk: Desk) -> None:
    """With the reason: other bytes, bytes that are not kept, a document that is not stated or has no hash, another hash sent back."""
    first, other = desk.evaluate()["id"], desk.kept(b"another text")
    assert "no bytes with this hash are kept" in desk.attach(first).json()["detail"]
    assert "states the hash" in desk.attach(first, sha256=other).json()["detail"]
    assert desk.attach(first, name="evidence.none").status_code == 404
    assert desk.attach("none").status_code == 404
    bare = desk.evaluate(evidence={"cn-standard-contract": {"dated": "2026-05-01", "covers": True}})["id"]
    assert "states no SHA-256" in desk.attach(bare).json()["detail"]
    assert "no bytes are attached" in desk.confirm(first).json()["detail"]
    desk.kept()
    assert desk.attach(first).json() == desk.attach(first, "reviewer").json()  # once
    assert "open them, and send their hash" in desk.confirm(first, sha256=other).json()["detail"]
    for wrong in ({"sha256": "abc"}, {"until": None}, {"reason": " "}, {"reason": "a\x00"}, {"more": 1}):
        assert desk.confirm(first, **wrong).status_code == 400
    assert desk.attach(first, sha256="abc").status_code == 400
    for who in ("second", "boss"):  # without `evaluate`
        assert desk.call(who, "POST", "/v1/documents", CONTRACT).status_code == 403
    assert desk.withdraw(first).status_code == 409


@BOTH_DATABASES
def test_bytes_are_kept_once_and_sent_as_an_attachment_that_no_browser_runs(desk: Desk) -> None:
    """Their hash is computed here, their type is seen in them, and what is none of the four kinds is refused."""
    script = b"<!doctype html><script>alert(1)</script>"
    assert desk.kept(script) == desk.kept(script, "reviewer") == hashlib.sha256(script).hexdigest()
    answer = desk.call("reviewer", "GET", f"/v1/documents/{desk.kept(script)}")
    assert answer.content == script
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment; filename=")
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox; frame-ancestors 'none'"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert desk.call("reviewer", "GET", "/v1/documents/" + "0" * 64).status_code == 404
    assert desk.call("reviewer", "GET", "/v1/documents/..%2f").status_code == 404
    for content in (b"", b"MZ\x90\x00", b"PK\x03\x04", b"\xff\xfe", b"a\x00b", b"\x1b[2J"):
        assert desk.call("asker", "POST", "/v1/documents", content).status_code == 415
    assert desk.call("asker", "POST", "/v1/documents", b"a" * (10 * 1024 * 1024 + 1)).status_code == 413
    largest = b"%PDF-1.7" + b"a" * (10 * 1024 * 1024 - 8)
    assert desk.call("asker", "GET", f"/v1/documents/{desk.kept(largest)}").content == largest
    with desk.service.store.database.reading.connect() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(document)).scalar_one() == 2


def test_the_type_of_bytes_is_seen_in_them() -> None:
    """By how they begin; text is UTF-8 without control characters."""
    assert media_type_of(CONTRACT) == PDF
    assert media_type_of(b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR") == PNG
    assert media_type_of(b"\xff\xd8\xff\xe0\x00\x10JFIF") == JPEG
    assert media_type_of("合同\n\tcontract\r\n".encode()) == TEXT
    assert media_type_of("\ufeff合同".encode()) == TEXT
    for other in (b"", b"\x89PNG\r\n\x1a\n", "\u009b1m".encode(), b"\xef\xbb\xbf", b"\x7f"):
        assert media_type_of(other) is None


@BOTH_DATABASES
def test_an_erasure_takes_bytes_and_confirmations_along(desk: Desk) -> None:
    """The bytes stay while another decision has them; without both there is no hash, no byte, no confirmation."""
    first = desk.confirmed()
    other = desk.evaluate(recipient={"id": "institute", "country": "US"})["id"]
    desk.attach(other)
    assert desk.confirm(other, "second").status_code == 201
    erase = partial(desk.call, "boss", "POST")
    held = erase(f"/v1/decisions/{first}/erase")
    assert (held.status_code, held.json()["errors"][0]["code"]) == (409, "document-confirmed")
    desk.withdraw(first)
    assert erase(f"/v1/decisions/{first}/erase").status_code == 200
    assert desk.call("second", "GET", f"/v1/documents/{HASH}").status_code == 200
    assert desk.evaluate(recipient={"id": "institute", "country": "US"})["outcome"] == "permitted"
    assert desk.evaluate()["outcome"] == "review"
    assert "were erased" in desk.attach(first).json()["detail"]
    desk.moment[0] = NOON + timedelta(days=60)
    assert erase(f"/v1/decisions/{other}/erase").status_code == 200
    assert desk.call("second", "GET", f"/v1/documents/{HASH}").status_code == 404
    with desk.service.store.database.reading.connect() as connection:
        [row] = connection.execute(sa.select(document)).all()
        assert (row.sha256, row.content) == (None, None)
        assert not connection.execute(sa.select(attached_document.c.document)).scalar()
        assert set(connection.execute(sa.select(document_confirmation.c.binding)).scalars()) == {None}
        hashes = sa.select(leaf_opening.c.value).where(leaf_opening.c.name.in_(("sha256", "binding", "bytes")))
        assert not any(connection.execute(hashes).scalars())
    assert desk.kept() == HASH  # the same bytes again are another document


def test_an_erasure_of_one_decision_revives_nothing_of_another(desk: Desk) -> None:
    """What is withdrawn for a second decision is withdrawn for the first too, whichever of them is erased."""
    desk.confirmed()
    second = desk.evaluate()["id"]
    desk.attach(second)
    assert desk.withdraw(second).status_code == 201
    assert desk.evaluate()["outcome"] == "review"
    assert desk.call("boss", "POST", f"/v1/decisions/{second}/erase").status_code == 200
    assert desk.evaluate()["outcome"] == "review"


def test_bytes_that_nobody_attached_are_erased_after_a_day(desk: Desk) -> None:
    """With the next bytes that are kept."""
    lonely = desk.kept(b"nobody wants me")
    first = desk.evaluate()["id"]
    desk.kept()
    desk.attach(first)
    desk.moment[0] = NOON + timedelta(hours=25)
    desk.kept(b"a third")
    assert desk.call("asker", "GET", f"/v1/documents/{lonely}").status_code == 404
    assert desk.call("asker", "GET", f"/v1/documents/{HASH}").status_code == 200


def test_leaves_tell_no_hash(desk: Desk) -> None:
    """The hash of a document that can be guessed would confirm the guess, so it stands in leaves as a salted commitment."""
    desk.confirmed()
    with desk.service.store.database.reading.connect() as connection:
        kinds = ("document-kept", "document-attached", "document-confirmation")
        leaves = connection.execute(sa.select(tree_leaf.c.kind, tree_leaf.c.leaf).where(tree_leaf.c.kind.in_(kinds))).all()
    assert [each.kind for each in leaves] == [*kinds]
    told = {each.kind: json.loads(bytes(each.leaf)) for each in leaves}
    assert not any(HASH.encode() in bytes(each.leaf) for each in leaves)
    assert not any(word in bytes(each.leaf) for each in leaves for word in (b"key:", b"notary", b"Reviewer"))
    assert told["document-confirmation"]["until"] == LAST.isoformat()
    assert told["document-attached"]["bytes"].keys() == {"commitment"}


def test_a_commitment_rests_on_what_is_shown_to_whoever_asked(desk: Desk) -> None:
    """The confirmer may commit what another asked for; after a withdrawal the decision has moved."""
    first = desk.confirmed()
    desk.add_key("committer", ("commit", "read"), Person(ISSUER, "reviewer", "Reviewer"))
    done = desk.call("committer", "POST", "/v1/commitments", {"decision": desk.evaluate()["id"]})
    assert done.status_code == 201, done.text
    evaluation = done.json()["evaluation"]
    assert NAME in desk.record(evaluation)["shown"]
    assert desk.replay(evaluation) == "bytes"
    second = desk.evaluate()["id"]
    desk.withdraw(first)
    moved = desk.call("asker", "POST", "/v1/commitments", {"decision": second})
    assert (moved.status_code, moved.json()["decision"]["outcome"]) == (409, "review")


def test_what_the_register_states_of_a_document_can_be_confirmed_too(desk: Desk) -> None:
    """By the name under which the exchange presents it; then it is shown, not only registered."""
    desk.add_key("registrar", ("administer",), None)
    terms = {name: value for name, value in TERMS.items() if name != "attested_by"}
    entity = {"facts": {"country": "US"}, "evidence": {"cn-standard-contract": terms}}
    assert desk.call("registrar", "PUT", "/v1/parties/lab", entity).is_success
    first = desk.evaluate(evidence={})
    assert (first["outcome"], source(first)) == ("permitted", "registered")
    desk.kept()
    assert desk.attach(first["id"]).status_code == 201
    assert desk.confirm(first["id"]).status_code == 201
    assert source(desk.evaluate(evidence={})) == "shown"


@pytest.fixture
def counting(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tables that were asked whether they have a row."""
    asked: list[str] = []
    has_rows = type(desk.service.store.database).has_rows

    def told(self: Any, table: sa.Table) -> bool:
        asked.append(table.name)
        return has_rows(self, table)

    monkeypatch.setattr(type(desk.service.store.database), "has_rows", told)
    return asked


def test_an_exchange_without_a_hash_costs_no_look(desk: Desk, counting: list[str]) -> None:
    """Only one that states a hash asks whether anything was ever confirmed."""
    desk.evaluate(evidence={})
    assert "document_confirmation" not in counting
    desk.evaluate()
    assert "document_confirmation" in counting


def test_a_hash_is_read_in_each_spelling_and_the_senders_document_counts() -> None:
    """With or without its kind before it, in capitals or not; the register's only where the sender says nothing of it."""
    bundle: Any = None
    mine = {"evidence": {"a": {"hash": "SHA256:" + "AB" * 32}, "b": "none", "c": {"hash": "12"}, "d": "unknown"}}
    states = {"evidence": {kind: {"hash": "cd" * 32} for kind in "abcd"}}
    exchange = {**mine, "register": {"recipient.id": {"states": states}, "data.id": {"known": False}}}
    found = {name: each.sha256 for name, each in documents_with_hash(bundle, exchange).items()}
    assert found == {"evidence.a": "ab" * 32, "evidence.d": "cd" * 32}
    assert states_a_hash(exchange)
    assert states_a_hash({"claims": {"x": {"hash": "0" * 64}}})
    nothing: tuple[dict[str, Any], ...] = (
        {},
        {"evidence": {}},
        {"evidence": {"a": {"hash": "0" * 63}}},
        {"evidence": "unknown", "register": []},
        {"evidence": {"a": None, "b": ["hash"], "c": "hash", "d": {"dated": "2026-01-01"}}},
    )
    assert not any(map(states_a_hash, nothing))


def test_an_open_desk_confirms_nothing_and_says_why(client: TestClient, evaluate: Callable[..., Any]) -> None:
    """Where callers need no key nobody can be told apart."""
    id = evaluate(json.dumps(EXCHANGE).encode()).json()["id"]
    assert client.post("/v1/documents", content=CONTRACT).status_code == 201
    assert client.post(f"/v1/decisions/{id}/documents", json={"name": NAME, "sha256": HASH}).status_code == 201
    sent = {"sha256": HASH, "reason": "I read it", "until": date.max.isoformat()}
    refused = client.post(f"/v1/decisions/{id}/documents/{NAME}/confirm", json=sent)
    assert refused.status_code == 409
    assert "nobody can be told apart" in refused.json()["detail"]


def test_rows_that_were_changed_are_found(desk: Desk, database: str) -> None:
    """Other bytes, another last day, a confirmation that no leaf made."""
    desk.confirmed()
    changes = (
        (sa.update(document).values(content=CONTRACT + b"!"), sa.update(document).values(content=CONTRACT), 1),
        (
            sa.update(document_confirmation).values(until="2099-01-01"),
            sa.update(document_confirmation).values(until=LAST.isoformat()),
            2,  # the row and its seal
        ),
    )
    for change, back, faults in changes:
        with desk.service.store.database.writing.begin() as raw:
            raw.execute(change)
        assert len(unlike_the_leaves(database)) == faults
        with desk.service.store.database.writing.begin() as raw:
            raw.execute(back)


def test_an_approval_is_judged_with_what_was_shown(desk: Desk) -> None:
    """A sign-off of a decision rests on what counted as shown in it."""
    id = desk.confirmed()
    stored = desk.service.stored(desk.evaluate()["id"])
    assert NAME in with_personal_values(stored.entry.leaf, stored.entry.openings)["shown"]
    refused = desk.call(
        "second",
        "POST",
        f"/v1/decisions/{stored.entry.id}/sign-off",
        {"provisions": ["cn.test/art-1"], "verdict": "approve", "reason": "fine", "until": LAST.isoformat()},
    )
    assert refused.status_code == 409  # nothing is under review
    given = desk.call(
        "second",
        "POST",
        f"/v1/decisions/{id}/sign-off",
        {"provisions": ["cn.test/art-1"], "verdict": "approve", "reason": "fine", "until": LAST.isoformat()},
    )
    assert given.status_code == 201
