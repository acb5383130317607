"""Statistics over HTTP, on both databases: what was committed and still runs, exactly, and no money converted."""

import random
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from service.callers import entrance
from service.callers.caller import Caller
from service.ledger import exact_sums
from service.ledger.disclosure import Parties, disclosed_cells
from tests.service.conftest import BOTH_DATABASES
from tests.service.ledger.desk import Desk, desk, opened

__all__ = ["desk", "opened"]

pytestmark = pytest.mark.usefixtures("audited")

SALE: dict[str, Any] = {
    "recipient__country": "KE",
    "terms": {
        "venue": "exchange",
        "price": "100.10 CNY",
        "exclusive": False,
        "share": {"public": "0.1", "source-country": "0.05"},
    },
    "data__kind": "dataset",
    "data__grades": ["general"],
    "exporter__sectors": ["finance"],
}


def told(desk: Desk, **query: str) -> Any:
    answer = desk.client.get("/v1/statistics", params={key.rstrip("_"): value for key, value in query.items()})
    assert answer.status_code == 200, answer.text
    return answer.json()


def cells(found: Any) -> dict[str, int]:
    """How many exchanges each cell of an answer has, by its words."""
    return {" / ".join(cell["of"].values()): cell["exchanges"] for cell in found["cells"]}


@BOTH_DATABASES
def test_what_was_committed_is_summed_by_what_is_asked_for(desk: Desk) -> None:
    """Each currency has its own sum; unknown words are words of their own; the shares are parts of the price, to the last place."""
    desk.commit(100, **SALE)
    desk.commit(20, "hospital", **{**SALE, "terms__venue": "exchange", "terms__price": "0.0001 USD"})
    desk.commit(3)
    found = told(desk, by="month,venue")
    assert cells(found) == {"2026-11 / ?": 1, "2026-11 / exchange": 2}
    exchange = next(cell for cell in found["cells"] if cell["of"]["venue"] == "exchange")
    assert exchange["price"] == [
        {"currency": "CNY", "amount": "100.1", "exchanges": 1},
        {"currency": "USD", "amount": "0.0001", "exchanges": 1},
    ]
    assert exchange["public_share"] == [
        {"currency": "CNY", "amount": "10.01", "exchanges": 1},
        {"currency": "USD", "amount": "0.00001", "exchanges": 1},
    ]
    assert exchange["source_country_share"][1]["amount"] == "0.000005"
    assert (exchange["people"], exchange["unpriced"]) == ({"at_least": 120, "at_most": 120}, 0)
    assert found["total"]["people"] == {"at_least": 123, "at_most": 123}
    assert (found["total"]["exchanges"], found["total"]["unpriced"], found["left_out"]) == (3, 1, 0)
    assert found["total"]["exclusive"] == {"?": 1, "no": 2}
    # Three were asked for, and decided again when they were committed.
    assert found["decisions"] == {"permitted": 6}
    assert "hidden" not in found


@pytest.fixture
def market(desk: Desk) -> Desk:
    """A ledger with several sales, of which one is withdrawn and one amended."""
    for people, supplier, venue, kind, price in (
        (1, "a", "exchange", "dataset", "60 CNY"),
        (2, "b", "exchange", "dataset", "30 CNY"),
        (3, "a", "space", "model", "10 USD"),
        (4, "c", "exchange", "dataset", "10 CNY"),
    ):
        sale = {**SALE, "terms": {"venue": venue, "price": price, "exclusive": supplier == "a"}, "data__kind": kind}
        done = desk.commit(people, supplier, **sale, recipient__id=f"buyer-{supplier}")
    gone = desk.commit(5, "c", **SALE)
    desk.post(f"/v1/commitments/{gone['id']}/withdraw", {"reason": "no sale"})
    instead = desk.evaluate(6, "c", **{**SALE, "terms": {"venue": "exchange", "price": "20 CNY"}}, recipient__id="buyer-c")
    answer = desk.post(f"/v1/commitments/{done['id']}/amend", {"decision": instead["id"], "reason": "other price"})
    assert answer.status_code == 201
    return desk


