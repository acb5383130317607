"""The comparison with other engines: what they are told, and that a wrong answer does not pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from engine.rules import All, AnyOf, Atom, Condition, Not
from engine.values.outcome_levels import Level
from tests.bench.compare import OURS, Answer, answers, theirs, wrong
from tests.bench.peers import COMPLEMENTS, Policy
from tests.bench.rules import ALL_PRESENT, FACTS, SCOPED, SETTINGS, SOME_MISSING, Setting, Workload, workload
from tests.bench.timing import Contender, measure, ratio

ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "at_least": lambda a, b: a >= b,
    "at_most": lambda a, b: a <= b,
    "more_than": lambda a, b: a > b,
    "less_than": lambda a, b: a < b,
}


class InPython:
    """A peer as plain as can be: it walks the conditions peers are told, and reads a test of a missing fact as `guess`."""

    name = "in Python"
    guess = False

    def __init__(self, policies: Sequence[Policy], complete: bool) -> None:
        self.rules = [rule for policy in policies for rule in policy.whole()]
        self.complete = complete

    def matched(self, document: dict[str, Any]) -> list[str]:
        return [key for key, condition in self.rules if self.holds(condition, document)]

    def holds(self, condition: Condition, document: dict[str, Any]) -> bool:
        match condition:
            case All(parts=parts):
                return all(self.holds(part, document) for part in parts)
            case AnyOf(parts=parts):
                return any(self.holds(part, document) for part in parts)
            case Not(part=part):
                return not self.holds(part, document)
        assert isinstance(condition, Atom)
        group, _, last = condition.fact.partition(".")
        value = document.get(group, {}).get(last)
        if value is None:
            assert not self.complete
            return self.guess
        if condition.op in ORDER:
            return ORDER[condition.op](value, condition.operands[0])
        return bool(set(value) & set(condition.operands)) if condition.op == "has" else value in condition.operands


class Hopeful(InPython):
    guess = True


def right(work: Workload) -> list[Answer]:
    return answers(OURS["reference"](work))


def saying(name: str, said: Sequence[Answer]) -> Contender:
    """An engine that gives these answers in turn."""
    return Contender(name, 0, said.__getitem__, range(len(said)))


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
@pytest.mark.parametrize("peer", [InPython, Hopeful])
def test_peers_are_told_what_the_rules_say(setting: Setting, peer: type[InPython]) -> None:
    """Read plainly, the peers' conditions give the reference's answers; how a missing fact is guessed makes none wrong."""
    work = workload(setting, 100, exchanges=40)
    assert not wrong(theirs(peer, work), right(work))


def test_a_negated_comparison_is_its_complement() -> None:
    """Peers are told `less_than` for `not at_least`: below, at and above the cut, one of the two holds."""
    for operator, opposite in COMPLEMENTS.items():
        assert all(ORDER[operator](value, 10) is not ORDER[opposite](value, 10) for value in (9, 10, 11))


def test_a_missing_fact_leaves_rules_open() -> None:
    """With facts missing, guesses give different answers, so the comparison does leave something out, and only there."""
    for setting, differ in ((ALL_PRESENT, False), (SOME_MISSING, True)):
        work = workload(setting, 100, exchanges=50)
        assert (answers(theirs(InPython, work)) != answers(theirs(Hopeful, work))) is differ


@pytest.mark.parametrize("engine", ["durable", "bitset", "checked", "checked, nothing hits"])
def test_our_engines_answer_the_made_up_exchanges_alike(engine: str) -> None:
    """Every engine of ours gives the reference's answers, bounds included."""
    work = workload(SOME_MISSING, 30, exchanges=30)
    assert not wrong(OURS[engine](work), right(work))


def test_about_one_rule_in_27_stands() -> None:
    """43 facts, 3.7 % of the rules standing, and few policies touched where they are scoped."""
    assert len(FACTS) + 1 == 43  # and `act.kind`
    shares = {}
    for setting in (ALL_PRESENT, SCOPED):
        said = right(workload(setting, 100, exchanges=80))
        shares[setting] = sum(len(answer.certain) for answer in said) / 100 / len(said)
    assert 0.03 < shares[ALL_PRESENT] < 0.045
    assert 0.001 < shares[SCOPED] < 0.008


def test_a_smaller_workload_is_the_beginning_of_a_larger() -> None:
    """The same exchanges and, of the rules, the first: so that growth is measured on the same kind of rules."""
    small, large = (workload(ALL_PRESENT, size, exchanges=5) for size in (20, 60))
    assert small.documents == large.documents
    conditions = [
        {
            rule.key.partition("/")[2]: repr(rule.condition.parts[1:])
            for rule in work.bundle.rules.rules
            if isinstance(rule.condition, All)
        }
        for work in (small, large)
    ]
    assert len(conditions[0]) == 20
    assert conditions[0].items() <= conditions[1].items()


ANSWER = Answer(["a"], ["a", "b"], Level.REVIEW, Level.REQUIREMENTS_UNMET)


@pytest.mark.parametrize(
    ("given", "accepted"),
    [
        (Answer(["a"], ["a"], Level.REVIEW, Level.REVIEW), True),
        (Answer(["b", "a"], ["b", "a"], Level.REQUIREMENTS_UNMET, Level.REQUIREMENTS_UNMET), True),
        (Answer([], [], Level.REVIEW, Level.REVIEW), False),
        (Answer(["a", "c"], ["a", "c"], Level.REVIEW, Level.REVIEW), False),
        (Answer(["a", "a"], ["a", "a"], Level.REVIEW, Level.REVIEW), False),
        (Answer(["a"], ["a"], Level.PERMITTED, Level.PERMITTED), False),
        (Answer(["a"], ["a"], Level.PROHIBITED, Level.PROHIBITED), False),
    ],
    ids=["the certain", "the possible", "one too few", "one too many", "one twice", "too mild", "too strict"],
)
def test_a_peer_is_held_to_what_is_settled(given: Answer, accepted: bool) -> None:
    """What certainly stands must be named, what cannot stand must not, none twice, and the level within the bounds."""
    assert (not wrong(saying("a peer", [given]), [ANSWER])) is accepted


@pytest.mark.parametrize("change", [{"certain": []}, {"possible": ["a"]}, {"low": Level.PERMITTED}, {"high": Level.PROHIBITED}])
def test_our_engines_are_held_to_everything(change: dict[str, Any]) -> None:
    """Any difference from the reference is a wrong answer."""
    assert not wrong(saying("bitset", [ANSWER]), [ANSWER])
    assert wrong(saying("bitset", [replace(ANSWER, **change)]), [ANSWER])


def test_everyone_is_timed_in_every_round() -> None:
    """Each round gives each contender one block, of as many decisions as it was found to be fast; a ratio is of equal rounds."""
    fast = Contender("fast", 0, lambda n: n, range(7))
    slow = Contender("slow", 0, lambda n: sum(range(n)), [100_000])
    measure([fast, slow], 0.2)
    assert len(fast.cpu) == len(slow.cpu) >= 1
    assert [len(one.times) for one in (fast, slow)] == [len(one.cpu) * one.block for one in (fast, slow)]
    assert fast.block > slow.block
    assert ratio(slow, fast) > 1 > ratio(fast, slow)
