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

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import islice
from typing import NamedTuple, Protocol

from engine.bundle import Bundle
from engine.deciding.combine import Outcome
from engine.deciding.judgement import Judgement
from engine.deciding.statement_weights import (
    ACCEPTED,
    DOCUMENTS,
    RELIES_ON,
    SIGNED,
    STATED,
    Weight,
    Weights,
    key_of_value,
    says_something,
)
from engine.exchange import Exchange
from engine.policy_language.declared_coverage import REVIEWED
from engine.rules import RuleSet, Truth, anchors, bearing
from engine.values import Document, Missing
from engine.values.outcome_levels import PERMITTING, RANK, Level, worst
from engine.verdict import Verdict, numbers

NEEDED = REVIEWED | {"collection"}  # an unknown country in one of these roles may bring another law
TOUCHED = ("touch/", "subject/")  # definitions by which further countries and subject matters would be touched
MAX_EVALUATIONS = 60  # to complete a proposal; then every statement is named


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


# The outcome of an exchange with some provisions signed off.
Look = Callable[[Exchange, frozenset[str]], Outcome]


class Propose(Protocol):
    """On which values a permit seems to rest, by an engine that can tell from its own verdict (`Bitset.rests_on`)."""

    def __call__(
        self,
        exchange: Exchange,
        as_of: date,
        verdict: Verdict,
        false: Mapping[str, Level],
        true: Mapping[str, Level],
        done: Mapping[str, Level],
    ) -> Mapping[str, Level]: ...


class Foundations:
    """Finds what permits under one bundle rest on. Made once."""

    def __init__(self, bundle: Bundle) -> None:
        rules = bundle.rules.rules
        self._weights = Weights(bundle)
        self._rules = bundle.rules
        touches = enumerate(bundle.vocabulary.touches)
        self._touches = tuple((f"touch/{n}", touch.fact) for n, touch in touches if touch.as_ in NEEDED)
        self._coverage = {key: Level.REVIEW for key in bundle.rules.definitions if key.startswith(TOUCHED)}
        self._spoken = {floor.jurisdiction: floor.spoken for floor in bundle.rules.floors}
        self._left_alone: dict[str, list[str]] = {}
        for each in bundle.rules.not_reached:
            self._left_alone.setdefault(each.jurisdiction, []).append(each.key)
        self._lifting = sum(1 << n for n, rule in enumerate(rules) if rule.satisfies or rule.exempts or rule.excuses)
        # The duties that may become overdue, each with the rules through which it is owed.
        owed = _owed_through(bundle.rules)
        timed = (duty for duty in bundle.duties.values() if duty.due is not None and duty.overdue not in PERMITTING)
        self._timed = tuple((duty, owed.get(duty.key, 0)) for duty in timed)

    def find(self, judgement: Judgement, look: Look, propose: Propose | None, exact: bool = False) -> tuple[Statement, ...]:
        """
        The statements on which a permit rests, those first that a reader wants proven.

        With `propose`, the proposal is completed until it is enough; without it, the exchange is evaluated again without each statement.
        With `exact`, a statement is named only if it matters by itself, or is behind a standing lift.
        """
        exchange, own = judgement.exchange, judgement.outcome.bounds.high
        signed = frozenset(each.provision for each in judgement.signed)
        search = _Search(exchange, lambda changed: look(changed, signed))
        if propose:
            found = self._proposed(judgement, search, propose)
            search.complete(found, own)
        if exact or not propose:
            lifting = frozenset(self._behind_lifts(judgement))
            alone = {name: search.without(name) for name in (found if propose else search.statements)}
            found = {name: stake for name, stake in alone.items() if stake not in PERMITTING or name in lifting}
            if not exact:
                search.complete(found, own)
        possible = judgement.verdict.stands.possible
        if not exact and RELIES_ON in search.statements and any(rules & possible for _, rules in self._timed):
            found.setdefault(RELIES_ON, own)  # another way may have duties that are overdue, and no evaluation here tries it
        named = [(name, exchange.source(name) or STATED, stake) for name, stake in found.items()]
        for provision in dict.fromkeys(part.provision for part in judgement.signed_off):
            named.append((provision, SIGNED, _stake(look(exchange, signed - {provision}))))
        for each in judgement.outcome.coverage.accepted:
            named.append((f"{each.acceptance.organisation}/{each.acceptance.id}", ACCEPTED, Level.REVIEW))
        lifted_by = self._weights.lifting(judgement)
        statements = (
            Statement(name, source, stake, self._weights.of(name, source, exchange, lifted_by))
            for name, source, stake in dict.fromkeys(named)
        )
        return tuple(sorted(statements, key=lambda each: (each.weight, RANK[each.without], each.fact)))

    def _proposed(self, judgement: Judgement, search: _Search, propose: Propose) -> dict[str, Level]:
        """The statements behind the values that the engine proposes, and behind those that it does not know of."""
        exchange, verdict = judgement.exchange, judgement.verdict
        values = propose(
            exchange,
            judgement.as_of,
            verdict,
            false=self._coverage,
            true=dict(self._true(judgement)),
            done=dict(self._done(verdict)),
        )
        found: dict[str, Level] = {}
        for value, stake in (*values.items(), *self._reached(exchange, values), *self._beside(judgement)):
            for name in exchange.follows.get(value, (value,)):
                if name in search.statements:
                    found[name] = worst(found.get(name, stake), stake)
        if RELIES_ON in search.statements and (stake := search.without(RELIES_ON)) not in PERMITTING:
            found[RELIES_ON] = stake
        own = judgement.outcome.bounds.high
        return {name: own if stake in PERMITTING else stake for name, stake in found.items()}

    def _reached(self, exchange: Exchange, values: Mapping[str, Level]) -> Iterator[tuple[str, Level]]:
        """The values that have to lie within what the documents among some values state."""
        for name, stake in values.items():
            for fact in _measured(self._rules, exchange, name):
                yield from ((key, stake) for key in _members(self._rules, exchange, fact))

    def _true(self, judgement: Judgement) -> Iterator[tuple[str, Level]]:
        """The definitions that have to stay true: that a law speaks, or leaves the data alone; the conditions that came with the data."""
        defined, outcome = judgement.verdict.defined, judgement.outcome
        for place in outcome.jurisdictions:
            for law in self._spoken.get(place, ()):
                if not law.subject or defined[law.subject] is not Truth.NO:
                    says = (key for key in law.by if defined[key] is Truth.YES)
                    yield from ((key, Level.NOT_APPLICABLE) for key in islice(says, 1))
        for place in outcome.coverage.jurisdictions:
            yield from ((key, Level.REVIEW) for key in self._left_alone.get(place, ()) if defined[key] is Truth.YES)
        for each in judgement.carried:
            if each.rule.travels and each.rule.travels.when:
                yield each.rule.travels.when, each.rule.travels.otherwise

    def _done(self, verdict: Verdict) -> Iterator[tuple[str, Level]]:
        """The duties that have to stay done: those that would be owed, and may be late."""
        for duty, rules in self._timed:
            if duty.done_when is not None and rules & verdict.stands.possible and duty.key not in verdict.owed:
                yield duty.key, duty.overdue

    def _beside(self, judgement: Judgement) -> Iterator[tuple[str, Level]]:
        """The values that are read beside the rules: countries, for coverage, and the first days of duties that are owed."""
        exchange, verdict = judgement.exchange, judgement.verdict
        for key, fact in self._touches:
            if verdict.defined[key] is not Truth.NO and fact in exchange.values:
                yield fact, Level.REVIEW
        for duty, _ in self._timed:
            if duty.key in verdict.owed:
                for due in anchors(duty.due):
                    yield from ((key, duty.overdue) for key in key_of_value(exchange, due.after))

    def _behind_lifts(self, judgement: Judgement) -> Iterator[str]:
        """The statements behind every rule that lifts for certain, though another lift would do."""
        exchange, rules = judgement.exchange, self._rules
        for number in numbers(judgement.verdict.stands.certain & self._lifting):
            for atom in bearing(rules.rules[number].condition, rules.definitions, judgement.reading):
                document = atom.fact if atom.op == "counts" else atom.fact.removesuffix(".covers")
                for fact in (atom.fact, atom.other, *_measured(rules, exchange, document)):
                    for key in _members(rules, exchange, fact):
                        yield from exchange.follows.get(key, (key,))


