"""
How the data of one leg of a plan go on to another (semantics 4.14).

The exchanges of two legs go in; out come whether the later data derive from the earlier ones, on which statements it rests that they do
not, and what the later leg contradicts in the earlier one. The vocabulary says which facts are compared (`plans:`).

INVARIANT (what is not known goes on): data count as other data only where what says so is known for certain.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from engine.bundle import Bundle
from engine.deciding.tally import span
from engine.exchange import Exchange
from engine.policy_language.vocabulary_text import DERIVED
from engine.values import Missing, SetOf, Value, either

SAME, AGGREGATED, OTHER = DERIVED


class LegContradiction(NamedTuple):
    """What a later leg states otherwise than the leg before it: more people, other places, or another role of the party between them."""

    kind: Literal["people", "places", "party"]
    fact: str


class Links:
    """Compares the legs of plans under one bundle. Made once."""

    def __init__(self, bundle: Bundle) -> None:
        self._vocabulary = bundle.vocabulary
        self._plans = bundle.vocabulary.plans
        touches = bundle.vocabulary.touches
        self._begins = tuple(touch.fact for touch in touches if touch.as_ == "exporter")
        self._ends = tuple(touch.fact for touch in touches if touch.as_ == "recipient")

    def ended(self, came: Sequence[Exchange], exchange: Exchange) -> tuple[str, ...]:
        """
        The statements by which the data of an exchange do not go on from earlier ones; none where they derive from these.

        `came` are the exchanges of the chain, the first one first.
        """
        plans = self._plans
        if plans is None:
            return ()
        derived = exchange.value(plans.derived)
        if derived == OTHER and all(self.apart(each, exchange) for each in came):
            return plans.derived, plans.data
        if derived == AGGREGATED and all(exchange.value(fact) == value for fact, value in plans.aggregated.items()):
            return plans.derived, *plans.aggregated
        return ()

    def apart(self, earlier: Exchange, exchange: Exchange) -> bool:
        """Whether two exchanges name their data, and certainly not as the same."""
        return self._plans is not None and _different(earlier.value(self._plans.data), exchange.value(self._plans.data))

    def unrelated(self, other: Exchange, exchange: Exchange, after: bool) -> tuple[str, ...]:
        """
        The statements by which an exchange is not about data that another leg brought to its exporter; none where it may be.

        `after`: the exchange comes after a leg of another chain, from which its data are.
        """
        if self._plans is None or not self.apart(other, exchange):
            return ()
        if after:
            return (self._plans.data,)
        return (self._plans.derived, self._plans.data) if exchange.value(self._plans.derived) == OTHER else ()

    def may_follow(self, earlier: Exchange, exchange: Exchange) -> bool:
        """Whether the exporter of an exchange may be the recipient of another: not where their ids or their countries differ."""
        for ends, begins in zip(self._ends, self._begins, strict=False):
            here = {value for value in either(exchange.value(begins)) if isinstance(value, str)}
            there = {value for value in either(earlier.value(ends)) if isinstance(value, str)}
            if here and there and not here & there:
                return False
        ids = ((theirs, own) for theirs, own in self._parties() if self._vocabulary.facts[own].type.kind == "id")
        return not any(_different(earlier.value(theirs), exchange.value(own)) for theirs, own in ids)

    def contradictions(self, before: Exchange, exchange: Exchange) -> Iterator[LegContradiction]:
        """What an exchange of data that came states otherwise than the exchange that brought them."""
        plans = self._plans
        if plans is None:
            return
        members = self._vocabulary.families.get(plans.people, (plans.people,))
        for fact in members:
            came, goes = span(before.value(fact)), span(exchange.value(fact))
            if came and goes and came.high is not None and goes.low > came.high:
                yield LegContradiction("people", fact)
        for fact in plans.places:
            match before.value(fact), exchange.value(fact):
                case SetOf(members=came_from, open=False), SetOf(members=goes_from) if goes_from - came_from:
                    yield LegContradiction("places", fact)
        for theirs, own in self._parties():
            if self._vocabulary.facts[own].type.kind == "id":
                if _different(before.value(theirs), exchange.value(own)):
                    yield LegContradiction("party", own)
            elif self._other(own, before.value(theirs), exchange.value(own)):
                yield LegContradiction("party", own)

    def _parties(self) -> Iterator[tuple[str, str]]:
        yield from self._plans.party.items() if self._plans else ()

    def _other(self, fact: str, came: Value, goes: Value) -> bool:
        """Whether two values are known and neither is a wider word for the other."""
        values = self._vocabulary.facts[fact].type.values
        if not isinstance(came, str) or not isinstance(goes, str) or values is None:
            return isinstance(came, bool) and isinstance(goes, bool) and came is not goes
        return came not in values.ancestors(goes) and goes not in values.ancestors(came)


def _different(one: Value, other: Value) -> bool:
    """Whether two ids are known, and differ in more than their spelling."""
    if any(isinstance(each, Missing) for value in (one, other) for each in either(value)):
        return False
    ours, theirs = ({_folded(each) for each in either(value)} for value in (one, other))
    return not ours & theirs


def _folded(id: Value) -> str:
    return "".join(unicodedata.normalize("NFKC", str(id)).casefold().split())
