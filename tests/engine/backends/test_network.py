"""
The network over durable-rules answers like ten lines of Python, and no known trap of the engine comes back.

The traps are those `network.py` tells of. What could hang or crash a process runs in a child with a time limit.
"""

from __future__ import annotations

import gc
import json
import operator
import os
import random
import subprocess
import sys
import threading
import types
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from enum import IntEnum
from importlib import metadata
from itertools import cycle, islice
from pathlib import Path
from textwrap import dedent
from typing import Any, TypeAlias

import durable_rules_engine
import pytest

from engine.backends.durable import network
from engine.backends.durable.network import EngineUnavailable, Head, Network, NetworkError
from engine.verdict import numbers

pytestmark = pytest.mark.usefixtures("little_to_search")

T = network.PropertyTest
Calls: TypeAlias = list[tuple[Any, ...]]  # of the C module: function, then arguments


COMPARE = {"==": operator.eq, "!=": operator.ne, ">=": operator.ge, "<=": operator.le}


def expected(heads: Sequence[Head], message: Mapping[str, int]) -> set[int]:
    """The meaning: a head holds where all tests of one of its terms do."""

    def holds(term: Sequence[T]) -> bool:
        return all(COMPARE[test.op](message[test.prop], test.value) for test in term)

    return {head.id for head in heads if any(holds(term) for term in head.terms)}


def write(net: Network, message: Mapping[str, int]) -> list[network.Message]:
    """A message as each ruleset is sent it: only what it tests, and all of it certain."""
    tested = [{test.prop for test in ruleset.tests} for ruleset in net.rulesets]
    texts = ["".join(network.written(prop, message[prop]) for prop in sorted(props & message.keys())) for props in tested]
    return [(network.Written(text), 0) for text in texts]


def fire(net: Network, message: Mapping[str, int]) -> set[int]:
    """The heads that the engine derives from a message, all of it certain; nothing is answered from memory."""
    net.forget()
    certain, possible = net.fire(write(net, message))
    assert certain == possible
    return set(numbers(possible))


def rules(net: Network) -> list[dict[str, Any]]:
    """The rulesets as they were given to durable-rules."""
    return [json.loads(ruleset.definition) for ruleset in net.rulesets]


def one_term_each(tests: Sequence[T]) -> list[Head]:
    return [Head(number, ((test,),)) for number, test in enumerate(tests)]


