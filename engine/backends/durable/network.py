"""
The one door to durable-rules: a forward-matching network over small integers.

Heads go in, each a disjunction of conjunctions of integer tests; for a message, the heads that hold come out. The module
exists because durable-rules 2.0.28 is fast and unforgiving: outside a narrow path it hangs, crashes or answers wrongly.
This module is that path. It drives the C module itself (no Host, so no timer threads); the reasons are in `src/rules/*.c`:

- `assert_fact`, not `post`: an event is consumed by the first rule that matches it.
- A fact's matching branches wait on a stack of 64, and the 512th sibling test fills a table in which the next search
  never ends. `_Tree` counts both for the worst message there can be, and a ruleset ends before either is reached.
- Names in facts and conditions, the engine's own included, are compared by a 32-bit hash only. Ruleset and rule names
  are neither hashed nor looked up: they need not be unique.
- The engine asserts a fact of its own beside ours; a guard atom in every rule and message keeps the two apart.
- There is one sid and one id, for ever: sids are never given back, and a fact is ignored while its id is still there.
- `delete_state` frees a pointer that stays unset until a first action has run. So a state is deleted with its ruleset,
  and only where each message was answered.
"""

from __future__ import annotations

import json
import re
import shlex
import sys
import threading
import weakref
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from importlib import metadata
from math import prod
from pathlib import Path
from typing import Any, NamedTuple, NewType, Protocol, TypeAlias
from urllib.parse import unquote, urlsplit

LOWEST, HIGHEST = -1, 32767
MAX_TERMS = 100  # in a ruleset; looking for the next action walks over all rules
MAX_PENDING = 60  # branches that one message can leave on the engine's stack of 64
MAX_SIBLINGS = 250  # tests that follow one test; the engine's table holds 511
MAX_PROPS = 230  # in a ruleset; with sid, id and guard this is well under the 255 that a fact may have
MAX_DERIVED = 128  # messages of which a ruleset keeps what they derive
MAX_LITERALS = 28  # in a rule; a condition holds under 32 expression nodes

_SID = "0"
_GUARD = "_f"
_FACT = f'{{"sid":"{_SID}","id":"1"}}'
_FACT_OPENS = f'{_FACT[:-1]},"{_GUARD}":1'
_ALWAYS = "0000"  # rule names are four digits, so that each stands at the same place in an action's JSON
_NAME = slice(2, 6)
_OPERATORS = {"==": "$eq", "!=": "$neq", ">=": "$gte", "<=": "$lte"}
# Words that durable-rules knows by their hash; a property that shares one would be read as that word.
_RESERVED = (
    f"{_GUARD} sid id $s $m $i $l $r $and $or $eq $neq $lt $lte $gt $gte $ex $nex $mt $imt $iall $iany"
    " $add $sub $mul $div $forward"
).split()


class EngineUnavailable(ImportError):
    """durable-rules is not installed, or was built in a way this Python cannot load."""


class NetworkError(RuntimeError):
    """The engine failed or its contract was broken. There is no answer, which never means that no head holds."""


class PropertyTest(NamedTuple):
    """
    One literal: a property, an operator (`==`, `!=`, `>=` or `<=`) and a small integer.

    A tuple, since a network is made by looking literals up a million times, and a tuple says its hash the fastest.
    """

    prop: str
    op: str
    value: int

    def holds(self, value: int) -> bool:
        """Whether the test holds of a property that is sent with a value. No test holds of a property that is not sent."""
        match self.op:
            case "==":
                return value == self.value
            case "!=":
                return value != self.value
            case ">=":
                return value >= self.value
        return value <= self.value

    def implies(self, other: PropertyTest) -> bool:
        """Whether the other test holds of every value of which this one holds, because it is the same or a wider limit."""
        if self.prop != other.prop or self.op != other.op:
            return False
        match self.op:
            case ">=":
                return self.value >= other.value
            case "<=":
                return self.value <= other.value
        return self.value == other.value


