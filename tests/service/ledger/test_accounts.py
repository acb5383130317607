"""The accounts of data assets over HTTP: entries, the roll-forward of a period, and the table."""

import csv
import json
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
import sqlalchemy as sa

from service.store.tables import asset_entry, leaf_opening
from tests.service.cli.test_log import run
from tests.service.conftest import BOTH_DATABASES, unlike_the_leaves
from tests.service.ledger.desk import NOON, Desk, desk, opened
from tests.service.log.test_tree_leaves import happened

__all__ = ["desk", "opened"]

YEAR = {"from": "2026-01-01", "until": "2026-10-31"}
COST = {"kind": "bought", "on": "2026-01-05", "amount": "3600.00", "currency": "CNY", "treatment": "intangible", "months": 36}

pytestmark = pytest.mark.usefixtures("audited")


def register(desk: Desk, asset: str = "weather/2026") -> str:
    """The address of the accounts of an asset of the register."""
    assert desk.client.put(f"/v1/assets/{asset}", json={"facts": {"data": {"staff": False}}}).status_code == 201
    return f"/v1/assets/{asset}/accounts"


def posted(desk: Desk, accounts: str, **entry: Any) -> Any:
    answer = desk.post(f"{accounts}/entries", entry)
    assert answer.status_code == 201, answer.text
    return answer.json()


def refused(desk: Desk, accounts: str, **entry: Any) -> str:
    answer = desk.post(f"{accounts}/entries", entry)
    assert answer.status_code == 400, answer.text
    return str(answer.json()["detail"])


def fill(desk: Desk) -> None:
    """Entries with something in every column."""
    accounts = register(desk)
    cost = posted(desk, accounts, **COST, evidence="sha256:9f86d081", reason="invoice 7")
    posted(desk, accounts, kind="reversed", on="2026-02-01", of=cost["id"])
    made = posted(desk, accounts, **OWNED | {"on": "2025-01-05", "entity": entity(desk, "group-9"), "residual": "600.00"})
    sold = {"kind": "disposed", "on": "2026-02-01", "part": "1/2", "proceeds": "900.00", "currency": "CNY", "of": made["id"]}
    posted(desk, accounts, **sold)
    closed = {"entity": "group-9", "until": "2025-12-31", "reason": "approved"}
    assert desk.post("/v1/ledger/accounts/close", closed).status_code == 201


@BOTH_DATABASES
def test_an_asset_is_carried_amortised_and_impaired(desk: Desk, database: str, audited: list[str]) -> None:
    """A row for a class adds up; the appraised value is beside it; no row names the asset, and a changed row is found."""
    accounts = register(desk)
    cost = posted(desk, accounts, **COST, evidence="sha256:9f86d081", reason="invoice 7")
    posted(desk, accounts, kind="impaired", on="2026-06-30", amount="300", currency="CNY", of=cost["id"])
    posted(desk, accounts, kind="appraised", on="2026-07-01", amount="90000", currency="USD", evidence="sha256:00aa")
    told = desk.client.get(accounts, params=YEAR).json()
    (row,) = told["classes"]
    assert row == {
        "treatment": "intangible", "recognised": True, "currency": "CNY", "opening": "0.00", "bought": "3600.00",
        "self_developed": "0.00", "other": "0.00", "transferred": "0.00", "amortised": "960.00", "impaired": "300.00",
        "disposed": "0.00", "closing": "2340.00", "recovered": "0.00", "cost_opening": "0.00", "cost_closing": "3600.00",
        "amortisation_opening": "0.00", "amortisation_closing": "960.00", "impairment_opening": "0.00", "impairment_closing": "300.00",
        "research": "0.00", "proceeds": "0.00", "gain": "0.00",
    }  # fmt: skip
    assert (told["asset"], told["mark"]) == ("weather/2026", "from-memory")
    assert told["appraised"]["amount"] == "90000.00"
    assert [each["kind"] for each in told["entries"]] == ["bought", "impaired", "appraised"]
    assert told["entries"][0] == cost | {"evidence": "sha256:9f86d081"}
    with desk.service.store.database.transaction() as transaction:
        rows = transaction.execute(sa.select(asset_entry)).all()
        assert not any("weather" in str(value) for row in rows for value in row)
        leaves = [leaf for leaf in happened(desk.service.store) if leaf["kind"] == "asset-entry"]
        assert [leaf["entry"] for leaf in leaves] == ["bought", "impaired", "appraised"]
        assert not any(re.search(r"\b3600\b|weather", str(leaf)) for leaf in leaves)
        names = transaction.execute(sa.select(leaf_opening.c.name).distinct()).scalars().all()
        assert {"asset", "line", "by", "reason"} <= set(names)
        mine = asset_entry.c.id == cost["id"]
        transaction.execute(sa.update(asset_entry).where(mine).values(amount="36000.00"))
    (found,) = unlike_the_leaves(database)
    assert "asset_entry" in found
    audited.append(found)


