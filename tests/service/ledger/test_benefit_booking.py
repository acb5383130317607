"""Booking: who owes whom what by agreements, line by line, and what becomes of the lines."""

from datetime import timedelta
from typing import Any

import pytest

from tests.service.callers.test_callers import bearer
from tests.service.ledger.market import Market, market, share

__all__ = ["market"]
pytestmark = pytest.mark.usefixtures("audited")


class Chain:
    """The studio has a quarter of the platform's income, the hospital a third of what the studio gets, the bank a part of the price."""

    def __init__(self, market: Market, studio: str = "1/4", **terms: Any) -> None:
        market.opened("hospital")
        self.first = market.standing(share("studio", "hospital", "1/3"))["id"]
        self.second = market.standing(
            share("platform", "studio", studio), share("platform", "bank", "0.3", "price", role="platform"), **terms
        )["id"]
        market.commit("hospital", "studio", terms__agreement=self.first)
        market.commit("studio", "platform", terms__agreement=self.second)


def booked(market: Market, commitment: str, *members: str) -> list[tuple[Any, ...]]:
    found = market.get("/v1/ledger/benefits", commitment=commitment).json()["lines"]
    return [tuple(each.get(name) for name in members) for each in found]


def test_each_line_says_who_owes_whom_what_and_until_when(market: Market) -> None:
    """Of a thousand the bank has three hundred; of the rest the studio a quarter, and the hospital a third of that."""
    chain = Chain(market, days=10)
    sold = market.commit("platform", "stranger", terms__agreement=chain.second, terms__price="1000.00 USD")
    members = ("kind", "payer", "party", "amount", "base", "step", "agreement", "due", "asset")
    assert booked(market, sold, *members) == [
        ("share", "platform", "bank", "300.00", "1000.00", None, chain.second, "2026-12-05", "images"),
        ("share", "platform", "platform", "700.00", "1000.00", None, chain.second, None, "images"),
        ("upward", "platform", "studio", "175.00", "700.00", 0, chain.second, "2026-12-05", "images"),
        ("upward", "studio", "hospital", "58.33", "175.00", 1, chain.first, "2026-12-25", "images"),
    ]


def test_who_leaves_its_id_out_does_not_pass_by_what_is_overdue(market: Market) -> None:
    """Of a sale nobody knows then whether the exporter owes it: the count has no upper end. Before anything is overdue it is nought."""
    chain = Chain(market, days=10)
    market.commit("platform", "stranger", terms__agreement=chain.second, terms__price="1000.00 USD")
    nameless = {
        **market.exchange("platform", "stranger", asset="other", terms__price="10.00 USD"),
        "exporter": {"country": "CN"},
    }

    def page() -> Any:
        told = market.done("/v1/evaluate", nameless)
        return market.get(f"/v1/decisions/{told['id']}").json()["record"]["request"].get("books", {}).get("benefits")

    assert page() is None
    market.now[0] += timedelta(days=11)
    found = page()
    assert (found["state"], found["overdue"]) == ("none", None)


def test_a_withdrawal_reverses_each_line_and_a_refund_brings_it_down(market: Market) -> None:
    """Half of the price back halves each line; by the agreements and the names that the exchange had."""
    chain = Chain(market)
    sold = market.commit("platform", "stranger", terms__agreement=chain.second, terms__price="1000.00 USD")
    sent = {"amount": "500.00", "dated": "2026-11-25", "evidence": "receipt", "document": "a" * 64}
    assert market.done(f"/v1/commitments/{sold}/refund", sent)["changed"] == 4
    assert [each for each in booked(market, sold, "entry", "party", "amount") if each[0] == "refunded"] == [
        ("refunded", "bank", "-150.00"),
        ("refunded", "platform", "-350.00"),
        ("refunded", "studio", "-87.50"),
        ("refunded", "hospital", "-29.16"),
    ]
    market.done(f"/v1/commitments/{sold}/withdraw", {"reason": "it did not happen"})
    assert [payable for _, payable in booked(market, sold, "entry", "payable") if payable] == ["0.00"] * 4


def test_a_refund_takes_no_room_under_a_cap_that_another_sale_took(market: Market) -> None:
    """Of eleven a seventh is one, beside a third; of ten it would be two, and both of the cap are taken."""
    capped = share("platform", "hospital", "1/7", "price", cap={"JPY": "2"})
    id = market.standing(share("platform", "studio", "1/3", "price"), capped)["id"]
    sold = [market.commit("platform", each, terms__agreement=id, terms__price="11 JPY") for each in ("bank", "stranger")]
    sent = {"amount": "1", "dated": "2026-11-25", "evidence": "receipt", "document": "a" * 64}
    market.done(f"/v1/commitments/{sold[0]}/refund", sent)
    payable = [(each[0], each[1]) for each in booked(market, sold[0], "party", "payable") if each[1]]
    assert payable == [("studio", "3"), ("hospital", "1"), ("platform", "6")]


def test_agreements_that_give_away_more_than_there_is_are_not_committed(market: Market) -> None:
    """The evaluation says so, and the commit is refused: it names the agreement to who pays by it, and not what lies further up."""
    chain = Chain(market, studio="0.8")
    market.standing(share("platform", "bank", "0.9"), asset="maps")
    decided = market.evaluated(
        "platform", "stranger", terms__agreement=chain.second, terms__price="1000.00 USD", data__made_from=["maps"]
    )
    answer = market.post("/v1/commitments", {"decision": decided["id"]}, "platform")
    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (409, "not-committable"), answer.text
    assert chain.second in answer.json()["detail"]


def test_a_price_that_follows_from_reports_is_committed_and_booked_when_it_is_reported(market: Market) -> None:
    """The names behind the page are kept for it."""
    chain = Chain(market, pricing={"kind": "per-unit", "amount": "2.00 USD", "unit": "call"})
    sold = market.commit("platform", "stranger", terms__agreement=chain.second)
    assert booked(market, sold, "party") == []
    sent = {
        "from": "2026-11-25",
        "until": "2026-11-25",
        "units": "500",
        "evidence": "statement",
        "document": "a" * 64,
    }
    market.done(f"/v1/commitments/{sold}/reports", sent)
    assert booked(market, sold, "party", "amount") == [
        ("bank", "300.00"),
        ("platform", "700.00"),
        ("studio", "175.00"),
        ("hospital", "58.33"),
    ]


def test_a_party_is_told_what_it_pays_and_an_operator_the_whole_chain(market: Market) -> None:
    """The answer to the platform has no line of what the studio passes on; that to the operator has it."""
    chain = Chain(market)
    sent = market.exchange("platform", "stranger", terms__agreement=chain.second, terms__price="1000.00 USD")
    seen = {}
    for who in ("ops", "platform"):
        answer = market.client.post("/v1/evaluate?include=factor", json=sent, headers=bearer(market.keys[who])).json()
        assert "explanation" in answer, answer
        settlement = answer["explanation"]["factor"]["settlement"]
        seen[who] = [(each["payer"], each["party"], each["base"], each["amount"]) for each in settlement["upward"]]
        assert [(each.get("role"), each["party"], each["share"], each["amount"]) for each in settlement["lines"]] == [
            ("platform", "p1", "0.3", "300.00"),
            (None, "exporter", "0.7", "700.00"),
        ]
    assert seen == {
        "ops": [("exporter", "p2", "700.00", "175.00"), ("p2", "p3", "175.00", "58.33")],
        "platform": [("exporter", "p2", "700.00", "175.00")],
    }
