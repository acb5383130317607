"""The protocol between a log and a witness, with the log that the tests of public witnesses use."""

from dataclasses import replace

import pytest

from service.transparency.checkpoint import Checkpoint
from service.transparency.ed25519 import PrivateKey
from service.transparency.merkle_tree import EMPTY_ROOT
from service.transparency.signed_note import Note, NoteRefused, SignatureType, SignerKey, VerifierKey, verify_note
from service.transparency.witness import (
    SIZE_TYPE,
    AddCheckpoint,
    AnswerRefused,
    WitnessRequestRefused,
    answer,
    cosigned,
    size_cosigned_last,
)

# Source: C2SP tlog-witness, with one of its two signatures.
EXAMPLE = """\
old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
"""

# Source: transparency-dev/witness, internal/witness/witness_test.go.
LOG = VerifierKey.parse("monkeys+db4d9f7e+AULaJMvTtDLHPUcUrjdDad9vDlh/PTfC2VV60JUtCfWT")
FIVE = Note.parse(
    "monkeys\n5\n41smjBUiAU70EtKlT6lIOIYtRTYxYXsDB+XHfcvu/BE=\n\n— monkeys 202fftzGl3LVoqjXfwCFZZXs8I+5G22+Ek2K0AOyBuSJ/8/C"
    "ZawNF+6fNlTKOCd622pbzJNkkJFWuw9DbicZCkEx9AY=\n".encode()
)
EIGHT = Note.parse(
    "monkeys\n8\nV8K9aklZ4EPB+RMOk1/8VsJUdFZR77GDtZUQq84vSbo=\n\n— monkeys 202ffoUEboiQYpHzICeaFmoy3RNviHTpAxYrq/eO4QQVQMvu"
    "9UebKBMX2MJC76NLthZaKsnKbCA8GxrjePZhvDCH7Ag=\n".encode()
)
PROOF = (
    bytes.fromhex("b9e1d62618f7fee8034e4c5010f727ab24d8e4705cb296c374bf2025a87a10d2"),
    bytes.fromhex("aac66cd7a79ce4012d80762fe8eec3a77f22d1ca4145c3f4cee022e7efcd599d"),
    bytes.fromhex("89d0f753f66a290c483b39cd5e9eafb12021293395fad3d4a2ad053cfbcfdc9e"),
    bytes.fromhex("29e40bb79c966f4c6fe96aff6f30acfce5f3e8d84c02215175d6e018a5dee833"),
)
WITNESS = SignerKey("witness.example/w1", SignatureType.COSIGNATURE, PrivateKey.from_raw(bytes(range(32))))
NOW = 1_800_000_000
AT_FIVE = Checkpoint.parse(FIVE.text)
GROWTH = AddCheckpoint(5, PROOF, EIGHT)
MONKEYS = SignerKey.parse("PRIVATE+KEY+monkeys+db4d9f7e+ATWIAF3yVBG+Hv1rZFQoNt/BaURkLPtOFMAM2HrEeIr6")


def status(request: AddCheckpoint, last: Checkpoint | None, keys=(LOG,)) -> int:
    """What the witness answers. It names a checkpoint to store if it cosigns one, and only then."""
    answered = answer(request, keys, last, WITNESS, NOW)
    assert (answered.cosigned is not None) is (answered.status == 200)
    return answered.status


def test_the_example_of_the_specification_is_read_and_written():
    """In the same bytes."""
    request = AddCheckpoint.parse(EXAMPLE.encode())
    assert (request.old_size, len(request.proof), request.checkpoint.size) == (20_852_014, 4, 20_852_163)
    assert request.to_bytes() == EXAMPLE.encode()


def test_a_witness_cosigns_the_first_checkpoint_and_its_growth():
    """Then the log adds the cosignature to its checkpoint."""
    first = answer(AddCheckpoint.parse(AddCheckpoint(0, (), FIVE).to_bytes()), [LOG], None, WITNESS, NOW)
    assert (first.status, first.cosigned) == (200, AT_FIVE)
    second = answer(AddCheckpoint.parse(GROWTH.to_bytes()), [LOG], first.cosigned, WITNESS, NOW + 1)
    assert (second.status, second.cosigned) == (200, Checkpoint.parse(EIGHT.text))
    note = cosigned(EIGHT, second.body, [WITNESS.verifier])
    assert [(each.key, each.time) for each in verify_note(note, [WITNESS.verifier])] == [(WITNESS.verifier, NOW + 1)]
    assert verify_note(note, [LOG])


def test_a_witness_cosigns_the_same_checkpoint_again():
    """Its proof is empty then."""
    assert status(AddCheckpoint(5, (), FIVE), AT_FIVE) == 200
    assert status(AddCheckpoint(5, PROOF, FIVE), AT_FIVE) == 422


