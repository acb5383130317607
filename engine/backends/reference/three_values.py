"""
Semantics 2: how each test, each condition and each definition reads on one exchange, on one day: yes, no or unknown.

Each function cites the numbers of the sentences that it implements.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, TypeAlias

from engine.exchange import Exchange
from engine.policy_language.calendars import is_worked
from engine.policy_language.vocabulary import DOCUMENT_GROUPS
from engine.rules import AS_OF, All, AnyOf, Atom, Condition, Defined, Not, RuleSet, Truth, tests
from engine.values import (
    Amount,
    AmountRange,
    Disputed,
    Document,
    Duration,
    Missing,
    Number,
    Range,
    SetOf,
    Value,
    ValueSet,
    sum_of,
)

NO, UNKNOWN, YES = Truth.NO, Truth.UNKNOWN, Truth.YES
DOCUMENTS = tuple(f"{group}." for group in DOCUMENT_GROUPS)
COVERS = ".covers"
ENDLESS = Decimal("Infinity")

Test: TypeAlias = Callable[[Atom], Truth]


def truth(condition: Condition, test: Test, defined: Mapping[str, Truth]) -> Truth:
    """2.1: Kleene. A NO settles a conjunction and a YES settles a disjunction, so the parts after it are not read."""
    match condition:
        case Atom():
            return test(condition)
        case Defined(key=key):
            return defined[key]
        case Not(part=part):
            return ~truth(part, test, defined)
        case All(parts=parts):
            least = YES
            for part in parts:
                least = min(least, truth(part, test, defined))
                if least is NO:
                    break
            return least
        case AnyOf(parts=parts):
            most = NO
            for part in parts:
                most = max(most, truth(part, test, defined))
                if most is YES:
                    break
            return most


def define(definitions: Mapping[str, Condition], test: Test) -> dict[str, Truth]:
    """How each definition reads. Definitions come in order: each uses only earlier ones."""
    defined: dict[str, Truth] = {}
    for key, condition in definitions.items():
        defined[key] = truth(condition, test, defined)
    return defined


@dataclass(frozen=True, slots=True)
class RuleSetReading:
    """How any condition of a rule set reads on one exchange."""

    rules: RuleSet
    test: Test
    defined: Mapping[str, Truth]

    def __call__(self, condition: Condition) -> Truth:
        return truth(condition, self.test, self.defined)

    def reader(self, atoms: Sequence[Atom]) -> Callable[[int], Truth]:
        """How some tests read, by their numbers."""
        return lambda number: self.test(atoms[number])

    def seen(self, *rules: int) -> Hashable:
        """A key that two readings share where every test that these rules rest on reads the same in both."""
        conditions = (self.rules.rules[number].condition for number in rules)
        return tuple(self.test(atom) for condition in conditions for atom in tests(condition, self.rules.definitions))


@dataclass(frozen=True, slots=True)
class KnownFacts:
    """What is known of an exchange on one day, and how it answers a test."""

    rules: RuleSet
    exchange: Exchange
    as_of: date

    def test(self, atom: Atom) -> Truth:
        """2.1: a fact that is left out or unknown makes its tests unknown, except under `evidence.` and `claims.` (2.2)."""
        for fact in self.read_by(atom):
            disputed = self.exchange.values.get(fact)
            if isinstance(disputed, Disputed):
                return agreed(known.test(atom) for known in self.either(fact, disputed))
        if atom.op == "open":
            return UNKNOWN
        if atom.op == "counts":
            return self.counts(atom)
        if atom.not_shown is not None and not self.shows(atom.fact):
            return atom.not_shown
        value = self.value(atom.fact)
        if isinstance(value, Missing):
            return UNKNOWN
        if atom.other:
            return self.against(atom, value)
        if isinstance(value, SetOf):
            return self.of_set(atom, value)
        if atom.op in ("is", "in"):
            return names_any(atom.type.values, value, self.targets(atom))
        if atom.op in ("within", "older_than"):
            return self.of_age(atom, value)
        return order(atom.op, value, self.operand(atom), atom.type.values)

    def read_by(self, atom: Atom) -> Sequence[str]:
        """The facts that a test reads, and the documents whose fields it reads; of a total the members are read by `total`."""
        if atom.op == "open":
            return [atom.fact]
        if atom.op == "counts":
            return [atom.fact, *(measure.fact for measure in self.rules.measures.get(atom.fact, ()))]
        read = [fact.rpartition(".")[0] if fact.startswith(DOCUMENTS) else fact for fact in (atom.fact, atom.other)]
        covering = [fact.removesuffix(COVERS) for fact in (atom.fact, atom.other) if fact.endswith(COVERS)]
        return read + [measure.fact for name in covering for measure in self.rules.measures.get(name, ())]

    def either(self, fact: str, disputed: Disputed) -> Sequence[KnownFacts]:
        """1.8: a disputed fact is open between the value that is stated and the one that is registered."""
        values = (disputed.stated, disputed.registered)
        return [KnownFacts(self.rules, self.exchange.with_values({fact: value}), self.as_of) for value in values]

    def value(self, fact: str) -> Value:
        if fact == AS_OF:
            return self.as_of
        if fact.startswith(DOCUMENTS) and fact.endswith(COVERS):
            document = self.exchange.values.get(fact.removesuffix(COVERS))
            if isinstance(document, Document) and document.state == "shown":
                covers = self.covers(fact.removesuffix(COVERS), document)
                return Missing.UNKNOWN if covers is UNKNOWN else covers is YES
        return self.total(fact) if fact in self.rules.families else self.exchange.value(fact)

    def targets(self, atom: Atom) -> Sequence[object]:
        """The values that a test looks for: those written in it, or those in its register on the day."""
        if not atom.register:
            return atom.operands
        entries = self.rules.registers[atom.register]
        return [value for value, windows in entries.items() if any(window.on(self.as_of) for window in windows)]

    def operand(self, atom: Atom) -> object:
        return self.as_of if atom.operands[0] == AS_OF else atom.operands[0]

    def shows(self, field: str) -> bool:
        """
        2.2, 2.9: whether the field of a document is shown, or may be.

        Without the document, no field is shown. A date after as_of is not shown either, except `expires`.
        """
        document = self.exchange.values.get(field.rpartition(".")[0], Missing.LEFT_OUT)
        if document is Missing.LEFT_OUT or (isinstance(document, Document) and document.state == "none"):
            return False
        value = self.exchange.value(field)
        return field.endswith(".expires") or not isinstance(value, date) or value <= self.as_of

    def counts(self, atom: Atom) -> Truth:
        """2.3: a document counts when it is dated on or before as_of, has not expired on that day, and covers the exchange."""
        document = self.exchange.values.get(atom.fact, Missing.LEFT_OUT)
        if document is Missing.UNKNOWN:
            return UNKNOWN
        if not isinstance(document, Document) or document.state == "none":
            assert atom.not_shown is not None
            return atom.not_shown
        dated = document.fields.get("dated")
        expires = document.fields.get("expires", date.max)
        return min(
            yes_if(dated <= self.as_of) if isinstance(dated, date) else UNKNOWN,
            yes_if(expires >= self.as_of) if isinstance(expires, date) else UNKNOWN,
            self.covers(atom.fact, document),
        )

    def covers(self, name: str, document: Document) -> Truth:
        """2.3: `covers` is true, and this exchange's people, recipient, purposes and data set lie within what is stated."""
        covers = document.fields.get("covers")
        within = (each.within(document.fields, self.value(each.fact)) for each in self.rules.measures.get(name, ()))
        return min([yes_if(covers) if isinstance(covers, bool) else UNKNOWN, *within])

    def of_set(self, atom: Atom, sent: SetOf) -> Truth:
        """2.4: an open set may have further members. 2.6: a rank test on a set means any member."""
        values, targets = atom.type.values, self.targets(atom)
        if atom.op == "only":
            inside = [names_any(values, member, targets) for member in sent.members]
            return min([*inside, UNKNOWN if sent.open else YES])
        if atom.op == "has":
            found = [holds_target(values, sent, target) for target in targets]
        else:
            found = [order(atom.op, member, self.operand(atom), values) for member in sent.members]
        return max([*found, UNKNOWN if sent.open else NO])

    def total(self, fact: str) -> Value:
        """
        2.7: a total is a range of known parts and unknown ones; for distinct counts it is [largest member, sum].

        1.8: a disputed member is a number from the smaller to the larger of its values; a disputed amount is not known.
        """
        how, members = self.rules.families[fact]
        sent = [between(self.exchange.value(member)) for member in members]
        if amounts := [value for value in sent if isinstance(value, Amount)]:
            together = len(amounts) == len(sent) and len({each.unit for each in amounts}) == 1
            return sum_of(amounts) if together else Missing.UNKNOWN
        parts = [value if isinstance(value, Range) else Range(Decimal(0), None) for value in sent]
        lows = [part.low for part in parts]
        highs = [part.high for part in parts if part.high is not None]
        return Range(
            max(lows) if how == "distinct" else sum(lows, Decimal(0)),
            sum(highs, Decimal(0)) if len(highs) == len(parts) else None,
        )

    def of_age(self, atom: Atom, value: Value) -> Truth:
        """2.9: `within` and `older_than` are both "no" on a later date; they are not each other's complements."""
        length = atom.operands[0]
        assert isinstance(length, Duration)
        if not isinstance(value, date):
            return UNKNOWN
        if value > self.as_of:
            return NO
        over = self.has_run_out(length, value)
        return over if atom.op == "older_than" else ~over

    def has_run_out(self, length: Duration, start: date) -> Truth:
        """2.9: whether a period that began on `start` is over. Its last day is the day before the anniversary."""
        if length.working_days:
            return self.worked(length, start)
        whole, rest = divmod(length.hours, 24)
        if rest:
            # Times of day never enter (1.4), so hours that are not whole days end on one of two days.
            days = (self.as_of - start).days - whole
            return NO if days < 0 else UNKNOWN if days < 2 else YES
        return yes_if(self.as_of >= length.after(start))

    def worked(self, length: Duration, start: date) -> Truth:
        """
        2.9: whether at least so many working days lie after `start` and before as_of.

        A day that the calendar does not know may be a working day or not.
        """
        calendar = self.rules.calendars[length.calendar]
        first, last = start.toordinal() + 1, self.as_of.toordinal() - 1
        known = range(max(first, calendar.known_from.toordinal()), min(last, calendar.known_until.toordinal()) + 1)
        least = sum(is_worked(calendar, date.fromordinal(day)) for day in known)
        most = least + max(0, last - first + 1) - len(known)
        return YES if least >= length.working_days else UNKNOWN if most >= length.working_days else NO

    def against(self, atom: Atom, value: Value) -> Truth:
        """2.10: one fact compared with another of its type; unknown where either is absent, or the other is not shown (2.2, 2.9)."""
        if atom.other.startswith(DOCUMENTS) and not self.shows(atom.other):
            return UNKNOWN
        other = self.value(atom.other)
        if isinstance(other, Missing):
            return UNKNOWN
        values = atom.type.values
        if isinstance(value, SetOf):
            return of_sets(atom.op, value, other if isinstance(other, SetOf) else SetOf(frozenset({str(other)})), values)
        if atom.op == "is":
            return same(values, value, other)
        return order(atom.op, value, other, values)