def test_an_entry_is_reversed_and_never_changed(desk: Desk) -> None:
    """The reversed entry stays and names its reversal; `known` shows the accounts as they were known before."""
    accounts = register(desk)
    wrong = posted(desk, accounts, **COST)
    desk.now[0] = NOON + timedelta(days=1)
    back = posted(desk, accounts, kind="reversed", on="2026-11-26", of=wrong["id"], reason="the wrong asset")
    told = desk.client.get(accounts).json()
    assert told["classes"] == []
    assert [each.get("reversed_by") for each in told["entries"]] == [back["id"], None]
    before = desk.client.get(accounts, params={"known": "2026-11-25"}).json()
    assert [each["bought"] for each in before["classes"]] == ["3600.00"]
    assert len(before["entries"]) == 1
    assert "reversed already" in refused(desk, accounts, kind="reversed", on="2026-11-26", of=wrong["id"])


OWNED = {**COST, "entity": "group-1", "standard": "IFRS"}


def entity(desk: Desk, id: str = "group-1") -> str:
    assert desk.client.put(f"/v1/parties/{id}", json={"facts": {"country": "CN"}}).status_code == 201
    return id


@BOTH_DATABASES
def test_the_entries_of_an_entity_have_vouchers_without_a_gap(desk: Desk) -> None:
    """Year by year and entity by entity, also where many post at once; what becomes of a cost has the voucher of its entity."""
    accounts, other = register(desk), register(desk, "traffic/2026")
    entity(desk), entity(desk, "group-2")
    cost = posted(desk, accounts, **OWNED)
    assert cost["voucher"] == "2026/1"
    assert posted(desk, accounts, **OWNED | {"on": "2025-12-31"})["voucher"] == "2025/1"
    assert posted(desk, other, **OWNED | {"entity": "group-2"})["voucher"] == "2026/1"
    assert "voucher" not in posted(desk, other, **COST)
    with ThreadPoolExecutor(6) as pool:
        falls = {"kind": "impaired", "on": "2026-06-30", "amount": "1.00", "currency": "CNY", "of": cost["id"]}
        made = [each["voucher"] for each in pool.map(lambda _: posted(desk, accounts, **falls), range(12))]
    assert sorted(made, key=lambda each: int(each[5:])) == [f"2026/{number}" for number in range(2, 14)]
    assert "another `standard`" in refused(desk, other, **OWNED | {"standard": "CAS"})
    assert "register it first" in refused(desk, other, **OWNED | {"entity": "nobody"})
    assert "has a `standard`" in refused(desk, other, **COST, entity="group-1")


