"""The pages of commitments and counters: what they list, what a threshold's bar says, and what they refuse."""

import re
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

import engine
from service.api import ledger_pages
from service.callers import entrance
from service.callers.caller import Caller
from service.console.counter_pages import steps_of
from service.languages.words import wording
from service.ledger import counter_standings
from service.ledger.counter_standings import CounterStandings, DayOfCounter
from tests.pages import text_of
from tests.service.conftest import BOTH_DATABASES
from tests.service.ledger.desk import Desk, desk, opened
from tests.service.ledger.test_benefits import SALE

__all__ = ["desk", "opened"]
BROWSER = {"Accept": "text/html"}


def said(desk: Desk, path: str) -> str:
    """What a page says, in one line."""
    answer = desk.client.get(path, headers=BROWSER)
    assert answer.status_code == 200, answer.text
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text.partition("<main")[2]))


def commitments(desk: Desk, path: str) -> list[str]:
    """The ids of a list, in its order."""
    return re.findall(r'href="/ledger/commitments/([^"?]+)"><time', desk.client.get(path).text)


def counter_link(desk: Desk, path: str, name: str = "counts.year") -> list[str]:
    return re.findall(rf'href="(/ledger/counters/{name}/[0-9a-f]{{64}})"', desk.client.get(path, headers=BROWSER).text)


@BOTH_DATABASES
def test_commitments_are_found_by_party_state_day_and_counter(desk: Desk) -> None:
    """On both databases: the newest first; each filter keeps what it names and nothing else."""
    ids = [
        desk.commit(10, exporter, recipient__id=recipient)["id"] for exporter, recipient in (("a", "x"), ("b", "x"), ("a", "y"))
    ]
    staff = desk.commit(10, "a", data__staff=True)["id"]
    desk.post(f"/v1/commitments/{ids[0]}/withdraw", {"reason": "it did not happen"})
    today = desk.now[0].date()
    for query, found in (
        ("", [staff, ids[2], ids[1], ids[0]]),
        ("?exporter=a", [staff, ids[2], ids[0]]),
        ("?recipient=x", [ids[1], ids[0]]),
        ("?recipient=x&exporter=a", [ids[0]]),
        ("?state=withdrawn", [ids[0]]),
        ("?counter=counts.year", [ids[2], ids[1], ids[0]]),
        (f"?from={today}&until={today}", [staff, ids[2], ids[1], ids[0]]),
        (f"?until={today - timedelta(1)}", []),
        ("?exporter=nobody", []),
    ):
        assert commitments(desk, f"/ledger{query}") == found, query


