"""Registers of transfers: what really happened, in the columns that the law asks for, and nothing that was not stated."""

import asyncio
import csv
import json
import re
from collections.abc import Iterator
from datetime import UTC, timedelta
from html import unescape
from io import StringIO

import pytest

import engine
from service.reports import transfer_selection
from service.reports.report_scope import Scope
from service.reports.transfer_register import TransferRegister
from tests.service.conftest import BOTH_DATABASES, Lines, copied
from tests.service.reports.conftest import CONTRACT, HERE, NOON, Desk, opened, pdf_text

TABLE = "/reports/transfers?register=test-register"


def table(desk: Desk, query: str = "", **form: str) -> list[dict[str, str]]:
    """The register as a file, each row by the titles of its columns."""
    if form:
        answer = desk.page("/reports/transfers", register="test-register", format="csv", **form)
    else:
        answer = desk.client.get(f"{TABLE}&format=csv{query}")
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(StringIO(answer.text)))


def test_only_what_was_committed_is_in_it(desk):
    """On both databases: an evaluation is no transfer, and an exchange for which no provision asks for the register is not in it."""
    desk.evaluate()
    desk.commit("clinic", "lab", purpose={"is": ["research"]})
    desk.commit("clinic", place="CN")
    (row,) = table(desk)
    assert row["Recipient (Art. 9(1))"] == "lab; Kenya"
    assert row["People (Art. 9(2), from memory)"] == "ordinary: 50"
    assert row["Purpose (Art. 9(3))"] == "research"
    assert row["Way (Art. 9(4))"].startswith("A contract is signed (Test provisions, Art. 2); contract: ")
    assert row["Dates (Art. 9(5))"] == "2026-11-25"
    assert (row["State"], row["Ended at"]) == ("stands", "")
    page = desk.client.get(TABLE).text
    assert "1 further committed exchanges of the period" in page  # under the law of China, and not asked for
    assert "The contract itself" in page
    assert "Art. 9(6), unsure" in page


@BOTH_DATABASES
def test_what_was_not_stated_is_said_to_be(desk):
    """Nothing is guessed: neither a fact that was left out nor a value that the log has erased."""
    made = desk.commit()
    (row,) = table(desk)
    assert row["Purpose (Art. 9(3))"] == "not stated"
    assert row["Recipient (Art. 9(1))"] == "lab; Kenya"
    asyncio.run(desk.service.store.erase(made["evaluation"]))
    (row,) = table(desk)
    assert row["Recipient (Art. 9(1))"] == "erased; Kenya"
    assert "attested by: erased" in row["Way (Art. 9(4))"]


def test_what_ended_is_shown_as_such(desk):
    """A withdrawn transfer stays with its reason; an amended one names what replaces it."""
    first, second = desk.commit("clinic", "lab-1"), desk.commit("clinic", "lab-2")
    desk.post(f"/v1/commitments/{first['id']}/withdraw", {"reason": "the lab closed"})
    desk.now[0] = desk.now[0].replace(hour=13)
    again = desk.evaluate("clinic", "lab-2", data={"people": {"ordinary": 70}})
    third = desk.post(f"/v1/commitments/{second['id']}/amend", {"decision": again["id"], "reason": "more people"})
    rows = {row["Commitment"]: row for row in table(desk)}
    assert rows[first["id"]]["State"] == "withdrawn"
    assert rows[first["id"]]["Reason"] == "the lab closed"
    assert rows[first["id"]]["Dates (Art. 9(5))"] == "2026-11-25; withdrawn on 2026-11-25"
    assert rows[second["id"]]["State"] == "replaced"
    assert rows[third["id"]]["State"] == "stands"
    page = desk.client.get(TABLE).text
    assert f"replaced by {third['id']}" in page
    assert "withdrawn on 2026-11-25: the lab closed" in page


