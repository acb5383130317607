"""Signed statements on documents over HTTP: whose count, what they must say, and how they end."""

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from service.audit import signed_document
from service.callers.caller import LOCAL
from service.documents.shown_documents import shown_on
from service.documents.signed_statements import PAYLOAD_TYPE, DocumentStatementRefused, Verifier, statement_to_sign
from service.documents.stated_documents import documents_with_hash
from service.documents.trusted_signers import MOST_SIGNERS, TrustedSigners
from service.languages.words import wording
from service.policies.dsse import Envelope
from service.server.app import create_app
from service.service import Service
from service.settings import SettingRefused, Settings
from service.store.tables import document_confirmation, leaf_opening, tree_leaf
from service.telemetry import log_lines
from service.transparency.ed25519 import PrivateKey
from service.watch.round import RoundDone, run, sign
from service.watch.transactions import writing
from tests.service.callers.test_callers import bearer
from tests.service.conftest import BOTH_DATABASES, POLICIES, Lines, sealed_again, unlike_the_leaves
from tests.service.documents.test_document_pages import Form
from tests.service.documents.test_documents import ACME, CONTRACT, EXCHANGE, HASH, LAST, NAME, NOON, TERMS, TODAY, Desk, source

KEY, OTHER = PrivateKey.from_raw(b"\x01" * 32), PrivateKey.from_raw(b"\x02" * 32)
STRANGER = PrivateKey.from_raw(b"\x03" * 32)
SIGNERS = f'["The notary"]\nkey = "notary.pub"\ndocuments = ["{NAME}"]\nuntil = 2027-12-31\n'
OF_ANOTHER = '["The chamber"]\nkey = "chamber.pub"\nuntil = 2099-12-31\n'
JSON = {"content-type": "application/json"}
SIGNED_AT = NOON - timedelta(hours=1)


class SigningDesk(Desk):
    """A desk whose operator trusts a notary. It makes envelopes and attaches them."""

    def payload(self, **changes: Any) -> dict[str, Any]:
        """The statement on the contract of the exchange, with some members changed; None takes one away."""
        told = {
            "schema": "fifthfactor/document-statement/1",
            "log": self.service.store.database.log_key().origin,
            "name": NAME,
            "sha256": HASH,
            "terms": {name: value for name, value in TERMS.items() if name != "hash"},
            "exporter": {"id": "practice", "country": "CN"},
            "recipient": {"id": "lab", "country": "US"},
            "signed_at": SIGNED_AT.isoformat(),
            "until": LAST.isoformat(),
            **changes,
        }
        return {name: value for name, value in told.items() if value is not None}

    def envelope(self, *keys: PrivateKey, raw: bytes | None = None, kind: str = PAYLOAD_TYPE, **changes: Any) -> bytes:
        """An envelope around it, signed by some keys, the notary's if none is named."""
        found = Envelope(kind, json.dumps(self.payload(**changes)).encode() if raw is None else raw, ())
        for key in keys or (KEY,):
            found = found.signed_also_by(key)
        return found.written()

    def sign(self, decision: str, envelope: bytes, who: str = "asker", name: str = NAME) -> Any:
        """Attach an envelope to a document of a decision."""
        headers = {**bearer(self.keys[who]), **JSON}
        return self.client.post(f"/v1/decisions/{decision}/documents/{name}/signature", content=envelope, headers=headers)

    def refused(self, decision: str, envelope: bytes, status: int = 409) -> str:
        """Attach an envelope that is refused; the reason."""
        answer = self.sign(decision, envelope)
        assert (answer.status_code, answer.json()["type"]) == (status, "urn:fifthfactor:problem:signature-refused"), answer.text
        told: str = answer.json()["detail"]
        return told

    def attached(self, **changes: Any) -> str:
        """A decision with the bytes of the contract."""
        id: str = self.evaluate(**changes)["id"]
        self.kept()
        assert self.attach(id).status_code == 201
        return id

    def signed(self) -> str:
        """A decision whose contract is attached and signed."""
        id = self.attached()
        answer = self.sign(id, self.envelope())
        assert answer.status_code == 201, answer.text
        return id

    def signatures(self, id: str) -> list[dict[str, Any]]:
        """The signed statements of a decision, as they are listed."""
        [listed] = self.call("second", "GET", f"/v1/decisions/{id}/documents").json()["documents"]
        found: list[dict[str, Any]] = listed["signatures"]
        return found


