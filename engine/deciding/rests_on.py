"""
What a permit rests on: the statements without which it might not stand, and those behind everything that lifts (semantics 4.11).

A judgement that permits goes in, statements come out, those first that a reader wants proven (`statement_weights`), and of these the ones
whose absence may have the worst outcome. A statement is a fact, a claim or a document that was sent, the ways that the exchange relies
on, or a person's approval.

INVARIANT (never too few): the exchange is still permitted where every statement that is not named is unknown, all of them at once. This
is verified by evaluating the exchange so. Knowing more never turns a permit into a refusal (4.10), so none of them matters by itself.
The ways relied on are no knowledge: to rely on a way whose duty is overdue is worse than to rely on none (3.5). So where they are not
named, it is verified with them and without them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from engine.backends.lanes.worst_levels import WorstLevels
from engine.bundle import Bundle
from engine.deciding.judgement import Judgement
from engine.deciding.statement_weights import (
    ACCEPTED,
    DOCUMENTS,
    RELIES_ON,
    SIGNED,
    STATED,
    TestedRules,
    Weight,
    Weights,
    key_of_value,
    says_something,
)
from engine.exchange import Exchange
from engine.rules import RuleSet
from engine.values import Document, Missing, Value
from engine.values.outcome_levels import PERMITTING, RANK, Level
from engine.verdict import numbers

MAX_PASSES = 30  # to find statements that matter only together; then every statement is named


class Statement(NamedTuple):
    """
    A statement on which a permit rests: a fact, `evidence.KIND`, `claims.KIND`, `relies_on`, or the provision that a person signed off.

    `without` is the worst outcome that may come without it alone. It is a permit where the statement is behind a lift beside another
    one, or where others would have to be missing too.
    """

    fact: str
    source: str
    without: Level
    weight: Weight

    @property
    def ordinary(self) -> bool:
        """Whether an answer only counts it."""
        return self.weight is Weight.ORDINARY


# The worst of an exchange without each of some collections of statements, a lane each, and with some provisions signed off.
Look = Callable[[Sequence[Collection[str]], frozenset[str]], WorstLevels]


class Foundations:
    """Finds what permits under one bundle rest on. Made once."""

    def __init__(self, bundle: Bundle) -> None:
        rules = bundle.rules.rules
        self._weights = Weights(bundle)
        self._rules = bundle.rules
        self._lifting = sum(1 << n for n, rule in enumerate(rules) if rule.satisfies or rule.exempts or rule.excuses)
        # The duties that may become overdue, each with the rules through which it is owed.
        owed = _owed_through(bundle.rules)
        timed = (duty for duty in bundle.duties.values() if duty.due is not None and duty.overdue not in PERMITTING)
        self._timed = tuple((duty, owed.get(duty.key, 0)) for duty in timed)

    def find(self, judgement: Judgement, look: Look, exact: bool = False) -> tuple[Statement, ...]:
        """
        The statements on which a permit rests, those first that a reader wants proven: each that matters by itself, or is behind a
        standing lift, and those that matter only together. With `exact`, without these last.
        """
        exchange, own = judgement.exchange, judgement.outcome.bounds.high
        signed = frozenset(each.provision for each in judgement.signed)
        search = _Search(exchange, lambda lost: look(lost, signed))
        tested = self._weights.tested(judgement)
        lifting = frozenset(self._behind_lifts(judgement, tested))
        worst = search.without([(name,) for name in search.statements])
        permitted = worst.permitted
        found = {
            name: worst.of(lane) for lane, name in enumerate(search.statements) if name in lifting or not permitted >> lane & 1
        }
        if not exact:
            search.complete(found, own)
            if RELIES_ON in search.statements and any(rules & judgement.verdict.stands.possible for _, rules in self._timed):
                found.setdefault(
                    RELIES_ON, own
                )  # another way may have duties that are overdue, and no evaluation here tries it
        named = [(name, exchange.source(name) or STATED, stake) for name, stake in found.items()]
        for provision in dict.fromkeys(part.provision for part in judgement.signed_off):
            named.append((provision, SIGNED, look([()], signed - {provision}).of(0)))
        for each in judgement.outcome.coverage.accepted:
            named.append((f"{each.acceptance.organisation}/{each.acceptance.id}", ACCEPTED, Level.REVIEW))
        lifted_by = self._weights.lifting(judgement, tested)
        statements = (
            Statement(name, source, stake, self._weights.of(name, source, exchange, lifted_by))
            for name, source, stake in dict.fromkeys(named)
        )
        return tuple(sorted(statements, key=lambda each: (each.weight, RANK[each.without], each.fact)))

    def _behind_lifts(self, judgement: Judgement, tested: TestedRules) -> Iterator[str]:
        """The statements behind every rule that lifts for certain, though another lift would do."""
        exchange, rules = judgement.exchange, self._rules
        lifting = numbers(judgement.verdict.stands.certain & self._lifting)
        read = {name for number in lifting for name in tested(number).read}
        for fact in read.union(*(_measured(rules, exchange, name) for name in read)):
            for key in _members(rules, exchange, fact):
                yield from exchange.follows.get(key, (key,))


class _Search:
    """Evaluates one exchange without some of its statements."""

    def __init__(self, exchange: Exchange, without: Callable[[Sequence[Collection[str]]], WorstLevels]) -> None:
        self.without = without
        self.statements = statements(exchange)

    def spared(self, left: Sequence[str], counts: Sequence[int]) -> list[bool]:
        """Whether the exchange is permitted without so many of some statements, and so whichever of them are missing."""
        gone = [left[:count] for count in counts]
        if RELIES_ON in left:
            gone += [[name for name in names if name != RELIES_ON] for names in gone]
        permitted = self.without(gone).permitted
        found = [bool(permitted >> lane & 1) for lane in range(len(gone))]
        return [all(found[lane :: len(counts)]) for lane in range(len(counts))]

    def complete(self, found: dict[str, Level], own: Level) -> None:
        """Add statements until the exchange is permitted without all others; one that is added matters only together with others."""
        left = sorted(name for name in self.statements if name not in found)
        for _ in range(MAX_PASSES):
            if not left or self.spared(left, [len(left)])[0]:
                return
            # The shortest beginning of the list that the permit can't do without ends with a statement that it needs.
            needed = left.pop(self.spared(left, range(1, len(left) + 1)).index(False))
            found[needed] = own
        found |= dict.fromkeys(left, own)


def statements(exchange: Exchange) -> dict[str, None]:
    """The names of everything that was stated: facts, claims, documents, the rest of a family, and the ways relied on."""
    told = [key for key, value in exchange.values.items() if value is not Missing.UNKNOWN]
    follows = exchange.follows
    found: dict[str, None] = dict.fromkeys(told if not follows else [name for key in told for name in follows.get(key, (key,))])
    return found | {RELIES_ON: None} if exchange.relies_on else found


def shown_only(exchange: Exchange, names: Collection[str]) -> Exchange:
    """The exchange without those of some statements that are merely stated: facts are unknown, documents and claims not shown (4.11)."""
    only_stated = tuple(
        name
        for name in sorted(names)
        if exchange.source(name) is None and says_something(exchange.values.get(name, Missing.LEFT_OUT))
    )
    if not only_stated:
        return exchange
    known = unknowing(exchange, only_stated)
    values = {name: value for name, value in known.values.items() if name not in only_stated or not name.startswith(DOCUMENTS)}
    return replace(known, values=values, only_stated=only_stated)


def unknowing(exchange: Exchange, names: Collection[str]) -> Exchange:
    """The exchange with some statements unknown, and with them every value that follows from one of them."""
    values: dict[str, Value] = {key: Missing.UNKNOWN for key in names if key in exchange.values}
    for key, sources in exchange.follows.items():
        if key in exchange.values and not set(names).isdisjoint(sources):
            values[key] = Missing.UNKNOWN
    return replace(exchange, values={**exchange.values, **values}, relies_on=() if RELIES_ON in names else exchange.relies_on)


def _measured(rules: RuleSet, exchange: Exchange, name: str) -> Iterator[str]:
    """The facts that a document which counts has to reach (2.3): those that lie within what it states."""
    measures = rules.measures.get(name, ())
    document = exchange.values.get(name) if measures else None
    fields = document.fields if isinstance(document, Document) else {}
    yield from (measure.fact for measure in measures if measure.name in fields)


def _members(rules: RuleSet, exchange: Exchange, fact: str) -> Iterator[str]:
    """The keys under which the exchange holds the value of a fact, or of the members of a family."""
    for member in rules.families.get(fact, ("", (fact,)))[1]:
        yield from key_of_value(exchange, member)


def _owed_through(rules: RuleSet) -> dict[str, int]:
    """For each duty, the rules because of which it may be owed: those that oblige to it, and those that require what it comes with."""
    coming = {name: [duty.key for duty in requirement.duties] for name, requirement in rules.requirements.items()}
    for rule in rules.rules:
        for name in rule.satisfies:
            coming[name] += [duty.key for duty in rule.duties]
    found: dict[str, int] = {}
    for number, rule in enumerate(rules.rules):
        keys = [duty.key for duty in rule.duties] if rule.effect == "oblige" else []
        for key in (*keys, *(key for name in (rule.need.requirements() if rule.need else ()) for key in coming[name])):
            found[key] = found.get(key, 0) | 1 << number
    return found
