"""
What the durable back end saves itself: questions, readings, conditions. None of it may change an answer.

The answers themselves are held to the reference by `test_cases` and `test_agreement`.
"""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

import engine
from engine.authoring.testing import build
from engine.backends.durable import Durable, condition_lowering, messages, program
from engine.backends.durable.network import Message, Network
from engine.backends.reference import Reference
from engine.rules import All, AnyOf, Condition, Truth, atoms
from tests.engine.backends.random_bundles import AS_OF, Maker, read
from tests.engine.backends.test_cases import VOCABULARY, policy


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the networks that are asked."""
    names: list[str] = []
    fire = Network.fire

    def watched(self: Network, sent: list[Message]) -> tuple[int, int]:
        names.append(self.rulesets[0].name.rpartition("-")[0])
        return fire(self, sent)

    monkeypatch.setattr(Network, "fire", watched)
    return names


@pytest.fixture(scope="module")
def bundle() -> engine.Bundle:
    return engine.load(engine.bundled_policies())


def differences(bundle: engine.Bundle, durable: Durable, exchanges: list[tuple[engine.Exchange, date]]) -> list[str]:
    reference = Reference(bundle.rules)
    return [
        text
        for exchange, day in exchanges
        for text in reference.evaluate(exchange, day).differences(durable.evaluate(exchange, day))
    ]


@pytest.mark.parametrize("seed", range(6))
def test_what_is_remembered_and_forgotten_changes_no_answer(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exchanges come again on other days and after their values were forgotten; the tables never outgrow their bound."""
    monkeypatch.setattr(messages, "MAX_REMEMBERED", 3)
    monkeypatch.setattr(program, "DERIVED", 3)
    maker, draw = Maker(seed), random.Random(seed)
    bundle = maker.bundle()
    durable = Durable(bundle.rules)
    exchanges = [read(bundle, maker.exchange()) for _ in range(12)]
    days = [AS_OF + timedelta(days=days) for days in (-400, -1, 0, 1, 400)]
    assert differences(bundle, durable, [(draw.choice(exchanges), draw.choice(days)) for _ in range(120)]) == []
    told = durable._program._messages
    tables: list[dict[Any, Any]] = [each.remembered for each in told._sources]
    tables += [*(each.selections for each in told._rulesets), *(each._remembered for each in told._heads)]
    tables += [step.derived for step in durable._program._all_steps()]
    assert max(map(len, tables)) <= 3