class _Search:
    """Evaluates one exchange without some of its statements."""

    def __init__(self, exchange: Exchange, look: Callable[[Exchange], Outcome]) -> None:
        self._exchange = exchange
        self._look = look
        self.statements = statements(exchange)

    def without(self, *names: str) -> Level:
        """The worst that may come without these statements."""
        return _stake(self._look(unknowing(self._exchange, names)))

    def spares(self, names: Sequence[str]) -> bool:
        """Whether the exchange is permitted without these statements, whichever of them are missing."""
        known = [name for name in names if name != RELIES_ON]
        return self.without(*names) in PERMITTING and (len(known) in (0, len(names)) or self.without(*known) in PERMITTING)

    def complete(self, found: dict[str, Level], own: Level) -> None:
        """Add statements until the exchange is permitted without all others; one that is added matters only together with others."""
        left = sorted(name for name in self.statements if name not in found)
        evaluations = 0
        while left and not self.spares(left):
            # The shortest beginning of the list that the permit can't do without ends with a statement that it needs.
            enough, too_many = 0, len(left)
            while too_many - enough > 1:
                middle = (enough + too_many) // 2
                evaluations += 1
                enough, too_many = (middle, too_many) if self.spares(left[:middle]) else (enough, middle)
            needed = left if evaluations > MAX_EVALUATIONS else [left[enough]]
            found |= dict.fromkeys(needed, own)
            left = [name for name in left if name not in found]


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
    gone = frozenset(names)
    values = dict(exchange.values)
    for key in gone:
        if key in values:
            values[key] = Missing.UNKNOWN
    for key, sources in exchange.follows.items():
        if key in values and not gone.isdisjoint(sources):
            values[key] = Missing.UNKNOWN
    return replace(exchange, values=values, relies_on=() if RELIES_ON in gone else exchange.relies_on)


def _stake(outcome: Outcome) -> Level:
    """The worst that an outcome may come to. Below a permit there is no law that speaks."""
    bounds = outcome.bounds
    return Level.NOT_APPLICABLE if bounds.high in PERMITTING and bounds.low not in PERMITTING else bounds.high


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
