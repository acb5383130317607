"""
Conditions that came with the data, stated by the sender of one exchange: they weigh as they would in a plan, and never permit.
"""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import pytest

import engine
from tests.engine.backends.test_cases import VOCABULARY, policy
from tests.engine.test_plan import DAY, FIRST, FRIENDS, GROUND, NEED, SECRET, SHOWN, THERE, decide, leg, travelling

HELD = {"condition": FRIENDS, "when": {"recipient.country": "CC"}, "else": "prohibited"}
BROKEN = {"condition": FRIENDS, "when": {"recipient.country": "AA"}, "else": "prohibited"}
LOOKED_AT = {"condition": FRIENDS, "when": {"recipient.country": "AA"}}
OPEN = {"condition": FRIENDS, "when": {"data.shared": "no"}, "else": "prohibited"}
CAME = [{"provision": "p/ground", "from": "out"}]
UNKNOWN = {**THERE, "data": {name: value for name, value in THERE["data"].items() if name != "shared"}}


def told(pdp: engine.PDP, exchange: dict[str, Any], came: Any = CAME, **more: Any) -> engine.Decision:
    read = engine.parse_exchange(pdp.bundle, json.dumps({**exchange, "carried": came}).encode())
    return pdp.decide(read, as_of=DAY, today=DAY, id="it", **more)


@pytest.mark.parametrize("travels", [SECRET, HELD, BROKEN, LOOKED_AT, OPEN])
@pytest.mark.parametrize("exchange", [THERE, UNKNOWN])
def test_an_exchange_alone_weighs_what_came_with_the_data_like_the_leg_of_a_plan(travels: Any, exchange: Any) -> None:
    """The whole decision is the same, in both languages, but for the name of where the conditions came from."""
    pdp = travelling(travels)
    for lang, leg_out in (("en", "leg out"), ("zh", "环节out")):
        on = decide(pdp, FIRST, leg(exchange, "out", id="on"), lang=lang).legs[1]
        alone = told(pdp, exchange, lang=lang)
        assert alone.carried == on.carried == on.decision.carried
        as_if_alone = {"id": "it", "answer": on.decision.answer.replace(leg_out, "out")}
        assert on.decision.model_copy(update=as_if_alone) == alone


@pytest.mark.parametrize(
    ("travels", "exchange", "outcome", "answer", "chinese"),
    [
        (
            SECRET,
            THERE,
            "permitted_with_obligations",
            "A condition came with the data (from out) and must be observed: ",
            "须予遵守",
        ),
        (
            BROKEN,
            THERE,
            "prohibited",
            "Do not proceed: this exchange does not meet a condition that came with the data (from out): ",
            "不得进行",
        ),
        (
            LOOKED_AT,
            THERE,
            "review",
            "Do not proceed before a person has looked at it: this exchange does not meet",
            "未经人工审查不得进行",
        ),
        (
            OPEN,
            UNKNOWN,
            "undetermined",
            "Not decided: it is not known whether this exchange meets a condition that came",
            "尚不能作出决定",
        ),
    ],
)
def test_the_answer_says_what_came_with_the_data(travels: Any, exchange: Any, outcome: str, answer: str, chinese: str) -> None:
    """In both languages, with the provision's citation."""
    pdp = travelling(travels)
    decision = told(pdp, exchange)
    assert (decision.outcome, answer in decision.answer) == (outcome, True), decision.answer
    assert chinese in told(pdp, exchange, lang="zh").answer


