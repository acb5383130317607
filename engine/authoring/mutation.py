"""
Mutation tests of the law: one thing in the checked rules is changed, and a mutant that no test case notices comes out.

A bundle goes in; its mutants come out, one for each condition denied or dropped, each threshold moved by one, each date and each last day
moved by a day, each exemption dropped. `mutation_cases` says whether a case notices one; a mutant that none notices is a sentence of the
law that no test defends. A mutant that widens a lift is worse than others: under it, something goes ahead that the law holds back.

The mutants are made of the checked rules, not of YAML: a provision that became two rules is changed in both, and a definition in
every reading of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import TypeAlias

from engine.authoring.lint import own
from engine.bundle import Bundle
from engine.explaining.phrasebook import Phrasebook
from engine.policy_language.claim_needs import NEEDS
from engine.policy_language.tree import Node, locate
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
    Not,
    OnDate,
    OnDay,
    Period,
    Rule,
    RuleSet,
)
from engine.values import MONTHS, Amount, Duration, Operand

Path: TypeAlias = tuple[int, ...]
Rewrite: TypeAlias = Callable[[Condition], Condition | None]
"""What stands in a condition's place; None where it is dropped."""

APPLIES = "#applies"
TRAVELS = "#travels"
COUNTER = "counter/"
RESERVED = ("subject/", "touch/", COUNTER)  # conditions of the vocabulary, not of a provision
CLAIMED = "claims"  # what the report lists under what claims need, which is no policy's
HUNDREDTH = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Mutant:
    """
    One change of the rules.

    `policy` owns what was changed; of what a claim needs it is `claims`. `file:line` is its place. `sentence` says what no test defends,
    where no case notices the mutant. `rules` are all rules; those that are not changed are the same objects as before. `widens`: a
    condition of a ground, of an exemption, of its `unless`, of the end of a duty or of what a claim needs is dropped, so that more is
    lifted, or done.
    """

    policy: str
    file: str
    line: int
    sentence: str
    rules: RuleSet
    widens: bool = False


def mutants(bundle: Bundle, only: str = "") -> Iterator[Mutant]:
    """Every mutant of the policies, of what claims need and of what counters count, in files whose name contains `only`, in file order."""
    surgeon = _Surgeon(bundle, only)
    yield from surgeon.mutants()
    for name, at in sorted(surgeon.claims(bundle).items(), key=lambda each: each[1]):
        if only in at[0]:
            yield from surgeon.needs(name, *at)
    yield from (mutant for mutant in surgeon.counters(bundle) if only in mutant.file)


