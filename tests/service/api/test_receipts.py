"""Receipts over HTTP: made from the service's log, verified with the log's public key alone, and what they do not tell."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

import engine
from service.callers.caller import LOCAL
from service.log.proofs import verifier_key
from service.log.verification import verify as verify_log
from service.receipts import Demand, Receipt, ReceiptNotAccepted, VerifiedReceipt, accept_receipt, verified_withdrawals
from service.server.app import create_app
from service.service import Service
from service.settings import Settings
from service.transparency.cose_receipt import CoseReceipt
from service.transparency.merkle_tree import leaf_hash
from service.transparency.tlog_proof import TlogProof
from tests.service.api.described import PERMITTED, SENT
from tests.service.api.test_explanation import alike
from tests.service.conftest import BOTH_DATABASES
from tests.service.ledger.desk import NOON, Desk, desk, opened
from tests.service.receipts.test_demand import Used
from tests.service.written_records import put

__all__ = ["alike", "desk", "opened"]

EXCHANGE: dict[str, Any] = engine.with_fact_set(PERMITTED, "data.id", "ds-1")
DEMAND = Demand("ds-1", "clinic-5", "lab-2", frozenset({"service-provision"}))


@pytest.fixture(scope="module")
def law(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A service with the bundled policies, at noon."""
    now = [NOON]
    database = str(tmp_path_factory.mktemp("receipts") / "log.db")
    settings = Settings(watch=False, policies=engine.bundled_policies(), database=database, mode="bitset")
    service = Service.open(settings, clock=lambda: now[0])
    with TestClient(create_app(settings, service), base_url="http://127.0.0.1:8080") as client:
        yield Desk(service, client, now)


def receipt_of(desk: Desk, id: str) -> bytes:
    """The receipt of a decision, as it is sent."""
    answer = desk.client.get(f"/v1/decisions/{id}/receipt")
    assert answer.status_code == 200, answer.text
    return bytes(answer.content)


def verified(desk: Desk, data: bytes) -> VerifiedReceipt:
    """What a receipt says, verified with the log's public key."""
    return Receipt.parse(data).verify([verifier_key(desk.service.store.database.log_key())])


def withdrawals(desk: Desk, limit: int = 1_000) -> Any:
    """The whole signed list, page by page."""
    notes: list[bytes] = []
    cursor: str | None = ""
    while cursor is not None:
        page: dict[str, Any] = desk.client.get(f"/v1/withdrawals?limit={limit}{cursor and '&cursor='}{cursor}").json()
        notes.append(page["note"].encode())
        cursor = page["next"]
    return verified_withdrawals(notes, [verifier_key(desk.service.store.database.log_key())])


def sound(desk: Desk) -> None:
    """The log verifies."""
    with desk.service.store.database.reading.connect() as connection:
        assert verify_log(connection, lambda done, all: None, desk.service.store.database.log_key())[1] == []


def test_a_gateway_accepts_the_receipt_of_what_was_committed_and_no_other(law: Desk) -> None:
    """From the exchange to the withdrawal, with the public key alone."""
    key = verifier_key(law.service.store.database.log_key())
    decision = law.post("/v1/evaluate", EXCHANGE).json()["id"]
    before = receipt_of(law, decision)
    assert verified(law, before).commitment is None
    with pytest.raises(ReceiptNotAccepted, match="not committed"):
        accept_receipt(before, [key], DEMAND, Used(), NOON)
    commitment = law.post("/v1/commitments", {"decision": decision}).json()
    used = Used()
    for id in (decision, commitment["evaluation"]):
        data = receipt_of(law, id)
        found = verified(law, data)
        assert (found.decision, found.commitment and found.commitment.id, found.commitment and found.commitment.at) == (
            id, commitment["id"], NOON,
        )  # fmt: skip
        assert found.good_until == NOON + timedelta(hours=24)
        if used.until:
            with pytest.raises(ReceiptNotAccepted, match="used here before"):
                accept_receipt(data, [key], DEMAND, used, NOON, withdrawals=withdrawals(law))
        else:
            accept_receipt(data, [key], DEMAND, used, NOON, withdrawals=withdrawals(law))
    law.post(f"/v1/commitments/{commitment['id']}/withdraw", {"reason": "the lab closed"})
    with pytest.raises(ReceiptNotAccepted, match="withdrawn"):
        accept_receipt(data, [key], DEMAND, Used(), NOON, withdrawals=withdrawals(law))
    assert verified(law, receipt_of(law, decision)).commitment is None
    sound(law)


