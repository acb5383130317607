"""
Questions that belong together are one: none of it, some of it, or not known.
"""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

import engine
from tests.engine.backends.test_cases import policy

DAY = date(2026, 11, 24)
BUNDLE = engine.load(engine.bundled_policies())
LOCATIONS: dict[str, Any] = {
    "exporter": {"country": "US"},
    "recipient": {"country": "CN", "listed_on": []},
    "data": {
        "categories": ["location"], "personal": True, "state": "identified", "kind": "dataset", "people_in": ["US"], "grades": ["general"],
    },
}  # fmt: skip
WORDS = """
vocabulary: test
facts:
  exporter.country: {type: country, title: country}
  data.seen: {type: count, by: animal, title: animals, ask: How many?}
  data.marks: {type: set of animal, title: marks}
  data.owner: {type: set of animal, some: yes, title: owner}
jurisdictions:
  AA: {title: Aland}
values:
  country: {title: country, values: [AA, BB]}
  animal: {title: animal, values: [dog, cat]}
questions:
  animals: {ask: Are there animals?, facts: [data.seen, data.marks]}
"""


@pytest.fixture(scope="module")
def pdp() -> engine.PDP:
    return engine.PDP(BUNDLE, "bitset")


def judged(pdp: engine.PDP, document: dict[str, Any]) -> engine.Judgement:
    return pdp.judge(engine.parse_exchange(pdp.bundle, json.dumps(document).encode()), as_of=DAY)


def questions(pdp: engine.PDP, document: dict[str, Any], *apart: str) -> list[engine.QuestionPart]:
    return list(pdp.asking(judged(pdp, document), apart=apart))


def the_group(asked: list[engine.QuestionPart], fact: str) -> engine.QuestionPart:
    (found,) = [each for each in asked if fact in each.facts]
    return found


def test_the_eight_american_counts_are_one_question_and_none_answers_them_all(pdp: engine.PDP) -> None:
    """Each open fact is asked once, alone or with others; what "none" states closes all of them."""
    judgement = judged(pdp, LOCATIONS)
    asked = questions(pdp, LOCATIONS)
    stood_for = [fact for each in asked for fact in each.facts or [each.fact]]
    assert sorted(stood_for) == sorted(judgement.open_facts)
    people = the_group(asked, "data.us_people.genomic")
    assert (people.type, people.fact) == ("group", people.facts[0])
    assert {each for each in people.facts if each.startswith("data.us_people.")} == set(
        BUNDLE.vocabulary.families["data.us_people"]
    )
    assert len(people.facts) >= 8
    assert people.question.startswith("Are there people of the United States")
    nobody: dict[str, Any] = LOCATIONS
    for place, value in people.none.items():
        nobody = engine.with_fact_set(nobody, place, value)
    assert set(people.facts).isdisjoint(judged(pdp, nobody).open_facts)


def test_whoever_says_some_is_asked_for_each(pdp: engine.PDP) -> None:
    """So is who stated one of them, or that it is not known."""
    counts = set(BUNDLE.vocabulary.families["data.us_people"])
    for document, apart in (
        (LOCATIONS, ("data.us_people.genomic",)),
        (engine.with_fact_set(LOCATIONS, "data.us_people.genomic", 5), ()),
        (engine.with_fact_set(LOCATIONS, "data.us_people.genomic", "unknown"), ()),
    ):
        open_ = counts & judged(pdp, document).open_facts.keys()
        asked = questions(pdp, document, *apart)
        assert not [each for each in asked if counts & set(each.facts)]
        assert {each.fact for each in asked} >= open_ != set()


def test_what_everybody_declares_is_one_question_of_the_answer(pdp: engine.PDP) -> None:
    """With what to send where there is nothing of it, in four kilobytes; the log finds each fact."""
    written = pdp.answer(judged(pdp, LOCATIONS), today=DAY, id="1")
    answer = json.loads(written.json())
    (declared,) = [each for each in answer["questions"] if "act.bars" in each.get("none", ())]
    assert (declared["type"], declared["fact"]) == ("group", "data.controls")  # the best of them to ask for first
    assert declared["none"] == {"act.bars": [], "data.controls": [], "purpose.end_use": ["civil"]}
    assert {"act.bars", "data.controls"} <= set(written.named["missing"])
    stands_for = sum(len(each.facts) or 1 for each in questions(pdp, LOCATIONS)[:3])
    assert answer["more"]["questions"] == len(judged(pdp, LOCATIONS).open_facts) - stands_for
    engine.Answer.model_validate(answer)


def test_nothing_of_any_group_is_a_thing_that_an_exchange_can_say(pdp: engine.PDP) -> None:
    """In both languages each group has its question, and its "none" is read as what it is."""
    assert len(BUNDLE.vocabulary.questions) >= 4
    for text in BUNDLE.vocabulary.questions.values():
        assert text.ask.en and text.ask.zh  # noqa: PT018
        document: dict[str, Any] = {}
        for place in text.facts:
            members = BUNDLE.vocabulary.families.get(place, (place,))
            closing = f"{place}.rest" if place in BUNDLE.vocabulary.families else place
            document = engine.with_fact_set(document, closing, BUNDLE.vocabulary.facts[members[0]].none)
        exchange = engine.parse_exchange(BUNDLE, json.dumps(document).encode())
        for place in text.facts:
            for member in BUNDLE.vocabulary.families.get(place, (place,)):
                assert engine.Missing.LEFT_OUT is not exchange.value(member)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ("questions: {animals: {ask: Are there?, facts: [data.nothing]}}", "unknown-fact"),
        ("questions: {animals: {ask: Are there?, facts: [data.marks, data.owner]}}", "ill-typed"),
        (
            "questions: {animals: {ask: Are there?, facts: [data.marks]}, others: {ask: Are there?, facts: [data.marks]}}",
            "duplicate-id",
        ),
    ],
)
def test_a_question_stands_only_for_what_may_be_nothing_and_each_fact_for_one(wrong: str, code: str) -> None:
    """The vocabulary is refused otherwise."""
    law = json.dumps(policy({"rules": [{"id": "r", "when": {"data.marks": {"has": "dog"}}, "prohibit": "No."}]})).encode()
    engine.load_sources({"words.yaml": WORDS.encode(), "law.yaml": law})
    changed = WORDS[: WORDS.index("questions:")] + wrong
    with pytest.raises(engine.BundleRefused) as refused:
        engine.load_sources({"words.yaml": changed.encode(), "law.yaml": law})
    assert {each.code for each in refused.value.diagnostics} == {code}
