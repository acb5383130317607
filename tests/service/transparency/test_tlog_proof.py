"""Receipts as text: what one is made of, and what it takes to change nothing unnoticed."""

import pytest

from service.transparency.checkpoint import Checkpoint, CheckpointRefused
from service.transparency.ed25519 import PrivateKey
from service.transparency.merkle_tree import ProofRefused, inclusion_proof, leaf_hash
from service.transparency.signed_note import Note, NoteRefused, SignatureType, SignerKey, VerifierKey
from service.transparency.tlog_proof import MAX_PROOF_BYTES, TlogProof, TlogProofRefused
from tests.service.transparency.recursive_tree import RecursiveTree

ORIGIN = "log.example/decisions"
LOG = SignerKey(ORIGIN, SignatureType.NOTE, PrivateKey.from_raw(bytes(32)))
WITNESSES = [
    SignerKey(f"witness.example/w{number}", SignatureType.COSIGNATURE, PrivateKey.from_raw(bytes([number]) * 32))
    for number in (1, 2, 3)
]
KEYS = [each.verifier for each in WITNESSES]
NOW = 1_800_000_000
TREE = RecursiveTree([b"record %d" % number for number in range(11)])
LEAF = leaf_hash(b"record 6")
CHECKPOINT = Checkpoint(ORIGIN, 11, TREE.root(11))
NOTE = CHECKPOINT.signed(LOG).signed_by(*(each.signed(CHECKPOINT.text(), NOW) for each in WITNESSES[:2]))
PROOF = TlogProof(6, inclusion_proof(6, 11, TREE.node), NOTE)

# Source: C2SP tlog-proof; its extra data and signatures are shortened there, so they are those of others here.
EXAMPLE = """\
c2sp.org/tlog-proof@v1
extra YWdlLXYxLjIuMS1kYXJ3aW4tYXJtNjQudGFyLmd6
index 73894
gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=
B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=
EKNzoDWG8LGC0Yp9o+sv3qllpMP9uHQ9B20KNL+Q1zs=
RoopEkOdqkYqMB4MJXrbt/hMjOxsVn0IrWjpz1ZMMes=
AHCioX9nLjsrse6YhjRRmk1WUEirVOLLRoOQ6vfO5vk=

example.com/fancylog
109482
sFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=

— example.com/fancylog Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
"""


def test_the_example_of_the_specification_is_read_and_written():
    """In the same bytes."""
    proof = TlogProof.parse(EXAMPLE.encode())
    assert (proof.index, len(proof.hashes), proof.extra) == (73_894, 5, b"age-v1.2.1-darwin-arm64.tar.gz")
    assert proof.to_bytes() == EXAMPLE.encode()


@pytest.mark.parametrize("extra", [None, b"", b"\x00\xff"])
def test_a_proof_is_written_read_and_verified(extra):
    """With the key of the log and those of some witnesses; the extra data may be anything."""
    proof = TlogProof.parse(TlogProof(PROOF.index, PROOF.hashes, NOTE, extra).to_bytes())
    checkpoint, cosignatures = proof.verify(LEAF, ORIGIN, [LOG.verifier], KEYS, at_least=2)
    assert (checkpoint, proof.extra) == (CHECKPOINT, extra)
    assert [(each.key, each.time) for each in cosignatures] == [(KEYS[0], NOW), (KEYS[1], NOW)]


def test_a_proof_for_a_log_of_one_entry_has_no_hashes():
    """The leaf's hash is the root."""
    note = Checkpoint(ORIGIN, 1, TREE.root(1)).signed(LOG)
    proof = TlogProof.parse(TlogProof(0, (), note).to_bytes())
    assert proof.verify(leaf_hash(b"record 0"), ORIGIN, [LOG.verifier])[0].size == 1


