"""The book of what is payable: booked by a commitment, reversed when it ends, and never a line that no commitment explains."""

import csv
import random
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
import sqlalchemy as sa

from service.store.tables import benefit, settlement
from tests.chance import examples, seed
from tests.service.conftest import BOTH_DATABASES, unlike_the_leaves
from tests.service.ledger.desk import JSON, NOON, Desk, desk, opened

__all__ = ["desk", "opened"]
pytestmark = pytest.mark.usefixtures("audited")

SHARES: dict[str, str] = {"provider": "0.6", "operator": "0.15", "public": "0.25", "rest": "0"}
SALE: dict[str, Any] = {
    "terms__price": "60000 CNY",
    "terms__share": SHARES,
    "terms__parties__provider": ["agency"],
    "terms__parties__operator": ["firm-a", "firm-b"],
}


def lines(desk: Desk, **query: str) -> list[Any]:
    """All lines, read in small pages."""
    found: list[Any] = []
    following: str | None = None
    while True:
        more = {} if following is None else {"cursor": following}
        answer = desk.client.get("/v1/ledger/benefits", params={"limit": "3", **query, **more})
        assert answer.status_code == 200, answer.text
        found += answer.json()["lines"]
        following = answer.json()["next"]
        if following is None:
            return found


def balances(desk: Desk, **query: str) -> list[Any]:
    """All balances, read one by one."""
    found: list[Any] = []
    following: str | None = None
    while True:
        more = {} if following is None else {"cursor": following}
        answer = desk.client.get("/v1/ledger/benefits/balances", params={"limit": "1", **query, **more})
        assert answer.status_code == 200, answer.text
        found += answer.json()["balances"]
        following = answer.json()["next"]
        if following is None:
            return found


def told(line: Any) -> tuple[Any, ...]:
    return line["entry"], line["role"], line.get("party"), line["amount"]


def whose(balance: Any) -> str:
    return str(balance.get("party") or balance.get("role"))


def reconciled(desk: Desk, **query: str) -> None:
    """The balances of a period are the sums of its lines, account by account, currency by currency, month by month."""
    summed: dict[Any, Decimal] = {}
    for each in lines(desk, **query):
        key = (each["account"], each.get("party", each["role"]), each["currency"], each["day"][:7], each["entry"])
        summed[key] = summed.get(key, Decimal(0)) + Decimal(each["amount"])
    found: dict[Any, Decimal] = {}
    for each in balances(desk, **query):
        closing = Decimal(each["opening"])
        for month in each["months"]:
            for kind in ("payable", "reversed"):
                found[each["account"], whose(each), each["currency"], month["month"], kind] = Decimal(month[kind])
                closing += Decimal(month[kind])
            assert Decimal(month["closing"]) == closing
        assert Decimal(each["closing"]) == closing
        assert sum(Decimal(each[name]) for name in ("opening", "payable", "reversed")) == closing
    assert {key: amount for key, amount in found.items() if amount} == {key: amount for key, amount in summed.items() if amount}


@BOTH_DATABASES
def test_a_commitment_books_what_is_payable_to_each(desk: Desk) -> None:
    """Two firms share the operator's part; the public, for whom no party is named, has the account of its role."""
    decision = desk.evaluate(**SALE)
    assert lines(desk) == []
    commitment = desk.post("/v1/commitments", {"decision": decision["id"]}).json()["id"]
    found = lines(desk)
    assert [told(each) for each in found] == [
        ("payable", "operator", "firm-a", "4500.00"),
        ("payable", "operator", "firm-b", "4500.00"),
        ("payable", "provider", "agency", "36000.00"),
        ("payable", "public", None, "15000.00"),
    ]
    assert {(each["commitment"], each["decision"], each["day"], each["currency"]) for each in found} == {
        (commitment, decision["id"], "2026-11-25", "CNY")
    }
    assert [each["account"] for each in found] == ["party", "party", "party", "role"]
    assert [told(each) for each in lines(desk, party="firm-b")] == [("payable", "operator", "firm-b", "4500.00")]
    assert [told(each) for each in lines(desk, role="public", commitment=commitment)] == [
        ("payable", "public", None, "15000.00")
    ]
    assert lines(desk, party="nobody") == lines(desk, currency="USD") == lines(desk, until="2026-11-24") == []
    reconciled(desk)