@BOTH_DATABASES
def test_a_closed_period_is_told_as_it_was(desk: Desk) -> None:
    """A correction moves on the first open day, and its voucher is of that year; `known` is as before; another entity is not touched."""
    accounts = register(desk)
    entity(desk), entity(desk, "group-2")
    wrong = posted(desk, accounts, **OWNED | {"on": "2025-03-01"})
    posted(desk, accounts, **OWNED | {"on": "2025-03-01", "entity": "group-2"})
    last = {"from": "2025-01-01", "until": "2025-12-31", "entity": "group-1"}
    before = desk.client.get("/v1/ledger/accounts", params=last).json()["classes"]
    desk.now[0] = NOON + timedelta(days=1)
    closing = {"entity": "group-1", "until": "2025-12-31", "reason": "the statements were approved"}
    answer = desk.post("/v1/ledger/accounts/close", closing)
    assert (answer.status_code, answer.json()["until"]) == (201, "2025-12-31")
    assert desk.post("/v1/ledger/accounts/close", closing).status_code == 400
    assert desk.post("/v1/ledger/accounts/close", closing | {"until": "2026-11-26"}).status_code == 400
    desk.now[0] = NOON + timedelta(days=2)
    back = posted(desk, accounts, kind="reversed", on="2025-04-01", of=wrong["id"], reason="the wrong asset")
    assert back["voucher"] == "2026/1"
    told = desk.client.get("/v1/ledger/accounts", params=last).json()
    assert (told["classes"], told["closed"]) == (before, "2025-12-31")
    (now,) = desk.client.get("/v1/ledger/accounts", params={**YEAR, "entity": "group-1"}).json()["classes"]
    assert (now["opening"], now["bought"], now["amortised"], now["closing"]) == ("2600.00", "-3600.00", "-1000.00", "0.00")
    (both,) = desk.client.get("/v1/ledger/accounts", params=last | {"entity": "group-2"}).json()["classes"]
    assert both["closing"] == before[0]["closing"]
    open_then = desk.client.get("/v1/ledger/accounts", params={**YEAR, "entity": "group-1", "known": "2026-11-26"}).json()
    assert open_then["classes"][0]["bought"] == "0.00"
    assert desk.client.get("/v1/ledger/accounts", params={"entity": "nobody"}).status_code == 400


def test_a_part_is_sold_by_a_committed_exchange(desk: Desk) -> None:
    """With its proceeds, and the commitment by which it was sold; one that there is not is refused."""
    accounts = register(desk)
    entity(desk)
    cost = posted(desk, accounts, **OWNED | {"treatment": "inventory"} | {"months": None})
    sold = {"kind": "disposed", "on": "2026-03-01", "part": "1/3", "proceeds": "2000.00", "currency": "CNY", "of": cost["id"]}
    assert "no commitment" in refused(desk, accounts, **sold, commitment="nothing")
    told = posted(desk, accounts, **sold, commitment=desk.commit(10)["id"])
    assert (told["part"], told["proceeds"], told["voucher"]) == ("1/3", "2000.00", "2026/2")
    (found,) = desk.client.get(accounts, params=YEAR).json()["classes"]
    assert (found["disposed"], found["proceeds"], found["gain"], found["closing"]) == (
        "1200.00",
        "2000.00",
        "800.00",
        "2400.00",
    )
    assert desk.client.get(accounts, params=YEAR).json()["untested"] == []


def test_what_cannot_be_posted_says_why(desk: Desk) -> None:
    """A kind has its members; money has a currency and is no finer than its unit; nothing is posted ahead of its day."""
    accounts = register(desk)
    assert refused(desk, accounts, kind="disposed", on="2026-01-05") == "an entry of the kind `disposed` has `of`"
    assert "has no `treatment`" in refused(
        desk, accounts, kind="appraised", on="2026-01-05", amount="1", currency="CNY", treatment="inventory"
    )
    assert "finer than the smallest unit" in refused(desk, accounts, **COST | {"amount": "1.001"})
    assert posted(desk, accounts, **COST | {"amount": "1.001", "currency": "KWD"})["amount"] == "1.001"
    assert "above zero" in refused(desk, accounts, **COST | {"amount": "0.00"})
    assert "no currency of ISO 4217" in refused(desk, accounts, **COST | {"currency": "XAU"})
    assert "never converted" in refused(desk, accounts, **COST)
    assert "a day that has come" in refused(desk, accounts, **COST | {"on": "2026-11-26"})
    assert "useful life" in refused(desk, accounts, **COST | {"treatment": "inventory", "currency": "KWD"})
    assert desk.post(f"{accounts}/entries", COST | {"amount": 5}).json()["errors"][0]["pointer"] == "/amount"
    assert desk.post("/v1/assets/nobody/accounts/entries", COST).status_code == 404
    assert desk.client.get("/v1/assets/nobody/accounts").status_code == 404
    assert desk.client.get(accounts, params={"from": "2026-12-01", "until": "2026-01-01"}).status_code == 400
    assert desk.client.get(accounts, params={"format": "xlsx"}).status_code == 400


