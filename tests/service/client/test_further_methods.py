"""The methods for what is beside decisions: policies, the log, commitments that are watched, and the register as a whole."""

from datetime import date
from operator import methodcaller
from typing import Any

import pytest

from service.client import Malformed, Refused
from service.tables.manifest import RunManifest
from service.transparency.signed_note import Note
from tests.service.client.conftest import KINDS, answering, ask, sends
from tests.service.conftest import EXCHANGE
from tests.service.tables.small_manifest import MANIFEST

pytestmark = pytest.mark.parametrize("kind", KINDS)


def test_what_the_policies_offer(server, kind):
    """Facts by their names and by an exchange, presets, the policies themselves, and what waits for a law that was not read."""
    address = server.address
    facts = {fact.name: fact for fact in ask(kind, address, methodcaller("facts", prefix="exporter."))}
    assert facts["exporter.country"].title.en
    assert facts["exporter.country"].document["type"] == facts["exporter.country"].type
    first, *_ = ask(kind, address, methodcaller("facts_for", EXCHANGE))
    assert first.state in ("open", "stated")
    decided = ask(kind, address, methodcaller("evaluate", EXCHANGE))
    assert ask(kind, address, methodcaller("facts", decision=decided.id))[0].state == first.state
    assert isinstance(ask(kind, address, methodcaller("presets")), tuple)
    bundle = ask(kind, address, methodcaller("bundle"))
    (kept,) = ask(kind, address, methodcaller("bundles"))
    assert (kept.meaning, kept.source) == (bundle["meaning"], bundle["source"])
    assert ask(kind, address, methodcaller("kept_bundle", kept.source))
    assert not ask(kind, address, methodcaller("coverage")).writes
    assert ask(kind, address, methodcaller("reload_bundle"))["changed"] is False


def test_a_gap_is_accepted_by_name(server, kind):
    """The entries are to be copied where the service writes none; a word that the vocabulary has not is refused."""
    about = {"by": "Grace Hopper", "because": "counsel looks at it", "until": date(2026, 12, 31)}
    with pytest.raises(Refused):
        ask(kind, server.address, methodcaller("accept_coverage", [("CN", "no such matter")], **about))


def test_the_log_is_shown_to_others(server, kind):
    """Proof, checkpoint and the two forms of a receipt's proof, of one log; nobody has witnessed it; what was recorded is replayed."""
    address = server.address
    id = ask(kind, address, methodcaller("evaluate", EXCHANGE)).id
    checkpoint = Note.parse(ask(kind, address, methodcaller("checkpoint")))
    proof = ask(kind, address, methodcaller("proof", id)).decode()
    assert proof.startswith("c2sp.org/tlog-proof@v1")
    assert checkpoint.signatures[0].name in proof
    alone = ask(kind, address, methodcaller("receipt_proof", id)).decode()
    assert alone.startswith("c2sp.org/tlog-proof@v1\nextra ")
    assert ask(kind, address, methodcaller("receipt_cose", id))
    with pytest.raises(Refused, match="no witness"):
        ask(kind, address, methodcaller("checkpoint", witnessed=True))
    assert ask(kind, address, methodcaller("replay", id))["holds"] is True


def test_a_run_is_noted(server, kind):
    """The manifest comes back with its place; one that says a place already is refused."""
    manifest = MANIFEST | {"rows": 3}
    noted = ask(kind, server.address, methodcaller("note_run", manifest))
    assert noted["log"]["leaf"] > 0
    assert RunManifest.model_validate({**noted, "log": None}) == RunManifest.model_validate(manifest)
    with pytest.raises(Refused, match="in a log already"):
        ask(kind, server.address, methodcaller("note_run", noted))