@BOTH_DATABASES
def test_what_is_withdrawn_is_reversed_on_its_day(desk: Desk) -> None:
    """The month that was reported stays as it was; the balance is nothing."""
    id = desk.commit(**SALE)["id"]
    desk.now[0] = NOON + timedelta(days=10)
    assert desk.post(f"/v1/commitments/{id}/withdraw", {"reason": "no"}).status_code == 200
    (agency,) = balances(desk, party="agency")
    assert agency["months"] == [
        {"month": "2026-11", "payable": "36000.00", "reversed": "0.00", "closing": "36000.00"},
        {"month": "2026-12", "payable": "0.00", "reversed": "-36000.00", "closing": "0.00"},
    ]
    (december,) = balances(desk, party="agency", **{"from": "2026-12-01"})
    assert (december["opening"], december["payable"], december["closing"]) == ("36000.00", "0.00", "0.00")
    (november,) = balances(desk, party="agency", until="2026-11-30")
    assert november["closing"] == "36000.00"
    assert {each["closing"] for each in balances(desk)} == {"0.00"}
    assert desk.post(f"/v1/commitments/{id}/withdraw", {"reason": "no"}).status_code == 409
    assert len(lines(desk)) == 8
    reconciled(desk)
    reconciled(desk, **{"from": "2026-12-01"})


@BOTH_DATABASES
def test_an_amendment_books_the_difference(desk: Desk) -> None:
    """The old lines are reversed and the new ones payable, in another currency too; the balance is what was agreed last."""
    first = desk.commit(**SALE)["id"]
    dearer = desk.evaluate(**{**SALE, "terms__price": "70000.01 CNY"})["id"]
    second = desk.post(f"/v1/commitments/{first}/amend", {"decision": dearer, "reason": "more"}).json()["id"]
    closings = {whose(each): each["closing"] for each in balances(desk)}
    # 42000.006, 10500.0015 and 17500.0025: the cent that is left goes to the largest remainder.
    assert closings == {"agency": "42000.01", "firm-a": "5250.00", "firm-b": "5250.00", "public": "17500.00"}
    abroad = desk.evaluate(**{**SALE, "terms__price": "3 KWD"})["id"]
    assert desk.post(f"/v1/commitments/{second}/amend", {"decision": abroad, "reason": "moved"}).status_code == 201
    assert {(whose(each), each["currency"]): each["closing"] for each in balances(desk)} == {
        ("agency", "CNY"): "0.00",
        ("firm-a", "CNY"): "0.00",
        ("firm-b", "CNY"): "0.00",
        ("public", "CNY"): "0.00",
        ("agency", "KWD"): "1.800",
        ("firm-a", "KWD"): "0.225",
        ("firm-b", "KWD"): "0.225",
        ("public", "KWD"): "0.750",
    }
    reconciled(desk)
    reconciled(desk, currency="KWD")


@pytest.mark.random
def test_random_histories_leave_what_was_agreed_last(desk: Desk) -> None:
    """Commitments, withdrawals and amendments over some months, against a model: the prices of what stands, as they were divided."""
    chance = random.Random(seed(21))
    standing: dict[str, dict[tuple[str, str], Decimal]] = {}

    def decided() -> tuple[str, dict[tuple[str, str], Decimal]]:
        cuts = sorted(chance.randint(0, 100) for _ in range(2))
        shares = {"provider": cuts[0], "operator": cuts[1] - cuts[0], "public": 100 - cuts[1]}
        currency = chance.choice(("CNY", "JPY", "KWD"))
        told = desk.evaluate(
            1,
            terms__price=f"{chance.randint(1, 10_000)} {currency}",
            terms__share={role: f"{share / 100:.2f}" for role, share in shares.items()} | {"rest": "0"},
            terms__parties__provider=chance.sample(["agency", "fund", "firm-a"], chance.randint(0, 3)),
            terms__parties__operator=chance.sample(["fund", "firm-a"], 1),
        )
        explained = desk.client.get(f"/v1/decisions/{told['id']}/explanation?include=factor").json()
        payable: dict[tuple[str, str], Decimal] = {}
        for line in explained["factor"]["settlement"]["lines"]:
            key = (line["role"], currency)
            payable[key] = payable.get(key, Decimal(0)) + Decimal(line["amount"])
        return told["id"], payable

    for _ in examples(25):
        desk.now[0] += timedelta(days=chance.randint(0, 5))
        ends = chance.choice(sorted(standing)) if standing and chance.random() < 0.5 else ""
        if ends and chance.random() < 0.5:
            assert desk.post(f"/v1/commitments/{ends}/withdraw", {"reason": "no"}).status_code == 200
        else:
            id, payable = decided()
            sent = {"decision": id, "reason": "more"} if ends else {"decision": id}
            made = desk.post(f"/v1/commitments/{ends}/amend" if ends else "/v1/commitments", sent)
            assert made.status_code == 201, made.text
            standing[made.json()["id"]] = payable
        standing.pop(ends, None)
    expected: dict[tuple[str, str], Decimal] = {}
    for payable in standing.values():
        for key, amount in payable.items():
            expected[key] = expected.get(key, Decimal(0)) + amount
    found: dict[tuple[str, str], Decimal] = {}
    for each in lines(desk, limit="100"):
        key = (each["role"], each["currency"])
        found[key] = found.get(key, Decimal(0)) + Decimal(each["amount"])
    assert {key: amount for key, amount in found.items() if amount} == {k: amount for k, amount in expected.items() if amount}
    for query in ({}, {"from": "2026-12-10", "until": "2027-01-15"}, {"party": "fund", "currency": "JPY"}):
        reconciled(desk, limit="100", **query)


