"""The client: a real server answers it, and a malicious one never gets a permit out of it."""

import json
import socket
import subprocess
import sys
import time
from datetime import date
from operator import methodcaller
from typing import Any, get_args

import httpx
import pytest

import engine
from engine.decision import Outcome
from engine.values.outcome_levels import PERMITTING
from service.client import Answer, AsyncClient, Client, ClientError, Count, Malformed, Refused, Unavailable, answers, plans
from service.receipts import Receipt
from service.transparency.signed_note import Note
from tests.service.client.conftest import KINDS, answering, ask, problem, sends
from tests.service.conftest import EXCHANGE, ROOT, as_recorded

PERMIT: dict[str, Any] = {
    "schema": "fifthfactor/decision/2",
    "id": "019ab3c4",
    "proceed": True,
    "answer": "It may happen",
    "outcome": "permitted",
    "bounds": {"lowest": "permitted", "highest": "permitted"},
    "as_of": "2024-06-01",
    "hypothetical": False,
    "jurisdictions": [
        {"jurisdiction": "CN", "outcome": "permitted", "bounds": {"lowest": "permitted", "highest": "permitted"}}
    ],
    "engine": {"agreed": True},
}


def evaluate(client: Any) -> Any:
    """Ask for a decision on the exchange of these tests."""
    return client.evaluate(EXCHANGE)


# --- a real server ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_decision_and_its_record(server, kind):
    """Typed, with the whole answer behind it, and recorded under its id without what is only sent: links and explanation."""
    answer = ask(kind, server.address, lambda client: client.evaluate(EXCHANGE, include=["trace", "remedies"], lang="zh"))
    assert isinstance(answer, Answer)
    assert (answer.proceed, answer.outcome) == (answer.document["proceed"], answer.document["outcome"])
    assert answer.document["explanation"]["trace"]
    kept = ask(kind, server.address, lambda client: client.decision(answer.id))
    assert kept["record"]["decision"] == as_recorded(dict(answer.document))
    assert ask(kind, server.address, lambda client: client.may_proceed(EXCHANGE)) is answer.proceed


@pytest.mark.parametrize("kind", KINDS)
def test_a_refusal_tells_the_places(server, kind):
    """The problem document, field by field; and no permit."""
    wrong = {"exporter": {"contry": "CN"}}
    with pytest.raises(Refused) as refused:
        ask(kind, server.address, lambda client: client.evaluate(wrong))
    found = refused.value
    assert (found.status, found.kind, found.errors[0].pointer) == (400, "exchange-refused", "/exporter/contry")
    assert "did you mean" in str(found)
    assert found.request_id
    assert ask(kind, server.address, lambda client: client.may_proceed(wrong)) is False
    with pytest.raises(Refused) as missing:
        ask(kind, server.address, lambda client: client.decision("none/../of these"))
    assert missing.value.kind == "not-found"


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_has_decisions_and_refusals(server, kind):
    """One for each exchange, in order; a refused one is given and not raised."""
    sent = [EXCHANGE, {"exporter": {"contry": "CN"}}, EXCHANGE]
    first, second, third = ask(kind, server.address, lambda client: client.evaluate_batch(sent))
    assert isinstance(first, Answer)
    assert isinstance(third, Answer)
    assert isinstance(second, Refused)
    assert (second.status, second.errors[0].pointer) == (400, "/exporter/contry")


@pytest.mark.parametrize("kind", KINDS)
def test_a_plan_has_a_decision_on_each_leg(server, kind):
    """In order; it is neither true nor false, and what is wrong in a leg is told at its place."""
    legs = [{"id": "out", "exchange": EXCHANGE}, {"exchange": EXCHANGE}]
    plan = ask(kind, server.address, methodcaller("plan", legs, lang="zh"))
    assert [(leg.leg, leg.outcome) for leg in plan.legs] == [("out", plan.outcome), ("2", plan.outcome)]
    assert (plan.proceed, plan.document["recorded"], plan.sentence) == (False, False, plan.document["answer"])
    with pytest.raises(TypeError):
        bool(plan)
    with pytest.raises(Refused) as refused:
        ask(kind, server.address, methodcaller("plan", [{"exchange": {"exporter": {"contry": "CN"}}}]))
    assert refused.value.errors[0].pointer == "/legs/0/exchange/exporter/contry"