Opened = Callable[..., Any]


@pytest.fixture
def opened(database: str, tmp_path: Path, lines: Lines) -> Iterator[Opened]:
    """Opens a desk on the one database with signers of its own. At the end, each row says what the leaves say."""
    more = tmp_path / "more"
    more.mkdir()
    (more / "acme.yaml").write_text(ACME)
    for name, key in (("notary", KEY), ("chamber", OTHER)):
        (tmp_path / f"{name}.pub").write_bytes(key.public.to_pem())
    moment = [NOON]

    @contextmanager
    def desk(signers: str | None = SIGNERS, now: datetime = NOON, like: Desk | None = None) -> Iterator[Any]:
        moment[0] = now
        file = tmp_path / "signers.toml"
        file.write_text(signers or "")
        settings = Settings(
            watch=False,
            watch_commitments=False,
            policies=(POLICIES, more),
            database=database,
            document_signers=None if signers is None else file,
        )
        service = Service.open(settings, say=log_lines.logger(lines), clock=lambda: moment[0])
        with TestClient(create_app(settings, service), base_url="http://127.0.0.1:8080") as client:
            if like is None:
                yield SigningDesk(service, client, moment)
            else:
                again = SigningDesk.__new__(SigningDesk)
                again.service, again.client, again.moment, again.keys = service, client, moment, like.keys
                yield again

    yield desk
    assert unlike_the_leaves(database) == []


@pytest.fixture
def desk(opened: Opened) -> Iterator[SigningDesk]:
    """A desk whose operator trusts the notary for the contract."""
    with opened() as found:
        yield found


def test_a_signed_document_counts_as_shown_and_replays(desk: SigningDesk) -> None:
    """Attached by the one who asks; the record says by what, and the same decision comes out again after a withdrawal."""
    id = desk.attached()
    assert desk.evaluate()["outcome"] == "review"
    given = desk.sign(id, desk.envelope())
    assert given.status_code == 201, given.text
    told = given.json()
    assert (told["counts_until"], told["why_not"]) == (LAST.isoformat(), None)
    assert told["signers"] == [{"name": "The notary", "key": KEY.public.id, "until": "2027-12-31"}]
    again = desk.evaluate()
    assert (again["outcome"], source(again), "must_be_shown" in again) == ("permitted", "shown", False)
    assert desk.record(again["id"])["shown"] == {NAME: {"by": "signature", "id": told["id"], "until": LAST.isoformat()}}
    assert desk.evaluate("program")["outcome"] == "permitted"
    batch = desk.call("asker", "POST", "/v1/evaluate/batch", {"exchanges": [EXCHANGE]}).json()["results"]
    assert batch[0]["decision"]["outcome"] == "permitted"
    done = desk.call("asker", "POST", "/v1/commitments", {"decision": again["id"]})
    assert done.status_code == 201, done.text
    assert desk.record(done.json()["evaluation"])["shown"][NAME]["by"] == "signature"
    assert desk.sign(id, desk.envelope()).json() == told  # once
    assert len(desk.signatures(id)) == 1
    assert desk.withdraw(id, "second").status_code == 201
    assert desk.evaluate()["outcome"] == "review"
    assert desk.signatures(id)[0]["why_not"] == "withdrawn"
    assert {desk.replay(each) for each in (id, again["id"], done.json()["evaluation"])} == {"bytes"}


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"terms": {**TERMS, "dated": "2026-05-02"}}, ""),
        ({"terms": {"dated": "2026-05-02", "covers": True, "attested_by": "Wang Fang, notary"}}, "`terms.dated`"),
        ({"terms": {"dated": "2026-05-01", "attested_by": "Wang Fang, notary"}}, "`terms.covers`"),
        ({"terms": {"dated": "2026-05-01", "covers": 1, "attested_by": "Wang Fang, notary"}}, "`terms.covers`"),
        ({"terms": {"dated": "2026-05-01", "covers": True, "attested_by": "Wang Fang, notary", "people": 5}}, "`terms.people`"),
        ({"recipient": {"id": "institute", "country": "US"}}, "`recipient`"),
        ({"recipient": {"id": "lab", "country": None}}, "`recipient`"),
        ({"exporter": {"id": "practice", "country": "KE"}}, "`exporter`"),
        ({"sha256": "0" * 64}, "`sha256`"),
        ({"name": "evidence.other"}, "`name`"),
        ({"log": "fifthfactor/log/another"}, "`log`"),
    ],
)
def test_what_the_exchange_states_must_be_what_is_signed(desk: SigningDesk, changes: dict[str, Any], names: str) -> None:
    """Another date, a term more or less, a number for a truth value, another party, hash, name or service: it is refused and named."""
    id = desk.attached()
    detail = desk.refused(id, desk.envelope(**changes))
    assert names in detail if names else "see `terms`" in detail
    assert "Wang" not in detail
    assert desk.evaluate()["outcome"] == "review"