Term: TypeAlias = tuple[PropertyTest, ...]  # a conjunction; the empty one is always true
Written = NewType("Written", str)  # the JSON of some properties; only `written` makes it from a number
Message: TypeAlias = tuple[Written, int]  # with the bits of the ruleset's tests that hold of it but not certainly


@dataclass(frozen=True, slots=True)
class Head:
    """A head holds where one of its terms is true; without terms it never holds."""

    id: int
    terms: tuple[Term, ...]


def written(prop: str, value: int) -> Written:
    """The JSON of one property. Nothing else reaches the engine, so what is not a small integer is refused here."""
    # `type`, because a bool is an int, and a member of an enumeration may print as its name.
    if type(value) is not int or not LOWEST <= value <= HIGHEST:
        raise NetworkError(f"`{prop}` must be a whole number from {LOWEST} to {HIGHEST}, not {value!r}")
    _check_name(prop)
    return Written(f',"{prop}":{value}')


class _Engine(Protocol):
    """What we use of the C module `durable_rules_engine`, which has no stubs."""

    error: type[Exception]

    def create_ruleset(self, name: str, definition: str, /) -> int: ...
    def delete_ruleset(self, handle: int, /) -> None: ...
    def delete_state(self, handle: int, sid: str, /) -> None: ...
    def assert_fact(self, handle: int, fact: str, /) -> tuple[int, int]: ...
    def retract_fact(self, handle: int, fact: str, /) -> tuple[int, int]: ...
    def start_action_for_state(self, handle: int, state: int, /) -> tuple[str, str] | None: ...
    def complete_and_start_action(self, handle: int, state: int, /) -> str | None: ...


@dataclass(slots=True)
class _Life:
    """What must be known of a network's rulesets when nothing refers to the network any more."""

    handles: list[int] = field(default_factory=list)
    answered: set[int] = field(default_factory=set)  # handles whose state exists and may be deleted
    sound: bool = True


class Ruleset:
    """
    One ruleset of durable-rules.

    `tests` numbers the tests of its rules: a test's bit is 1 shifted by its number. `rules` has the term of each rule by its name.
    """

    def __init__(self, engine: _Engine, life: _Life, name: str, terms: Mapping[Term, int]) -> None:
        self.name = name
        self.tests = {test: number for number, test in enumerate(dict.fromkeys(test for term in terms for test in term))}
        self.rules = {f"{number:04}": term for number, term in enumerate(terms, 1)}
        self.definition = json.dumps({_ALWAYS: _rule(()), **{rule: _rule(term) for rule, term in self.rules.items()}})
        # For each rule: the heads that it derives, and the tests that it rests on.
        self._serves = {rule: (terms[term], sum(1 << self.tests[test] for test in term)) for rule, term in self.rules.items()}
        self._terms = terms
        self._derived: dict[tuple[bytes, int], tuple[int, int]] = {}
        self._engine = engine
        self._life = life
        try:
            self._handle = engine.create_ruleset(name, self.definition)
        except (engine.error, MemoryError) as error:
            raise NetworkError(f"durable-rules refused the ruleset `{name}`: {error!r}") from error
        life.handles.append(self._handle)

    def derives(self, rule: str) -> int:
        """The heads that a rule derives, as bits. The bits above those of all heads are pieces of long terms."""
        return self._serves[rule][0]

    def fire(self, message: Written, unsure: int) -> tuple[int, int]:
        """The heads of the rules that match, as bits: those of rules that rest on no unsure test, and those of all."""
        if not message and () not in self._terms:
            return 0, 0  # none of its tests holds
        # What a ruleset derives is a function of what it is sent. Exchanges that differ say the same to many rulesets.
        key = (blake2b(message.encode(), digest_size=16).digest(), unsure)
        found = self._derived.get(key)
        if found is None:
            if len(self._derived) >= MAX_DERIVED:
                self._derived.clear()
            found = self._derived[key] = self.send(message, unsure)
        return found

    def forget(self) -> None:
        """Forget what messages derived."""
        self._derived.clear()

    def send(self, message: Written, unsure: int) -> tuple[int, int]:
        """The same, although no test may hold. The first message makes the state of the ruleset, of 12 kB a term."""
        engine, handle, serves = self._engine, self._handle, self._serves
        certain = possible = 0
        try:
            code, state = engine.assert_fact(handle, f"{_FACT_OPENS}{message}}}")
            # Another code says "unmatched" or "seen before", and may come with a state that was never set up.
            started = engine.start_action_for_state(handle, state) if code == 0 else None
            # Actions come in the order of the rules, so the rule that is always true leads. Where it is missing, the engine failed.
            if started is None or started[1][_NAME] != _ALWAYS:
                raise NetworkError(f"durable-rules gave no answer in the ruleset `{self.name}`")
            proceed = engine.complete_and_start_action
            action = proceed(handle, state)
            while action:  # {"0017":{"m":{…the fact…}}}
                heads, tests = serves[action[_NAME]]
                possible |= heads
                if not tests & unsure:
                    certain |= heads
                action = proceed(handle, state)
            engine.retract_fact(handle, _FACT)
        except (engine.error, MemoryError) as error:
            raise NetworkError(f"durable-rules failed in the ruleset `{self.name}`: {error!r}") from error
        self._life.answered.add(handle)
        return certain, possible


