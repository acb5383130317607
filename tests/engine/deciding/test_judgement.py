"""
Judge, then tell: what a judgement knows, that telling evaluates nothing again, and that every engine's verdict serves as well.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache
from typing import Any

import pytest

import engine
from engine.exchange import Exchange
from engine.verdict import NONE_SIGNED, Engine, Verdict

DAY = date(2026, 11, 24)
BUNDLE = engine.load(engine.bundled_policies())


def exchanges(only: str, step: int) -> list[tuple[Exchange, date]]:
    """Every so many of the exchanges that the bundled policies are tested with, each with its day."""
    found = [trial for trial in engine.trials(BUNDLE, BUNDLE, only) if trial.raw]
    return [(engine.parse_exchange(BUNDLE, trial.raw), trial.as_of or DAY) for trial in found[::step]]


@cache
def some() -> list[tuple[Exchange, date]]:
    """Those of all files, and more of where laws conflict."""
    return [*exchanges("", 53), *exchanges("conflicts-europe", 3)]


class Counted:
    """An engine that counts which exchanges it evaluates."""

    def __init__(self, inner: Engine) -> None:
        self.inner = inner
        self.name = inner.name
        self.evaluated: Counter[int] = Counter()

    def evaluate(self, exchange: Exchange, as_of: date, signed: frozenset[str] = NONE_SIGNED) -> Verdict:
        self.evaluated[id(exchange)] += 1
        return self.inner.evaluate(exchange, as_of, signed)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


@pytest.fixture(scope="module")
def checked() -> engine.PDP:
    return engine.PDP(BUNDLE)


@pytest.fixture
def counted(checked: engine.PDP) -> Iterator[tuple[engine.PDP, list[Counted]]]:
    """The same, with engines that count, the reference among them though it is not of the mode."""
    engines, reference = checked.engines, checked.reference
    counting = [Counted(each) for each in (*engines, reference)]
    checked.engines, checked.reference = tuple(counting[:-1]), counting[-1]  # type: ignore[assignment]
    yield checked, counting
    checked.engines, checked.reference = engines, reference


def test_each_engine_evaluates_an_exchange_once_and_telling_not_at_all(counted: tuple[engine.PDP, list[Counted]]) -> None:
    """Told twice, in two languages, it was still evaluated once; the reference is of no use to engines that can tell how tests read."""
    pdp, engines = counted
    for exchange, as_of in some():
        for each in engines:
            each.evaluated.clear()
        judged = pdp.judge(exchange, as_of=as_of)
        for lang in ("en", "zh"):
            pdp.tell(judged, today=as_of, id="1", lang=lang)
        # Where a person may sign for law that is silent, the first engine says what lies beneath.
        beneath = 1 if judged.own.coverage.signable and judged.outcome.bounds.high.refused else 0
        assert [each.evaluated[id(exchange)] for each in engines] == [1 + beneath, 1, 0]


def test_the_reference_is_asked_how_tests_read_once_and_only_when_it_is_told() -> None:
    """Where the one engine of the mode cannot tell."""
    pdp = engine.PDP(BUNDLE, "durable")
    counting = Counted(pdp.reference)
    pdp.reference = counting  # type: ignore[assignment]
    exchange, as_of = some()[0]
    judged = pdp.judge(exchange, as_of=as_of)
    assert counting.evaluated[id(exchange)] == 0
    for lang in ("en", "zh"):
        pdp.tell(judged, today=as_of, id="1", lang=lang)
    assert counting.evaluated[id(exchange)] == 1


def test_a_decision_keeps_as_values_what_it_says_as_json(checked: engine.PDP) -> None:
    """Answer, duties, conflicts, conditions and what is missing are what the members of these names say; approvals too."""
    kept: Counter[str] = Counter()
    for number, (exchange, as_of) in enumerate(some()):
        lang = ("en", "zh")[number % 2]
        today = as_of + timedelta(days=number % 3 // 2)
        judged = checked.judge(exchange, as_of=as_of)
        if judged.signable:
            given = [engine.Approval(each, "s", "somebody", as_of) for each in judged.signable]
            judged = checked.judge(exchange, as_of=as_of, signed=given)
        written = checked.tell(judged, today=today, id="1", lang=lang)
        said = json.loads(written.json())
        assert (written.answer, written.hypothetical, written.lang) == (said["answer"], said["hypothetical"], lang)
        assert (written.outcome, written.proceed) == (said["outcome"], said["proceed"])
        assert (judged.outcome.word, judged.proceeds(today)) == (said["outcome"], said["proceed"])
        assert written.judgement is judged
        values: dict[str, Any] = {
            "duties": written.duties,
            "conflicts": written.conflicts,
            "missing": written.missing,
            "carried": written.carried,
            "signed_off": judged.signed_off,
        }
        for name, parts in values.items():
            assert [part.model_dump(mode="json", by_alias=True) for part in parts] == said.get(name, []), name
            kept[name] += len(parts)
        standing = [each["provision"] for each in said["reasons"] if each["standing"] == "certain"]
        assert list(judged.provisions) == list(written.named["provision"])
        assert set(judged.provisions) == set(standing)  # the decision has those of the places concerned first
        states = json.loads(checked.answer(judged, today=today, id="1", lang=lang).verdict)["requirements"]
        assert judged.requirements.items() <= states.items()
        kept["requirements"] += len(judged.requirements)
    assert all(kept[name] for name in ("duties", "conflicts", "missing", "signed_off", "requirements")), kept


def test_counters_get_the_same_from_whichever_engine_judged(checked: engine.PDP) -> None:
    """The first verdict of every mode says what an exchange adds, in people and per whom."""
    counting = engine.BundleCounters(BUNDLE)
    alone = engine.PDP(BUNDLE, "durable")
    contributed = 0
    for exchange, as_of in some():
        verdict = checked.verdict(exchange, as_of)
        said = counting.contributions(exchange, verdict, verdict.defined)
        defined = checked.defined(exchange, as_of, counting.definitions)
        for pdp in (checked, alone):
            assert counting.contributions(exchange, pdp.judge(exchange, as_of=as_of).verdict, defined) == said
        contributed += len(said)
    assert contributed


def test_each_leg_of_a_plan_is_evaluated_once(counted: tuple[engine.PDP, list[Counted]]) -> None:
    """
    By each engine of the mode, also where it is carried on from leg to leg; the first one looks before that at what the leg adds to the
    counters of later ones. Where a person may sign for law that is silent, the first
    engine says in a second evaluation what would then be left.
    """
    pdp, engines = counted
    chain = [engine.Leg(f"{number}", exchange, f"{number - 1 or ''}") for number, (exchange, _) in enumerate(some()[:3], 1)]
    engine.decide_plan(pdp, chain, as_of=DAY, today=DAY, id="plan", ahead=False)
    alone = engine.PDP(BUNDLE, "bitset")
    names = [alone.judge(leg.exchange, as_of=DAY).signable for leg in chain]
    silent = [any(name.startswith(("gap/", "reach/")) for name in each) for each in names]
    for each, times, more in zip(engines, (2, 1, 0), (1, 0, 0), strict=True):
        expected = [times + more * asked for asked in silent]
        assert [each.evaluated[id(leg.exchange)] for leg in chain] == expected