def names(values: ValueSet | None, sent: object, target: object) -> Truth:
    """2.5: a sent value is also each of its ancestors; each of its descendants is unknown unless the value is exact."""
    if values is None or not isinstance(sent, str) or not isinstance(target, str):
        return yes_if(sent == target)
    if target in values.ancestors(sent):
        return YES
    return UNKNOWN if sent in values.ancestors(target) and sent not in values.exact else NO


def names_any(values: ValueSet | None, sent: object, targets: Sequence[object]) -> Truth:
    return max((names(values, sent, target) for target in targets), default=NO)


def holds_target(values: ValueSet | None, sent: SetOf, target: object) -> Truth:
    """
    2.4, 2.5: whether a member of a set names the target.

    A member that may turn out to be the target does not count where the set also holds a value under that member.
    """
    found = {member: names(values, member, target) for member in sent.members}
    if YES in found.values():
        return YES
    vague = [member for member, reads in found.items() if reads is UNKNOWN]
    return NO if all(values and narrowed(values, member, sent) for member in vague) else UNKNOWN


def narrowed(values: ValueSet, member: str, sent: SetOf) -> bool:
    return any(other != member and member in values.ancestors(other) for other in sent.members)


def of_sets(op: str, sent: SetOf, other: SetOf, values: ValueSet | None) -> Truth:
    """
    2.10: one set tested against another of its type. Either may be open (2.4), and any member may turn out narrower (2.5).

    `only`: yes if each member of the one is certainly a member of the other, no if one of them certainly is not.
    `has`: yes if some member of the other is certainly held by the one, no if certainly none is. `has_all`: the same of every member.
    """
    if op == "only":
        inside = [max([*(same(values, a, b) for b in other.members), UNKNOWN if other.open else NO]) for a in sent.members]
        return min([*inside, UNKNOWN if sent.open else YES])
    held = [holds_member(values, sent, member) for member in other.members]
    if op == "has_all":
        return min([*held, UNKNOWN if other.open else YES])
    nothing = not sent.members and not sent.open
    return max([*held, UNKNOWN if other.open and not nothing else NO])