@pytest.mark.parametrize(
    "changes",
    [
        {"schema": "fifthfactor/plan-decision/2"},
        {"recorded": True},
        {"legs": []},
        {"outcome": "review"},
        {"hypothetical": True},
        {"wholes": [{}]},
        {"unlinked": [{}]},
        {"legs": [{"leg": "1", "decision": {"proceed": False, "outcome": "review", "answer": ""}}]},
        {"legs": [{"leg": "1", "decision": {"proceed": True, "outcome": "review", "answer": ""}}]},
    ],
)
def test_a_permit_of_a_plan_that_contradicts_itself_is_malformed(changes):
    """One that does not is read."""
    leg = {"leg": "1", "decision": {"proceed": True, "outcome": "permitted", "answer": "yes"}}
    sound = {
        "schema": "fifthfactor/plan-decision/1", "recorded": False, "proceed": True, "outcome": "permitted", "hypothetical": False,
        "id": "p", "answer": "yes", "as_of": "2026-11-25", "legs": [leg], "wholes": [], "contradictions": [], "unlinked": [],
    }  # fmt: skip
    assert plans.plan(sound, 1).proceed
    with pytest.raises(Malformed):
        plans.plan({**sound, **changes}, 1)


@pytest.mark.parametrize("kind", KINDS)
def test_the_register_and_the_ledger(server, kind):
    """A party is put and read; what cannot be committed is refused with its kind."""
    entity = ask(kind, server.address, methodcaller("put_entity", "user", "alice 2", {"facts": {"team": "legal"}}))
    assert ask(kind, server.address, methodcaller("entity", "user", "alice 2")) == entity
    put = ask(kind, server.address, methodcaller("put_party", "lab 7", {"facts": {"country": "US"}}))
    got = ask(kind, server.address, methodcaller("party", "lab 7"))
    assert ask(kind, server.address, methodcaller("benefits", party="lab 7", first=date(2026, 1, 1))) == []
    assert ask(kind, server.address, methodcaller("benefit_balances", role="public", last=date(2026, 1, 1))) == []
    assert got["facts"] == put["facts"] == {"country": "US"}
    ask(kind, server.address, methodcaller("put_asset", f"weather {kind}", {"facts": {}}))
    cost = {"kind": "bought", "on": "2026-01-05", "amount": "36", "currency": "JPY", "treatment": "inventory"}
    entry = ask(kind, server.address, methodcaller("post_entry", f"weather {kind}", cost))
    accounts = ask(kind, server.address, methodcaller("asset_accounts", f"weather {kind}", until=date(2026, 2, 1)))
    assert ([entry], [each.closing for each in accounts.classes]) == ([*accounts.entries], ["36"])
    assert ask(kind, server.address, methodcaller("accounts", first=date(2026, 1, 1))).classes[0].treatment == "inventory"
    answer = ask(kind, server.address, evaluate)
    with pytest.raises(Refused) as refused:
        ask(kind, server.address, methodcaller("commit", answer.id))
    assert refused.value.kind == "not-committable"
    today = {name: value for name, value in EXCHANGE.items() if name != "as_of"}
    fresh = ask(kind, server.address, methodcaller("evaluate", today))
    if fresh.proceed:
        commitment = ask(kind, server.address, methodcaller("commit", fresh.id))
        assert (commitment.decision, commitment.state) == (fresh.id, "committed")
        ended = ask(kind, server.address, methodcaller("withdraw", commitment.id, "the lab closed"))
        assert (ended.id, ended.state) == (commitment.id, "withdrawn")