def test_another_exchange_than_the_signed_one_is_merely_stated(desk: SigningDesk) -> None:
    """Other terms or parties say nothing; other data between the same parties do not matter."""
    desk.signed()
    assert desk.evaluate(data={"people": 30_000})["outcome"] == "permitted"
    others: tuple[dict[str, Any], ...] = (
        {"evidence": {"cn-standard-contract": {**TERMS, "dated": "2026-05-02"}}},
        {"evidence": {"cn-standard-contract": {**TERMS, "expires": "2030-01-01"}}},
        {"evidence": {"cn-standard-contract": {**TERMS, "hash": "0" * 64}}},
        {"recipient": {"id": "institute", "country": "US"}},
        {"recipient": {"id": "lab", "country": "KE"}},
        {"recipient": {"country": "US"}},
        {"exporter": {"id": "clinic", "country": "CN"}},
    )
    for changes in others:
        assert desk.evaluate(**changes)["outcome"] == "review", changes


def test_envelopes_are_read_strictly(desk: SigningDesk) -> None:
    """Altered, signed by a stranger, of another type, with a member twice or unknown, too large, too deep, or no JSON at all."""
    id = desk.attached()
    good = json.loads(desk.envelope())
    altered = base64.b64encode(json.dumps(desk.payload(until="2027-06-01")).encode()).decode()
    text = json.dumps(desk.payload())
    several = [{"keyid": "", "sig": good["signatures"][0]["sig"]}] * 9
    cases: dict[bytes, str] = {
        desk.envelope(STRANGER): "none of the trusted keys signed it",
        desk.envelope(OTHER): "none of the trusted keys signed it",
        json.dumps({**good, "payload": altered}).encode(): "none of the trusted keys signed it",
        desk.envelope(kind="application/vnd.in-toto+json"): "the envelope's type is not",
        json.dumps({**good, "more": 1}).encode(): "and no other",
        json.dumps({**good, "signatures": [{**good["signatures"][0], "cert": ""}]}).encode(): "and no other",
        json.dumps({**good, "signatures": []}).encode(): "no signature",
        json.dumps({**good, "signatures": several}).encode(): "more than 8",
        json.dumps({**good, "payload": "!"}).encode(): "base64",
        json.dumps(good).replace('"payload"', '"payloadType": "x", "payload"', 1).encode(): "a member twice",
        desk.envelope(raw=text.replace('"covers": true', '"covers": false, "covers": true').encode()): "a member twice",
        desk.envelope(raw=text.replace("{", '{"name": "evidence.x", ', 1).encode()): "a member twice",
        desk.envelope(more=1): "see `more`",
        desk.envelope(until=None): "see `until`",
        desk.envelope(until="2027-02-30"): "see `until`",
        desk.envelope(signed_at="2026-11-27T11:00:00"): "see `signed_at`",
        desk.envelope(exporter={"id": "", "country": "CN"}): "see `exporter.id`",
        desk.envelope(schema="fifthfactor/document-statement/2"): "see `schema`",
        desk.envelope(raw=text.replace('"covers": true', '"covers": NaN').encode()): "JSON does not have",
        desk.envelope(raw=b"[" * 9_000): "is not JSON",
        desk.envelope(raw=b"[]"): "not a JSON object",
        desk.envelope(raw=b"\xff"): "is not JSON",
        b"[" * 30_000: "is not JSON",
        b"": "is not JSON",
        b"[]": "not a JSON object",
    }
    for envelope, told in cases.items():
        assert told in desk.refused(id, envelope), told
    assert desk.sign(id, b"{" + b" " * (32 * 1024) + b"}").status_code == 413
    assert desk.signatures(id) == []
    assert desk.evaluate()["outcome"] == "review"