def test_a_receipt_tells_no_caller_and_nothing_of_the_request_but_four_facts(law: Desk) -> None:
    """No member of the record but the answer's own; not even the digest of the verdict, with which guesses could be confirmed."""
    reviewed = engine.with_fact_set(EXCHANGE, "act.bars", ["suspension"])
    review = law.post("/v1/evaluate", reviewed).json()["id"]
    approval = {"provisions": ["orders.suspension/stands"], "verdict": "approve", "reason": "read it", "until": "2099-12-31"}
    law.post(f"/v1/decisions/{review}/sign-off", approval)
    decision = law.post("/v1/evaluate", reviewed).json()
    assert (decision["proceed"], decision["signed_off"][0]["by"]) == (True, LOCAL.id)
    document = json.loads(receipt_of(law, decision["id"]))
    assert document["opened"].keys() == {"answer", "asset", "sender", "recipient", "purpose"}
    told = document["leaf"] + "".join(each["value"] for each in document["opened"].values())
    for hidden in (
        f'"{LOCAL.id}"',
        decision["verdict"],
        '"people"',
        '"AE"',
        '"controller"',
        "suspension",
        "signed_off",
        "rests_on",
    ):
        assert hidden not in told, hidden
    record = law.record(decision["id"])
    answer = json.loads(document["opened"]["answer"]["value"])
    assert answer.items() <= record["decision"].items()
    leaf = json.loads(document["leaf"])
    kept = law.client.get(f"/v1/decisions/{decision['id']}").json()["log"]
    assert leaf.pop("record") == kept["leaf_hash"]
    assert all(each.keys() == {"commitment"} for name, each in leaf.items() if name in document["opened"])
    assert leaf.keys() == {"schema", "kind", "at", "decision", "recorded_at", "good_until", "committed", *document["opened"]}


def test_the_forms_of_the_standards_are_given_alone_too(law: Desk) -> None:
    """The tlog-proof has the leaf as its extra data; the COSE receipt leads to the same root."""
    decision = law.post("/v1/evaluate", EXCHANGE).json()["id"]
    whole = Receipt.parse(receipt_of(law, decision))
    key = verifier_key(law.service.store.database.log_key())
    text = law.client.get(f"/v1/decisions/{decision}/receipt/tlog-proof")
    assert text.headers["content-type"] == "text/plain; charset=utf-8"
    proof = TlogProof.parse(text.content)
    assert proof.extra == whole.leaf
    checkpoint, _ = proof.verify(leaf_hash(whole.leaf), key.name, [key])
    cose = law.client.get(f"/v1/decisions/{decision}/receipt/cose")
    assert cose.headers["content-type"] == 'application/cose; cose-type="cose-sign1"'
    assert CoseReceipt.parse(cose.content).verify(leaf_hash(whole.leaf), key.public) == checkpoint.root


def test_an_answer_comes_with_its_receipt_where_it_is_asked_for(law: Desk) -> None:
    """The other bytes are the same as without, the record has none, and a repeated call gets one too."""
    headers = {"content-type": "application/json", "idempotency-key": "receipt-1"}
    address = "/v1/evaluate?include=receipt,factor&lang=zh"
    first = law.client.post(address, content=json.dumps(EXCHANGE).encode(), headers=headers)
    answer = first.json()
    receipt = answer.pop("receipt")
    found = verified(law, json.dumps(receipt).encode())
    assert (found.decision, found.answer["answer"]) == (answer["id"], answer["answer"])
    assert first.content.startswith(json.dumps(answer, ensure_ascii=False, separators=(",", ":"))[:-1].encode())
    assert answer["explanation"].keys() == {"schema", "id", "lang", "factor"}
    assert "receipt" not in law.record(answer["id"])["decision"]
    again = law.client.post(address, content=json.dumps(EXCHANGE).encode(), headers=headers)
    assert again.headers["idempotency-replayed"] == "true"
    assert verified(law, json.dumps(again.json()["receipt"]).encode()).decision == answer["id"]
    assert "receipt" not in law.client.post("/v1/evaluate?include=all", json=SENT).json()
    assert law.client.post("/v1/evaluate/batch?include=receipt", json={"exchanges": [SENT]}).status_code == 400