class Network:
    """
    Which heads a message derives. A set of heads is an integer: bit n is the head whose id is n.

    `name` is for people: errors carry it. `props` are further names that a message may have; they are checked together
    with the tested ones. Heads that share an id are one head. `odds` guesses how often a test holds; it shapes the
    network for speed, and no answer depends on it.

    Threads may share a network; one fires at a time, because several C calls make one answer. Up to 131,071 rulesets
    can live in a process. They take 29 kB a term, and firing adds nothing that stays. A network to which nothing refers
    gives all its memory back, unless it failed: then the state that its messages made stays.

    Raises EngineUnavailable, and NetworkError for a broken contract or a failing engine.
    """

    def __init__(
        self, name: str, heads: Sequence[Head], props: Sequence[str] = (), odds: Callable[[PropertyTest], float] | None = None
    ) -> None:
        tests = [test for head in heads for term in head.terms for test in term]
        _check(tests, props)
        engine = load_engine()
        self._name = name
        self._lock = threading.Lock()
        self._life = _Life()
        # At exit the process gives everything back anyhow, and threads may still be firing.
        weakref.finalize(self, _give_back, engine, self._life).atexit = False

        self._top = 1 << max((head.id + 1 for head in heads), default=0)
        terms, self._joint = _pieces(heads, self._top, odds or _mostly_false)
        self.rulesets = tuple(
            Ruleset(engine, self._life, f"{name}-{number}", _likely_first(batch, odds or _mostly_false))
            for number, batch in enumerate(_batches(terms))
        )

    def fire(self, messages: Sequence[Message]) -> tuple[int, int]:
        """
        Send each ruleset its message: the heads with a certain term, and all heads with a true term.

        A term is certain where each of its tests is: that is Kleene's conjunction. After a failure or an interruption of the engine,
        the network refuses to fire, because a fact may have been left behind.
        """
        with self._lock:
            life = self._life
            if not life.sound:
                raise NetworkError(f"the network `{self._name}` failed earlier and must be built again")
            life.sound = False
            certain = possible = 0
            for ruleset, (message, unsure) in zip(self.rulesets, messages, strict=True):
                sure, may = ruleset.fire(message, unsure)
                certain |= sure
                possible |= may
            life.sound = True
        return (self._joined(certain), self._joined(possible)) if self._joint else (certain, possible)

    def forget(self) -> None:
        """Forget what messages derived."""
        for ruleset in self.rulesets:
            ruleset.forget()

    def set_up(self) -> None:
        """Send each ruleset a message of which no test holds, so that its state is there."""
        with self._lock:
            self._life.sound = False
            for ruleset in self.rulesets:
                ruleset.send(Written(""), 0)
            self._life.sound = True

    def _joined(self, derived: int) -> int:
        for pieces, heads in self._joint:
            if derived & pieces == pieces:
                derived |= heads
        return derived % self._top


