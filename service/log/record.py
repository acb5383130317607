"""
The record of one decision.

A record holds everything that the decision rests on: the request as it was accepted, the answer, the verdict that it was written
from, the digests of the policies, the version of the engine, the day whose law decided. It has no explanation, which can be told
again from these. The name of its shape carries a version. A new shape gets a new name, and records keep their name for good.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints

import engine
from service.log.canonical_json import NotCanonical, canonical, canonical_object, joined
from service.log.leaf import SHARES
from service.log.record_summary import unusual

Sha256 = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]

SCHEMA = "fifthfactor/record/3"
EXPLANATION = "explanation"  # the member of an answer that has what was asked for beside it
OPTIONAL = ("contract", "counted", "denied", "lang", "mapping", "noted", "overdue", "shares", "shown", "signable", "signed_off")


class PolicyDigests(BaseModel, frozen=True, extra="forbid"):
    """Which policies decided."""

    meaning: Sha256 = Field(description="digest of what the policies mean: rules, order, titles, calendars")
    source: Sha256 = Field(description="digest of the bytes that the policies were read from; a replay needs these bytes")


class EngineVersion(BaseModel, frozen=True, extra="forbid"):
    """Which engine decided."""

    version: str
    semantics: int = Field(description="the version of the semantics that it decided under")

    @classmethod
    def of_this_one(cls) -> "EngineVersion":
        """This engine."""
        return cls(version=engine.__version__, semantics=engine.SEMANTICS)


class Count(BaseModel):
    """
    A counter that was filled in before the decision: its value, the source of this value, and the value that the caller sent.

    A count that is the caller's own stands once. Of money, a value is a sum with its currency, like `1200.00 CNY`, and what was sent
    stands as it was sent. `lacks` are the facts without which nobody can add it up.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    from_: Literal["ledger", "caller", "both"] = Field(alias="from")
    at_least: Annotated[int, Field(ge=0)] | str
    at_most: Annotated[int, Field(ge=0)] | str | None = None
    brought: dict[Literal["at_least", "at_most"], int | str] | str | None = None
    lacks: list[str] | None = None


class RecordedShare(BaseModel, frozen=True, extra="forbid"):
    """
    A share of what the ledger had of the year: the exchanges of a party or a state, over all exchanges of the cell, this one included.

    `left_out` more exchanges were counted otherwise, and may be anybody's.
    """

    numerator: int = Field(ge=0, description="how many exchanges of the cell are the party's or the state's, this one included")
    denominator: int = Field(ge=1, description="how many exchanges the cell has, this one included")
    left_out: int | None = Field(
        default=None, ge=1, description="how many exchanges of the year were counted otherwise, until the ledger is recounted"
    )


NoShare = Literal["too-few", "none", "unknown"]


class ShownDocument(BaseModel, frozen=True, extra="forbid"):
    """
    What a document or claim was shown by: a person's confirmation of its bytes, or a signature on what the exchange states of it.
    """

    by: Literal["person", "signature"] = Field(description="what shows it: a person's confirmation, or a trusted signature")
    id: str = Field(description="the id of the confirmation or of the signed statement")
    until: date = Field(description="the last day on which it counts")


class FoundBy(BaseModel, frozen=True, extra="forbid"):
    """
    Words that a search finds a record by, besides those in its other members. A party is told by its place in the request.

    A place or a country that is not named is that of `exporter.id`, `exporter.country`, `recipient.id` or `recipient.country`.
    """

    category: tuple[str, ...] = Field(
        default=(), description="subject matters of the data, and the words of the sets that name them"
    )
    exporter_at: str | None = Field(
        default=None, description="JSON Pointer into `request` to the exporter's id; null if no search finds it"
    )
    exporter_country: tuple[str, ...] = Field(
        default=(), description="the exporter's country; two where the register says another"
    )
    missing: tuple[str, ...] = Field(default=(), description="the facts that could change the decision")
    recipient_at: str | None = Field(
        default=None, description="JSON Pointer into `request` to the recipient's id; null if no search finds it"
    )
    recipient_country: tuple[str, ...] = Field(
        default=(), description="the recipient's country; two where the register says another"
    )


class RecordedVerdict(BaseModel, frozen=True, extra="forbid"):
    """
    The verdict of the engines in compact form. The decision has its digest.

    `stands` are the rules that stand for certain and weigh or lift, by key; `advises` those that advise.
    `possible` are those that may stand, as a hexadecimal number whose bit n is the
    rule n of the policies. `requirements` has the states of what the standing rules ask for. `bounds` are the mildest and the strictest
    outcome by jurisdiction, and overall by the empty name.
    """

    stands: tuple[str, ...]
    advises: tuple[str, ...]
    possible: str
    requirements: dict[str, str]
    bounds: dict[str, tuple[str, str]]


