"""Checkpoints: their text, who signed them, and whether two of them fit together."""

import pytest

from service.transparency.checkpoint import Checkpoint, CheckpointRefused, Relation, open_checkpoint
from service.transparency.ed25519 import PrivateKey
from service.transparency.merkle_tree import ProofRefused, consistency_proof
from service.transparency.signed_note import Note, NoteRefused, SignatureType, SignerKey
from tests.service.transparency.recursive_tree import RecursiveTree

# Source: C2SP tlog-cosignature.
EXAMPLE = """\
example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==
"""
ORIGIN = "log.example/decisions"
LOG = SignerKey(ORIGIN, SignatureType.NOTE, PrivateKey.from_raw(bytes(32)))
TREE = RecursiveTree([b"%d" % number for number in range(9)])
ROOT = TREE.root(9)


def checkpoint(size: int) -> Checkpoint:
    """That of the tree above, at some size."""
    return Checkpoint(ORIGIN, size, TREE.root(size))


def test_the_example_of_the_specification():
    """It is read, and written in the same bytes; the cosignature was made at the time that the document says."""
    note = Note.parse(EXAMPLE.encode())
    found = Checkpoint.parse(note.text)
    assert (found.origin, found.size, found.root[:2], found.extensions) == (
        "example.com/behind-the-sofa",
        20_852_163,
        b"\n\xc5",
        (),
    )
    assert (note.to_bytes(), found.text()) == (EXAMPLE.encode(), note.text)
    assert int.from_bytes(note.signatures[1].signature[:8], "big") == 1_679_315_147


def test_a_checkpoint_is_signed_and_opened():
    """By the key of the log, and of this log."""
    note = Note.parse(checkpoint(9).signed(LOG).to_bytes())
    found, signatures = open_checkpoint(note, ORIGIN, [LOG.verifier])
    assert (found, [each.key for each in signatures]) == (checkpoint(9), [LOG.verifier])
    with pytest.raises(CheckpointRefused, match="another log"):
        open_checkpoint(note, "log.example/another", [LOG.verifier])
    with pytest.raises(NoteRefused):
        open_checkpoint(note, ORIGIN, [])


def test_a_checkpoint_may_have_extension_lines():
    """They are signed with the rest and mean nothing here."""
    longer = Checkpoint(ORIGIN, 9, ROOT, ("one", "two three"))
    assert Checkpoint.parse(longer.text()) == longer


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "a\n",
        "a\n1\n",
        f"a\n1\n{'A' * 43}=",
        f"\n1\n{'A' * 43}=\n",
        f"a\n01\n{'A' * 43}=\n",
        f"a\n-1\n{'A' * 43}=\n",
        f"a\n+1\n{'A' * 43}=\n",
        f"a\n١\n{'A' * 43}=\n",
        f"a\n\n{'A' * 43}=\n",
        f"a\n{2**63}\n{'A' * 43}=\n",
        f"a\n1\n{'A' * 42}==\n",
        f"a\n1\n{'A' * 42}B=\n",
        f"a\n1\n{'A' * 43}\n",
        f"a\n1\n{'A' * 44}\n",
        f"a\n1\n{'A' * 43}=\n\n",
        f"a\n1\n{'A' * 43}=\nextension",
        f"a\r\n1\r\n{'A' * 43}=\r\n",
    ],
)
def test_a_text_that_is_no_checkpoint_is_refused(text):
    """Three lines at least, none empty, each in its one form."""
    with pytest.raises(CheckpointRefused):
        Checkpoint.parse(text)


@pytest.mark.parametrize(
    ("origin", "size", "root", "extensions"),
    [
        ("", 1, ROOT, ()),
        ("a\nb", 1, ROOT, ()),
        ("a", -1, ROOT, ()),
        ("a", 2**63, ROOT, ()),
        ("a", 1, b"", ()),
        ("a", 1, ROOT, ("",)),
        ("a", 1, ROOT, ("b\nc",)),
    ],
)
def test_a_checkpoint_that_could_not_be_read_again_is_not_made(origin, size, root, extensions):
    """What is written can be read."""
    with pytest.raises(CheckpointRefused):
        Checkpoint(origin, size, root, extensions)


def test_two_checkpoints_of_one_log_are_compared():
    """One size with two roots is a fork; two logs are not compared."""
    nine = checkpoint(9)
    forked = Checkpoint(ORIGIN, 9, TREE.root(8))
    assert nine.relation(checkpoint(9)) is Relation.SAME
    assert nine.relation(forked) is Relation.FORKED
    assert (nine.relation(checkpoint(8)), checkpoint(8).relation(nine)) == (Relation.LARGER, Relation.SMALLER)
    with pytest.raises(CheckpointRefused, match="two logs"):
        nine.relation(Checkpoint("another", 9, ROOT))


def test_a_later_checkpoint_has_to_continue_the_earlier_one():
    """A consistency proof shows it, and shows it only for these two."""
    proof = consistency_proof(5, 9, TREE.node)
    checkpoint(5).verify_growth(checkpoint(9), proof)
    for earlier, later in ((checkpoint(4), checkpoint(9)), (checkpoint(5), checkpoint(8)), (checkpoint(9), checkpoint(5))):
        with pytest.raises(ProofRefused):
            earlier.verify_growth(later, proof)
    with pytest.raises(CheckpointRefused, match="two logs"):
        checkpoint(5).verify_growth(Checkpoint("another", 9, ROOT), proof)
