"""
What a prohibition takes away from the limits of the permissions.

A prohibition of an action takes away the acts that it stands for. One that limits a single fact takes away its values from a set that the
permissions name. What cannot be taken away exactly is not understood, and asked: it never counts as allowed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from service.doors.odrl.contract_limits import Limit, LimitsRead, TermPlace, Unread
from service.doors.odrl.contract_policy import ODRL, AnyConstraint, Constraint, ContractRule, LogicalConstraint, local_name
from service.doors.odrl.contract_refusals import shown
from service.doors.odrl.term_values import UNKNOWN, TermReader


def without_prohibited(
    rule: ContractRule, part: LimitsRead, limits: Mapping[str, Limit], terms: TermReader
) -> tuple[dict[str, Limit], tuple[Unread, ...]]:
    """The limits without what a rule prohibits, and what of it was not understood. `part` is what its constraints say."""
    if part.never:  # two values that look different may be one, so it may prohibit something all the same
        return dict(limits), (_not_exact(rule),)
    found = dict(limits)
    said = {fact: limit for fact, limit in part.limits.items() if not terms.type(fact).many}
    restrictions = {fact: limit for fact, limit in said.items() if limit.value is False}
    found |= restrictions  # a restriction that the contract names, such as that nothing is passed on
    left = {fact: limit for fact, limit in part.limits.items() if fact not in restrictions}
    if part.unread or (part.kept and not restrictions):
        return found, (*part.unread, *(() if part.unread and not left else (_not_exact(rule),)))
    if rule.constraints or rule.refinements:
        if not left:
            return found, ()
        taken = _taken(rule, left, found, terms)
        if taken is None:
            return found, (_not_exact(rule),)
        # What the mappings name is as narrow as theirs or narrower: what theirs has beside it is prohibited too.
        return taken, (_wider(rule),) if any(map(terms.by_mapping, _constraints(rule.constraints))) else ()
    beside = terms.of("prohibition")
    if beside is not None and beside.fact and rule.action in beside.values:
        told = beside.values[rule.action] in (True, "yes")
        found[beside.fact] = Limit(told, (TermPlace(rule.action_pointer, ODRL + "prohibition"),))
    acts = terms.action(rule.action)
    if not acts:
        why = f"{shown(local_name(rule.action))} is prohibited, and whether it is done is not known here"
        return found, (Unread(rule.pointer, ODRL + "prohibition", why if rule.action else "the prohibition names no action"),)
    allowed = found["terms.acts"]
    if rule.action == ODRL + "use":  # every action but a transfer of ownership is a use
        acts = allowed.value
    place = TermPlace(rule.action_pointer or rule.pointer, ODRL + "prohibition")
    left_over = allowed.value - acts - {UNKNOWN}
    found["terms.acts"] = Limit(left_over, (*allowed.places, place))
    # Who gets the data in a way that is left may still do with them what is prohibited, unless a fact of the terms says it.
    if left_over and not (beside is not None and rule.action in beside.values):
        why = f"{shown(local_name(rule.action))} is prohibited, and whether the recipient does it is not known here"
        return found, (Unread(rule.pointer, ODRL + "prohibition", why),)
    return found, ()


def _taken(
    rule: ContractRule, left: Mapping[str, Limit], limits: Mapping[str, Limit], terms: TermReader
) -> dict[str, Limit] | None:
    """The limits without the values of one set that a prohibition of any use names; None where that does not say it exactly."""
    if len(left) != 1 or rule.action != ODRL + "use" or rule.refinements or not _alone(rule.constraints):
        return None
    ((fact, prohibited),) = left.items()
    fact_type = terms.type(fact)
    allowed = limits.get(fact)
    if not fact_type.many or allowed is None or fact == "terms.acts":
        return None
    outside = {each for each in allowed.value if any(fact_type.covers(wide, each) for wide in prohibited.value)}
    partly = any(each != UNKNOWN and fact_type.covers(each, no) for each in allowed.value - outside for no in prohibited.value)
    if partly or UNKNOWN in allowed.value:
        return None
    places = (*allowed.places, *prohibited.places)
    return {**limits, fact: replace(allowed, value=allowed.value - outside, places=places)}


def _constraints(constraints: tuple[AnyConstraint, ...]) -> Iterator[Constraint]:
    """The constraints in these, also those within a connective."""
    for each in constraints:
        if isinstance(each, Constraint):
            yield each
        elif isinstance(each, LogicalConstraint):
            yield from _constraints(each.parts)


def _alone(constraints: tuple[AnyConstraint, ...]) -> bool:
    """Whether these are one single constraint, perhaps within a connective of one part."""
    if len(constraints) != 1:
        return False
    (only,) = constraints
    return isinstance(only, Constraint) or (isinstance(only, LogicalConstraint) and _alone(only.parts))


def _wider(rule: ContractRule) -> Unread:
    return Unread(rule.pointer, ODRL + "prohibition", "what is prohibited may be more than what is named so here")


def _not_exact(rule: ContractRule) -> Unread:
    return Unread(
        rule.pointer, ODRL + "prohibition", "the prohibition holds in some cases only, and in which is not known here"
    )
