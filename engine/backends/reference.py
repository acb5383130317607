"""
The meaning of the language: read raw facts, walk the rules.

Slow and plain on purpose. It shares with the other back ends nothing but the checked rules; where they differ, this one is
right. Each function is a sentence of the semantics, whose numbers it cites.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date
from decimal import Decimal
from types import MappingProxyType

from engine.calendars import first_after, is_worked
from engine.exchange import Exchange
from engine.policy_language.vocabulary import DOCUMENT_GROUPS
from engine.rules import (
    AS_OF,
    All,
    AnyOf,
    Atom,
    Condition,
    Defined,
    Due,
    Duty,
    Earliest,
    Level,
    Need,
    Not,
    OnDate,
    OnDay,
    Rule,
    RuleSet,
    State,
    Truth,
    tests,
)
from engine.values import Document, Duration, Missing, Money, Range, SetOf, Value, ValueSet
from engine.verdict import NONE_SIGNED, Bounds, Masks, Verdict

NO, UNKNOWN, YES = Truth.NO, Truth.UNKNOWN, Truth.YES
DOCUMENTS = tuple(f"{group}." for group in DOCUMENT_GROUPS)
ENDLESS = Decimal("Infinity")
NOTHING = Bounds(Level.NOT_APPLICABLE, Level.NOT_APPLICABLE)


class Reference:
    """The reference back end for one rule set."""

    name = "reference"

    def __init__(self, rules: RuleSet) -> None:
        self.rules = rules
        self.exempters: dict[str, list[Rule]] = {}
        self.excusers: dict[str, list[Rule]] = {name: [] for name in rules.requirements}
        self.grounds: dict[str, list[Rule]] = {name: [] for name in rules.requirements}
        for rule in rules.rules:
            for table, names in (
                (self.exempters, rule.exempts),
                (self.excusers, rule.excuses),
                (self.grounds, rule.satisfies),
            ):
                for name in names:
                    table.setdefault(name, []).append(rule)
        for grounds in self.grounds.values():
            grounds.sort(key=lambda rule: (rule.provision.policy, rule.provision.line))
        self.duties = rules.duties()
        self.conditions = {rule.key: rule.condition for rule in rules.rules}

    def evaluate(self, exchange: Exchange, as_of: date, signed: frozenset[str] = NONE_SIGNED) -> Verdict:
        """The verdict on one exchange under the law of one day, with some provisions signed off."""
        return _Evaluation(self, exchange, as_of, signed).verdict()


class Reread:
    """
    One exchange, evaluated once and again under rules of which a little has changed.

    What the change cannot touch is not read twice. `owners` are the keys of the rules and definitions that were changed, `touched`
    of these and all that rest on them.
    """

    def __init__(self, table: Reference, exchange: Exchange, as_of: date) -> None:
        self._first = _Evaluation(table, exchange, as_of)
        self.verdict = self._first.verdict()

    def again(self, changed: Reference, touched: AbstractSet[str]) -> Verdict:
        """The verdict under the changed rules."""
        later = self._later(changed)
        later.defined = {key: truth for key, truth in self._first.defined.items() if key not in touched}
        later.holds = {key: truth for key, truth in self._first.holds.items() if key not in touched}
        return later.verdict()

    def differs(self, changed: Reference, owners: Iterable[str]) -> bool:
        """
        Whether the change can tell on this exchange. An owner whose condition reads as before tells nothing; but where the condition
        is the same and may hold, something else of the owner was changed.
        """
        later = self._later(changed)
        before, after = self._first.table.conditions, changed.conditions
        for key in owners:
            if key in changed.rules.definitions:
                if later.define(key) is not self._first.define(key):
                    return True
            elif key in after:
                truth = later.truth(after[key])
                if truth is not self._first.holds[key] or (after[key] is before[key] and truth is not NO):
                    return True
        return False

    def _later(self, changed: Reference) -> _Evaluation:
        later = _Evaluation(changed, self._first.exchange, self._first.as_of)
        later.earlier = self._first.read
        return later


class _Evaluation:
    # What was read of tests before. By identity as `read` is: whoever gives it keeps the tests alive.
    earlier: Mapping[int, Truth] = MappingProxyType({})

    def __init__(self, table: Reference, exchange: Exchange, as_of: date, signed: frozenset[str] = NONE_SIGNED) -> None:
        self.table = table
        self.signed = signed
        self.rules = table.rules
        self.exchange = exchange
        self.as_of = as_of
        self.defined: dict[str, Truth] = {}
        self.holds: dict[str, Truth] = {}
        self.read: dict[int, Truth] = {}
        self.standing: dict[str, Truth] = {}
        self.doubted: dict[str, Truth] = {}

    def verdict(self) -> Verdict:
        for key in self.rules.definitions:
            self.define(key)
        for rule in self.rules.rules:
            if rule.key not in self.holds:
                self.holds[rule.key] = self.truth(rule.condition)
        self.stand()
        requirements = {name: self.states(name) for name in self.rules.requirements}
        self.requirements = requirements
        duties = self.table.duties.values()
        self.done = {duty.key: self.truth(duty.done_when) if duty.done_when else NO for duty in duties}
        self.overdue = {duty.key: min(~self.done[duty.key], self.past_due(duty.due)) for duty in duties}
        self.owed: dict[str, Truth] = {}
        levels = {rule.key: self.levels(rule) for rule in self.rules.rules}
        return Verdict(
            rules=self.rules.rules,
            holds=self.masks(self.holds),
            stands=self.masks(self.standing),
            doubted=self.masks(self.doubted),
            requirements=requirements,
            owed=self.owed,
            overdue={key: self.overdue[key] for key in self.owed},
            defined=self.defined,
            jurisdictions=self.bounds(levels, [rule for rule in self.rules.rules if not self.put_away(rule)]),
            beneath=self.bounds(levels, [rule for rule in self.rules.rules if rule.effect != "review"]),
            truth=_Told(self),
        )

    def masks(self, truths: dict[str, Truth]) -> Masks:
        return Masks.of(truths[rule.key] for rule in self.rules.rules)

    # 2: three values

    def define(self, key: str) -> Truth:
        if key not in self.defined:
            self.defined[key] = self.truth(self.rules.definitions[key])
        return self.defined[key]

    def truth(self, condition: Condition) -> Truth:
        """Kleene (2.1)."""
        match condition:
            case Atom():
                # By identity: rules share the atoms of the definitions they name, and the rule set keeps them alive.
                truth = self.read.get(id(condition), self.earlier.get(id(condition)))
                if truth is None:
                    truth = self.read[id(condition)] = self.atom(condition)
                return truth
            case All(parts=parts):
                return self.least(parts)
            case AnyOf(parts=parts):
                return self.greatest(parts)
            case Not(part=part):
                return ~self.truth(part)
            case Defined(key=key):
                return self.define(key)

    def least(self, parts: Iterable[Condition]) -> Truth:
        """The least truth of some conditions; what comes after a NO need not be looked at."""
        least = YES
        for part in parts:
            truth = self.truth(part)
            if truth is NO:
                return NO
            if truth is UNKNOWN:
                least = UNKNOWN
        return least

    def greatest(self, parts: Iterable[Condition]) -> Truth:
        """The greatest truth of some conditions; what comes after a YES need not be looked at."""
        greatest = NO
        for part in parts:
            truth = self.truth(part)
            if truth is YES:
                return YES
            if truth is UNKNOWN:
                greatest = UNKNOWN
        return greatest

    def atom(self, atom: Atom) -> Truth:
        if atom.op == "counts":
            return self.counts(atom)
        if atom.fact == AS_OF:
            return self.compare(atom, self.as_of)
        if atom.fact in self.rules.families:
            value: Value = self.total(atom.fact)
        else:
            value = self.exchange.value(atom.fact)
        if atom.not_shown is not None and self.not_presented(atom.fact):
            return atom.not_shown
        if isinstance(value, Missing):
            return UNKNOWN
        if atom.not_shown is not None and isinstance(value, date) and value > self.as_of and not atom.fact.endswith(".expires"):
            return atom.not_shown  # only a day that has come is evidence (2.9); before, it is not shown
        if atom.other:
            return self.against(atom, value)
        if isinstance(value, SetOf):
            return self.on_set(atom, value)
        if atom.op in ("is", "in"):
            return max((self.matches(atom, value, target) for target in self.targets(atom)), default=NO)
        return self.compare(atom, value)

    def not_presented(self, fact: str) -> bool:
        """Whether a document's field is tested and no document of the kind is there (2.2)."""
        kind = ".".join(fact.split(".")[:-1])
        document = self.exchange.values.get(kind, Missing.LEFT_OUT)
        return document is Missing.LEFT_OUT or (isinstance(document, Document) and document.state == "none")

    def counts(self, atom: Atom) -> Truth:
        """A document counts when dated on or before as_of, not expired, and it covers (2.3)."""
        document = self.exchange.values.get(atom.fact, Missing.LEFT_OUT)
        if document is Missing.UNKNOWN:
            return UNKNOWN
        if not isinstance(document, Document) or document.state == "none":
            assert atom.not_shown is not None
            return atom.not_shown
        dated = document.fields.get("dated", Missing.UNKNOWN)
        expires = document.fields.get("expires", date.max)
        covers = document.fields.get("covers", Missing.UNKNOWN)
        return min(
            UNKNOWN if not isinstance(dated, date) else _yes(dated <= self.as_of),
            UNKNOWN if not isinstance(expires, date) else _yes(expires >= self.as_of),
            UNKNOWN if not isinstance(covers, bool) else _yes(covers),
        )

    def targets(self, atom: Atom) -> Sequence[object]:
        """The values tested for: written out, or a register's on the day (registers are dated)."""
        if not atom.register:
            return atom.operands
        entries = self.rules.registers[atom.register]
        return [value for value, windows in entries.items() if any(w.on(self.as_of) for w in windows)]

    def matches(self, atom: Atom, value: Value, target: object) -> Truth:
        """A sent value is also each of its ancestors; its descendants are unknown unless it is exact (2.5)."""
        if isinstance(value, str) and isinstance(target, str) and atom.type.values:
            return _is(atom.type.values, value, target)
        return _yes(value == target)

    def on_set(self, atom: Atom, value: SetOf) -> Truth:
        """Sets (2.4) and rank tests on sets: any member (2.6)."""
        values = atom.type.values
        if atom.op == "only":
            inside = [self._inside(values, member, self.targets(atom)) for member in value.members]
            return min([*inside, UNKNOWN if value.open else YES])
        if atom.op == "has":
            found = [self._has(values, value, target) for target in self.targets(atom)]
        else:
            found = [self.compare(atom, member) for member in value.members]
        return max([*found, UNKNOWN if value.open else NO])

    def _has(self, values: ValueSet | None, sent: SetOf, target: object) -> Truth:
        if values is None or not isinstance(target, str):
            return _yes(target in sent.members)
        if any(_is(values, member, target) is YES for member in sent.members):
            return YES
        # An ancestor without any of its descendants beside it may mean each of them.
        vague = (m for m in sent.members if _is(values, m, target) is UNKNOWN)
        return _yes(False) if all(_refined(values, m, sent) for m in vague) else UNKNOWN

    def _inside(self, values: ValueSet | None, member: str, allowed: Sequence[object]) -> Truth:
        if values is None:
            return _yes(member in allowed)
        return max((_is(values, member, target) for target in allowed if isinstance(target, str)), default=NO)

    def total(self, fact: str) -> Value:
        """A range of known parts and unknown ones; for distinct counts [largest member, sum] (2.7)."""
        how, members = self.rules.families[fact]
        sums = [value for value in (self.exchange.value(m) for m in members) if isinstance(value, Money)]
        if sums:
            one = len({money.currency for money in sums}) == 1 and len(sums) == len(members)
            return Money(sum((m.amount for m in sums), Decimal(0)), sums[0].currency) if one else Missing.UNKNOWN
        known = [value for value in (self.exchange.value(m) for m in members) if isinstance(value, Range)]
        lows = [value.low for value in known]
        low = max(lows, default=Decimal(0)) if how == "distinct" else sum(lows, Decimal(0))
        ends = [value.high for value in known]
        if len(known) < len(members) or None in ends:
            return Range(low, None)
        return Range(low, sum((end for end in ends if end is not None), Decimal(0)))

    def against(self, atom: Atom, value: Value) -> Truth:
        """One fact against another (2.10): yes or no where all that they may be agrees; unknown where one is absent."""
        other = self.total(atom.other) if atom.other in self.rules.families else self.exchange.value(atom.other)
        if (
            isinstance(other, date)
            and other > self.as_of
            and atom.other.startswith(DOCUMENTS)
            and not atom.other.endswith(".expires")
        ):
            return UNKNOWN  # a document of a day to come is not there yet (2.9)
        match value, other:
            case Range(low=low, high=high), Range():
                return _agreed(
                    _order(atom.op, low, high, end) for end in (other.low, ENDLESS if other.high is None else other.high)
                )
            case Money(), Money() if value.currency == other.currency:
                return _order(atom.op, value.amount, value.amount, other.amount)
            case Duration(), Duration():
                return _order_durations(atom.op, value, other)
            case date(), date():
                return _order(atom.op, value, value, other)
            case bool(), bool():
                return _yes(value == other)
            case str(), str() if atom.op == "is":
                values = atom.type.values
                if values is None:
                    return _yes(value == other)
                return _agreed(_is(values, a, b) for a in _may_be(values, value) for b in _may_be(values, other))
            case str(), str() if atom.type.values:
                rank = atom.type.values.rank
                if value in rank and other in rank:
                    return _order(atom.op, rank[value], rank[value], rank[other])
        return UNKNOWN

    def compare(self, atom: Atom, value: Value) -> Truth:
        """Order (2.6, 2.8, 2.9): yes or no where the whole range agrees, else unknown."""
        operand = atom.operands[0]
        if atom.op in ("within", "older_than"):
            assert isinstance(operand, Duration)
            return self.age(atom.op, value, operand)
        match value, operand:
            case Range(low=low, high=high), Decimal():
                return _order(atom.op, low, high, operand)
            case date(), date() | "as_of":
                return _order(atom.op, value, value, self.as_of if operand == AS_OF else operand)
            case Money(), Money():
                return (
                    _order(atom.op, value.amount, value.amount, operand.amount)
                    if value.currency == operand.currency
                    else UNKNOWN
                )
            case Duration(), Duration():
                return _order_durations(atom.op, value, operand)
            case str(), str() if atom.type.values:
                rank = atom.type.values.rank
                return (
                    _order(atom.op, rank[value], rank[value], rank[operand]) if value in rank and operand in rank else UNKNOWN
                )
        return UNKNOWN

    def age(self, op: str, value: Value, length: Duration) -> Truth:
        """The last day of `within 3 years` is the day before the anniversary; a later date than as_of is neither (2.9)."""
        if not isinstance(value, date):
            return UNKNOWN
        if value > self.as_of:
            return NO
        fresh = self.fresh(value, length)
        return fresh if op == "within" else ~fresh

    def fresh(self, start: date, length: Duration) -> Truth:
        """Whether as_of comes before the end of a length that began on `start`."""
        if length.working_days:
            return ~self.worked(start, length)
        whole, rest = divmod(length.hours, 24)
        if rest:
            # Times of day never enter (1.4): hours that are no whole days end somewhere within two days.
            days = (self.as_of - start).days - whole
            return YES if days < 0 else UNKNOWN if days < 2 else NO
        return _yes(self.as_of < length.after(start))

    def worked(self, start: date, length: Duration) -> Truth:
        """
        Whether so many working days lie between `start` and as_of: the first after `start` is day 1, as_of is not counted (2.9).

        A day that the calendar does not know may be worked or not.
        """
        calendar = self.rules.calendars[length.calendar]
        first, last = start.toordinal() + 1, self.as_of.toordinal() - 1
        known = range(max(first, calendar.known_from.toordinal()), min(last, calendar.known_until.toordinal()) + 1)
        count = sum(is_worked(calendar, date.fromordinal(day)) for day in known)
        open_ = max(0, last - first + 1) - len(known)
        return YES if count >= length.working_days else UNKNOWN if count + open_ >= length.working_days else NO

    # 3: rules

    def stand(self) -> None:
        """A rule stands where it holds and no standing rule exempts it (3.3); doubt never lifts (3.7)."""
        for rule in self.rules.rules:
            sure, doubtful = self.lifted(self.table.exempters.get(rule.key, ()))
            self.standing[rule.key] = min(self.holds[rule.key], ~sure)
            self.doubted[rule.key] = min(self.standing[rule.key], doubtful)

    def lifted(self, exempters: Iterable[Rule]) -> tuple[Truth, Truth]:
        """How surely, and how doubtfully, a victim of these is lifted."""
        sure = doubtful = NO
        for rule in exempters:
            s, d = self.certainty(rule)
            sure, doubtful = max(sure, s), max(doubtful, d)
        return sure, doubtful

    def certainty(self, rule: Rule) -> tuple[Truth, Truth]:
        """A lift's standing, split into what is sure and what is doubtful of it."""
        standing = self.standing[rule.key]
        if rule.doubtful and rule.provision.id not in self.signed:
            return NO, standing
        return min(standing, ~self.doubted[rule.key]), self.doubted[rule.key]

    def states(self, requirement: str) -> frozenset[State]:
        """The states a requirement may be in (3.4)."""
        sure, doubtful = self.lifted((*self.table.grounds[requirement], *self.table.excusers[requirement]))
        if sure is YES:
            return frozenset((State.MET,))
        states = {State.MET} if sure is UNKNOWN else set()
        states |= {NO: {State.UNMET}, UNKNOWN: {State.UNMET, State.DOUBTFUL}, YES: {State.DOUBTFUL}}[doubtful]
        return frozenset(states)

    def need_states(self, need: Need) -> frozenset[State]:
        """Kleene over met and unmet, with doubt between them (3.4)."""
        if need.op == "one":
            return self.requirements[need.requirement]
        pick: Callable[[State, State], State] = max if need.op == "any_of" else min
        states = frozenset((State.UNMET if need.op == "any_of" else State.MET,))
        for part in need.parts:
            states = frozenset(pick(a, b) for a in states for b in self.need_states(part))
        return states

    # 3.5, 3.6: duties of the way relied on

    def past_due(self, due: Due | None) -> Truth:
        """Whether a last day has passed; the earliest of several has as soon as one has."""
        match due:
            case None:
                return NO
            case OnDate(day=day):
                return _yes(self.as_of > day)
            case Earliest(parts=parts):
                return max(self.past_due(part) for part in parts)
        start = self.as_of if due.after == AS_OF else self.exchange.value(due.after)
        if not isinstance(start, date):
            return UNKNOWN
        if isinstance(due, OnDay):
            return _yes(self.as_of > first_after(start, due.month, due.day))
        length = due.within
        if length.working_days:
            return self.worked(start, length)
        return ~self.fresh(start, length) if length.hours % 24 else _yes(self.as_of > length.after(start))

    def duties(self, need: Need) -> tuple[frozenset[str], frozenset[str]]:
        """The duties certainly and possibly owed for what meets `need`."""
        if need.op == "all_of":
            both = [self.duties(part) for part in need.parts]
            return frozenset().union(*(c for c, _ in both)), frozenset().union(*(p for _, p in both))
        if need.op == "any_of":
            return self.choose([(self.need_states(p), self.chosen(p), *self.duties(p)) for p in need.parts])
        return self.choose(self.ways(need.requirement))

    def ways(self, requirement: str) -> list[_Way]:
        """The ways of meeting one requirement: not owed first, then its grounds by policy id and position."""
        own = frozenset(d.key for d in self.rules.requirements[requirement].duties)
        excused, _ = self.lifted(self.table.excusers[requirement])
        ways: list[_Way] = [(_met(excused), False, frozenset(), frozenset())]
        for rule in self.table.grounds[requirement]:
            sure, _ = self.certainty(rule)
            duties = own | frozenset(d.key for d in rule.duties)
            chosen = rule.key in self.exchange.relies_on or requirement in self.exchange.relies_on
            ways.append((_met(sure), chosen, duties, duties))
        return ways

    def chosen(self, need: Need) -> bool:
        """Whether the exchange says it relies on this way."""
        grounds = (rule.key for name in need.requirements() for rule in self.table.grounds[name])
        return any(way in self.exchange.relies_on for way in (*need.requirements(), *grounds))

    def choose(self, ways: Sequence[_Way]) -> tuple[frozenset[str], frozenset[str]]:
        """The way named, else the first met with no duty overdue, else the first met (3.5)."""
        possible = [way for way in ways if State.MET in way[0]]
        every: frozenset[str] = frozenset().union(*(p for _, _, _, p in possible))
        met = frozenset((State.MET,))
        named = [way for way in possible if way[1]]
        for way in named:
            if way[0] == met:
                return way[2], way[3]
        if named:  # it may be met, and then it is the one
            return frozenset(), every
        for way in possible:
            sure = max((self.overdue[key] for key in way[2]), default=NO)
            late = max((min(self.overdue[key], UNKNOWN) for key in way[3]), default=sure) if sure is not YES else YES
            if way[0] != met or late is UNKNOWN:
                return frozenset(), every
            if late is NO:
                return way[2], way[3]
        if possible:  # each is met, and in each a duty is overdue
            return possible[0][2], possible[0][3]
        return frozenset(), frozenset()

    # 4: outcome

    def levels(self, rule: Rule) -> Bounds:
        """What a rule raises where it stands: the least and the most."""
        if self.standing[rule.key] is NO:
            return NOTHING
        match rule.effect:
            case "prohibit":
                levels = Bounds(Level.PROHIBITED, Level.PROHIBITED)
            case "review":
                levels = Bounds(Level.REVIEW, Level.REVIEW)
            case "oblige":
                due = frozenset(d.key for d in rule.duties if d.arises == "exchange")
                levels = self.owe(rule, due, due) if due else NOTHING
            case "require":
                assert rule.need
                levels = self.required(rule, rule.need)
            case _:
                return NOTHING
        doubted = self.doubted[rule.key]
        low, high = levels.low, levels.high
        if doubted is not NO and high > Level.PERMITTED_WITH_OBLIGATIONS:
            # 3.7: a doubtful lift puts a review beside what it would lift; it removes nothing stricter.
            high = max(high, Level.REVIEW)
            low = Level.REVIEW if doubted is YES and low > Level.PERMITTED_WITH_OBLIGATIONS else min(low, Level.REVIEW)
        standing = self.standing[rule.key]
        return Bounds(low if standing is YES else Level.NOT_APPLICABLE, high if standing is not NO else Level.NOT_APPLICABLE)

    def required(self, rule: Rule, need: Need) -> Bounds:
        states = self.need_states(need)
        certain, possible = self.duties(need) if State.MET in states else (frozenset(), frozenset())
        met = self.owe(rule, certain if states == frozenset((State.MET,)) else frozenset(), possible)
        by_state = {
            State.MET: met,
            State.UNMET: Bounds(Level.REQUIREMENTS_UNMET, Level.REQUIREMENTS_UNMET),
            State.DOUBTFUL: Bounds(Level.REVIEW, Level.REVIEW),
        }
        return Bounds(min(by_state[s].low for s in states), max(by_state[s].high for s in states))

    def owe(self, rule: Rule, certain: frozenset[str], possible: frozenset[str]) -> Bounds:
        """Note what is owed while `rule` stands, and the levels of it: a done duty raises nothing."""
        standing = self.standing[rule.key]
        low = high = Level.PERMITTED
        for key in sorted(possible):
            duty = self.table.duties[key]
            if duty.arises == "refusal":
                continue
            sure = key in certain
            owed = min(standing, YES if sure else UNKNOWN, UNKNOWN if self.done[key] is not NO else YES)
            if self.done[key] is not YES and owed is not NO:
                self.owed[key] = max(self.owed.get(key, NO), owed)
            level_low, level_high = self.duty_levels(duty)
            low = max(low, level_low) if sure else low
            high = max(high, level_high)
        return Bounds(low, high)

    def duty_levels(self, duty: Duty) -> tuple[Level, Level]:
        if self.done[duty.key] is YES:
            return Level.PERMITTED, Level.PERMITTED
        levels = {Level.PERMITTED_WITH_OBLIGATIONS} if self.overdue[duty.key] is not YES else set()
        if self.overdue[duty.key] is not NO:
            levels.add(duty.overdue)
        if self.done[duty.key] is UNKNOWN:
            levels.add(Level.PERMITTED)
        return min(levels), max(levels)

    def put_away(self, rule: Rule) -> bool:
        """Whether a rule is a review that a person has signed off (4.6)."""
        return rule.effect == "review" and rule.provision.id in self.signed

    def bounds(self, levels: dict[str, Bounds], weighed: Iterable[Rule]) -> dict[str, Bounds]:
        """Each jurisdiction's bounds: its rules' and its floors' (4.1, 4.2)."""
        found: dict[str, list[Bounds]] = {rule.provision.jurisdiction: [] for rule in self.rules.rules}
        for rule in weighed:
            found[rule.provision.jurisdiction].append(levels[rule.key])
        for floor in self.rules.floors:
            applies = self.truth(floor.condition)
            low = Level.PERMITTED if applies is YES else Level.NOT_APPLICABLE
            high = Level.PERMITTED if applies is not NO else Level.NOT_APPLICABLE
            found.setdefault(floor.jurisdiction, []).append(Bounds(low, high))
        return {name: Bounds.over(bounds) for name, bounds in found.items()}


