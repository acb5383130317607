"""
The explanation of a decision, by parts: coverage, the data factor account, questions, remedies, last days, and those of `reasons`.

Each class has the members of the part of that name in the service's explanation.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from .answer_parts import Outcome, SignedOff, Truth
from .reasons import Advice, Beaten, Carried, Conflict, Disputed, Duty, Elsewhere, Jurisdiction, Reason, Requirement, Statement
from .shapes import Named

SCHEMA = "fifthfactor/explanation/1"


@dataclass(frozen=True, slots=True)
class NotModelled:
    """
    A country or subject matter for which there are no policies. `reviewed` is true if it opens a review.

    `why` is "not_modelled", "unread" (the law that `law` names was not read) or "doubtful" (what was read is in doubt). `read` and `source`
    are what was read, and where; `covered_from` is the day from which it is covered. `sign_off` are the names under which a person who
    has read the law may sign it off, and `says` is all of it in a line.
    """

    country: str
    subject: str
    touched_as: tuple[str, ...]
    certain: bool
    reviewed: bool
    why: Literal["not_modelled", "unread", "doubtful"] = "not_modelled"
    says: str = ""
    law: str = ""
    read: str = ""
    source: str = ""
    covered_from: date | None = None
    sign_off: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StandsOn:
    """
    What was read of a jurisdiction's law on a subject matter, where this settles it: by policies, under wider subject matters, or free.

    `read`, `source`, `read_on` and `status` say what was read, where and when, and how sure it is.
    """

    jurisdiction: str
    subject: str
    by: tuple[str, ...] = ()
    under: tuple[str, ...] = ()
    free: bool = False
    read: str = ""
    source: str = ""
    read_on: date | None = None
    status: str = ""


@dataclass(frozen=True, slots=True)
class Reach:
    """
    Data that are a country's to judge, although none of its policies applies; that is reviewed.

    `sign_off` is the name under which a person may sign it off for this exchange, None where it is not certain.
    """

    country: str
    subject: str
    certain: bool
    sign_off: str | None = None


@dataclass(frozen=True, slots=True)
class NotReached:
    """A subject matter that the law of a touched jurisdiction leaves alone; `says` is the reason that a policy gives, if one does."""

    jurisdiction: str
    subject: str
    policy: str = ""
    citation: str = ""
    says: str = ""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A subject matter of a country that an organisation says is looked after elsewhere. The decision rests on it."""

    country: str
    subject: str
    acceptance: str
    organisation: str
    by: str
    because: str
    until: date


@dataclass(frozen=True, slots=True)
class SwitchedOff:
    """A jurisdiction, or one policy, that an organisation has switched off; its law counts as not modelled."""

    organisation: str
    by: str
    because: str
    jurisdiction: str = ""
    policy: str = ""