def child(code: str) -> None:
    """Run code in a process of its own; a crash, a hang or an exception there fails the test."""
    names = "from engine.backends.durable.network import *\nfrom tests.engine.backends.test_network import fire, peak\n"
    command = [sys.executable, "-c", names + dedent(code)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(["", *sys.path])}
    run = subprocess.run(command, env=environment, timeout=240, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def peak() -> int:
    """The most that this process ever held of the memory, in kB. (`ru_maxrss` is that of the process that started it, if this had more.)"""
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """Every call that reaches the C module."""
    seen: Calls = []

    def watched(name: str, function: Any) -> Any:
        def call(*args: Any) -> Any:
            seen.append((name, *args))
            return function(*args)

        return call

    functions = {name: watched(name, value) for name, value in vars(durable_rules_engine).items() if callable(value)}
    replace(monkeypatch, **{**functions, "error": durable_rules_engine.error})
    return seen


def replace(monkeypatch: pytest.MonkeyPatch, **functions: Any) -> None:
    engine: Any = types.SimpleNamespace(**{**vars(durable_rules_engine), **functions})
    monkeypatch.setitem(sys.modules, "durable_rules_engine", engine)


# Agreement


def seeds(some: int, all: int) -> list[Any]:
    """The first of all; the others in `make fuzz`."""
    return [*range(some), *(pytest.param(each, marks=pytest.mark.fuzz) for each in range(some, all))]


@pytest.mark.parametrize("seed", seeds(16, 40))
def test_it_answers_like_ten_lines_of_python(seed: int) -> None:
    """Random heads (some never, some always, some long, some equal) and messages give the plain evaluator's answer."""
    draw = random.Random(seed)
    props = [f"{draw.choice('adf')}{number}" for number in range(draw.choice([1, 3, 12, 40, 260]))]
    top = draw.choice([1, 3, 32767])

    def drawn() -> T:
        return T(draw.choice(props), draw.choice(["==", "==", "!=", ">=", "<="]), draw.randint(-1, top))

    def term() -> tuple[T, ...]:
        return tuple(drawn() for _ in range(draw.choice([0, 1, 1, 2, 3, 4, 5, 6, 29, 60])))

    def head(number: int) -> Head:
        return Head(number // draw.choice([1, 1, 2]), tuple(term() for _ in range(draw.randint(0, 3))))

    heads = [head(number) for number in range(draw.choice([0, 5, 100, 300]))]
    net = Network("random", heads, props)
    for _ in range(100):
        message = {prop: draw.randint(-1, top) for prop in props}
        assert fire(net, message) == expected(heads, message)


@pytest.mark.parametrize("seed", seeds(8, 20))
def test_a_head_is_certain_where_every_test_of_a_term_is(seed: int) -> None:
    """Of a message some tests may hold without being certain; a term that rests on one of them is possible only."""
    draw = random.Random(seed)
    props = [f"f{number}" for number in range(30)]
    sizes = [0, 1, 2, 3, 5, 8, 40, 60]
    terms = [tuple(T(draw.choice(props), "!=", draw.choice([0, 2])) for _ in range(draw.choice(sizes))) for _ in range(200)]
    heads = [Head(number % 80, (term,)) for number, term in enumerate(terms)]
    net = Network("unsure", heads)
    for _ in range(50):
        message = {prop: draw.choice([0, *[1] * draw.randint(1, 30), 2]) for prop in props}
        unsure = {T(prop, "!=", other) for prop in props for other in (0, 2) if message[prop] == 1}
        sent = [
            (text, sum(1 << number for test, number in ruleset.tests.items() if test in unsure))
            for ruleset, (text, _) in zip(net.rulesets, write(net, message), strict=True)
        ]
        certain, possible = net.fire(sent)
        assert set(numbers(possible)) == expected(heads, message)
        assert set(numbers(certain)) == expected([h for h in heads if not unsure & set(h.terms[0])], message)


def test_no_heads_no_terms_and_the_empty_term_mean_nothing_never_and_always() -> None:
    """The edges of the disjunction and of the conjunction."""
    assert fire(Network("none", []), {}) == set()
    assert fire(Network("edges", [Head(1, ()), Head(2, ((),)), Head(3, ((), ()))]), {"f9": 1}) == {2, 3}


# The traps of durable-rules


def test_a_fact_is_not_consumed_by_the_first_rule() -> None:
    """A hundred rules that all match are all in the answer."""
    net = Network("all", one_term_each([T(f"f{number}", ">=", 0) for number in range(100)]))
    assert fire(net, {f"f{number}": 7 for number in range(100)}) == set(range(100))


def test_matches_on_branches_of_branches_are_all_found() -> None:
    """What waits on the engine's stack adds up over the depth of its tree; it is counted for the worst message."""
    child("""
        def tests(name, last, count):
            return [*(PropertyTest(f"{name}{n}", "==", 1) for n in range(count)), PropertyTest(last, "==", 1)]
        # The last that matches is walked first, while its siblings wait: so what comes last branches most.
        first, second, third = tests("a", "x1", 29), tests("b", "y1", 19), tests("c", "z1", 19)
        terms = [*((t,) for t in first), *((first[-1], t) for t in second), *((first[-1], second[-1], t) for t in third)]
        heads = [Head(n, (term,)) for n, term in enumerate(terms)]
        true = {test.prop: 1 for test in (*first, *second, *third)}
        assert fire(Network("deep", heads), true) == set(range(70))
    """)


def test_more_matches_than_the_engine_keeps_pending_are_all_found() -> None:
    """Five hundred terms true at once, each a branch of its own, do not end in error 303."""
    child("""
        net = Network("pending", [Head(n, ((PropertyTest("f1", ">=", n), PropertyTest("f2", ">=", n)),)) for n in range(500)])
        for value in (499, 0, 63, 64, 499, -1):
            assert fire(net, {"f1": value, "f2": 499}) == set(range(value + 1))
    """)


def test_two_thousand_tests_of_one_property_neither_hang_nor_mix() -> None:
    """The 512th sibling would make create_ruleset search for ever with the interpreter locked."""
    child("""
        net = Network("siblings", [Head(n, ((PropertyTest("f1", "==", n),),)) for n in range(2000)])
        assert all(fire(net, {"f1": n}) == {n} for n in (*range(0, 2000, 9), 510, 511, 512, 1999)) and fire(net, {"f1": 2000}) == set()
    """)


def test_messages_that_match_nothing_do_not_kill_the_process() -> None:
    """A state that only knows such messages is what `delete_state` dies of; here it is left alone, and answers."""
    child("""
        for _ in range(50):
            net = Network("nothing", [Head(1, ((PropertyTest("f1", "==", 1), PropertyTest("f2", "!=", 1)),))])
            assert [bool(fire(net, {"f1": n % 2, "f2": 0})) for n in range(6)] == [False, True] * 3
            del net
    """)


def test_fifty_thousand_messages_leave_no_memory_behind() -> None:
    """Facts are retracted and the one sid is used again: no growth, and no 1,025th state."""
    child("""
        net = Network("growth", [Head(n, ((PropertyTest(f"f{n}", "==", 1), PropertyTest("f0", ">=", 1)),)) for n in range(20)])
        def grown(times):
            for n in range(times):
                fire(net, {f"f{m}": (n >> m % 10) & 1 for m in range(20)})
            return peak()
        before = grown(2_000)
        assert grown(50_000) < 1.03 * before
    """)


@pytest.mark.parametrize("length", [27, 28, 29, 31, 32, 56, 57, 60, 300])
def test_a_term_holds_where_all_its_literals_do_however_many(length: int) -> None:
    """A term longer than a rule may be, even with more properties than a fact may have, needs each of its literals."""
    tests = [T(f"f{number}", ("==", ">=", "<=")[number % 3], 5) for number in range(length)]
    net = Network("long", [Head(1, (tuple(tests),)), Head(2, (tuple(tests[:30]),)), Head(3, (tuple(tests[:3]),))])
    true = {test.prop: 5 for test in tests}
    assert fire(net, true) == {1, 2, 3}
    for number, test in enumerate(tests):
        false = {**true, test.prop: 4 if test.op == ">=" else 6}
        assert fire(net, false) == {head for head, size in ((1, length), (2, 30), (3, 3)) if number >= size}


def test_three_hundred_properties_fit_although_a_fact_holds_254() -> None:
    """Each ruleset is sent only what it tests, and tests under 240 properties."""
    heads = [Head(n, (tuple(T(f"f{(n + step) % 300}", "==", 1) for step in range(0, 280, 14)),)) for n in range(300)]
    message = {f"f{number}": int(number % 14 != 3) for number in range(300)}
    assert fire(Network("wide", heads), message) == expected(heads, message) != set()


def test_the_engines_own_fact_meets_no_rule(calls: Calls) -> None:
    """Each rule and each message carries the guard, which that fact lacks, so denials and empty terms are safe."""
    net = Network("guard", [Head(1, ((T("f1", "!=", 3),),)), Head(2, ((),))])
    assert [fire(net, {"f1": value}) for value in (3, 4, 3)] == [{2}, {1, 2}, {2}]
    assert all(rule["all"][0]["m"]["$and"][0] == {"_f": 1} for ruleset in rules(net) for rule in ruleset.values())
    assert {json.loads(call[2])["_f"] for call in calls if call[0] == "assert_fact"} == {1}


@pytest.mark.parametrize("prop", ["sid", "id", "_f", "$and", "f", "1", "F1", "f1x", "f 1", 'f"1', "f1.f2", "f١", ""])
def test_only_names_a_compiler_makes_are_taken(prop: str) -> None:
    """Letters, then digits: nothing that durable-rules, or JSON, could read otherwise."""
    with pytest.raises(NetworkError, match="a property is named"):
        Network("names", [Head(1, ((T(prop, "==", 1),),))])
    with pytest.raises(NetworkError, match="a property is named"):
        Network("names", [], [prop])


def test_two_names_with_one_hash_are_refused() -> None:
    """To durable-rules d9638 and j29016 are one property (32-bit FNV-1a), tested or only declared."""
    clash = [T("d9638", "==", 1), T("j29016", "==", 2)]
    for heads, props in ((one_term_each(clash), []), (one_term_each(clash[:1]), ["j29016"]), ([], ["d9638", "j29016"])):
        with pytest.raises(NetworkError, match="cannot tell"):
            Network("clash", heads, props)


class Colour(IntEnum):
    RED = 1


@pytest.mark.parametrize("value", ["1", True, False, 1.0, None, 32768, -2, 10**30, "1" + "x" * 65536, [1], Colour.RED])
def test_only_small_integers_reach_the_engine(value: Any, calls: Calls) -> None:
    """Strings, bools, floats and large numbers are refused in rules and messages; the network stays usable."""
    with pytest.raises(NetworkError):
        Network("values", [Head(1, ((T("f1", "==", value),),))])
    net = Network("values", one_term_each([T("f1", "==", 1)]))
    with pytest.raises(NetworkError, match="f1"):
        fire(net, {"f1": value})
    assert not [call for call in calls if call[0] == "assert_fact"]
    assert fire(net, {"f1": 1, "f2": value}) == {0}


@pytest.mark.parametrize("op", ["==", "!=", ">=", "<="])
def test_no_test_holds_of_what_is_not_sent(op: str) -> None:
    """Whatever its operator; a ruleset that is told nothing derives only what is always so."""
    net = Network("unsent", [Head(1, ((T("f1", op, 0),),)), Head(2, ((T("f1", op, 0), T("f2", "==", 1)),)), Head(3, ((),))])
    assert fire(net, {}) == {3}
    assert fire(net, {"f2": 1}) == {3}


def test_an_unknown_operator_is_a_broken_contract() -> None:
    """It is an exception, not a head that does not hold."""
    with pytest.raises(NetworkError, match="operator"):
        Network("operator", one_term_each([T("f1", ">", 1)]))


def test_threads_may_share_a_network() -> None:
    """Eight threads get their own answers while the interpreter switches at every turn; no timer thread appears."""
    heads = one_term_each([T(f"f{number % 30}", "==", number % 4) for number in range(200)])
    net, threads = Network("threads", heads), set(threading.enumerate())
    messages = [{f"f{number}": (seed * number + seed) % 5 for number in range(30)} for seed in range(40)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda message: fire(net, message), islice(cycle(messages), 4000)))
    finally:
        sys.setswitchinterval(interval)
    assert answers == [expected(heads, message) for message in islice(cycle(messages), 4000)]
    assert set(threading.enumerate()) <= threads  # of other tests some may have ended


# What is built, and what happens when the engine fails


def test_equal_terms_and_equal_literals_become_one_rule(calls: Calls) -> None:
    """Whatever their order; the definition that is printed is the one the engine was given."""
    a, b = T("f1", "==", 1), T("f2", "<=", 2)
    net = Network("collapse", [Head(1, ((a, b), (b, a))), Head(2, ((b, a, a),)), Head(3, ((a,),))])
    assert [len(ruleset) for ruleset in rules(net)] == [3]  # (a, b), (a,) and the always-true one
    assert rules(net) == [json.loads(call[2]) for call in calls if call[0] == "create_ruleset"]
    assert [fire(net, {"f1": 1, "f2": value}) for value in (2, 3)] == [{1, 2, 3}, {3}]


def test_rulesets_stay_small_and_are_sent_only_what_they_test(calls: Calls) -> None:
    """As many terms as one message can make true, evenly, beside the always-true one; no property that none of them tests."""
    net = Network("small", one_term_each([T(f"f{n}", "==", 1) for n in range(130)]))
    assert fire(net, {f"f{n}": 0 for n in range(140)}) == set()
    assert [len(json.loads(call[2])) for call in calls if call[0] == "create_ruleset"] == [45, 45, 43]
    sent = [set(json.loads(call[2])) - {"sid", "id", "_f"} for call in calls if call[0] == "assert_fact"]
    assert sum(map(len, sent)) == len(set().union(*sent)) == 130


@pytest.mark.parametrize("function", ["assert_fact", "start_action_for_state", "complete_and_start_action", "retract_fact"])
@pytest.mark.parametrize("failure", [durable_rules_engine.error("303"), MemoryError(), KeyboardInterrupt()])
def test_after_a_failure_the_network_gives_no_more_answers(
    function: str, failure: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error of the engine is a NetworkError; an interruption passes through; both may have left a fact, and a state, behind."""
    deleted: list[str] = []

    def fails(handle: int, rest: Any) -> None:
        raise failure

    replace(monkeypatch, **{function: fails, "delete_state": lambda handle, sid: deleted.append(sid)})
    net = Network("failing", one_term_each([T("f1", "==", 1)]))
    with pytest.raises(KeyboardInterrupt if isinstance(failure, KeyboardInterrupt) else NetworkError):
        fire(net, {"f1": 1})
    with pytest.raises(NetworkError, match="built again"):
        fire(net, {"f1": 1})
    del net
    gc.collect()
    assert deleted == []


def test_what_a_ruleset_derived_is_kept_by_its_message(calls: Calls) -> None:
    """The engine is asked once for each message and what of it is unsure, until that is forgotten or there are too many."""
    net = Network("kept", one_term_each([T("f1", "==", 1), T("f2", "==", 1)]))

    def asked(f1: int, unsure: int = 0) -> tuple[tuple[int, int], int]:
        before = len(calls)
        ((message, _),) = write(net, {"f1": f1, "f2": 1})
        found = net.fire([(message, unsure)])
        return found, [call[0] for call in calls[before:]].count("assert_fact")

    assert asked(1) == ((3, 3), 1)
    assert asked(0) == ((2, 2), 1)
    assert asked(1) == ((3, 3), 0)
    assert asked(1, unsure=1 << net.rulesets[0].tests[T("f1", "==", 1)]) == ((2, 3), 1)
    assert asked(1) == ((3, 3), 0)
    for number in range(2, network.MAX_DERIVED + 2):
        asked(number)
    assert asked(1) == ((3, 3), 1)
    net.forget()
    assert asked(1) == ((3, 3), 1)


def test_networks_come_and_go_without_growth() -> None:
    """A network that answered gives all of its memory back, so that bundles may be loaded again and again."""
    child("""
        def build(times):
            for n in range(times):
                net = Network("passing", [Head(m, ((PropertyTest(f"f{m}", "==", 1), PropertyTest("f0", ">=", 1)),)) for m in range(50)])
                assert fire(net, {f"f{m}": 1 for m in range(50)}) == set(range(50))
            return peak()
        before = build(50)
        assert build(1_000) < 1.1 * before
    """)


@pytest.mark.parametrize(("function", "answer"), [("start_action_for_state", None), ("assert_fact", (1, 1))])
def test_silence_of_the_engine_is_not_no(function: str, answer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the always-true rule gave no answer, no rule was heard."""
    replace(monkeypatch, **{function: lambda handle, rest: answer})
    net = Network("silent", one_term_each([T("f1", "==", 1)]))
    with pytest.raises(NetworkError, match="gave no answer in the ruleset `silent-0`"):
        fire(net, {"f1": 2})
    with pytest.raises(NetworkError, match="built again"):
        fire(net, {"f1": 1})


def test_a_ruleset_the_engine_refuses_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """At construction, in one sentence."""

    def create(name: str, rules: str) -> int:
        raise durable_rules_engine.error("error code: 113")

    replace(monkeypatch, create_ruleset=create)
    with pytest.raises(NetworkError, match=r"refused the ruleset `eu-0`: .*error code: 113"):
        Network("eu", one_term_each([T("f1", "==", 1)]))


def test_networks_nobody_holds_give_their_rulesets_back(calls: Calls) -> None:
    """Many networks, even of one name, live side by side; dropped ones are deleted once, with the state they answered from."""
    nets = [Network("same", one_term_each([T("f1", "==", number)])) for number in range(300)]
    assert [fire(net, {"f1": 7}) for net in nets].count({0}) == 1
    made = [call for call in calls if call[0] == "create_ruleset"]
    del nets
    gc.collect()
    assert len({call[1] for call in calls if call[0] == "delete_ruleset"}) == len(made) == 300
    assert [call[2] for call in calls if call[0] == "delete_state"] == ["0"] * 300
    assert {call[0] for call in calls} <= set(dir(network._Engine))


def test_without_the_engine_the_error_says_what_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """An ImportError with the command that compiles durable-rules for this very Python."""
    monkeypatch.setitem(sys.modules, "durable_rules_engine", None)
    with pytest.raises(EngineUnavailable) as caught:
        Network("absent", [])
    assert isinstance(caught.value, ImportError)
    newer = sys.version_info >= (3, 13)
    what = f"-e {Path(__file__).parents[3]}" if newer else "--no-binary durable-rules durable-rules==2.0.28"
    assert str(caught.value).endswith(f"{sys.executable} -m pip install --force-reinstall --no-deps --no-cache-dir {what}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("noted", "what"),
    [
        ('{"dir_info": {}, "url": "file:///srv/a%20checkout"}', "'/srv/a checkout'"),
        ('{"archive_info": {}, "url": "file:///srv/fifthfactor-1.0.0-cp313-cp313-linux_x86_64.whl"}',
         "/srv/fifthfactor-1.0.0-cp313-cp313-linux_x86_64.whl"),
        (None, "fifthfactor"),
        ("{", "fifthfactor"),
    ],
)  # fmt: skip
def test_what_to_install_again_is_what_was_installed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, noted: str | None, what: str
) -> None:
    """The folder or the wheel that pip noted; the name only where it came from an index."""
    monkeypatch.setattr(network, "__file__", str(tmp_path / "site-packages" / "engine" / "backends" / "durable" / "network.py"))
    monkeypatch.setattr(metadata, "distribution", lambda name: types.SimpleNamespace(read_text=lambda file: noted))
    assert network._origin() == what
