"""
Limits, and what becomes of two: both must hold, or one of them is enough.

A limit is a set of values, a last day, a length of time, or another single value, of one fact. Where no limit of the fact says exactly what
two say together, the answer is None, and the fact stays open.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import engine
from service.doors.odrl.term_values import UNKNOWN, FactType


@dataclass(frozen=True, slots=True)
class TermPlace:
    """Where a contract says something, and by which term."""

    pointer: str
    term: str


@dataclass(frozen=True, slots=True)
class Limit:
    """What a contract limits a fact to."""

    value: Any
    places: tuple[TermPlace, ...]


@dataclass(frozen=True, slots=True)
class Unread:
    """What was not understood: its place, its term, and why."""

    pointer: str
    term: str
    why: str


@dataclass(frozen=True, slots=True)
class LimitsRead:
    """
    What a constraint, or several that must all hold, says: limits by fact, what was not understood, what is known and no condition, and
    whether it can never be met (`never`, with the reason).
    """

    limits: Mapping[str, Limit] = field(default_factory=dict)
    unread: tuple[Unread, ...] = ()
    kept: tuple[Unread, ...] = ()
    never: tuple[Unread, ...] = ()


def both(fact_type: FactType, one: Any, other: Any) -> Any:
    """The limit within two limits; an empty set where nothing is; None where none says it."""
    if fact_type.many:
        found = {b for a in one for b in other if UNKNOWN not in (a, b) and fact_type.covers(a, b)}
        found |= {a for a in one for b in other if UNKNOWN not in (a, b) and fact_type.covers(b, a)}
        return frozenset(found | ({UNKNOWN} & (one | other)))
    order = _order(one, other)
    return one if one == other else None if order is None else min(one, other, key=order)


def either(fact_type: FactType, one: Any, other: Any) -> Any:
    """The limit around two limits, which allows what one of them allows and no more; None where none says it."""
    if fact_type.many:
        return one | other
    order = _order(one, other)
    return one if one == other else None if order is None else max(one, other, key=order)


def within(fact_type: FactType, inner: Any, outer: Any) -> bool:
    """Whether whatever a limit allows, another certainly allows."""
    if inner == outer:
        return True
    if fact_type.many:
        return all(each != UNKNOWN and any(fact_type.covers(wide, each) for wide in outer) for each in inner)
    order = _order(inner, outer)
    return order is not None and bool(order(inner) <= order(outer))


def _order(one: Any, other: Any) -> Any:
    """By what two limits are compared: the earlier day, or the shorter time, allows less."""
    if isinstance(one, date) and isinstance(other, date):
        return lambda value: value.toordinal()
    if isinstance(one, engine.Duration) and isinstance(other, engine.Duration):
        if one.perpetual or other.perpetual or not (one.hours or other.hours):
            return lambda value: (value.perpetual, value.months, value.hours)
        if not (one.months or other.months):
            return lambda value: value.hours
    return None


def joined(types: Mapping[str, FactType], parts: list[LimitsRead]) -> LimitsRead:
    """Several parts that must all hold."""
    limits: dict[str, Limit] = {}
    unread = [each for part in parts for each in part.unread]
    kept = [each for part in parts for each in part.kept]
    never = [each for part in parts for each in part.never]
    open_: set[str] = set()
    for fact, limit in ((fact, limit) for part in parts for fact, limit in part.limits.items()):
        known = limits.get(fact)
        if known is None:
            limits[fact] = limit
            continue
        places = (*known.places, *limit.places)
        value = both(types[fact], known.value, limit.value)
        if value is None:
            open_.add(fact)
            unread.append(
                Unread(limit.places[0].pointer, limit.places[0].term, "it cannot be said together with what stands beside it")
            )
        elif value == frozenset():
            where = limit.places[0]
            never.append(Unread(where.pointer, where.term, "no value meets it and what stands beside it"))
        else:
            limits[fact] = replace(known, value=value, places=places)
    return LimitsRead(
        {fact: limit for fact, limit in limits.items() if fact not in open_}, tuple(unread), tuple(kept), tuple(never)
    )
