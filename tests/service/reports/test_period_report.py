"""The report on a period: its figures are those of the log, its lists are bounded and say so, and its proofs verify elsewhere."""

import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from service.callers.caller import LOCAL
from service.callers.context import ReadingAll
from service.languages.words import wording
from service.reports import report_chart
from service.reports.period_report import PARTS, PeriodReport
from service.reports.report_scope import Scope, ScopeRefused
from service.watch.events import KINDS
from tests.service.conftest import BOTH_DATABASES
from tests.service.console.test_console import text_of
from tests.service.reports.conftest import NOON

REPORT = "/reports/report"


@dataclass
class Row:
    """A decision, as far as a chart reads it."""

    recorded_at: datetime
    outcome: str = "permitted"


def reading(desk):
    """Who reads all, at noon."""
    return replace(desk.service.context(ReadingAll, LOCAL, ""), now=NOON)


def sections(desk, lang="en", listed=100, **scope):
    """The tables of the report by their titles: each row as texts."""
    first = scope.pop("first", NOON.date())
    report = PeriodReport(desk.service)
    asked = Scope(first, NOON.date(), **scope)
    document = desk.service.read(lambda c: report.document(reading(desk), asked, lang, c, PARTS, listed))
    tables = {}
    for section in document.sections:
        for block in section.blocks:
            if hasattr(block, "rows"):
                tables[block.title] = [tuple(cell.text for cell in row) for row in block.rows]
    return tables


def test_its_figures_and_lists_are_those_of_the_log(desk):
    """On both databases: decisions by outcome and countries, what was committed, what was refused, and what refused it."""
    desk.commit("clinic", "lab-1")
    refused = desk.evaluate("clinic", "lab-2", evidence={})
    found = sections(desk)
    assert found["Decisions by outcome"] == [("permitted with obligations", "1"), ("requirements unmet", "1")]
    assert found["Decisions by countries"] == [("China", "Kenya", "2", "1")]
    assert ("contract with the recipient", "requires", "1") in found["What stands in most refused decisions"]
    ((_, exchange, outcome, state, _),) = found["Committed exchanges"]
    assert (exchange, outcome, state) == ("China → Kenya; clinic → lab-1", "permitted with obligations", "stands")
    ((_, exchange, _, answer, id),) = found["Refused exchanges"]
    assert (exchange, id) == ("China → Kenya; clinic → lab-2", refused["id"])
    assert answer == refused["answer"]
    assert [row[:3] for row in found["Duties"]] == [("no day is set", "Keep a record", "exporter")]


def test_its_cover_names_the_organisation_and_has_a_chart(desk):
    """Whose report it is, as it is set; a bar for each day of a short period and for each month of a long one; no digest on the cover."""
    desk.commit("clinic", "lab-1")
    desk.evaluate("clinic", "lab-2", evidence={})
    report = PeriodReport(desk.service)
    object.__setattr__(desk.service.settings, "organisation", "ACME Gesundheit AG")

    def made(first):
        return desk.service.read(lambda c: report.document(reading(desk), Scope(first, NOON.date()), "en", c))

    today, year = made(NOON.date()), made(NOON.date() - timedelta(days=300))
    assert today.organisation == "ACME Gesundheit AG"
    assert [(bar.name, bar.total) for bar in today.chart.bars] == [("2026-11-25", 3)]
    assert [(bar.name, bar.total) for bar in year.chart.bars] == [("2026-11", 3)]
    assert today.chart.codes == (
        ("permitted_with_obligations", "permitted with obligations"),
        ("requirements_unmet", "requirements unmet"),
    )
    assert "Policies that give the titles" not in dict(today.head.pairs)
    assert today.sections[-1].name == "appendix"
    page = desk.client.get(f"{REPORT}?from=2026-11-25&until=2026-11-25").text
    cover = page[page.index("report-cover") : page.index('class="under saving"')]
    assert "ACME Gesundheit AG" in cover
    assert 'class="f-requirements_unmet"' in cover
    assert "<time>2026-11-25</time>" in cover
    empty = desk.service.read(lambda c: report.document(reading(desk), Scope(date(2025, 1, 1), date(2025, 1, 2)), "en", c))
    assert empty.chart is None