@dataclass(frozen=True, slots=True)
class Coverage:
    """The jurisdictions whose law was asked, and the law that does not speak of the exchange."""

    jurisdictions: tuple[str, ...]
    stands_on: tuple[StandsOn, ...] = ()
    not_modelled: tuple[NotModelled, ...] = ()
    reach: tuple[Reach, ...] = ()
    not_reached: tuple[NotReached, ...] = ()
    accepted: tuple[Accepted, ...] = ()
    switched_off: tuple[SwitchedOff, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FactorLine:
    """One line of the data factor account."""

    title: str
    fact: str
    value: Any = None


@dataclass(frozen=True, slots=True)
class Lane:
    """A lane of facilitation. It is open, possible (facts are missing) or closed; `opens_when` says what would open it."""

    lane: str
    title: str
    state: Literal["open", "possible", "closed"]
    provision: str
    citation: str
    force: str
    mark: str
    opens_when: tuple[str, ...] = ()
    closed_by: tuple[str, ...] = ()


SettlementState = Literal[
    "settled",
    "nothing-payable",
    "not-reported",
    "price-unknown",
    "price-disputed",
    "price-below-zero",
    "price-of-a-free-supply",
    "price-too-large",
    "price-finer-than-the-unit",
    "unknown-currency",
    "no-minor-unit",
    "shares-unknown",
    "shares-disputed",
    "shares-do-not-close",
    "parties-unknown",
    "parties-disputed",
    "agreement-not-named",
    "asset-not-held",
    "sources-unknown",
    "cap-without-the-currency",
    "exceeds",
    "chain-too-long",
]


SettledKind = Literal["commission", "component", "upward"]


@dataclass(frozen=True, slots=True)
class SettlementLine:
    """
    What is payable to one party for its role, or to the role's account where it names no party; `share` is that of the whole role, a
    decimal or a fraction like `1/3`.
    """

    title: str
    share: str
    amount: Decimal
    role: str | None = None
    kind: SettledKind | None = None
    party: str | None = None


@dataclass(frozen=True, slots=True)
class UpwardLine:
    """What a payer passes on of its `base` by an agreement, in a step further up."""

    title: str
    share: str
    amount: Decimal
    base: Decimal
    agreement: str
    step: int
    payer: str
    role: str | None = None
    kind: SettledKind | None = None
    party: str | None = None


@dataclass(frozen=True, slots=True)
class Settlement:
    """How the price, before tax, is divided among those who benefit; `says` is `state` in a sentence."""

    state: SettlementState
    says: str
    price: str | None = None
    currency: str | None = None
    unit: Decimal | None = None
    lines: tuple[SettlementLine, ...] = ()
    upward: tuple[UpwardLine, ...] = ()
    exceeding: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ComputedLine:
    """Something that was computed from `facts`. `says` tells it in a sentence; a number in `value` is decimal text."""

    name: str
    title: str
    says: str
    facts: tuple[str, ...] = ()
    value: Any = None
    state: str | None = None


@dataclass(frozen=True, slots=True)
class ComputedGroup:
    """A group of what was computed."""

    title: str
    lines: tuple[ComputedLine, ...]


@dataclass(frozen=True, slots=True)
class Factor:
    """
    The data factor account: `account` has what is stated, `computed` what follows from it, and `lanes` what is open.

    `settlement` is there where the exchange speaks of a price or of shares.
    """

    account: Mapping[str, Mapping[str, FactorLine]]
    computed: Mapping[str, ComputedGroup] = field(default_factory=dict)
    lanes: tuple[Lane, ...] = ()
    settlement: Settlement | None = None


@dataclass(frozen=True, slots=True)
class MissingFact:
    """
    A fact or a document to find out. `narrows` are values that were sent and say too little.

    One of the type "group" stands for all `facts`: `none` is what an exchange states where there is nothing of them, by place.
    """

    fact: str
    question: str
    type: str
    values: tuple[str, ...] = ()
    narrows: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    none: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Missing:
    """Facts to find out together. `settles` is true if every possible answer settles the outcome."""

    facts: tuple[MissingFact, ...]
    settles: bool


@dataclass(frozen=True, slots=True)
class Change:
    """One thing to change: a fact, or a document to obtain (`fact` is then `evidence.KIND`). `do` is the change as a sentence."""

    fact: str
    to: Any
    do: str
    now: Annotated[Any, Named("from")] = None
    how: str = ""


@dataclass(frozen=True, slots=True)
class Remedy:
    """Changes that together let the exchange go ahead. `duties` are then owed, or may be owed."""

    changes: tuple[Change, ...]
    outcome: Literal["permitted", "permitted_with_obligations"]
    duties: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Remedies:
    """What would let a refused exchange go ahead, fewest changes first. The search was complete ("all") or cut short ("partly")."""

    searched: Literal["all", "partly"]
    remedies: tuple[Remedy, ...] = ()


@dataclass(frozen=True, slots=True)
class NeedTree:
    """What a way needs: a fact, a document or a claim, or several parts, all of them (`all_of`) or any."""

    fact: str | None = None
    says: str | None = None
    state: Literal["have", "lack", "unknown"] | None = None
    issued_by: str | None = None
    filed_with: str | None = None
    all_of: "tuple[NeedTree, ...] | None" = None
    any_of: "tuple[NeedTree, ...] | None" = None


@dataclass(frozen=True, slots=True)
class WholeWay:
    """One way, with all that it needs. It is `to_yes` if the whole exchange, decided again with it, is permitted."""

    way: str
    kind: Literal["ground", "excuse", "exemption"]
    title: str
    citation: str
    mark: str
    doubtful: bool
    lacks: int
    unknown: int
    to_yes: bool
    needs: NeedTree | None = None


@dataclass(frozen=True, slots=True)
class Ways:
    """The ways to a requirement, or out of a prohibition; `left_out` are excluded by other facts. `says` says that there is none."""

    title: str
    under: tuple[str, ...]
    ways: tuple[WholeWay, ...]
    requirement: str | None = None
    how: str = ""
    left_out: int = 0
    says: str = ""


@dataclass(frozen=True, slots=True)
class Horizon:
    """
    The last day on which the same facts still have the same outcome; None if that does not change within ten years.

    `then` is the outcome on the day after, `because` what changes on that day. With `searched` "partly", later days were not searched.
    """

    searched: Literal["all", "partly"]
    holds_until: date | None = None
    then: Outcome | None = None
    because: tuple[str, ...] = ()
    provisions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Traced:
    """One rule: whether its condition holds, whether it stands after exemptions, and whether a doubtful exemption reaches it."""

    rule: str
    holds: Truth
    stands: Truth
    doubted: Truth


@dataclass(frozen=True, slots=True)
class Trace:
    """How every definition, rule and requirement was decided, including those that do not affect the outcome."""

    definitions: Mapping[str, Truth]
    rules: tuple[Traced, ...]
    requirements: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Explanation:
    """
    The parts of an explanation that were asked for; the others are None. `document` is the whole explanation.

    `verdict` says whether the service now comes to the recorded verdict: "same" or "other".
    With "other", the explanation is of what would come out now. `reasons` are the provisions that stand for certain; `possible` those that
    may stand, which `possible_count` counts. `rests_on_exactly` are the statements of which each was verified to matter by itself.
    """

    id: str
    lang: str
    jurisdictions: tuple[Jurisdiction, ...] | None = None
    elsewhere: Elsewhere | None = None
    reasons: tuple[Reason, ...] | None = None
    possible_count: int | None = None
    beaten: tuple[Beaten, ...] | None = None
    advice: tuple[Advice, ...] | None = None
    conflicts: tuple[Conflict, ...] | None = None
    carried: tuple[Carried, ...] | None = None
    disputed: tuple[Disputed, ...] | None = None
    signed_off: tuple[SignedOff, ...] | None = None
    must_be_shown: tuple[str, ...] | None = None
    possible: tuple[Reason, ...] | None = None
    requirements: tuple[Requirement, ...] | None = None
    duties: tuple[Duty, ...] | None = None
    coverage: Coverage | None = None
    factor: Factor | None = None
    questions: tuple[Missing, ...] | None = None
    rests_on: tuple[Statement, ...] | None = None
    rests_on_exactly: tuple[Statement, ...] | None = None
    remedies: Remedies | None = None
    ways: tuple[Ways, ...] | None = None
    holds_until: Horizon | None = None
    trace: Trace | None = None
    verdict: Annotated[Literal["same", "other"], Named(None)] = "same"
    document: Annotated[Mapping[str, Any], Named(None)] = field(default_factory=dict, repr=False, compare=False)
