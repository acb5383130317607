"""The answer that every caller gets: short whatever was sent, each list with its strictest first, and never open and silent."""

import json
from datetime import date
from typing import Any

import pytest

import engine
from engine.answer import MOST_BYTES
from engine.explaining.answer import MOST, ROOM_FOR_LINKS, fitted

DAY = date(2026, 11, 24)
ID = "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071"
EVERY = 15  # of the bundled policies' test exchanges
SPARSE: list[dict[str, Any]] = [
    {},
    {"exporter": {"country": "CN"}},
    {"data": {"categories": ["genetic"]}},
    {"recipient": {"country": "US"}, "data": {"kind": "model-weights"}},
]


@pytest.fixture(scope="module")
def pdp() -> engine.PDP:
    return engine.PDP(engine.load(engine.bundled_policies()), "bitset")


def answers(pdp: engine.PDP, lang: str) -> list[tuple[str, engine.Written]]:
    """The answers to test exchanges of the bundled policies, and to exchanges that say next to nothing."""
    trials = [(trial.at, trial.raw, trial.as_of or DAY) for trial in engine.trials(pdp.bundle, pdp.bundle)[::EVERY]]
    sent = [*trials, *((json.dumps(each), json.dumps(each).encode(), DAY) for each in SPARSE)]
    return [
        (name, pdp.answer(pdp.judge(engine.parse_exchange(pdp.bundle, raw), as_of=day), today=day, id=ID, lang=lang))
        for name, raw, day in sent
    ]


@pytest.mark.parametrize("lang", engine.LANGUAGES)
def test_no_answer_is_long_and_none_is_open_and_silent(pdp: engine.PDP, lang: str) -> None:
    """At most 4 KiB with the links that a service adds, canonical, of its model; an open outcome asks one to three questions."""
    sizes = []
    for name, written in answers(pdp, lang):
        sizes.append(len(written.json().encode()))
        assert sizes[-1] <= MOST_BYTES - ROOM_FOR_LINKS, name
        found = engine.Answer.model_validate_json(written.json())
        assert (found.outcome == "undetermined") == bool(found.questions), name
        assert len(found.questions) <= 3, name
        assert found.proceed is (found.outcome in ("permitted", "permitted_with_obligations")), name
        assert json.loads(written.canonical()) == json.loads(written.json())
        assert all(len(getattr(found, part) or ()) <= most for part, most in MOST.items()), name
    assert sorted(sizes)[len(sizes) // 2] <= 2_200


def test_what_is_left_out_is_counted(pdp: engine.PDP) -> None:
    """Each list of the answer and its count together are as long as the whole decision's list."""
    whole = pdp.decide(engine.parse_exchange(pdp.bundle, b"{}"), as_of=DAY, today=DAY, id=ID)
    found = engine.Answer.model_validate_json(answers(pdp, "en")[-len(SPARSE)][1].json())
    assert len(found.jurisdictions) + found.more["jurisdictions"] == len(whole.jurisdictions)
    assert len(found.owed) + found.more["owed"] == len(whole.duties)
    assert len(found.conflicts) + found.more["conflicts"] == len(whole.conflicts)


def test_the_strictest_jurisdiction_comes_first_and_the_strictest_instrument_in_it(pdp: engine.PDP) -> None:
    """By the highest outcome that is still possible."""
    order = ["prohibited", "review", "requirements_unmet", "permitted_with_obligations", "permitted", "not_applicable"]
    for name, written in answers(pdp, "en"):
        found = engine.Answer.model_validate_json(written.json())
        highest = [order.index(each.bounds.highest if each.bounds else each.outcome) for each in found.jurisdictions]
        assert highest == sorted(highest), name
        for each in found.jurisdictions:
            settled = [order.index(line.outcome) for line in each.instruments if line.outcome != "undetermined"]
            assert settled == sorted(settled), name


def test_the_lists_take_turns_and_the_questions_always_fit() -> None:
    """One long list does not crowd out the others; what does not fit closes its list."""
    items = {name: [f'"{name}{number}"' + " " * 40 for number in range(9)] for name in MOST}
    shown = fitted(items, 1_600)
    assert len(shown["questions"]) == MOST["questions"]
    lengths = [len(shown[name]) for name in MOST if name != "questions"]
    assert max(lengths) - min(lengths) <= 1
    assert fitted(items, 0)["questions"] == items["questions"][: MOST["questions"]]
    assert fitted({**items, "unmet": ['"' + "x" * 5_000 + '"']}, 3_000)["unmet"] == []


def test_the_parts_of_an_explanation_are_those_that_are_asked_for(pdp: engine.PDP) -> None:
    """Each part by itself has its own members, and all together have each of them with the same bytes."""
    judgement = pdp.judge(engine.parse_exchange(pdp.bundle, b'{"exporter": {"country": "CN"}}'), as_of=DAY)
    every = json.loads(pdp.explain(judgement, today=DAY, id=ID))
    for part in engine.PARTS:
        alone = json.loads(pdp.explain(judgement, today=DAY, id=ID, parts=[part]))
        assert alone.items() <= every.items(), part
    assert every["possible_count"] == len(every["possible"]) > 300
    assert {each["standing"] for each in every["reasons"]} <= {"certain"}
    engine.Explanation.model_validate(every)


def test_an_answer_with_an_explanation_is_the_answer_and_the_explanation(pdp: engine.PDP) -> None:
    """What is asked for beside an answer changes nothing in it."""
    judgement = pdp.judge(engine.parse_exchange(pdp.bundle, b"{}"), as_of=DAY)
    short = pdp.answer(judgement, today=DAY, id=ID)
    long = pdp.answer(judgement, today=DAY, id=ID, parts=["reasons", "duties"])
    assert {name: text for name, text in long.members.items() if name != "explanation"} == dict(short.members)
    assert long.members["explanation"] == pdp.explain(judgement, today=DAY, id=ID, parts=["reasons", "duties"])