class _Surgeon:
    def __init__(self, bundle: Bundle, only: str) -> None:
        self.rules = bundle.rules
        self.book = Phrasebook(bundle)
        self.by_provision: dict[str, list[Rule]] = defaultdict(list)
        for rule in bundle.rules.rules:
            self.by_provision[rule.provision.id].append(rule)
        self.places = _places(bundle)
        self.wanted = {policy for policy, (file, _) in self.places.items() if only in file and "/" not in policy}

    def mutants(self) -> Iterator[Mutant]:
        for policy in sorted(self.wanted, key=lambda name: self.places[name]):
            yield from self._definitions(policy)
            for id, rules in self.by_provision.items():
                if rules[0].provision.policy == policy:
                    yield from self._provision(id, rules)

    # What claims need

    def claims(self, bundle: Bundle) -> dict[str, tuple[str, int]]:
        """The claims that need something where they lift, each with its file and line."""
        spans = ((name, bundle.vocabulary.spans["claims", name]) for name in bundle.vocabulary.kinds["claims"])
        return {name: (at.file, at.line) for name, at in spans if f"{NEEDS}{name}" in self.rules.definitions}

    def needs(self, claim: str, file: str, line: int) -> Iterator[Mutant]:
        key = f"{NEEDS}{claim}"
        for said, changed, looser in _changes({key: self.rules.definitions[key]}, self.book):
            rules = replace(self.rules, definitions={**self.rules.definitions, **changed})
            yield Mutant(CLAIMED, file, line, f"what `{claim}` needs: {said}", rules, looser is True)

    # What counters count

    def counters(self, bundle: Bundle) -> Iterator[Mutant]:
        """The conditions by which an exchange counts; a case shows them under `define`."""
        for name in bundle.vocabulary.counters:
            at, key = bundle.vocabulary.spans["counters", name], f"{COUNTER}{name}"
            keys = [each for each in self.rules.definitions if each.partition("!")[0] == key]
            for said, changed, _ in _changes({each: self.rules.definitions[each] for each in keys}, self.book) if keys else ():
                rules = replace(self.rules, definitions={**self.rules.definitions, **changed})
                yield Mutant("counters", at.file, at.line, f"what `{name}` counts: {said}", rules)

    # Definitions, and what a policy applies to

    def _definitions(self, policy: str) -> Iterator[Mutant]:
        readings: dict[str, list[str]] = defaultdict(list)
        for key in self.rules.definitions:
            name = key.partition("!")[0]
            if name.partition("/")[0] == policy or name == f"{policy}{APPLIES}":
                readings[name].append(key)
        for name, keys in readings.items():
            if name.startswith(RESERVED):
                continue
            what = "applies" if name.endswith(APPLIES) else f"`{name.partition('/')[2].removesuffix(TRAVELS)}`"
            conditions = {key: self.rules.definitions[key] for key in keys}
            for said, changed, _ in _changes(conditions, self.book):
                yield self._mutant(
                    policy,
                    name.removesuffix(APPLIES).removesuffix(TRAVELS),
                    f"{what}: {said}",
                    replace(self.rules, definitions={**self.rules.definitions, **changed}),
                )

    # Provisions

    def _provision(self, id: str, rules: Sequence[Rule]) -> Iterator[Mutant]:
        policy, short = rules[0].provision.policy, id.partition("/")[2]
        conditions = {rule.key: own(rule.condition) for rule in rules}
        lifting, restoring = any(rule.lifts for rule in rules), any(_restores(rule) for rule in rules)
        for said, changed, looser in _changes(conditions, self.book):
            altered = [replace(rule, condition=_under(rule, changed[rule.key])) for rule in rules]
            widens = (lifting and looser is True) or (restoring and looser is False)
            yield self._with(policy, id, f"{short}: {said}", altered, widens=widens)
        for rule in rules:
            for number, name in enumerate(rule.exempts):
                left = rule.exempts[:number] + rule.exempts[number + 1 :]
                said = f"{short}: that it exempts `{name.partition('~')[0]}`"
                yield self._with(policy, id, said, [replace(rule, exempts=left)], widens=_restores(rule))
            for number, name in enumerate(rule.excuses):
                left = rule.excuses[:number] + rule.excuses[number + 1 :]
                yield self._with(policy, id, f"{short}: that `{name}` is not owed", [replace(rule, excuses=left)])
            for number, duty in enumerate(rule.duties):
                for said, changed_duty, looser in _duties(duty, self.book):
                    duties = (*rule.duties[:number], changed_duty, *rule.duties[number + 1 :])
                    altered = [replace(rule, duties=duties)]
                    yield self._with(policy, id, f"{short}: {said}", altered, widens=looser is True)

    def _with(self, policy: str, id: str, sentence: str, changed: Sequence[Rule], widens: bool = False) -> Mutant:
        by_key = {rule.key: rule for rule in changed}
        rules = tuple(by_key.get(rule.key, rule) for rule in self.rules.rules)
        return self._mutant(policy, id, sentence, replace(self.rules, rules=rules), widens)

    def _mutant(self, policy: str, place: str, sentence: str, rules: RuleSet, widens: bool = False) -> Mutant:
        file, line = self.places[place]
        return Mutant(policy, file, line, sentence, rules, widens)


def _restores(rule: Rule) -> bool:
    """Whether a rule exempts from what lifts."""
    return rule.key.endswith("~restores")


