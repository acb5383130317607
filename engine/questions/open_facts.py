"""
The facts that are still open and may move the outcome: those of open tests in open rules, and of coverage.

A question about any other fact would be idle. What the register disputes is never asked, since no answer settles it. Source: semantics
1.8, 2.3, 2.5, 4.5.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from engine.bundle import Bundle
from engine.deciding.coverage import REACHING
from engine.deciding.judgement import Judgement
from engine.deciding.search_pauses import paused
from engine.exchange import Exchange
from engine.policy_language.declared_coverage import REVIEWED
from engine.policy_language.vocabulary import stated_in
from engine.register_facts import IN_REGISTER
from engine.rules import AS_OF, Atom, Condition, Truth, anchors
from engine.values import Amount, AmountRange, Document, Duration, Missing, Range, SetOf, Value, spell
from engine.values.outcome_levels import Level
from engine.verdict import numbers

if TYPE_CHECKING:
    from engine.questions.next_questions import Questions


class WeighedDefinitions:
    """
    The definitions of coverage that may move an outcome, by their places in `keys`, as bits: of countries that are touched, of `subjects`,
    by place of law that may speak (`spoken`), and of what law leaves alone (`not_reached`).
    """

    def __init__(self, bundle: Bundle) -> None:
        rules, places = bundle.rules, dict[str, int]()

        def bit(key: str) -> int:
            return 1 << places.setdefault(key, len(places))

        self._touching = tuple((touch.as_, bit(f"touch/{n}")) for n, touch in enumerate(bundle.vocabulary.touches))
        self.subjects = {subject: bit(f"subject/{subject}") for subject in bundle.vocabulary.subjects}
        spoken: dict[str, list[str]] = {}
        for floor in rules.floors:
            for each in floor.spoken if floor.covered else ():
                spoken.setdefault(floor.jurisdiction, []).extend((each.subject, *each.by) if each.subject else ())
        self.spoken = {name: tuple(bit(key).bit_length() - 1 for key in keys) for name, keys in spoken.items()}
        self.not_reached: dict[str, int] = {}
        for left in rules.not_reached:
            self.not_reached[left.jurisdiction] = self.not_reached.get(left.jurisdiction, 0) | bit(left.key)
        self.keys = tuple(places)

    def of_roles(self, roles: Collection[str]) -> int:
        """The definitions of countries in some roles."""
        return sum(bit for role, bit in self._touching if role in roles)


class OpenFacts:
    """The open facts of one exchange. `wide` has by fact the values that were sent, and are too wide for an open test."""

    def __init__(self, questions: Questions, judgement: Judgement) -> None:
        self.questions = questions
        self.bundle = questions.bundle
        self.judgement = judgement
        self.exchange = judgement.exchange
        self.verdict = judgement.verdict
        self.reading = judgement.reading
        self.outcome = judgement.outcome
        self.bounds = judgement.asked_on
        self.book = questions.book.about(judgement.exchange, judgement.as_of, questions.tested(judgement.applies))
        self.wide: dict[str, dict[str, None]] = {}
        self.times: dict[int, int] = {}  # for how many laws a definition of coverage weighs, once `weighing` is known
        self._open_of: dict[int, tuple[str, ...]] = {}
        self.definitions = self.bundle.rules.definitions

    def candidates(self) -> tuple[list[str], list[str]]:
        """The facts of open tests in open rules; first those of `applies` and of coverage."""
        gates: dict[str, None] = {}
        others: dict[str, None] = {}
        for place in self.unread_in_order():
            gates |= dict.fromkeys(self.open(self.definitions[self.questions.weighed.keys[place]]))
        for number, touch in enumerate(self.bundle.vocabulary.touches):
            relevant = touch.as_ in self.located and self.verdict.defined[f"touch/{number}"] is not Truth.NO
            if relevant and is_open(self.exchange.value(touch.fact)):
                gates |= dict.fromkeys(self.exchange.asked_for(touch.fact))
        holds = self.verdict.holds
        for number in paused(numbers(holds.possible & ~holds.certain), 16):
            rule = self.verdict.rules[number]
            if self.questions.most(rule) <= self.bounds.low:
                continue  # the outcome is at least as high already
            applies = f"{rule.provision.policy}#applies"
            if self.verdict.defined[applies] is Truth.UNKNOWN:
                gates |= dict.fromkeys(self.open(self.definitions[applies]))
            others |= dict.fromkeys(self.open(rule.condition))
        for key, owed in self.verdict.owed.items():
            duty = self.bundle.duties[key]
            if owed is not Truth.NO and duty.done_when is not None and self.reading(duty.done_when) is Truth.UNKNOWN:
                others |= dict.fromkeys(self.open(duty.done_when))
            for start in (due.after for due in anchors(duty.due)) if self.verdict.overdue[key] is Truth.UNKNOWN else ():
                if start != AS_OF and isinstance(self.exchange.value(start), Missing):
                    others |= dict.fromkeys(self.undisputed(self.exchange.asked_for(start)))
        return list(gates), [fact for fact in others if fact not in gates]

    @cached_property
    def silence(self) -> bool:
        """Whether law that is silent can move the outcome: it raises it to a review, and never above."""
        return self.bounds.low < Level.REVIEW

    @cached_property
    def located(self) -> frozenset[str]:
        """The roles of countries that can move the outcome: those that are reviewed, and every role that a reach rests on."""
        if not self.silence:
            return frozenset()
        return REACHING if self.outcome.coverage.reaches else REVIEWED

    @cached_property
    def weighing(self) -> int:
        """
        The definitions of coverage that can move the outcome, as bits of their places in `Questions.weighed`: of countries and subject
        matters, and of law that may speak.
        """
        if not self.silence:
            return 0
        coverage, weighed = self.outcome.coverage, self.questions.weighed
        found = weighed.of_roles(self.located)
        for gap in coverage.gaps:
            if gap.reviewed and gap.subject:
                found |= weighed.subjects[gap.subject]
        reached = {reach.jurisdiction for reach in coverage.reaches}
        for place, bounds in self.outcome.jurisdictions.items():
            # Not known whether law speaks: of a jurisdiction that may permit, or whose reach is open.
            if bounds.low is not bounds.high or place in reached:
                for each in weighed.spoken.get(place, ()):
                    found |= 1 << each
                    self.times[each] = self.times.get(each, 0) + 1
        for place in reached:
            found |= weighed.not_reached.get(place, 0)
        return found

    @cached_property
    def unread(self) -> int:
        """Those of them that are open."""
        truths = self.verdict.defined.several(self.questions.weighed.keys) if self.weighing else ()
        return sum(1 << place for place in numbers(self.weighing) if truths[place] is Truth.UNKNOWN)

    def unread_in_order(self) -> list[int]:
        """
        The same by their places: first the countries that are touched, then the subject matters of gaps, then of each law that may speak
        what it speaks of.
        """
        weighed, unread = self.questions.weighed, self.unread
        found = dict.fromkeys(numbers(weighed.of_roles(self.located) & unread))
        for gap in self.outcome.coverage.gaps:
            if gap.reviewed and gap.subject:
                found |= dict.fromkeys(numbers(weighed.subjects[gap.subject] & unread))
        for name, places in weighed.spoken.items():
            if name in self.outcome.jurisdictions:
                found |= {place: None for place in places if unread >> place & 1}
        return list(found | dict.fromkeys(numbers(unread)))

    def open(self, condition: Condition) -> Iterator[str]:
        """The facts to ask for because they leave tests of a condition open; for a family's total, its members."""
        found = self._open_of
        for atom in self.questions.tests(condition):
            facts = found.get(id(atom))  # of one of the bundle's tests, which the bundle keeps alive
            if facts is None:
                facts = found[id(atom)] = tuple(self._open(atom))
            yield from facts

    def _open(self, atom: Atom) -> Iterator[str]:
        """The facts to ask for because they leave a test open; none where it is not."""
        if self.reading(atom) is not Truth.UNKNOWN:
            return
        for name in (atom.fact, atom.other):
            # Whether an id is in the register cannot be asked, but the id can.
            for fact in self.bundle.rules.families.get(name, ("", (name.removesuffix(IN_REGISTER),)))[1]:
                if choices(self.bundle, self.exchange, fact) == ():
                    continue  # a place, where the country has none, or is not known
                wide = () if self.personal(fact) else self.book.wide(fact, atom) or self.otherwise_measured(fact, atom)
                if wide:
                    self.wide.setdefault(fact, {}).update(dict.fromkeys(wide))
                if fact not in ("", AS_OF) and (wide or is_open(self.exchange.value(fact))):
                    yield from self.undisputed(self.exchange.asked_for(fact))
        if atom.op == "counts":
            yield from self.fields(atom.fact)
            yield from self.measured(atom.fact)
        elif atom.fact.endswith(".covers"):
            yield from self.measured(stated_in(atom.fact))

    def personal(self, fact: str) -> bool:
        """Whether the value of a fact is shown to nobody, in a question neither."""
        known = self.bundle.vocabulary.facts.get(fact)
        return known is not None and known.personal

    def otherwise_measured(self, fact: str, atom: Atom) -> tuple[str, ...]:
        """An amount or a length of time that was sent, and leaves a test open: it is in another currency or unit than the test."""
        value = self.exchange.value(fact)
        beside = self.exchange.value(atom.other if fact == atom.fact else atom.fact)
        if isinstance(value, Amount) and isinstance(beside, AmountRange) and beside.unit == value.unit:
            return ()  # what is open is the range beside it
        return (spell(value),) if isinstance(value, Amount | Duration) else ()

    def undisputed(self, facts: Iterable[str]) -> Iterator[str]:
        """Facts to ask for, without those that the register disputes: no answer can settle that (semantics 1.8)."""
        disputed = self.exchange.disputed
        return (fact for fact in facts if fact not in disputed)

    def fields(self, kind: str) -> Iterator[str]:
        """The fields that a document which is presented lacks to count, or not to count (semantics 2.3)."""
        document = self.exchange.value(kind)
        if isinstance(document, Document) and document.state == "shown":
            for name, left_out in (("dated", Missing.UNKNOWN), ("expires", None), ("covers", Missing.UNKNOWN)):
                if isinstance(document.fields.get(name, left_out), Missing):
                    yield f"{kind}.{name}"

    def measured(self, kind: str) -> Iterator[str]:
        """What leaves open whether the exchange lies within what a document states: of the document, and of the exchange (2.3)."""
        document = self.exchange.value(kind)
        if not isinstance(document, Document) or document.state != "shown":
            return
        for measure in self.bundle.rules.measures.get(kind, ()):
            told, limit = measure.told(self.exchange.values), document.fields.get(measure.name, Missing.LEFT_OUT)
            if measure.within(document.fields, told) is not Truth.UNKNOWN:
                continue
            if is_open(limit):
                yield f"{kind}.{measure.name}"
            type = self.bundle.vocabulary.type_of(measure.fact)
            for fact in measure.stated if limit is not Missing.LEFT_OUT else ():
                if type is not None and isinstance(limit, SetOf):
                    wide = self.book.wide(fact, Atom(fact, type, "only", tuple(sorted(limit.members))))
                    if wide and not self.personal(fact):
                        self.wide.setdefault(fact, {}).update(dict.fromkeys(wide))
                        yield from self.undisputed((fact,))
                if is_open(self.exchange.value(fact)):
                    yield from self.undisputed(self.exchange.asked_for(fact))


def is_open(value: Value) -> bool:
    """Whether a value leaves something to find out."""
    match value:
        case Range(low=low, high=high):
            return low != high
        case AmountRange():
            return True
        case SetOf(open=open_):
            return open_
    return isinstance(value, Missing)


def choices(bundle: Bundle, exchange: Exchange, fact: str) -> tuple[str, ...] | None:
    """
    The values to choose from, those of a place only where its country is known; None where the type is no value set.

    Of the public there is nothing to choose, whatever the type.
    """
    if exchange.is_of_everyone(fact):
        return ()
    vocabulary = bundle.vocabulary
    type, known = vocabulary.type_of(fact), vocabulary.facts.get(fact)
    if type is None or type.values is None:
        return None
    if known is None or not known.lies_in:
        return type.values.values
    country = exchange.value(known.lies_in)
    return type.values.of_country(country) if isinstance(country, str) else ()
