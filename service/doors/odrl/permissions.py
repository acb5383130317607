"""
Several permissions as one limit of each fact.

What one permission allows, another does not take away, so together they allow what one of them allows. One set of limits says so only where
one permission allows all that the others do, or where they differ in a single fact. Elsewhere the fact holds what all of them allow, and
is open beyond that: a purpose of one permission in the territory of another is not allowed by either.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from service.doors.odrl.contract_limits import Limit, TermPlace, Unread, both, either, within
from service.doors.odrl.contract_policy import ODRL
from service.doors.odrl.term_values import UNKNOWN, TermReader

MOST_COMPARED = 100  # permissions of which none allows all that another does


@dataclass(frozen=True, slots=True)
class Permission:
    """A permission: its limits, what of it was not understood, its place, and for whom and what it is."""

    limits: Mapping[str, Limit]
    unread: tuple[Unread, ...]
    pointer: str
    parties: tuple[tuple[str, ...], ...]

    def allows_all_of(self, other: Permission, terms: TermReader) -> bool:
        """Whether whatever another permission allows, this one certainly allows."""
        if self.unread or self.parties != other.parties:
            return False
        return all(
            fact in other.limits and within(terms.type(fact), other.limits[fact].value, limit.value)
            for fact, limit in self.limits.items()
        )


@dataclass(frozen=True, slots=True)
class Together:
    """What several permissions allow: limits by fact, what was not understood, and the facts that any of them limits."""

    limits: dict[str, Limit]
    unread: tuple[Unread, ...] = ()
    facts: frozenset[str] = frozenset()


def together(permissions: list[Permission], terms: TermReader, at: str) -> Together:
    """The limits of several permissions; without a permission no act is allowed."""
    if not permissions:
        return Together({"terms.acts": Limit(frozenset(), (TermPlace(at, ODRL + "permission"),))})
    left: list[Permission] = []
    for each in permissions:
        if len(left) >= MOST_COMPARED:  # so many different ones are not compared, and differ
            left.append(each)
        elif not any(other.allows_all_of(each, terms) for other in left):
            left = [other for other in left if not each.allows_all_of(other, terms)] + [each]
    if len(left) == 1:
        return Together(dict(left[0].limits), left[0].unread, frozenset(left[0].limits))
    facts = dict.fromkeys(fact for each in left for fact in each.limits)
    differ = [fact for fact in facts if len({_value(each, fact) for each in left}) > 1]
    alike = len({each.parties for each in left}) == 1 and not any(each.unread for each in left)
    exact = alike and len(differ) == 1 and all(differ[0] in each.limits for each in left)
    limits: dict[str, Limit] = {}
    for fact in facts:
        limit = _one(fact, left, terms, exact)
        if limit is not None:
            limits[fact] = limit
    unread = tuple(dict.fromkeys(each for permission in left for each in permission.unread))
    if exact and all(fact in limits for fact in facts):
        return Together(limits, unread, frozenset(facts))
    why = (
        f"{len(left)} permissions differ in more than one respect; beyond what each of them allows, it is open which one holds"
    )
    return Together(limits, (*unread, Unread(at, ODRL + "permission", why)), frozenset(facts))


def _one(fact: str, permissions: list[Permission], terms: TermReader, exact: bool) -> Limit | None:
    """The limit of one fact over several permissions; None where it is open."""
    found = [each.limits[fact] for each in permissions if fact in each.limits]
    fact_type = terms.type(fact)
    value = found[0].value
    if len(found) < len(permissions):
        return None
    for each in found[1:]:
        if value is None:
            return None
        value = value if each.value == value else (either if exact else both)(fact_type, value, each.value)
    if value is None:
        return None
    if not exact and len({each.value for each in found}) > 1:
        if not fact_type.many:
            return None
        value = value | {UNKNOWN}
    return Limit(value, tuple(place for each in found for place in each.places))


def _value(permission: Permission, fact: str) -> object:
    return permission.limits[fact].value if fact in permission.limits else None