class RecordedMapping(BaseModel, frozen=True, extra="forbid"):
    """By which mapping another program's request was read as the exchange."""

    name: str
    digest: Sha256 = Field(description="digest of what the mapping says: the SHA-256 of its canonical JSON")
    operation: str = Field(description="what the program asked for, as the mapping names it")
    from_client: tuple[str, ...] = Field(
        default=(),
        description="the facts in `request` that a client of the program can set; whoever runs the program vouches for the others",
    )


class RecordedContract(BaseModel, frozen=True, extra="forbid"):
    """The contract that was read into the exchange, so that whoever has it can show that it is the one."""

    digest: Sha256 = Field(
        description="the SHA-256 of the contract: of JSON-LD in its canonical form (RFC 8785), of Turtle as it was sent"
    )
    id: str = Field(description="the contract's own name; empty where it has none")
    form: Literal["json-ld", "turtle"] = Field(description="the form in which it was sent")


class Record(BaseModel):
    """One decision with everything it rests on: the answer, and the verdict that it was written from."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    schema_: Literal["fifthfactor/record/3"] = Field(default="fifthfactor/record/3", alias="schema")
    id: str = Field(description="the decision's id, a UUID of version 7")
    recorded_at: datetime = Field(description="when the record was made, in UTC")
    asked_by: str = Field(description="the id of the caller who asked")
    as_of: date = Field(description="the day whose law decided")
    request: dict[str, JsonValue] = Field(
        description='the exchange as accepted; an erased personal value is replaced by {"commitment": …}'
    )
    decision: engine.Answer
    verdict: RecordedVerdict
    found_by: FoundBy = Field(description="words that a search finds the record by, besides those in its other members")
    bundle: PolicyDigests
    contract: RecordedContract | dict[Literal["commitment"], Sha256] | None = Field(
        default=None,
        description='the contract that was read into `request`; {"commitment": …} once the personal values are erased',
    )
    counted: dict[str, Count] | None = Field(
        default=None, description="the counters in `request`, by fact, each with the source of its value"
    )
    denied: str | None = Field(
        default=None, description="why an access request was answered with false although the exchange may proceed"
    )
    lang: str | None = Field(
        default=None,
        description="the language of the decision, if it is not English",
    )
    mapping: RecordedMapping | None = Field(
        default=None, description="the mapping by which a request of another program was read, if it was"
    )
    noted: int | None = Field(
        default=None,
        ge=0,
        description="the number of the last leaf when the policies and the settings that decided were noted: the log says there which",
    )
    signable: tuple[str, ...] | None = Field(
        default=None,
        description="the provisions that a person may sign off, if the outcome is a review",
    )
    overdue: dict[str, tuple[str, ...]] | dict[Literal["commitment"], Sha256] | None = Field(
        default=None,
        description="the commitments whose overdue promises the ledger counted, by the fact that counts them: at most 8, the longest "
        'overdue first; {"commitment": …} once the personal values are erased',
    )
    signed_off: tuple[engine.SignedOffPart, ...] | None = Field(
        default=None, description="the approvals that the decision rests on; the decision itself may list fewer"
    )
    shares: dict[str, RecordedShare | NoShare] | dict[Literal["commitment"], Sha256] | None = Field(
        default=None,
        description="the shares that the ledger filled in, by fact, or why there are none: too few exchanges or parties, none to be "
        'of, or not known; {"commitment": …} for a caller who belongs to a party',
    )
    shown: dict[str, ShownDocument] | None = Field(
        default=None, description="the documents and claims that counted as shown, by `evidence.KIND` or `claims.KIND`"
    )
    engine: EngineVersion  # the last: from here on the name is that of the member

    def document(self) -> dict[str, Any]:
        """The record as a JSON document."""
        document = self.model_dump(mode="json", by_alias=True)
        kept = {name: value for name, value in document.items() if value is not None or name not in OPTIONAL}
        kept["found_by"] = self.found_by.model_dump(mode="json", exclude_unset=True)
        # An answer leaves out what it does not have.
        kept["decision"] = self.decision.model_dump(mode="json", by_alias=True, exclude_unset=True)
        return kept


@dataclass(frozen=True, slots=True)
class RecordedDecision:
    """
    What is recorded of a decision, and what its summary shows.

    `decision`, `verdict` and `found_by` are members of the record, as canonical JSON.

    The explanation of an answer is not recorded. For the other members see engine.WrittenDecision.
    """

    id: str
    decision: bytes
    verdict: bytes
    found_by: bytes
    as_of: date
    outcome: str
    proceed: bool
    hypothetical: bool
    answer: str
    named: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, written: engine.WrittenDecision) -> Self:
        """From a written decision. Raises NotCanonical."""
        return cls(
            written.id,
            canonical_object({name: text for name, text in _members(written).items() if name != EXPLANATION}),
            written.verdict.encode(),
            canonical(unusual(written.named, written.judgement.exchange.document)),
            written.as_of,
            written.outcome,
            written.proceed,
            written.hypothetical,
            written.answer,
            written.named,
        )


class RecordWriter:
    """
    Writes the records of one bundle, without their requests, as canonical JSON. `noted` is the last leaf when it was noted in the log.

    The engine gives the members of an answer in canonical form, so neither the answer nor the record has to pass through a model. Tests
    check the written records against the model above.
    """

    def __init__(self, bundle: PolicyDigests, version: EngineVersion, noted: int | None = None) -> None:
        self._fixed = {
            "bundle": canonical(bundle.model_dump()),
            "engine": canonical(version.model_dump()),
            "schema": canonical(SCHEMA),
            **({} if noted is None else {"noted": canonical(noted)}),
        }

    def write(
        self,
        decision: RecordedDecision,
        recorded_at: datetime,
        asked_by: str,
        more: Mapping[str, Any] = MappingProxyType({}),
    ) -> Mapping[str, bytes]:
        """
        All members of a decision's record except `id` and `request`. Raises NotCanonical.

        `more` are the optional ones; one that is bytes is canonical JSON already.
        """
        written = {name: value if isinstance(value, bytes) else canonical(value) for name, value in more.items()}
        moment = recorded_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
        return {
            **self._fixed,
            "asked_by": _caller(asked_by),
            "as_of": b'"%b"' % decision.as_of.isoformat().encode(),
            "decision": decision.decision,
            "found_by": decision.found_by,
            "recorded_at": b'"%b"' % moment.encode(),
            "verdict": decision.verdict,
            **written,
        }


@lru_cache(maxsize=1024)
def _caller(id: str) -> bytes:
    return canonical(id)


def exchange_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """
    The exchange of a record, to be decided again, with its shares: it names its shape, and so does each entity of its register.

    What was said before a value of a set existed leaves that value open (semantics 2.1).
    """
    shape = engine.EXCHANGE_SHAPES[engine.shape_of(record["engine"]["semantics"]) - 1]
    request: dict[str, Any] = dict(record["request"])
    if SHARES in record:
        request[SHARES] = record[SHARES]
    if shape == engine.EXCHANGE_SHAPES[-1]:
        return request  # without a name it is of the present shape
    register = {
        name: {"schema": shape, **entity} if entity.get("known", True) else entity
        for name, entity in request.get(engine.REGISTER, {}).items()
    }
    return {"schema": shape, **request} | ({engine.REGISTER: register} if register else {})


def shown_until(record: Mapping[str, Any]) -> dict[str, date]:
    """The documents and claims that counted as shown in a decision, each with its last day, by its record as a JSON document."""
    return {name: date.fromisoformat(each["until"]) for name, each in record.get("shown", {}).items()}


def answered(decision: engine.WrittenDecision) -> bytes:
    """A decision as it is answered. Raises NotCanonical."""
    return joined(_members(decision))


def _members(decision: engine.WrittenDecision) -> dict[str, bytes]:
    try:
        return {name: text.encode() for name, text in decision.members.items()}
    except UnicodeEncodeError:
        raise NotCanonical("half a character") from None


class Personal(BaseModel, frozen=True, extra="forbid"):
    """
    What the leaf holds a commitment to: a personal value of the request, or a whole member of the record; and the salt that opens it.
    """

    pointer: str = Field(
        description="JSON Pointer into the record's `request`; or `request`, `decision`, `found_by`, `contract` or `shares`, or a member",
        examples=["/data/contact"],
    )
    commitment: Sha256 = Field(description="what the leaf holds in place of the value")
    salt: Sha256 | None = Field(
        description="32 random bytes, which open the commitment together with the value; null after an erasure, and where it is withheld"
    )


class LogEntry(BaseModel, frozen=True, extra="forbid"):
    """The place of a record in the log, and what is needed to compute its leaf again."""

    sequence: int = Field(ge=0, description="the leaf's index: 0, 1, 2 … without gaps")
    leaf_hash: Sha256 = Field(description="SHA-256 over a zero byte and the leaf (RFC 6962)")
    personal: tuple[Personal, ...]


class KeptRecord(BaseModel, frozen=True, extra="forbid"):
    """A record as the log returns it, with all personal values that were not erased."""

    record: Record
    log: LogEntry
