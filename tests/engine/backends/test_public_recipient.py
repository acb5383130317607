"""The public as a recipient: the engines agree on it, and nothing is permitted to it that is refused to some recipient (semantics 1.2)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

import engine
from engine.authoring.testing import build
from engine.backends.bitset import Bitset
from engine.deciding.combine import Combiner
from engine.policy_language import public_recipient
from engine.values.outcome_levels import Bounds
from engine.verdict import Engine
from tests.engine.backends import test_cases as cases
from tests.engine.backends.agreement import ENGINES, disagreements
from tests.engine.backends.random_bundles import AS_OF, COUNTRIES, Maker, can_be_true, places_in, read

RECIPIENTS = tuple(
    {"country": country, "flag": flag, "place": place}
    for country in COUNTRIES
    for flag in (True, False)
    for place in places_in(country)
)


def to_the_public(maker: Maker, number: int) -> Iterator[dict[str, Any]]:
    """Exchanges that can be true; none where the facts of recipients say of others too in which country they are."""
    if maker.made is not None and maker.made.vocabulary.recipient:
        sent = ({**maker.exchange(), "to": "the public"} for _ in range(number))
        yield from (each for each in sent if can_be_true(maker.made, each))


def test_the_engines_agree_on_the_public() -> None:
    """Below the rewriting each engine sees the same rules, also where definitions read in two ways."""
    compared = 0
    for seed in range(90):  # the generator changes with the language, so the bundles of some seeds say little
        if compared > 200 and seed >= 30:
            break
        maker = Maker(seed)
        bundle = maker.bundle().of_everyone()
        engines = tuple(make(bundle.rules) for make in ENGINES)
        for sent in to_the_public(maker, 12):
            compared += 1
            assert not disagreements(bundle, sent, engines), (seed, json.dumps(sent))
    assert compared > 200


def test_nothing_is_permitted_to_the_public_that_is_refused_to_some_recipient() -> None:
    """Where some recipient would be refused, or may be, the public is refused or may be: whatever else is known, and whatever is not."""
    permitted, wrong = wrong_permits(range(100))
    assert not wrong, wrong[0]
    assert permitted > 60


def test_a_lift_that_holds_of_some_recipient_only_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison is no use unless it finds a permit that holds for some recipients only."""
    monkeypatch.setattr(public_recipient.RecipientUse, "negated", property(lambda use: public_recipient.RecipientUse.ANY))
    monkeypatch.setattr(public_recipient, "LIFTING", frozenset[str]())
    assert wrong_permits(range(100, 400))[1]  # the first that is found ends it


def test_what_stays_open_of_everybody_is_said_and_neither_asked_nor_signed_off() -> None:
    """Where nothing else is open a person must look, and is told what nobody can find out."""
    pdp = cases.decision_point(cases.CASES / "everyone.yaml", "checked")
    known = {"data.personal": "no", "data.sold": "no", "data.shared": "no", "data.category": "contact", "data.categories": []}
    sent = build(pdp.bundle, {"exporter.country": "AA", "recipient": "worldwide", **known})
    judgement = pdp.judge(sent, as_of=AS_OF)
    assert judgement.agreed
    assert (judgement.outcome.word, judgement.open_facts, judgement.signable) == ("review", {}, ())
    for lang, said in (
        ("en", "What nobody can find out of everybody stays open: whose list bars the recipient."),
        ("zh", "未定"),
    ):
        answer = engine.Answer.model_validate_json(pdp.answer(judgement, today=AS_OF, id="1", lang=lang).json())
        assert said in answer.answer
        assert not answer.questions


def wrong_permits(seeds: range) -> tuple[int, list[str]]:
    """How often some bundles do not refuse the public and a recipient was tried, and the first recipient who is refused all the same."""
    tried = 0
    for seed in seeds:
        maker = Maker(seed)
        bundle = maker.bundle()
        public = bundle.of_everyone()
        by, by_public = Bitset(bundle.rules), Bitset(public.rules)
        for sent in to_the_public(maker, 20):
            if bounds(public, by_public, sent).high.refused:
                continue
            for recipient in RECIPIENTS:
                one = {**sent, "to": recipient}
                if can_be_true(bundle, one):
                    tried += 1
                    if (found := bounds(bundle, by, one)).high.refused:
                        return tried, [f"seed {seed}: {found} of {json.dumps(one)}"]
    return tried, []


def bounds(bundle: engine.Bundle, by: Engine, sent: dict[str, Any]) -> Bounds:
    exchange = read(bundle, sent)
    return Combiner(bundle).outcome(exchange, by.evaluate(exchange, AS_OF), AS_OF).bounds
