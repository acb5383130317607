"""
What an exchange may say, as literals: the tests of checked rules go in, and the literals of their answers come out.

One `ExchangeLiterals` serves all versions of a bundle that are compared: a fact has the same literals in each, and what a test reads of it
is read by the version's own registers, values and calendars. The answers of a test are two: whether it certainly holds, and whether it
may. What is not encoded is a pair of its own, of which only that is said; README.md has the table.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from engine.analysis.dated_facts import DatedFact, LawDay
from engine.analysis.document_parts import DATES, DocumentLiterals
from engine.analysis.gates import TRUE, Gates
from engine.analysis.number_lines import AnyNumber, NumberRange, TotalRange, never_below
from engine.analysis.word_choices import ORDER, DerivedWord, ManyWords, OneWord, Targets, WordClasses, Words, against, compared
from engine.backends.lanes.fact_tests import COVERS, Late, Test, Undated
from engine.backends.lanes.slots import Pair
from engine.policy_language.vocabulary import DOCUMENT_GROUPS, Fact, Vocabulary, stated_in
from engine.rules import AS_OF, Atom, OnDate, OnDay, Period, RuleSet, Truth
from engine.values import AMOUNTS, Amount, Duration, Type, ValueSet

YES_NO = ((True,), (False,))
NEVER_PAIR, OPEN = Pair(-TRUE, -TRUE), Pair(-TRUE, TRUE)


@dataclass(frozen=True, eq=False)
class RuleVersion:
    """
    The checked rules and the words of one version, with the tests of its program.

    Of `more` words, which another version adds below those of this one, it reads each as what that lies under (`organisation:`).
    """

    rules: RuleSet
    vocabulary: Vocabulary
    tests: Iterable[Test]
    more: Vocabulary | None = None

    @property
    def wider(self) -> bool:
        """Whether another version tells more apart of what documents state."""
        return self.more is not None and any(self._differ(fact) for fact in self.vocabulary.measures.values())

    def _differ(self, fact: str) -> bool:
        one, two = (each.type_of(fact) for each in (self.vocabulary, self.more or self.vocabulary))
        values = [each.values for each in (one, two) if each and each.values]
        return len(values) == 2 and values[0].lineage != values[1].lineage

    def values(self, type: Type) -> ValueSet | None:
        """The values of a type, with those that are added."""
        if self.more is None or type.values is None:
            return type.values
        return self.more.values.get(type.values.name, type.values)


class ExchangeLiterals:
    """The literals of the facts, the documents and the day. `complete` is one that holds where every fact is known."""

    def __init__(self, gates: Gates, versions: Iterable[RuleVersion]) -> None:
        versions = tuple(versions)
        self.gates = gates
        self.complete = gates.variable("complete")
        self.day = LawDay(gates)
        self.classes = WordClasses((each.rules, each.vocabulary, each.tests) for each in versions)
        self.words: dict[str, OneWord | ManyWords] = {}
        self.numbers: dict[tuple[str, str], NumberRange] = {}  # by fact and unit
        self.dates: dict[str, DatedFact] = {}
        self.documents: dict[str, DocumentLiterals] = {}
        self.others: dict[str, int] = {}  # facts of which no test is encoded: whether they are stated
        self.free: dict[object, Pair] = {}
        self.named: dict[tuple[str, str], int] = {}
        self.totals: dict[str, TotalRange] = {}
        self._followers: dict[tuple[object, ...], DerivedWord] = {}
        self.compared: list[tuple[Pair, str, NumberRange, NumberRange]] = []
        self._versions = versions
        self._finished = 0

    def know(self, version: RuleVersion) -> None:
        """Make the literals of all that the tests of a version read, and of the documents that it knows."""
        for test in version.tests:
            self.test(test, version)
        for group, kinds in version.vocabulary.kinds.items():
            for kind in kinds:
                name = f"{group}.{kind}"
                self.document(name).covering(version.rules.measures.get(name, ()))

    # The facts

    def stated(self, fact: Fact) -> int:
        """Whether an exchange states a fact with a value that is known at least in part."""
        type = fact.type
        if type.kind == "yes/no" or type.kind == "value":
            return self.words_of(fact.name, type).stated
        if type.kind in ("count", "ratio"):
            return self.number(fact.name, type.kind).stated
        if type.kind == "date":
            return self.date_of(fact.name).known
        if fact.name not in self.others:
            self.others[fact.name] = self.gates.variable((fact.name, "stated"), seldom=True)
        return self.others[fact.name]

    def words_of(self, name: str, type: Type) -> OneWord | ManyWords:
        """The literals of a fact of a closed set, or of yes and no."""
        found = self.words.get(name)
        if found is None:
            classes = self.classes.words[type.values.name] if type.values else YES_NO
            found = (ManyWords if type.many else OneWord)(self.gates, name, classes, self.complete)
            if type.values is not None:
                found.vague(self.gates, type.values, self.complete)
            self.words[name] = found
        return found

    def _read(self, name: str, type: Type, version: RuleVersion) -> Words:
        """The same, or what follows from a set (2.1)."""
        fact = version.vocabulary.facts.get(name)
        if fact is None or fact.follows is None:
            return self.words_of(name, type)
        of = version.vocabulary.facts[fact.follows.fact]
        has, values = self.words_of(of.name, of.type), version.values(of.type)
        assert values
        key = name, fact.follows, id(values)
        if key not in self._followers:
            either, wanted = self.gates.either, fact.follows.value
            certain = either(h for w, h in zip(has.words, has.has, strict=True) if wanted in values.ancestors(str(w[0])))
            vague = [h for w, h in zip(has.words, has.has, strict=True) if str(w[0]) in values.ancestors(wanted)]
            may = either((certain, has.open, *vague))
            yes = Pair(certain, may) if fact.follows.reads else Pair(-may, -certain)
            self._followers[key] = DerivedWord(self.gates, yes)
        return self._followers[key]

    def number(self, name: str, kind: str, unit: str = "") -> NumberRange:
        """The literals of a number; of an amount, of it in one unit."""
        key = name, unit
        if key not in self.numbers:
            name = f"{name} {unit}".strip()
            self.numbers[key] = NumberRange(self.gates, name, self.complete, kind == "count", kind not in AMOUNTS)
        return self.numbers[key]

    def date_of(self, name: str) -> DatedFact:
        """The literals of a date of the exchange."""
        if name not in self.dates:
            self.dates[name] = DatedFact(self.gates, name, self.day)
            self.gates.say(-self.complete, self.dates[name].known)
        return self.dates[name]

    def document(self, name: str) -> DocumentLiterals:
        """The literals of a document or claim, by `evidence.KIND` or `claims.KIND`."""
        if name not in self.documents:
            self.documents[name] = DocumentLiterals(self.gates, name, self.day, self.complete)
        return self.documents[name]

    def finish_new(self) -> None:
        """Say how the thresholds hang together, if there are new literals of facts since that was said."""
        if self._finished != len(self.gates.inputs):
            self.finish()
            self._finished = len(self.gates.inputs)

    def beside(self, of: str, name: str) -> int:
        """Whether an exchange names a way that it relies on (`relies_on`), or a provision that came with the data (`carried`)."""
        key = of, name
        if key not in self.named:
            self.named[key] = self.gates.variable(key, seldom=True)
        return self.named[key]

    def named_by(self, literal: int) -> Iterable[str]:
        """The facts, documents and ways of which a literal says something."""
        return _names(self.gates.inputs.get(abs(literal)))

    # The tests

    def test(self, test: Test, version: RuleVersion) -> Pair:
        """How a test reads under a version."""
        match test:
            case Late(due=OnDate(day=day)):
                late = self.day.after(day)
                return Pair(late, late)
            case Late(due=due):
                return self._late(due, version)
            case Undated(atom=atom):
                return self._undated(atom, version)
        return self._atom(test, version)

    def _free(self, *key: object) -> Pair:
        """A pair of which nothing is said but that what must be may be, and that on a complete exchange what may be must be."""
        if key not in self.free:
            must, may = (self.gates.variable((*key, end)) for end in ("must", "may"))
            self.gates.follows(must, may)
            self.free[key] = Pair(must, may)
        return self.free[key]

    def _settled(self, *key: object) -> Pair:
        """The same, of what no exchange leaves open that states every fact."""
        must, may = self._free(*key)
        self.gates.say(-self.complete, must, -may)
        return Pair(must, may)

    def _atom(self, atom: Atom, version: RuleVersion) -> Pair:
        if atom.fact == AS_OF:
            return self._of_the_day(atom, version)
        if atom.fact.partition(".")[0] in DOCUMENT_GROUPS:
            return self._of_document(atom, version)
        if atom.type.kind in ("yes/no", "value"):
            return self._of_words(atom, version)
        if atom.type.kind in ("count", "ratio", *AMOUNTS) and not atom.type.many and atom.op in ORDER:
            return self._of_number(atom, version)
        if atom.type.kind == "date" and not atom.type.many and not atom.other and not atom.register:
            fact = self.date_of(atom.fact)
            reads = self._of_date(atom, fact, version)
            if reads is not None:
                return Pair(self.gates.both((fact.known, reads)), self.gates.either((-fact.known, reads)))
        return self._settled(atom, self._means(atom, version))

    def _means(self, atom: Atom, version: RuleVersion) -> object:
        """What a test reads beside the exchange: only under an equal calendar, register, family and set of values is it the same."""
        rules, values = version.rules, version.values(atom.type)
        lengths = (each for each in atom.operands if isinstance(each, Duration) and each.working_days)
        return (
            atom.type.name,
            tuple((each.calendar, repr(rules.calendars.get(each.calendar))) for each in lengths),
            repr(sorted(rules.registers[atom.register].items())) if atom.register else "",
            tuple(rules.families.get(name) for name in (atom.fact, atom.other)),
            hash((frozenset(values.lineage.items()), values.exact)) if values else 0,
        )

    def _of_the_day(self, atom: Atom, version: RuleVersion) -> Pair:
        day = atom.operands[0] if atom.operands else None
        if atom.op not in ORDER or not isinstance(day, date) or atom.other:
            return self._free(atom, self._means(atom, version))
        found = {
            "at_least": lambda: self.day.from_(day),
            "less_than": lambda: -self.day.from_(day),
            "more_than": lambda: self.day.after(day),
            "at_most": lambda: -self.day.after(day),
        }[atom.op]()
        return Pair(found, found)

    def _of_words(self, atom: Atom, version: RuleVersion) -> Pair:
        fact, values = self._read(atom.fact, atom.type, version), version.values(atom.type)
        if atom.other:
            type = version.vocabulary.type_of(atom.other)
            assert type
            if type.many != atom.type.many or version.values(type) is not values:
                return self._settled(atom, self._means(atom, version))
            other = self._read(atom.other, type, version)

            def alike(number: int) -> int:
                return self._same(atom.fact, atom.op, atom.other, number)

            found = against(self.gates, fact, atom.op, other, values, alike)
            return self._settled(atom, self._means(atom, version)) if found is None else found
        return compared(self.gates, fact, atom.op, values, self._targets(atom, version))

    def _same(self, one: str, op: str, other: str, number: int) -> int:
        key = ("same", one, op, other, number)
        if key not in self.free:
            same = self.gates.variable(key)
            self.free[key] = Pair(same, same)
        return self.free[key].must

    def _targets(self, atom: Atom, version: RuleVersion) -> Targets:
        if not atom.register:
            return dict.fromkeys(atom.operands, TRUE)
        entries = version.rules.registers[atom.register]
        return {value: self.gates.either(map(self.day.within, windows)) for value, windows in entries.items()}

    def _of_number(self, atom: Atom, version: RuleVersion) -> Pair:
        if atom.other:
            pair = self._free(atom, self._means(atom, version))
            if atom.type.kind not in AMOUNTS:
                one, two = (self._range(each, atom.type.kind, version) for each in (atom.fact, atom.other))
                self.compared.append((pair, atom.op, one, two))
            return pair
        operand = atom.operands[0]
        if isinstance(operand, Amount):
            return Pair(*self.number(atom.fact, atom.type.kind, operand.unit).compare(atom.op, operand.amount))
        assert isinstance(operand, Decimal)
        return Pair(*self._range(atom.fact, atom.type.kind, version).compare(atom.op, operand))

    def _range(self, name: str, kind: str, version: RuleVersion) -> NumberRange:
        """A number, or the total of a family; its members' types are the same in all versions, or the family is another one."""
        if name not in version.rules.families:
            return self.number(name, kind)
        how, members = version.rules.families[name]
        key = f"{name}={how}({','.join(members)})"
        if key not in self.totals:
            total = AnyNumber(self.gates, key, self.complete, kind == "count")
            self.totals[key] = TotalRange(total, [self.number(each, kind) for each in members], how == "distinct")
        return self.totals[key].total

    def _of_date(self, atom: Atom, fact: DatedFact, version: RuleVersion) -> int | None:
        """The literal of a test of a date that is known and not later than the day; None where it is not encoded."""
        if not atom.operands or atom.other or atom.register:
            return None
        operand = atom.operands[0]
        if operand == AS_OF:
            return {
                "at_most": -fact.later,
                "more_than": fact.later,
                "at_least": self.gates.either((fact.later, fact.today)),
                "less_than": self.gates.both((-fact.later, -fact.today)),
            }.get(atom.op)
        if isinstance(operand, date):
            day = date.fromordinal(operand.toordinal() + (atom.op in ("more_than", "at_most")))
            return (
                {"at_least": 1, "more_than": 1, "at_most": -1, "less_than": -1}[atom.op] * fact.from_(day)
                if atom.op in ORDER
                else None
            )
        if atom.op in ("within", "older_than") and _whole(operand):
            assert isinstance(operand, Duration)
            over = fact.has_run(operand, late=False)
            return over if atom.op == "older_than" else self.gates.both((-over, -fact.later))
        return None

    def _of_document(self, atom: Atom, version: RuleVersion) -> Pair:
        open_ = atom.not_shown is Truth.UNKNOWN
        if atom.op == "counts":
            return self.document(atom.fact).counts(open_, version.rules.measures.get(atom.fact, ()), version.wider)
        name, _, field = atom.fact.rpartition(".")
        if field == "covers" and atom.op == "is" and atom.type.kind == "yes/no" and len(atom.operands) == 1 and not atom.other:
            measures = version.rules.measures.get(name, ())
            return self.document(name).covers_all(open_, measures, atom.operands[0] is True, version.wider)
        if field in DATES:
            reads = self._of_date(atom, self.document(name).date_of(field), version)
            if reads is not None:
                return self.document(name).of_date(field, reads, open_)
        if field == "expires" and not atom.other and atom.operands and atom.op in ORDER:
            document, operand = self.document(name), atom.operands[0]
            if isinstance(operand, date):
                day = date.fromordinal(operand.toordinal() + (atom.op in ("more_than", "at_most")))
                reads = document.last_from(day) * (1 if atom.op in ("at_least", "more_than") else -1)
                return document.of_expiry(reads, open_)
            if operand == AS_OF and atom.op in ("at_least", "less_than"):
                return document.of_expiry(-document.ended if atom.op == "at_least" else document.ended, open_)
        return self._free(atom, self._means(atom, version), atom.not_shown)

    def _undated(self, atom: Atom, version: RuleVersion) -> Pair:
        """1.5: a test of what cannot be true together, which reads no day; encoded where no date is read."""
        if atom.fact.endswith(COVERS) and not atom.other:
            return self._of_document(atom, version)
        return self._free("undated", atom, self._means(atom, version), atom.not_shown)

    def _late(self, due: Period | OnDay | OnDate, version: RuleVersion) -> Pair:
        """3.6: whether a last day has passed."""
        assert not isinstance(due, OnDate)
        if due.after == AS_OF:
            return (
                NEVER_PAIR
                if isinstance(due, OnDay) or _whole(due.within)
                else self._free("late", due, self._calendar(due, version))
            )
        name, _, field = due.after.rpartition(".")
        of_document = due.after.partition(".")[0] in DOCUMENT_GROUPS
        if isinstance(due, OnDay) or not _whole(due.within) or (of_document and field not in DATES):
            return self._free("late", due, self._calendar(due, version))
        if of_document:
            document = self.document(name)
            return document.has_passed(field, document.date_of(field).has_run(due.within, late=True))
        fact = self.date_of(due.after)
        over = fact.has_run(due.within, late=True)
        return Pair(self.gates.both((fact.known, over)), self.gates.either((-fact.known, over)))

    def _calendar(self, due: Period | OnDay, version: RuleVersion) -> object:
        return repr(version.rules.calendars.get(due.within.calendar)) if isinstance(due, Period) else ""

    # What holds of every exchange

    def finish(self) -> None:
        """Say how the thresholds hang together; to be called when all tests were read, and again when more were."""
        for pair, op, one, two in self.compared:
            self._order(pair, op, one, two)
        moving = True
        while moving:
            moving = sum(each.link() for each in self.totals.values()) > 0
            for version in self._versions:
                for name, counter in version.vocabulary.facts.items():
                    if counter.counts and counter.type.kind == "count" and (name, "") in self.numbers:
                        own = version.vocabulary.families.get(counter.counts, (counter.counts,))
                        for each in own:
                            moving |= never_below(self.number(name, "count"), self.number(each, "count"))
        for document in self.documents.values():
            document.finish()
        for fact in self.dates.values():
            fact.finish()
        by_fact: dict[str, list[int]] = {}
        for (name, unit), number in self.numbers.items():
            number.finish()
            if unit:
                by_fact.setdefault(name, []).append(number.stated)
        for stated in by_fact.values():
            self.gates.at_most_one(stated)
        for total in self.totals.values():
            total.total.finish()
        self.day.line.finish()

    def _order(self, pair: Pair, op: str, one: NumberRange, two: NumberRange) -> None:
        """2.10: what the thresholds of two numbers say of a comparison."""
        say = self.gates.say
        for at in one.thresholds() | two.thresholds():
            above = self.gates.both((one.low.from_(at), -two.high.from_(at)))
            below = self.gates.both((two.low.from_(at), -one.high.from_(at)))
            more, less = (pair.must, -pair.may) if op in ("more_than", "at_least") else (-pair.may, pair.must)
            say(-above, more)
            say(-below, less)
            # What is certainly more, or as much, reaches whatever the other one may reach.
            say(-more, -two.high.from_(at), one.low.from_(at))
            say(-less, -one.high.from_(at), two.low.from_(at))
        say(-pair.must, one.stated)
        say(-pair.must, two.stated)


def _names(name: object) -> Iterable[str]:
    match name:
        case ("relies_on" | "carried", str(way)):
            yield way
        case (Atom() as atom, *_):
            yield from filter(None, (stated_in(atom.fact), stated_in(atom.other) if atom.other else ""))
        case ("same", str(one), _, str(other), _):
            yield from (one, other)
        case (str(fact), *_):
            for each in fact.partition("=")[2].partition("(")[2].rstrip(")").split(",") if "=" in fact else (fact,):
                yield stated_in(each.partition(" ")[0])
        case (tuple() as inner, *_):
            yield from _names(inner)


def _whole(length: object) -> bool:
    """Whether a length of time ends on one day."""
    return isinstance(length, Duration) and not length.working_days and not length.hours % 24