def test_a_page_of_commitments_leads_to_the_next(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Together the pages have each commitment once."""
    monkeypatch.setattr(ledger_pages, "ROWS", 2)
    ids = [desk.commit(1)["id"] for _ in range(5)]
    found: list[str] = []
    path = "/ledger?exporter=clinic"
    while path:
        found += commitments(desk, path)
        following = re.search(r'href="([^"]*)" rel="next"', desk.client.get(path).text)
        path = following[1].replace("&amp;", "&") if following else ""
    assert found == ids[::-1]


def test_a_commitment_says_what_follows_from_it(desk: Desk) -> None:
    """Its parties, decisions, counters, what is payable, and what happened to it, with links to each."""
    made = desk.commit(300, **SALE)
    id = made["id"]
    desk.post(f"/v1/commitments/{id}/withdraw", {"reason": "the lab closed"})
    page = desk.client.get(f"/ledger/commitments/{id}").text
    text = said(desk, f"/ledger/commitments/{id}")
    for part in (
        "withdrawn",
        "clinic",
        "lab",
        "300",
        "the lab closed",
        "36,000.00 CNY",
        "-36,000.00 CNY",
        "agency",
        "counts no more",
    ):
        assert part in text, part
    assert f'href="/log/{made["decision"]}"' in page
    assert f'href="/log/{made["evaluation"]}"' in page
    assert len(counter_link(desk, f"/ledger/commitments/{id}")) == 1
    other = desk.evaluate(200)
    second = desk.post("/v1/commitments", {"decision": other["id"]}).json()["id"]
    instead = desk.evaluate(100)
    third = desk.post(f"/v1/commitments/{second}/amend", {"decision": instead["id"], "reason": "fewer"}).json()["id"]
    assert f'href="/ledger/commitments/{second}"' in desk.client.get(f"/ledger/commitments/{third}").text
    assert f'href="/ledger/commitments/{third}"' in desk.client.get(f"/ledger/commitments/{second}").text


def test_a_counter_stands_beside_the_numbers_that_provisions_compare_it_with(desk: Desk) -> None:
    """What is certain, what is possible, and whether the threshold is reached; the address of the counter names nobody."""
    for people in (300, 400):
        desk.commit(people)
    [link] = counter_link(desk, "/ledger/counters")
    assert "clinic" not in link
    text = said(desk, link)
    for part in ("clinic", "400 to 700", "of 1,000", "not reached", "Test provisions: Art. 1"):
        assert part in text, part
    page = desk.client.get(link).text
    assert 'href="/policies/cn.test/many"' in page
    assert page.count('href="/ledger/commitments/') >= 2
    assert re.search(r'class="possible" x="0" y="0" width="70\.0"', page)
    assert re.search(r'class="certain" x="0" y="0" width="40\.0"', page)
    assert counter_link(desk, "/ledger/counters/counts.year") == [link]
    assert counter_link(desk, "/") == [link]
    week = said(desk, "/ledger/counters/counts.week?exporter.id=clinic&recipient.id=lab")
    assert "2, of 100" in week


def test_a_counter_is_one_row_with_its_law_and_country(desk: Desk) -> None:
    """On the page of counters and on the overview; the counters to choose from stand by the place of their law."""
    for people in (300, 400):
        desk.commit(people)
    page = desk.client.get("/ledger/counters").text
    rows = [re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", row)) for row in page.split('<tr role="row">')[2:]]
    [row] = [row for row in rows if "People sent this year" in row]
    for part in ("mainland China · Test provisions", "clinic", "400 to 700, of 1,000", "not reached"):
        assert part in row, part
    assert '<p class="minor place">Mainland China</p>' in page
    assert "mainland China · Test provisions" in said(desk, "/")


def test_for_whom_nothing_is_counted_stands_apart(desk: Desk) -> None:
    """A counter of which nobody said whether there is anything to count is no row; it is folded below."""
    desk.commit(300)
    desk.commit(0, "elsewhere", data__people={"ordinary": 0})
    page = desk.client.get("/ledger/counters/counts.year").text
    before, fold, after = page.partition(wording("en").ledger["nearest_empty"].format(1))
    assert fold
    assert ("clinic" in before, "elsewhere" in before, "elsewhere" in after) == (True, False, True)
    assert before.count("<details>") == 1, "the fold is closed"


def test_what_a_commitment_may_add_is_folded(desk: Desk) -> None:
    """A row says what is added; where that is nothing, or not known, one line says of how many counts."""
    made = desk.commit(300, data__people={"ordinary": 300})
    page = desk.client.get(f"/ledger/commitments/{made['id']}").text
    before, fold, after = page.partition(wording("en").ledger["moved_open"].format(1))
    assert fold
    assert "300" in before[before.index('id="h-moved"') :]
    assert "0 or more" not in before
    assert "0 or more" in after


def test_one_step_of_a_counter_is_no_chart(desk: Desk) -> None:
    """A single bar at the edge of a chart says nothing that a sentence does not; two months are a chart with the level of the threshold."""
    desk.commit(300)
    [link] = counter_link(desk, "/ledger/counters")
    assert 'class="bars"' not in desk.client.get(link).text
    assert wording("en").ledger["over_time_one"].format("2026-11") in said(desk, link)
    desk.now[0] += timedelta(days=20)
    desk.commit(400)
    page = desk.client.get(link).text
    assert page.count('class="level"') == 1
    assert page.count('class="f-certain"') == 2


def test_people_are_concerned_and_never_sent_abroad() -> None:
    """The titles of the facts say whose data go."""
    facts = text_of("policies/FACTS.md")
    assert "people concerned by exports this year" in facts
    assert not re.search(r"people[^|]*sent abroad|出境人数", facts)


def test_a_threshold_may_be_passed_or_is(desk: Desk) -> None:
    """It may be where only the sum reaches it, and is where one commitment or what the counter was opened with does."""
    standings = CounterStandings(desk.service)

    def bar(exporter: str) -> Any:
        found = desk.service.read(lambda connection: standings.of(connection, "counts.year", {"exporter.id": exporter}))
        assert found.nearest is not None
        return found.nearest

    for people in (600, 390):
        desk.commit(people)
    assert (bar("clinic").passed, bar("clinic").perhaps, bar("clinic").at_most) == (False, False, Decimal(990))
    for exporter, count in (("b", {"at_least": 400, "at_most": 1_000}), ("c", 1_000)):
        sent = {"counter": "counts.year", "per": {"exporter.id": exporter}, "on": "2026-11-20", "reason": "before"}
        assert desk.post("/v1/ledger/openings", {**sent, "counts": {"counts.year.ordinary": count}}).status_code == 201
    assert (bar("b").passed, bar("b").perhaps) == (False, True)
    assert (bar("c").passed, bar("c").perhaps) == (True, False)
    assert "may be passed" in said(desk, "/ledger/counters/counts.year?exporter.id=b")


def test_a_counter_without_an_upper_end_says_so(opened: Any) -> None:
    """Where the ledger is not complete it tells what its own commitments add up to, and that there may be more."""
    desk = opened(callers_counts="trust")
    for number, people in enumerate((300, 400), 1):
        desk.commit(people, counts__year={"ordinary": 700, "sensitive": 0}, counts__week=number)
    text = said(desk, "/ledger/counters/counts.year?exporter.id=clinic")
    assert wording("en").ledger["not_complete"] in text
    assert "at least 400, of 1,000. The commitments here add up to 700 at most; the ledger is not complete." in text
    assert "not known" in text


@BOTH_DATABASES
def test_an_erased_name_is_not_known_and_its_counter_not_shown(desk: Desk) -> None:
    """The rows of the ledger name nobody: whose counter it is stands in the record only."""
    made = desk.commit(300)
    before = counter_link(desk, "/ledger/counters/counts.year")
    desk.post(f"/v1/commitments/{made['id']}/withdraw", {"reason": "it did not happen"})
    assert desk.post(f"/v1/decisions/{made['evaluation']}/erase").status_code == 200
    text = said(desk, "/ledger/counters/counts.year")
    assert wording("en").ledger["name_erased"] in text
    assert "clinic" not in text
    assert "clinic" not in said(desk, before[0])
    assert "clinic" not in said(desk, f"/ledger/commitments/{made['id']}")


def test_all_keys_of_a_counter_are_on_its_pages(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that were moved and those that were only opened, each once."""
    monkeypatch.setattr(ledger_pages, "COUNTERS", 2)
    for exporter in "abc":
        desk.commit(1, exporter)
    sent = {"counter": "counts.year", "per": {"exporter.id": "d"}, "on": "2026-11-20", "reason": "before"}
    desk.post("/v1/ledger/openings", {**sent, "counts": {"counts.year.ordinary": 5}})
    found = 0
    path = "/ledger/counters/counts.year"
    while path:
        page = desk.client.get(path).text
        found += page.count('role="rowheader"')
        following = re.search(r'href="([^"]*)" rel="next"', page)
        path = following[1].replace("&amp;", "&") if following else ""
    assert found == 4


def test_only_newest_movements_are_looked_at(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a long ledger the overview tells of the counters that were moved last, and says so."""
    for exporter in "abc":
        desk.commit(900, exporter)
    monkeypatch.setattr(counter_standings, "RECENT", 2)
    found, whole = desk.service.read(CounterStandings(desk.service).recent)
    assert (len(found), whole) == (2, False)
    assert {each.per["exporter.id"] for each in found if each.per} == {"c"}
    assert wording("en").ledger["nearest_some"] in said(desk, "/ledger/counters")


def test_the_course_of_a_counter_is_added_up_to_what_it_is_today(desk: Desk) -> None:
    """People of several exchanges may be the same: the largest exchange is certain, the sum is possible."""
    for back, people in ((200, 300), (100, 500), (3, 100)):
        desk.now[0] -= timedelta(days=back)
        desk.commit(people)
        desk.now[0] += timedelta(days=back)
    standings = CounterStandings(desk.service)
    found = desk.service.read(lambda connection: standings.of(connection, "counts.year", {"exporter.id": "clinic"}))
    days = desk.service.read(lambda connection: standings.days(connection, found))
    assert found.part is not None
    steps = steps_of(found.counter, found.part, [each for each in days if each.fact == "counts.year.ordinary"])
    assert [step.name for step in steps] == [f"2026-{month:02}" for month in range(1, 12)]
    assert [(step.name, step.added, step.certain, step.most) for step in steps if step.moved] == [
        ("2026-05", 300, 300, 300), ("2026-08", 500, 500, 800), ("2026-11", 100, 500, 900),
    ]  # fmt: skip
    counts = found.part.counts["counts.year.ordinary"]
    assert (counts.at_least, counts.at_most) == (steps[-1].certain, steps[-1].most)
    endless = [*days, DayOfCounter(date(2026, 11, 25), "counts.year.ordinary", 7, 7, None)]
    assert steps_of(found.counter, found.part, endless)[-1].most is None


@pytest.mark.parametrize(
    "path",
    [
        "?nothing=1", "?state=gone", "?from=soon", "?until=2026-2-1", "?counter=counts.moon", "?cursor=x", "/commitments/x?lang=zh&y=1",
        "/counters?fact=x", "/counters/counts.year?recipient.id=lab", "/counters/counts.week?exporter.id=clinic",
        "/counters/counts.year?cursor=x",
    ],
)  # fmt: skip
def test_a_wrong_address_is_refused_as_a_page(desk: Desk, path: str) -> None:
    """As wrong, and not as if nothing had been asked."""
    answer = desk.client.get(f"/ledger{path}")
    assert (answer.status_code, answer.headers["content-type"]) == (400, "text/html; charset=utf-8")


@pytest.mark.parametrize(
    "path", ["/commitments/nothing", "/commitments/%00", "/counters/counts.moon", "/counters/counts.year/x",
     f"/counters/counts.year/{'0' * 64}"]
)  # fmt: skip
def test_what_is_not_there_is_said_to_be_not_there(desk: Desk, path: str) -> None:
    """A page says so, in the language that is asked for."""
    answer = desk.client.get(f"/ledger{path}?lang=zh")
    assert answer.status_code == 404
    assert 'lang="zh-Hans"' in answer.text


def test_who_may_not_read_sees_no_ledger(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pages need the scope `read`; a party's key opens none, since they tell of others."""
    for caller in (Caller("gateway", frozenset({"evaluate"})), Caller("partner", frozenset({"read"}), party="clinic")):
        monkeypatch.setattr(entrance, "LOCAL", caller)
        for path in (
            "/ledger",
            "/ledger/commitments/x",
            "/ledger/counters",
            "/ledger/counters/counts.year",
            f"/ledger/counters/counts.year/{'0' * 64}",
        ):
            assert desk.client.get(path).status_code == 403


def test_thresholds_are_those_that_provisions_test() -> None:
    """A test for at least a number and one for less share a threshold; one for more than it is another; a total has its members."""
    policies = {
        "vocabulary.yaml": b"""
vocabulary: thresholds
facts:
  exporter.id: {type: id, title: id, personal: yes}
  exporter.country: {type: country, title: country, ask: Where?}
  data.people: {type: count, title: people, by: kind, ask: How many?}
  counts.year: {type: count, title: people this year, by: kind, ask: How many this year?}
values:
  kind: {title: kind, values: [ordinary, sensitive]}
  country: {title: country, values: {CN: China}}
counters:
  counts.year: {counts: distinct data.people, per: [exporter.id], window: calendar year in Asia/Shanghai}
jurisdictions:
  CN: {title: China}
""",
        "rules.yaml": b"""
policy: cn.test
title: Test
jurisdiction: CN
instrument: {issuer: Nobody, number: None, force: law}
in_force: {from: 2024-01-01}
applies:
  exporter.country: CN
define:
  few:
    counts.year.ordinary: {less_than: 50}
rules:
  - id: one
    title: One
    cite: Art. 1
    says: One.
    source: none
    status: confirmed
    when: {counts.year.ordinary: {at_least: 50}}
    prohibit: No.
  - {id: two, title: Two, cite: Art. 2, says: Two., source: none, status: confirmed, when: [few], advise: 'Yes.'}
  - id: three
    title: Three
    cite: Art. 3
    says: Three.
    source: none
    status: confirmed
    when: {counts.year.total: {more_than: 50}}
    prohibit: No.
""",
    }
    bundle = engine.load_sources(policies)
    found = engine.counter_thresholds(bundle, engine.BundleCounters(bundle))
    assert [(each.fact, each.test.op, each.number, each.provisions) for each in found] == [
        ("counts.year.ordinary", "at_least", Decimal(50), ("cn.test/one", "cn.test/two")),
        ("counts.year.total", "more_than", Decimal(50), ("cn.test/three",)),
    ]
    assert found[1].members == ("counts.year.ordinary", "counts.year.sensitive")
    assert (found[0].above, found[1].above) == (False, True)