def test_what_does_not_hold_is_refused():
    """Another entry, index, log or key; too few witnesses; one witness under two names; a log that plays the witness."""
    for index, leaf in ((6, leaf_hash(b"record 7")), (7, LEAF), (11, LEAF)):
        with pytest.raises(ProofRefused):
            TlogProof(index, PROOF.hashes, NOTE).verify(leaf, ORIGIN, [LOG.verifier])
    with pytest.raises(CheckpointRefused):
        PROOF.verify(LEAF, "log.example/another", [LOG.verifier])
    with pytest.raises(NoteRefused):
        PROOF.verify(LEAF, ORIGIN, [KEYS[2]])
    for witnesses, at_least in ((KEYS, 3), (KEYS[:1], 2), ([], 1), ([LOG.verifier], 1)):
        with pytest.raises(TlogProofRefused, match="fewer than"):
            PROOF.verify(LEAF, ORIGIN, [LOG.verifier], witnesses, at_least)
    twin = SignerKey("witness.example/twin", SignatureType.COSIGNATURE, WITNESSES[0].private)
    two_names = Note(NOTE.text, (*NOTE.signatures[:2], twin.signed(NOTE.text, NOW)))
    with pytest.raises(TlogProofRefused, match="fewer than 2"):
        TlogProof(6, PROOF.hashes, two_names).verify(LEAF, ORIGIN, [LOG.verifier], [KEYS[0], twin.verifier], at_least=2)


def test_a_wrong_bit_in_any_byte_and_any_lost_line_is_refused():
    """Whoever asks for both witnesses notices each change."""
    data = PROOF.to_bytes()
    lines = data.splitlines(keepends=True)
    wrong = [b"".join((*lines[:at], *lines[at + 1 :])) for at in range(len(lines))]
    wrong += [b"".join((*lines[:at], line, line, *lines[at + 1 :])) for at, line in enumerate(lines)]
    for at in range(len(data)):
        changed = bytearray(data)
        changed[at] ^= 1 << at % 8
        wrong.append(bytes(changed))
    for each in wrong:
        with pytest.raises((TlogProofRefused, NoteRefused, CheckpointRefused, ProofRefused)):
            TlogProof.parse(each).verify(LEAF, ORIGIN, [LOG.verifier], KEYS[:2], at_least=2)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("@v1", "@v2"),
        ("@v1\n", "@v1\n\n"),
        ("extra YW", "extra  YW"),
        ("Lmd6\n", "Lmd\n"),
        ("index 73894\n", ""),
        ("index 73894", "index 073894"),
        ("index 73894", "73894"),
        ("index 73894", "index -1"),
        ("index 73894", "index 9223372036854775808"),
        ("index 73894", "index"),
        ("5vk=\n\n", "5vk=\n"),
        ("5vk=\n", "5vl=\n"),  # a bit that base64 leaves over
        ("5vk=\n", "5vk=\n" + "gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=\n" * 59),
        ("5vk=", "5vk"),
        ("c2sp.org", "C2SP.org"),
        ("\n\n—", "\n—"),
    ],
)
def test_a_proof_in_another_form_is_refused(old, new):
    """Its lines are as the specification writes them, in their order."""
    assert EXAMPLE.count(old) == 1
    with pytest.raises(TlogProofRefused):
        TlogProof.parse(EXAMPLE.replace(old, new).encode())


@pytest.mark.parametrize(("index", "hashes"), [(-1, ()), (2**63 - 1, ()), (0, PROOF.hashes * 32)])
def test_a_proof_that_no_log_can_have_is_not_made(index, hashes):
    """Its index, or the number of its hashes, is out of bounds."""
    with pytest.raises(TlogProofRefused):
        TlogProof(index, hashes, NOTE)


def test_a_long_proof_is_refused():
    """It has bounds, as its checkpoint has."""
    with pytest.raises(TlogProofRefused, match="at most"):
        TlogProof.parse(bytes(MAX_PROOF_BYTES + 1))


def test_a_proof_of_a_key_that_signs_notes_is_not_one_of_a_witness():
    """The type of a key is part of it."""
    as_note = VerifierKey(KEYS[0].name, SignatureType.NOTE, KEYS[0].public)
    with pytest.raises(TlogProofRefused):
        PROOF.verify(LEAF, ORIGIN, [LOG.verifier], [as_note], at_least=1)