def holds_member(values: ValueSet | None, sent: SetOf, member: object) -> Truth:
    """2.10: whether a set holds a member of another set, whichever narrower value that member may turn out to be."""
    further = UNKNOWN if sent.open else NO
    return agreed(max(holds_target(values, sent, target), further) for target in may_be(values, member))


def same(values: ValueSet | None, sent: object, other: object) -> Truth:
    """2.10: whether one sent value names another, whichever narrower values both may turn out to be."""
    return agreed(names(values, a, b) for a in may_be(values, sent) for b in may_be(values, other))


def may_be(values: ValueSet | None, sent: object) -> Sequence[object]:
    """2.5: the values that a sent value may turn out to be: itself and, unless it is exact, its descendants."""
    return values.turns_out.get(sent, (sent,)) if values is not None and isinstance(sent, str) else (sent,)


def order(op: str, value: object, other: object, values: ValueSet | None) -> Truth:
    """2.6, 2.8, 2.10: yes or no where all values that the two sides may have give that answer, else unknown."""
    known = ends(value, other, values)
    if known is None:
        return UNKNOWN
    low, high, least, most = known
    always, never = {
        "at_least": (low >= most, high < least),
        "more_than": (low > most, high <= least),
        "at_most": (high <= least, low > most),
        "less_than": (high < least, low >= most),
    }[op]
    return YES if always else NO if never else UNKNOWN


