"""
What is asked: no answer is tried that cannot be true together with what was sent.
"""

from __future__ import annotations

import gc
import json
from datetime import date
from typing import Any

import pytest
import yaml

import engine
from engine.authoring.testing import build
from engine.deciding.combine import Outcome
from engine.exchange import Exchange
from engine.questions.possible_answers import AnswerBook
from engine.values import SetOf
from engine.verdict import Verdict
from tests.engine.backends.random_bundles import AS_OF, Maker, read
from tests.engine.backends.test_cases import VOCABULARY, policy

DAY = date(2026, 6, 15)
BASE = {
    "exporter.country": "AA",
    "recipient.country": "BB",
    "data.personal": "no",
    "data.people_in": [],
    "data.categories": ["weather"],
}
RULE = {"id": "r", "when": {"data.sold": "yes", "data.category": "weather"}, "prohibit": "No."}


def bundle(*rules: dict[str, Any], some: tuple[str, ...] = (), **entry: Any) -> engine.Bundle:
    """One law over the words of the cases; `entry` is what cannot be true, and sets of `some` are never empty."""
    words = yaml.load(VOCABULARY.read_bytes(), Loader=yaml.BaseLoader)
    words["coherence"] = {"never": {**entry, "says": "it cannot be so"}} if entry else {}
    for fact in some:
        words["facts"][fact]["some"] = "yes"
    law = policy({"policy": "p", "rules": list(rules)})
    return engine.load_sources(
        {"words.yaml": yaml.safe_dump(words, sort_keys=False).encode(), "law.yaml": json.dumps(law).encode()}
    )


def asked(made: engine.Bundle, **facts: Any) -> list[tuple[list[str], bool]]:
    """The lists of facts to find out, and whether each settles the outcome."""
    exchange = build(made, {**BASE, **{name.replace("__", "."): value for name, value in facts.items()}})
    decision = engine.PDP(made, "bitset").decide(exchange, as_of=DAY, today=DAY, id="1")
    return [([question.fact for question in part.facts], part.settles) for part in decision.missing]


def test_an_answer_that_cannot_be_true_does_not_keep_the_outcome_open() -> None:
    """Sold or not would leave a second question open, but what is about nobody is never sold."""
    assert asked(bundle(RULE)) == [(["data.sold", "data.category"], True)]
    assert asked(bundle(RULE, never={"data.personal": "no", "data.sold": "yes"})) == [(["data.sold"], True)]


def test_where_several_jurisdictions_hold_the_bounds_the_facts_behind_another_are_not_asked() -> None:
    """No single answer moves the bounds; what may leave one jurisdiction out is asked, and not what matters only if it does not."""
    behind = [{"data.shared": "yes", "data.files": {"at_least": 5}}, {"data.rate": {"at_least": "0.5"}, "data.label": "x"}]
    beyond = [{"limits.category": "weather", "limits.files": {"at_least": 5}}, {"limits.grade": "core", "limits.label": "x"}]
    ours = policy({"policy": "p", "rules": [{"id": "r", "when": {"data.sold": "yes", "any_of": behind}, "prohibit": "No."}]})
    theirs = policy(
        {"policy": "q", "rules": [{"id": "r", "when": {"data.grade": "core", "any_of": beyond}, "prohibit": "No."}]}
    )
    laws = {"p.yaml": ours, "q.yaml": theirs | {"jurisdiction": "BB"}}
    sources = {"words.yaml": VOCABULARY.read_bytes(), **{name: json.dumps(law).encode() for name, law in laws.items()}}
    assert asked(engine.load_sources(sources)) == [(["data.sold", "data.grade"], False)]
    assert asked(engine.load_sources(sources), data__sold="no") == [(["data.grade"], False)]


def test_an_exception_may_still_be_said() -> None:
    """While facts are to be found out, an entry that waits for its exception to be said rules out no answer."""
    made = bundle(RULE, never={"data.personal": "no", "data.sold": "yes"}, unless_said={"data.category": "weather"})
    assert asked(made) == [(["data.sold", "data.category"], True)]


def test_a_set_that_is_never_empty_is_not_answered_with_nothing() -> None:
    """Every set of the few words that matter is an answer, but the empty one is none where the vocabulary says so."""
    rule = {"id": "r", "when": {"data.categories": {"has": "weather"}}, "review": "look at it"}
    for some, empty in (((), True), (("data.categories",), False)):
        made = bundle(rule, some=some)
        answers = AnswerBook(made, build(made, {**BASE, "data.categories": "left out"}), DAY).of("data.categories")
        assert (SetOf(frozenset()) in answers.values) is empty
        assert SetOf(frozenset(["weather"])) in answers.values


def test_nothing_is_tried_that_cannot_be_true(monkeypatch: pytest.MonkeyPatch) -> None:
    """On random bundles no exchange is evaluated, for a question or a remedy, that contradicts itself."""
    looked = 0
    look = engine.PDP._look

    def coherently(pdp: engine.PDP, exchange: Exchange, *more: Any, **named: Any) -> tuple[Verdict, Outcome]:
        nonlocal looked
        looked += 1
        assert not pdp.bundle.coherence.contradictions(exchange, whole=False)
        return look(pdp, exchange, *more, **named)

    monkeypatch.setattr(engine.PDP, "_look", coherently)
    for seed in range(40):
        maker = Maker(seed)
        pdp = engine.PDP(maker.bundle(), "bitset")
        for _ in range(5):
            exchange = read(pdp.bundle, maker.exchange())
            pdp.decide(exchange, as_of=AS_OF, today=AS_OF, id="1", include=["remedies"])
    assert looked > 1_000


@pytest.mark.parametrize("mode", ["bitset", "checked"])
def test_an_open_decision_leaves_nothing_to_a_search_for_cycles(mode: str) -> None:
    """What questions read goes with the last question. A search for cycles in mid-decision would take longer than the decision."""
    made = bundle(RULE, {"id": "s", "when": {"data.sold": "no", "data.rate": {"at_least": "0.5"}}, "review": "Look."})
    pdp, exchange = engine.PDP(made, mode), build(made, BASE)

    def decide() -> str:
        judgement = pdp.judge(exchange, as_of=DAY)
        assert judgement.open_facts
        return pdp.answer(judgement, today=DAY, id="1").answer

    decide()  # what is made once
    gc.collect()
    gc.disable()
    try:
        answers = {decide() for _ in range(5)}
        assert gc.collect() == 0
    finally:
        gc.enable()
    assert len(answers) == 1