@BOTH_DATABASES
def test_what_was_withdrawn_or_amended_no_longer_counts(market: Desk) -> None:
    """What is left is what runs, in each view, whether it is read from the sums or from the lines."""
    found = told(market, by="kind,venue")
    assert cells(found) == {"dataset / exchange": 3, "model / space": 1}
    assert found["total"]["price"][0] == {"currency": "CNY", "amount": "110", "exchanges": 3}
    deep = told(market, by="kind,venue,sector,grade,pair")
    assert cells(deep) == {"dataset / exchange / finance / general / CN>KE": 3, "model / space / finance / general / CN>KE": 1}
    assert deep["total"] == found["total"]
    assert told(market, by="venue", pair=">KE")["total"] == found["total"]
    assert told(market, pair="KE>")["total"]["exchanges"] == 0
    assert told(market, venue="space", sector="finance", by="month,kind")["cells"][0]["of"] == {
        "month": "2026-11",
        "kind": "model",
    }
    assert told(market, until="2026-10")["total"]["exchanges"] == 0
    assert told(market, from_="2026-11", until="2026-11", venue="exchange")["total"]["exchanges"] == 3


@BOTH_DATABASES
def test_what_reaches_countries_of_a_register_is_told_apart(market: Desk) -> None:
    """By the registers in which each country stands on the day, by purpose and by how many people are reached."""
    market.commit(2_000, "d", **{**SALE, "terms__price": "40 CNY"}, data__staff=True, purpose__is=["trade", "research"])
    unknown = {name: value for name, value in SALE.items() if name != "recipient__country"}
    market.commit(0, "d", **unknown, recipient__country="unknown", purpose__is=[])
    found = told(market, by="destination_register")
    assert cells(found) == {"?": 1, "landlocked": 5}
    shares = {cell["of"]["destination_register"]: cell["source_country_share"] for cell in found["cells"]}
    assert shares["landlocked"] == [{"currency": "CNY", "amount": "2", "exchanges": 1}]
    assert cells(told(market, by="source_register,venue")) == {"late / exchange": 5, "late / space": 1}
    assert cells(told(market, by="reached", destination_register="landlocked")) == {"1-999": 4, "1000-99999": 1}
    assert cells(told(market, by="purpose")) == {"": 1, "?": 4, "research trade": 1}
    assert told(market, purpose="trade")["total"]["people"] == {"at_least": 2000, "at_most": 2000}
    assert cells(told(market, by="purpose,reached,source_register")) == {
        " / none / late": 1,
        "? / 1-999 / late": 4,
        "research trade / 1000-99999 / late": 1,
    }
    assert told(market, source_register="landlocked")["total"]["exchanges"] == 0


@BOTH_DATABASES
def test_concentration_is_exact_and_asks_a_person(market: Desk) -> None:
    """The largest party's share and the Herfindahl index, as fractions; the share under exclusive terms; and no finding."""
    answer = market.client.get("/v1/statistics/concentration", params={"by": "venue"})
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert "not a relevant market" in found["about"]
    [exchange, space] = found["cells"]
    assert (exchange["of"], exchange["exchanges"], exchange["suppliers"]["parties"]) == ({"venue": "exchange"}, 3, 3)
    by_price = exchange["suppliers"]["by_price"]
    assert by_price == [
        {
            "currency": "CNY",
            "largest": "0.545455",
            "largest_exact": "6/11",
            "herfindahl": "0.404959",
            "herfindahl_exact": str(Fraction(60**2 + 30**2 + 20**2, 110**2)),
        }
    ]
    assert exchange["suppliers"]["by_exchanges"]["herfindahl_exact"] == "1/3"
    assert (exchange["exclusive_exact"], exchange["exclusive_price"][0]["share_exact"]) == ("1/3", "6/11")
    assert (space["recipients"]["by_exchanges"]["largest"], space["exclusive"]) == ("1.000000", "1.000000")
    two = market.client.get("/v1/statistics/concentration", params={"by": "venue,kind"}).json()
    assert [{**cell, "of": {"venue": cell["of"]["venue"]}} for cell in two["cells"]] == found["cells"]


@BOTH_DATABASES
def test_a_table_has_no_sum_in_two_currencies(market: Desk) -> None:
    """As CSV each sum is a line of its own."""
    answer = market.client.get("/v1/statistics", params={"by": "pair", "format": "csv"})
    assert answer.headers["content-type"].startswith("text/csv")
    lines = answer.text.splitlines()
    assert lines[0] == "pair,measure,currency,amount,exchanges"
    assert {"CN>KE,price,CNY,110,3", "CN>KE,price,USD,10,1", "CN>KE,exclusive yes,,2,2"} < set(lines)
    shares = market.client.get("/v1/statistics/concentration", params={"format": "csv"}).text.splitlines()
    assert shares[0].startswith("kind,exchanges,exclusive,side,parties,unnamed,currency,largest")
    assert any(line.startswith("dataset,3,0.333333,supplier,3,0,CNY,0.545455,6/11") for line in shares)


