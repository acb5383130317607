"""What the service answers is strictly read; `test_operations` compares the classes with the document, member by member."""

from typing import Any

import pytest

import engine
from service.client import (
    Malformed,
    Question,
    answer_parts,
    answers,
    calls,
    explanation,
    reasons,
    reviews,
    shapes,
)
from service.client import statistics as flows
from service.ledger import statistics


def test_the_client_reads_the_shapes_that_the_service_answers():
    """Their names, with their versions."""
    assert (engine.Answer.model_fields["schema_"].default, "fifthfactor/explanation/1") == (answers.SCHEMA, explanation.SCHEMA)


QUESTION: dict[str, Any] = {
    "fact": "data.state",
    "question": "Are they?",
    "type": "data_state",
    "values": [{"value": "identified", "title": "identified, as they are"}],
}


@pytest.mark.parametrize(
    "wrong",
    [
        {"fact": None},
        {"fact": 7},
        {"more": "1"},
        {"more": True},
        {"values": {}},
        {"values": ["identified"]},
        {"values": [{"value": "identified"}]},
        {"narrows": None},
    ],
)
def test_a_question_of_another_shape_is_malformed(wrong):
    """Nothing is converted and nothing is guessed; a member that nobody knows is of a later version."""
    assert shapes.read(Question, {**QUESTION, "later": 1}).values[0].title == "identified, as they are"
    with pytest.raises(Malformed, match="the answer has no"):
        shapes.read(Question, {**QUESTION, **wrong})


def test_what_is_missing_or_no_day_is_malformed():
    """And the place is named, without the value."""
    with pytest.raises(Malformed, match="questions/0/type"):
        shapes.member({"questions": [{"fact": "f", "question": "q"}]}, "questions", tuple[Question, ...])
    for due in ("soon", 20240601, "2024-02-30"):
        with pytest.raises(Malformed, match="`due`") as refused:
            shapes.read(answer_parts.Owed, {"duty": "d", "who": "w", "due": due})
        assert str(due) not in str(refused.value)
    with pytest.raises(Malformed, match="overdue"):
        shapes.read(answer_parts.Owed, {"duty": "d", "who": "w", "overdue": "perhaps"})
    given = {"id": "s", "decision": "d", "provision": "p", "verdict": "approve", "reason": "r", "until": None, "by": "b"}
    with pytest.raises(Malformed, match="`at`"):  # a moment without a time zone
        shapes.read(reviews.SignOff, {**given, "at": "2026-11-24T09:30:00"})
    assert shapes.read(reasons.Carried, {**CARRIED, "from": "leg 1", "else": "review"}).violated == "review"


CARRIED = {
    "provision": "p",
    "instrument": "i",
    "citation": "c",
    "mark": "confirmed",
    "condition": "c",
    "state": "observe",
    "certain": True,
}


def test_an_answered_question_is_stated_where_the_fact_belongs():
    """Beside what was stated, which stays; what would be lost is refused."""
    exchange = {"data": {"personal": True}}
    asked = shapes.read(Question, QUESTION)
    assert asked.answered(exchange, "identified") == {"data": {"personal": True, "state": "identified"}}
    assert exchange == {"data": {"personal": True}}
    assert asked.answered({}, "identified") == {"data": {"state": "identified"}}
    people = Question("data.people.sensitive", "How many?", "count")
    with pytest.raises(ValueError, match="`people`"):
        people.answered({"data": {"people": 12000}}, 0)


def test_statistics_are_asked_for_by_dimensions_and_read_as_they_are():
    """The first month is `since` in Python, and `from` in the address; what the service leaves out is None."""
    query = flows.asked(["month", "venue"], {"since": "2026-01", "pair": "CN>"})
    assert calls.at("statistics", query=query) == "/v1/statistics?by=month%2Cvenue&from=2026-01&pair=CN%3E"
    price = [statistics.MoneySum(currency="CNY", amount="100.1", exchanges=1)]
    nothing: dict[str, Any] = {"source_country_share": [], "public_share": [], "exclusive_price": [], "lanes": {}}
    people = statistics.PeopleSum(at_least=5)
    cell = statistics.FlowCell(of={}, exchanges=1, people=people, price=price, unpriced=0, exclusive={"no": 1}, **nothing)
    told = statistics.Statistics(about="of this ledger", by=[], cells=[cell], total=cell, left_out=0)
    found = shapes.read(flows.Statistics, told.model_dump(mode="json", exclude_none=True))
    assert (found.total.price[0].amount, found.total.people.at_most, found.decisions) == ("100.1", None, None)
