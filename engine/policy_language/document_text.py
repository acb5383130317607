"""What the documents of authors have in common: texts in two languages, days, windows, duties, who reviewed what. Keys are closed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, StringConstraints, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from engine.values import BadValue, read_date
from engine.values.multilingual import LANGUAGE_CODES, Words

Id = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9]+([.-][a-zA-Z0-9]+)*$", max_length=80)]
Prose = Annotated[str, StringConstraints(min_length=1, max_length=2000, strip_whitespace=True)]
YesNo = Literal["yes", "no"]
TruthWord = Literal["yes", "no", "unknown"]


def _day(text: object) -> date:
    """A day as authors write it; pydantic would take seconds since 1970 and times of day as well."""
    try:
        return read_date(str(text))
    except BadValue as bad:
        raise PydanticCustomError("date_parsing", "{m}", {"m": str(bad)}) from None


Day = Annotated[date, PlainValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
Force = Literal["law", "order", "norm", "contract", "soft", "aspiration"]
Status = Literal["confirmed", "from-memory", "unsure"]
Condition = Any


class DocumentText(BaseModel):
    """A document that authors write: closed keys, frozen once read."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class FileText(DocumentText):
    """A whole file that authors write."""

    needs_version: str | None = None
    """The version of Fifth Factor that first knew all that this file says, like `1.1`. An earlier one refuses it, and says so."""


PLACEHOLDERS = frozenset({"fixme", "n/a", "name", "nobody", "none", "null", "reason", "tba", "tbd", "todo", "xx", "xxx"})


def is_placeholder(text: str) -> bool:
    """Whether a text says nothing: dots, a mark, or a word that stands for one that is still to be written."""
    said = text.strip().strip(".…-_<>[](){}?! ").casefold()
    return not re.search(r"\w{2}|[\u3400-\u9fff]", said) or said in PLACEHOLDERS


class Text(DocumentText):
    """One text by language; a text without a language is English."""

    en: Prose
    """In English."""
    zh: Prose | None = None
    """In Chinese."""

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, value: Any) -> Any:
        return {"en": value} if isinstance(value, str) else value

    def is_placeholder(self) -> bool:
        """Whether one of the texts stands for another one that is still to be written."""
        return any(is_placeholder(text) for text in self._texts() if text)

    @property
    def words(self) -> Words:
        """The same text, without the model."""
        return Words(*self._texts())

    def _texts(self) -> Iterator[str]:
        """The texts in the order of the languages, "" where there is none."""
        return (getattr(self, code) or "" for code in LANGUAGE_CODES)

    def in_(self, lang: str) -> str:
        """The text in a language; English stands in where there is no Chinese."""
        return self.words.in_(lang)


class Window(DocumentText):
    """From one day until another, both inclusive; one of the two may be left out."""

    from_: Day | None = Field(None, alias="from")
    """The first day, inclusive. Without it, there is no first day."""
    until: Day | None = None
    """The last day, inclusive. Without it, there is no last day."""

    @model_validator(mode="after")
    def _ordered(self) -> Window:
        if self.from_ is None and self.until is None:
            raise ValueError("a period needs `from`, `until` or both")
        if self.from_ and self.until and self.until < self.from_:
            raise ValueError("`until` lies before `from`, so the period is empty")
        return self


Windows = Annotated[list[Window], Field(min_length=1)]


class DutyText(DocumentText):
    """A duty (semantics 3.6)."""

    duty: Text
    """What is to be done."""
    who: Prose
    """Who owes it, like `exporter`."""
    cite: Text | None = None
    """The provision, where it is not the rule's own."""
    due: dict[str, Any] | None = None
    """The last day: `{within: 10 days, after: FACT}`, `{on: 1 March, after: FACT}`, `{on: 2026-03-01}`, or `{earliest_of: […]}`."""
    done_when: Condition | None = None
    """The condition under which it counts as done."""
    overdue: Literal["permitted_with_obligations", "requirements_unmet", "review", "prohibited"] = "review"
    """What the decision becomes when the duty is overdue; `review` by default."""
    keep: Prose | None = None
    """How long the proof is kept, like `3 years`."""
    arises: Literal["exchange", "refusal"] = "exchange"
    """What the duty arises from: `exchange`, or `refusal` (owed where the jurisdiction refuses the exchange)."""


class Reviewed(DocumentText):
    """The role of the person who checked the provision against its source, and the day."""

    by: Prose
    """Who read the provision against its source, by role."""
    on: Day
    """On which day."""