def test_no_answer_but_a_permit_is_good_for_anything(law: Desk) -> None:
    """A receipt of a refusal proves the refusal; one of a day in the past is hypothetical."""
    unmet = law.post("/v1/evaluate", SENT).json()
    found = verified(law, receipt_of(law, unmet["id"]))
    assert (found.outcome, found.good_until, found.asset, found.purposes) == (unmet["outcome"], None, None, ())
    past = verified(law, receipt_of(law, law.post("/v1/evaluate", {**EXCHANGE, "as_of": "2026-11-24"}).json()["id"]))
    with pytest.raises(ReceiptNotAccepted, match="hypothetical"):
        accept_receipt(
            receipt_of(law, past.decision), [verifier_key(law.service.store.database.log_key())], DEMAND, Used(), NOON
        )


def test_where_there_is_no_receipt(desk: Desk) -> None:
    """Where the caller was answered no although the exchange may proceed, and of nothing."""
    id = desk.evaluate()["id"]
    denied = put(desk.service, {**desk.record(id), "id": f"3{id[1:]}", "denied": "not all obligations are supported"})
    refused = desk.client.get(f"/v1/decisions/{denied}/receipt")
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:fifthfactor:problem:no-receipt")
    assert "answered no" in refused.json()["detail"]
    assert desk.client.get("/v1/decisions/nothing/receipt").status_code == 404


@BOTH_DATABASES
def test_one_leaf_serves_until_the_decision_is_committed_or_erased(desk: Desk) -> None:
    """A receipt that is asked for again is of the same leaf and a later checkpoint. Erased facts are in no later one."""
    decision = desk.evaluate()["id"]
    first, second = (verified(desk, receipt_of(desk, decision)) for _ in range(2))
    desk.evaluate()
    third = verified(desk, receipt_of(desk, decision))
    assert (first.index, first.size) == (second.index, second.size)
    assert third.index == first.index
    assert third.size >= first.size  # a checkpoint that covers the leaf may be a second old
    assert (first.sender, first.recipient) == ("clinic", "lab")
    commitment = desk.post("/v1/commitments", {"decision": decision}).json()
    committed = verified(desk, receipt_of(desk, decision))
    assert committed.commitment is not None
    assert committed.commitment.id == commitment["id"]
    assert committed.index > first.index
    assert desk.post(f"/v1/decisions/{decision}/erase").status_code == 409  # it is committed
    asyncio.run(desk.service.store.erase(decision))
    erased = verified(desk, receipt_of(desk, decision))
    assert (erased.sender, erased.recipient, erased.commitment) == (None, None, committed.commitment)
    sound(desk)


@BOTH_DATABASES
def test_the_list_of_withdrawals_is_whole_page_by_page_and_needs_no_key(desk: Desk) -> None:
    """Withdrawn and replaced; those whose receipts are no longer good are left out."""
    ids = [desk.commit(exporter=f"clinic-{n}")["id"] for n in range(5)]
    for id in ids[:3]:
        desk.post(f"/v1/commitments/{id}/withdraw", {"reason": "the lab closed"})
    amended = {"decision": desk.evaluate(exporter="clinic-3")["id"], "reason": "other data"}
    desk.post(f"/v1/commitments/{ids[3]}/amend", amended)
    key = desk.post("/v1/keys", {"name": "operator", "scopes": ["administer"], "expires_on": "2099-12-31"})
    assert key.status_code == 201
    assert desk.client.get("/v1/commitments").status_code == 401
    for limit in (1, 2, 1_000):
        found = withdrawals(desk, limit)
        assert [(each.commitment, each.state) for each in found.ended.values()] == [
            *((id, "withdrawn") for id in ids[:3]), (ids[3], "superseded"),
        ]  # fmt: skip
        assert (found.issued, found.since) == (NOON, NOON - timedelta(hours=24))
    assert desk.client.get("/v1/withdrawals?cursor=bm90aGluZw").status_code == 400
    desk.now[0] = NOON + timedelta(hours=24, seconds=1)
    assert withdrawals(desk).ended == {}


def test_a_receipt_is_good_to_the_end_of_the_last_day_of_its_outcome(opened: Any) -> None:
    """And never longer than the setting says."""
    short = opened(ledger_since="2026-01-01", receipt_hours=2)
    assert verified(short, receipt_of(short, short.evaluate()["id"])).good_until == NOON + timedelta(hours=2)
    long = opened(ledger_since="2026-01-01", receipt_hours=720, zone="Asia/Shanghai")
    long.reload(rules="in_force: {from: 2024-01-01} => in_force: {from: 2024-01-01, until: 2026-11-26}")
    until = datetime(2026, 11, 26, 16, tzinfo=UTC)  # the end of that day in Shanghai
    assert verified(long, receipt_of(long, long.evaluate()["id"])).good_until == until
