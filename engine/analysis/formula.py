"""
The formula of a bundle: its program and what its exchanges may say go in, and literals come out that a solver can be asked about.

It is the program that the lanes run, written as clauses, with the meaning of what the program is given (`exchange_literals`) and what the
door refuses. Two bundles may share what exchanges say; then they are two formulas over one set of gates.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.analysis.exchange_literals import ExchangeLiterals, RuleVersion
from engine.analysis.gates import TRUE, Gates
from engine.analysis.touched_countries import TouchedCountries, TouchedFact
from engine.analysis.word_choices import ManyWords
from engine.backends.lanes.fact_tests import Late, Undated
from engine.backends.lanes.lane_program import LaneProgram, lower
from engine.backends.lanes.slots import Pair
from engine.backends.lanes.standing_slots import States
from engine.backends.lanes.thresholds import NOTHING, place
from engine.books.benefit_filling import OF_A_PAGE
from engine.bundle import Bundle
from engine.policy_language.vocabulary import Vocabulary
from engine.rules import All, AnyOf, Atom, Condition, Defined, Not
from engine.values import SetOf
from engine.values.outcome_levels import Level


@dataclass(frozen=True)
class FormulaDraft:
    """A bundle with its program, before its exchanges have literals."""

    bundle: Bundle
    program: LaneProgram
    version: RuleVersion
    public: bool

    @classmethod
    def of(cls, bundle: Bundle, public: bool = False, more: Vocabulary | None = None) -> FormulaDraft:
        """
        The program of a bundle; with `public`, as it reads where the recipient is the public.

        Of `more` words that an organisation adds to those of the bundle, it reads each as what that lies under, and no other.
        """
        read = bundle.of_everyone() if public else bundle
        program = lower(read.rules, read.vocabulary, read.coherence.never, read.settings)
        return cls(read, program, RuleVersion(read.rules, read.vocabulary, tuple(program.tests), more), public)


class Formula:
    """
    One bundle in literals. Every literal that it gives may be assumed in a question, or its negative.

    `accepted` holds where the door accepts the exchange; `plain` where it says nothing that a sender does not say by himself.
    """

    def __init__(self, gates: Gates, exchange: ExchangeLiterals, draft: FormulaDraft) -> None:
        self.gates = gates
        self.exchange = exchange
        self.bundle = draft.bundle
        self.program = draft.program
        self.version = draft.version
        self.public = draft.public
        self.literals: dict[int, int] = {}
        self._names = {slot: name for name, slot in self.program.inputs.items()}
        self._numbers = {rule.key: number for number, rule in enumerate(self.bundle.rules.rules)}
        self._countries = self._touched()
        self.accepted = self._accepted()
        self.plain = self._plain()

    @classmethod
    def of(cls, bundle: Bundle, public: bool = False) -> Formula:
        """The formula of one bundle by itself."""
        (formula,) = formulas([FormulaDraft.of(bundle, public)])
        return formula

    # What may be asked

    def holds(self, rule: str) -> Pair:
        """Whether the condition of a rule holds, by the rule's key."""
        return self._pair(self.program.verdict.holds[self._numbers[rule]])

    def stands(self, rule: str) -> Pair:
        """3.3: whether a rule stands."""
        return self._pair(self.program.verdict.stands[self._numbers[rule]])

    def exempted(self, rule: str) -> int:
        """Whether a rule certainly holds and certainly does not stand."""
        return self.gates.both((self.holds(rule).must, -self.stands(rule).may))

    def states(self, requirement: str) -> States:
        """3.4: whether a requirement may be unmet, doubtful, met; and whether it certainly is met."""
        return States(*self.read(self.program.verdict.requirements[requirement]))

    def owed(self, duty: str) -> Pair:
        """3.5: whether a duty is owed."""
        return self._pair(self.program.verdict.owed[duty])

    def condition(self, condition: Condition) -> Pair:
        """2.1: how a condition reads."""
        gates = self.gates
        match condition:
            case Atom(op="open"):
                return Pair(-TRUE, TRUE)
            case Atom():
                return Pair(*self.exchange.test(condition, self.version))
            case Defined(key=key):
                return self._pair(self.program.verdict.defined[key])
            case Not(part=part):
                must, may = self.condition(part)
                return Pair(-may, -must)
            case All(parts=parts):
                each = [self.condition(part) for part in parts]
                return Pair(gates.both(e.must for e in each), gates.both(e.may for e in each))
            case AnyOf(parts=parts):
                each = [self.condition(part) for part in parts]
                return Pair(gates.either(e.must for e in each), gates.either(e.may for e in each))

    def level(self, level: Level, jurisdiction: str | None = None) -> Pair:
        """4.1 to 4.4: whether the outcome is at least a level above `not_applicable`: over all, or of one jurisdiction."""
        whole = self.program.whole
        ends = whole.overall if jurisdiction is None else whole.jurisdictions.get(jurisdiction, NOTHING)
        must, may = self.read((ends.low[place(level)], ends.high[place(level)]))
        by = self._countries.uncovered.get(jurisdiction or "")
        if by is not None:  # a country that none covers is a place of its own, even beside a jurisdiction of its name
            permits, reviews = level <= Level.PERMITTED, level <= Level.REVIEW
            must = self.gates.either((must, by.permit_low if permits else -TRUE, by.review_low if reviews else -TRUE))
            may = self.gates.either((may, by.permit_high if permits else -TRUE, by.review_high if reviews else -TRUE))
        return Pair(must, may)

    @property
    def permits(self) -> int:
        """Whether the exchange is permitted, whatever is not known."""
        return self.gates.both((self.level(Level.PERMITTED).must, -self.level(Level.REVIEW).may))

    @property
    def may_permit(self) -> int:
        """Whether a permit lies within the bounds."""
        return self.gates.both((self.level(Level.PERMITTED).may, -self.level(Level.REVIEW).must))

    def read(self, slots: Iterable[int]) -> list[int]:
        """The literals of some slots of the program."""
        slots = list(slots)
        missing = [slot for slot in slots if slot not in self.literals]
        if missing:
            self.literals = self.gates.of_code(self.program.code, missing, self._given, self.literals)
        return [self.literals[slot] for slot in slots]

    def _pair(self, pair: Pair) -> Pair:
        return Pair(*self.read(pair))

    # What the program is given

    def _given(self, slot: int) -> int:
        match self._names[slot]:
            case ("must" | "may" as end, (Atom() | Late() | Undated()) as test):
                pair = self.exchange.test(test, self.version)
                return pair.must if end == "must" else pair.may
            case ("day", Atom() as test):
                return self.exchange.test(test, self.version).must
            case ("must" | "may" as end, ("unknown", str(role))):
                pair = self._countries.unknown(role)
                return pair.must if end == "must" else pair.may
            case ("relies", str(way)):
                return self.exchange.beside("relies_on", way)
            case ("carried", str(provision)):
                return self.exchange.beside("carried", provision)
            case ("raised", str(name), 0, str(field)):
                return self._countries.raised.get((name, field), -TRUE)
            case ("nowhere",):
                return self._countries.nowhere()
            case ("touched", str(name)):
                return self._countries.touched.get(name, -TRUE)
            case ("signed" | "signed for", *_):
                return -TRUE
        raise KeyError(self._names[slot])

    def _touched(self) -> TouchedCountries:
        vocabulary, exchange = self.bundle.vocabulary, self.exchange
        self.literals = self.gates.of_code(
            self.program.code,
            [*TouchedCountries.frontier(self.program), *(s for p in self.program.touching for s in p)],
            self._given,
            {},
        )
        touches: list[TouchedFact] = []
        classes: Sequence[Sequence[object]] = ()
        for touch, counts in zip(vocabulary.touches, self.program.touching, strict=True):
            if self.public and touch.fact.startswith(f"{vocabulary.recipient}."):
                continue  # of the public no country is named, and none is unknown
            type = vocabulary.facts[touch.fact].type
            fact = exchange.words_of(touch.fact, type)
            classes = fact.words
            touches.append(TouchedFact(touch.as_, fact, self._pair(counts)))
        return TouchedCountries(self.gates, exchange.day, self.program, vocabulary, touches, classes, self.literals)

    # The door

    def _accepted(self) -> int:
        """1.5 to 1.7: whether the door accepts the exchange, as far as it is encoded."""
        gates, exchange, vocabulary = self.gates, self.exchange, self.version.more or self.bundle.vocabulary
        found = [-each for each in self.read(self.program.whole.incoherent.values())]
        for fact in vocabulary.placed:
            places, countries = fact.type.values, vocabulary.facts[fact.lies_in].type
            assert places
            country = exchange.words_of(fact.lies_in, countries)
            for words, has in zip(exchange.words_of(fact.name, fact.type).words, exchange.words[fact.name].has, strict=True):
                there = [h for w, h in zip(country.words, country.has, strict=True) if places.may_lie(str(words[0]), str(w[0]))]
                found.append(gates.either((-has, country.unknown, *there)))
        for name, words_ in exchange.words.items():
            known = vocabulary.facts.get(name)
            if known is None:
                found.append(-words_.stated)
                continue
            values = known.type.values
            if values is not None:
                found += [-h for w, h in zip(words_.words, words_.has, strict=True) if str(w[0]) not in values.lineage]
            if isinstance(words_, ManyWords):
                if known.some:
                    found.append(gates.either((-words_.stated, words_.open, *words_.has)))
                for alone in filter(None, (values.nothing, values.everything) if values else ()):
                    mine = [h for w, h in zip(words_.words, words_.has, strict=True) if w[0] == alone]
                    rest = [h for w, h in zip(words_.words, words_.has, strict=True) if w[0] != alone]
                    found += [gates.either((-each, gates.both(-other for other in rest))) for each in mine]
            if self.public and name.startswith(f"{vocabulary.recipient}."):
                found.append(-words_.stated)
        numbers = {(name, number.stated) for (name, _), number in exchange.numbers.items()}
        dates = {(name, fact.known) for name, fact in exchange.dates.items()}
        others = {(name, stated) for name, stated in exchange.others.items()}
        for name, stated in sorted(numbers | dates | others):
            if vocabulary.type_of(name) is None:  # neither a fact nor a total nor a field of a document
                found.append(-stated)
        kinds_known = {f"{group}.{kind}" for group, kinds in vocabulary.kinds.items() for kind in kinds}
        for name, document in exchange.documents.items():
            if name not in kinds_known:
                found += [-document.shown, -document.unknown]
        if self.version.more is not None:
            return gates.both(found)  # it takes no notice of ways that are added
        rules = self.bundle.rules.rules
        ways = {rule.key for rule in rules if rule.effect == "satisfies"} | self.bundle.rules.requirements.keys()
        travelling = {rule.provision.id for rule in rules if rule.travels}
        for (of, name), literal in exchange.named.items():
            if name not in (ways if of == "relies_on" else travelling):
                found.append(-literal)
        return gates.both(found)

    def _plain(self) -> int:
        """
        Whether a sender can say all that the exchange says, and nothing came with the data.

        What a register or a book alone states is left out, or what it is of an exchange of which neither has anything.
        """
        exchange, reader = self.exchange, self.bundle.reader
        given: dict[str, object] = dict(reader.own_counts.without_ledger)
        for book in reader.books:
            given |= book.fill(None, {}).values
        found = []
        follows = reader.benefits.book.fills if reader.benefits else ()  # without a page they follow from what is stated
        for fact in self.bundle.vocabulary.facts.values():
            if fact.name in given and fact.name in exchange.words and not fact.register_only:
                found.append(exchange.words[fact.name].stated)  # where nobody states it, it has the value that is given
            elif fact.register_only and fact.name in exchange.words:
                words = exchange.words[fact.name]
                if fact.name in follows:
                    found += [-has for each, has in zip(words.words, words.has, strict=True) if each[0] in OF_A_PAGE]
                elif fact.name in given:
                    value = given[fact.name]
                    found += [words.stated, -words.open]
                    for each, has in zip(words.words, words.has, strict=True):
                        inside = value.members if isinstance(value, SetOf) else {value}
                        found.append(has if each[0] in inside else -has)
                else:
                    found.append(-words.stated)
        found += [-literal for (of, _), literal in exchange.named.items() if of == "carried"]
        return self.gates.both(found)


def formulas(drafts: Sequence[FormulaDraft]) -> list[Formula]:
    """The formulas of bundles over the same exchanges, each with its own reading of them."""
    gates = Gates()
    exchange = ExchangeLiterals(gates, [draft.version for draft in drafts])
    for draft in drafts:  # what one of them refuses may be known to another only
        exchange.know(draft.version)
        for name in draft.program.inputs:
            if isinstance(name, tuple) and name[0] in ("relies", "carried"):
                exchange.beside("relies_on" if name[0] == "relies" else "carried", name[1])
    for draft in drafts:
        for fact in draft.bundle.vocabulary.facts.values():
            if any(fact.name not in other.bundle.vocabulary.facts for other in drafts):
                exchange.stated(fact)
    found = [Formula(gates, exchange, draft) for draft in drafts]
    exchange.finish()
    return found
