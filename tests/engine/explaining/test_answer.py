"""
The answer over the bundled policies: short whatever is sent, of its model, and never open without a question.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

import engine
from engine.answer import MOST_BYTES

DAY = date(2026, 11, 24)
ID = "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071"
LINKS = len(f',"links":{{"explanation":"/v1/decisions/{ID}/explanation","record":"/v1/decisions/{ID}"}}')
BUNDLE = engine.load(engine.bundled_policies())
LITTLE: tuple[dict[str, Any], ...] = (
    {},
    {"exporter": {"country": "CN"}},
    {"exporter": {"country": "US"}},
    {"recipient": {"country": "DE"}},
    {"data": {"personal": True}},
    {"data": {"kind": "model-weights"}},
    {"evidence": {"cn-standard-contract": {"dated": "2026-01-01", "covers": True}}},
)


@pytest.fixture(scope="module")
def pdp() -> engine.PDP:
    """One engine; what is written does not depend on which."""
    return engine.PDP(BUNDLE, "bitset")


def held(pdp: engine.PDP, judgement: engine.Judgement, lang: str) -> dict[str, Any]:
    """The answer to a judged exchange, held to its model and its size."""
    written = pdp.answer(judgement, today=DAY, id=ID, lang=lang)
    assert len(written.json().encode()) + LINKS <= MOST_BYTES == 4_096
    answer: dict[str, Any] = json.loads(written.json())
    engine.Answer.model_validate(answer)
    asks = answer["outcome"] == "undetermined"
    assert len(answer["questions"]) in (range(1, 4) if asks else range(1)), (answer["outcome"], answer["questions"])
    return answer


def every(step: int) -> Iterator[tuple[engine.Exchange, date]]:
    """One in so many test exchanges of the bundled policies, with the day of its law."""
    for trial in engine.trials(BUNDLE, BUNDLE)[::step]:
        exchange = engine.parse_exchange(BUNDLE, trial.raw)
        yield exchange, trial.as_of or exchange.as_of or DAY


def test_an_answer_has_at_most_four_kilobytes_and_what_is_open_is_asked(pdp: engine.PDP) -> None:
    """In both languages, with the links that are sent; both say the same but for the words."""
    outcomes = set()
    for exchange, day in every(10):
        judgement = pdp.judge(exchange, as_of=day)
        english, chinese = (held(pdp, judgement, lang) for lang in ("en", "zh"))
        same = ("proceed", "outcome", "bounds", "beneath", "engine", "bundle", "verdict")
        assert [english[name] for name in same] == [chinese[name] for name in same]
        assert [each["fact"] for each in english["questions"][:1]] == [each["fact"] for each in chinese["questions"][:1]]
        outcomes.add(english["outcome"])
    assert len(outcomes) == 7


@pytest.mark.parametrize("sent", LITTLE, ids=json.dumps)
def test_who_says_nothing_or_one_thing_is_asked_and_never_permitted(pdp: engine.PDP, sent: dict[str, Any]) -> None:
    """Most is open, and the answer is as short."""
    judgement = pdp.judge(engine.parse_exchange(BUNDLE, json.dumps(sent).encode()), as_of=DAY)
    for lang in engine.LANGUAGES:
        answer = held(pdp, judgement, lang)
        assert (answer["proceed"], answer["outcome"]) == (False, "undetermined")


def test_what_a_list_leaves_out_is_counted(pdp: engine.PDP) -> None:
    """What is shown and what is left out are together what the explanation has."""
    left: dict[str, int] = {}
    for exchange, day in every(50):
        judgement = pdp.judge(exchange, as_of=day)
        answer = held(pdp, judgement, "en")
        more = answer["more"]
        if not more.keys() & {"owed", "rests_on", "jurisdictions"}:
            continue
        whole = json.loads(pdp.tell(judgement, today=DAY, id=ID).json())
        for name, of in (("owed", "duties"), ("jurisdictions", "jurisdictions"), ("rests_on", "rests_on")):
            assert len(answer.get(name, ())) + more.get(name, 0) == len(whole.get(of, ()))
            left[name] = left.get(name, 0) + more.get(name, 0)
    assert all(left.values()), left


def test_no_personal_value_is_in_an_answer_or_its_explanation(pdp: engine.PDP) -> None:
    """Nor in any part of the explanation, in either language."""
    sent = {
        "exporter": {"id": "practice-of-dr-li-na", "country": "CN"},
        "recipient": {"id": "lab-of-dr-smith", "country": "US"},
        "data": {"personal": True, "people": {"ordinary": 5}},
        "evidence": {"cn-standard-contract": {"dated": "2026-01-01", "covers": True, "attested_by": "Wang Fang, notary"}},
    }
    exchange = engine.parse_exchange(BUNDLE, json.dumps(sent).encode())
    assert len(exchange.personal) == 3
    judgement = pdp.judge(exchange, as_of=DAY)
    for lang in engine.LANGUAGES:
        told = pdp.answer(judgement, today=DAY, id=ID, parts=engine.PARTS, lang=lang).json()
        for value in ("practice-of-dr-li-na", "lab-of-dr-smith", "Wang Fang"):
            assert value not in told


def test_the_same_answer_is_the_same_bytes_and_the_same_digest(pdp: engine.PDP) -> None:
    """Another engine comes to the same verdict, and its digest; another fact to another one."""
    reference = engine.PDP(BUNDLE, "reference")
    digests = set()
    for exchange, day in every(600):
        judgement = pdp.judge(exchange, as_of=day)
        one, again = (pdp.answer(judgement, today=DAY, id=ID) for _ in range(2))
        assert one.json() == again.json()
        other = reference.judge(exchange, as_of=day)
        digest = engine.verdict_digest(judgement.verdict, judgement.outcome)
        assert engine.verdict_digest(other.verdict, other.outcome) == digest == json.loads(one.members["verdict"])
        digests.add(digest)
    assert len(digests) > 5
