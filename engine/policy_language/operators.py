"""
Turn a written test of one fact into one for the back ends: the meaning of each operator, with its operands typed.

What stands behind a fact goes in, a value, a list of values or operators with their operands; a condition comes out. Source: semantics
2.2 (shown by place), 2.4 to 2.11 (operators).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import date
from decimal import Decimal
from enum import Enum

from engine.policy_language.claim_needs import LIFT, RESTORE
from engine.policy_language.diagnostic import Findings, Span, did_you_mean
from engine.policy_language.money_mistakes import money_mistake
from engine.policy_language.tree import Mapping, Node, Scalar, Sequence
from engine.policy_language.vocabulary import DOCUMENT_GROUPS, FIELD_NAMES, Follows, Vocabulary
from engine.register_facts import IN_REGISTER
from engine.rules import ALWAYS, AS_OF, All, AnyOf, Atom, Condition, Not, RegisterEntry, Truth
from engine.values import Amount, BadValue, Duration, Money, Operand, Type

ORDER = ("at_least", "at_most", "more_than", "less_than")
DATES = {"from": "at_least", "until": "at_most"}
SETS = ("has", "has_all", "only")
OPERATORS = (*ORDER, *DATES, *SETS, "not", "in", "within", "older_than", "fact", "registered")
NUMBERS = ("count", "ratio", "date", "money", "quantity", "duration")
FITS: dict[str, Callable[[Type], bool]] = {  # which types an operator fits
    **dict.fromkeys(ORDER, lambda type: type.ordered),
    **dict.fromkeys(DATES, lambda type: type.kind == "date"),
    **dict.fromkeys(("within", "older_than"), lambda type: type.kind == "date"),
    **dict.fromkeys(SETS, lambda type: type.many),
    "in": lambda type: type.kind in ("value", "id") and not type.many,
    "not": lambda _: True,
    "fact": lambda type: not type.many,
    "registered": lambda type: type.kind == "id" and not type.many,
}


class Use(Enum):
    """What a condition is used for, which decides how a document that is not shown reads (semantics 2.2)."""

    LIFTS = LIFT
    RAISES = "raise"
    RESTORES = RESTORE  # an exemption of an exemption, or of a ground
    APPLIES = "applies"
    ADVISES = "advise"

    @property
    def not_shown(self) -> Truth:
        return Truth.NO if self in (Use.LIFTS, Use.ADVISES) else Truth.UNKNOWN

    @property
    def negated(self) -> Use:
        return {Use.LIFTS: Use.RAISES, Use.RAISES: Use.LIFTS, Use.RESTORES: Use.LIFTS}.get(self, self)


class WrittenTests:
    """
    Lowers tests of facts against one vocabulary.

    `single` says that a set may be compared with a fact that has one value, as with a set of that value: only the reference reads this.
    `at` is the place of the test that is lowered, as `file:line`.
    """

    def __init__(self, vocabulary: Vocabulary, findings: Findings, *, single: bool) -> None:
        self.vocabulary = vocabulary
        self.findings = findings
        self.single = single
        self.at = ""

    def lower(self, fact: str, type: Type, node: Node, use: Use, span: Span) -> Condition:
        if isinstance(node, Scalar | Sequence):
            if type.many:
                self.findings.error(
                    node.span,
                    "wrong-operator",
                    f"`{fact}` is of type `{type.name}`",
                    "a set cannot equal a value",
                    f"write `{fact}: {{has: …}}` or `{{only: […]}}`",
                )
                return ALWAYS
            return self._equals(fact, type, node, use)
        parts = [self._operator(fact, type, operator, operand, use) for operator, operand in node.entries]
        if not parts:
            self.findings.error(span, "empty-condition", f"`{fact}` has no test", help="give a value or an operator")
        if not type.many and _inverted(part for part in parts if isinstance(part, Atom)):
            self.findings.error(
                span,
                "bad-value",
                f"no value can satisfy this test of `{fact}`: it never holds",
                help="move its lower limit below its upper limit",
            )
        return all_hold(parts)

    def _equals(self, fact: str, type: Type, node: Node, use: Use) -> Condition:
        operands = [self._operand(type, scalar) for scalar in scalars(node, self.findings)]
        known = tuple(o for o in operands if o is not None)
        if type.kind in NUMBERS:
            return any_holds(
                all_hold((self._atom(fact, type, "at_least", (o,), use), self._atom(fact, type, "at_most", (o,), use)))
                for o in known
            )
        if follows := self.vocabulary.followed(fact):
            return self._followed(follows, known)
        return self._placed(self._atom(fact, type, "is", known, use), node)

    def _followed(self, follows: Follows, answers: Collection[Operand]) -> Condition:
        """A test of a fact that follows from a set is a test of the set (semantics 2.1): below this line there is no such fact."""
        there = self.vocabulary.facts.get(follows.fact)
        has = Atom(follows.fact, there.type if there else Type("yes/no"), "has", (follows.value,), at=self.at)
        return any_holds(has if answer is follows.reads else Not(has) for answer in dict.fromkeys(answers))

    def _operator(self, fact: str, type: Type, operator: Scalar, operand: Node, use: Use) -> Condition:
        word = operator.text
        if word not in FITS:
            self.findings.error(
                operator.span,
                "unknown-operator",
                f"there is no operator `{word}`",
                "not an operator",
                did_you_mean(word, OPERATORS) or f"use one of {', '.join(f'`{o}`' for o in OPERATORS)}",
            )
            return ALWAYS
        if not FITS[word](type):
            usable = ", ".join(f"`{o}`" for o, fit in FITS.items() if fit(type))
            said, help = f"`{word}` does not fit `{fact}`, which is of type `{type.name}`", f"use {usable}"
            if word in SETS and not type.many:
                said = f"`{word}` asks what is in a set, and `{fact}` has one value"
                help = f"write `{fact}: VALUE`, or `{fact}: [VALUE, VALUE]` for one of several"
            self.findings.error(operator.span, "wrong-operator", said, help=help)
            return ALWAYS
        if word == "not":
            return Not(self.lower(fact, type, operand, use.negated, operator.span))
        if word == "in":
            return self._register(fact, type, "in", operand, use)
        if word in SETS:
            return self._set(fact, type, word, operand, use)
        if word == "fact":
            return self._against(fact, type, "is", operand, use)
        if word == "registered":
            return self._in_register(fact, operand, use)
        if isinstance(operand, Mapping) and word in (*ORDER, *DATES) and operand.get("fact") and len(operand.entries) == 1:
            return self._against(fact, type, DATES.get(word, word), operand.entries[0][1], use)
        if word in DATES and isinstance(operand, Scalar) and operand.text == AS_OF:
            return self._atom(fact, type, DATES[word], (AS_OF,), use)
        one = Type("duration") if word in ("within", "older_than") else type.one
        value = self._operand(one, operand) if isinstance(operand, Scalar) else None
        if value is None:
            if not isinstance(operand, Scalar):
                also = "" if word in ("within", "older_than") else ", or `fact:` with the name of a fact"
                self.findings.error(operand.span, "wrong-shape", f"`{word}` takes one value{also}")
            return ALWAYS
        return self._atom(fact, type, DATES.get(word, word), (value,), use)

    def _in_register(self, fact: str, node: Node, use: Use) -> Condition:
        """Whether an id is in the register: a fact of its own, which only the register states (semantics 2.11)."""
        if not isinstance(node, Scalar):
            self.findings.error(node.span, "wrong-shape", "`registered` takes `yes` or `no`")
            return ALWAYS
        if _is_field(fact):
            said = "a hash or a name in a document is no id of the register"
            self.findings.error(node.span, "wrong-operator", said, help="test an id of the exchange, like `exporter.id`")
            return ALWAYS
        answer = self._operand(Type("yes/no"), node)
        return ALWAYS if answer is None else self._atom(fact + IN_REGISTER, Type("yes/no"), "is", (answer,), use)

    def _against(self, fact: str, type: Type, op: str, node: Node, use: Use) -> Condition:
        """Compare a fact with another fact of its type (semantics 2.10)."""
        if not isinstance(node, Scalar):
            self.findings.error(node.span, "wrong-shape", "`fact` takes the name of one fact")
            return ALWAYS
        other = node.text
        there = self.vocabulary.type_of(other)
        here, kind = (name.rpartition(".")[0] for name in (fact, other))
        if there is None:
            near = did_you_mean(other, self.vocabulary.names())
            self.findings.error(node.span, "unknown-fact", f"an exchange has no fact `{other}`", "not in the vocabulary", near)
        elif follower := next((each for each in (fact, other) if self.vocabulary.followed(each)), None):
            said = f"`{follower}` follows from another fact, and is not compared"
            self.findings.error(node.span, "wrong-operator", said, help="test it with `yes` or `no`")
        elif other == fact:
            self.findings.error(node.span, "same-fact", f"`{fact}` is compared with itself", help="name another fact")
        elif (type.many and op not in SETS) or not self._of_one_type(type, there, op):
            help = (
                "compare a set with a set of its type, by `has`, `has_all` or `only`"
                if type.many
                else "compare facts of one type"
            )
            self.findings.error(
                node.span, "ill-typed", f"`{fact}` is of type `{type.name}`, but `{other}` is of type `{there.name}`", help=help
            )
        elif _is_field(fact) and _is_field(other) and here != kind:
            said = f"`{fact}` and `{other}` belong to two documents"
            help = "compare the fields of one document, or a field with a fact of the exchange"
            self.findings.error(node.span, "two-documents", said, help=help)
        elif op == "is" and type.kind in NUMBERS:
            return all_hold(self._atom(fact, type, each, (), use, other=other) for each in ("at_least", "at_most"))
        return self._placed(self._atom(fact, type, op, (), use, other=other), node)

    def _of_one_type(self, type: Type, other: Type, op: str) -> bool:
        """A set has, or has not, a fact of one value, also where its values are some of the set's; `single` compares all ways."""
        if op in ("has", "has_all") and type.many:
            return type.like(other) or type.includes(other)
        many = type.many if self.single and not other.many else other.many
        return many == type.many and type.like(other)

    def _set(self, fact: str, type: Type, word: str, operand: Node, use: Use) -> Condition:
        if isinstance(operand, Mapping):
            inner, other = operand.get("in"), operand.get("fact")
            if other is not None and len(operand.entries) == 1:
                return self._against(fact, type, word, other, use)
            if word == "has_all" or inner is None or len(operand.entries) != 1:
                usable = "" if word == "has_all" else ", `in: REGISTER`"
                said = f"`{word}` takes a value, a list of values{usable} or `fact:` with the name of a set"
                self.findings.error(operand.span, "wrong-shape", said)
                return ALWAYS
            return self._register(fact, type, word, inner, use)
        if word == "only" and isinstance(operand, Sequence) and not operand.items:
            return self._atom(fact, type, word, (), use)  # nothing at all: the set is empty
        one = type.one
        operands = tuple(o for o in (self._operand(one, s) for s in scalars(operand, self.findings)) if o is not None)
        if word == "has_all":
            return all_hold(self._atom(fact, type, "has", (o,), use) for o in operands)
        return self._atom(fact, type, word, operands, use)

    def _register(self, fact: str, type: Type, op: str, node: Node, use: Use) -> Condition:
        parts: list[Condition] = []
        for scalar in scalars(node, self.findings):
            if type.kind == "id" and scalar.text in self.vocabulary.ids:
                parts.append(self._listed(fact, type, op, scalar, use))
                continue
            register = self.vocabulary.registers.get(scalar.text)
            if register is None:
                self.findings.error(
                    scalar.span,
                    "unknown-register",
                    f"there is no register `{scalar.text}`",
                    "not in the vocabulary",
                    did_you_mean(scalar.text, [*self.vocabulary.registers, *self.vocabulary.ids]),
                )
            elif register.of is not type.values:
                self.findings.error(
                    scalar.span,
                    "ill-typed",
                    f"`{scalar.text}` lists values of `{register.of.name}`, but `{fact}` is of type `{type.name}`",
                )
            parts.append(self._placed(self._atom(fact, type, op, (), use, scalar.text), scalar))
        if op == "only" and len(parts) > 1:
            self.findings.error(node.span, "wrong-shape", "`only` takes one register", help="make a register that holds both")
        return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))

    def _listed(self, fact: str, type: Type, op: str, scalar: Scalar, use: Use) -> Condition:
        """A test of ids against a list of them with dates: below this line it is one of ids and of the day."""
        if op == "only":
            help = "test with `has`, or name the ids"
            self.findings.error(scalar.span, "wrong-operator", "`only` takes no list of ids with dates", help=help)
        periods: dict[RegisterEntry, list[str]] = {}
        for id, entry in self.vocabulary.ids[scalar.text].items():
            periods.setdefault(entry, []).append(id)
        return any_holds(
            all_hold(
                (*days_between(each.from_ or date.min, each.until or date.max), self._atom(fact, type, word, tuple(ids), use))
            )
            for word in ("has" if type.many else "is",)
            for each, ids in periods.items()
        )

    def _operand(self, type: Type, scalar: Scalar | Node) -> Operand | None:
        assert isinstance(scalar, Scalar)
        try:
            value = type.read(scalar.text)
        except BadValue as bad:
            self.findings.error(scalar.span, "bad-value", str(bad), f"not a {type.name}", bad.help)
            return None
        if isinstance(value, Duration):
            self.known_calendar(value, scalar.span)
        if isinstance(value, Money) and (odd := money_mistake(scalar.text, value)):
            self.findings.warn(scalar.span, "odd-money", odd[0], help=odd[1])
        if type.kind == "yes/no" and scalar.quoted:
            said = f"`{scalar.text}` stands in quotes, as if it were a text"
            self.findings.warn(scalar.span, "quoted", said, help=f"write `{scalar.text}` without quotes")
        digits = scalar.text if type.kind == "count" else ""
        if digits.isdigit() and len(digits) > 4:
            self.findings.warn(
                scalar.span,
                "bare-number",
                f"`{digits}` is hard to read",
                help=f"write `{int(digits):_}` or `100 thousand`, `1 million`",
            )
        return value

    def known_calendar(self, length: Duration, span: Span) -> None:
        """Working days need a calendar that the vocabulary has."""
        if length.working_days and length.calendar not in self.vocabulary.calendars:
            known = ", ".join(f"`{name}`" for name in sorted(self.vocabulary.calendars))
            help = f"the vocabulary has {known or 'no calendar'}; add one under `calendars:`"
            self.findings.error(
                span, "unknown-calendar", f"there is no calendar `{length.calendar}`", "not in the vocabulary", help
            )

    def _placed(self, atom: Atom, node: Node) -> Condition:
        """
        A test of a place is a test of its country too (semantics 1.6): "in Quebec" is "in Canada, and there in Quebec".

        So it is "no" in every other country, where nobody can say, or need be asked, in which of its places somebody is.
        """
        facts = self.vocabulary.facts
        values, named = atom.type.values, [facts[fact].lies_in for fact in (atom.fact, atom.other) if fact in facts]
        if values is None or not values.country or not all(there in facts for there in named):
            return atom
        register = self.vocabulary.registers.get(atom.register)
        tested = [str(value) for value in (register.entries if register else values.country if atom.other else atom.operands)]
        for value in tested:
            if value not in values.country:
                said = f"`{value}` is no place: it holds in every country without places, and nobody there is asked"
                self.findings.error(node.span, "bad-value", said, help="test the places that are meant, with `not`")
        countries = tuple(sorted({values.country[value] for value in tested if value in values.country}))
        parts = [Atom(there, facts[there].type, "is", countries, at=atom.at) for there in named]
        if atom.other:  # two who are in no place are not in the same one
            parts.append(Atom(atom.fact, atom.type, "is", tuple(tested), at=atom.at))
        return all_hold((*parts, atom))

    def _atom(
        self, fact: str, type: Type, op: str, operands: tuple[Operand, ...], use: Use, register: str = "", other: str = ""
    ) -> Atom:
        not_shown = use.not_shown if _is_field(fact) else None
        return Atom(fact, type, op, operands, register, other, not_shown, self.at)


