"""
What may be answered where facts are compared with facts, and where working days run: values on both sides of what decides.
"""

from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import engine
from engine.authoring.testing import build
from engine.policy_language.calendars import last_working_day
from engine.questions.possible_answers import AnswerBook
from engine.values import Amount, Document, Missing, Money, Range, SetOf

VOCABULARY = (Path(__file__).parent.parent / "backends" / "cases" / "vocabulary.yaml").read_bytes()
DAY = date(2026, 6, 15)


def book(when: dict[str, Any], facts: dict[str, Any], oblige: dict[str, Any] | None = None) -> AnswerBook:
    """The answers under one law, to questions about an exchange."""
    effect = {"oblige": oblige} if oblige else {"review": "look at it"}
    rule = {"id": "r", "title": "r", "cite": "r", "says": "r", "source": "r", "status": "confirmed", "when": when, **effect}
    head = {"policy": "p", "title": "p", "jurisdiction": "AA", "instrument": {"issuer": "a", "force": "law"}}
    law = {**head, "in_force": {"from": "2020-01-01"}, "applies": {"exporter.country": "AA"}, "rules": [rule]}
    bundle = engine.load_sources({"vocabulary.yaml": VOCABULARY, "law.yaml": json.dumps(law).encode()})
    return AnswerBook(bundle, build(bundle, {"exporter.country": "AA", **facts}), DAY)


@pytest.mark.parametrize(
    ("when", "facts", "asked", "wanted"),
    [
        (
            {"data.price": {"at_most": {"fact": "limits.price"}}},
            {"limits.price": "5 USD"},
            "data.price",
            [Money(Decimal(n), "USD") for n in ("4.99", "5", "5.01")],
        ),
        (
            {"data.energy": {"at_most": {"fact": "limits.energy"}}},
            {"limits.energy": "1 kWh"},
            "data.energy",
            [Amount(Decimal(n), "MJ") for n in ("3.59", "3.6", "3.61")],
        ),
        (
            {"data.energy": {"at_most": {"fact": "limits.energy"}}},
            {"limits.energy": "1e30 EFLOP"},
            "data.energy",
            [Amount(Decimal(n), "FLOP") for n in (f"{'9' * 48}.99", f"1{'0' * 48}", f"1{'0' * 48}.01")],
        ),
        (
            {"data.files": {"at_most": {"fact": "limits.files"}}},
            {"data.files": "7"},
            "limits.files",
            [Range.exact(n) for n in (6, 7, 8)],
        ),
        (
            {"data.collected_on": {"until": {"fact": "limits.deleted_on"}}},
            {"limits.deleted_on": "2026-01-02"},
            "data.collected_on",
            [date(2026, 1, n) for n in (1, 2, 3)],
        ),
        ({"data.label": {"fact": "limits.label"}}, {"limits.label": "one"}, "data.label", ["one", "some-other-value"]),
        (
            {"data.categories": {"only": {"fact": "limits.categories"}}},
            {"limits.categories": ["weather", "address"]},
            "data.categories",
            [SetOf(frozenset(each)) for each in ((), ("weather",), ("address",), ("weather", "address"))],
        ),
        (
            {"data.categories": {"has_all": {"fact": "limits.categories"}}},
            {"data.categories": ["genetic", "weather"]},
            "limits.categories",
            [SetOf(frozenset(each)) for each in ((), ("weather",), ("genetic",), ("weather", "genetic"))],
        ),
        ({"exporter.country": {"not": {"fact": "recipient.country"}}}, {}, "recipient.country", ["AA", "BB"]),
    ],
    ids=["money", "quantity", "large quantity", "count", "date", "id", "set", "other set", "value"],
)
def test_a_fact_that_is_compared_is_answered_around_the_other(
    when: dict[str, Any], facts: dict[str, Any], asked: str, wanted: list[Any]
) -> None:
    """Just below, at and just above what the other fact is; and the answers are never said to be all there are."""
    answers = book(when, facts).of(asked)
    assert [value for value in wanted if value not in answers.values] == []
    assert not answers.whole


def test_a_document_whose_field_is_compared_is_not_answered_wholly() -> None:
    """What is asked of a document is answered around the fact, and not said to be all."""
    answers = book({"evidence.contract.people": {"at_least": {"fact": "data.files"}}}, {"data.files": "7"}).of(
        "evidence.contract"
    )
    shown = [value.fields["people"] for value in answers.values if isinstance(value, Document) and value.state == "shown"]
    assert [n for n in (6, 7, 8) if Range.exact(n) not in shown] == []
    assert not answers.whole


def test_a_day_from_which_working_days_run_is_answered_on_both_sides() -> None:
    """Both the last day from which so many working days are over, and the first from which they are not."""
    due = {"within": "5 working days in AA", "after": "data.collected_on"}
    asked = book({"data.sold": "yes"}, {"data.sold": "yes"}, {"duty": "file it", "who": "exporter", "due": due})
    answers = asked.of("data.collected_on")
    calendar = asked.bundle.rules.calendars["AA"]
    ends = {start: last_working_day(calendar, 5, start) for start in answers.values if isinstance(start, date)}
    over = max(start for start, end in ends.items() if end and end < DAY)
    assert over + timedelta(days=1) in ends
    assert ends[over + timedelta(days=1)] == DAY
    assert not answers.whole


@pytest.mark.parametrize("sent", [{}, {"data.people_in": ["DE"], "data.people.sensitive": {"at_least": "7"}}])
def test_a_simple_answer_is_one_that_may_be_given(sent: dict[str, Any]) -> None:
    bundle = engine.load(engine.bundled_policies())
    book = AnswerBook(bundle, build(bundle, {"exporter.country": "CN", **sent}), DAY)
    found = 0
    for fact in [*bundle.vocabulary.facts, *(f"evidence.{kind}" for kind in bundle.vocabulary.kinds["evidence"])]:
        answers, known = book.of(fact).values, bundle.vocabulary.facts.get(fact)
        for value in book.simple(fact):
            found += 1
            if isinstance(value, SetOf):
                told = book.exchange.value(fact)
                assert known is not None
                assert known.can_be(value)
                assert value.members >= told.members if isinstance(told, SetOf) else told is Missing.LEFT_OUT
            else:
                assert value in answers
    assert found > len(bundle.vocabulary.facts) // 2
