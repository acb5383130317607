"""What the client's classes have is what the service answers: member by member, and strictly read."""

from collections.abc import Mapping
from dataclasses import is_dataclass
from datetime import date, datetime
from decimal import Decimal
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import pytest
from pydantic import BaseModel

import engine
from engine import decision
from service.api import reviews as queue
from service.api.decisions import DecisionRow
from service.client import (
    Answer,
    Malformed,
    Question,
    accounts,
    answer_parts,
    answers,
    benefits,
    calls,
    explanation,
    reasons,
    reviews,
    shapes,
)
from service.client import statistics as flows
from service.ledger import asset_entries, benefit_statement, concentration, statistics
from service.reviews import sign_offs

AS_ANSWERED: list[tuple[Any, type[BaseModel]]] = [
    (explanation.Explanation, engine.Explanation),
    (reviews.Review, queue.Review),
    (reviews.SignOff, sign_offs.SignOff),
    (reviews.Recorded, DecisionRow),
    (benefits.BenefitLine, benefit_statement.BenefitLine),
    (benefits.BenefitBalance, benefit_statement.BenefitBalance),
    (flows.Statistics, statistics.Statistics),
    (flows.Concentration, concentration.Concentration),
    (accounts.AccountEntry, asset_entries.EntryPart),
    (accounts.AssetAccounts, asset_entries.AssetAccounts),
    (accounts.RollForward, asset_entries.RollForward),
]
UNSAID = ("Review/current", "Review/group")  # a record does not say it


def differences(ours: Any, theirs: Any, where: str) -> list[str]:
    """Where a type of the client is not what the service's type says."""
    kind, parts = get_origin(ours), get_args(ours)
    if theirs is str and (kind is Literal or ours in (date, Decimal)):
        return []  # the service declares a text, and sends only such ones
    if isinstance(theirs, type) and issubclass(theirs, BaseModel):
        return of_members(ours, theirs, where) if is_dataclass(ours) else [f"{where}: {ours}"]
    if kind in (Union, UnionType):
        if NoneType not in get_args(theirs):
            return [f"{where}: never null"]
        (mine,), (given,) = ([each for each in get_args(type_) if each is not NoneType] for type_ in (ours, theirs))
        return differences(mine, given, where)
    if kind is Literal:
        return [] if parts == get_args(theirs) else [f"{where}: {get_args(theirs)}"]
    if kind is tuple:
        return (
            differences(parts[0], get_args(theirs)[0], where) if get_origin(theirs) in (list, tuple) else [f"{where}: {theirs}"]
        )
    if kind is Mapping:
        return differences(parts[1], get_args(theirs)[1], where) if get_origin(theirs) is dict else [f"{where}: {theirs}"]
    return [] if ours is theirs else [f"{where}: {ours} for {theirs}"]


def of_members(ours: Any, theirs: type[BaseModel], where: str) -> list[str]:
    """The same for each member of an object; a shape that has itself among its members is compared once."""
    if f"/{ours.__name__}/" in where:
        return []
    where = f"{where}/{ours.__name__}/" if ours is explanation.NeedTree else where
    mine = {each.name: each for each in shapes.members(ours)}
    given = {field.alias or name: field for name, field in theirs.model_fields.items() if field.alias != "schema"}
    found = [f"{where}/{name}: only on one side" for name in mine.keys() ^ given.keys()]
    for name in mine.keys() & given.keys():
        if mine[name].needed != given[name].is_required():
            found.append(f"{where}/{name}: needed on one side")
        if f"{where}/{name}" not in UNSAID:
            found += differences(mine[name].type, given[name].annotation, f"{where}/{name}")
    return found


@pytest.mark.parametrize(("ours", "theirs"), AS_ANSWERED, ids=lambda shape: shape.__name__)
def test_a_class_has_the_members_that_the_service_answers(ours, theirs):
    """Each by its name and type, down to the words that it may be."""
    assert of_members(ours, theirs, ours.__name__) == []


def test_an_answer_has_its_lists_as_the_service_answers_them():
    """The lists that the client names are members of the answer, with the same items."""
    theirs = engine.Answer.model_fields
    for name in ("questions", "unmet", "owed", "gaps", "bounds", "signed_off", "rests_on", "more"):
        (ours,) = (field.type for field in Answer.__dataclass_fields__.values() if field.name == name)
        given = [each for each in get_args(theirs[name].annotation) if each is not NoneType]
        whole = given[0] if get_origin(theirs[name].annotation) in (Union, UnionType) else theirs[name].annotation
        assert differences(ours, whole, name) == []
    assert (engine.Answer.model_fields["schema_"].default, "fifthfactor/explanation/1") == (answers.SCHEMA, explanation.SCHEMA)


def test_the_comparison_of_these_tests_sees_a_difference():
    """A word more, a type, a member that is missing."""
    assert differences(Literal["a"], Literal["a", "b"], "x")
    assert differences(date, datetime, "x")
    assert differences(int, str, "x")
    assert of_members(answer_parts.Owed, decision.DutyPart, "x")


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