def ends(value: object, other: object, values: ValueSet | None) -> tuple[Any, Any, Any, Any] | None:
    """The lowest and the highest value that each side may have; None where the two cannot be compared."""
    match value, other:
        case Range(), Range():
            return value.low, _top(value), other.low, _top(other)
        case Range(), Decimal():
            return value.low, _top(value), other, other
        case Amount() | AmountRange(), Amount() | AmountRange() if value.unit == other.unit:
            return *_amounts(value), *_amounts(other)
        case Duration(), Duration() if not value.working_days and not other.working_days:
            if value.hours == other.hours == 0:
                return value.months, value.months, other.months, other.months
            return *value.hours_between(), *other.hours_between()
        case date(), date():
            return value, value, other, other
        case str(), str() if values:
            return values.rank[value], values.rank[value], values.rank[other], values.rank[other]
    return None


def between(value: Value) -> Value:
    """1.8: a number that is disputed, as the range from the smaller to the larger; anything else that is disputed is not known."""
    match value:
        case Disputed(stated=Range() as stated, registered=Range() as registered):
            highs = [each.high for each in (stated, registered) if each.high is not None]
            return Range(min(stated.low, registered.low), max(highs) if len(highs) == 2 else None)
        case Disputed():
            return Missing.UNKNOWN
    return value


def agreed(truths: Iterable[Truth]) -> Truth:
    """The answer on which all agree, else unknown."""
    found = set(truths)
    return found.pop() if len(found) == 1 else UNKNOWN


def yes_if(true: bool) -> Truth:
    return YES if true else NO


def _amounts(value: Amount | AmountRange) -> tuple[Decimal, Decimal]:
    """The least and the most that an amount may be."""
    if isinstance(value, Amount):
        return value.amount, value.amount
    return value.low, ENDLESS if value.high is None else value.high


def _top(value: Range) -> Number:
    return ENDLESS if value.high is None else value.high