def test_a_strangers_signature_beside_a_trusted_one_is_dropped(desk: SigningDesk) -> None:
    """It is kept nowhere; the trusted one counts."""
    id = desk.attached()
    told = desk.sign(id, desk.envelope(STRANGER, KEY)).json()
    assert [each["name"] for each in told["signers"]] == ["The notary"]
    with desk.service.store.database.reading.connect() as connection:
        [envelope] = connection.execute(sa.select(document_confirmation.c.envelope)).scalars()
    assert [each["keyid"] for each in json.loads(envelope)["signatures"]] == [KEY.public.id]
    assert desk.evaluate()["outcome"] == "permitted"


def test_who_may_attach_what_to_which_decision(desk: SigningDesk) -> None:
    """With the scope to evaluate; to a document that the exchange states with the hash of bytes that are attached, of known parties."""
    id = desk.evaluate()["id"]
    assert "attach those that were signed first" in desk.refused(id, desk.envelope())
    for who in ("second", "boss"):
        assert desk.sign(id, desk.envelope(), who).status_code == 403
    assert desk.sign("none", desk.envelope()).status_code == 404
    assert desk.sign(id, desk.envelope(), name="evidence.none").status_code == 404
    bare = desk.evaluate(evidence={"cn-standard-contract": {"dated": "2026-05-01", "covers": True}})["id"]
    assert desk.sign(bare, desk.envelope()).json()["type"].endswith("not-attachable")
    nameless = desk.attached(recipient={"country": "US"})
    assert "both parties by `id`" in desk.refused(nameless, desk.envelope(recipient={"id": "lab", "country": "US"}))


def test_a_signature_ends_with_its_last_day_and_with_that_of_its_signer(opened: Opened) -> None:
    """Whichever comes first; `holds_until` knows it, and one that ended is refused."""
    with opened(SIGNERS.replace("2027-12-31", (TODAY + timedelta(days=10)).isoformat())) as desk:
        id = desk.attached()
        past = (TODAY - timedelta(days=1)).isoformat()
        assert "has passed already" in desk.refused(id, desk.envelope(until=past))
        assert desk.sign(id, desk.envelope()).json()["counts_until"] == (TODAY + timedelta(days=10)).isoformat()
        answer = desk.call("asker", "POST", "/v1/evaluate?include=holds_until", EXCHANGE).json()
        assert answer["explanation"]["holds_until"]["holds_until"] == (TODAY + timedelta(days=10)).isoformat()
        desk.moment[0] = NOON + timedelta(days=11)
        last = desk.evaluate()
        assert last["outcome"] == "review"
        assert desk.replay(last["id"]) == "bytes"
        assert desk.signatures(id)[0]["why_not"] == "ended"
        assert "last day of its signer" in desk.refused(id, desk.envelope())
    with opened(now=NOON + timedelta(days=11), like=desk) as later:  # the operator trusts the notary for longer
        assert later.evaluate()["outcome"] == "permitted"
        later.moment[0] = NOON + timedelta(days=31)
        assert later.evaluate()["outcome"] == "review"


