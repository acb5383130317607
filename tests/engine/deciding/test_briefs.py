"""Briefs: one pass over many exchanges comes to what a judgement of each comes to, or leaves it to the judgement."""

import json
import random
from collections import Counter
from datetime import date

import pytest

import engine
from tests.chance import seed, tried

DAY = date(2026, 11, 24)
LAW = ("gdpr-chapter-v", "order-16", "uk-gdpr", "padfa", "pipl", "court-order")
BUNDLE = engine.load(engine.bundled_policies())


def exchanges(number: int) -> list[engine.Exchange]:
    """Exchanges of the policies' own tests, by chance."""
    found = [each.raw for file in LAW for each in engine.trials(BUNDLE, BUNDLE, file) if each.raw]
    chosen = random.Random(seed(5)).sample(found, min(number, len(found)))
    return [engine.accept_exchange(BUNDLE, json.loads(each)) for each in chosen]


@pytest.mark.random
def test_a_brief_says_what_the_judgement_says() -> None:
    """Outcome, bounds, what prohibits and what is unmet; and every outcome that needs no more is told by the pass."""
    pdp = engine.PDP(BUNDLE, "bitset")
    some = exchanges(160)
    told = engine.briefs(pdp, [(each, each.as_of or DAY) for each in some])
    kinds: Counter[str] = Counter()
    tried(len(some), 160)
    for exchange, brief in zip(some, told, strict=True):
        judgement = pdp.judge(exchange, as_of=exchange.as_of or DAY)
        whole = engine.brief_of(judgement)
        if brief is None:
            kinds["judged"] += 1
            continue
        assert brief == whole
        assert not judgement.open_facts
        kinds[brief.outcome] += 1
    assert {"judged", "prohibited", "requirements_unmet", "permitted"} <= kinds.keys(), kinds


def test_a_review_and_what_is_open_have_no_brief() -> None:
    """A person may sign the one off, and the other has questions."""
    pdp = engine.PDP(BUNDLE, "bitset")
    nothing = engine.accept_exchange(BUNDLE, {})
    reviewed = engine.accept_exchange(BUNDLE, {"exporter": {"country": "CN"}, "act": {"bars": ["suspension"]}})
    assert engine.briefs(pdp, [(nothing, DAY), (reviewed, DAY)]) == [None, None]
    assert engine.briefs(pdp, []) == []
