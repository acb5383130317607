"""Who sees what of the book of benefits: a chain of parties with keys, field by field and with random sales."""

import json
import random
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.chance import examples, seed
from tests.service.conftest import BOTH_DATABASES
from tests.service.ledger.market import NOON, Market, market, share

__all__ = ["market"]
pytestmark = pytest.mark.usefixtures("audited")

LINES = "/v1/ledger/benefits"
CHAIN = ("hospital", "studio", "platform")
SHOWN = {"evidence": "bank-statement", "document": "ab" * 32}


def chained(market: Market) -> str:
    """The hospital grants to the studio, the studio to the platform; the agreement that the platform's sales name."""
    market.opened("hospital")
    first = market.standing(share("studio", "hospital", "1/3"))["id"]
    of_bank = share("platform", "bank", "0.3", "price", role="platform")
    second = market.standing(share("platform", "studio", "1/4"), of_bank)["id"]
    market.commit("hospital", "studio", terms__agreement=first)
    market.commit("studio", "platform", terms__agreement=second)
    return str(second)


def sell(market: Market, agreement: str, price: str, buyer: str = "stranger") -> str:
    """The platform sells for a month."""
    return market.commit("platform", buyer, terms__agreement=agreement, terms__price=f"{price} USD", terms__term="1 month")


def listed(market: Market, who: str, **query: str) -> list[dict[str, Any]]:
    """The lines that a caller sees, read in small pages."""
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = market.get(LINES, who, **{"limit": "2", **query, **cursor})
        assert answer.status_code == 200, answer.text
        found += answer.json()["lines"]
        if answer.json()["next"] is None:
            return found
        cursor = {"cursor": answer.json()["next"]}


@BOTH_DATABASES
def test_each_party_of_a_chain_sees_its_own_lines_and_no_exchange_of_others(market: Market) -> None:
    """Two sales in a month, one in the next: sums of a month up the chain, and of the exporter's own exchanges everything."""
    agreement = chained(market)
    sold = [sell(market, agreement, f"{price}.00") for price in (1000, 400)]
    market.now[0] = NOON + timedelta(days=10)
    sold.append(sell(market, agreement, "80.00"))
    numbers = {"references": [{"kind": "invoice", "number": "2026-17"}]}
    market.done(f"/v1/commitments/{sold[0]}/references", numbers, "platform")
    ops = listed(market, "ops")
    # The platform's 0.7 of 1000.00, the bank's 0.3, the studio's quarter of 700.00 and the hospital's third of 175.00.
    assert [(each["kind"], each["payer"], each["party"], each["amount"], each["state"]) for each in ops[:4]] == [
        ("share", "platform", "bank", "300.00", "due"),
        ("share", "platform", "platform", "700.00", "own"),
        ("upward", "platform", "studio", "175.00", "due"),
        ("upward", "studio", "hospital", "58.33", "due"),
    ]  # fmt: skip
    assert {each["commitment"] for each in ops} == {*sold}
    own = listed(market, "platform")
    assert [each["number"] for each in own] == [each["number"] for each in ops if each["payer"] == "platform"]
    assert all(each["commitment"] in sold and each["asset"] == "images" for each in own)
    assert [each.get("references") for each in own[::3]] == [["invoice 2026-17"], None, None]
    assert ["invoice 2026-17" in market.get(LINES, who, format="csv").text for who in ("platform", "bank")] == [True, False]
    november, december = listed(market, "hospital")
    assert november == {
        "number": 3,
        "entry": "payable",
        "kind": "upward",
        "month": "2026-11",
        "role": november["role"],
        "account": "party",
        "party": "hospital",
        "payer": "studio",
        "agreement": november["agreement"],
        "step": 1,
        "share": "1/3",
        "currency": "USD",
        "amount": "81.66",
        "base": "245.00",
        "due": "2026-12-31",
        "state": "due",
        "payable": "81.66",
        "paid": "0.00",
        "confirmed": "0.00",
        "disputed": "0.00",
    }
    assert (december["month"], december["amount"], december["base"]) == ("2026-12", "4.67", "14.00")
    studio = listed(market, "studio")
    assert [(each["payer"], each["party"], each["month"], each["amount"]) for each in studio] == [
        ("platform", "studio", "2026-11", "245.00"),
        ("studio", "hospital", "2026-11", "81.66"),
        ("platform", "studio", "2026-12", "14.00"),
        ("studio", "hospital", "2026-12", "4.67"),
    ]  # fmt: skip
    bank = listed(market, "bank")
    assert [(each["day"], each["amount"], each["base"], "commitment" in each) for each in bank] == [
        ("2026-11-25", "300.00", "1000.00", False),
        ("2026-11-25", "120.00", "400.00", False),
        ("2026-12-05", "24.00", "80.00", False),
    ]  # fmt: skip
    assert listed(market, "stranger") == []
    (balance,) = market.get(f"{LINES}/balances", "hospital").json()["balances"]
    assert [(each["month"], each["payable"]) for each in balance["months"]] == [("2026-11", "81.66"), ("2026-12", "4.67")]