def test_a_signer_who_was_removed_counts_no_longer(opened: Opened) -> None:
    """For new decisions; recorded ones replay. Another signer in its place, or another document, is not enough."""
    with opened() as desk:
        id = desk.signed()
        permitted = desk.evaluate()
        assert permitted["outcome"] == "permitted"
    for signers in (None, OF_ANOTHER, SIGNERS.replace(NAME, "evidence.other")):
        with opened(signers, like=desk) as later:
            assert later.evaluate()["outcome"] == "review"
            assert later.signatures(id)[0]["why_not"] == "signer"
            assert later.replay(permitted["id"]) == "bytes"
            refused = later.refused(id, later.envelope())
            assert "trust" in refused
    with opened(SIGNERS + OF_ANOTHER, like=desk) as later:
        assert later.evaluate()["outcome"] == "permitted"


def test_without_the_setting_nothing_that_is_signed_counts(opened: Opened) -> None:
    """By default nobody is trusted."""
    with opened(None) as desk:
        id = desk.attached()
        assert desk.refused(id, desk.envelope()) == "this service trusts no signer of documents"
        assert desk.evaluate()["outcome"] == "review"


def test_a_clock_that_is_set_back_at_a_withdrawal_lets_nothing_count_again(desk: SigningDesk) -> None:
    """What was attached before the withdrawal was signed before it, whatever moment the service took it for."""
    id = desk.signed()
    desk.moment[0] = NOON - timedelta(hours=6)
    assert desk.withdraw(id).status_code == 201
    desk.moment[0] = NOON + timedelta(minutes=5)
    assert "before this document was withdrawn" in desk.refused(id, desk.envelope())
    assert "before this document was withdrawn" in desk.refused(desk.attached(), desk.envelope())
    assert desk.evaluate()["outcome"] == "review"


def test_what_was_signed_before_a_withdrawal_never_counts_again(desk: SigningDesk) -> None:
    """Neither the same envelope nor another one from before; not for another decision, and not once the withdrawn one is erased."""
    id = desk.signed()
    spare = desk.envelope(until="2027-06-30")
    assert desk.withdraw(id).status_code == 201
    assert desk.evaluate()["outcome"] == "review"
    for envelope in (desk.envelope(), spare):
        assert "before this document was withdrawn" in desk.refused(id, envelope)
    other = desk.attached()
    assert "before this document was withdrawn" in desk.refused(other, spare)
    assert desk.call("boss", "POST", f"/v1/decisions/{id}/erase").status_code == 200
    assert "a withdrawal that was erased" in desk.refused(other, spare)
    assert "a withdrawal that was erased" in desk.refused(desk.attached(), desk.envelope())
    assert desk.evaluate()["outcome"] == "review"
    desk.moment[0] = NOON + timedelta(hours=2)
    assert "has not come" in desk.refused(other, desk.envelope(signed_at=(NOON + timedelta(hours=3)).isoformat()))
    anew = desk.envelope(signed_at=(NOON + timedelta(hours=1)).isoformat())
    assert desk.sign(other, anew).status_code == 201
    assert desk.evaluate()["outcome"] == "permitted"


def test_an_erasure_takes_the_signature_along(desk: SigningDesk) -> None:
    """While it runs the decision is still needed; afterwards neither row nor leaf has the envelope."""
    id = desk.signed()
    held = desk.call("boss", "POST", f"/v1/decisions/{id}/erase")
    assert (held.status_code, held.json()["errors"][0]["code"]) == (409, "document-signed")
    desk.moment[0] = NOON + timedelta(days=31)
    assert desk.call("boss", "POST", f"/v1/decisions/{id}/erase").status_code == 200
    with desk.service.store.database.reading.connect() as connection:
        [row] = connection.execute(sa.select(document_confirmation)).all()
        assert (row.binding, row.envelope) == (None, None)
        names = ("binding", "envelope", "keys")
        assert not any(connection.execute(sa.select(leaf_opening.c.value).where(leaf_opening.c.name.in_(names))).scalars())
    assert desk.signatures(id)[0]["why_not"] == "erased"
    assert "were erased" in desk.refused(id, desk.envelope(until="2027-06-30"))


