"""Receipts as they are verified: what holds, and that nothing holds that was changed, made of a second implementation of the tree."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from time import thread_time
from typing import Any

import pytest

from service.receipts.receipt import LeafOpening, Receipt, ReceiptInvalid
from service.transparency.cose_receipt import CoseReceipt
from service.transparency.merkle_tree import leaf_hash
from service.transparency.signed_note import SignatureType, SignerKey
from tests.service.receipts.made import ANSWER, KEY, OTHER, made

WITNESSES = [SignerKey(f"witness-{n}", SignatureType.COSIGNATURE, key.private) for n, key in enumerate((KEY, OTHER))]


def refused(receipt: Receipt, **more: Any) -> str:
    """Why a receipt does not hold."""
    with pytest.raises(ReceiptInvalid) as found:
        Receipt.parse(receipt.to_bytes()).verify([KEY.verifier], **more)
    return str(found.value)


def test_what_holds():
    """All that it says, from its bytes and the key alone."""
    found = Receipt.parse(made().to_bytes()).verify([OTHER.verifier, KEY.verifier])
    assert (found.origin, found.size, found.index, found.decision, found.record) == ("log.example", 5, 2, "d-1", "ab" * 32)
    assert found.recorded_at == datetime(2026, 11, 27, 10, tzinfo=UTC)
    assert found.good_until == datetime(2026, 11, 28, 10, tzinfo=UTC)
    assert found.commitment is not None
    assert (found.commitment.id, found.commitment.at.second) == ("c-1", 1)
    assert (found.outcome, dict(found.answer)) == ("permitted", dict(ANSWER))
    assert (found.asset, found.sender, found.recipient) == ("ds-1", "clinic-5", "lab-2")
    assert found.purposes == ("research", "service-provision")


def test_it_is_verified_in_milliseconds():
    """Offline, read and verified many times in the time that one connection takes."""
    data = made().to_bytes()
    began = thread_time()
    for _ in range(20):
        Receipt.parse(data).verify([KEY.verifier])
    assert (thread_time() - began) / 20 < 0.05  # about a millisecond where nothing else runs


def test_facts_may_be_left_out_and_the_answer_may_not():
    """Whoever passes a receipt on decides which facts to open."""
    whole = made()
    some = replace(whole, opened={name: whole.opened[name] for name in ("answer", "asset")})
    found = Receipt.parse(some.to_bytes()).verify([KEY.verifier])
    assert (found.asset, found.sender, found.purposes) == ("ds-1", None, ())
    none = replace(whole, opened={name: each for name, each in whole.opened.items() if name != "answer"})
    assert refused(none) == "the receipt does not open the answer"


def test_what_was_changed_does_not_hold():
    """Leaf, openings, proof, signatures: each by a sentence of its own."""
    whole = made()
    forged = replace(whole, leaf=whole.leaf.replace(b'"d-1"', b'"d-2"'))
    assert "does not lead to the root" in refused(forged)
    answer = whole.opened["answer"]
    permit = LeafOpening(answer.salt, answer.value.replace(b'"permitted"', b'"prohibited"'))
    assert "opened as `answer`" in refused(replace(whole, opened={**whole.opened, "answer": permit}))
    assert "opened as `asset`" in refused(replace(whole, opened={**whole.opened, "asset": LeafOpening(bytes(32), b'"ds-1"')}))
    assert "opened as `price`" in refused(replace(whole, opened={**whole.opened, "price": answer}))
    moved = replace(whole, proof=replace(whole.proof, index=1))
    assert "the tlog-proof does not hold" in refused(moved)
    wrong = replace(whole, cose=replace(whole.cose, signature=bytes(64)))
    assert "the COSE receipt does not hold" in refused(wrong)
    smaller = made(others=(b"first", b"second", b"third"))
    assert "two trees" in refused(replace(whole, cose=smaller.cose))
    by_other = CoseReceipt.issued(2, 5, leaf_hash(whole.leaf), whole.proof.hashes, OTHER.private)
    assert "another key signed" in refused(replace(whole, cose=by_other))
    assert "none of the known keys signed" in refused(made(key=OTHER))
    of_another = SignerKey("log.other", SignatureType.NOTE, KEY.private)
    assert "the log `log.other`" in refused(made(key=of_another))
    assert "of another decision" in refused(made(answer={**ANSWER, "id": "d-2"}))
    assert "not one of the kind" in refused(made(kind="commitment"))
    assert "a moment" in refused(made(recorded_at="2026-11-27T10:00:00"))
    assert "which commitment" in refused(made(committed={}))


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{", b"{}", b"\xff", b"null", b'{"schema": "fifthfactor/receipt/1"}', b"9" * 2_000_000]
)
def test_what_is_no_receipt_is_refused(data):
    """By one sentence, whatever it is."""
    with pytest.raises(ReceiptInvalid):
        Receipt.parse(data)


def test_every_changed_byte_is_found_or_says_the_same():
    """One byte at a time, in every place: it does not hold, or is not a statement of the log at all."""
    whole = made()
    data, said = whole.to_bytes(), whole.verify([KEY.verifier])
    for at in range(0, len(data), 7):
        changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        try:
            found = Receipt.parse(changed).verify([KEY.verifier])
        except ReceiptInvalid:
            continue
        assert found == said, changed[max(0, at - 30) : at + 30]


def test_witnesses_are_demanded_by_a_quorum():
    """Each counts once; without enough of them nothing holds."""
    whole = made()
    note = whole.proof.checkpoint
    cosigned = replace(
        whole, proof=replace(whole.proof, checkpoint=note.signed_by(WITNESSES[0].signed(note.text, 1_795_000_000)))
    )
    keys = [each.verifier for each in WITNESSES]
    found = Receipt.parse(cosigned.to_bytes()).verify([KEY.verifier], keys, 1)
    assert [(each.witness, each.time) for each in found.cosigned] == [("witness-0", 1_795_000_000)]
    assert "fewer than 2" in refused(cosigned, witnesses=keys, at_least=2)


def test_a_member_that_occurs_twice_is_refused():
    """Two readers could read two things."""
    text = made().to_bytes().decode()
    with pytest.raises(ReceiptInvalid):
        Receipt.parse(text.replace("{", '{"leaf": "other", ', 1).encode())
    assert json.loads(text)["schema"] == "fifthfactor/receipt/1"