def test_a_long_chart_has_the_newest_months(desk):
    """Of more bars than there is room for, the earlier ones are counted."""
    rows: Any = [Row(recorded_at=datetime(2020 + month // 12, month % 12 + 1, 5, tzinfo=UTC)) for month in range(30)]
    drawn: Any = report_chart.chart(rows, date(2020, 1, 1), date(2022, 12, 31), "en")
    assert len(drawn.bars) == report_chart.MOST_BARS
    assert drawn.bars[-1].name == "2022-06"
    assert drawn.after == "6 earlier ones are not shown."


def test_its_figures_are_of_what_certainly_applied(desk):
    """What only may be required refused nothing; a report on a jurisdiction is of the exchanges that it certainly touches."""
    known = desk.evaluate(evidence={})
    for number in range(3):  # nobody knows from where: the law of China may apply
        sent = {"exporter": {"id": f"ship-{number}"}, "recipient": {"id": "lab", "country": "KE"}, "evidence": {}}
        perhaps = desk.post("/v1/evaluate", sent)
    assert (perhaps["jurisdictions"], perhaps["elsewhere"]["count"]) == ([], 1)
    found = sections(desk)
    assert ("contract with the recipient", "requires", "1") in found["What stands in most refused decisions"]
    assert sum(int(row[1]) for row in found["Decisions by outcome"]) == 4
    found = sections(desk, jurisdiction="CN")
    assert sum(int(row[1]) for row in found["Decisions by outcome"]) == 1
    assert [row[-1] for row in found["Refused exchanges"]] == [known["id"]]
    page = desk.client.get("/", headers={"Accept": "text/html"}).text
    [(address, count)] = re.findall(r'href="(/log[?][^"]*requirement=cn.contract[^"]*)"[^>]*>([0-9]+)<', page)
    assert (count, desk.client.get(address.replace("&amp;", "&")).text.count("<time datetime=")) == ("1", 1)


def test_a_commitment_is_no_second_decision(desk):
    """It is decided again, and counted once: on the overview by outcome and by countries, whatever the log lists."""
    desk.commit("clinic", "lab")
    desk.evaluate("clinic", "lab-2")
    page = text_of(desk.client.get("/", headers={"Accept": "text/html"}).text)
    assert "Decisions on 2026-11-25 : 2." in page
    assert "Of the 2 decisions of these days" in page
    assert sections(desk)["Decisions by countries"] == [("China", "Kenya", "2", "0")]
    assert len(desk.client.get("/v1/decisions").json()["decisions"]) == 3


@BOTH_DATABASES
def test_it_tells_who_signed_off_what_and_why(desk):
    """Reviews are in it with the person, the provision, the last day and the reason; those of another party are not."""
    reviewed = desk.evaluate("clinic", "lab", act={"doubtful": True})
    sent = {"provisions": ["cn.test/doubtful"], "verdict": "approve", "reason": "looked at it", "until": "2026-12-31"}
    desk.post(f"/v1/decisions/{reviewed['id']}/sign-off", sent)
    ((_, _, verdict, until, reason, id),) = sections(desk)["Reviews by persons"]
    assert (verdict, until, reason, id) == (
        "approved; A person looks at what is doubtful",
        "2026-12-31",
        "looked at it",
        reviewed["id"],
    )
    assert "Reviews by persons" in sections(desk, party="lab")
    assert "Reviews by persons" not in sections(desk, party="another")
    assert "Reviews by persons" in sections(desk, jurisdiction="CN")


def test_a_key_that_signed_is_called_by_its_name(desk):
    """In the report, and on the page of the decision."""
    made = desk.post("/v1/keys", {"name": "counsel", "scopes": ["evaluate", "read", "review"]})
    desk.client.headers["Authorization"] = f"Bearer {made['key']}"
    reviewed = desk.evaluate("clinic", "lab", act={"doubtful": True})
    sent = {"provisions": ["cn.test/doubtful"], "verdict": "refuse", "reason": "looked at it"}
    desk.post(f"/v1/decisions/{reviewed['id']}/sign-off", sent)
    ((_, by, *_),) = sections(desk)["Reviews by persons"]
    assert by == "key “counsel”"
    page = desk.client.get(f"/log/{reviewed['id']}").text
    assert page.count("key “counsel”") >= 2, "who asked, and who signed"
    assert f"key:{made['id']}" not in page
    assert "key “counsel”" in desk.client.get(f"/review/{reviewed['id']}").text


def test_a_party_counts_on_either_side(desk):
    """And each decision once, also where both sides are the same."""
    desk.commit("clinic", "lab")
    desk.commit("lab", "bank")
    desk.commit("lab", "lab")
    assert len(sections(desk)["Committed exchanges"]) == 3
    assert len(sections(desk, party="lab")["Committed exchanges"]) == 3
    assert [row[1] for row in sections(desk, party="bank")["Committed exchanges"]] == ["China → Kenya; lab → bank"]
    assert "Committed exchanges" not in sections(desk, party="nobody")


@BOTH_DATABASES
def test_each_listed_record_is_verified(desk):
    """A record whose bytes were changed is said not to verify; the others verify to the root of the checkpoint."""
    import sqlalchemy as sa

    from service.store.tables import record

    made = [desk.commit("clinic", f"lab-{number}") for number in range(3)]
    rows = sections(desk)["Records of the listed commitments"]
    assert [row[0] for row in rows] == [each["evaluation"] for each in made[::-1]]
    assert all(re.fullmatch(r"yes, to the root over \d+ leaves", row[2]) for row in rows)
    with desk.service.store.database.reading.connect() as connection:
        leaf = bytes(connection.execute(sa.select(record.c.leaf).where(record.c.id == made[0]["evaluation"])).scalar_one())
    changed = leaf.replace(b'"as_of":"2026', b'"as_of":"2025')
    assert changed != leaf

    def tamper(transaction):
        transaction.execute(sa.update(record).where(record.c.id == made[0]["evaluation"]).values(leaf=changed))

    import asyncio

    asyncio.run(desk.service.store.do(tamper))
    rows = sections(desk)["Records of the listed commitments"]
    assert rows[-1][2].startswith("no: ")
    assert all(row[2].startswith("yes") for row in rows[:-1])


def test_every_list_is_bounded_and_counts_the_rest(desk, monkeypatch):
    """A page says how many rows it leaves out, and of how many decisions its figures are."""
    for number in range(5):
        desk.commit("clinic", f"lab-{number}")
    assert len(sections(desk, listed=2)["Committed exchanges"]) == 2
    monkeypatch.setattr("service.api.reports.LINES", 2)
    assert "3 more are not shown." in text_of(desk.client.get(REPORT).text)
    monkeypatch.setattr("service.api.reports.COUNTED", 4)
    page = text_of(desk.client.get(REPORT).text)
    assert "5 decisions were recorded" in page
    assert "Only the newest 2 decisions are counted here" in page  # of four records, two of which were made by commitments


def test_a_form_without_a_party_leads_to_an_address(desk):
    """It can be sent on; the parts and the days are in it. An unknown field, part, day or jurisdiction is refused."""
    desk.commit()
    shown = desk.page(
        REPORT, **{"from": "2026-11-01", "until": "2026-11-30", "part": ["figures", "proofs"], "jurisdiction": "CN"}
    )
    assert shown.url.query == b"from=2026-11-01&until=2026-11-30&jurisdiction=CN&part=figures&part=proofs"
    assert 'id="figures"' in shown.text
    assert 'id="refused"' not in shown.text
    for wrong in (
        "colour=red",
        "part=x",
        "from=yesterday",
        "from=2026-12-01&until=2026-11-01",
        "jurisdiction=XX",
        "format=csv",
    ):
        assert desk.client.get(f"{REPORT}?{wrong}").status_code == 400, wrong
    assert desk.client.post(REPORT, data={"token": "0" * 64}, headers={"origin": "http://127.0.0.1:8080"}).status_code == 403
    assert (
        desk.client.post(REPORT, data={"token": "0" * 64}, headers={"origin": "https://elsewhere.example"}).status_code == 403
    )


def test_each_part_and_finding_has_a_text():
    """Their codes are names of texts."""
    assert {f"part_{part}" for part in PARTS} <= wording("en").reports.keys()
    assert {f"watch_{kind}" for kind in KINDS} <= wording("en").reports.keys()


@pytest.mark.parametrize(
    "sent",
    [
        *({"from": "x"}, {"until": "10000-01-01"}, {"from": "2026-02-01", "until": "2026-01-01"}, {"from": "1900-01-01"}),
        *({"party": "x" * 257}, {"party": "a\u0000b"}, {"jurisdiction": "a\nb"}),
    ],
)
def test_a_scope_that_cannot_be_is_refused(sent):
    """Days, and ids with what cannot be seen."""
    with pytest.raises(ScopeRefused):
        Scope.read(sent, NOON.date())


def test_without_days_it_is_the_last_twelve_months():
    """Also on the day that other years lack."""
    from datetime import date

    assert Scope.read({}, date(2024, 2, 29)).first == date(2023, 2, 28)
    assert Scope.read({"until": "2026-11-25"}, date(2026, 12, 1)).first == date(2025, 11, 25)