def test_the_leaf_tells_neither_terms_nor_parties(desk: SigningDesk) -> None:
    """They stand in it as salted commitments; the settings in the log name keys, and no signer."""
    desk.signed()
    with desk.service.store.database.reading.connect() as connection:
        of = sa.select(tree_leaf.c.leaf).where(tree_leaf.c.kind == "document-signature")
        [leaf] = [bytes(each) for each in connection.execute(of).scalars()]
        of = sa.select(tree_leaf.c.leaf).where(tree_leaf.c.kind == "settings")
        [settings] = [json.loads(bytes(each))["settings"] for each in connection.execute(of).scalars()]
    told = json.loads(leaf)
    assert (told["name"], told["until"]) == (NAME, LAST.isoformat())
    assert {"commitment"} == told["envelope"].keys() == told["keys"].keys() == told["binding"].keys()
    assert settings["document_signers"] == [{"key": KEY.public.id, "documents": [NAME], "until": "2027-12-31"}]


def test_rows_that_were_changed_are_found_and_count_for_nothing(desk: SigningDesk, database: str) -> None:
    """Another envelope, a row without a leaf: what is not signed by a trusted key counts in no decision."""
    desk.signed()
    forged = Envelope(PAYLOAD_TYPE, json.dumps(desk.payload(until="2099-01-01")).encode(), ()).signed_also_by(STRANGER)
    with desk.service.store.database.writing.begin() as raw:
        before = raw.execute(sa.select(document_confirmation.c.envelope)).scalar_one()
        raw.execute(sa.update(document_confirmation).values(envelope=forged.written().decode(), until="2099-01-01"))
    answer = desk.call("asker", "POST", "/v1/evaluate", EXCHANGE)
    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (503, "seal-broken")
    sealed_again(desk.service)  # an envelope that no trusted key signed counts for nothing, whoever sealed the row
    assert desk.evaluate()["outcome"] == "review"
    assert len(unlike_the_leaves(database)) == 1
    with desk.service.store.database.writing.begin() as raw:
        raw.execute(sa.update(document_confirmation).values(envelope=before, until=LAST.isoformat()))
    sealed_again(desk.service)
    assert desk.evaluate()["outcome"] == "permitted"


def test_callers_without_keys_rest_on_a_signature_and_on_no_confirmation(opened: Opened) -> None:
    """Nobody can be told apart there, so whoever asks may be the person who confirmed; a signature is the signer's."""
    with opened(like=SimpleNamespace(keys={})) as keyless:
        call = keyless.client
        id = call.post("/v1/evaluate", json=EXCHANGE).json()["id"]
        assert call.post("/v1/documents", content=CONTRACT).status_code == 201
        documents = f"/v1/decisions/{id}/documents"
        assert call.post(documents, json={"name": NAME, "sha256": HASH}).status_code == 201
        assert call.post("/v1/evaluate", json=EXCHANGE).json()["outcome"] == "review"
        assert call.post(f"{documents}/{NAME}/signature", content=keyless.envelope(), headers=JSON).status_code == 201
        assert call.post("/v1/evaluate", json=EXCHANGE).json()["outcome"] == "permitted"
    with opened(None) as desk:
        desk.confirmed()
        nobody = Verifier(TrustedSigners())
        found = documents_with_hash(desk.service.live.bundle, EXCHANGE).values()
        with desk.service.store.database.reading.connect() as connection:
            assert shown_on(connection, found, TODAY, LOCAL, nobody) == {}
            assert shown_on(connection, found, TODAY, None, nobody)[NAME].by == "person"