def test_what_is_not_divided_is_not_in_the_book_and_is_counted(desk: Desk) -> None:
    """Nothing payable misses nothing; a price without a settlement does, until its commitment is withdrawn."""
    desk.commit()
    desk.commit(terms__pricing="free")
    desk.commit(terms__price="0 CNY", terms__share=SHARES)
    desk.commit(terms__price="5 CNY")
    finer = desk.commit(terms__price="5 JPY", terms__share=SHARES | {"provider": "0.7"})["id"]
    answer = desk.client.get("/v1/ledger/benefits/balances").json()
    assert answer == {
        "balances": [],
        "not_divided": [{"state": "shares-do-not-close", "commitments": 1}, {"state": "shares-unknown", "commitments": 1}],
        "next": None,
    }
    desk.post(f"/v1/commitments/{finer}/withdraw", {"reason": "no"})
    shown = desk.client.get("/v1/ledger/benefits/balances").json()["not_divided"]
    assert shown == [{"state": "shares-unknown", "commitments": 1}]
    assert desk.client.get("/v1/ledger/benefits/balances?until=2026-11-24").json()["not_divided"] == []
    assert lines(desk) == []


def test_a_retry_books_once(desk: Desk) -> None:
    """The same call under the same key is answered as before."""
    decision = desk.evaluate(**SALE)["id"]
    body = f'{{"decision": "{decision}"}}'
    answers = [desk.client.post("/v1/commitments", content=body, headers={**JSON, "Idempotency-Key": "k"}) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert len(lines(desk)) == 4


def test_an_attempt_that_is_refused_books_nothing(desk: Desk) -> None:
    """An amendment that may not proceed leaves the book as it was."""
    first = desk.commit(300, **SALE)["id"]
    too_many = desk.evaluate(1000, **SALE)["id"]
    assert desk.post(f"/v1/commitments/{first}/amend", {"decision": too_many, "reason": "more"}).status_code == 409
    assert len(lines(desk)) == 4


def test_other_policies_and_a_recount_leave_money_as_it_was_agreed(desk: Desk) -> None:
    """Counters are counted again; what is payable is not."""
    desk.commit(**SALE)
    before = lines(desk)
    desk.reload(vocabulary="preceding 7 days => preceding 8 days")
    assert desk.post("/v1/ledger/recount").json()["recounted"] == 1
    desk.reload(vocabulary="operator: terms.parties.operator => operator: terms.parties.provider")
    assert lines(desk) == before


def test_a_party_is_one_account_by_whichever_name(desk: Desk) -> None:
    """The register's id and its other names lead to the same account."""
    desk.client.put("/v1/parties/agency", json={"facts": {}, "aliases": ["bureau"]})
    desk.commit(**SALE)
    desk.commit(**{**SALE, "terms__parties__provider": ["bureau"]})
    for name in ("agency", "bureau"):
        (balance,) = balances(desk, party=name)
        assert balance["closing"] == "72000.00"
    assert [each["party"] for each in lines(desk, party="agency")] == ["agency", "bureau"]


def test_what_the_register_states_of_the_data_is_divided(desk: Desk) -> None:
    """Shares and parties may be those of the asset; the name is then read from what the register said."""
    account = "factor: {price: {title: price, lines: {price: {title: price, fact: terms.price}}}}"
    desk.reload(vocabulary=f"settlement:\n => {account}\nsettlement:\n")
    states = {"terms": {"share": SHARES, "parties": {"provider": ["agency"]}}}
    assert desk.client.put("/v1/assets/scans", json={"facts": states}).status_code in (200, 201)
    desk.commit(named={"data": "scans"}, terms__price="100 CNY")
    assert ("payable", "provider", "agency", "60.00") in [told(each) for each in lines(desk)]


def test_an_erased_name_is_erased_everywhere(desk: Desk) -> None:
    """Once the record of the commitment is erased, the line has its amount and no name."""
    done = desk.commit(**SALE)
    desk.post(f"/v1/commitments/{done['id']}/withdraw", {"reason": "no"})
    for id in (done["decision"], done["evaluation"]):
        assert desk.post(f"/v1/decisions/{id}/erase").status_code == 200
    assert {told(each) for each in lines(desk)} >= {("payable", "provider", None, "36000.00")}
    assert {each.get("party") for each in balances(desk)} == {None}
    assert [each["account"] for each in lines(desk)].count("party") == 6


@BOTH_DATABASES
def test_tables_are_whole_and_no_formulas(desk: Desk) -> None:
    """A name that a spreadsheet would run is text, and an amount below zero stays a number."""
    id = desk.commit(**{**SALE, "terms__parties__provider": ["=1+1"]})["id"]
    desk.post(f"/v1/commitments/{id}/withdraw", {"reason": "no"})
    answer = desk.client.get("/v1/ledger/benefits?format=csv&role=provider")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(StringIO(answer.text)))
    assert [(each["party"], each["entry"], each["amount"]) for each in rows] == [
        ("'=1+1", "payable", "36000.00"),
        ("'=1+1", "reversed", "-36000.00"),
    ]
    rows = list(csv.DictReader(StringIO(desk.client.get("/v1/ledger/benefits/balances?format=csv").text)))
    assert {(each["role"], each["month"], each["opening"], each["closing"]) for each in rows} == {
        ("", "2026-11", "0.00", "0.00"),
        ("public", "2026-11", "0.00", "0.00"),
    }
    after = desk.client.get("/v1/ledger/benefits/balances?format=csv&role=public&from=2026-12-01").text.splitlines()
    assert after[1:] == ["role,,public,CNY,,0.00,0.00,0.00,0.00,0.00,0.00,0.00,0.00,0.00"]


