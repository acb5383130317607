"""Signed notes and their keys, against the vectors of Go's `sumdb/note` and a checkpoint that a public log signed."""

import pytest

from service.transparency.ed25519 import PrivateKey
from service.transparency.signed_note import (
    MAX_SIGNATURES,
    KeyTextRefused,
    Note,
    NoteRefused,
    SignatureLine,
    SignatureType,
    SignerKey,
    VerifierKey,
    signatures_by,
    verify_note,
)

# Source: golang.org/x/mod/sumdb/note, note.go and note_test.go.
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
PETER_PRIVATE = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
ENOCH = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
BY_PETER = "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
BY_ENOCH = "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"
BOTH = f"{TEXT}\n{BY_PETER}{BY_ENOCH}".encode()

COSIGNED = "example.com/log\n5\nf+7CoKgXKE/tNys9TTXcr/ad6U/K3xvznmzew9y6SP0=\n"
WITNESS = SignerKey("witness.example/w1", SignatureType.COSIGNATURE, PrivateKey.from_raw(bytes(range(32))))


def test_a_note_is_signed_as_go_signs_it():
    """The same key makes the same bytes, and the key is written as it was read."""
    peter = SignerKey.parse(PETER_PRIVATE)
    assert Note(TEXT, (peter.signed(TEXT),)).to_bytes() == f"{TEXT}\n{BY_PETER}".encode()
    assert (peter.verifier.text(), peter.text()) == (PETER, PETER_PRIVATE)


def test_the_checkpoint_of_a_public_log_is_verified():
    """That of Go's checksum database at 20,852,163 entries, whose root and signature C2SP's documents show."""
    note = Note.parse(
        "go.sum database tree\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n— sum.golang.org Az3grlgtzPICa5OS8n"
        "pVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n".encode()
    )
    key = VerifierKey.parse("sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8")
    assert [each.key for each in verify_note(note, [key])] == [key]


def test_a_witness_key_is_read():
    """One of a public witness (transparency-dev/formats, note_cosigv1_test.go)."""
    text = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2"
    key = VerifierKey.parse(text)
    assert (key.name, key.type, key.text()) == ("remora.n621.de", SignatureType.COSIGNATURE, text)


def test_the_keys_that_are_known_say_what_is_verified():
    """The signatures of others are kept and say nothing; a note that only others signed is refused."""
    note = Note.parse(BOTH)
    peter, enoch = VerifierKey.parse(PETER), VerifierKey.parse(ENOCH)
    assert (note.text, note.to_bytes()) == (TEXT, BOTH)
    assert [each.key.name for each in verify_note(note, [peter])] == ["PeterNeumann"]
    assert [each.key.name for each in verify_note(note, [enoch, peter])] == ["PeterNeumann", "EnochRoot"]
    assert signatures_by(note, []) == ()
    for unknown in ([], [VerifierKey("PeterNeumann", SignatureType.NOTE, enoch.public)]):
        with pytest.raises(NoteRefused, match="none of the known keys"):
            verify_note(note, unknown)