def _places(bundle: Bundle) -> dict[str, tuple[str, int]]:
    """Where each policy, definition and provision stands: its file and line."""
    places: dict[str, tuple[str, int]] = {}
    for rule in bundle.rules.rules:
        provision = rule.provision
        places[provision.id] = (provision.file, provision.line)
        places[provision.policy] = (provision.file, 1)
    roots: dict[str, Node | None] = {}
    for key in bundle.rules.definitions:
        name = key.partition("!")[0].partition("#")[0]
        policy, _, short = name.partition("/")
        if name in places or policy not in places:
            continue
        if policy not in roots:
            roots[policy] = bundle.written(policy, places[policy][0])
        root = roots[policy]
        assert root is not None
        at = locate(root, ("define", short))[1]  # in the file of its jurisdiction, where several policies share it
        places[name] = (at.file, at.line)
    return places


def _under(rule: Rule, condition: Condition) -> Condition:
    assert isinstance(rule.condition, All)
    return All((rule.condition.parts[0], condition))


def _duties(duty: Duty, book: Phrasebook) -> Iterator[tuple[str, Duty, bool | None]]:
    title = book.text(duty.text)
    for said, due in _dues(duty.due):
        yield f"that “{title}” is due {said}", replace(duty, due=due), None
    if duty.done_when is not None:
        for said, changed, looser in _changes({"": duty.done_when}, book):
            yield f"when “{title}” is done: {said}", replace(duty, done_when=changed[""]), looser


def _dues(due: Due | None) -> Iterator[tuple[str, Due]]:
    match due:
        case Period(within=within):
            for said, longer in _durations(within):
                yield f"within {within} and not {said}", replace(due, within=longer)
        case OnDay(month=month, day=day):
            # In a year without a 29 February; the day before 1 March is then 28 February.
            for step in (-1, 1):
                other = date(2025, month, min(day, 28) if month == 2 else day) + timedelta(days=step)
                said = f"on {day} {MONTHS[month - 1]} and not {other.day} {MONTHS[other.month - 1]}"
                yield said, replace(due, month=other.month, day=other.day)
        case OnDate(day=written):
            for moved in _days(written):
                yield f"on {written} and not {moved}", OnDate(moved)
        case Earliest(parts=parts):
            for number, part in enumerate(parts):
                for said, changed in _dues(part):
                    yield said, Earliest((*parts[:number], changed, *parts[number + 1 :]))


# Conditions


def _changes(conditions: Mapping[str, Condition], book: Phrasebook) -> Iterator[tuple[str, dict[str, Condition], bool | None]]:
    """
    Every change of one condition: what the change takes away, in words, the changed readings, and whether these hold more often.

    The last is None unless a part was dropped. The readings of a condition differ only in how unshown evidence reads.
    """
    first = next(iter(conditions.values()))
    for path, leaf in _leaves(first):
        for said, rewrite in _rewrites(leaf, book):
            changed = {key: _rewritten(condition, path, rewrite) for key, condition in conditions.items()}
            if any(changed[key] != conditions[key] for key in conditions):
                yield said, changed, (_looser(first, path) is not False if rewrite(leaf) is None else None)


def _looser(condition: Condition, path: Path) -> bool | None:
    """Whether a condition holds more often once the part at a path is dropped; None where nothing of the condition is left."""
    if not path:
        return None
    match condition:
        case Not(part=part):
            inner = _looser(part, path[1:])
            return None if inner is None else not inner
        case All(parts=parts):
            return _looser(parts[path[0]], path[1:]) is not False
        case AnyOf(parts=parts):
            inner = _looser(parts[path[0]], path[1:])
            return inner if inner is not None or len(parts) == 1 else False
    raise AssertionError("a path leads through groups only")


def _leaves(condition: Condition, path: Path = ()) -> Iterator[tuple[Path, Atom | Defined]]:
    match condition:
        case Atom() | Defined():
            yield path, condition
        case Not(part=part):
            yield from _leaves(part, (*path, 0))
        case All(parts=parts) | AnyOf(parts=parts):
            for number, part in enumerate(parts):
                yield from _leaves(part, (*path, number))