@pytest.mark.parametrize("kind", KINDS)
def test_a_receipt_and_the_list_of_withdrawals(server, kind):
    """As they are passed on, with the signatures of one log; what is no receipt is refused."""
    answer = ask(kind, server.address, evaluate)
    receipt = Receipt.parse(ask(kind, server.address, methodcaller("receipt", answer.id)))
    assert json.loads(receipt.leaf)["decision"] == answer.id
    (note,) = ask(kind, server.address, methodcaller("withdrawals"))
    signers = [each.name for each in Note.parse(note).signatures]
    assert signers == [each.name for each in receipt.proof.checkpoint.signatures]
    with pytest.raises(Refused) as missing:
        ask(kind, server.address, methodcaller("receipt", "nothing"))
    assert missing.value.kind == "not-found"


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_server_there_is_no_permit(kind):
    """Nobody listens: Unavailable, soon, and False."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{reserved.getsockname()[1]}"
        with pytest.raises(Unavailable):
            ask(kind, address, evaluate)
        assert ask(kind, address, lambda client: client.may_proceed(EXCHANGE)) is False


def test_every_decision_of_the_policies_tests_is_consistent():
    """What the client asks of an answer holds for real ones: whatever the engine permits is a permit to the client; and of explanations."""
    bundle = engine.load(engine.bundled_policies())
    pdp = engine.PDP(bundle, "bitset")
    parts = [part for part in engine.PARTS if part not in ("remedies", "holds_until", "questions")]  # these take long
    permits, read = 0, set()
    for number, trial in enumerate(engine.trials(bundle, bundle)[::150]):
        exchange = engine.parse_exchange(bundle, trial.raw)
        day = trial.as_of or exchange.as_of or date(2026, 11, 24)
        judgement = pdp.judge(exchange, as_of=day)
        written = pdp.answer(judgement, today=day, id="one")
        answer = answers.answer(answers.document(written.json().encode()))
        assert (answer.proceed, answer.outcome) == (written.proceed, written.outcome)
        permits += answer.proceed
        if number % 5 == 0:
            explained = pdp.explain(judgement, today=day, id="one", parts=parts)
            explanation = answers.explanation(answers.document(explained.encode()), "same")
            read |= {name for name in ("reasons", "duties", "advice", "beaten", "requirements") if getattr(explanation, name)}
    assert permits
    assert len(read) == 5
    assert tuple(level.word for level in PERMITTING) == answers.PERMITTING
    assert set(get_args(Outcome)) == set(answers.OUTCOMES)


# --- a malicious one -------------------------------------------------------------------------------------------------


def changed(**changes: Any) -> dict[str, Any]:
    """The permit, with some members changed; None leaves one out."""
    return {name: value for name, value in {**PERMIT, **changes}.items() if value is not None}


@pytest.mark.parametrize("kind", KINDS)
def test_the_answer_that_these_tests_spoil_is_a_permit(malicious, kind):
    """So that what follows shows something."""
    assert ask(kind, malicious(sends(answering(PERMIT))).address, evaluate).proceed is True


WHOLE = answering(PERMIT)
SPOILT = {
    "proceed is a text": answering(changed(proceed="true")),
    "proceed is a number": answering(changed(proceed=1)),
    "proceed is missing": answering(changed(proceed=None)),
    "no schema": answering(changed(schema=None)),
    "another schema": answering(changed(schema="fifthfactor/decision/1")),
    "no id": answering(changed(id=None)),
    "the id is empty": answering(changed(id="")),
    "the id is a number": answering(changed(id=7)),
    "the outcome is another": answering(changed(outcome="prohibited")),
    "the outcome is unknown": answering(changed(outcome="fine")),
    "the outcome is a list": answering(changed(outcome=["permitted"])),
    "the bounds reach further": answering(changed(bounds={"lowest": "permitted", "highest": "review"})),
    "no bounds": answering(changed(bounds=None)),
    "a jurisdiction prohibits": answering(
        changed(jurisdictions=[{"bounds": {"lowest": "prohibited", "highest": "prohibited"}}])
    ),
    "a jurisdiction says nothing": answering(changed(jurisdictions=[{"jurisdiction": "CN"}])),
    "no jurisdictions": answering(changed(jurisdictions=None)),
    "the jurisdictions are a number": answering(changed(jurisdictions=1)),
    "hypothetical": answering(changed(hypothetical=True)),
    "hypothetical is missing": answering(changed(hypothetical=None)),
    "the engines disagree": answering(changed(engine={"agreed": False})),
    "no engines": answering(changed(engine=None)),
    "the questions are a text": answering(changed(questions="none")),
    "a question asks nothing": answering(changed(questions=[{"fact": "data.state", "type": "data_state"}])),
    "a duty may be overdue": answering(changed(owed=[{"duty": "file it", "who": "exporter", "overdue": "maybe"}])),
    "what is unmet has no way": answering(changed(unmet=[{"under": ["cn.test/art-1"]}])),
    "something is unmet": answering(changed(unmet=[{"under": ["cn.test/art-1"], "ways": []}])),
    "a gap is of another kind": answering(changed(gaps=[{"place": "CN", "subject": "all", "why": "x", "reviewed": True}])),
    "the bounds are no levels": answering(changed(proceed=False, bounds={"lowest": "undetermined", "highest": "fine"})),
    "another day": answering(changed(as_of="2020-01-01")),
    "a key twice": answering(json.dumps(PERMIT).replace('"proceed": true', '"proceed": false, "proceed": true').encode()),
    "not a number": answering(json.dumps({**PERMIT, "x": float("nan")}).encode()),
    "a list": answering(json.dumps([PERMIT]).encode()),
    "true": answering(b"true"),
    "deep": answering(b"[" * 200_000),
    "not UTF-8": answering(json.dumps(PERMIT).encode("utf-16")),
    "empty": answering(b""),
    "HTML": answering(b"<html>ok</html>", kind="text/html"),
    "a permit as HTML": answering(PERMIT, kind="text/html"),
    "a permit as text": answering(PERMIT, kind="text/plain"),
    "no content": b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n",
    "accepted": answering(PERMIT, "202 Accepted"),
    "partial": answering(PERMIT, "206 Partial Content"),
    "a permit with a wrong status": answering(PERMIT, "500 Internal Server Error"),
    "a permit with 503": answering(PERMIT, "503 Service Unavailable"),
    "a problem with 200": answering({"type": "urn:x", "status": 200}, kind="application/problem+json"),
    "compressed": answering(PERMIT, more="Content-Encoding: br\r\n").replace(b"{", b"\x8b", 1),
    "cut off": WHOLE[:-5],
    "cut off in the head": WHOLE[:30],
    "too short for its length": WHOLE.replace(b"Content-Length: ", b"Content-Length: 9"),
    "a chunk is cut off": b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
    "no HTTP": b"hello\r\n\r\n",
    "nothing": b"",
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", SPOILT)
def test_a_spoilt_answer_is_an_error(malicious, kind, name):
    """Whatever is not whole and consistent: an exception of ours, and False."""
    bad = malicious(sends(SPOILT[name]))
    with pytest.raises(ClientError):
        ask(kind, bad.address, evaluate, retries=0)
    assert ask(kind, bad.address, lambda client: client.may_proceed(EXCHANGE), retries=0) is False


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
def test_a_redirect_is_not_followed(malicious, kind, status):
    """Wherever it leads, of a call and of a stream; the key goes nowhere else."""
    other = malicious(sends(WHOLE))
    for asked in (evaluate, first_event):
        bad = malicious(sends(answering(PERMIT, status, more=f"Location: {other.address}/v1/evaluate\r\n")))
        with pytest.raises(Malformed):
            ask(kind, bad.address, asked, key="secret")
    assert other.heard == []


def first_event(client):
    """The first event of the stream."""
    events = client.follow_events()
    return anext(events) if hasattr(events, "__anext__") else next(events)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "slow",
    [
        sends(b"", pause=5),
        sends(*[bytes([each]) for each in WHOLE], pause=0.1),  # never silent for long
        sends(WHOLE[:-200], *[bytes([each]) for each in WHOLE[-200:]], pause=0.1),
    ],
    ids=["silent", "trickling", "trickling in the body"],
)
def test_the_time_out_is_of_the_whole_call(malicious, kind, slow):
    """However the time is spent, and with all attempts."""
    bad = malicious(slow)
    began = time.monotonic()
    with pytest.raises(Unavailable, match="in time"):
        ask(kind, bad.address, evaluate, timeout=0.6)
    assert time.monotonic() - began < 20


# --- trying again ----------------------------------------------------------------------------------------------------


def idempotency(heard: list[bytes]) -> list[bytes]:
    """The Idempotency-Key of each request."""
    found = []
    for head in heard:
        lines = [line for line in head.split(b"\r\n") if line.lower().startswith(b"idempotency-key:")]
        found += [line.partition(b":")[2].strip() for line in lines]
    return found


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "first",
    [problem("busy", 503), problem("not-recorded", 503), problem("draining", 503), answering(b"", "502 Bad", "text/html"), b""],
    ids=["busy", "not recorded", "draining", "a gateway", "cut off"],
)
def test_a_question_is_asked_again(malicious, kind, first):
    """Under one key, after a short pause."""
    flaky = malicious(sends(first), sends(WHOLE))
    assert ask(kind, flaky.address, evaluate).proceed is True
    keys = idempotency(flaky.heard)
    assert len(keys) == 2
    assert len(set(keys)) == 1
    ask(kind, flaky.address, evaluate)
    assert len(set(idempotency(flaky.heard))) == 2


@pytest.mark.parametrize("kind", KINDS)
def test_it_gives_up(malicious, kind):
    """After as many retries as are set, with the last answer's status."""
    busy = malicious(sends(problem("busy", 503)))
    with pytest.raises(Unavailable, match="busy") as failed:
        ask(kind, busy.address, evaluate, retries=2)
    assert failed.value.status == 503
    assert len(busy.heard) == 3


