"""
What the constraints of one rule say: limits, what was not understood, and what can never be met.

Only what is certainly a limit is one. An alternative (`or`) is a limit where each of its parts limits the same fact; `xone` and
`andSequence` say more than their parts and are not understood, except with a single part.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation

import engine
from service.doors.graphs import GraphTerm
from service.doors.odrl.contract_limits import Limit, LimitsRead, TermPlace, Unread, either, joined
from service.doors.odrl.contract_policy import ODRL, AnyConstraint, BrokenConstraint, Constraint, LogicalConstraint, local_name
from service.doors.odrl.contract_refusals import shown
from service.doors.odrl.term_values import TermReader, local


class RuleLimits:
    """Reads constraints by the terms of the mappings."""

    def __init__(self, terms: TermReader) -> None:
        self._terms = terms

    def all_of(self, constraints: Sequence[AnyConstraint]) -> LimitsRead:
        """Constraints that must all hold."""
        parts = [self.part(each) for each in constraints]
        return self.join([*parts, LimitsRead(never=tuple(self._against_each_other(constraints)))])

    def join(self, parts: list[LimitsRead]) -> LimitsRead:
        """Parts that must all hold."""
        return joined({fact: self._terms.type(fact) for part in parts for fact in part.limits}, parts)

    def part(self, constraint: AnyConstraint) -> LimitsRead:
        match constraint:
            case BrokenConstraint(why=why, pointer=at):
                return LimitsRead(unread=(Unread(at, ODRL + "constraint", why),))
            case LogicalConstraint(kind=kind, parts=parts, pointer=at):
                if kind == "and":
                    return self.all_of(parts)
                if len(parts) == 1:
                    return self.part(parts[0])
                return (
                    self._alternatives(constraint) if kind == "or" and parts else LimitsRead(unread=(self._logical(kind, at),))
                )
            case Constraint():
                return self._constraint(constraint)

    def _constraint(self, constraint: Constraint) -> LimitsRead:
        name = self._terms.name(constraint.left)
        term = self._terms.term(name)
        at = constraint.pointer

        def unread(why: str) -> LimitsRead:
            return LimitsRead(unread=(Unread(at, name, why),))

        if term is None:
            return unread(f"{shown(local_name(name))} is not a term that is known here")
        if term.no_fact is not None:
            found = (Unread(at, name, term.no_fact.words.en),)
            return LimitsRead(kept=found) if term.asked == "no" else LimitsRead(unread=found)
        if local(constraint.operator) not in term.operators:
            known = ", ".join(f"`{each}`" for each in term.operators) or "none"
            return unread(f"the operator {shown(local(constraint.operator))} is not read with it; those that are: {known}")
        assert term.fact
        places = (TermPlace(at, name),)
        if not self._terms.type(term.fact).many and len(constraint.right) > 1:
            return self._restrictions(constraint, name, term)
        value = self._terms.value(term, constraint)
        if value is None or value == frozenset():
            return unread(f"{_told(constraint.right)} is not a value that is known here")
        return LimitsRead({term.fact: Limit(value, places)})

    def _restrictions(self, constraint: Constraint, name: str, term: engine.TermText) -> LimitsRead:
        """Several restrictions, each of which says what it says: what is known counts, the rest is not understood."""
        assert term.fact
        parts = []
        for right in constraint.right:
            value = self._terms.single(term, right) if local(constraint.operator) == "isAllOf" else None
            if value is None:
                parts.append(
                    LimitsRead(
                        unread=(Unread(constraint.pointer, name, f"{shown(right.text)} is not a value that is known here"),)
                    )
                )
            else:
                parts.append(LimitsRead({term.fact: Limit(value, (TermPlace(constraint.pointer, name),))}))
        return self.join(parts)

    def _alternatives(self, constraint: LogicalConstraint) -> LimitsRead:
        """Alternatives: one limit of one fact in each, or not understood. One that can never be met is none."""
        parts = [self.part(each) for each in constraint.parts]
        possible = [part for part in parts if not part.never]
        if not possible:
            return LimitsRead(never=tuple(each for part in parts for each in part.never))
        facts = {fact for part in possible for fact in part.limits}
        plain = all(len(part.limits) == 1 and not part.unread and not part.kept for part in possible)
        if len(facts) == 1 and plain:
            (fact,) = facts
            limit = possible[0].limits[fact]
            for part in possible[1:]:
                value = either(self._terms.type(fact), limit.value, part.limits[fact].value)
                if value is None:
                    return LimitsRead(unread=(self._logical("or", constraint.pointer),))
                limit = Limit(value, (*limit.places, *part.limits[fact].places))
            return LimitsRead({fact: limit})
        return LimitsRead(unread=(self._logical("or", constraint.pointer),))

    def _logical(self, kind: str, at: str) -> Unread:
        why = {
            "or": "alternatives are read only where each limits the same fact",
            "xone": "that exactly one alternative holds cannot be said here",
            "andSequence": "in which order something happens is not known here",
        }.get(kind, "it is not read")
        return Unread(at, ODRL + kind, why)

    def _against_each_other(self, constraints: Sequence[AnyConstraint]) -> Iterator[Unread]:
        """Two constraints that want one thing, of which nothing is known here, to be two different values."""
        said: dict[str, Constraint] = {}
        for each in _all(constraints):
            name = self._terms.name(each.left)
            term = self._terms.term(name)
            if local(each.operator) != "eq" or len(each.right) != 1 or (term is not None and term.fact is not None):
                continue
            other = said.setdefault(name, each)
            if not _same(other.right[0], each.right[0]):
                values = " and ".join(shown(right.text) for right in (other.right[0], each.right[0]))
                yield Unread(each.pointer, name, f"{shown(local_name(name))} is never {values} at once: this can never be met")


def _all(constraints: Sequence[AnyConstraint]) -> Iterator[Constraint]:
    """The constraints that must all hold, also those within an `and`."""
    for each in constraints:
        if isinstance(each, Constraint):
            yield each
        elif isinstance(each, LogicalConstraint) and (each.kind == "and" or len(each.parts) == 1):
            yield from _all(each.parts)


def _same(one: GraphTerm, other: GraphTerm) -> bool:
    if one.text == other.text:
        return True
    try:
        return Decimal(one.text) == Decimal(other.text)
    except InvalidOperation:
        return False


def _told(right: Sequence[GraphTerm]) -> str:
    told = ", ".join(shown(each.text) for each in right[:5])
    return f"one of {told}" if len(right) > 1 else told
