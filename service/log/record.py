"""
What one decision leaves behind.

A record holds everything that decided: the request as it was accepted, the decision, the digests of the policies, the
version of the engine, the day it was asked for. Its shape carries its own version; a new shape gets a new name, and
old records keep theirs for good.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints

import engine
from service.log.canonical_json import NotCanonical, canonical, joined

Sha256 = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]

Schema = Literal["fifthfactor/record/1", "fifthfactor/record/2"]

SCHEMA: Schema = "fifthfactor/record/1"
SCHEMA_WITH_MORE: Schema = "fifthfactor/record/2"  # of a record that has one of the members OPTIONAL
SHAPES = (SCHEMA, SCHEMA_WITH_MORE)
OPTIONAL = ("counted", "denied", "lang", "register", "signable")


class PolicyDigests(BaseModel):
    """Which policies decided."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    meaning: Sha256 = Field(description="digest of what the policies mean: rules, order, titles, calendars")
    source: Sha256 = Field(description="digest of the bytes they were read from; a replay needs these")


class EngineVersion(BaseModel):
    """Which engine decided."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str


class VersionUsed(BaseModel):
    """A version of an entity in the register. Its id stands in the request, where the vocabulary has a fact for it; else here."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int = Field(ge=1)
    id: str | None = None


class Count(BaseModel):
    """A counter that was filled in before the decision: what it was taken to be, where that is from, and what the caller brought."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    from_: Literal["ledger", "caller", "both"] = Field(alias="from")
    at_least: int = Field(ge=0)
    at_most: int | None = Field(default=None, ge=0)
    brought: dict[Literal["at_least", "at_most"], int] | None = None


class Record(BaseModel):
    """One decision with all that decided it. A record of the first shape has no optional member, one of the second has some."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    schema_: Schema = Field(default=SCHEMA, alias="schema")
    id: str = Field(description="the decision's id, a UUID of version 7")
    recorded_at: datetime = Field(description="when the record was made, in UTC")
    asked_by: str | None = Field(description="the id of the caller who asked; null in records from before callers had one")
    as_of: date = Field(description="the day whose law decided")
    request: dict[str, JsonValue] = Field(
        description='the exchange as accepted; an erased personal value stands as {"commitment": …}'
    )
    decision: engine.Decision
    bundle: PolicyDigests
    engine: EngineVersion
    counted: dict[str, Count] | None = Field(
        default=None, description="the counters of `request` by their facts: where each is from"
    )
    denied: str | None = Field(
        default=None, description="why an access request was answered with false although the exchange may proceed"
    )
    lang: str | None = Field(
        default=None,
        description="the language that the decision is written in, where it is not English; records from before never say it",
    )
    signable: tuple[str, ...] | None = Field(
        default=None,
        description="the provisions that a person may sign off, where the outcome is a review; records from before never say it",
    )
    register_: dict[str, VersionUsed] | None = Field(
        default=None,
        alias="register",
        description="who was named, by role: the versions whose facts and documents are in `request`",
    )

    def document(self) -> dict[str, Any]:
        """The record as a JSON document."""
        document = self.model_dump(mode="json", by_alias=True)
        return {name: value for name, value in document.items() if value is not None or name not in OPTIONAL}


class RecordWriter:
    """
    Writes the records of one bundle, without their requests, as canonical JSON.

    The engine gives a decision whose members are in canonical form, so that neither the decision nor the record is read into
    a model to be written again; tests hold what comes out to the model above.
    """

    def __init__(self, bundle: PolicyDigests, version: EngineVersion) -> None:
        self._fixed = {
            "bundle": canonical(bundle.model_dump()),
            "engine": canonical(version.model_dump()),
            "schema": canonical(SCHEMA),
        }
        self._with_more = {**self._fixed, "schema": canonical(SCHEMA_WITH_MORE)}

    def write(
        self, decision: engine.Written, recorded_at: datetime, asked_by: str, more: Mapping[str, Any] = MappingProxyType({})
    ) -> tuple[bytes, Mapping[str, bytes]]:
        """
        The decision as it is answered, and every member of its record but id and request. Raises NotCanonical.

        `more` are the optional members that it has.
        """
        try:
            members = {name: text.encode() for name, text in decision.members.items()}
        except UnicodeEncodeError:
            raise NotCanonical("half a character") from None
        written = {name: canonical(value) for name, value in more.items()}
        moment = recorded_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
        return joined(members), {
            **(self._with_more if written else self._fixed),
            "asked_by": canonical(asked_by),
            "as_of": b'"%b"' % decision.as_of.isoformat().encode(),
            "decision": joined(dict(sorted(members.items()))),
            "recorded_at": b'"%b"' % moment.encode(),
            **written,
        }


class Personal(BaseModel):
    """A personal value of the request: what stands for it in the leaf, and what opens that."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pointer: str = Field(description="JSON Pointer into the record's `request`", examples=["/data/contact"])
    commitment: Sha256 = Field(description="what the leaf holds in place of the value")
    salt: Sha256 | None = Field(description="32 random bytes that open the commitment with the value; null once erased")


class LogEntry(BaseModel):
    """Where a record stands in the log, and what is needed to compute its leaf again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sequence: int = Field(ge=0, description="the leaf's index: 0, 1, 2 … without gaps")
    leaf_hash: Sha256 = Field(description="SHA-256 over a zero byte and the leaf (RFC 6962)")
    personal: tuple[Personal, ...]


class KeptRecord(BaseModel):
    """A record as the log gives it back: personal values in clear where they were not erased."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    record: Record
    log: LogEntry