@BOTH_DATABASES
def test_another_meaning_is_read_again_when_the_ledger_is_recounted(desk: Desk) -> None:
    """Until then what was committed before is in no cell, and is told."""
    desk.commit(100, **SALE)
    desk.reload(vocabulary="venue: terms.venue => venue: data.kind")
    assert (told(desk)["total"]["exchanges"], told(desk)["left_out"]) == (0, 1)
    desk.commit(7, **SALE)
    assert cells(told(desk, by="venue")) == {"dataset": 1}
    assert desk.post("/v1/ledger/recount").json() == {"recounted": 1, "left": []}
    assert (cells(told(desk, by="venue")), told(desk)["left_out"]) == ({"dataset": 2}, 0)
    assert desk.post("/v1/ledger/recount").json() == {"recounted": 0, "left": []}


def model(running: dict[str, dict[str, Any]], by: tuple[str, ...]) -> dict[tuple[str, ...], tuple[int, dict[str, Decimal]]]:
    """What the statistics should be, from a list of what runs: exchanges, and prices by currency."""
    found: dict[tuple[str, ...], tuple[int, dict[str, Decimal]]] = {}
    for sale in running.values():
        key = tuple(sale[name] for name in by)
        exchanges, prices = found.get(key, (0, {}))
        amount, currency = sale["price"].split()
        found[key] = exchanges + 1, {**prices, currency: prices.get(currency, Decimal(0)) + Decimal(amount)}
    return found


def test_random_commitments_withdrawals_and_amendments_agree_with_a_plain_model(desk: Desk) -> None:
    """In every view, by as many dimensions as one likes."""
    chance = random.Random(15)
    running: dict[str, dict[str, Any]] = {}

    def sale() -> tuple[dict[str, Any], int, dict[str, Any]]:
        people = chance.randint(0, 2_000)
        words = {
            "reached": "none" if not people else "1-999" if people < 1_000 else "1000-99999",
            "purpose": " ".join(sorted(chance.sample(["trade", "research"], chance.randint(0, 2)))),
            "venue": chance.choice(["exchange", "space", "direct"]),
            "kind": chance.choice(["dataset", "model"]),
            "sector": " ".join(sorted(chance.sample(["finance", "health", "transport"], chance.randint(0, 2)))),
            "price": f"{chance.randint(-5, 10**15 - 1)}.{chance.randint(0, 9999):04} {chance.choice(['CNY', 'USD'])}",
        }
        share = {"public": f"0.{chance.randint(0, 10**12 - 1):012}"}
        terms = {"venue": words["venue"], "price": words["price"], "share": share}
        sent: dict[str, Any] = {"data__staff": True}  # of whom there may be any number
        sent |= {"terms": terms, "data__kind": words["kind"], "exporter__sectors": words["sector"].split()}
        sent["purpose__is"] = words["purpose"].split()
        return words, people, {**SALE, **sent, "exporter": f"org-{chance.randint(1, 4)}"}

    for _ in range(40):
        words, people, sent = sale()
        act = chance.choice(["commit", "commit", "commit", "withdraw", "amend"]) if running else "commit"
        old = chance.choice(sorted(running)) if running else ""
        if act == "withdraw":
            assert desk.post(f"/v1/commitments/{old}/withdraw", {"reason": "by chance"}).status_code == 200
        elif act == "amend":
            instead = desk.evaluate(people, **sent)["id"]
            done = desk.post(f"/v1/commitments/{old}/amend", {"decision": instead, "reason": "by chance"})
            running[done.json()["id"]] = words
        else:
            running[desk.commit(people, **sent)["id"]] = words
        if act != "commit":
            del running[old]
    for by in (
        (),
        ("venue",),
        ("kind", "sector"),
        ("venue", "kind", "sector"),
        ("purpose",),
        ("reached",),
        ("venue", "purpose", "reached"),
    ):
        found = told(desk, by=",".join(by))
        prices = {
            tuple(cell["of"][name] for name in by): (
                cell["exchanges"],
                {each["currency"]: Decimal(each["amount"]) for each in cell["price"]},
            )
            for cell in (found["cells"] if by else [found["total"]])
        }
        assert prices == model(running, by)


@BOTH_DATABASES
def test_money_is_summed_part_by_part_without_rounding() -> None:
    """The sums of the parts of a thousand decimals of sixteen places are the sum of the decimals."""
    chance = random.Random(4)
    units = [chance.randint(-(10**31), 10**31) for _ in range(1000)]
    parts = [exact_sums.parts(Decimal(f"{each}E-16")) for each in units]
    assert exact_sums.whole([sum(each) for each in zip(*parts, strict=True)]) == sum(units)
    texts = [exact_sums.text(exact_sums.whole(exact_sums.parts(Decimal(text)))) for text in ("-0.50", "1E+3", "0", "12.3400")]
    assert texts == ["-0.5", "1000", "0", "12.34"]


