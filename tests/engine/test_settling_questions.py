"""
What a decision asks: what is asked settles it, whatever leaves it open is asked, and nothing else is.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

import engine
from tests.engine.test_decision import DAY, bundle, decide

DOMAINS: dict[str, list[Any]] = {
    "yes/no": ["yes", "no"],
    "count": [*range(70), 1000],
    "date": ["1800-01-01", "2023-06-15", "2023-06-16", "2024-01-01", "2026-06-15", "2026-06-16", "2999-12-31"],
    "money": ["0 USD", "999.99 USD", "1000 USD", "5 EUR"],
    "duration": ["1 hour", "12 months", "366 days", "3 years", "5 working days in AA"],
    "document": ["none", {"dated": DAY.isoformat(), "covers": "yes"}],
}


def domain(made: engine.Bundle, fact: str) -> list[Any]:
    """Every kind of answer that somebody may give to a question."""
    entry = made.facts[fact]
    if entry.type.startswith("set of "):
        words = entry.values
        return [list(chosen) for size in range(3) for chosen in itertools.combinations(words, size)]
    return list(entry.values) or DOMAINS.get(entry.type, ["none", "keep", "need", "watch", "bar"])


def given(made: engine.Bundle, facts: dict[str, Any], asked: list[str]) -> Iterator[dict[str, Any]]:
    """The exchange with its questions answered in every way."""
    for answers in itertools.product(*(domain(made, fact) for fact in asked)):
        yield {**facts, **{fact.replace(".", "__"): answer for fact, answer in zip(asked, answers, strict=True)}}


LATE = {"within": "10 days", "after": "evidence.contract.dated"}
WORKED = {"within": "10 working days in AA", "after": "data.collected_on"}
QUESTIONS: dict[str, tuple[list[dict[str, Any]], dict[str, Any], list[str]]] = {
    "one fact of several": (
        [{"id": "r", "when": {"data.sold": "yes", "data.shared": "no"}, "prohibit": "no"}],
        {"data__shared": "no"},
        ["data.sold"],
    ),
    "either of two": (
        [{"id": "r", "when": {"any_of": [{"data.sold": "yes"}, {"data.shared": "yes"}]}, "prohibit": "no"}],
        {},
        ["data.sold", "data.shared"],
    ),
    "a number with two borders": (
        [{"id": "r", "when": {"data.files": {"at_least": "10", "less_than": "20"}}, "review": "look"}],
        {},
        ["data.files"],
    ),
    "a number known to lie between two": (
        [{"id": "r", "when": {"data.files": {"at_least": "10"}}, "review": "look"}],
        {"data__files": {"at_least": "5", "at_most": "15"}},
        ["data.files"],
    ),
    "the members of a family": (
        [{"id": "r", "when": {"data.people.total": {"at_least": "10"}}, "review": "look"}],
        {"data__people__ordinary": "0"},
        ["data.people.sensitive"],
    ),
    "a country": (
        [{"id": "r", "when": {"recipient.country": {"not": {"in": "FRIENDS"}}}, "review": "look"}],
        {"recipient__country": "unknown"},
        ["recipient.country"],
    ),
    "a day": (
        [{"id": "r", "when": {"data.collected_on": {"older_than": "3 years"}}, "review": "look"}],
        {},
        ["data.collected_on"],
    ),
    "a document that may lift": (
        [
            {"id": "r", "require": "certificate"},
            {"id": "g", "when": [{"evidence": {"has": "certificate"}}], "satisfies": "certificate"},
        ],
        {"evidence__certificate": "unknown"},
        ["evidence.certificate"],
    ),
    "an open set": (
        [{"id": "r", "when": {"data.grades": {"at_least": "core"}}, "review": "look"}],
        {"data__grades": ["general", "unknown"]},
        ["data.grades"],
    ),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_what_is_asked_settles_it(name: str) -> None:
    """Answered in any way, a list that settles leaves a known outcome; it is the list that is needed and no longer."""
    rules, facts, asked = QUESTIONS[name]
    made = bundle({"rules": rules})
    pdp = engine.PDP(made)
    decision = decide(pdp, **facts)
    assert decision.outcome == "undetermined"
    [part] = decision.missing
    assert ([question.fact for question in part.facts], part.settles) == (asked, True)
    assert all("?" in question.question for question in part.facts)
    outcomes = {decide(pdp, **answered).outcome for answered in given(made, facts, asked)}
    assert "undetermined" not in outcomes
    assert len(outcomes) > 1, "a question whose answer does not matter"


TRAPS: dict[str, tuple[list[dict[str, Any]], dict[str, Any]]] = {
    "more borders than are tried": (
        [
            {"id": "a", "when": {"data.files": ["10", "20", "30", "40", "50"]}, "review": "look"},
            {"id": "b", "when": {"data.files": {"at_least": "60"}, "data.sold": "yes"}, "prohibit": "no"},
        ],
        {},
    ),
    "two members together": (
        [
            {"id": "a", "when": {"data.categories": {"has_all": ["weather", "imaging"]}, "data.sold": "yes"}, "prohibit": "no"},
            {"id": "b", "when": {"data.categories": {"has": "contact"}}, "review": "look"},
        ],
        {"data__categories": "unknown"},
    ),
    "a register whose first entries have ended": (
        [
            {"id": "a", "when": {"recipient.country": {"in": "OLD-FRIENDS"}, "data.sold": "yes"}, "prohibit": "no"},
            {"id": "b", "when": {"recipient.country": "NO"}, "review": "look"},
        ],
        {"recipient__country": "unknown"},
    ),
    "a sum in another currency": (
        [{"id": "a", "when": {"data.price": {"at_least": "1000 USD"}}, "review": "look"}],
        {},
    ),
    "a length of time in other units": (
        [{"id": "a", "when": {"data.kept_for": {"more_than": "1 year"}}, "review": "look"}],
        {},
    ),
    "a value that says no more than its descendants need": (
        [{"id": "a", "when": {"data.category": "genetic"}, "review": "look"}],
        {},
    ),
    "a day from which working days run": (
        [{"id": "a", "oblige": {"duty": "file it", "who": "exporter", "due": WORKED}}],
        {},
    ),
}


@pytest.mark.parametrize("name", TRAPS)
def test_what_does_not_settle_is_not_said_to(name: str) -> None:
    """A list is said to settle only where no answer leaves the outcome open."""
    rules, facts = TRAPS[name]
    made = bundle({"rules": rules})
    pdp = engine.PDP(made)
    for part in decide(pdp, **facts).missing:
        if part.settles:
            asked = [question.fact for question in part.facts]
            assert "undetermined" not in {decide(pdp, **answered).outcome for answered in given(made, facts, asked)}


OVERLOOKED: dict[str, tuple[dict[str, Any], list[str]]] = {
    "the day from which a duty runs": (
        {"oblige": {"duty": "file it", "who": "exporter", "due": {"within": "10 days", "after": "data.collected_on"}}},
        ["data.collected_on"],
    ),
    "what a duty is done by, through a definition": (
        {"oblige": {"duty": "file it", "who": "exporter", "done_when": "sold", "due": LATE, "overdue": "prohibited"}},
        ["data.sold", "evidence.contract"],
    ),
    "a document of which a field is tested": (
        {"when": {"evidence.certificate.filed": {"until": "2026-01-01"}}, "review": "look"},
        ["evidence.certificate"],
    ),
}


@pytest.mark.parametrize("name", OVERLOOKED)
def test_whatever_leaves_it_open_is_asked(name: str) -> None:
    """Where the outcome is undetermined, the facts that leave it open are asked."""
    rule, asked = OVERLOOKED[name]
    decision = decide(bundle({"define": {"sold": {"data.sold": "yes"}}, "rules": [{"id": "r", **rule}]}))
    assert decision.outcome == "undetermined"
    assert [question.fact for part in decision.missing for question in part.facts] == asked


def test_what_cannot_move_the_outcome_is_not_asked() -> None:
    """A fact that only weighs less than what is certain is not asked, and nothing is asked where the outcome is known."""
    made = bundle(
        {
            "rules": [
                {"id": "watch", "review": "look"},
                {"id": "need", "when": {"data.shared": "yes"}, "require": "certificate"},
                {"id": "bar", "when": {"data.sold": "yes"}, "prohibit": "no"},
            ]
        }
    )
    assert [q.fact for part in decide(made).missing for q in part.facts] == ["data.shared", "data.sold"]
    assert decide(made, data__sold="yes").missing == []
    assert [q.fact for part in decide(made, data__sold="no").missing for q in part.facts] == ["data.shared"]
    assert decide(made, data__shared="no", data__sold="no").missing == []


def test_what_decides_whether_a_law_applies_is_asked_first() -> None:
    """Facts of `applies` come before facts of rules, whatever the order of the rules."""
    made = bundle(
        {
            "applies": {"exporter.country": "AA", "data.shared": "yes"},
            "rules": [{"id": "r", "when": {"data.sold": "yes"}, "prohibit": "no"}],
        }
    )
    asked = [question.fact for part in decide(made).missing for question in part.facts]
    assert asked[0] == "data.shared"


def test_a_shorter_list_is_asked_before_a_longer_one() -> None:
    """Where one fact may settle it, no pair is asked."""
    made = bundle(
        {
            "rules": [
                {"id": "a", "when": {"data.sold": "yes", "data.shared": "yes"}, "prohibit": "no"},
                {"id": "b", "when": {"data.sold": "no"}, "review": "look"},
                {"id": "c", "when": {"data.label": "x", "data.sold": "yes"}, "advise": "do it"},
            ]
        }
    )
    missing = decide(made, data__shared="no").missing
    assert [[question.fact for question in part.facts] for part in missing] == [["data.sold"]]


@pytest.mark.parametrize("test", [{"until": "9999-12-31"}, {"from": "0001-01-01"}, {"within": "900000 years"}], ids=str)
def test_a_policy_may_name_the_first_and_the_last_day(test: dict[str, str]) -> None:
    """`until: 9999-12-31` is how many texts write "for ever"; asking for such a date must not fail."""
    made = bundle({"rules": [{"id": "r", "when": {"data.collected_on": test, "data.sold": "yes"}, "prohibit": "no"}]})
    assert decide(made).outcome == "undetermined"