def test_a_repeated_call_posts_one_entry(desk: Desk) -> None:
    """With the same Idempotency-Key the first answer comes again."""
    accounts = register(desk)
    name = {"Idempotency-Key": "invoice-7"}
    first, second = (desk.client.post(f"{accounts}/entries", json=COST, headers=name) for _ in range(2))
    assert first.content == second.content
    assert len(desk.client.get(accounts).json()["entries"]) == 1


@BOTH_DATABASES
def test_the_accounts_of_all_assets_are_a_table(desk: Desk) -> None:
    """By class and currency; what is not recognised has a row of its own, and two currencies are never added up."""
    one, two, three = (register(desk, name) for name in ("one", "two", "three"))
    posted(desk, one, **COST)
    posted(desk, two, **COST)
    posted(desk, two, **COST | {"kind": "self-developed", "treatment": "development", "months": None})
    posted(desk, three, **COST | {"currency": "JPY", "amount": "700", "treatment": "not-recognised", "months": None})
    answer = desk.client.get("/v1/ledger/accounts", params={**YEAR, "format": "csv"})
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(StringIO(answer.text)))
    assert [(row["treatment"], row["recognised"], row["currency"], row["closing"]) for row in rows] == [
        ("intangible", "yes", "CNY", "5200.00"),
        ("development", "yes", "CNY", "3600.00"),
        ("not-recognised", "no", "JPY", "700"),
    ]
    told = desk.client.get("/v1/ledger/accounts", params=YEAR).json()
    assert [row["amortised"] for row in told["classes"]] == ["2000.00", "0.00", "0"]
    assert "asset" not in told


def test_the_command_prints_the_same_table(desk: Desk, database: str) -> None:
    """As CSV, as JSON and in lines, while the service runs; with 1 where there is nothing."""
    said = ("--from", "2026-01-01", "--until", "2026-10-31")
    assert run(database, "accounts", *said)[0] == 1
    posted(desk, register(desk), **COST)
    table = desk.client.get("/v1/ledger/accounts", params={**YEAR, "format": "csv"}).text
    assert run(database, "accounts", *said, "--csv")[:2] == (0, table.replace("\r\n", "\n"))
    assert (
        json.loads(run(database, "accounts", *said, "--json")[1]) == desk.client.get("/v1/ledger/accounts", params=YEAR).json()
    )
    code, printed, noted = run(database, "accounts", *said)
    assert (code, printed.split("  ")[0]) == (0, "intangible CNY")
    assert "closing 2600.00" in printed
    assert "from memory" in noted
    assert run(database, "accounts", "--from", "2027-01-01", "--until", "2026-01-01")[0] == 2


@BOTH_DATABASES
def test_callers_at_once_write_off_no_more_than_there_is(desk: Desk) -> None:
    """Of twenty impairments of 400 each at the same moment, six find something to write off."""
    accounts = register(desk)
    cost = posted(desk, accounts, **COST | {"months": None, "amount": "2500"})
    loss = {"kind": "impaired", "on": "2026-03-01", "amount": "400", "currency": "CNY", "of": cost["id"]}
    with ThreadPoolExecutor(20) as callers:
        answers = list(callers.map(lambda _: desk.post(f"{accounts}/entries", loss).status_code, range(20)))
    assert Counter(answers) == {201: 6, 400: 14}
    assert desk.client.get(accounts, params=YEAR).json()["classes"][0]["closing"] == "100.00"
