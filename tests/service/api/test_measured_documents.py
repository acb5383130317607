"""Documents that state what they cover, through HTTP: what they lift, and what is kept of whom they are for."""

from typing import Any

import pytest

from tests.service.conftest import EXCHANGE, PERSONAL, body

CONTRACT: dict[str, Any] = {"dated": "2024-05-01", "covers": True}
RECIPIENT = PERSONAL["/recipient/id"]


@pytest.mark.parametrize(
    ("stated", "outcome"),
    [
        ({}, "permitted"),
        ({"people": 12000, "for": [RECIPIENT]}, "permitted"),
        ({"people": 1}, "review"),
        ({"people": {"at_least": 1, "at_most": 2_000_000}}, "undetermined"),
        ({"for": ["somebody-else"]}, "review"),
        ({"data": ["set-1"]}, "undetermined"),
    ],
    ids=["nothing", "enough", "one person", "a range", "another recipient", "a data set that the exchange does not name"],
)
def test_a_contract_covers_no_more_than_it_states(evaluate, stated: dict[str, Any], outcome: str):
    """The contract lifts the review of 12,000 people's data only as far as it reaches."""
    answer = evaluate(body(evidence={"cn-standard-contract": {**CONTRACT, **stated}})).json()
    assert (answer["outcome"], answer["proceed"]) == (outcome, False)  # the day is not today
    questions = [each["fact"] for each in answer["questions"]]
    wanted = {"people": ["evidence.cn-standard-contract.people"], "data": ["data.id"]}
    assert questions == (wanted[next(iter(stated))] if outcome == "undetermined" else [])


def test_a_limit_of_the_wrong_kind_is_refused_at_its_place(evaluate):
    """400: recipients are a list, and a purpose is no field where the vocabulary measures none."""
    answer = evaluate(body(evidence={"cn-standard-contract": {**CONTRACT, "for": "somebody", "purposes": ["research"]}}))
    assert answer.status_code == 400
    told = {each["pointer"]: each["code"] for each in answer.json()["errors"]}
    assert told == {
        "/evidence/cn-standard-contract/for": "wrong-value",
        "/evidence/cn-standard-contract/purposes": "unknown-fact",
    }


def test_whom_a_document_is_for_is_personal_and_can_be_erased(evaluate, client):
    """The names stand in no answer, and an erasure takes them out of the record."""
    id = evaluate(body(evidence={"cn-standard-contract": {**CONTRACT, "for": ["dr-wang", RECIPIENT]}})).json()["id"]
    explained = client.get(f"/v1/decisions/{id}/explanation")
    assert explained.status_code == 200
    assert "dr-wang" not in explained.text
    assert "dr-wang" in client.get(f"/v1/decisions/{id}").text
    assert client.post(f"/v1/decisions/{id}/erase").status_code == 200
    assert "dr-wang" not in client.get(f"/v1/decisions/{id}").text
    assert client.get(f"/v1/decisions/{id}/replay").json()["holds"]
    assert EXCHANGE["recipient"]["id"] == RECIPIENT
