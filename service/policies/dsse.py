"""
DSSE envelopes: a payload with its type, and signatures over both.

Source: secure-systems-lab/dsse, protocol.md and envelope.md. A key id is a hint that nobody signed, so it is never used: every
key is tried on every signature, and one good signature by one of the keys is enough.
"""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError

from service.transparency.ed25519 import PrivateKey, PublicKey

MAX_BYTES = 256 * 1024
MAX_SIGNATURES = 32


class EnvelopeRefused(ValueError):
    """These bytes are not an envelope, or no trusted key signed it; the message says which."""


class _Signature(BaseModel, frozen=True, strict=True):
    keyid: str = ""
    sig: str


class _Envelope(BaseModel, frozen=True, strict=True):
    payload: str
    payload_type: str = Field(alias="payloadType")
    signatures: Annotated[tuple[_Signature, ...], Field(max_length=MAX_SIGNATURES)]


@dataclass(frozen=True, slots=True)
class Envelope:
    """The payload, its type, and the signatures, each as key id and bytes. Nothing in it is trusted before `verify`."""

    payload_type: str
    payload: bytes
    signatures: tuple[tuple[str, bytes], ...]

    def written(self) -> bytes:
        """The envelope as JSON."""
        document: dict[str, Any] = {
            "payloadType": self.payload_type,
            "payload": base64.b64encode(self.payload).decode(),
            "signatures": [{"keyid": id, "sig": base64.b64encode(signature).decode()} for id, signature in self.signatures],
        }
        return json.dumps(document, indent=2).encode() + b"\n"

    def signed_also_by(self, key: PrivateKey) -> "Envelope":
        """The envelope with one signature by this key."""
        others = tuple(each for each in self.signatures if each[0] != key.public.id)
        signature = key.sign(pae(self.payload_type, self.payload))
        return Envelope(self.payload_type, self.payload, (*others, (key.public.id, signature)))


def pae(payload_type: str, payload: bytes) -> bytes:
    """The pre-authentication encoding: the bytes that are signed."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def read(data: bytes) -> Envelope:
    """The envelope in these bytes. Nothing in it is verified yet. Raises EnvelopeRefused."""
    if len(data) > MAX_BYTES:
        raise EnvelopeRefused(f"the envelope is larger than {MAX_BYTES >> 10} KiB")
    try:
        # Validated as JSON, so that strict types still accept an array as a tuple.
        found = _Envelope.model_validate_json(data)
        return Envelope(
            found.payload_type, _base64(found.payload), tuple((each.keyid, _base64(each.sig)) for each in found.signatures)
        )
    except (ValidationError, binascii.Error, ValueError):
        raise EnvelopeRefused(f"the signature file is not a DSSE envelope with at most {MAX_SIGNATURES} signatures") from None


def verify(envelope: Envelope, payload_type: str, keys: Sequence[PublicKey]) -> tuple[bytes, tuple[PublicKey, ...]]:
    """The payload, and the keys that signed it, at least one. Raises EnvelopeRefused."""
    if envelope.payload_type != payload_type:
        raise EnvelopeRefused(f"the envelope's type is not `{payload_type}`")
    if not envelope.signatures:
        raise EnvelopeRefused("the envelope holds no signature")
    message = pae(envelope.payload_type, envelope.payload)
    signers = tuple(key for key in keys if any(key.signed(signature, message) for _, signature in envelope.signatures))
    if not signers:
        raise EnvelopeRefused("none of the trusted keys signed it")
    return envelope.payload, signers


def _base64(text: str) -> bytes:
    """Standard or URL-safe base64: the specification asks a verifier to accept both."""
    return base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