@pytest.mark.parametrize(("zone", "ended"), [("Asia/Shanghai", "2026-11-26"), ("America/New_York", "2026-11-25")])
def test_an_end_has_the_day_of_the_zone(database: str, lines: Lines, zone: str, ended: str) -> None:
    """As the day of the exchange beside it does; the report on the period says the same. The moment is beside it, in UTC."""
    for desk in opened(database, lines, HERE / "policies", zone=zone):
        desk.now[0] += timedelta(hours=8)
        made = desk.commit()
        desk.post(f"/v1/commitments/{made['id']}/withdraw", {"reason": "the lab closed"})
        (row,) = table(desk)
        assert row["Dates (Art. 9(5))"] == f"{ended}; withdrawn on {ended}"
        assert row["Ended at"].startswith("2026-11-25T20:00:01")
        assert f"withdrawn on {ended}: the lab closed" in desk.client.get(TABLE).text
        assert f"withdrawn on {ended}: the lab closed" in desk.client.get("/reports/report?part=committed").text


def test_it_is_of_a_period_and_an_exporter(desk):
    """The exporter's id is in no address; another day has no row."""
    desk.commit("clinic-1", "lab")
    desk.commit("clinic-2", "clinic-1")
    assert len(table(desk)) == 2
    assert [row["Recipient (Art. 9(1))"] for row in table(desk, party="clinic-1")] == ["lab; Kenya"]
    assert table(desk, "&from=2026-01-01&until=2026-11-24") == []
    refused = desk.client.get(f"{TABLE}&party=clinic-1")
    assert refused.status_code == 400
    assert "stands in no address" in refused.text
    shown = desk.page("/reports/transfers", register="test-register", party="clinic-1")
    assert not shown.history  # no redirect, so no address
    assert "clinic-1" in shown.text
    assert "party=" not in shown.text
    assert shown.headers["cache-control"] == "no-store"


def test_long_registers_have_pages_and_whole_files(desk, monkeypatch):
    """Pages go on where the one before ended; the file has every row once."""
    monkeypatch.setattr("service.api.reports.ROWS", 3)
    monkeypatch.setattr("service.reports.transfer_selection._FOUND_AT_ONCE", 2)
    ids = [desk.commit("clinic", f"lab-{number}")["id"] for number in range(7)]
    desk.evaluate()
    assert [row["Commitment"] for row in table(desk)] == ids[::-1]
    seen: list[str] = []
    query = ""
    for _ in range(9):
        page = desk.client.get(TABLE + query).text
        seen += [f"lab-{number}" for number in range(6, -1, -1) if f">lab-{number}<" in page]
        cursor = page.partition('name="cursor" value="')[2].partition('"')[0]
        if not cursor:
            break
        query = f"&cursor={cursor}"
    assert seen == [f"lab-{number}" for number in range(6, -1, -1)]
    assert desk.client.get(f"{TABLE}&cursor=nothing").status_code == 400


def test_a_text_that_would_be_a_formula_is_none(desk):
    """Texts of others: a spreadsheet computes nothing, and a page runs nothing."""
    desk.commit("clinic", '=HYPERLINK("x")<script>alert(1)</script>')
    assert table(desk)[0]["Recipient (Art. 9(1))"].startswith("'=HYPERLINK")
    assert "<script>" not in desk.client.get(TABLE).text


@pytest.fixture(scope="module")
def bundled(tmp_path_factory: pytest.TempPathFactory, tables) -> Iterator[Desk]:
    """A service on the bundled policies, with an organisation that looks after what they leave open, and three transfers."""
    database = copied(tables, tmp_path_factory.mktemp("bundled"))
    for desk in opened(database, Lines(), engine.bundled_policies(), HERE / "acme"):
        for exchange in json.loads((HERE / "exchanges.json").read_text()).values():
            decided = desk.post("/v1/evaluate", exchange)
            assert decided["proceed"], decided["answer"]
            desk.post("/v1/commitments", {"decision": decided["id"]})
        yield desk


