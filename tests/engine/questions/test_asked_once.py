"""What was said already is not asked for again: in other words, in another question, or where it follows from what was said."""

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

import engine

BUNDLE = engine.load(engine.bundled_policies())
PDP = engine.PDP(BUNDLE, "bitset")
DAY = date(2026, 11, 30)
PRESETS = {each.id: each for each in BUNDLE.presets()}
ROUTES = (("DE", "US"), ("CN", "US"), ("US", "IN"), ("GB", "KE"))
MOST = 60  # answers of a walk
BOTH = {"en": "Besides “{}”", "zh": "除“{}”"}
# What a person would answer to whom the first answer that can be true is not plausible.
ANSWERS: dict[str, Any] = {
    "data.personal": True,
    "data.state": "identified",
    "recipient.relation": "same-group",
    "recipient.kind": "other-company",
    "exporter.kind": "other-company",
    "act.trigger": "own",
    "safeguards.basis": ["contract"],
}


def judged(document: dict[str, Any]) -> engine.Judgement:
    """The judgement on an exchange."""
    return PDP.judge(engine.parse_exchange(BUNDLE, json.dumps(document).encode()), as_of=DAY)


def with_fact(document: dict[str, Any], fact: str, value: Any) -> dict[str, Any]:
    """The exchange with a fact stated."""
    changed = json.loads(json.dumps(document))
    *above, last = fact.split(".")
    inner = changed
    for step in above:
        inner = inner.setdefault(step, {})
    inner[last] = value
    return changed  # type: ignore[no-any-return]


def at(document: Any, fact: str) -> Any:
    """What an exchange states of a fact."""
    for step in fact.split("."):
        document = document.get(step) if isinstance(document, dict) else None
    return document


def answers(question: engine.QuestionPart, document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The exchange with each plausible answer: what was said and nothing else; of wide values the last narrower one."""
    fact, said = question.fact, at(document, question.fact)
    if question.none:
        changed = document
        for place, value in question.none.items():
            changed = with_fact(changed, place, value)
        yield changed
    elif question.narrows or isinstance(said, list):
        kept = [each for each in said if each not in (*question.narrows, "unknown")] if isinstance(said, list) else []
        meant = question.values[-1:] if question.narrows else []
        yield with_fact(document, fact, [*kept, *meant] if question.type.startswith("set of") else meant[0])
    else:
        country = at(document, "exporter.country")
        many = question.type.startswith("set of")
        words: list[Any] = [country, *question.values] if question.type.endswith("country") else question.values
        first: list[Any] = [ANSWERS[fact]] if fact in ANSWERS else []
        found = [
            *first,
            *([[], *([each] for each in words)] if many else words),
            False,
            True,
            0,
            500,
            "none",
            "2026-11-30",
            "1 year",
        ]
        for value in (*found, "1 EUR", fact.replace(".", "-")):
            yield with_fact(document, fact, value)


def walk(document: dict[str, Any]) -> Iterator[tuple[engine.Judgement, dict[str, Any], engine.QuestionPart]]:
    """Each question of a walk, with the exchange as it is when it is asked."""
    skipped: set[str] = set()
    for _ in range(MOST):
        judgement = judged(document)
        question = next((each for each in PDP.asking(judgement, "en", skipped) if each.fact not in skipped), None)
        if question is None:
            return
        yield judgement, document, question
        for changed in answers(question, document):
            try:
                engine.parse_exchange(BUNDLE, json.dumps(changed).encode())
            except engine.ExchangeRefused:
                continue
            document = changed
            break
        else:
            skipped.update(question.facts or [question.fact])
    pytest.fail(f"the walk does not end: {document}")


def between(exchange: Any, exporter: str, recipient: str) -> dict[str, Any]:
    """An exchange between two countries, or from one of them to the public."""
    sent = with_fact(dict(exchange), "exporter.country", exporter)
    return sent if isinstance(sent.get("recipient"), str) else with_fact(sent, "recipient.country", recipient)


@pytest.mark.parametrize("id", PRESETS)
def test_no_question_of_a_walk_asks_for_what_was_said(id: str) -> None:
    """A list is asked for what it has besides; nothing is asked twice; nothing is asked that only one answer fits."""
    besides = 0
    for exporter, recipient in ROUTES:
        asked: list[str] = []
        for judgement, document, question in walk(between(PRESETS[id].exchange, exporter, recipient)):
            said = [each for each in at(document, question.fact) or () if each != "unknown"] if not question.facts else []
            said = said if question.type.startswith("set of") else []
            assert set(question.values).isdisjoint(said)
            if enough := sorted(each for each in said if each not in question.narrows):
                type = BUNDLE.vocabulary.type_of(question.fact)
                assert type
                for lang, words in BOTH.items():
                    book = engine.Phrasebook(BUNDLE, engine.LANGUAGES[lang])
                    told = PDP.question(judgement, question.fact, lang).question
                    if not question.narrows or "unknown" in at(document, question.fact):
                        assert told.startswith(words.format(book.value(type, enough[0])))
                        besides += 1
            assert question.narrows or question.fact not in asked
            assert question.fact not in PDP.implied(judgement)
            asked += question.facts or [question.fact]
    assert besides or "data.categories" not in PRESETS[id].to_confirm


def test_what_only_one_answer_fits_follows_from_what_was_said() -> None:
    """Whoever says that the data name people is asked no more whether they are personal: another answer would be refused."""
    document = between({"data": {"categories": ["identity", "unknown"]}}, "DE", "US")
    judgement = judged(document)
    assert "data.personal" in judgement.open_facts
    assert PDP.implied(judgement) == {"data.personal": True}
    asked = [each.fact for each in PDP.asking(judgement)]
    assert asked[-1] == "data.personal"
    assert len(asked) > 1
    with pytest.raises(engine.ExchangeRefused):
        judged(with_fact(document, "data.personal", False))
    # The same without what it follows from.
    other = judged(between({"data": {"categories": ["contact", "unknown"]}}, "DE", "US"))
    assert PDP.implied(other) == {}


def test_what_is_said_not_to_be_known_does_not_follow() -> None:
    """Whoever says "unknown" is believed."""
    document = between({"data": {"categories": ["identity", "unknown"], "personal": "unknown"}}, "DE", "US")
    assert PDP.implied(judged(document)) == {}