def test_each_refusal_has_its_status():
    """In the order of the specification: unknown log, wrong signature, another old size, a fork, a wrong proof."""
    forged = replace(EIGHT, text=EIGHT.text.replace("V8K9", "V8K8"))
    assert status(GROWTH, AT_FIVE, keys=()) == 404
    assert status(replace(GROWTH, note=forged), AT_FIVE) == 403
    assert status(GROWTH, AT_FIVE, keys=[WITNESS.verifier]) == 403
    assert status(GROWTH, None) == 409
    assert status(AddCheckpoint(0, (), EIGHT), AT_FIVE) == 409
    fork = Checkpoint("monkeys", 5, bytes(32)).signed(MONKEYS)
    assert status(AddCheckpoint(5, (), fork), AT_FIVE) == 409
    for at, each in enumerate(PROOF):
        wrong = bytes([each[0] ^ 1]) + each[1:]
        assert status(replace(GROWTH, proof=(*PROOF[:at], wrong, *PROOF[at + 1 :])), AT_FIVE) == 422
    assert status(replace(GROWTH, proof=PROOF[:3]), AT_FIVE) == 422
    assert status(AddCheckpoint(0, PROOF, EIGHT), None) == 422


def test_a_log_without_entries_has_the_root_of_the_empty_tree():
    """A witness that cosigned another root could never cosign any growth."""
    assert status(AddCheckpoint(0, (), Checkpoint("monkeys", 0, EMPTY_ROOT).signed(MONKEYS)), None) == 200
    assert status(AddCheckpoint(0, (), Checkpoint("monkeys", 0, bytes(32)).signed(MONKEYS)), None) == 422
    assert status(AddCheckpoint(0, (), FIVE), Checkpoint("monkeys", 0, EMPTY_ROOT)) == 200


def test_a_conflict_says_which_size_was_cosigned_last():
    """And the log reads it; what is no size is refused."""
    conflict = answer(AddCheckpoint(0, (), EIGHT), [LOG], AT_FIVE, WITNESS, NOW)
    assert (conflict.status, conflict.media_type, conflict.body) == (409, SIZE_TYPE, b"5\n")
    assert size_cosigned_last(conflict.body) == 5
    for body in (b"", b"5", b"05\n", b"5\n\n", b"-5\n", b"\xff\n", b"five\n"):
        with pytest.raises(AnswerRefused):
            size_cosigned_last(body)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("old 20852014\n", ""),
        ("old 20852014", "old 020852014"),
        ("old 20852014", "old  20852014"),
        ("old 20852014", "20852014"),
        ("old 20852014", "old -1"),
        ("old 20852014", "old ２"),
        ("old 20852014", "Old 20852014"),
        ("old 20852014", "old 20852164"),  # larger than the checkpoint
        ("PlRN", "PlR"),
        ("pkaw=\n", "pkax=\n"),  # a bit that base64 leaves over
        ("pkaw=\n", "pkaw=\n" + "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n" * 60),
        ("pkaw=\n", "pkaw=\r\n"),
        ("/0=\n\n", "/0=\n"),
        ("\n20852163\n", "\n"),
        ("\n\n—", "\n—"),
        ("=\n\nexample", "=\n\n\nexample"),
    ],
)
def test_a_request_in_another_form_is_refused(old, new):
    """Its lines are as the specification writes them, and its note is a checkpoint."""
    assert EXAMPLE.count(old) == 1
    with pytest.raises(WitnessRequestRefused):
        AddCheckpoint.parse(EXAMPLE.replace(old, new).encode())


def test_a_request_that_no_witness_reads_is_not_made():
    """Of a note that is no checkpoint, or with more hashes than a tree can have levels."""
    with pytest.raises(WitnessRequestRefused, match="at most 63"):
        AddCheckpoint(0, PROOF * 16, EIGHT)
    with pytest.raises(WitnessRequestRefused, match="old size"):
        AddCheckpoint(9, PROOF, EIGHT)
    with pytest.raises(WitnessRequestRefused, match="checkpoint is refused"):
        AddCheckpoint(0, (), Note("monkeys\n", EIGHT.signatures))


def test_a_log_takes_only_cosignatures_of_witnesses_that_it_knows():
    """Others are left out; if none is left, or one is wrong, the answer is refused."""
    other = SignerKey("witness.example/w2", SignatureType.COSIGNATURE, PrivateKey.from_raw(bytes(32)))
    body = (other.signed(EIGHT.text, NOW).line() + WITNESS.signed(EIGHT.text, NOW).line()).encode()
    assert [each.name for each in cosigned(EIGHT, body, [WITNESS.verifier]).signatures] == ["monkeys", "witness.example/w1"]
    with pytest.raises(NoteRefused, match="none"):
        cosigned(EIGHT, body, [VerifierKey(WITNESS.name, SignatureType.NOTE, WITNESS.private.public)])
    with pytest.raises(NoteRefused, match="wrong"):
        cosigned(EIGHT, WITNESS.signed(FIVE.text, NOW).line().encode(), [WITNESS.verifier])
    for broken in (b"", b"\n", body[:-1], body + b"\n", b"\xff\n", b"too late\n"):
        with pytest.raises(AnswerRefused):
            cosigned(EIGHT, broken, [WITNESS.verifier])