@pytest.mark.parametrize("kind", KINDS)
def test_retry_after_is_waited_for(malicious, kind):
    """Where there is the time, and otherwise the call ends at once."""
    flaky = malicious(sends(problem("busy", 503, "Retry-After: 1\r\n")), sends(WHOLE))
    began = time.monotonic()
    assert ask(kind, flaky.address, evaluate).proceed is True
    assert 1 <= time.monotonic() - began < 30
    proxy = answering(b"busy", "503 X", "text/plain", "Retry-After: 1\r\n")  # somebody in between says it
    between = malicious(sends(proxy), sends(WHOLE))
    began = time.monotonic()
    assert ask(kind, between.address, evaluate).proceed is True
    assert 1 <= time.monotonic() - began < 30
    later = malicious(sends(problem("busy", 503, "Retry-After: 100\r\n")))
    began = time.monotonic()
    with pytest.raises(Unavailable):
        ask(kind, later.address, evaluate)
    assert time.monotonic() - began < 30


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "call", [methodcaller("commit", "d1"), methodcaller("withdraw", "c1", "why")], ids=["commit", "withdraw"]
)
def test_a_change_is_sent_again_under_its_key(malicious, kind, call):
    """Though nobody knows whether the first attempt was done: the service does it once."""
    done = {"id": "c1", "decision": "d1", "state": "committed"}
    flaky = malicious(sends(b""), sends(problem("not-recorded", 503)), sends(answering(done, "201 Created")))
    assert ask(kind, flaky.address, call).state == "committed"
    keys = idempotency(flaky.heard)
    assert len(keys) == 3
    assert len(set(keys)) == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("call", "came"),
    [
        (methodcaller("commit", "d1"), {"decision": "d2"}),
        (methodcaller("commit", "d1"), {"state": "withdrawn"}),
        (methodcaller("amend", "c0", "d1", "why"), {"decision": "d2"}),
        (methodcaller("withdraw", "c1", "why"), {"id": "c2"}),
    ],
)
def test_a_commitment_of_something_else_is_an_error(malicious, kind, call, came):
    """An answer to another call says nothing of this one."""
    done = {"id": "c1", "decision": "d1", "state": "committed", **came}
    with pytest.raises(Malformed):
        ask(kind, malicious(sends(answering(done, "201 Created"))).address, call)