@BOTH_DATABASES
def test_nothing_is_cut_out_of_a_month(market: Market) -> None:
    """Filters by day, by exchange and by asset tell no less than the sum; each takes the month, or nothing."""
    agreement = chained(market)
    first = sell(market, agreement, "1000.00")
    market.now[0] = NOON + timedelta(days=2)
    sell(market, agreement, "400.00")
    whole = listed(market, "hospital")
    for query in (
        {"from": "2026-11-26"},
        {"from": "2026-11-27", "until": "2026-11-27"},
        {"until": "2026-11-25"},
        {"due_until": "2026-12-25"},
        {"state": "due"},
        {"payer": "studio"},
    ):
        assert listed(market, "hospital", **query) == whole, query
        if not query.keys() & {"due_until", "state"}:
            (balance,) = market.get(f"{LINES}/balances", "hospital", party="hospital", **query).json()["balances"]
            assert balance["closing"] == "81.66"
    for query in (
        {"commitment": first},
        {"asset": "images"},
        {"due_until": "2026-11-30"},
        {"state": "overdue"},
        {"from": "2026-12-01"},
    ):
        assert listed(market, "hospital", **query) == [], query
    assert len(listed(market, "platform", commitment=first)) == 3
    assert market.get(f"{LINES}/3", "hospital").json() == whole[0]
    assert [market.get(f"{LINES}/{number}", "hospital").status_code for number in (0, 1, 2, 7)] == [404] * 4


@BOTH_DATABASES
def test_lines_that_are_told_as_one_are_paid_as_one(market: Market) -> None:
    """A report fills them in the order of their numbers; the payee confirms or disputes them together."""
    agreement = chained(market)
    for price in ("1000.00", "400.00"):
        sell(market, agreement, price)

    def pay(amount: str, who: str = "studio", number: int = 3) -> Any:
        return market.post(f"{LINES}/{number}/paid", {"amount": amount, "dated": "2026-11-25", **SHOWN}, who)

    assert pay("100.00").status_code == 400
    assert pay("60.00", "hospital").status_code == 403
    assert pay("1.00", "platform").status_code == 404
    assert pay("1.00", number=7).status_code == 404
    told = pay("60.00").json()
    assert (told["paid"], told["state"], "parts" in told) == ("60.00", "due", False)
    of_ops = {each["number"]: each["paid"] for each in listed(market, "ops", party="hospital")}
    assert of_ops == {3: "58.33", 7: "1.67"}
    assert pay("21.66").json()["state"] == "reported"
    assert market.done(f"{LINES}/3/dispute", {"reason": "half is missing"}, "hospital")["disputed"] == "81.66"
    market.done(f"{LINES}/7/settle", {"part": 0, "paid": True, "reason": "seen"})
    for number in (3, 7):
        market.done(f"{LINES}/{number}/settle", {"paid": False, "reason": "lost"})
    assert pay("79.99").json()["state"] == "reported"
    assert market.done(f"{LINES}/3/confirm", {}, "hospital")["state"] == "confirmed"


@pytest.mark.random
def test_random_sales_tell_a_party_nothing_of_others(market: Market) -> None:
    """Whatever a party asks of the book: no exchange, buyer, price or party but those that pay it or are paid by it."""
    chance = random.Random(seed(36))
    agreement = chained(market)
    sales: dict[str, tuple[str, str]] = {}  # by commitment, the buyer and the price
    for number in examples(6):
        buyer, price = f"buyer-{number:04d}", f"{chance.randint(10_000, 10**7) / 100 + 0.01:.2f}"
        market.now[0] += timedelta(days=chance.randint(0, 9))
        id = sell(market, agreement, price, buyer)
        sales[id] = buyer, price
        market.done(f"/v1/commitments/{id}/references", {"references": [{"kind": "order", "number": f"order-of-{buyer}"}]})
        ways = ("withdraw", "refund", "nothing")
        way = chance.choice(ways)
        if way == "withdraw":
            market.done(f"/v1/commitments/{id}/withdraw", {"reason": f"because of {buyer}"})
        elif way == "refund":
            day = market.now[0].date().isoformat()
            market.done(f"/v1/commitments/{id}/refund", {"amount": f"{chance.randint(1, 9000) / 100}", "dated": day, **SHOWN})
    ops = listed(market, "ops", limit="100")
    for who in ("hospital", "studio", "bank", "stranger"):
        mine = [each for each in ops if who in (each["payer"], each["party"])]
        known = {name for each in mine for name in (each["payer"], each["party"])} | {who}
        secret = {*sales, *(buyer for buyer, _ in sales.values())}
        secret |= {each["decision"] for each in ops} | {"images"} | ({*CHAIN, "bank", "stranger"} - known)
        if who != "bank":  # whose base is the price
            secret |= {price for _, price in sales.values()}
        for text in asked(market, who, sales):
            assert not [each for each in secret if each in text], (who, text[:500])
        shown = sum(Decimal(each["amount"]) for each in listed(market, who))
        assert shown == sum(Decimal(each["amount"]) for each in mine)


def asked(market: Market, who: str, sales: dict[str, Any]) -> list[str]:
    """What a party is told, in whatever words it asks for the book."""
    queries: list[dict[str, str]] = [{}, {"format": "csv"}, {"kind": "upward"}, {"asset": "images"}, {"from": "2026-11-26"}]
    queries += [{"payer": each} for each in CHAIN] + [{"party": each} for each in CHAIN]
    queries += [{"commitment": each} for each in sales]
    found = []
    for query in queries:
        without = {name: value for name, value in query.items() if name not in ("asset", "commitment")}
        for path, sent in ((LINES, query), (f"{LINES}/balances", without)):
            answer = market.get(path, who, **sent)
            assert answer.status_code == 200, answer.text
            text = answer.text
            for value in query.values():  # what it sent itself
                text = text.replace(value, "") if "csv" not in query else text
            found.append(text)
    for number in range(8):
        answer = market.get(f"{LINES}/{number}", who)
        found.append(json.dumps(answer.json()) if answer.status_code == 200 else "")
    return found
