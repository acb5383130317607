"""
What a signature on a bundle says: an in-toto statement about one archive.

Source: in-toto/attestation, spec/v1/statement.md. Goes in: an archive and the bundle it holds. Comes out: a statement whose
subject is the archive's SHA-256 and whose predicate has the bundle's digests; and back again, whether a statement is about
an archive.
"""

from hashlib import sha256
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

import engine
from service.log.canonical_json import canonical

PAYLOAD_TYPE = "application/vnd.in-toto+json"
TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:fifthfactor:predicate:bundle:1"


class StatementRefused(ValueError):
    """What was signed says nothing of this archive; the message says what is wrong."""


class Meant(BaseModel):
    """The predicate: what the bundle was when it was signed, under which settings and by which engine."""

    model_config = ConfigDict(frozen=True, strict=True)

    meaning: str
    source: str
    trust: str
    norms: str
    engine: str


class _Subject(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True)

    digest: dict[str, str]


class _Statement(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True)  # further members are allowed: in-toto's parsing rules

    type: Literal["https://in-toto.io/Statement/v1"] = Field(alias="_type")
    subject: tuple[_Subject, ...] = Field(min_length=1)
    predicate_type: Literal["urn:fifthfactor:predicate:bundle:1"] = Field(alias="predicateType")
    predicate: Meant


def about(name: str, archive: bytes, bundle: engine.Bundle) -> bytes:
    """The statement about an archive and its bundle: the same bytes every time."""
    meant = Meant(
        meaning=bundle.digests.meaning,
        source=bundle.digests.source,
        trust=bundle.settings.trust,
        norms=bundle.settings.norms,
        engine=engine.__version__,
    )
    document: dict[str, Any] = {
        "_type": TYPE,
        "subject": [{"name": name, "digest": {"sha256": sha256(archive).hexdigest()}}],
        "predicateType": PREDICATE_TYPE,
        "predicate": meant.model_dump(),
    }
    return canonical(document)


def read(payload: bytes, archive: bytes) -> Meant:
    """What a statement says of an archive. Raises StatementRefused where it is none, or about another."""
    try:
        found = _Statement.model_validate_json(payload)
    except ValidationError as refused:
        # By place only: what is signed may be anything.
        where = ".".join(map(str, refused.errors(include_url=False, include_input=False)[0]["loc"]))
        raise StatementRefused(f"what was signed is no statement about a bundle (see `{where or 'its text'}`)") from None
    if not any(subject.digest.get("sha256") == sha256(archive).hexdigest() for subject in found.subject):
        raise StatementRefused("the signature is for another bundle, or the bundle was changed since")
    return found.predicate