def load_engine() -> _Engine:
    """The C module. Raises EngineUnavailable."""
    try:
        import durable_rules_engine
    except ImportError as error:
        # From 3.13 on, the wheel of Fifth Factor brings the module; below, pip builds the distribution.
        what = _origin() if sys.version_info >= (3, 13) else "--no-binary durable-rules durable-rules==2.0.28"
        raise EngineUnavailable(
            f"durable-rules cannot be loaded ({error}): this Python has none, or one that was built for another; install it with:"
            f" {sys.executable} -m pip install --force-reinstall --no-deps --no-cache-dir {what}"
        ) from error
    engine: _Engine = durable_rules_engine
    return engine


def _origin() -> str:
    """What to give to pip: the checkout that runs; else the folder or the wheel that was installed; else the name, for an index."""
    checkout = Path(__file__).parents[3]
    if (checkout / "pyproject.toml").is_file():
        return f"-e {checkout}"
    try:
        noted = json.loads(metadata.distribution("fifthfactor").read_text("direct_url.json") or "{}")
    except (metadata.PackageNotFoundError, ValueError):
        noted = {}
    address = urlsplit(noted.get("url", ""))
    return shlex.quote(unquote(address.path)) if address.scheme == "file" else "fifthfactor"


def _give_back(engine: _Engine, life: _Life) -> None:
    for handle in life.handles:
        if life.sound and handle in life.answered:
            engine.delete_state(handle, _SID)
        engine.delete_ruleset(handle)


def _check(tests: Sequence[PropertyTest], props: Sequence[str]) -> None:
    """No string of a caller reaches the engine, no number but a small one, and no two names that look alike to it."""
    for test in tests:
        if test.op not in _OPERATORS or type(test.value) is not int or not LOWEST <= test.value <= HIGHEST:
            raise NetworkError(f"a test must have an operator and a whole number from {LOWEST} to {HIGHEST}, not {test}")
    owner = {_hash(word): word for word in _RESERVED}
    for prop in sorted({*props, *(test.prop for test in tests)}):
        _check_name(prop)
        if (other := owner.setdefault(_hash(prop), prop)) != prop:
            raise NetworkError(f"durable-rules cannot tell `{prop}` from `{other}`: their hashes are equal")


def _check_name(prop: str) -> None:
    if not re.fullmatch("[a-z]+[0-9]+", prop):
        raise NetworkError(f"a property is named with letters, then digits, such as `f12`, not `{prop}`")


def _hash(name: str) -> int:
    """FNV-1a, 32 bits: all that durable-rules keeps of a name (json.c)."""
    value = 0x811C9DC5
    for byte in name.encode():
        value = ((value ^ byte) * 16777619) & 0xFFFFFFFF
    return value


def _likely_first(terms: Mapping[Term, int], odds: Callable[[PropertyTest], float]) -> dict[Term, int]:
    """The likeliest terms first: for each next action the engine searches all rules from the first one."""
    return {term: terms[term] for term in sorted(terms, key=lambda term: -prod(odds(test) for test in term))}


def _mostly_false(test: PropertyTest) -> float:
    return 0.1 if test.op == "==" else 0.5


def _pieces(
    heads: Sequence[Head], top: int, odds: Callable[[PropertyTest], float]
) -> tuple[dict[Term, int], list[tuple[int, int]]]:
    """
    Terms that fit into a rule, each once, with their heads as bits; and what the pieces of a long term derive together.

    A piece is a term of its own, with a bit from `top` on. Literals and terms are ordered so that many begin with the same literals,
    which the engine then tests once.
    """
    serves: dict[frozenset[PropertyTest], int] = {}
    joint = []
    for head in heads:
        for term in head.terms:
            literals = list(dict.fromkeys(term))
            cuts = range(0, max(len(literals), 1), MAX_LITERALS)
            pieces = [frozenset(literals[cut : cut + MAX_LITERALS]) for cut in cuts]
            if len(pieces) == 1:
                serves[pieces[0]] = serves.get(pieces[0], 0) | 1 << head.id
                continue
            bits = 0
            for piece in pieces:
                serves[piece] = serves.get(piece, 0) | top
                bits |= top
                top <<= 1
            joint.append((bits, 1 << head.id))
    return {term: serves[frozenset(term)] for term in _ordered(list(serves), odds)}, joint


