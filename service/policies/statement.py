"""
What is signed for a bundle: an in-toto statement about one archive.

Source: in-toto/attestation, spec/v1/statement.md. `statement_of` makes the statement from an archive and the bundle that it was checked
in: its subject is the archive's SHA-256, and its predicate has the digests and the version. `read` checks whether a statement is about an
archive. The folders beside which it was checked are named and do not bind: the law may be updated beneath an organisation's own policies.

The version is a whole number that rises, as in The Update Framework (specification, section 4): by it a service knows an older bundle.
Statements that were signed before there were versions have none.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

import engine
from service.log.canonical_json import canonical

PAYLOAD_TYPE = "application/vnd.in-toto+json"
TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:fifthfactor:predicate:bundle:1"
HIGHEST_VERSION = 2**53 - 1  # the largest whole number that JSON carries safely


class StatementRefused(ValueError):
    """The signed text is not a statement about this archive; the message says what is wrong."""


class BundlePredicate(BaseModel, frozen=True, strict=True):
    """
    The predicate: the digest of the files, and what they meant, when it was signed, the settings, and the version of the engine.

    `version` is None where it was signed without one. `beside` has the digests of the folders that were checked with the files, without
    which these are not sound.
    """

    meaning: str
    source: str
    trust: str
    norms: str
    engine: str
    version: Annotated[int, Field(ge=1, le=HIGHEST_VERSION)] | None = None
    beside: dict[str, str] = {}


class _Subject(BaseModel, frozen=True, strict=True):
    digest: dict[str, str]


class _Statement(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True)  # further members are allowed: in-toto's parsing rules

    type: Literal["https://in-toto.io/Statement/v1"] = Field(alias="_type")
    subject: tuple[_Subject, ...] = Field(min_length=1)
    predicate_type: Literal["urn:fifthfactor:predicate:bundle:1"] = Field(alias="predicateType")
    predicate: BundlePredicate


def statement_of(name: str, archive: bytes, files: Mapping[str, bytes], bundle: engine.Bundle, version: int) -> bytes:
    """The statement about an archive with these files, and the bundle that they were checked in: the same bytes every time."""
    own = engine.by_folder(files).keys()
    beside = {folder: digest for folder, digest in bundle.digests.folders.items() if folder not in own}
    meant = {
        "meaning": bundle.digests.meaning,
        "source": engine.source_digest(files),
        "trust": bundle.settings.trust,
        "norms": bundle.settings.norms,
        "engine": engine.__version__,
        "version": version,
        **({"beside": beside} if beside else {}),
    }
    document: dict[str, Any] = {
        "_type": TYPE,
        "subject": [{"name": name, "digest": {"sha256": sha256(archive).hexdigest()}}],
        "predicateType": PREDICATE_TYPE,
        "predicate": meant,
    }
    return canonical(document)


def version_in(payload: bytes) -> int | None:
    """The version in a statement that nobody verified, None where there is none."""
    try:
        return _Statement.model_validate_json(payload).predicate.version
    except ValidationError:
        return None


def read(payload: bytes, archive: bytes) -> BundlePredicate:
    """The predicate of a statement about an archive. Raises StatementRefused if it is no such statement, or about another archive."""
    try:
        found = _Statement.model_validate_json(payload)
    except ValidationError as refused:
        # The message names only the place, since the signed text may be anything.
        where = ".".join(map(str, refused.errors(include_url=False, include_input=False)[0]["loc"]))
        raise StatementRefused(f"the signed text is not a statement about a bundle (see `{where or 'its text'}`)") from None
    if not any(subject.digest.get("sha256") == sha256(archive).hexdigest() for subject in found.subject):
        raise StatementRefused("the signature is for another bundle, or the bundle was changed since")
    return found.predicate