def days_between(first: date, last: date) -> Iterator[Atom]:
    """A test of the day: from a first until a last one, each where there is one."""
    if first != date.min:
        yield Atom(AS_OF, Type("date"), "at_least", (first,))
    if last != date.max:
        yield Atom(AS_OF, Type("date"), "at_most", (last,))


def _is_field(fact: str) -> bool:
    """Whether a name is that of a document's field."""
    group, _, rest = fact.partition(".")
    return group in DOCUMENT_GROUPS and rest.rpartition(".")[2] in FIELD_NAMES


def _inverted(tests: Iterable[Atom]) -> bool:
    """Whether no value can satisfy all of these tests of one fact."""
    ends = [(atom.op, *point) for atom in tests if (point := _point(atom)) is not None]
    return any(
        unit == other and (low > high or (low == high and (op, other_op) != ("at_least", "at_most")))
        for op, unit, low in ends
        if op in ("at_least", "more_than")
        for other_op, other, high in ends
        if other_op in ("at_most", "less_than")
    )


def _point(atom: Atom) -> tuple[str, Decimal | int] | None:
    """The limit of a test of order, after its unit; None if the test has no fixed limit."""
    match atom.operands:
        case (Decimal() as number,):
            return "", number
        case (date() as day,):
            return "", day.toordinal()
        case (Amount(amount=amount, unit=unit),):
            return unit, amount
        case (str() as word,) if atom.type.values and word in atom.type.values.rank:
            return "", atom.type.values.rank[word]
    return None


def scalars(node: Node, findings: Findings) -> list[Scalar]:
    """One value or a list of values."""
    items = node.items if isinstance(node, Sequence) else (node,)
    if not items:
        findings.error(node.span, "wrong-shape", "this list is empty", help="name at least one value")
    for item in items:
        if not isinstance(item, Scalar):
            findings.error(item.span, "wrong-shape", "a value is expected here, not a mapping or a list")
    return [item for item in items if isinstance(item, Scalar)]


def all_hold(parts: Iterable[Condition]) -> Condition:
    flat = tuple(dict.fromkeys(p for part in parts for p in (part.parts if isinstance(part, All) else (part,))))
    return flat[0] if len(flat) == 1 else All(flat)


def any_holds(parts: Iterable[Condition]) -> Condition:
    kept = tuple(parts)
    return kept[0] if len(kept) == 1 else AnyOf(kept)