def test_commitments_are_listed_and_watched(server, kind):
    """None of an exporter who committed nothing; one that is not there is refused."""
    assert ask(kind, server.address, methodcaller("commitments", exporter="nobody", state="committed")) == []
    assert ask(kind, server.address, methodcaller("watch_events", commitment="none", kind="moved")) == []
    assert ask(kind, server.address, methodcaller("benefits_not_divided", first=date(2026, 1, 1))) == ()
    assert ask(kind, server.address, methodcaller("recount"))["left"] == []
    with pytest.raises(Refused) as refused:
        ask(kind, server.address, methodcaller("commitment", "none"))
    assert refused.value.kind == "not-found"


@pytest.mark.parametrize(
    ("one", "many", "names"), [("party", "parties", ()), ("asset", "assets", ()), ("entity", "entities", ("user",))]
)
def test_a_write_to_the_register_is_based_on_a_version(server, kind, one, many, names):
    """0 is one that is not there; a write that is based on another version is refused. A withdrawn one is in its history."""
    address, id = server.address, f"{kind} lab/9"
    put, delete = f"put_{one}", f"delete_{one}"
    written = ask(kind, address, methodcaller(put, *names, id, {"facts": {}}, version=0))
    for wrong in (0, written["version"] + 1):
        with pytest.raises(Refused) as refused:
            ask(kind, address, methodcaller(put, *names, id, {"facts": {}}, version=wrong))
        assert refused.value.kind == "changed-meanwhile"
    with pytest.raises(Refused):
        ask(kind, address, methodcaller(delete, *names, id, version=written["version"] + 1))
    assert id in [each["id"] for each in ask(kind, address, methodcaller(many, *names))]
    assert ask(kind, address, methodcaller(one, *names, id, as_of=date(2026, 6, 1)))["version"] == written["version"]
    ask(kind, address, methodcaller(delete, *names, id, version=written["version"]))
    newest, *_ = ask(kind, address, methodcaller(f"{one}_history", *names, id))
    assert newest["state"] == "withdrawn"


SIGNED = {
    "id": "s", "decision": "d2", "provision": "p", "verdict": "approve", "reason": "r", "until": "2026-12-31",
    "at": "2026-01-02T00:00:00Z", "by": "local",
}  # fmt: skip
COMMITTED = {"id": "c1", "decision": "d1", "state": "committed"}
OPENING: dict[str, Any] = {
    "id": "o1", "book": "b", "party": None, "asset": None, "from": "2026-01-01", "complete": True, "rights": [], "evidence": [],
    "reason": "r", "opened_at": "2026-01-02T00:00:00Z", "opened_by": "local",
}  # fmt: skip


@pytest.mark.parametrize(
    ("call", "sound", "wrong"),
    [
        (methodcaller("commitment", "c1"), COMMITTED, {"id": "c2"}),
        (methodcaller("commit", "d1"), COMMITTED, {"decision": "d2"}),
        (methodcaller("commit", "d1"), COMMITTED, {"state": "withdrawn"}),
        (methodcaller("amend", "c0", "d1", "it was less"), COMMITTED, {"state": "superseded"}),
        (methodcaller("withdraw", "c1", "it fell through"), COMMITTED, {"id": "c2"}),
        (methodcaller("end", "c1", date(2026, 1, 1), "it is over"), COMMITTED, {"state": "withdrawn"}),
        (methodcaller("replay", "d1"), {"id": "d1"}, {"id": "d2"}),
        (methodcaller("rights_opening", "o1"), OPENING, {"id": "o2"}),
        (methodcaller("withdraw_opening", "o1", "wrong"), {**OPENING, "withdrawn_at": "2026-01-03T00:00:00Z"}, {"withdrawn_at": None}),
        (methodcaller("sign_offs", "d1"), {"sign_offs": [], "next": None}, {"sign_offs": [SIGNED]}),
        (methodcaller("sign_offs", "d1"), {"sign_offs": [], "next": None}, {"next": "again"}),
    ],
)  # fmt: skip
def test_an_answer_about_something_else_is_malformed(malicious, kind, call, sound, wrong):
    """What was asked about must stand in the answer again."""
    assert ask(kind, malicious(sends(answering(sound))).address, call) is not None
    with pytest.raises(Malformed):
        ask(kind, malicious(sends(answering({**sound, **wrong}))).address, call)
