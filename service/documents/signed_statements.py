"""
Signed statements on documents: a DSSE envelope goes in, what it states and which keys signed it come out.

    DSSE envelope { payloadType, payload, signatures }                      secure-systems-lab/dsse, envelope.md
    payload = {"schema": "fifthfactor/document-statement/1", "log": …, "name": …, "sha256": …, "terms": {…},
               "exporter": {"id": …, "country": …}, "recipient": {…}, "signed_at": …, "until": …}

A statement says everything that counts, so no exchange gets more than was signed: the hash of the bytes, the name under which the exchange
presents them, each of its terms, both parties by id and country, the log of the service that knows the parties by these ids, the moment of
signing, and the last day. Both layers are bounded before they are parsed, and read strictly: no member twice, none that is unknown.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, StringConstraints, ValidationError, field_validator

from service.documents.stated_documents import StatedDocument, bound, parties
from service.documents.trusted_signers import TrustedSigner, TrustedSigners
from service.log.canonical_json import canonical
from service.policies import dsse

SCHEMA: Literal["fifthfactor/document-statement/1"] = "fifthfactor/document-statement/1"
PAYLOAD_TYPE = "application/vnd.fifthfactor.document-statement+json"
MOST_BYTES = 32 * 1024  # of an envelope
MOST_SIGNATURES = 8

_KEPT = 512  # envelopes that a process remembers as verified
_Model = TypeVar("_Model", bound=BaseModel)


class DocumentStatementRefused(ValueError):
    """The bytes are not an envelope around a statement, or nobody trusted signed it; the message says what is wrong."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class StatedParty(_Strict):
    """A party, by the id and the country that the exchange states. `country` is null where the exchange states none."""

    id: Annotated[str, StringConstraints(min_length=1, max_length=1_000)]
    country: Annotated[str, StringConstraints(max_length=100)] | None


class DocumentStatement(_Strict):
    """What is signed of a document. The page on documents describes each member."""

    schema_: Literal["fifthfactor/document-statement/1"] = Field(alias="schema")
    log: Annotated[str, StringConstraints(min_length=1, max_length=1_000)]
    name: Annotated[str, StringConstraints(min_length=1, max_length=160)]
    sha256: Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]
    terms: dict[str, JsonValue]
    exporter: StatedParty
    recipient: StatedParty
    signed_at: AwareDatetime
    until: date

    @field_validator("terms")
    @classmethod
    def _without_hash(cls, terms: dict[str, JsonValue]) -> dict[str, JsonValue]:
        if "hash" in terms:
            raise ValueError("leave out `hash`, which is `sha256`")
        return terms

    @cached_property
    def binding(self) -> str:
        """What the statement is bound to, as a confirmation of the same document is."""
        return bound(self.name, self.sha256, self.terms, [self.exporter.model_dump(), self.recipient.model_dump()])

    def differences(self, stated: StatedDocument, log: str) -> list[str]:
        """The names of what the exchange states otherwise; without a value, since values may be personal."""
        told = {name: value for name, value in stated.terms.items() if name != "hash"}
        exporter, recipient = parties(stated.exchange)
        pairs: dict[str, tuple[Any, Any]] = {
            "log": (self.log, log),
            "name": (self.name, stated.name),
            "sha256": (self.sha256, stated.sha256),
            **{f"terms.{name}": (self.terms.get(name), told.get(name)) for name in sorted({*self.terms, *told})},
            "exporter": (self.exporter.model_dump(), exporter),
            "recipient": (self.recipient.model_dump(), recipient),
        }
        return [
            name
            for name, (mine, theirs) in pairs.items()
            if json.dumps(mine, sort_keys=True) != json.dumps(theirs, sort_keys=True)
        ]


@dataclass(frozen=True, slots=True)
class Verified:
    """A statement with the trusted signers who signed it, at least one, and an envelope with their signatures alone."""

    statement: DocumentStatement
    signers: tuple[TrustedSigner, ...]
    envelope: str

    def counting(self, name: str) -> tuple[TrustedSigner, ...]:
        """Those of the signers who may sign a document of this name."""
        return tuple(each for each in self.signers if each.may_sign(name))

    def until(self, name: str) -> date | None:
        """The last day on which it counts for a document of this name; None if none of the signers may sign it."""
        last = max((each.until for each in self.counting(name)), default=None)
        return None if last is None else min(last, self.statement.until)


