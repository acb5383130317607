"""What is asked, and what is proposed, where a document states what it covers: in the words of a made law."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
import yaml

import engine
from engine.authoring.testing import build
from engine.decision import QuestionPart
from tests.engine.backends.test_cases import VOCABULARY, policy

DAY = date(2026, 7, 15)
BASE = {
    "exporter.country": "AA",
    "recipient.country": "AA",
    "recipient.id": "acme",
    "data.personal": "no",
    "data.categories": [],
    "data.people_in": [],
    "data.people.ordinary": 0,
    "data.people.sensitive": 20,
    "data.uses": ["imaging"],
    "data.id": "set-1",
}
COUNTS = {"dated": "2026-01-01", "covers": "yes"}


def bundle(kind: str) -> engine.Bundle:
    """A law that requires a document of a kind."""
    words = yaml.load(VOCABULARY.read_bytes(), Loader=yaml.BaseLoader)
    rules = [
        {"id": "need", "require": "certificate"},
        {"id": "ground", "when": [{"evidence": {"has": kind}}], "satisfies": "certificate"},
    ]
    law = policy({"policy": "p", "rules": rules})
    return engine.load_sources(
        {"words.yaml": yaml.safe_dump(words, allow_unicode=True).encode(), "law.yaml": json.dumps(law).encode()}
    )


CERTIFIED, ASSESSED = bundle("certificate"), bundle("assessment")


def decided(made: engine.Bundle, lang: str = "en", **facts: Any) -> engine.Decision:
    """A decision on the exchange with some facts."""
    exchange = build(made, {**BASE, **{name.replace("__", "."): value for name, value in facts.items()}})
    return engine.PDP(made).decide(exchange, as_of=DAY, today=DAY, id="1", lang=lang)


def asked(made: engine.Bundle, **facts: Any) -> list[QuestionPart]:
    """The facts of the first list of questions."""
    missing = decided(made, **facts).missing
    return missing[0].facts if missing else []


@pytest.mark.parametrize(
    ("document", "field", "question"),
    [
        ({"purposes": ["imaging"]}, "people", "How many people does the assessment cover?"),
        ({"people": 20}, "purposes", "For which purposes is the assessment?"),
        (
            {"people": 20, "purposes": ["imaging", "unknown"], "for": "unknown"},
            "for",
            "For which recipients is the assessment?",
        ),
    ],
    ids=["people", "purposes", "a limit that is said to be unknown"],
)
def test_what_a_document_must_say_is_asked(document: dict[str, Any], field: str, question: str) -> None:
    """The document is there and counts otherwise; how far it reaches is not said."""
    [part] = asked(ASSESSED, evidence__assessment={**COUNTS, **document})
    assert part.fact == f"evidence.assessment.{field}"
    assert part.question.startswith(question)


def test_nothing_is_asked_of_a_document_that_need_not_say_anything() -> None:
    """Absence limits nothing."""
    decision = decided(CERTIFIED, evidence__certificate=COUNTS)
    assert (decision.outcome, decision.missing) == ("permitted", [])


@pytest.mark.parametrize(
    ("left_out", "document", "wanted"),
    [
        ("recipient.id", {"for": ["acme"]}, ["recipient.id"]),
        ("data.id", {"data": ["set-1"]}, ["data.id"]),
        ("data.uses", {"purposes": ["health"]}, ["data.uses"]),
        ("data.people.ordinary", {"people": 50}, ["data.people.ordinary"]),
    ],
    ids=["recipient", "data set", "purpose", "people"],
)
def test_what_must_lie_within_a_limit_is_asked_where_the_exchange_does_not_say_it(
    left_out: str, document: dict[str, Any], wanted: list[str]
) -> None:
    """The document has a limit, and the exchange may lie beyond it."""
    facts = asked(CERTIFIED, **{left_out.replace(".", "__"): "unknown"}, evidence__certificate={**COUNTS, **document})
    assert [part.fact for part in facts] == wanted


def test_of_a_purpose_that_is_too_wide_for_a_document_it_is_asked_which_is_meant() -> None:
    """The document is for one of the narrower ones."""
    [part] = asked(CERTIFIED, data__uses=["health"], evidence__certificate={**COUNTS, "purposes": ["imaging"]})
    assert (part.fact, part.narrows) == ("data.uses", ["health"])


def test_a_document_that_goes_too_short_is_asked_for_nothing() -> None:
    """Nothing that it may say beside could make it cover the exchange."""
    decision = decided(ASSESSED, evidence__assessment={**COUNTS, "people": 1})
    assert (decision.outcome, decision.missing) == ("requirements_unmet", [])


def remedies(made: engine.Bundle, lang: str = "en", **facts: Any) -> list[list[dict[str, Any]]]:
    """What is proposed: the changes of each remedy."""
    exchange = build(made, {**BASE, **{name.replace("__", "."): value for name, value in facts.items()}})
    found = engine.PDP(made).decide(exchange, as_of=DAY, today=DAY, id="1", lang=lang, include=["remedies"]).remedies
    assert found is not None
    return [[change.model_dump(by_alias=True) for change in each.changes] for each in found.remedies]


def test_a_document_that_is_proposed_covers_this_exchange() -> None:
    """A new one says what its kind must say, and enough of it."""
    [[change]] = remedies(ASSESSED, evidence__assessment="none")
    assert change["to"] == {"dated": "2026-07-15", "covers": True, "people": 20, "purposes": ["imaging"]}
    assert change["do"] == (
        "Obtain: assessment, dated 2026-07-15, covering this exchange, covering 20 people and for the purpose imaging."
    )


def test_a_document_that_goes_too_short_is_to_be_renewed_and_not_altered() -> None:
    """What it said it said on its day; a new one is of today, and says so much that it covers the exchange."""
    [[change]] = remedies(CERTIFIED, evidence__certificate={**COUNTS, "people": 1, "for": ["other"]})
    assert change["from"] == {"dated": "2026-01-01", "covers": True, "people": 1, "for": ["other"]}
    assert change["to"] == {"dated": "2026-07-15", "covers": True, "people": 20, "for": ["acme"]}
    assert change["do"].startswith("Renew: certificate, dated 2026-07-15")
    [[change]] = remedies(CERTIFIED, lang="zh", evidence__certificate={**COUNTS, "people": 1, "for": ["other"]})
    assert "包括本次接收方" in change["do"]
    assert "acme" not in change["do"]


def test_a_permit_rests_on_what_lies_within_the_limits_of_a_document() -> None:
    """With another recipient, or more people, the document would not cover the exchange."""
    for mode in ("reference", "bitset", "durable"):
        pdp = engine.PDP(CERTIFIED, mode)
        exchange = build(CERTIFIED, {**BASE, "evidence.certificate": {**COUNTS, "people": 20, "for": ["acme"]}})
        named = {each.fact for each in pdp.rests_on(pdp.judge(exchange, as_of=DAY))}
        assert {"evidence.certificate", "recipient.id", "data.people.sensitive"} <= named, mode