@pytest.mark.parametrize(("room", "added"), [(1, 0), (3, 1), (1000, 1000)])
def test_what_is_written_out_and_what_is_derived_first_is_one(room: int, added: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Definitions as heads, each in a layer of its own, or multiplied out into every rule: the answers are the same."""
    monkeypatch.setattr(condition_lowering.Lowering.terms, "__defaults__", (True, room))
    monkeypatch.setattr(condition_lowering.Lowering.head, "__defaults__", (room,))
    monkeypatch.setattr(condition_lowering, "MAX_ADDED", added)
    found = []
    for seed in range(10):
        maker = Maker(seed)
        bundle = maker.bundle()
        found += differences(bundle, Durable(bundle.rules), [(read(bundle, maker.exchange()), AS_OF) for _ in range(15)])
    assert found == []


def test_a_law_that_cannot_apply_is_not_asked(bundle: engine.Bundle, asked: list[str]) -> None:
    """Of the groups of jurisdictions only those are asked one of whose policies may apply, on any day and of any exchange."""
    reference, durable = Reference(bundle.rules), Durable(bundle.rules)
    places = {rule.provision.policy: rule.provision.jurisdiction for rule in bundle.rules.rules}
    seen: set[str] = set()
    for origin, goal, day in (("CN", "CN", date(1900, 1, 1)), ("CN", "CN", AS_OF), ("BR", "JP", AS_OF), ("US", "CN", AS_OF)):
        sent = {
            "exporter": {"country": origin},
            "recipient": {"country": goal},
            "data": {"personal": True, "people_in": [origin]},
        }
        exchange = engine.parse_exchange(bundle, json.dumps(sent).encode())
        defined = reference.evaluate(exchange, day).defined
        may_apply = {place for policy, place in places.items() if defined[f"{policy}#applies"] is not Truth.NO}
        asked.clear()
        durable.evaluate(exchange, day)
        of_laws = [set(name.partition("-")[0].split("+")) for name in asked if not name.startswith("first")]
        assert all(group & may_apply for group in of_laws)
        assert set().union(*of_laws) < set(places.values())
        seen = seen.union(*of_laws)
    assert {"CN", "BR", "US"} <= seen


def test_where_an_exchange_is_silent_nothing_is_asked_twice(bundle: engine.Bundle, asked: list[str]) -> None:
    """What is derived where no fact is told is derived once for all exchanges; where one is told, it is asked."""
    durable = Durable(bundle.rules)
    nothing = engine.parse_exchange(bundle, b"{}")
    verdict = durable.evaluate(nothing, AS_OF)
    first = len([name for name in asked if "stratum" not in name])
    asked.clear()
    assert verdict.agrees(durable.evaluate(nothing, AS_OF))
    assert first
    assert not [name for name in asked if "stratum" not in name]
    durable.evaluate(engine.parse_exchange(bundle, b'{"exporter": {"country": "CN"}}'), AS_OF)
    assert [name for name in asked if name.startswith("first")]


def test_definitions_are_derived_when_one_is_read(bundle: engine.Bundle, asked: list[str]) -> None:
    """What every decision reads is known; the rest is asked once a verdict, and whole."""
    exchange = engine.parse_exchange(bundle, b'{"exporter": {"country": "CN"}, "data": {"personal": true}}')
    verdict, meant = Durable(bundle.rules).evaluate(exchange, AS_OF), Reference(bundle.rules).evaluate(exchange, AS_OF).defined
    asked.clear()
    assert verdict.defined["subject/personal"] is meant["subject/personal"]
    assert asked == []
    assert verdict.defined["cn.pipl/within-reach"] is meant["cn.pipl/within-reach"]
    once = len(asked)
    assert once > 0
    assert dict(verdict.defined) == dict(meant)
    assert len(asked) == once
    with pytest.raises(KeyError):
        verdict.defined["subject/nothing"]


def test_what_a_condition_that_came_with_the_data_tests_is_always_known(bundle: engine.Bundle, asked: list[str]) -> None:
    """Decisions on data that came with conditions need no networks of their own."""
    tested = sorted({rule.travels.when for rule in bundle.rules.rules if rule.travels and rule.travels.when})
    exchange = engine.parse_exchange(bundle, b'{"exporter": {"country": "US"}, "recipient": {"country": "CN"}}')
    verdict, meant = Durable(bundle.rules).evaluate(exchange, AS_OF), Reference(bundle.rules).evaluate(exchange, AS_OF).defined
    asked.clear()
    assert tested
    assert verdict.defined.several(tested) == [meant[key] for key in tested]
    assert asked == []


WIDER = {"at_least": -1, "at_most": 1}  # what makes a limit wider
ALIKE = {
    "the narrower limit alone, and with the wider one": [
        {"data.people.ordinary": {"at_least": "5"}},
        [{"data.people.ordinary": {"at_least": "3"}}, {"data.people.ordinary": {"at_least": "5"}}],
    ],
    "the same the other way round": [
        [{"data.people.ordinary": {"at_most": "5"}}, {"data.people.ordinary": {"at_most": "9"}}],
        {"data.people.ordinary": {"at_most": "5"}},
    ],
    "a definition alone, and with one that it implies": ["narrow", ["narrow", "wide"]],
    "the same with a test between": [["narrow", "wide", {"data.sold": "yes"}], ["narrow", {"data.sold": "yes"}], "narrow"],
}


@pytest.mark.parametrize("ways", ALIKE.values(), ids=ALIKE)
def test_of_alternatives_that_imply_each_other_one_stays(ways: list[Any]) -> None:
    """A redundant alternative is left out for one that stays, and never for one that is left out itself."""
    wide = {"any_of": [{"data.people.ordinary": {"at_least": each}} for each in ("100", "200")]}
    policies = policy(
        {
            "policy": "p",
            "define": {
                "wide": wide,
                "narrow": ["wide", {"any_of": [{"data.sold": "yes"}, {"data.rate": {"at_least": "0.5"}}]}],
            },
            "rules": [{"id": "r", "when": {"any_of": ways}, "prohibit": "No."}],
        }
    )
    made = engine.load_sources({"words.yaml": VOCABULARY.read_bytes(), "law.yaml": json.dumps(policies).encode()})
    exchanges = [
        build(made, {"exporter.country": "AA", "data.people.ordinary": people, **sold})
        for people in ("2", "4", "5", "7", "150", "300", {"at_least": "4", "at_most": "200"}, "unknown")
        for sold in ({}, {"data.sold": "yes"}, {"data.sold": "no"})
    ]
    for narrow in (0, 1, condition_lowering.NARROW):
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(condition_lowering.Lowering.terms, "__defaults__", (True, narrow))
            patched.setattr(condition_lowering.Lowering.head, "__defaults__", (narrow,))
            durable = Durable(made.rules)
        assert differences(made, durable, [(each, AS_OF) for each in exchanges]) == []


def test_an_alternative_with_a_wider_limit_beside_changes_no_answer() -> None:
    """Random rules, each beside itself with a limit that its own limits imply, such as at least 3 beside at least 5."""
    assert sum(map(_with_wider_limits, range(8))) > 0


def _with_wider_limits(seed: int) -> int:
    """How many rules of a random bundle have such limits; the engines agree on all of them."""
    maker = Maker(seed)
    made = maker.bundle()
    repeated = 0

    def beside(condition: Condition) -> Condition:
        nonlocal repeated
        limits = [
            atom for atom in atoms(condition) if atom.op in WIDER and any(isinstance(each, Decimal) for each in atom.operands)
        ]
        repeated += bool(limits)
        wider = [replace(atom, operands=(atom.operands[0] + WIDER[atom.op],)) for atom in limits]  # type: ignore[arg-type, operator]
        return AnyOf((All((condition, *wider)), condition))

    rules = replace(made.rules, rules=tuple(replace(rule, condition=beside(rule.condition)) for rule in made.rules.rules))
    reference, durable = Reference(rules), Durable(rules)
    found: list[str] = []
    for _ in range(25):
        exchange = read(made, maker.exchange())
        found += reference.evaluate(exchange, AS_OF).differences(durable.evaluate(exchange, AS_OF))
    assert found == [], seed
    return repeated