def _rewrites(leaf: Atom | Defined, book: Phrasebook) -> Iterator[tuple[str, Rewrite]]:
    """The rewrites of a leaf, each with what a test that notices it would defend. What a claim needs is changed once, for the claim."""
    if leaf.key.startswith(NEEDS) if isinstance(leaf, Defined) else leaf.op == "open":
        return
    if isinstance(leaf, Atom) and leaf.fact == AS_OF and isinstance(leaf.operands[0], date):
        word = "from" if leaf.op == "at_least" else "until"
        for moved in _operands(leaf):
            yield f"in force {word} {leaf.operands[0]}, not {moved}", _moving(moved)
        return
    said = f"“{book.phrase(leaf)}”" if isinstance(leaf, Atom) else f"`{leaf.key.partition('!')[0].partition('/')[2]}`"
    yield f"{said}, not its opposite", Not
    yield f"that {said} matters", lambda part: None
    if isinstance(leaf, Atom):
        for moved in _operands(leaf):
            yield f"{said}, not {moved}", _moving(moved)


def _moving(operand: Operand) -> Rewrite:
    def rewrite(part: Condition) -> Condition:
        assert isinstance(part, Atom)
        return replace(part, operands=(operand,))

    return rewrite


def _operands(atom: Atom) -> Iterator[Operand]:
    """The threshold of an atom, moved by one either way; for a day, a length or a rank, those next to it."""
    if atom.op not in ("at_least", "at_most", "more_than", "less_than", "within", "older_than") or not atom.operands:
        return
    match atom.operands[0]:
        case date() as day:
            yield from _days(day)
        case Duration() as length:
            yield from (moved for _, moved in _durations(length))
        case Amount() as amount:
            yield from (amount.plus(step) for step in (-1, 1))
        case Decimal() as number:
            step = HUNDREDTH if atom.type.kind == "ratio" else Decimal(1)
            yield from (number - step, number + step)
        case str() as value if atom.type.values and value in atom.type.values.rank:
            rank = atom.type.values.rank
            yield from (other for other, place in rank.items() if abs(place - rank[value]) == 1)


def _days(day: date) -> Iterator[date]:
    yield from (day + timedelta(days=step) for step in (-1, 1) if date.min < day < date.max)


def _durations(length: Duration) -> Iterator[tuple[str, Duration]]:
    """A length with one unit more or less: a working day where it counts those, an hour where it is not whole days, else a day."""
    for step in (-1, 1):
        if length.working_days:
            moved = replace(length, working_days=length.working_days + step)
        elif length.hours % 24:
            moved = replace(length, hours=length.hours + step)
        else:
            moved = replace(length, hours=length.hours + 24 * step)
        if moved.working_days >= 0 and (moved.months or moved.hours >= 0):
            yield f"{'one more' if step > 0 else 'one less'}", moved


def _rewritten(condition: Condition, path: Path, rewrite: Rewrite) -> Condition:
    """A condition in which the part at a path is rewritten. A condition of which nothing is left always holds."""
    return _descend(condition, path, rewrite) or All(())


def _descend(condition: Condition, path: Path, rewrite: Rewrite) -> Condition | None:
    if not path:
        return rewrite(condition)
    match condition:
        case Not(part=part):
            inner = _descend(part, path[1:], rewrite)
            if isinstance(inner, Not) and isinstance(part, Atom | Defined):
                return inner.part  # denied twice
            return None if inner is None else Not(inner)
        case All(parts=parts) | AnyOf(parts=parts):
            inner = _descend(parts[path[0]], path[1:], rewrite)
            left = (*parts[: path[0]], *(() if inner is None else (inner,)), *parts[path[0] + 1 :])
            return type(condition)(left) if left or isinstance(condition, All) else None
    raise AssertionError("a path leads through groups only")
