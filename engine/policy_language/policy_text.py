"""A policy as authors write it: its instruments and its rules. Conditions stay as written; `check` decides what they mean."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, model_validator

from engine.policy_language.document_text import (
    Condition,
    Day,
    DocumentText,
    DutyText,
    FileText,
    Force,
    Id,
    Prose,
    Reviewed,
    Status,
    Text,
    Window,
    Windows,
)
from engine.policy_language.known_findings import KnownText


class TravelsText(DocumentText):
    """A condition that travels with the data to later legs. A text alone is a condition that cannot be tested."""

    condition: Text
    """What every later holder of the data must observe."""
    when: Condition = None
    """What a later leg must meet."""
    else_: Literal["review", "prohibited"] = Field("review", alias="else")
    """The outcome of a leg that does not meet `when`: `review` or `prohibited`; `review` by default."""

    @model_validator(mode="before")
    @classmethod
    def _text_alone(cls, value: Any) -> Any:
        by_language = isinstance(value, dict) and not value.keys().isdisjoint(Text.model_fields)
        return {"condition": value} if isinstance(value, str) or by_language else value


class DefaultsText(DocumentText):
    """What every rule of a policy says that does not say it itself."""

    source: Prose | None = None
    """Where the provisions were read that name no source of their own."""
    status: Literal["from-memory", "unsure"] | None = None
    """
    How sure the provisions are that say nothing of it: `from-memory` or `unsure`. `confirmed` is said by each provision itself.
    """
    verify_by: Day | None = None
    """The day by which they should be read again."""


class RuleText(DocumentText):
    """One provision. It has one effect, and `exempts` may be added."""

    id: Id
    """The name of the rule in this policy. Other policies write `policy/id`."""
    title: Text
    """The rule in one sentence."""
    cite: Text
    """The provision, like `Art. 5(1)`."""
    says: Text
    """What the provision says, faithfully and in your own words."""
    source: Prose
    """Where it was read: the text itself, or a work that quotes it, with its date."""
    status: Status
    """
    How sure it is: `confirmed` (read in a source), `from-memory`, or `unsure`. An unsure rule is a review; a lift that is unsure
    or from memory lifts nothing.
    """
    reviewed: Reviewed | None = None
    """Who read it against its source, and when."""
    verify_by: Day | None = None
    """The day by which it should be read again."""
    known: KnownText | Annotated[list[KnownText], Field(min_length=1)] | None = None
    """What `fifthfactor analyse` finds of the rule and the author knows: a finding, why, and until when; one or a list."""
    in_force: Window | Windows | None = None
    """When the rule is in force, within the policy's own time: one period or a list."""
    when: Condition = None
    """The conditions, as a mapping or a list. All of them must hold."""
    document: str | list[str] | None = None
    """The kind of document that must be shown, or any of several: beside `when`, as `evidence: {has: KIND}` there."""
    claim: str | list[str] | None = None
    """The kind of claim that must be relied on, or any of several: beside `when`, as `claims: {has: KIND}` there."""
    unless: list[Condition] | None = None
    """A list of conditions. None of them may hold. One test may stand alone."""
    prohibit: Text | None = None
    """Effect: the exchange is prohibited and nothing cures that. The value says why."""
    require: Any | None = None
    """
    Effect: a requirement, or `any_of` or `all_of` with a list; the exchange is refused until it is met. `{document: KIND}` makes the
    requirement that the document is shown, with its ground.
    """
    satisfies: str | list[str] | None = None
    """Effect: the requirement, or requirements, that this ground meets."""
    oblige: DutyText | None = None
    """Effect: a duty that is owed."""
    review: Text | None = None
    """Effect: a person must look at the exchange. The value says at what."""
    advise: Text | None = None
    """Effect: advice; it lifts and refuses nothing."""
    compels: Text | None = None
    """Effect: what this law orders. Where another law forbids it, the conflict is shown."""
    allows: Literal["yes"] | None = None
    """Effect: the law speaks of this and asks for nothing; `otherwise` then does not stand."""
    exempts: list[str] | None = None
    """Rules, groups of rules or requirements that then do not stand or are not owed; all of the same jurisdiction."""
    lane: str | None = None
    """Beside `advise`: the lane that it opens."""
    duties: list[DutyText] | None = None
    """Beside `satisfies`: the duties that come with relying on this ground, or the names of groups of duties."""
    travels: TravelsText | None = None
    """
    What travels with the data to later legs: a text to observe, such a text by language (`en`, `zh`), or `condition`, `when` and
    `else`.
    """
    sign_off_by: Literal["2 persons"] | None = None
    """`2 persons`: two persons, and not the same twice, must sign the provision off; one is enough without it."""