KEPT = {
    "commitment": "c1", "number": 0, "promise": "training", "due": "2026-12-31", "state": "kept", "terms": {"places": 40},
    "by": None, "kept_on": "2026-12-01", "late": False, "evidence": "record", "document": "ab" * 32,
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_a_promise_is_reported_as_kept(malicious, kind):
    """An answer about another promise is an error."""
    call = methodcaller("keep_promise", "c1", 0, evidence="record", dated=date(2026, 12, 1), document="ab" * 32)
    found = ask(kind, malicious(sends(answering(KEPT))).address, call)
    assert (found.state, found.due, found.kept_on, found.terms) == (
        "kept",
        date(2026, 12, 31),
        date(2026, 12, 1),
        {"places": 40},
    )
    for other in ({"commitment": "c2"}, {"number": 1}, {"due": "soon"}, {"reports": [{"number": 0}]}):
        with pytest.raises(Malformed):
            ask(kind, malicious(sends(answering({**KEPT, **other}))).address, call)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_sent_again_is_recorded_once(server, malicious, kind):
    """Through somebody in between who loses the first answer."""

    def losing(connection: socket.socket) -> None:
        forward(connection, answers=False)

    def forward(connection: socket.socket, answers: bool = True) -> None:
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as real:
            real.sendall(between.heard[-1].replace(b"Connection: keep-alive", b"Connection: close"))
            came = b""
            while piece := real.recv(65_536):
                came += piece
            if answers:
                connection.sendall(came)

    def records() -> int:
        with httpx.Client() as client:
            return int(client.get(f"{server.address}/readyz").json()["log"]["records"])

    before = records()
    between = malicious(losing, forward)
    assert isinstance(ask(kind, between.address, evaluate), Answer)
    assert len(between.heard) == 2
    assert records() == before + 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_refusal_is_final(malicious, kind):
    """400 and 500 are not tried again."""
    for number, name in ((400, "exchange-refused"), (500, "internal")):
        bad = malicious(sends(problem(name, number)))
        with pytest.raises(Refused):
            ask(kind, bad.address, evaluate)
        assert len(bad.heard) == 1


# --- traps -----------------------------------------------------------------------------------------------------------


def test_an_answer_is_not_a_condition(server):
    """`if client.evaluate(…):` would let everything through, so it raises."""
    with Client(server.address) as client, pytest.raises(TypeError, match=r"\.proceed"):
        bool(client.evaluate(EXCHANGE))


@pytest.mark.parametrize("kind", KINDS)
def test_the_key_is_sent_and_never_shown(malicious, kind, monkeypatch):
    """From the argument or the environment; in no repr and no message."""
    good = malicious(sends(WHOLE))
    ask(kind, good.address, evaluate, key="first-secret")
    monkeypatch.setenv("FIFTHFACTOR_KEY", "second-secret")
    ask(kind, good.address, evaluate)
    assert b"Authorization: Bearer first-secret" in good.heard[0]
    assert b"Authorization: Bearer second-secret" in good.heard[1]
    assert "secret" not in repr((Client(good.address), AsyncClient(good.address), Client(good.address)._options))
    with pytest.raises(ValueError, match="header") as refused:
        Client(good.address, key="a\r\nsecret: x")
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("kind", KINDS)
def test_the_environment_leads_it_nowhere(malicious, kind, monkeypatch, tmp_path):
    """Neither proxies nor credentials that lie about are used."""
    proxy = malicious(sends(WHOLE))
    good = malicious(sends(WHOLE))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, proxy.address)
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login x password y\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    ask(kind, good.address, evaluate)
    assert proxy.heard == []
    assert b"authorization" not in good.heard[0].lower()


