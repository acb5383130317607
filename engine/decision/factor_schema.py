"""The part of a decision on the data factor: the account as stated, what is computed from it, lanes and settlement (semantics 4.8)."""

from __future__ import annotations

from typing import Any, Literal

from engine.books.settlement import SettlementState
from engine.decision.decision_part import Part


class FactorLinePart(Part):
    title: str
    fact: str
    value: Any = None


class LanePart(Part):
    """A lane of facilitation. It is open, possible (facts are missing) or closed; `opens_when` says what would open it."""

    lane: str
    title: str
    state: Literal["open", "possible", "closed"]
    provision: str
    citation: str
    force: str
    mark: str
    opens_when: list[str] = []
    closed_by: list[str] = []


class SettlementLinePart(Part):
    """
    What is payable to one party for its role, or to the role's account where the role names no party: then there is no `party`.

    `share` is the share of the whole role. A party's id is shown as "personal" where the vocabulary says that it may name a person; by an
    agreement it is "exporter", or a key within this answer. `role` is left out where the agreement says none, and `kind` of a plain share.
    """

    role: str | None = None
    title: str
    share: str
    kind: Literal["commission", "component", "upward"] | None = None
    party: str | None = None
    amount: str


class UpwardLinePart(SettlementLinePart):
    """What a payer passes on of its `base` by an agreement. `payer` is "exporter" or a key; `step` is the step that pays it, from 0."""

    agreement: str
    step: int
    payer: str
    base: str


class SettlementPart(Part):
    """
    How the price, before tax, is divided among those who benefit. The amounts of `lines` add up to the price exactly; what is paid further
    up, out of what its payer gets, stands in `upward`. `exceeding` are agreements by which a payer would pay more than that.

    `state` is "settled", "nothing-payable", or the reason why there are no amounts; `says` is the same in a sentence. `unit` is the
    smallest amount of the currency (ISO 4217).
    """

    state: SettlementState
    says: str
    price: str | None = None
    currency: str | None = None
    unit: str | None = None
    lines: list[SettlementLinePart] = []
    upward: list[UpwardLinePart] = []
    exceeding: list[str] = []


class ComputedLinePart(Part):
    """
    Something that was computed from `facts`. `says` tells it in a sentence.

    `value` is its value; a number is decimal text. There is none where nothing could be computed, and `says` tells why.
    """

    name: str
    title: str
    facts: list[str] = []
    value: Any = None
    state: str | None = None
    says: str


class ComputedPart(Part):
    """A group of what was computed."""

    title: str
    lines: list[ComputedLinePart]


class FactorPart(Part):
    """
    The data factor account: what the exchange states, apart from what is computed from it, and the lanes.

    `account` has the stated facts, by part and line: rights, grade, registration, valuation, price, benefit split. `computed` has what
    follows from facts, by group. A line without a value, a part without a line and a group without a line are not there. `settlement` is
    there where the exchange speaks of a price or of shares.
    """

    account: dict[str, dict[str, FactorLinePart]]
    computed: dict[str, ComputedPart] = {}
    lanes: list[LanePart] = []
    settlement: SettlementPart | None = None