def _ordered(terms: Sequence[frozenset[PropertyTest]], odds: Callable[[PropertyTest], float]) -> Iterator[Term]:
    """
    Terms as sequences of literals, so that many begin with the same literals.

    First comes the literal that settles the most terms by being false. The same is then done for the rest of these terms,
    and for the terms without this literal.
    """

    def walk(left: list[frozenset[PropertyTest]], prefix: Term) -> Iterator[Term]:
        count = Counter(test for term in left for test in term)
        weight = {test: 1 - odds(test) for test in count}
        while left:
            if not count:
                yield prefix  # one term is left and has no more literals; equal terms were merged before
                return
            best = max(count, key=lambda test: (count[test] * weight[test], test.prop, test.op, test.value))
            inside = [term for term in left if best in term]
            left = [term for term in left if best not in term]
            count.subtract(test for term in inside for test in term)
            count += Counter()
            yield from walk([term - {best} for term in inside], (*prefix, best))

    yield from walk(list(terms), ())


@dataclass(slots=True)
class _Tree:
    """The engine's tree of tests, as far as needed to bound the branches that one message can leave pending."""

    below: dict[PropertyTest, _Tree] = field(default_factory=dict)
    matching: dict[str, int] = field(default_factory=dict)  # by property: how many of the next tests can hold at once
    deepest: int = 0

    def pending(self) -> int:
        """
        The most branches that wait while the branches of this node are walked.

        All branches that match are pushed; one is taken and walked to its own depth while the others wait.
        """
        wide = sum(self.matching.values())
        return max(wide, wide - 1 + self.deepest)

    def add(self, term: Term) -> int:
        """Add a term; gives the largest number of siblings on its way."""
        if not term:
            return 0
        test, rest = term[0], term[1:]
        child = self.below.get(test)
        if child is None:
            child = self.below[test] = _Tree()
            tests = [other for other in self.below if other.prop == test.prop]
            values = {test.value + step for test in tests for step in (-1, 0, 1)}
            self.matching[test.prop] = max(sum(test.holds(value) for test in tests) for value in values)
        siblings = max(len(self.below), child.add(rest))
        self.deepest = max(self.deepest, child.pending())
        return siblings


def _batches(terms: Mapping[Term, int]) -> list[dict[Term, int]]:
    """Neighbours together, as many as a ruleset can bear for every message. Several batches have about the same size."""
    batches = list(_filled(terms, MAX_TERMS))
    even = list(_filled(terms, len(terms) // max(len(batches), 1) + 1))
    return even if len(even) == len(batches) else batches


def _filled(terms: Mapping[Term, int], most: int) -> Iterator[dict[Term, int]]:
    batch: dict[Term, int] = {}
    tree = _Tree()
    props: set[str] = set()
    for term, bits in terms.items():
        grown = props | {test.prop for test in term}
        siblings = tree.add(term)
        full = len(batch) == most or len(grown) > MAX_PROPS
        if batch and (full or siblings > MAX_SIBLINGS or tree.pending() > MAX_PENDING):
            yield batch
            batch, grown, tree = {}, {test.prop for test in term}, _Tree()
            tree.add(term)
        batch[term] = bits
        props = grown
    if batch:
        yield batch


def _rule(term: Term) -> dict[str, Any]:
    literals = [{_OPERATORS[test.op]: {test.prop: test.value}} for test in term]
    return {"all": [{"m": {"$and": [{_GUARD: 1}, *literals]}}]}