# For each bundled register what a column shows of its transfer, by the name of the column.
SHOWN = {
    "gdpr-30": {
        "exporter": ("clinic-7", "controller", "Germany"),
        "purposes": ("provision of a service", "not stated: end use"),
        "recipient": ("lab-2", "company", "controller"),
        "country": ("United Kingdom",),
        "record": ("covers this exchange: yes; dated: 2026-10-01",),
    },
    "pipl": {
        "recipient": ("数据公司-1", "Malaysia", "unrelated"),
        "method": ("data are sent", "not stated: how the data are delivered, how often"),
        "assessment": ("covers this exchange: yes; dated: 2026-09-01; people covered: 10,000,000",),
    },
    "us-202-1101": {
        "other-party": ("vendor-9", "China", "what else makes the recipient a covered person: none"),
        "end-use": ("provision of a service",),
        "dates": ("2026-11-25",),
        "licence": ("not shown",),
    },
}


@pytest.mark.parametrize("name", SHOWN)
def test_each_bundled_register_takes_its_transfer(bundled, name):
    """It takes the exchange for which its law asks for a record, and no other; what its columns show is in the record."""
    text = bundled.service.live.bundle.vocabulary.transfer_registers[name]
    register = TransferRegister(name, text, bundled.service.live.bundle, "en", UTC)
    rows = bundled.service.read(lambda c: list(transfer_selection.every(c, text, Scope(NOON.date(), NOON.date()))))
    sent = json.loads((HERE / "exchanges.json").read_text())[name]
    assert [row.record["request"]["recipient"]["id"] for row in rows] == [sent["recipient"]["id"]]
    shown = dict(zip(text.columns, register._values_of(rows[0]), strict=True))
    for column, lines in SHOWN[name].items():
        for line in lines:
            assert line in shown[column].lines, (column, shown[column].lines)
    assert not any("{" in line for cell in shown.values() for line in cell.lines), "a value has no title"


@pytest.mark.parametrize("name", SHOWN)
def test_each_bundled_register_says_what_it_rests_on(bundled, name):
    """Title, citation and the title of each column in both languages, and a mark; so has what is kept elsewhere."""
    text = bundled.service.live.bundle.vocabulary.transfer_registers[name]
    said = [text.title, text.cite, text.says, text.kept_by]
    said += [part for column in (*text.columns.values(), *text.elsewhere) for part in (column.title, column.cite)]
    assert all(part.zh for part in said)
    assert text.in_force.from_


@pytest.mark.parametrize("name", SHOWN)
def test_what_asks_for_a_column_is_in_an_appendix(bundled, name):
    """The heads of the columns are titles alone; the appendix has the place in the law for each of them."""
    text = bundled.service.live.bundle.vocabulary.transfer_registers[name]
    page = bundled.client.get(f"/reports/transfers?register={name}").text
    before, _, appendix = page.partition('id="appendix"')
    heads = re.findall(r'role="columnheader"[^>]*>(.*?)</th>', before)
    assert heads
    assert not any("<" in head for head in heads)
    assert not any(column.cite.en in head for column in text.columns.values() for head in heads)
    for column in text.columns.values():
        assert column.title.en in unescape(appendix)
        assert column.cite.en in unescape(appendix)
    assert text.source[:40] in unescape(appendix)


def test_a_register_is_filed_as_pdf_in_chinese(bundled):
    """Its Chinese is in the PDF as text, headings and columns, citation and values."""
    answer = bundled.client.get("/reports/transfers?register=pipl&lang=zh&format=pdf")
    assert answer.headers["content-type"] == "application/pdf"
    text = pdf_text(answer.content)
    for said in (
        "个人信息出境处理情况记录",
        "《个人信息保护法》第五十五条、第五十六条",
        "3 年",
        "境外接收方",
        "数据公司-1",
        "马来西亚",
    ):
        assert said in text, said


def test_a_contract_of_another_day_is_shown_with_its_day(desk):
    """A document is shown with what was stated of it."""
    desk.commit(evidence={"contract": {**CONTRACT, "expires": "2027-01-01"}})
    (row,) = table(desk)
    assert "2026-10-01" in row["Way (Art. 9(4))"]
    assert "2027-01-01" in row["Way (Art. 9(4))"]