class CellText(DocumentText):
    """Where a cell of a table or a step lies; what else it says is what a rule says (semantics 7.2)."""

    at: Any | None = None
    """
    Where it lies. Of a step: the first number that belongs to it. Of a cell: `{FACT: VALUE}` for each axis, or a list of such; an axis
    that is left out is covered as a whole.
    """
    above: str | None = None
    """Where a step begins, in place of `at`: the last number that does not belong to it."""
    empty: Prose | None = None
    """In place of an id, a title and an effect: why the law says nothing there."""


class StepsText(DocumentText):
    """Rules over a number, each from its threshold up to that of the next (semantics 7.2)."""

    steps: str
    """A count, a ratio or a sum of money. Each step begins where the one before it ends."""
    cells: list[CellText]
    """The steps from the lowest to the highest, each like a rule; the first one begins at nothing."""


class TableText(DocumentText):
    """Rules over the values of several facts, each place of the table in one cell (semantics 7.2)."""

    table: dict[str, list[Any]]
    """By fact, the values of its axis, or the numbers at which its steps begin; `others` are the values that are not listed."""
    cells: list[CellText]
    """The cells, each like a rule with the place where it lies. Together they cover each place of the table once."""


class InstrumentText(DocumentText):
    """The legal text that the policy expresses: its issuer, its number and its force."""

    issuer: Prose
    """Who issued it."""
    number: Prose | None = None
    """Its number, like `Order 16`."""
    force: Force
    """
    How it binds: `law` and `order` decide, a `norm` prohibits nothing, a `contract` binds its parties, `soft` and `aspiration`
    only advise.
    """


class NotReachedText(DocumentText):
    """Where the law of a country leaves data alone that were collected or are stored there, or are about its people (semantics 4.3)."""

    when: Condition
    """When the law leaves the data alone."""
    cite: Text
    """Where it says so."""
    says: Text
    """What it says, in your own words."""


class ReachInDoubtText(DocumentText):
    """Where nobody read whether the law reaches an exchange at all; what it requires is then in doubt (semantics 4.3)."""

    when: Condition
    """Where it is in doubt whether the law reaches the exchange; what it requires is then for a person to look at."""
    cite: Text
    """What the law says of its scope, and where."""
    says: Text
    """What is not known, in your own words."""


class PolicyText(FileText):
    """One policy. It expresses one instrument, in one file (semantics 4.2)."""

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
    """The name of the policy, like `cn.order-16`."""
    title: Text
    """The title of the instrument."""
    jurisdiction: str
    """Whose law it is: a jurisdiction of the vocabulary."""
    instrument: InstrumentText
    """Who issued it and how it binds."""
    in_force: Window | Windows
    """When it is in force: one period or a list, both ends inclusive."""
    defaults: DefaultsText | None = None
    """What every rule says that does not say it itself: `source`, `status`, `verify_by`."""
    applies: Condition
    """When the instrument applies to an exchange at all; `always` for every exchange."""
    otherwise: Literal["prohibited", "review"] | None = None
    """The outcome where the policy applies and none of its rules stands: `prohibited` or `review`."""
    not_reached: Annotated[list[NotReachedText], Field(min_length=1)] | None = None
    """Which data the law leaves alone, although they come from its country."""
    reach_in_doubt: ReachInDoubtText | None = None
    """Where nobody read whether the law reaches an exchange at all."""
    known: KnownText | Annotated[list[KnownText], Field(min_length=1)] | None = None
    """What `fifthfactor analyse` finds under `applies` or `define` and the author knows: a finding, why, and until when; one or a list."""
    define: dict[str, Condition] = {}
    """Names for conditions. In a list, a name alone stands for its condition."""
    groups: dict[Id, Annotated[list[str | DutyText], Field(min_length=1)]] = {}
    """Names for lists of rules, of values or of duties. The name stands for what it lists; other files write `policy/name`."""
    rules: list[RuleText] = Field(min_length=1)
    """The provisions, in the order of the text."""
