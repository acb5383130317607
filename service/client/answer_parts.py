"""
The parts of an answer: what is missing, unmet, owed, not covered by law, signed off.

Each class has the members of the part of that name in the service's answer. A list begins with what is strictest. A last day is a
`date`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

Level = Literal["not_applicable", "permitted", "permitted_with_obligations", "requirements_unmet", "review", "prohibited"]
Outcome = Literal[
    "not_applicable", "permitted", "permitted_with_obligations", "requirements_unmet", "review", "prohibited", "undetermined"
]  # fmt: skip
Truth = Literal["yes", "no", "unknown"]


@dataclass(frozen=True, slots=True)
class Bounds:
    """The mildest and the strictest outcome that the unknown facts leave possible."""

    lowest: Level
    highest: Level


@dataclass(frozen=True, slots=True)
class Choice:
    """A value that answers a question, and its title."""

    value: str
    title: str


@dataclass(frozen=True, slots=True)
class Question:
    """
    A missing fact, and the question that asks for it.

    `values` are the answers to choose from, the first ones if there are many; `more` are left out. `narrows` are values that were sent
    and say too little; `values` then are what they may mean. `type` is the type of the fact in words, like `yes/no` or `set of country`; a
    "group" stands for several facts, the first of which is `fact`: where there is nothing of them, `with_none` states them all.
    """

    fact: str
    question: str
    type: str
    values: tuple[Choice, ...] = ()
    more: int = 0
    narrows: tuple[str, ...] = ()
    none: Mapping[str, Any] | None = field(default=None, hash=False)

    def with_none(self, exchange: Mapping[str, Any]) -> dict[str, Any]:
        """The exchange with nothing of all that a question of the type "group" stands for. Raises ValueError, as `answered` does."""
        if self.none is None:
            raise ValueError("this question stands for one fact: use `answered`")
        stated = dict(exchange)
        for fact, value in self.none.items():
            stated = _with(stated, fact, value)
        return stated

    def answered(self, exchange: Mapping[str, Any], value: Any) -> dict[str, Any]:
        """
        The exchange with this question answered; the exchange that is given stays as it is.

        `value` is written as in an exchange: a boolean, a number, a value of `values`, a list of them for a set. Raises ValueError if the
        exchange has something else than an object where the fact belongs: that would be lost.
        """
        return _with(exchange, self.fact, value)


@dataclass(frozen=True, slots=True)
class Need:
    """
    What a way needs: a document, a claim, or a fact that is not so yet; `says` has it in words.

    `issued_by` says who makes or issues a document that is lacking, `filed_with` where it is filed.
    """

    fact: str
    says: str
    state: Literal["have", "lack", "unknown"]
    issued_by: str | None = None
    filed_with: str | None = None


@dataclass(frozen=True, slots=True)
class Means:
    """One way to meet a requirement; `way` is a provision. `more` of its needs are left out. A `doubtful` one leaves a review."""

    way: str
    title: str
    citation: str
    needs: tuple[Need, ...]
    doubtful: bool = False
    more: int = 0


@dataclass(frozen=True, slots=True)
class Way:
    """A requirement: its title, and how to meet it; `by` are the first ways to meet it, and `more` are left out."""

    requirement: str
    title: str
    how: str = ""
    by: tuple[Means, ...] = ()
    more: int = 0


@dataclass(frozen=True, slots=True)
class Unmet:
    """
    Something required and not shown. One of the `ways` is enough; of a way every requirement is needed.

    `under` are the provisions that ask for it.
    """

    under: tuple[str, ...]
    ways: tuple[tuple[Way, ...], ...]


@dataclass(frozen=True, slots=True)
class Owed:
    """A duty that is owed, or may be if it is not `certain`. `due` is its last day, if that is known."""

    duty: str
    who: str
    certain: bool = True
    due: date | None = None
    overdue: Truth = "no"


@dataclass(frozen=True, slots=True)
class Gap:
    """
    Law that does not speak of the exchange; `reviewed` is true if this raises the outcome to a review, or may.

    `why`: "not_modelled" (there are no policies), "unread" (the law that `law` names was not read), "doubtful" (what was read is in
    doubt), "reach" (none of the policies applies, though the data are that country's to judge), "not_reached" (the law leaves the data
    alone), "accepted" (an organisation looks after it elsewhere), "switched_off" (by one). `sign_off` is the name under which whoever has
    read the law may sign it off for this exchange.
    """

    place: str
    subject: str
    why: Literal["not_modelled", "unread", "doubtful", "reach", "not_reached", "accepted", "switched_off"]
    reviewed: bool
    law: str | None = None
    sign_off: str | None = None


@dataclass(frozen=True, slots=True)
class FurtherSignature:
    """A further signature under an approval that several persons give, with its own last day."""

    sign_off: str
    by: str
    until: date


@dataclass(frozen=True, slots=True)
class SignedOff:
    """
    An approval that the decision rests on, given by the sign-off with this id. `until` is its last day. `also` has the other signature
    where two persons had to sign.

    With `accepts` "review", the provision no longer asks for a review. With "lift", what it lifts only in doubt counts as lifted. With
    "reach", `provision` is `reach/COUNTRY/SUBJECT`, a law that may reach the data.
    """

    provision: str
    accepts: Literal["review", "lift", "reach", "reaches", "gap"]
    sign_off: str
    by: str
    until: date
    also: tuple[FurtherSignature, ...] | None = None


def _with(document: Mapping[str, Any], fact: str, value: Any) -> dict[str, Any]:
    first, _, rest = fact.partition(".")
    if not rest:
        return {**document, first: value}
    inner = document.get(first, {})
    if not isinstance(inner, Mapping):
        raise ValueError(f"the exchange has something else than an object at `{first}`, so `{rest}` cannot be stated in it")
    return {**document, first: _with(inner, rest, value)}
