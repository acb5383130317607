"""
One entity of the register: a party, a data asset, or another entity.

Input: JSON, as a person or a program writes it. Output: the same, typed, or every place where it is wrong. Here no fact is compared
with the vocabulary; `service.register.stated_facts` does that.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

import engine
from service.problems import PLACES_SHOWN, ProblemPlace, RequestRefused, wrong_places

PARTY = "party"
ASSET = "asset"
MOST_BYTES = 64 * 1024  # of one entity, as it is sent

State = Literal["held", "withdrawn", "erased"]

# A text that fits into an address and into a line: no control characters, no half characters, no space at either end. It may have slashes,
# but no step that an address would lose (`.` and `..`), and it does not end like the address of a history or of rights.
_ID = re.compile(
    r"(?!(.*/)?\.{1,2}(/|\Z))(?!.*/(history|rights)\Z)"
    r"[^\s\x00-\x1f\x7f-\x9f\ud800-\udfff]([^\x00-\x1f\x7f-\x9f\ud800-\udfff]*[^\s\x00-\x1f\x7f-\x9f\ud800-\udfff])?"
)
_KIND = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_LINE = re.compile(r"[^\x00-\x1f\x7f-\x9f\ud800-\udfff]*")
MOST_OF_AN_ID = 256  # as many as an exchange may state
WRONG_ID = (
    f"must be a text of 1 to {MOST_OF_AN_ID} characters without control characters, `.` or `..` as a step,"
    " `/history` or `/rights` at its end"
)


def is_id(text: str) -> bool:
    """Whether a text may be the id of an entity, as it is and in the form in which ids are compared."""
    return all(len(each) <= MOST_OF_AN_ID and _ID.fullmatch(each) is not None for each in {text, engine.id_form(text)})


def is_kind(text: str) -> bool:
    """Whether a text may be a kind of entities."""
    return _KIND.fullmatch(text) is not None


def _an_id(text: str) -> str:
    if not is_id(text):
        raise PydanticCustomError("wrong_id", "{m}", {"m": WRONG_ID})
    return engine.id_form(text)


def _a_line(text: str) -> str:
    if not _LINE.fullmatch(text):
        raise PydanticCustomError("wrong_text", "must be one line of text")
    return text


def _a_day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise PydanticCustomError("wrong_day", "must be a day like 2024-03-22") from None


Id = Annotated[str, AfterValidator(_an_id)]
Line = Annotated[str, StringConstraints(min_length=1, max_length=256), AfterValidator(_a_line)]
Note = Annotated[str, StringConstraints(min_length=1, max_length=1000), AfterValidator(_a_line)]
Day = Annotated[
    str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}$"), AfterValidator(_a_day), Field(json_schema_extra={"format": "date"})
]
Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Documents = dict[str, JsonValue]


class TravellingCondition(BaseModel):
    """A condition that came with the data: the provision it belongs to, and where it came from (a decision's id, a contract)."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, strict=True)

    provision: Line
    from_: Line = Field(alias="from")


class Content(BaseModel, frozen=True, extra="forbid", strict=True):
    """What is stated of an entity. A version speaks for every day from its `valid_from` on, until a later version does."""

    aliases: Annotated[list[Id], Field(max_length=16)] = Field(
        default=[], description="other ids of the entity; no other entity of its kind may have one of them"
    )
    valid_from: Day | None = Field(
        default=None, description="the first day that this version speaks for; without it, every day"
    )
    valid_until: Day | None = Field(
        default=None, description="the last day on which the entity may be named; without it, there is no end"
    )
    facts: dict[str, JsonValue] = Field(
        default={},
        description=(
            "of a party: facts of an exporter or a recipient without the role, like `country`; of an asset: facts as an exchange"
            " states them, like `data.personal`, nested; of other kinds: properties of any name"
        ),
    )
    evidence: Documents = Field(default={}, description="documents by kind, as an exchange states them")
    claims: Documents = Field(default={}, description="claims by kind, as an exchange states them")
    travels: Annotated[list[TravellingCondition], Field(max_length=64)] = Field(
        default=[], description="of an asset: the conditions that came with the data and travel with them"
    )
    attested_by: Line | None = Field(default=None, description="who vouches for what is stated")
    note: Note | None = None
    title: Line | None = Field(default=None, description="of an asset: what it is called")
    holder: Id | None = Field(default=None, description="of an asset: the id of the party that holds it")
    hash: Hash | None = Field(default=None, description="of an asset: the SHA-256 of its bytes, in hexadecimal")

    @model_validator(mode="after")
    def _sound(self) -> "Content":
        if self.valid_from and self.valid_until and self.valid_until < self.valid_from:
            raise PydanticCustomError("wrong_order", "`valid_until` lies before `valid_from`")
        if len(set(self.aliases)) < len(self.aliases):
            raise PydanticCustomError("twice", "an id stands twice in `aliases`")
        try:
            json.dumps((self.facts, self.evidence, self.claims), ensure_ascii=False, allow_nan=False).encode()
        except ValueError:
            raise PydanticCustomError("wrong_value", "holds a number or a text that JSON cannot carry safely") from None
        return self

    def document(self) -> dict[str, Any]:
        """The content as JSON, without empty members."""
        return {
            name: value for name, value in self.model_dump(mode="json", by_alias=True).items() if value not in (None, [], {})
        }


class Entity(Content, frozen=True, extra="forbid", strict=False):
    """A version of an entity, as the register keeps it. A withdrawn or erased one states nothing."""

    kind: str
    id: str
    version: int = Field(ge=1, description="1, 2, 3 …; also the answer's ETag")
    state: State
    recorded_at: datetime
    recorded_by: str = Field(description="the id of the caller who wrote this version")
    alike: Literal["hash", "title"] | None = Field(
        default=None, description="in the answer of `like`: by what it may be the same asset"
    )
    notice: str | None = Field(
        default=None, description="in the answer of a PUT, for who may read the register: that others may be the same asset"
    )


@dataclass(frozen=True, slots=True)
class Version:
    """
    A row of the register: a version of an entity, what it states, who wrote it, and when.

    `shape` is that of exchanges when it was written: a value that came later stays open.
    """

    kind: str
    id: str
    version: int
    state: State
    content: Content
    recorded_at: str
    recorded_by: str
    shape: int = len(engine.EXCHANGE_SHAPES)

    def document(self) -> dict[str, Any]:
        """The version as JSON, as it is answered."""
        return {
            "kind": self.kind,
            "id": self.id,
            "version": self.version,
            "state": self.state,
            **self.content.document(),
            "recorded_at": self.recorded_at,
            "recorded_by": self.recorded_by,
        }

    @property
    def facts(self) -> Mapping[str, Any]:
        """The facts, nested as they were written."""
        return self.content.facts


@dataclass(frozen=True, slots=True)
class EntityToWrite:
    """An entity to be written: its kind, its id and its content. `place` is its place in the body or file, which a refusal names."""

    kind: str
    id: str
    content: Content = field(repr=False)
    place: str = ""


class EntityRefused(RequestRefused):
    """What was sent cannot enter the register; `places` says why."""

    def __init__(self, places: Sequence[ProblemPlace]) -> None:
        self.places = tuple(places[:PLACES_SHOWN])
        super().__init__("register-refused", wrong_places(len(places)), errors=self.places)

    @classmethod
    def of(cls, refused: engine.ExchangeRefused) -> Self:
        """The same for bytes that are no JSON object."""
        return cls([ProblemPlace(pointer=each.pointer, code=each.code, detail=each.detail) for each in refused.problems])


def read_content(document: Any, at: str = "") -> Content:
    """The content of an entity, from the JSON at a place. Raises Wrong."""
    try:
        return Content.model_validate(document)
    except ValidationError as failed:
        places = []
        for error in failed.errors(include_url=False, include_input=False, include_context=False):
            pointer = at + "".join(f"/{pointer_step(step)}" for step in error["loc"])
            unknown = error["type"] == "extra_forbidden"
            detail = f"there is no `{str(error['loc'][-1])[:80]}` here" if unknown else error["msg"]
            places.append(
                ProblemPlace(pointer=pointer, code="unknown-key" if unknown else "wrong-value", detail=_lower(detail))
            )
        raise EntityRefused(places) from None


def pointer_step(step: str | int) -> str:
    """A name as a step of a JSON Pointer."""
    return str(step).replace("~", "~0").replace("/", "~1")[:120]


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