def test_the_longer_of_confirmation_and_signature_counts(desk: SigningDesk) -> None:
    """A person confirms for longer than what is signed; without her the signature still counts."""
    id = desk.signed()
    longer = LAST + timedelta(days=5)
    assert desk.confirm(id, until=longer.isoformat()).status_code == 201
    shown = desk.record(desk.evaluate()["id"])["shown"][NAME]
    assert (shown["by"], shown["until"]) == ("person", longer.isoformat())
    shown = desk.record(desk.evaluate("reviewer")["id"])["shown"][NAME]  # her own confirmation does not count
    assert (shown["by"], shown["until"]) == ("signature", LAST.isoformat())


def test_a_claim_is_signed_only_where_it_is_named(tmp_path: Path) -> None:
    """A signer without a list of documents may sign all evidence, and no claim."""
    signers = read(tmp_path, OF_ANOTHER + SIGNERS.replace(NAME, "claims.necessity"))
    may = {each.name: [each.may_sign(name) for name in (NAME, "claims.necessity", "claims.other")] for each in signers}
    assert may == {"The chamber": [True, False, False], "The notary": [False, True, False]}


def read(folder: Path, text: str | bytes) -> TrustedSigners:
    """The signers in a file with this text, beside two keys."""
    for name, key in (("notary", KEY), ("chamber", OTHER)):
        (folder / f"{name}.pub").write_bytes(key.public.to_pem())
    (folder / "private.pub").write_bytes(KEY.to_pem())
    (folder / "signers.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
    return TrustedSigners.read(folder / "signers.toml")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[", "are not TOML"),
        (b"\xff", "are not TOML"),
        (SIGNERS + SIGNERS, "are not TOML"),
        (SIGNERS + SIGNERS.replace("The notary", "Again"), "have the same key"),
        (SIGNERS + "more = 1\n", "`The notary.more`"),
        (SIGNERS.replace("until = 2027-12-31", ""), "`The notary.until`"),
        (SIGNERS.replace("2027-12-31", '"2027-12-31"'), "`The notary.until`"),
        (SIGNERS.replace("2027-12-31", "2027-12-31T00:00:00Z"), "`The notary.until`"),
        (SIGNERS.replace(f'"{NAME}"', ""), "`The notary.documents`"),
        (SIGNERS.replace(NAME, "contract"), "`The notary.documents.0`"),
        (SIGNERS.replace("notary.pub", "none.pub"), "No such file"),
        (SIGNERS.replace("notary.pub", "private.pub"), "holds a private key"),
        (SIGNERS.replace("The notary", " The notary"), "blank at an end"),
        (SIGNERS.replace("The notary", "The\\u0007notary"), "cannot be shown"),
        ("key = 1", "`key`"),
        ("#" * 70_000, "more than 65536 bytes"),
        ("".join(f'[s{n}]\nkey="notary.pub"\nuntil=2027-12-31\n' for n in range(MOST_SIGNERS + 1)), "more than 100"),
    ],
)
def test_a_file_of_signers_that_is_not_sound_stops_the_start(tmp_path: Path, text: str | bytes, told: str) -> None:
    """With the place, and without a key."""
    with pytest.raises(SettingRefused) as refused:
        read(tmp_path, text)
    assert told in str(refused.value)
    with pytest.raises(SettingRefused):
        TrustedSigners.read(tmp_path / "none.toml")


def test_the_digest_of_signers_moves_with_what_counts(tmp_path: Path) -> None:
    """A key, a document, a last day; not a name or the order."""
    digest = read(tmp_path, SIGNERS + OF_ANOTHER).digest
    assert read(tmp_path, OF_ANOTHER + SIGNERS.replace("The notary", "Notary")).digest == digest
    for other in (SIGNERS, SIGNERS + OF_ANOTHER.replace("2099", "2098"), SIGNERS.replace(NAME, "evidence.x") + OF_ANOTHER):
        assert read(tmp_path, other).digest != digest
    assert (TrustedSigners().digest, list(TrustedSigners.read(None))) == ("", [])


