"""Plans in view of a ledger: counters and books of rights add up over its commitments and over the earlier legs (semantics 4.14)."""

from typing import Any

import pytest

from tests.service.ledger.desk import Desk, desk, opened
from tests.service.ledger.test_rights_book import Exchange, everything, exchange, supply

__all__ = ["desk", "exchange", "opened"]

pytestmark = pytest.mark.usefixtures("audited")


def sent(people: int, exporter: str = "clinic") -> dict[str, Any]:
    return {
        "exporter": {"id": exporter, "country": "CN"},
        "recipient": {"id": "lab"},
        "data": {"people": {"ordinary": people, "rest": 0}, "staff": False},
    }


def outcomes(post: Any, *legs: Any, chain: bool = False) -> list[str]:
    """The outcome of each leg; in a `chain` each comes after the one before it."""
    plan = [{"exchange": each, **({"after": number} if chain and number else {})} for number, each in enumerate(legs)]
    answer = post("/v1/plans", {"legs": plan})
    assert answer.status_code == 200, answer.text
    return [leg["decision"]["outcome"] for leg in answer.json()["legs"]]


def test_legs_count_with_what_was_committed_and_with_each_other(desk: Desk) -> None:
    """A leg that may go ahead alone may not after others; another party, and a plan before, add nothing."""
    desk.commit(300)
    for _ in range(2):
        assert outcomes(desk.post, sent(400)) == ["permitted"]
        assert outcomes(desk.post, sent(400), sent(400)) == ["permitted", "undetermined"]
        assert outcomes(desk.post, sent(300), sent(300), sent(300, "Clinic")) == ["permitted", "permitted", "undetermined"]
        assert outcomes(desk.post, sent(400), sent(400, "mill")) == ["permitted", "permitted"]
        assert outcomes(desk.post, sent(800)) == [desk.evaluate(800)["outcome"]] == ["undetermined"]
    assert desk.ordinary() == (300, 300)


def test_a_count_that_the_service_keeps_is_refused_in_its_leg(opened: Any) -> None:
    """Where the settings say so, as for a single exchange."""
    desk = opened(callers_counts="refuse", ledger_since="2026-01-01")
    brought = {**sent(400), "counts": {"year": {"ordinary": 900}}}
    answer = desk.post("/v1/plans", {"legs": [{"exchange": sent(400)}, {"exchange": brought}]})
    assert answer.status_code == desk.post("/v1/evaluate", brought).status_code == 400
    (place,) = answer.json()["errors"]
    assert (place["pointer"], place["code"]) == ("/legs/1/exchange/counts/year/ordinary", "counter-brought")


def test_a_right_is_given_exclusively_once(exchange: Exchange) -> None:
    """What an earlier leg conveys stands beside the lines of the book, for the same asset only."""
    exchange.post("/v1/rights/openings", everything())
    exclusive, second = supply("met", "mill", exclusive=True), supply("met", "bank")
    for alone in (exclusive, second):
        assert outcomes(exchange.post, alone) == ["permitted"]
    assert outcomes(exchange.post, exclusive, second) == ["permitted", "prohibited"]
    assert outcomes(exchange.post, second, exclusive) == ["permitted", "review"]
    assert outcomes(exchange.post, exclusive, supply("met", "bank", asset="Weather")) == ["permitted", "prohibited"]
    assert outcomes(exchange.post, exclusive, supply("met", "bank", asset="tides")) == ["permitted", "permitted"]
    exchange.commit("met", "mill", exclusive=True)
    assert outcomes(exchange.post, second) == ["prohibited"]
    assert outcomes(exchange.post, supply("met", "mill"), second) == ["permitted", "prohibited"]


def test_a_later_leg_passes_on_what_an_earlier_one_conveyed(exchange: Exchange) -> None:
    """Up to the title that the book has, and no further than that, nor for longer."""
    exchange.post("/v1/rights/openings", everything())
    first, onward = supply("met", "mill"), supply("mill", "bank")
    assert outcomes(exchange.post, onward) != ["permitted"]
    assert outcomes(exchange.post, first, onward, chain=True) == ["permitted", "permitted"]
    assert outcomes(exchange.post, supply("met", "mill", sublicensable=False), onward, chain=True)[1] != "permitted"
    assert outcomes(exchange.post, first, supply("mill", "bank", term="2 years"), chain=True)[1] != "permitted"
    assert outcomes(exchange.post, first, supply("mill", "bank", purposes=["insurance"]), chain=True)[1] != "permitted"
    decided = exchange.evaluate("mill", "bank")
    assert not decided["proceed"]  # a plan conveys nothing
