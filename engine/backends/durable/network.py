"""
The one door to durable-rules: a forward-matching network over small integers.

In go heads, each a disjunction of conjunctions of integer tests; out comes, for a message, which heads hold. It exists
because durable-rules 2.0.28 is fast and unforgiving: beside a narrow path it hangs, crashes or answers wrongly. This
module is that path. It drives the C module itself (no Host, so no timer threads); the reasons are in `src/rules/*.c`:

- `assert_fact`, not `post`: an event is consumed by the first rule that matches it.
- A fact pushes its matching branches on a stack of 64, and the 512th sibling test fills a table in which the next
  search never ends. A ruleset of 60 terms has at most 60 branches and 60 siblings.
- Names in facts and conditions, the engine's own included, are compared by a 32-bit hash only. Ruleset and rule names
  are neither hashed nor looked up: they need not be unique.
- The engine asserts a fact of its own beside ours; a guard atom in every rule and message keeps the two apart.
- One sid and one id, for ever: sids are never given back, and a fact under an id still there is ignored.
- `delete_state` frees a pointer that stays unset until a first action has run. It is never called.
"""

from __future__ import annotations

import json
import re
import sys
import threading
import weakref
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

LOWEST, HIGHEST = -1, 32767
MAX_TERMS = 60  # in a ruleset
MAX_PROPS = 230  # in a ruleset; with sid, id and guard still well under the 255 of a fact
MAX_LITERALS = 28  # in a rule; a condition holds under 32 expression nodes

_GUARD, _ALWAYS = "_f", "always"
_FACT = '{"sid":"0","id":"1"}'
_FACT_OPENS = f'{_FACT[:-1]},"{_GUARD}":1'
_OPERATORS = {"==": "$eq", "!=": "$neq", ">=": "$gte", "<=": "$lte"}
# Words that durable-rules knows by their hash; a property that shares one would be read as that word.
_RESERVED = (
    f"{_GUARD} sid id $s $m $i $l $r $and $or $eq $neq $lt $lte $gt $gte $ex $nex $mt $imt $iall $iany"
    " $add $sub $mul $div $forward"
).split()


class EngineUnavailable(ImportError):
    """durable-rules is not installed, or was built in a way this Python cannot load."""


class NetworkError(RuntimeError):
    """The engine failed or its contract was broken. There is no answer; that never means that no head holds."""


@dataclass(frozen=True, slots=True)
class Test:
    """One literal: a property, an operator (`==`, `!=`, `>=` or `<=`) and a small integer."""

    prop: str
    op: str
    value: int


Term: TypeAlias = tuple[Test, ...]  # a conjunction; the empty one is always true


@dataclass(frozen=True, slots=True)
class Head:
    """What holds where one of its terms is true; without terms it never does."""

    id: int
    terms: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class _Ruleset:
    name: str
    handle: int
    definition: str  # the very JSON the engine was given
    props: tuple[str, ...]  # what its rules test, so all it is sent


class _Engine(Protocol):
    """What we use of the C module `durable_rules_engine`, which has no stubs."""

    error: type[Exception]

    def create_ruleset(self, name: str, definition: str, /) -> int: ...
    def delete_ruleset(self, handle: int, /) -> None: ...
    def assert_fact(self, handle: int, fact: str, /) -> tuple[int, int]: ...
    def retract_fact(self, handle: int, fact: str, /) -> tuple[int, int]: ...
    def start_action_for_state(self, handle: int, state: int, /) -> tuple[str, str] | None: ...
    def complete_and_start_action(self, handle: int, state: int, /) -> str | None: ...