WRONG = (
    "party=", "currency=cny", "from=2026-1-1", "until=20261124", "from=2026-12-01&until=2026-11-01", "format=xml", "cursor=x",
    "format=csv&limit=5", "colour=red",
)  # fmt: skip


def test_a_wrong_query_is_refused(desk: Desk) -> None:
    """It names the parameter."""
    for query in WRONG:
        for path in ("/v1/ledger/benefits", "/v1/ledger/benefits/balances"):
            answer = desk.client.get(f"{path}?{query}")
            assert answer.status_code == 400
            assert answer.json()["parameter"] in query


@BOTH_DATABASES
def test_a_row_changed_by_hand_is_found(desk: Desk, database: str, audited: list[str]) -> None:
    """An amount, an account, a day, a state: each is said again by the leaves."""
    desk.commit(**SALE)
    changes: dict[sa.Table, dict[str, Any]] = {
        benefit: {"units": 1, "account": "role:public", "day": "2026-11-24", "place": "/x", "share": "1"},
        settlement: {"state": "nothing-payable", "price": "1 CNY", "day": "2026-11-24"},
    }
    for table, columns in changes.items():
        (key,) = table.primary_key
        with desk.service.store.database.reading.connect() as connection:
            row = connection.execute(sa.select(table).order_by(key)).first()
        assert row is not None
        here = key == row._mapping[key.name]
        for name, value in columns.items():
            assert row._mapping[name] != value
            with desk.service.store.database.transaction() as transaction:
                transaction.execute(sa.update(table).where(here).values({name: value}))
            (found,) = unlike_the_leaves(database)
            assert f"`{name}`" in found
            with desk.service.store.database.transaction() as transaction:
                transaction.execute(sa.update(table).where(here).values({name: row._mapping[name]}))
    with desk.service.store.database.transaction() as transaction:
        transaction.execute(sa.delete(benefit).where(benefit.c.number == 2))
    audited.append("the row `benefit` (number 2) is missing")