class _Told:
    """How conditions read on the exchange of one evaluation."""

    def __init__(self, evaluation: _Evaluation) -> None:
        self.evaluation = evaluation

    def __call__(self, condition: Condition) -> Truth:
        return self.evaluation.truth(condition)

    def seen(self, *rules: int) -> Hashable:
        known = self.evaluation.rules
        return tuple(self(atom) for rule in rules for atom in tests(known.rules[rule].condition, known.definitions))


# What meeting a requirement in one way amounts to: its states, whether the sender named it, duties certainly and possibly owed.
_Way = tuple[frozenset[State], bool, frozenset[str], frozenset[str]]


def _met(sure: Truth) -> frozenset[State]:
    return {
        YES: frozenset((State.MET,)),
        UNKNOWN: frozenset((State.MET, State.UNMET)),
        NO: frozenset((State.UNMET,)),
    }[sure]


def _yes(true: bool) -> Truth:
    return YES if true else NO


def _is(values: ValueSet, sent: str, target: str) -> Truth:
    """Whether the value sent is the target: yes for an ancestor, unknown for a descendant of one that is not exact (2.5)."""
    if target in values.ancestors(sent):
        return YES
    return UNKNOWN if sent in values.ancestors(target) and sent not in values.exact else NO


def _may_be(values: ValueSet, sent: str) -> list[str]:
    """What a value sent may turn out to be when it is told more closely: itself, or what lies under it unless it is exact."""
    under = [] if sent in values.exact else [value for value in values.values if sent in values.ancestors(value)]
    return under or [sent]


def _agreed(truths: Iterable[Truth]) -> Truth:
    """What they all say, else unknown."""
    found = set(truths)
    return found.pop() if len(found) == 1 else UNKNOWN


def _refined(values: ValueSet, member: str, sent: SetOf) -> bool:
    return any(other != member and member in values.ancestors(other) for other in sent.members)


def _order(op: str, low: object, high: object, operand: object) -> Truth:
    """A comparison of a range with a number; `high` None has no upper end."""
    if op == "less_than":
        return ~_order("at_least", low, high, operand)
    if op == "at_most":
        return ~_order("more_than", low, high, operand)
    beyond: Callable[[object], bool] = (lambda n: n >= operand) if op == "at_least" else (lambda n: n > operand)  # type: ignore[operator]
    if beyond(low):
        return YES
    return UNKNOWN if high is None or beyond(high) else NO


def _order_durations(op: str, value: Duration, operand: Duration) -> Truth:
    if value.working_days or operand.working_days:
        return UNKNOWN
    if value.hours == operand.hours == 0:
        return _order(op, value.months, value.months, operand.months)
    low, high = value.hours_between()
    least, most = operand.hours_between()
    return _agreed(_order(op, low, high, limit) for limit in (least, most))
