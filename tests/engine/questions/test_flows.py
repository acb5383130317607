"""
Three everyday exchanges, from countries and kind of data to the end: how many questions a person is asked.

Staff data of a factory in Shanghai to its parent in Munich; an American advertiser's location data to Hong Kong; anonymised images of
a hospital in Nairobi to a Chinese laboratory that trains a model. The answers are what a compliance officer would say, with no document
shown.
"""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

import engine
from engine.policy_language.vocabulary import DOCUMENT_GROUPS

DAY = date(2026, 11, 27)
NOT_YET_REFUSED = ("not_applicable", "permitted", "permitted_with_obligations")
COMMON: dict[str, Any] = {
    "exporter.role": "controller", "exporter.zone": "none", "recipient.role": "controller", "recipient.kind": "company",
    "recipient.can_read": True, "recipient.listed_on": [], "data.grades": ["general"], "data.lawful_source": True,
    "data.personal": True, "data.kind": "dataset", "act.kind": "provide", "act.trigger": "own", "act.frequency": "repeated",
}  # fmt: skip
STAFF = {
    "exporter.kind": "company", "exporter.sectors": ["industry"],
    "exporter.organised_in": ["CN"], "exporter.controlled_from": ["DE"], "exporter.people_handled": 300,
    "recipient.relation": "same-group", "recipient.organised_in": ["DE"], "recipient.controlled_from": ["DE"],
    "data.state": "identified", "data.people.ordinary": 300, "data.people.sensitive": 0, "data.people_in": ["CN"],
    "data.collected_in": ["CN"], "data.stored_in": ["CN"], "data.nationalities": ["CN"], "data.source": "self-produced",
    "data.cn_negative_list": "not-covered", "purpose.is": ["hr-management"], "safeguards.basis": ["hr-management"],
    "counts.cn.ordinary": 300, "counts.cn_all.ordinary": 300,
}  # fmt: skip
LOCATION = {
    "exporter.kind": "other-company", "exporter.sectors": ["commerce"], "exporter.organised_in": ["US"], "recipient.relation": "unrelated",
    "recipient.organised_in": ["HK"], "recipient.controlled_from": ["HK"], "data.state": "identified",
    "data.people.ordinary": 0, "data.people.sensitive": 50_000, "data.people_in": ["US"], "data.nationalities": ["US"],
    "data.collected_in": ["US"], "data.stored_in": ["US"], "data.source": "purchased", "act.us_deal": "brokerage",
    "purpose.is": ["marketing"], "safeguards.basis": ["consent"], "data.us_people.geolocation": 50_000,
}  # fmt: skip
IMAGES = {
    "exporter.kind": "hospital", "exporter.sectors": ["health"],
    "exporter.organised_in": ["KE"], "recipient.kind": "research-body", "recipient.relation": "unrelated",
    "recipient.organised_in": ["CN"], "recipient.controlled_from": ["CN"], "data.state": "anonymised", "data.people_in": ["KE"],
    "data.nationalities": ["KE"], "data.collected_in": ["KE"], "data.stored_in": ["KE"], "data.source": "self-produced",
    "purpose.is": ["model-training"], "purpose.end_use": ["civil"],
}  # fmt: skip
FLOWS = [
    ("staff-data-shanghai-munich", STAFF, 3, 10),
    ("location-data-america-hong-kong", LOCATION, 3, 22),
    ("images-nairobi-china", IMAGES, 2, 10),
]


@pytest.fixture(scope="module")
def pdp() -> engine.PDP:
    return engine.PDP(engine.load(engine.bundled_policies()), "bitset")


def plain(pdp: engine.PDP, fact: str) -> Any:
    """The answer of an exchange that has nothing of what is asked: no, none, nothing, no document."""
    group = fact.partition(".")[0]
    if group in DOCUMENT_GROUPS:
        return "none"
    type = pdp.bundle.vocabulary.facts[fact].type
    nothing = type.values.nothing if type.values else ""
    if type.many:
        return [nothing] if nothing else []
    return {"yes/no": False, "count": 0, "ratio": "0"}.get(type.kind, nothing or "unknown")


def stated(document: dict[str, Any], fact: str, value: Any) -> None:
    here = document
    *path, last = fact.split(".", 1) if fact.partition(".")[0] in DOCUMENT_GROUPS else fact.split(".")
    for step in path:
        here = here.setdefault(step, {})
    here[last] = value


def some_of(place: str, said: dict[str, Any]) -> bool:
    """Whether there is something of a family that "none" would close."""
    family = place.removesuffix("rest")
    return place.endswith(".rest") and any(value for fact, value in said.items() if fact.startswith(family))


@pytest.mark.parametrize(("name", "answers", "until_known", "until_settled"), FLOWS, ids=[each[0] for each in FLOWS])
def test_few_questions_settle_it(
    pdp: engine.PDP, name: str, answers: dict[str, Any], until_known: int, until_settled: int
) -> None:
    """Whether it may proceed is known first, and each question is asked once."""
    document = json.loads((engine.bundled_policies() / "examples" / f"{name}.json").read_text(encoding="utf-8"))
    said = {**COMMON, **answers}
    known: int | None = None
    asked: list[str] = []
    while True:
        judgement = pdp.judge(engine.parse_exchange(pdp.bundle, json.dumps(document).encode()), as_of=DAY)
        bounds = judgement.outcome.bounds
        if known is None and (bounds.low.word not in NOT_YET_REFUSED or bounds.high.word in NOT_YET_REFUSED):
            known = len(asked)
        if judgement.outcome.word != "undetermined":
            break
        answer = engine.Answer.model_validate_json(pdp.answer(judgement, today=DAY, id="1").json())
        first = answer.questions[0]
        assert first.fact not in asked
        asked.append(first.fact)
        if first.none and all(
            said.get(place, value) == value and not some_of(place, said) for place, value in first.none.items()
        ):
            for place, value in first.none.items():
                stated(document, place, value)
        else:
            stated(document, first.fact, said.get(first.fact, plain(pdp, first.fact)))
    assert known is not None
    assert known <= until_known, asked
    assert len(asked) <= until_settled, asked


def test_where_a_review_is_certain_what_may_be_stricter_is_asked_first(pdp: engine.PDP) -> None:
    """A person must look at these images anyway; a barred recipient would be the end of it."""
    exchange = (engine.bundled_policies() / "examples" / "images-nairobi-china.json").read_bytes()
    judgement = pdp.judge(engine.parse_exchange(pdp.bundle, exchange), as_of=DAY)
    assert judgement.outcome.bounds.low.word == "review"
    assert judgement.outcome.bounds.high.word == "prohibited"
    assert next(iter(judgement.open_facts)) == "recipient.listed_on"
