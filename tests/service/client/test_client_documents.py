"""Documents, and what is said of reviews, by their own names, from a real server; and what is not an answer about them."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from operator import methodcaller
from pathlib import Path
from typing import Any

import pytest

from service.callers import keys
from service.callers.person import Person
from service.client import Malformed, Refused
from service.client.reviews import Signer
from service.documents.signed_statements import PAYLOAD_TYPE, statement_to_sign
from service.documents.stated_documents import documents_with_hash
from service.policies.dsse import Envelope
from service.store.database import Database
from service.store.upgrade import existing, upgrade
from service.transparency.ed25519 import PrivateKey
from tests.service.client.conftest import KINDS, answering, ask, sends
from tests.service.conftest import Server, running

UNTIL = datetime.now(UTC).date() + timedelta(days=1)
ISSUER = "https://id.example.org"
NAME = "evidence.cn-standard-contract"
SCOPES = {"asker": ("evaluate", "read"), "reviewer": ("review", "read"), "second": ("review", "read")}
KEY = PrivateKey.from_raw(b"\x05" * 32)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, dict[str, str], str]]:
    """A server that trusts a signer, the keys of three persons, and the name of its log."""
    folder: Path = tmp_path_factory.mktemp("desk")
    url, told = str(folder / "log.db"), {}
    database = Database.open(url)
    upgrade(database)
    with database.transaction() as transaction:
        for name, scopes in SCOPES.items():
            person = Person(ISSUER, name, name.title())
            _, told[name] = keys.create(transaction, name, scopes, None, "test", datetime.now(UTC), person=person)
    database.close()
    (folder / "notary.pub").write_bytes(KEY.public.to_pem())
    (folder / "signers.toml").write_text('[Notary]\nkey = "notary.pub"\nuntil = 2099-12-31\n')
    with existing(url) as opened:
        log = opened.log_key().origin
    with running(url, environment={"FIFTHFACTOR_DOCUMENT_SIGNERS": str(folder / "signers.toml")}) as server:
        yield server, told, log


def exchange(content: bytes, recipient: str) -> dict[str, Any]:
    """An exchange that states a document with these bytes."""
    terms = {"dated": "2026-05-01", "covers": True, "hash": hashlib.sha256(content).hexdigest()}
    return {
        "exporter": {"id": "practice", "country": "CN"},
        "recipient": {"id": recipient, "country": "US"},
        "data": {"people": 12_000},
        "evidence": {"cn-standard-contract": terms},
    }


@pytest.mark.parametrize("kind", KINDS)
def test_a_document_is_kept_attached_confirmed_signed_and_withdrawn(
    desk: tuple[Server, dict[str, str], str], kind: str
) -> None:
    """Each by a method, with the answer by its own names; a refusal has the kind of its problem."""
    server, told, log = desk
    content = f"a contract for {kind}".encode()
    as_ = {name: partial(ask, kind, server.address, key=key) for name, key in told.items()}
    kept = as_["asker"](methodcaller("keep_document", content))
    assert (kept.size, kept.media_type) == (len(content), "text/plain")
    assert as_["asker"](methodcaller("document_content", kept.sha256)) == content
    sent = exchange(content, kind)
    id = as_["asker"](methodcaller("evaluate", sent)).id
    with pytest.raises(Refused) as refused:
        as_["asker"](methodcaller("attach_document", id, NAME, "0" * 64))
    assert refused.value.kind == "not-attachable"
    attached = as_["asker"](methodcaller("attach_document", id, NAME, kept.sha256))
    assert (attached.name, attached.sha256) == (NAME, kept.sha256)
    with pytest.raises(Refused) as refused:
        as_["asker"](methodcaller("confirm_document", id, NAME, kept.sha256, reason="r", until=UNTIL))
    assert refused.value.kind == "forbidden"
    given = as_["reviewer"](methodcaller("confirm_document", id, NAME, kept.sha256, reason="read", until=UNTIL))
    assert (given.verdict, given.until) == ("confirm", UNTIL)
    bundle: Any = None
    payload = statement_to_sign(documents_with_hash(bundle, sent)[NAME], log, datetime.now(UTC).isoformat(), UNTIL)
    envelope = Envelope(PAYLOAD_TYPE, payload, ()).signed_also_by(KEY).written()
    signed = as_["asker"](methodcaller("sign_document", id, NAME, envelope))
    assert ([each.name for each in signed.signers], signed.counts_until) == (["Notary"], UNTIL)
    [listed] = as_["second"](methodcaller("documents", id))
    assert (listed.shown_until, listed.attached, listed.confirmations) == (UNTIL, attached, (given,))
    assert listed.signatures == (signed,)
    assert as_["second"](methodcaller("withdraw_document", id, NAME, reason="a slip")).verdict == "withdraw"
    [listed] = as_["second"](methodcaller("documents", id))
    assert (listed.shown_until, listed.signatures[0].why_not) == (None, "withdrawn")
    with pytest.raises(Refused) as refused:
        as_["second"](methodcaller("withdraw_document", id, NAME, reason="a slip"))
    assert refused.value.kind == "not-confirmable"
    with pytest.raises(Refused) as refused:
        as_["asker"](methodcaller("sign_document", id, NAME, envelope))
    assert refused.value.kind == "signature-refused"


@pytest.mark.parametrize("kind", KINDS)
def test_a_review_is_assigned_commented_and_looked_ahead(desk: tuple[Server, dict[str, str], str], kind: str) -> None:
    """To oneself, to another person, to nobody; what approving would change is no permit."""
    server, told, _ = desk
    as_ = {name: partial(ask, kind, server.address, key=key) for name, key in told.items()}
    reviewed = {"exporter": {"country": "CN"}, "recipient": {"id": f"r-{kind}", "country": "US"}, "data": {"people": 12_000}}
    id = as_["asker"](methodcaller("evaluate", reviewed)).id
    assert as_["reviewer"](methodcaller("assign_review", id, "me")).to.person.subject == "reviewer"
    assert id in [each.id for each in as_["reviewer"](methodcaller("reviews", assignee="me", order="oldest"))]
    assert as_["reviewer"](methodcaller("assign_review", id, Signer(ISSUER, "second", None))).to.person.name == "Second"
    assert id not in [each.id for each in as_["reviewer"](methodcaller("reviews", assignee="me"))]
    assert as_["reviewer"](methodcaller("comment_review", id, "ask the lab")).text == "ask the lab"
    kept = as_["asker"](methodcaller("keep_document", b"what counsel wrote"))
    assert as_["reviewer"](methodcaller("comment_review", id, "from counsel", kept.sha256)).text == "from counsel"
    ahead = as_["reviewer"](methodcaller("preview_sign_off", id))
    assert (ahead.now.outcome, ahead.all.outcome, ahead.all.still) == ("review", "permitted", ())
    one = as_["reviewer"](methodcaller("preview_sign_off", id, [ahead.each[0].provisions[0]]))
    assert one.needed == {ahead.each[0].provisions[0]: 1}
    assert as_["reviewer"](methodcaller("assign_review", id, None)).to is None
    thread = as_["reviewer"](methodcaller("review_thread", id))
    assert [(each.name, each.sha256) for each in thread.files] == [("review.1", kept.sha256)]
    assert ([each.kind for each in thread.notes], thread.waits, thread.own) == (
        ["assigned", "assigned", "comment", "comment", "assigned"],
        True,
        False,
    )
    assert thread.provisions[0].needed == 1
    assert as_["reviewer"](methodcaller("reviews", exporter_country="KE")) == []
    with pytest.raises(ValueError, match="in a list"):
        as_["reviewer"](methodcaller("preview_sign_off", id, "cn.test/art-1"))


HASH = hashlib.sha256(b"x").hexdigest()
INFO = {"sha256": HASH, "size": 1, "media_type": "text/plain"}
ATTACHED = {**INFO, "id": "a", "name": NAME, "at": "2026-11-24T09:30:00Z", "by": "me"}
GIVEN = {
    "id": "c",
    "decision": "d1",
    "name": NAME,
    "verdict": "confirm",
    "reason": "r",
    "until": UNTIL.isoformat(),
    "at": "2026-11-24T09:30:00Z",
    "by": "me",
}
SIGNED = {**GIVEN, "signers": [{"name": "n", "key": "k", "until": "2099-12-31"}], "counts_until": None, "why_not": None}
NOTE = {"id": "n", "kind": "comment", "at": "2026-11-24T09:30:00Z", "by": {"id": "me"}}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("call", "came"),
    [
        (methodcaller("keep_document", b"y"), INFO),
        (methodcaller("keep_document", b"x"), {**INFO, "size": 2}),
        (methodcaller("attach_document", "d1", NAME, "0" * 64), ATTACHED),
        (methodcaller("attach_document", "d1", "evidence.other", HASH), ATTACHED),
        (methodcaller("confirm_document", "d2", NAME, HASH, reason="r", until=UNTIL), GIVEN),
        (methodcaller("confirm_document", "d1", NAME, HASH, reason="r", until=UNTIL + timedelta(days=1)), GIVEN),
        (methodcaller("withdraw_document", "d1", NAME, reason="r"), GIVEN),
        (methodcaller("sign_document", "d1", NAME, b"{}"), {**SIGNED, "signers": []}),
        (methodcaller("sign_document", "d2", NAME, b"{}"), SIGNED),
        (methodcaller("documents", "d1"), {"documents": [{"name": NAME}], "next": None}),
        (methodcaller("assign_review", "d1", "me"), NOTE),
        (methodcaller("comment_review", "d1", "t"), {**NOTE, "kind": "assigned"}),
        (methodcaller("review_thread", "d1"), {"decision": "d2"}),
        (methodcaller("preview_sign_off", "d1"), {"now": {}}),
    ],
)
def test_an_answer_about_something_else_is_none(kind: str, call: Any, came: dict[str, Any], malicious: Any) -> None:
    """Other bytes, another document, another verdict or day, a list without what it promises."""
    with pytest.raises(Malformed):
        ask(kind, malicious(sends(answering(came))).address, call)


@pytest.mark.parametrize("kind", KINDS)
def test_bytes_are_those_of_the_hash(kind: str, malicious: Any) -> None:
    """Other bytes, or a page in their place, are no document."""
    for came in (answering(b"y", kind="application/octet-stream"), answering(b"x", kind="text/html"), answering(b"x")):
        with pytest.raises(Malformed):
            ask(kind, malicious(sends(came)).address, methodcaller("document_content", HASH))
    found = malicious(sends(answering(b"x", kind="application/octet-stream")))
    assert ask(kind, found.address, methodcaller("document_content", HASH)) == b"x"