class Network:
    """
    Which heads a message derives.

    `name` is for people: errors carry it. `props` are further names a message may have; they are checked together with
    the tested ones and never sent. Heads that share an id are one head.

    Threads may share a network; one fires at a time, because several C calls make one answer. Up to 131,071 rulesets
    can live in a process. They take 29 kB a term, and firing adds nothing that stays. A network that nobody holds gives
    its rulesets back (`delete_ruleset` reads nothing that could be unset, so it is safe in every state), but the engine
    keeps what the first message made it allocate: 13 kB a term and 80 kB a ruleset. So build networks per bundle, never
    per request.

    Raises EngineUnavailable, and NetworkError for a broken contract or a failing engine.
    """

    def __init__(self, name: str, heads: Sequence[Head], props: Sequence[str] = ()) -> None:
        tests = [test for head in heads for term in head.terms for test in term]
        _check(tests, props)
        self._engine = _load_engine()
        self._name = name
        self._props = sorted({test.prop for test in tests})
        self._lock = threading.Lock()
        self._sound = True
        self._rulesets: list[_Ruleset] = []
        handles: list[int] = []
        # At exit the process gives everything back anyhow, and threads may still be firing.
        weakref.finalize(self, _give_back, self._engine, handles).atexit = False

        whole, joint = _pieces(heads, tests)
        # A rule's name tells a reader of the definition which heads it serves.
        rule_of = {piece: f"r{number}{_serves(ids)}" for number, (piece, ids) in enumerate(whole.items())}
        self._derives = {rule_of[piece]: frozenset(ids) for piece, ids in whole.items()}
        self._joint = [(frozenset(rule_of[piece] for piece in pieces), ids) for pieces, ids in joint.items()]
        for number, batch in enumerate(_batches(whole)):
            definition = json.dumps({_ALWAYS: _rule(())} | {rule_of[piece]: _rule(piece) for piece in batch})
            ruleset_name = f"{name}-{number}"
            try:
                handles.append(self._engine.create_ruleset(ruleset_name, definition))
            except (self._engine.error, MemoryError) as error:
                raise NetworkError(f"durable-rules refused the ruleset `{ruleset_name}`: {error!r}") from error
            tested = sorted({test.prop for piece in batch for test in piece})
            self._rulesets.append(_Ruleset(ruleset_name, handles[-1], definition, tuple(tested)))

    def fire(self, message: Mapping[str, int]) -> frozenset[int]:
        """
        The ids of the heads with at least one true term.

        Every property a head tests must be in the message, as an int from -1 to 32767; others are not looked at.
        After an engine failure, or an interruption within, the network refuses: a fact may have been left behind.
        """
        parts = self._parts(message)
        with self._lock:
            if not self._sound:
                raise NetworkError(f"the network `{self._name}` failed earlier and must be built again")
            self._sound = False
            fired = {rule for ruleset in self._rulesets for rule in self._fired(ruleset, parts)}
            self._sound = True
        heads = {head for rule in fired for head in self._derives[rule]}
        heads.update(head for rules, ids in self._joint if rules <= fired for head in ids)
        return frozenset(heads)

    def definition(self) -> list[dict[str, Any]]:
        """The rulesets as they were given to durable-rules, for printing."""
        return [json.loads(ruleset.definition) for ruleset in self._rulesets]

    def _parts(self, message: Mapping[str, int]) -> dict[str, str]:
        """The JSON of each property, written once for all rulesets and checked before any of it reaches the engine."""
        parts: dict[str, str] = {}
        for prop in self._props:
            value = message.get(prop)
            # `type`, for a bool is an int, and an enumeration may print as its name.
            if type(value) is not int or not LOWEST <= value <= HIGHEST:
                raise NetworkError(f"`{prop}` must be a whole number from {LOWEST} to {HIGHEST}, not {value!r}")
            parts[prop] = f',"{prop}":{value}'
        return parts

    def _fired(self, ruleset: _Ruleset, parts: Mapping[str, str]) -> list[str]:
        """The rules that match, without the always-true one: its absence is an engine failure, never silence."""
        engine, handle = self._engine, ruleset.handle
        fired: list[str] = []
        try:
            code, state = engine.assert_fact(handle, f"{_FACT_OPENS}{''.join(map(parts.__getitem__, ruleset.props))}}}")
            # Another code says "unmatched" or "seen before", and may come with a state that was never set up.
            started = engine.start_action_for_state(handle, state) if code == 0 else None
            action = started[1] if started else None
            while action:  # {"rule":{"m":{…the fact…}}}
                fired.append(action[2 : action.index('"', 2)])
                action = engine.complete_and_start_action(handle, state)
            engine.retract_fact(handle, _FACT)
        except (engine.error, MemoryError) as error:
            raise NetworkError(f"durable-rules failed in the ruleset `{ruleset.name}`: {error!r}") from error
        # Actions come in the order of the rules, so the always-true one leads.
        if fired[:1] != [_ALWAYS]:
            raise NetworkError(f"durable-rules gave no answer in the ruleset `{ruleset.name}`")
        return fired[1:]


