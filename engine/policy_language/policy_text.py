"""A policy as authors write it: its instruments and its rules. Conditions stay as written; `check` decides what they mean."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, model_validator

from engine.policy_language.document_text import (
    Condition,
    Day,
    DocumentText,
    DutyText,
    Force,
    Id,
    Prose,
    Reviewed,
    Status,
    Text,
    Window,
    Windows,
)


class TravelsText(DocumentText):
    """
    A condition that travels with the data to later legs. `when` is what a later leg must meet, `else` its outcome if it does not.

    A text alone is a condition that cannot be tested.
    """

    condition: Text
    when: Condition = None
    else_: Literal["review", "prohibited"] = Field("review", alias="else")

    @model_validator(mode="before")
    @classmethod
    def _text_alone(cls, value: Any) -> Any:
        by_language = isinstance(value, dict) and not value.keys().isdisjoint(Text.model_fields)
        return {"condition": value} if isinstance(value, str) or by_language else value


class RuleText(DocumentText):
    """One provision. It has one effect, and `exempts` may be added."""

    id: Id
    title: Text
    cite: Text
    says: Text
    source: Prose
    status: Status
    reviewed: Reviewed | None = None
    verify_by: Day | None = None
    in_force: Window | Windows | None = None
    when: Condition = None
    unless: list[Condition] | None = None
    prohibit: Text | None = None
    require: Any | None = None
    satisfies: str | list[str] | None = None
    oblige: DutyText | None = None
    review: Text | None = None
    advise: Text | None = None
    compels: Text | None = None
    allows: Literal["yes"] | None = None
    exempts: list[str] | None = None
    lane: str | None = None
    duties: list[DutyText] | None = None
    travels: TravelsText | None = None
    sign_off_by: Literal["2 persons"] | None = None


class InstrumentText(DocumentText):
    """The legal text that the policy expresses: its issuer, its number and its force."""

    issuer: Prose
    number: Prose | None = None
    force: Force


class NotReachedText(DocumentText):
    """Where the law of a country leaves data alone that were collected or are stored there, or are about its people (semantics 4.3)."""

    when: Condition
    cite: Text
    says: Text


class ReachInDoubtText(DocumentText):
    """Where nobody read whether the law reaches an exchange at all; what it requires is then in doubt (semantics 4.3)."""

    when: Condition
    cite: Text
    says: Text


class PolicyText(DocumentText):
    """
    One policy. It expresses one instrument, in one file.

    `otherwise` is the outcome where the policy applies and none of its rules stands (semantics 4.2). Where `reach_in_doubt` holds, what the
    policy requires and is not shown is for a person to look at.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "$id": "urn:fifthfactor:policy:1",
            "examples": [
                {
                    "policy": "xx.export",
                    "title": {"en": "An example law on exports"},
                    "jurisdiction": "CN",
                    "instrument": {"issuer": "An example ministry", "number": "No. 1", "force": "law"},
                    "in_force": {"from": "2024-03-22"},
                    "applies": {"exporter.country": "CN"},
                    "rules": [
                        {
                            "id": "art-1",
                            "title": "Personal data need a standard contract",
                            "cite": "Art. 1",
                            "says": "Whoever sends personal data abroad concludes the standard contract.",
                            "source": "an example",
                            "status": "unsure",
                            "when": {"data.personal": "yes"},
                            "require": "cn.standard-contract",
                        }
                    ],
                }
            ],
        }
    )

    policy: Id
    title: Text
    jurisdiction: str
    instrument: InstrumentText
    in_force: Window | Windows
    applies: Condition
    otherwise: Literal["prohibited", "review"] | None = None
    not_reached: Annotated[list[NotReachedText], Field(min_length=1)] | None = None
    reach_in_doubt: ReachInDoubtText | None = None
    define: dict[str, Condition] = {}
    rules: list[RuleText] = Field(min_length=1)
