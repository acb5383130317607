"""What each tool takes: strict models, whose schemas an agent reads. Nothing is converted, and a member that nobody names is refused."""

import json
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

MOST_EXCHANGE = 64 * 1024  # bytes of an exchange
MOST_DEPTH = 24
MOST_RECIPIENTS = 25  # of one call: the answers must fit a context
Outcome = Literal[
    "not_applicable", "permitted", "permitted_with_obligations", "requirements_unmet", "review", "prohibited", "undetermined"
]  # fmt: skip
Part = Literal[
    "reasons", "possible", "requirements", "ways", "duties", "coverage", "factor", "questions", "rests_on", "remedies", "holds_until",
    "trace",
]  # fmt: skip


def _bounded(value: dict[str, Any]) -> dict[str, Any]:
    """Facts as JSON can carry them, of bounded size and depth. Raises ValueError."""
    if _depth(value) > MOST_DEPTH:
        raise ValueError(f"is nested deeper than {MOST_DEPTH} levels")
    try:
        size = len(json.dumps(value, ensure_ascii=False, allow_nan=False).encode())
    except (ValueError, RecursionError):  # a number that is none, or a half character
        raise ValueError("holds a number or a text that JSON cannot carry") from None
    if size > MOST_EXCHANGE:
        raise ValueError(f"has more than {MOST_EXCHANGE} bytes")
    return value


def _depth(value: Any) -> int:
    """How deep a value is nested, no deeper than matters."""
    level, deep = [value], 0
    while level and deep <= MOST_DEPTH:
        inner = [each.values() if isinstance(each, dict) else each for each in level if isinstance(each, dict | list)]
        level = [one for each in inner for one in each]
        deep += 1
    return deep


_ONE_LINE = r"^[^\x00-\x1f\x7f]+$"
Line = Annotated[str, StringConstraints(min_length=1, max_length=256, pattern=_ONE_LINE)]
Words = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=_ONE_LINE)]
Day = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}$")]
Facts = Annotated[dict[str, Any], AfterValidator(_bounded)]
Exchange = Annotated[
    Facts, Field(description='facts by group, like {"exporter": {"country": "IN"}}; leave out what is not known')
]
DecisionId = Annotated[Line, Field(description="the id of a decision, from `decide`")]
Lang = Annotated[Literal["en", "zh"], Field(description="the language of the sentences")]
First = Annotated[int, Field(ge=0, le=100_000, description="the number of the first item, from `next` of the answer before")]


class ToolArguments(BaseModel):
    """What a tool is called with."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class NoArguments(ToolArguments):
    """Nothing."""


class BeginArguments(ToolArguments):
    """An everyday exchange to begin with, or none for the list of them."""

    preset: Annotated[Line | None, Field(description="the id of one; leave it out for the list")] = None


class ExchangeArguments(ToolArguments):
    """An exchange."""

    exchange: Exchange
    lang: Lang = "en"


class RecipientsArguments(ToolArguments):
    """An exchange without its recipient, and the recipients to choose from."""

    exchange: Exchange
    recipients: Annotated[
        list[Line | Facts],
        Field(
            min_length=1,
            max_length=MOST_RECIPIENTS,
            description='ids of the register, facts like {"country": "KE"}, or "the public"',
        ),
    ]
    lang: Lang = "en"


class DecisionArguments(ToolArguments):
    """A recorded decision."""

    decision: DecisionId
    lang: Lang = "en"


class ExplainArguments(DecisionArguments):
    """A part of the explanation of a recorded decision."""

    part: Annotated[Part, Field(description="the part to read")] = "reasons"
    first: First = 0


class FactsArguments(ToolArguments):
    """What a fact is called."""

    word: Annotated[Line | None, Field(description="what people call it, like `salary`")] = None
    prefix: Annotated[Line | None, Field(description="how its name begins, like `exporter.`")] = None
    first: First = 0
    lang: Lang = "en"


class LawArguments(ToolArguments):
    """Words to look for in the provisions of the policies."""

    words: Annotated[Line | None, Field(description="each of these words must occur, like `standard contract`")] = None
    jurisdiction: Annotated[Line | None, Field(description="only of this jurisdiction, like `CN`")] = None
    policy: Annotated[Line | None, Field(description="only of the policy with this id")] = None
    first: First = 0
    lang: Lang = "en"


class CaseArguments(ToolArguments):
    """A test case to draft."""

    policy: Annotated[Line, Field(description="the id of the policy under test")]
    case: Annotated[Line, Field(description="what the case shows, as a sentence")]
    outcome: Annotated[Outcome, Field(description="the outcome that is expected")]
    exchange: Exchange


class CommitArguments(ToolArguments):
    """A decision whose exchange really happens."""

    decision: DecisionId


class SignOffArguments(ToolArguments):
    """What a person approves or refuses."""

    decision: DecisionId
    verdict: Literal["approve", "refuse"]
    provisions: Annotated[
        list[Line],
        Field(min_length=1, max_length=50, description="what to sign off, from `besides` or `gaps` of the decision"),
    ]
    reason: Annotated[Words, Field(description="the reason, in the person's own words")]
    until: Annotated[Day | None, Field(description="the last day of an approval, like 2027-06-30")] = None

    @property
    def last_day(self) -> date | None:
        """Raises ValueError where the day is in no calendar."""
        return None if self.until is None else date.fromisoformat(self.until)


class PartyArguments(ToolArguments):
    """A party to write into the register; one that is there is not changed."""

    id: Annotated[Line, Field(description="the id by which exchanges will name the party")]
    facts: Annotated[Facts, Field(description='what is so of it, like {"country": "KE", "kind": "company"}')]