def _load_engine() -> _Engine:
    try:
        import durable_rules_engine
    except ImportError as error:
        raise EngineUnavailable(
            f"durable-rules cannot be loaded ({error}); run: CPPFLAGS=-DPyEval_CallObject=PyObject_CallObject"
            f" {sys.executable} -m pip install --no-binary durable-rules --force-reinstall --no-deps --no-cache-dir"
            " durable-rules==2.0.28"
        ) from error
    engine: _Engine = durable_rules_engine
    return engine


def _give_back(engine: _Engine, handles: list[int]) -> None:
    for handle in handles:
        engine.delete_ruleset(handle)


def _check(tests: Sequence[Test], props: Sequence[str]) -> None:
    """No string of a caller and no number but a small one reaches the engine, and no two names look alike to it."""
    for test in tests:
        if test.op not in _OPERATORS or type(test.value) is not int or not LOWEST <= test.value <= HIGHEST:
            raise NetworkError(f"a test has an operator and a whole number from {LOWEST} to {HIGHEST}, unlike {test}")
    owner = {_hash(word): word for word in _RESERVED}
    for prop in sorted({*props, *(test.prop for test in tests)}):
        if not re.fullmatch("[a-z]+[0-9]+", prop):
            raise NetworkError(f"a property is named by letters and digits, such as `f12`, not `{prop}`")
        if (other := owner.setdefault(_hash(prop), prop)) != prop:
            raise NetworkError(f"durable-rules cannot tell `{prop}` from `{other}`: their hashes are equal")


def _hash(name: str) -> int:
    """FNV-1a, 32 bits: all that durable-rules keeps of a name (json.c)."""
    value = 0x811C9DC5
    for byte in name.encode():
        value = ((value ^ byte) * 16777619) & 0xFFFFFFFF
    return value


def _pieces(heads: Sequence[Head], tests: Iterable[Test]) -> tuple[dict[Term, set[int]], dict[tuple[Term, ...], set[int]]]:
    """
    Terms that fit a rule, each once, with their heads; and long terms, as pieces that must all fire, with theirs.

    A piece of a long term is a term that derives nothing by itself. Literals and terms are sorted so that the engine
    shares what they begin with: equalities first, as they are mostly false, and of these the most used, for then one
    false test settles many terms. Measured on 1,000 heads: two to three times as fast as the rarest first.
    """
    uses = Counter(tests)
    rank = {test: (test.op != "==", -count, test.prop, test.op, test.value) for test, count in uses.items()}
    whole: dict[Term, set[int]] = {}
    joint: dict[tuple[Term, ...], set[int]] = {}
    for head in heads:
        for term in head.terms:
            literals = sorted(set(term), key=rank.__getitem__)
            cuts = range(0, max(len(literals), 1), MAX_LITERALS)
            pieces = tuple(tuple(literals[cut : cut + MAX_LITERALS]) for cut in cuts)
            for piece in pieces:
                whole.setdefault(piece, set())
            (whole[pieces[0]] if len(pieces) == 1 else joint.setdefault(pieces, set())).add(head.id)
    return {piece: whole[piece] for piece in sorted(whole, key=lambda term: [rank[test] for test in term])}, joint


def _serves(ids: set[int]) -> str:
    return f": {', '.join(map(str, sorted(ids)))}" if ids else ": a part"


def _batches(terms: Iterable[Term]) -> Iterator[list[Term]]:
    """Neighbours together, as many as a ruleset bears."""
    batch: list[Term] = []
    props: set[str] = set()
    for term in terms:
        grown = props | {test.prop for test in term}
        if batch and (len(batch) == MAX_TERMS or len(grown) > MAX_PROPS):
            yield batch
            batch, grown = [], {test.prop for test in term}
        batch.append(term)
        props = grown
    if batch:
        yield batch


def _rule(term: Term) -> dict[str, Any]:
    literals = [{_OPERATORS[test.op]: {test.prop: test.value}} for test in term]
    return {"all": [{"m": {"$and": [{_GUARD: 1}, *literals]}}]}