@pytest.mark.parametrize(
    "address", ["localhost:8080", "ftp://localhost", "http://", "http://me:secret@localhost", "http://a?b=c"]
)
def test_a_wrong_address_is_told_at_once(address):
    """Before anything is sent, and without what it may hold."""
    with pytest.raises(ValueError, match="the address must be like") as refused:
        Client(address)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("kind", KINDS)
def test_what_cannot_be_sent_is_no_permit(server, kind):
    """A mistake of the program that asks raises where it asks, and is False otherwise."""
    for wrong in ({"data": {"people": float("nan")}}, {"as_of": object()}):
        with pytest.raises((TypeError, ValueError)):
            ask(kind, server.address, methodcaller("evaluate", wrong))
        assert ask(kind, server.address, methodcaller("may_proceed", wrong)) is False


def test_it_needs_nothing_of_the_server():
    """Importing it loads neither the engine nor the server's libraries."""
    program = (
        "import sys, service.client; print([n for n in ('engine', 'fastapi', 'pydantic', 'sqlalchemy') if n in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"


@pytest.mark.parametrize("kind", KINDS)
def test_a_counter_is_read_and_opened(malicious, kind):
    """Sums of money stay as they are written; an answer about another counter is none."""
    per = {"authorisation.id": "gz 1"}
    sums = {"terms.income": {"at_least": "5.00 CNY"}}
    told = {"counter": "terms.income", "counts": sums, "complete": False, "recount": False, "window": {}}
    server = malicious(sends(answering(told)))
    found = ask(kind, server.address, methodcaller("counter", "terms.income", per))
    assert (found.counts["terms.income"], found.complete) == (Count("5.00 CNY"), False)
    assert b"GET /v1/counters?counter=terms.income&authorisation.id=gz+1 HTTP/1.1" in server.heard[0]
    with pytest.raises(Malformed):
        ask(kind, server.address, methodcaller("counter", "counts.cn", per))
    opening = methodcaller("open_counter", "terms.income", per, on=date(2026, 1, 1), counts=sums, reason="accounts")
    opened = ask(kind, malicious(sends(answering({"id": "1"}))).address, opening)
    assert opened == {"id": "1"}
