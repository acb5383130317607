"""Prices that follow from reports: by unit, by period, and as a share of the income; and what is not reported."""

import random
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.chance import examples, seed
from tests.service.conftest import BOTH_DATABASES
from tests.service.ledger.market import NOON, Market, market, share

__all__ = ["market"]
pytestmark = pytest.mark.usefixtures("audited")

SHOWN = {"evidence": "invoice", "document": "ab" * 32}


def priced(market: Market, *more: Any, **pricing: str) -> str:
    """A commitment of the hospital's whose price follows from reports; the bank has a quarter of it."""
    market.opened("hospital")
    of_bank = share("hospital", "bank", "1/4", "price", role="provider")
    made = market.standing(of_bank, *more, pricing=pricing)["id"]
    return market.commit("hospital", "platform", terms__agreement=made)


def report(market: Market, id: str, first: str, until: str, who: str = "hospital", **told: str) -> Any:
    """Report a period."""
    return market.post(f"/v1/commitments/{id}/reports", {"from": first, "until": until, **SHOWN, **told}, who)


def of_bank(market: Market, **query: str) -> list[str]:
    """What is payable to the bank, line by line."""
    answer = market.get("/v1/ledger/benefits", party="bank", **query)
    assert answer.status_code == 200, answer.text
    return [each["amount"] for each in answer.json()["lines"]]


def refused(answer: Any, status: int, word: str) -> None:
    """The answer is a refusal that says this word."""
    assert answer.status_code == status, answer.text
    assert word in answer.json()["detail"], answer.text


@BOTH_DATABASES
def test_units_are_paid_as_they_are_reported(market: Market) -> None:
    """Nothing is divided before; periods do not overlap; a wrong report is reversed with its lines and made again."""
    id = priced(market, kind="per-unit", amount="0.30 USD", unit="call")
    assert of_bank(market) == []
    path = f"/v1/commitments/{id}/reports"
    told = market.get(path, "hospital").json()
    assert (told["pricing"], told["reports"]) == ("per-unit", [])
    assert told["not_reported"] == [{"from": "2026-11-25", "until": "2026-11-25"}]
    market.now[0] = NOON + timedelta(days=40)
    waiting = {
        who: market.get("/v1/ledger/benefits", who).json()["not_reported"] for who in ("ops", "hospital", "bank", "studio")
    }
    days = [{"from": "2026-11-25", "until": "2027-01-04"}]
    (of_ops,) = waiting["ops"]
    assert of_ops == {"agreement": of_ops["agreement"], "commitment": id, "days": days}
    assert waiting["hospital"] == [of_ops]
    assert waiting["bank"] == [{"agreement": of_ops["agreement"], "days": []}]
    assert waiting["studio"] == []
    assert market.get("/v1/ledger/benefits", "bank", commitment=id).json()["not_reported"] == []
    assert market.get("/v1/ledger/benefits", commitment=id).json()["not_reported"] == [of_ops]
    first = report(market, id, "2026-11-25", "2026-11-30", units="35")
    assert first.status_code == 201, first.text
    assert (first.json()["price"], first.json()["number"]) == ("10.50 USD", 0)
    assert of_bank(market) == ["2.63"]
    refused(report(market, id, "2026-11-30", "2026-12-05", units="1"), 400, "report 0")
    refused(report(market, id, "2026-12-01", "2027-01-05", units="1"), 400, "come")
    refused(report(market, id, "2026-12-01", "2026-12-05", income="1 USD"), 400, "kind")
    refused(report(market, id, "2026-12-01", "2026-12-05", "bank", units="1"), 404, "commitment")
    again = report(market, id, "2026-12-10", "2026-12-31", "ops", units="1000")
    assert again.json()["price"] == "300.00 USD"
    assert market.get(path, "hospital").json()["not_reported"] == [
        {"from": "2026-12-01", "until": "2026-12-09"},
        {"from": "2027-01-01", "until": "2027-01-04"},
    ]
    refused(market.post(f"{path}/7/reverse", {"reason": "x"}, "hospital"), 404, "report")
    gone = market.post(f"{path}/1/reverse", {"reason": "of another party"}, "hospital")
    assert gone.json()["reversed_at"] is not None, gone.text
    assert of_bank(market) == ["2.63", "75.00", "-75.00"]
    refused(market.post(f"{path}/1/reverse", {"reason": "x"}, "hospital"), 409, "already")
    assert report(market, id, "2026-12-01", "2026-12-31", units="100").status_code == 201
    assert of_bank(market)[-1] == "7.50"
    refund = {"amount": "1", "dated": "2026-11-30", **SHOWN}
    refused(market.post(f"/v1/commitments/{id}/refund", refund, "hospital"), 409, "report")
    market.done(f"/v1/commitments/{id}/withdraw", {"reason": "no"}, "hospital")
    refused(report(market, id, "2027-01-01", "2027-01-02", units="1"), 409, "withdrawn")
    assert sum(map(Decimal, of_bank(market))) == 0