def test_the_watch_decides_again_when_a_signer_is_removed(opened: Opened) -> None:
    """A commitment that rests on the signature moves."""
    with opened() as desk:
        desk.signed()
        done = desk.call("asker", "POST", "/v1/commitments", {"decision": desk.evaluate()["id"]})
        assert done.status_code == 201, done.text
        assert round_of(desk).decided == 1
        assert round_of(desk).decided == 0  # nothing moved
        before = sign(desk.service, TODAY)
    with opened(None, like=desk) as later:
        assert sign(later.service, TODAY) != before  # a round is due at once
        assert round_of(later).told == 1
        [event] = later.call("reviewer", "GET", "/v1/watch/events").json()["events"]
    assert (event["data"]["before"], event["data"]["after"]) == ("permitted", "review")


def round_of(desk: SigningDesk) -> RoundDone:
    """What a round of the watch did."""
    return run(desk.service, writing(desk.service), TODAY)


@BOTH_DATABASES
def test_a_statement_is_made_from_what_an_exchange_states(desk: SigningDesk) -> None:
    """It is what the service accepts; a party without an id cannot be stated."""
    found = documents_with_hash(desk.service.live.bundle, EXCHANGE)[NAME]
    made = statement_to_sign(found, desk.service.store.database.log_key().origin, SIGNED_AT.isoformat(), LAST)
    id = desk.attached()
    assert desk.sign(id, desk.envelope(raw=made)).status_code == 201
    nameless = documents_with_hash(desk.service.live.bundle, {**EXCHANGE, "recipient": {"country": "US"}})[NAME]
    with pytest.raises(DocumentStatementRefused, match="both parties by `id`"):
        statement_to_sign(nameless, "log", SIGNED_AT.isoformat(), LAST)


def test_the_page_says_who_signed_and_why_one_does_not_count(opened: Opened) -> None:
    """A form attaches an envelope; the page names the signer, and later that nobody trusted signed; in both languages."""
    english, chinese = (wording(lang).documents for lang in ("en", "zh"))
    with opened() as desk:
        id = desk.attached()
        path = f"/log/{id}/documents"
        form = Form(desk.client, path, desk.keys["asker"])
        status, page = form.send(desk.envelope(STRANGER), do="sign", name=NAME)
        assert (status, "none of the trusted keys signed it" in page) == (409, True)
        assert form.send(do="sign", name=NAME)[0] == 409
        assert form.send(desk.envelope(), do="sign", name=NAME, token="0" * 64)[0] == 403
        status, page = form.send(desk.envelope(), do="sign", name=NAME)
        assert (status, english["signed_counts"].format("The notary", LAST) in page) == (200, True)
        assert english["do_sign"] in page
        zh = desk.client.get(f"{path}?lang=zh", headers=form.headers).text
        assert chinese["signed_counts"].format("The notary", LAST) in zh
        assert desk.evaluate()["outcome"] == "permitted"
        boss = Form(desk.client, path, desk.keys["boss"])
        assert english["do_sign"] not in boss.page
        assert boss.send(desk.envelope(), do="sign", name=NAME)[0] == 403
    with opened(None, like=desk) as later:
        page = Form(later.client, path, later.keys["asker"]).page
        assert (english["signed_signer"] in page, english["do_sign"] in page) == (True, False)


def test_a_leaf_is_verified_by_the_keys_that_it_names() -> None:
    """Another key, name or last day, and deep verification finds it."""
    told = {"name": NAME, "until": LAST.isoformat()}
    envelope = Envelope(PAYLOAD_TYPE, json.dumps(told).encode(), ()).signed_also_by(KEY).written().decode()
    leaf = {**told, "envelope": envelope, "keys": [KEY.public.raw.hex()]}
    assert signed_document.holds(leaf)
    wrong: tuple[dict[str, Any], ...] = (
        {"keys": [OTHER.public.raw.hex()]},
        {"keys": [KEY.public.raw.hex(), OTHER.public.raw.hex()]},
        {"keys": []},
        {"keys": None},
        {"keys": ["00"]},
        {"name": "evidence.other"},
        {"until": "2099-01-01"},
        {"envelope": "{}"},
    )
    assert not any(signed_document.holds({**leaf, **each}) for each in wrong)
