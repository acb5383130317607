"""
Signed notes: a text with signatures, and the keys that make and check them (C2SP signed-note, tlog-cosignature).

    <text, which ends in a newline>
    <an empty line>
    — <key name> <base64 of the key id (4 bytes) and the signature>

Two types of signatures are read: those of a log over the text (0x01), and those of a witness over a moment and the text (0x04, "a
cosignature"). A line by an unknown key is kept and says nothing. Strict beyond the specification: base64 is written in its one
canonical form, so that a note has one form in bytes, and a known key signs a note once.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256
from typing import Final

from .ed25519 import SIGNATURE_BYTES, NotEd25519, PrivateKey, PublicKey
from .text_encodings import base64_of, from_base64

MAX_NOTE_BYTES: Final = 256 * 1024
MAX_SIGNATURES: Final = 64  # the specification asks for at least 16
MAX_TIME: Final = 2**63 - 1  # in seconds since 1970

_KEY_ID_BYTES = 4
_TIME_BYTES = 8
_BEFORE_SIGNATURE = "\N{EM DASH} "
_PRIVATE = "PRIVATE+KEY+"
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")


class NoteRefused(ValueError):
    """These bytes are no signed note, or no known key signed it; the message is one sentence."""


class KeyTextRefused(ValueError):
    """This text is no verifier key or signer key; the message is one sentence and quotes no key."""


class SignatureType(IntEnum):
    """What a key signs, always with Ed25519. The numbers are those of the specification."""

    NOTE = 0x01  # the text of a note
    COSIGNATURE = 0x04  # a moment, and the text of a checkpoint


@dataclass(frozen=True, slots=True)
class SignatureLine:
    """A signature as a note has it: nothing in it is verified. `signature` is all that follows the id of the key."""

    name: str
    key_id: bytes
    signature: bytes

    @staticmethod
    def parse(line: str) -> "SignatureLine":
        """The signature in a line, without its newline. Raises NoteRefused."""
        name, _, encoded = line.removeprefix(_BEFORE_SIGNATURE).partition(" ")
        signature = from_base64(encoded)
        if not line.startswith(_BEFORE_SIGNATURE) or not _is_name(name) or signature is None or len(signature) <= _KEY_ID_BYTES:
            raise NoteRefused("a line of signatures is not an em dash, the name of a key, and a signature in base64")
        return SignatureLine(name, signature[:_KEY_ID_BYTES], signature[_KEY_ID_BYTES:])

    def line(self) -> str:
        """The line, with its newline."""
        return f"{_BEFORE_SIGNATURE}{self.name} {base64_of(self.key_id + self.signature)}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A text, which ends in a newline, and its signatures. Nothing in it is trusted before `verify_note`. Raises NoteRefused."""

    text: str
    signatures: tuple[SignatureLine, ...] = ()

    def __post_init__(self) -> None:
        if not self.text.endswith("\n"):
            raise NoteRefused("the text of a note ends in a newline")
        if not _is_text(self.text):
            raise NoteRefused("a note has a control character, or is not UTF-8")
        if len(self.signatures) > MAX_SIGNATURES:
            raise NoteRefused(f"a note has at most {MAX_SIGNATURES} signatures")

    @staticmethod
    def parse(data: bytes) -> "Note":
        """The note in these bytes. Raises NoteRefused."""
        if len(data) > MAX_NOTE_BYTES:
            raise NoteRefused(f"a note has at most {MAX_NOTE_BYTES >> 10} KiB")
        try:
            whole = data.decode()
        except UnicodeDecodeError:
            raise NoteRefused("a note is not UTF-8") from None
        text, separated, block = whole.rpartition("\n\n")
        if not separated or not block.endswith("\n"):
            raise NoteRefused("a note is not a text, an empty line, and lines of signatures")
        return Note(text + "\n", tuple(map(SignatureLine.parse, block[:-1].split("\n"))))

    def to_bytes(self) -> bytes:
        """The note as it is sent; it has at least one signature. Raises NoteRefused."""
        if not self.signatures:
            raise NoteRefused("a note without signatures is only a text")
        return f"{self.text}\n{''.join(each.line() for each in self.signatures)}".encode()

    def signed_by(self, *lines: SignatureLine) -> "Note":
        """The note with these signatures too; one by the same key is replaced. Raises NoteRefused."""
        replaced = {(each.name, each.key_id) for each in lines}
        return Note(self.text, (*(each for each in self.signatures if (each.name, each.key_id) not in replaced), *lines))


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key with a name and a type: what a verifier is configured with ("vkey"). Raises KeyTextRefused."""

    name: str
    type: SignatureType
    public: PublicKey

    def __post_init__(self) -> None:
        if not _is_name(self.name):
            raise KeyTextRefused("the name of a key is not empty, and has no spaces, control characters or `+`")

    @staticmethod
    def parse(text: str) -> "VerifierKey":
        """The key in `<name>+<key id in hex>+<base64 of type and key>`. Raises KeyTextRefused."""
        name, type, raw = _parsed_key(text)
        try:
            key = VerifierKey(name, type, PublicKey.from_raw(raw))
        except NotEd25519 as error:
            raise KeyTextRefused(f"a verifier key {error}") from None
        if key.text() != text:
            raise KeyTextRefused("the id in a verifier key is not the id of its key")
        return key

    @property
    def key_id(self) -> bytes:
        """The 4 bytes that name the key in a line of signatures, together with its name."""
        return sha256(self.name.encode() + b"\n" + bytes([self.type]) + self.public.raw).digest()[:_KEY_ID_BYTES]

    def text(self) -> str:
        """The key as verifiers are given it."""
        return f"{self.name}+{self.key_id.hex()}+{base64_of(bytes([self.type]) + self.public.raw)}"

    def verified(self, text: str, signature: bytes) -> "VerifiedSignature | None":
        """What the signature says if it is one by this key over the text of a note; else None."""
        if self.type is SignatureType.NOTE:
            return VerifiedSignature(self, None) if self.public.signed(signature, text.encode()) else None
        if len(signature) != _TIME_BYTES + SIGNATURE_BYTES:
            return None
        time = int.from_bytes(signature[:_TIME_BYTES], "big")
        if time > MAX_TIME or not self.public.signed(signature[_TIME_BYTES:], _cosigned(text, time)):
            return None
        return VerifiedSignature(self, time)


@dataclass(frozen=True, slots=True)
class VerifiedSignature:
    """A signature that was verified: by which key, and for a cosignature at which time, in seconds since 1970."""

    key: VerifierKey
    time: int | None


@dataclass(frozen=True, slots=True)
class SignerKey:
    """A private key with a name and a type. Raises KeyTextRefused."""

    name: str
    type: SignatureType
    private: PrivateKey

    def __post_init__(self) -> None:
        _ = self.verifier  # which refuses a name that no note can have

    @staticmethod
    def parse(text: str) -> "SignerKey":
        """The key in `PRIVATE+KEY+<name>+<key id in hex>+<base64 of type and private key>`. Raises KeyTextRefused."""
        if not text.startswith(_PRIVATE):
            raise KeyTextRefused(f"a signer key begins with `{_PRIVATE}`")
        name, type, raw = _parsed_key(text.removeprefix(_PRIVATE))
        try:
            key = SignerKey(name, type, PrivateKey.from_raw(raw))
        except NotEd25519 as error:
            raise KeyTextRefused(f"a signer key {error}") from None
        if key.text() != text:
            raise KeyTextRefused("the id in a signer key is not the id of its key")
        return key

    @property
    def verifier(self) -> VerifierKey:
        """The key that others check the signatures with."""
        return VerifierKey(self.name, self.type, self.private.public)

    def text(self) -> str:
        """The key as its owner keeps it, in secret."""
        key_id = self.verifier.key_id.hex()
        return f"{_PRIVATE}{self.name}+{key_id}+{base64_of(bytes([self.type]) + self.private.raw)}"

    def signed(self, text: str, time: int | None = None) -> SignatureLine:
        """
        The signature over the text of a note. A cosignature has a time, in seconds since 1970; another signature has none.

        Raises ValueError if it is the other way round.
        """
        if (time is None) is not (self.type is SignatureType.NOTE):
            raise ValueError("a cosignature, and nothing else, is made at a time")
        if time is None:
            return SignatureLine(self.name, self.verifier.key_id, self.private.sign(text.encode()))
        if not 0 <= time <= MAX_TIME:
            raise ValueError(f"the time of a cosignature is from 0 to {MAX_TIME}")
        signature = time.to_bytes(_TIME_BYTES, "big") + self.private.sign(_cosigned(text, time))
        return SignatureLine(self.name, self.verifier.key_id, signature)


def verify_note(note: Note, keys: Iterable[VerifierKey]) -> tuple[VerifiedSignature, ...]:
    """The signatures by these keys, at least one, as `signatures_by` finds them. Raises NoteRefused, also if there is none."""
    found = signatures_by(note, keys)
    if not found:
        raise NoteRefused("none of the known keys signed the note")
    return found


def signatures_by(note: Note, keys: Iterable[VerifierKey]) -> tuple[VerifiedSignature, ...]:
    """
    The signatures by these keys, in the order of the note; the others are ignored.

    Raises NoteRefused if one of the keys is said to have signed the note and has not, or has twice.
    """
    known = {(key.name, key.key_id): key for key in keys}
    found: dict[tuple[str, bytes], VerifiedSignature] = {}
    for line in note.signatures:
        place = line.name, line.key_id
        if place not in known:
            continue
        if place in found:
            raise NoteRefused(f"the key `{line.name}` signed the note twice")
        signature = known[place].verified(note.text, line.signature)
        if signature is None:
            raise NoteRefused(f"the signature by `{line.name}` is wrong")
        found[place] = signature
    return tuple(found.values())


def _parsed_key(text: str) -> tuple[str, SignatureType, bytes]:
    name, _, rest = text.partition("+")
    material = from_base64(rest.partition("+")[2])
    if not material:
        raise KeyTextRefused("the text of a key is not a name, an id and a key in base64, with `+` between them")
    if material[0] not in tuple(SignatureType):
        raise KeyTextRefused("only keys of Ed25519 for notes (1) and for cosignatures (4) are read")
    return name, SignatureType(material[0]), material[1:]


def _cosigned(text: str, time: int) -> bytes:
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def _is_name(name: str) -> bool:
    return bool(name) and "+" not in name and not any(map(str.isspace, name)) and _is_text(name)


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # half a character, as a variable of the environment may have it
        return False
    return _CONTROL.search(text) is None