@BOTH_DATABASES
def test_a_share_of_the_income_is_of_what_is_reported_and_nought_is_not_silence(market: Market) -> None:
    """An income of nought is a report; halves of the smallest unit go up."""
    id = priced(market, kind="share-of-income", ratio="1/3")
    market.now[0] = NOON + timedelta(days=40)
    assert report(market, id, "2026-11-25", "2026-11-30", income="0 USD").json()["price"] == "0.00 USD"
    assert market.get(f"/v1/commitments/{id}/reports").json()["not_reported"][0]["from"] == "2026-12-01"
    assert report(market, id, "2026-12-01", "2026-12-31", income="100.00 USD").json()["price"] == "33.33 USD"
    assert of_bank(market) == ["8.33"]
    refused(report(market, id, "2027-01-01", "2027-01-01", units="1"), 400, "kind")


def test_a_subscription_is_paid_by_whole_periods_that_have_come(market: Market) -> None:
    """So many months, each from the day of the first."""
    id = priced(market, kind="subscription", amount="100.00 USD", period="1 month")
    market.now[0] = NOON + timedelta(days=100)
    refused(report(market, id, "2026-11-30", "2026-12-30"), 400, "whole period")
    assert report(market, id, "2026-11-30", "2026-12-29").json()["reported"] == "1"
    told = report(market, id, "2026-12-30", "2027-02-27").json()
    assert (told["reported"], told["price"]) == ("2", "200.00 USD")
    assert of_bank(market) == ["25.00", "50.00"]


def test_a_cap_holds_over_all_reports(market: Market) -> None:
    """What it cuts off stays with the payer, and what a reversal gives back is room again."""
    capped = share("hospital", "studio", "1/2", "price", role="platform", cap={"USD": "60.00"})
    id = priced(market, capped, kind="per-unit", amount="1.00 USD", unit="call")
    market.now[0] = NOON + timedelta(days=40)

    def of_studio() -> list[str]:
        return [each["amount"] for each in market.get("/v1/ledger/benefits", party="studio").json()["lines"]]

    for number, first in enumerate(("2026-11-25", "2026-12-01", "2026-12-10")):
        until = {"2026-11-25": "2026-11-30", "2026-12-01": "2026-12-09", "2026-12-10": "2026-12-20"}[first]
        assert report(market, id, first, until, units="100").json()["number"] == number
    assert [each for each in of_studio() if Decimal(each)] == ["50.00", "10.00"]
    market.done(f"/v1/commitments/{id}/reports/0/reverse", {"reason": "wrong"}, "hospital")
    assert report(market, id, "2026-11-25", "2026-11-30", units="40").status_code == 201
    assert of_studio()[-1] == "20.00"


def test_an_exchange_with_a_fixed_price_has_no_reports(market: Market) -> None:
    """Neither has one without an agreement."""
    market.opened("hospital")
    id = market.commit("hospital", "platform")
    refused(market.get(f"/v1/commitments/{id}/reports"), 409, "agreement")
    refused(market.get("/v1/commitments/none/reports"), 404, "commitment")


@pytest.mark.random
def test_random_reports_are_as_a_plain_model_has_them(market: Market) -> None:
    """Periods that overlap or have not come are refused; what stands is paid, to the cent, and of the other days nothing is known."""
    chance = random.Random(seed(36))
    id = priced(market, kind="per-unit", amount="0.07 USD", unit="call")
    first, today = NOON.date(), NOON.date() + timedelta(days=60)
    market.now[0] = NOON + timedelta(days=60)
    standing: dict[int, tuple[set[date], int]] = {}  # the days and the units of each report that was not reversed
    made = 0
    for _ in examples(20):
        if standing and chance.random() < 0.25:
            gone = chance.choice(sorted(standing))
            market.done(f"/v1/commitments/{id}/reports/{gone}/reverse", {"reason": "wrong"}, "hospital")
            del standing[gone]
            continue
        begin, length = first + timedelta(days=chance.randint(0, 62)), chance.randint(1, 12)
        days = {begin + timedelta(days=number) for number in range(length)}
        units = chance.randint(0, 999)
        taken = any(days & each for each, _ in standing.values())
        answer = report(market, id, begin.isoformat(), max(days).isoformat(), units=str(units))
        assert answer.status_code == (400 if taken or max(days) > today else 201), answer.text
        if answer.status_code == 201:
            standing[made] = days, units
            made += 1
    owed = 0
    for _, units in standing.values():
        cents = (
            7 * units
        )  # a quarter of them is the bank's; a cent that is left goes to the larger remainder, of equal ones to the bank
        owed += cents // 4 + (1 if cents % 4 >= 2 and (cents % 4) >= (3 * cents) % 4 else 0)
    assert sum(map(Decimal, of_bank(market, limit="1000"))) == Decimal(owed).scaleb(-2)
    spans = market.get(f"/v1/commitments/{id}/reports").json()["not_reported"]
    missing = set()
    for each in spans:
        begin, until = date.fromisoformat(each["from"]), date.fromisoformat(each["until"])
        missing |= {begin + timedelta(days=number) for number in range((until - begin).days + 1)}
    every = {first + timedelta(days=number) for number in range(61)}
    assert missing == every - set().union(*(days for days, _ in standing.values()))