def test_what_is_written_is_what_the_model_says() -> None:
    """Canonical members, `carried` among them; without conditions there is no such member."""
    pdp = travelling(BROKEN)
    read = engine.parse_exchange(pdp.bundle, json.dumps({**THERE, "carried": CAME}).encode())
    written = pdp.write(read, as_of=DAY, today=DAY, id="it")
    part = json.loads(written.members["carried"])[0]
    assert (part["from"], part["state"], part["else"]) == ("out", "violated", "prohibited")
    assert (
        json.dumps(json.loads(written.canonical()), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        == written.canonical()
    )
    plain = engine.parse_exchange(pdp.bundle, json.dumps(THERE).encode())
    assert "carried" not in pdp.write(plain, as_of=DAY, today=DAY, id="it").members


def test_remedies_and_horizons_hold_with_what_came_with_the_data() -> None:
    """A remedy is one that meets the condition too; an end of what is met is an end of the outcome."""
    pdp = travelling(BROKEN)
    decision = told(pdp, THERE, include=("remedies",))
    assert decision.remedies is not None
    for remedy in decision.remedies.remedies:
        assert any(change.fact == "recipient.country" and change.to == "AA" for change in remedy.changes)
    expires = DAY + timedelta(days=9)
    shown = {"certificate": {**SHOWN["certificate"], "expires": expires.isoformat()}}
    lasting = travelling({"condition": FRIENDS, "when": [{"evidence": {"has": "certificate"}}], "else": "prohibited"})
    decision = told(lasting, {**THERE, "evidence": shown}, include=("holds_until",))
    assert decision.holds_until is not None
    assert (decision.holds_until.holds_until, decision.holds_until.then) == (expires, "prohibited")


def test_a_leg_of_a_plan_hands_on_what_its_sender_says_came_with_the_data() -> None:
    """Stated for the first leg, it binds the second as well."""
    pdp = travelling(BROKEN)
    first = {**THERE, "recipient": {"country": "AA"}, "carried": [{"provision": "p/ground", "from": "before"}]}
    then = {**THERE, "exporter": {"country": "AA"}, "recipient": {"country": "CC"}}
    plan = decide(pdp, leg(first, id="on"), leg(then, "on"))
    assert [(part.from_, part.state) for part in plan.legs[0].decision.carried or ()] == [("before", "met")]
    assert [(part.from_, part.state) for part in plan.legs[1].carried] == [("before", "violated")]
    assert plan.outcome == "prohibited"


@pytest.mark.parametrize(
    ("came", "pointer", "code"),
    [
        ([{"provision": "p/need", "from": "out"}], "/carried/0/provision", "unknown-provision"),
        ([{"provision": "p/ground"}], "/carried", "wrong-value"),
        ([{"provision": "p/ground", "from": "out", "certain": False}], "/carried", "wrong-value"),
        ([{"provision": "p/ground", "from": ""}], "/carried", "wrong-value"),
        (CAME * 65, "/carried", "wrong-value"),
        ("p/ground", "/carried", "wrong-value"),
        (None, "/carried", "wrong-value"),
    ],
)
def test_what_cannot_have_come_is_refused(came: Any, pointer: str, code: str) -> None:
    """A provision that nothing travels from, and what is not written as it should be."""
    with pytest.raises(engine.ExchangeRefused) as refused:
        told(travelling(SECRET), THERE, came)
    assert [(problem.pointer, problem.code) for problem in refused.value.problems] == [(pointer, code)]


def test_the_schema_of_an_exchange_has_it() -> None:
    """With both members required."""
    items = travelling(SECRET).bundle.exchange_schema()["properties"]["carried"]["items"]
    assert items["required"] == ["provision", "from"]


def test_the_day_of_the_law_does_not_let_a_condition_go() -> None:
    """What a provision laid on the data stays, whatever day is asked about."""
    pdp = travelling(BROKEN)
    read = engine.parse_exchange(pdp.bundle, json.dumps({**THERE, "carried": CAME}).encode())
    assert pdp.decide(read, as_of=date(2050, 1, 1), today=date(2050, 1, 1), id="it").outcome == "prohibited"


def test_what_came_with_the_data_is_in_the_language_of_the_decision() -> None:
    """Condition, instrument and citation are Chinese where the policy has Chinese; in English they are what they were."""
    condition = {"en": FRIENDS, "zh": "数据须留在友方。"}
    for travels in (condition, {**BROKEN, "condition": condition}):
        ground = {**GROUND, "cite": {"en": "Art. 1", "zh": "第一条"}, "travels": travels}
        law = {**policy({"policy": "p", "rules": [NEED, ground]}), "title": {"en": "a law", "zh": "出口法"}}
        sources = {"p.yaml": json.dumps(law).encode(), "words.yaml": VOCABULARY.read_bytes()}
        pdp = engine.PDP(engine.load_sources(sources))
        english, chinese = told(pdp, THERE), told(pdp, THERE, lang="zh")
        assert english.carried
        assert chinese.carried
        part, its = english.carried[0], chinese.carried[0]
        assert (part.condition, part.instrument, part.citation) == (FRIENDS, "a law", "Art. 1")
        assert (its.condition, its.instrument, its.citation) == ("数据须留在友方。", "出口法", "第一条")
        assert "数据须留在友方（《出口法》第一条）" in chinese.answer
        assert FRIENDS.rstrip(".") in english.answer
    bare = told(travelling(BROKEN), THERE, lang="zh")
    assert [part.condition for part in bare.carried or ()] == [FRIENDS]
