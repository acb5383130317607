"""
An axis of a table or of a flight of steps: a fact with its values or its thresholds goes in, the tests that each part stands for come out.

A threshold is said once: a step ends where the next one begins, so no number can lie in two steps or in none. Source: semantics 7.2.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from engine.policy_language.diagnostic import Findings, Span, did_you_mean
from engine.policy_language.tree import Mapping, Node, Scalar
from engine.policy_language.tree import Sequence as ListNode
from engine.policy_language.vocabulary import Vocabulary
from engine.values import Amount, BadValue, Money, Operand, Type

STEPPED = ("count", "ratio", "money", "quantity")
OTHERS = "others"
AT, ABOVE, IN = "at", "above", "in"
LOWER = {AT: "at_least", ABOVE: "more_than"}
UPPER = {AT: "less_than", ABOVE: "at_most"}  # of the step before
ROUND = 100


@dataclass(frozen=True, slots=True)
class AxisPart:
    """One value or one step of an axis: `kind` is `at` or `above` of a step, `in` of a register, `others` of the rest, else empty."""

    kind: str
    word: Scalar

    @property
    def name(self) -> str:
        """The part as its author reads it."""
        return f"{self.kind} {self.word.text}" if self.kind in (ABOVE, IN) else self.word.text


@dataclass(frozen=True, slots=True)
class Axis:
    """A fact with its parts in their order. Of steps, the first begins at nothing, whatever its word."""

    fact: str
    type: Type
    parts: tuple[AxisPart, ...]

    @property
    def stepped(self) -> bool:
        """Whether its parts are steps."""
        return self.type.kind in STEPPED

    def tests(self, chosen: Collection[int], at: Span) -> list[Node]:
        """The conditions under which a value lies in one of some parts; they have the place of who asks."""
        if self.stepped:
            runs = [self._between(first, last, at) for first, last in _runs(sorted(chosen))]
            found = [run for run in runs if run.entries]
            return [] if len(found) < len(runs) else _any([_test(self.fact, run) for run in found], at)
        rest = [n for n in range(len(self.parts)) if n not in chosen]
        others = any(self.parts[n].kind == OTHERS for n in chosen)
        if not rest and (others or self.type.kind == "yes/no"):
            return []
        if self.type.many:
            return _any(list(self._held(chosen, at)), at)
        if others:
            return [_test(self.fact, _named("not", each, at)) for each in self._operands(rest, at)]
        return _any([_test(self.fact, each) for each in self._operands(chosen, at)], at)

    def _between(self, first: int, last: int, at: Span) -> Mapping:
        """From the threshold of one step to that of the step after another."""
        low, high = self.parts[first], self.parts[last + 1] if last + 1 < len(self.parts) else None
        ends = [(LOWER[low.kind], low.word)] if first else []
        return Mapping(
            tuple((Scalar(op, at), word) for op, word in [*ends, *([(UPPER[high.kind], high.word)] if high else [])]), at
        )

    def _operands(self, numbers: Collection[int], at: Span) -> Iterator[Node]:
        """Some values in a list, and some registers, as what a fact is tested against."""
        plain, registers = ([self.parts[n].word for n in sorted(numbers) if self.parts[n].kind == kind] for kind in ("", IN))
        if plain:
            yield _listed(plain)
        if registers:
            yield _named(IN, _listed(registers), at)

    def _held(self, numbers: Collection[int], at: Span) -> Iterator[Node]:
        for operand in self._operands(numbers, at):
            yield _test(self.fact, _named("has", operand, at))
        if any(self.parts[n].kind == OTHERS for n in numbers):
            listed = [part.word for part in self.parts if not part.kind]
            yield _test(self.fact, _named("not", _named("only", ListNode(tuple(listed), at), at), at))


class AxisReader:
    """Reads axes, and parts of them, as authors write them."""

    def __init__(self, vocabulary: Vocabulary, findings: Findings) -> None:
        self.vocabulary = vocabulary
        self.findings = findings

    def type_of(self, fact: Scalar) -> Type | None:
        """The type of the fact of an axis."""
        type = self.vocabulary.type_of(fact.text)
        if type is None:
            help = did_you_mean(fact.text, self.vocabulary.names())
            said = f"an exchange has no fact `{fact.text}`"
            self.findings.error(fact.span, "unknown-fact", said, "not in the vocabulary", help)
        elif type.kind not in (*STEPPED, "value", "yes/no"):
            said = f"`{fact.text}` is of type `{type.name}`, which has neither values nor steps"
            self.findings.error(
                fact.span, "ill-typed", said, help="take a count, a ratio, a sum of money, a quantity or a fact with values"
            )
            return None
        return type

    def steps(self, fact: Scalar, parts: Sequence[AxisPart]) -> Axis | None:
        """The axis of steps that are written in their order; the first begins at nothing."""
        type = self.type_of(fact)
        if type is None:
            return None
        if type.kind not in STEPPED:
            said = f"`{fact.text}` is of type `{type.name}`, which has no steps"
            self.findings.error(
                fact.span, "ill-typed", said, help="take a count, a ratio, a sum of money or a quantity, or write a `table`"
            )
            return None
        thresholds = [(part, self._number(part, type)) for part in parts[1:]]
        for part, number in thresholds:
            self._off_by_one(part, number)
        ascending = [self._ascends(*before, *after) for before, after in pairwise(thresholds)]
        sound = all(ascending) and all(number is not None for _, number in thresholds)
        return Axis(fact.text, type, tuple(parts)) if sound else None

    def axis(self, fact: Scalar, node: Node) -> Axis | None:
        """An axis of a table: a fact and the list of its parts."""
        type = self.type_of(fact)
        if not isinstance(node, ListNode) or len(node.items) < 2:
            said = f"the axis `{fact.text}` needs a list of two or more values or steps"
            self.findings.error(node.span, "wrong-shape", said, help="write them in brackets, like `[HK, MO, others]`")
            return None
        if type is None:
            return None
        parts = [part for item in node.items if (part := self.part(item, type)) is not None]
        if len(parts) < len(node.items):
            return None
        if type.kind in STEPPED:
            first = self._number(parts[0], type)
            if first is not None and (parts[0].kind != AT or _amount(first) != 0):
                said = f"nothing is said of `{fact.text}` below `{parts[0].word.text}`"
                self.findings.error(parts[0].word.span, "table-gap", said, "the first step", "begin the list with `0`")
            return self.steps(fact, parts)
        self._apart(fact, parts, type)
        return Axis(fact.text, type, tuple(parts))

    def part(self, node: Node, type: Type) -> AxisPart | None:
        """One part of an axis as it is written: a value, `others`, `{in: REGISTER}`, a threshold or `{above: NUMBER}`."""
        stepped = type.kind in STEPPED
        match node:
            case Scalar(text=text):
                return AxisPart(OTHERS if text == OTHERS and not stepped else AT if stepped else "", node)
            case Mapping(entries=((Scalar(text=word), Scalar() as value),)) if word == (ABOVE if stepped else IN):
                return AxisPart(word, value)
        allowed = "a number or `{above: NUMBER}`" if stepped else "a value, `{in: REGISTER}` or `others`"
        self.findings.error(node.span, "wrong-shape", f"{allowed} is expected here")
        return None

    def chosen(self, axis: Axis, node: Node) -> set[int]:
        """The numbers of the parts that a cell names on an axis."""
        found = set()
        for item in node.items if isinstance(node, ListNode) else (node,):
            part = self.part(item, axis.type)
            if part is None:
                continue
            same = [n for n, each in enumerate(axis.parts) if self._same(axis, each, part)]
            if not same:
                known = ", ".join(f"`{each.name}`" for each in axis.parts[:8])
                said = f"`{part.name}` is not on the axis `{axis.fact}`"
                self.findings.error(part.word.span, "table-gap", said, help=f"the axis has {known}")
            found.update(same)
        return found

    def _same(self, axis: Axis, one: AxisPart, other: AxisPart) -> bool:
        if one.kind != other.kind or not axis.stepped:
            return (one.kind, one.word.text) == (other.kind, other.word.text)
        try:
            return axis.type.read(one.word.text) == axis.type.read(other.word.text)
        except BadValue:
            return False

    def _number(self, part: AxisPart, type: Type) -> Operand | None:
        try:
            return type.one.read(part.word.text)
        except BadValue as bad:
            self.findings.error(part.word.span, "bad-value", str(bad), f"not a {type.kind}", bad.help)
            return None

    def _off_by_one(self, part: AxisPart, number: Operand | None) -> None:
        """A number beside a round one says in digits what `at` and `above` say in words, and hides which of them is meant."""
        if not isinstance(number, Decimal) or number < ROUND - 1 or number % 1:
            return
        for step, word in ((1, ABOVE), (-1, AT)):
            if (number - step) % ROUND == 0:
                round_ = f"{int(number) - step:_}"
                said = f"`{part.word.text}` is one off {round_}"
                help = f"write `{word}: {round_}`" + (f", or `{ABOVE}: {round_}`" if word == AT else "")
                self.findings.error(part.word.span, "off-by-one", said, help=help)

    def _ascends(self, before: AxisPart, low: Operand | None, part: AxisPart, high: Operand | None) -> bool:
        """Whether a step begins after the one before it; a number that is none is reported already."""
        if low is None or high is None:
            return False
        here, there = f"`{part.kind}: {part.word.text}`", f"`{before.kind}: {before.word.text}`"
        code = "table-overlap"
        if isinstance(low, Amount) and isinstance(high, Amount) and low.unit != high.unit:
            units = "currencies" if isinstance(low, Money) else "units that do not compare"
            code, said, help = "bad-value", f"{here} and {there} are in two {units}", "write all steps in one"
        elif (_amount(high), part.kind) == (_amount(low), before.kind):
            said, help = f"two steps begin with {here}", "keep one of the two, or correct its number"
        elif (_amount(high), part.kind == ABOVE) < (_amount(low), before.kind == ABOVE):
            said = f"the step {here} stands after {there}, so the two overlap"
            help = "order the steps from the lowest to the highest"
        elif _amount(high) == _amount(low):
            said, help = f"between {there} and {here} lies one number alone", "keep the one that the law says"
        else:
            return True
        self.findings.error(part.word.span, code, said, help=help)
        return False

    def _apart(self, fact: Scalar, parts: Sequence[AxisPart], type: Type) -> None:
        """The values of an axis do not lie under one another, nor twice on it."""
        seen: dict[str, AxisPart] = {}
        for number, part in enumerate(parts):
            if part.kind == OTHERS:
                if number + 1 < len(parts):
                    self.findings.error(part.word.span, "wrong-shape", f"`{OTHERS}` is the last part of an axis")
                if type.many and any(each.kind == IN for each in parts):
                    said = f"`{OTHERS}` beside a register cannot be said of a set"
                    self.findings.error(part.word.span, "wrong-shape", said, help="list the values")
                continue
            for value in self._values(part, type):
                over = [
                    name
                    for name in seen
                    if type.values and (name in type.values.ancestors(value) or value in type.values.ancestors(name))
                ]
                for name in over or ([value] if value in seen else []):
                    said = f"`{part.name}` and `{seen[name].name}` overlap on the axis `{fact.text}`"
                    self.findings.error(part.word.span, "table-overlap", said, help="name values of which no one is the other")
                    break
            seen |= dict.fromkeys(self._values(part, type), part)

    def _values(self, part: AxisPart, type: Type) -> list[str]:
        register = self.vocabulary.registers.get(part.word.text) if part.kind == IN else None
        if part.kind == IN and register is None:
            help = did_you_mean(part.word.text, self.vocabulary.registers)
            self.findings.error(part.word.span, "unknown-register", f"there is no register `{part.word.text}`", help=help)
        if part.kind == IN:
            return list(register.entries) if register else []
        try:
            return [str(type.one.read(part.word.text))]
        except BadValue as bad:
            self.findings.error(part.word.span, "bad-value", str(bad), f"not a {type.name}", bad.help)
            return []


def _amount(number: Operand) -> Decimal:
    assert isinstance(number, Decimal | Amount)
    return number.amount if isinstance(number, Amount) else number


def _runs(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """The unbroken runs of some numbers in order, each by its first and its last."""
    first = last = numbers[0]
    for number in numbers[1:]:
        if number != last + 1:
            yield first, last
            first = number
        last = number
    yield first, last


def _test(fact: str, test: Node) -> Mapping:
    return _named(fact, test, test.span)


def _named(key: str, value: Node, at: Span) -> Mapping:
    return Mapping(((Scalar(key, at), value),), at)


def _listed(words: Sequence[Scalar]) -> Node:
    return words[0] if len(words) == 1 else ListNode(tuple(words), words[0].span)


def _any(tests: list[Node] | list[Mapping], at: Span) -> list[Node]:
    """One of some tests as a condition."""
    return list(tests) if len(tests) < 2 else [_named("any_of", ListNode(tuple(tests), at), at)]