class Verifier:
    """Verifies envelopes by the keys of the trusted signers. It remembers those that were verified, since every decision asks again."""

    def __init__(self, signers: TrustedSigners) -> None:
        self.signers = signers
        self.kept = lru_cache(_KEPT)(self._kept)

    def verified(self, raw: bytes) -> Verified:
        """The statement in an envelope that was sent. Raises DocumentStatementRefused."""
        envelope = _envelope(raw)
        if not self.signers:
            raise DocumentStatementRefused("this service trusts no signer of documents")
        try:
            payload, keys = dsse.verify(envelope, PAYLOAD_TYPE, [each.key for each in self.signers])
        except dsse.EnvelopeRefused as refused:
            raise DocumentStatementRefused(str(refused)) from None
        signed = frozenset(key.id for key in keys)
        message = dsse.pae(envelope.payload_type, payload)
        theirs = tuple(
            (key.id, next(signature for _, signature in envelope.signatures if key.signed(signature, message))) for key in keys
        )
        kept = dsse.Envelope(envelope.payload_type, payload, theirs).written()
        if len(kept) > MOST_BYTES:
            raise DocumentStatementRefused(f"the envelope is larger than {MOST_BYTES >> 10} KiB, as the service writes it")
        return Verified(_statement(payload), tuple(each for each in self.signers if each.key.id in signed), kept.decode())

    def _kept(self, envelope: str) -> Verified | None:
        """The statement in an envelope that is kept; None where none of those who signed it is trusted any more."""
        try:
            return self.verified(envelope.encode())
        except DocumentStatementRefused:
            return None


def statement_to_sign(stated: StatedDocument, log: str, signed_at: str, until: date) -> bytes:
    """
    The statement on a document as an exchange states it, to be signed: canonical JSON.

    `log` is the name of the log of the service, `signed_at` a moment in UTC. Raises DocumentStatementRefused if it cannot be made.
    """
    exporter, recipient = parties(stated.exchange)
    if not exporter["id"] or not recipient["id"]:
        raise DocumentStatementRefused(
            "the exchange must name both parties by `id`: a statement on a party without one would be on anybody"
        )
    document: Mapping[str, Any] = {
        "schema": SCHEMA,
        "log": log,
        "name": stated.name,
        "sha256": stated.sha256,
        "terms": {name: value for name, value in stated.terms.items() if name != "hash"},
        "exporter": exporter,
        "recipient": recipient,
        "signed_at": signed_at,
        "until": until.isoformat(),
    }
    payload = canonical(dict(document))
    _statement(payload)
    return payload


def _envelope(raw: bytes) -> dsse.Envelope:
    """The envelope in some bytes, read strictly. Raises DocumentStatementRefused."""
    if len(raw) > MOST_BYTES:
        raise DocumentStatementRefused(f"the envelope is larger than {MOST_BYTES >> 10} KiB")
    document = _strict_json(raw, "the envelope")
    signatures = document.get("signatures")
    if set(document) != {"payload", "payloadType", "signatures"} or not isinstance(signatures, list):
        raise DocumentStatementRefused(
            "a DSSE envelope has the members `payload`, `payloadType` and `signatures`, and no other"
        )
    if not 1 <= len(signatures) <= MOST_SIGNATURES:
        raise DocumentStatementRefused(f"the envelope has no signature, or more than {MOST_SIGNATURES}")
    if not all(isinstance(each, dict) and {"sig"} <= set(each) <= {"keyid", "sig"} for each in signatures):
        raise DocumentStatementRefused("a signature has the members `keyid` and `sig`, and no other")
    try:
        return dsse.read(raw)
    except dsse.EnvelopeRefused:
        raise DocumentStatementRefused(
            "the members of the envelope are not those of a DSSE envelope, with base64 in them"
        ) from None


def _statement(payload: bytes) -> DocumentStatement:
    """The statement in a payload, read strictly. Raises DocumentStatementRefused."""
    _strict_json(payload, "the statement")
    try:
        return DocumentStatement.model_validate_json(payload)
    except ValidationError as refused:
        first = refused.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise DocumentStatementRefused(f"the statement is not one on a document: see `{where[:200] or 'its text'}`") from None


def _strict_json(raw: bytes, what: str) -> dict[str, Any]:
    """The object in some bytes; no object in it has a member twice. Raises DocumentStatementRefused."""

    def members(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise DocumentStatementRefused(f"{what} has a member twice")
        return found

    def no_number(text: str) -> None:
        raise DocumentStatementRefused(f"{what} holds {text}, which JSON does not have")

    try:
        document = json.loads(raw.decode(), object_pairs_hook=members, parse_constant=no_number)
    except DocumentStatementRefused:
        raise
    except (ValueError, RecursionError):
        raise DocumentStatementRefused(f"{what} is not JSON in UTF-8") from None
    if not isinstance(document, dict):
        raise DocumentStatementRefused(f"{what} is not a JSON object")
    return document