@BOTH_DATABASES
def test_a_year_gives_no_small_cell_away() -> None:
    """Of random cells those shown have enough parties, and so have those hidden together, unless nothing of the year is shown."""
    chance = random.Random(3)
    for _ in range(2_000):
        parties = {
            ("2026", word): Parties(chance.randint(0, 5), chance.randint(0, 5), chance.randint(1, 9))
            for word in "abcdef"[: chance.randint(1, 6)]
        }
        seen = disclosed_cells(parties, 3)
        assert all(parties[cell].enough(3) for cell in seen)
        hidden = [parties[cell] for cell in parties if cell not in seen]
        if seen and hidden:
            assert max(each.suppliers for each in hidden) >= 3
            assert max(each.recipients for each in hidden) >= 3


def test_others_see_no_cell_of_fewer_than_three_parties(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither in a cell, nor as the difference of a total and the cells that are shown; nor what is told apart more finely."""

    def sell(month: int, who: int, venue: str) -> None:
        desk.now[0] = datetime(2026, month, 15, 12, tzinfo=UTC)
        terms = {**SALE["terms"], "venue": venue}
        desk.commit(1, f"org-{who}", **{**SALE, "terms": terms}, recipient__id=f"buyer-{who}")

    for who in range(3):
        for month, venue in ((10, "exchange"), (10, "direct"), (11, "exchange")):
            sell(month, who, venue)
    sell(9, 7, "space")
    assert cells(told(desk, by="venue")) == {"direct": 3, "exchange": 6, "space": 1}
    assert cells(told(desk, by="month")) == {"2026-09": 1, "2026-10": 6, "2026-11": 3}
    monkeypatch.setattr(entrance, "LOCAL", Caller("reader", frozenset({"read"})))
    found = told(desk, by="venue", from_="2026-01", until="2026-12")
    # `direct` is hidden with `space`, and November with September: otherwise the year's total would give the small ones away.
    assert cells(found) == {"exchange": 6}
    assert (found["total"]["exchanges"], found["hidden"]) == (6, {"fewer_than": 3, "cells": 2})
    assert "decisions" not in found
    assert found["total"]["price"] == [{"currency": "CNY", "amount": "600.6", "exchanges": 6}]
    assert (found["total"]["exclusive"], found["total"]["public_share"]) == ({}, [])
    for period in ({}, {"from_": "2026-10"}, {"until": "2026-10"}):
        assert cells(told(desk, by="month", **period)) == {"2026-10": 6}
        assert told(desk, **period)["total"]["exchanges"] == 6
    monkeypatch.undo()
    desk.commit(1, "org-0", **{**SALE, "terms": {**SALE["terms"], "price": "9 USD"}}, recipient__id="buyer-0")
    monkeypatch.setattr(entrance, "LOCAL", Caller("reader", frozenset({"read"})))
    [cell] = told(desk, by="venue")["cells"]
    # The one price in USD is nobody's to see.
    assert (cell["exchanges"], cell["unpriced"], [each["currency"] for each in cell["price"]]) == (7, 1, ["CNY"])
    for query in ({"by": "venue,kind"}, {"by": "month,venue"}, {"venue": "space"}, {"by": "venue", "from": "2026-02"}):
        assert desk.client.get("/v1/statistics", params=query).status_code == 403
    assert desk.client.get("/v1/statistics/concentration").status_code == 403
    # All of them reached as many, and went to countries of the same registers, but for the seller who is alone in September.
    assert cells(told(desk, by="reached")) == {"1-999": 11}
    assert cells(told(desk, by="source_register")) == {}
    assert told(desk, by="source_register")["hidden"]["cells"] == 2


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("by=venues", "by"),
        ("by=venue,venue", "by"),
        ("from=2026", "from"),
        ("until=2026-13", "until"),
        ("pair=CN", "pair"),
        ("format=xml", "format"),
        ("venue=%00", "venue"),
        ("colour=red", "colour"),
        ("source_register=landlock", "source_register"),
        ("destination_register=landlocked late", "destination_register"),
        ("reached=12", "reached"),
    ],
)
def test_what_the_statistics_do_not_understand_is_refused(desk: Desk, query: str, name: str) -> None:
    """The refusal names the parameter."""
    answer = desk.client.get(f"/v1/statistics?{query}")
    assert (answer.status_code, answer.json()["parameter"]) == (400, name)
