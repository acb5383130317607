"""
How conditions read where their facts are left out is read once for a day, and what was read for one exchange is right for the next.
"""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest

import engine
from engine.deciding.judgement import Laws
from engine.questions.next_questions import Questions
from tests.engine.backends.agreement import with_register
from tests.engine.backends.random_bundles import AS_OF, Maker, read

BUNDLES, EXCHANGES = 12, 25
DAY = date(2026, 11, 24)


@pytest.mark.parametrize("seed", range(BUNDLES))
def test_on_random_exchanges_the_same_facts_are_asked_for_as_by_questions_that_have_asked_nothing_yet(seed: int) -> None:
    """One after another, on two days in turn; some exchanges name entities of a register, which may dispute what is stated."""
    maker = Maker(seed)
    pdp = engine.PDP(maker.bundle(), "bitset")
    asking = Questions(pdp.bundle, Laws(pdp.bundle.rules.rules))
    for number in range(EXCHANGES):
        sent = maker.exchange()
        exchange = read(pdp.bundle, with_register(maker, pdp.bundle, sent) if number % 3 == 0 else sent)
        judgement = pdp.judge(exchange, as_of=AS_OF + timedelta(number % 2))
        asked, afresh = asking.open(judgement), Questions(pdp.bundle, Laws(pdp.bundle.rules.rules)).open(judgement)
        assert (list(asked[0].items()), asked[1]) == (list(afresh[0].items()), afresh[1]), json.dumps(sent)


def test_a_place_is_asked_for_only_where_its_country_has_some_whatever_was_asked_before() -> None:
    """The bundled policies: without a country no place is asked for; then one with places, then one without."""
    pdp = engine.PDP(engine.load(engine.bundled_policies()), "bitset")
    asking = Questions(pdp.bundle, Laws(pdp.bundle.rules.rules))
    for sent in ({}, {"exporter": {"country": "CN"}}, {"exporter": {"country": "SG"}}, {}):
        judgement = pdp.judge(engine.parse_exchange(pdp.bundle, json.dumps(sent).encode()), as_of=DAY)
        assert list(asking.open(judgement)) == list(Questions(pdp.bundle, Laws(pdp.bundle.rules.rules)).open(judgement))