def test_every_wrong_bit_of_a_signed_note_is_refused():
    """In the text, in the signature, in its base64, in the name: no bit is without meaning."""
    data = f"{TEXT}\n{BY_PETER}".encode()
    keys = [VerifierKey.parse(PETER)]
    for bit in range(8 * len(data)):
        wrong = bytearray(data)
        wrong[bit // 8] ^= 1 << bit % 8
        with pytest.raises(NoteRefused):
            verify_note(Note.parse(bytes(wrong)), keys)


def test_a_key_signs_a_note_once():
    """Twice by a known key is refused, also if both are right; by an unknown key it says nothing anyway."""
    note = Note.parse(f"{TEXT}\n{BY_PETER}{BY_ENOCH}{BY_ENOCH}".encode())
    assert len(verify_note(note, [VerifierKey.parse(PETER)])) == 1
    with pytest.raises(NoteRefused, match="twice"):
        verify_note(note, [VerifierKey.parse(PETER), VerifierKey.parse(ENOCH)])


def test_a_second_signature_by_a_key_replaces_the_first():
    """And the others stay."""
    peter = SignerKey.parse(PETER_PRIVATE)
    wrong = SignatureLine("PeterNeumann", peter.verifier.key_id, bytes(64))
    note = Note(TEXT, (wrong, *Note.parse(BOTH).signatures[1:]))
    again = note.signed_by(peter.signed(TEXT))
    assert [each.name for each in again.signatures] == ["EnochRoot", "PeterNeumann"]
    assert len(verify_note(again, [VerifierKey.parse(PETER), VerifierKey.parse(ENOCH)])) == 2


@pytest.mark.parametrize(
    "data",
    [
        b"",
        TEXT.encode(),
        f"{TEXT}\n".encode(),
        f"{TEXT}\n{BY_PETER}".encode()[:-1],
        f"{TEXT}{BY_PETER}".encode(),
        f"\x01{TEXT}\n{BY_PETER}".encode(),
        f"{TEXT}\r\n\n{BY_PETER}".encode(),
        b"\xff" + BOTH,
        f"{TEXT}\n{BY_PETER}an unexpected line\n".encode(),
        f"{TEXT}\n{BY_PETER}\n".encode(),
        f"{TEXT}\n{BY_PETER.replace('PeterNeumann', 'Peter Neumann')}".encode(),
        f"{TEXT}\n{BY_PETER.replace('PeterNeumann', 'Peter+Neumann')}".encode(),
        f"{TEXT}\n{BY_PETER.replace('PeterNeumann', '')}".encode(),
        f"{TEXT}\n{BY_PETER.replace('—', '-')}".encode(),
        f"{TEXT}\n{BY_PETER.removeprefix('— ')}".encode(),
        BY_PETER.encode(),
        f"{TEXT}\n{BY_PETER.replace('AM=', 'AN=')}".encode(),  # a bit that base64 leaves over
        f"{TEXT}\n{BY_PETER.replace('AM=', 'AM')}".encode(),
        f"{TEXT}\n{BY_PETER.replace('AM=', 'AM==')}".encode(),
        f"{TEXT}\n— PeterNeumann x08gow==\n".encode(),  # the id of a key and no signature
        f"{TEXT}\n{BY_ENOCH * (MAX_SIGNATURES + 1)}".encode(),
        f"{'x' * 256 * 1024}\n\n{BY_PETER}".encode(),
    ],
)
def test_what_is_no_note_is_refused(data):
    """Every note has one form in bytes, and bounds."""
    with pytest.raises(NoteRefused):
        Note.parse(data)


def test_a_note_may_have_empty_lines_and_many_signatures():
    """The last empty line ends the text."""
    assert Note.parse(f"one\n\ntwo\n\n{BY_ENOCH * MAX_SIGNATURES}".encode()).text == "one\n\ntwo\n"


def test_a_cosignature_has_its_time_and_stands_for_the_text():
    """The message is that of C2SP tlog-cosignature, put together by hand here."""
    line = WITNESS.signed(COSIGNED, 1_679_315_147)
    message = f"cosignature/v1\ntime 1679315147\n{COSIGNED}".encode()
    assert line.signature[:8] == (1_679_315_147).to_bytes(8, "big")
    assert WITNESS.private.public.signed(line.signature[8:], message)
    (signature,) = verify_note(Note(COSIGNED, (line,)), [WITNESS.verifier])
    assert (signature.key, signature.time) == (WITNESS.verifier, 1_679_315_147)
    as_note = VerifierKey(WITNESS.name, SignatureType.NOTE, WITNESS.private.public)
    assert as_note.key_id != WITNESS.verifier.key_id
    for signature_bytes in (line.signature[:-1], line.signature + b"\0", line.signature[8:], b"\xff" + line.signature[1:]):
        wrong = Note(COSIGNED, (SignatureLine(line.name, line.key_id, signature_bytes),))
        with pytest.raises(NoteRefused, match="wrong"):
            verify_note(wrong, [WITNESS.verifier])
    for bit in range(64):
        at = (int.from_bytes(line.signature[:8], "big") ^ 1 << bit).to_bytes(8, "big")
        with pytest.raises(NoteRefused, match="wrong"):
            verify_note(Note(COSIGNED, (SignatureLine(line.name, line.key_id, at + line.signature[8:]),)), [WITNESS.verifier])


def test_a_text_is_no_note_before_somebody_signs_it():
    """And it has whole lines."""
    with pytest.raises(NoteRefused, match="without signatures"):
        Note(TEXT).to_bytes()
    for text in ("", "no newline", "a\x00b\n", "a\udc80b\n"):
        with pytest.raises(NoteRefused):
            Note(text)


def test_a_time_beyond_the_specification_is_refused_though_it_is_signed():
    """It has at most 63 bits."""
    signature = WITNESS.private.sign(f"cosignature/v1\ntime {2**63}\n{COSIGNED}".encode())
    line = SignatureLine(WITNESS.name, WITNESS.verifier.key_id, (2**63).to_bytes(8, "big") + signature)
    with pytest.raises(NoteRefused, match="wrong"):
        verify_note(Note(COSIGNED, (line,)), [WITNESS.verifier])


def test_a_cosignature_and_nothing_else_has_a_time():
    """A log signs no moment, a witness always does."""
    for key, time in ((WITNESS, None), (SignerKey.parse(PETER_PRIVATE), 1), (WITNESS, -1), (WITNESS, 2**63)):
        with pytest.raises(ValueError, match="cosignature"):
            key.signed(COSIGNED, time)


@pytest.mark.parametrize(("text", "parse"), [(PETER, VerifierKey.parse), (PETER_PRIVATE, SignerKey.parse)])
def test_no_part_and_no_change_of_a_key_is_a_key(text, parse):
    """As Go tries it: each part of the text, and each character one further. No message shows a key."""
    parts = (text[start:end] for start in range(len(text)) for end in range(start, len(text) + 1) if end - start < len(text))
    changed = (text[:at] + chr(ord(text[at]) + 1) + text[at + 1 :] for at in range(len(text)))
    for wrong in (*parts, *changed):
        with pytest.raises(KeyTextRefused) as error:
            parse(wrong)
        assert text[-20:] not in str(error.value)


@pytest.mark.parametrize(
    "text",
    [
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",  # too long, with an id of its own
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",  # another type, with its id
        PETER.upper(),
        PETER + "\n",
        PETER.replace("c74f20a3", "C74F20A3"),
    ],
)
def test_keys_of_other_kinds_and_forms_are_refused(text):
    """From Go's tests, and those that are written in another way."""
    with pytest.raises(KeyTextRefused):
        VerifierKey.parse(text)


def test_a_verifier_key_is_no_signer_key():
    """Nor the other way round."""
    with pytest.raises(KeyTextRefused, match="begins with"):
        SignerKey.parse(PETER_PRIVATE.removeprefix("PRIVATE+KEY+"))
    with pytest.raises(KeyTextRefused):
        VerifierKey.parse(PETER_PRIVATE)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u2003b", "a\nb", "a\x00b", "a\udc80b"])
def test_a_name_that_no_note_can_have_is_refused(name):
    """Neither a verifier nor a signer has it."""
    with pytest.raises(KeyTextRefused):
        VerifierKey(name, SignatureType.NOTE, WITNESS.private.public)
    with pytest.raises(KeyTextRefused):
        SignerKey(name, SignatureType.NOTE, WITNESS.private)
