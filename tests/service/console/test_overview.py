"""The overview: what it counts, of which decisions, and where its figures lead."""

import re
from datetime import UTC, datetime, time, timedelta
from math import hypot

import pytest

from service.console import charts
from service.console.flow_map import NARROW, WIDE, Flow, FlowMap, flow_map
from service.languages.words import wording
from service.log import word_counts
from service.log.daily_outcomes import DailyOutcomes, PeriodOutcomes
from tests.service.conftest import BOTH_DATABASES, body

BROWSER = {"Accept": "text/html"}


@BOTH_DATABASES
def test_its_figures_are_those_of_the_lists(client, evaluate):
    """On both databases: by outcome, by flow, and by what was asked; each count is that of the list to which it leads."""
    for country in ("US", "US", "CN"):
        outcome = evaluate(body(recipient={"country": country})).json()["outcome"]
    page = client.get("/?days=7", headers=BROWSER)
    assert page.status_code == 200
    links = re.findall(r'href="(/log\?[^"]*)"[^>]*>(?:<b>)?([\d,]+)<', page.text)
    assert any(f"outcome={outcome}" in address for address, _ in links)
    assert any("exporter_country=CN" in address and "recipient_country=US" in address for address, _ in links)
    for address, count in links:
        listed = client.get(address.replace("&amp;", "&"))
        assert listed.text.count("<time datetime=") == int(count), address


def test_what_is_counted_by_words_says_of_how_many(client, evaluate, service, monkeypatch):
    """In a longer log only the newest decisions are read; the page says since when, and its links begin there."""
    for country in ("US", "CN", "CN"):
        evaluate(body(recipient={"country": country}))
    monkeypatch.setattr(word_counts, "MOST", 2)
    since = datetime.now(UTC) - timedelta(days=1)
    found = service.read(lambda connection: word_counts.word_counts(connection, since, ["countries"]))
    assert (found.decisions, found.whole, dict(found.in_all)) == (2, False, {("countries", "CN>CN"): 2})
    assert "Of the newest 2 decisions, since" in client.get("/", headers=BROWSER).text


def test_the_counts_of_a_period_are_those_of_its_days(client, evaluate, service):
    """What is over is counted once; what is recorded today counts at once. Of ninety days, seven are put together, the last ones whole."""
    evaluate()
    today = service.clock().astimezone(UTC).date()
    periods, midnight = PeriodOutcomes(), datetime.combine(today, time.min, UTC)
    since, until = midnight - timedelta(days=40), midnight + timedelta(days=1)
    for count in (1, 2):
        with service.store.database.reading.connect() as connection:
            assert periods.counts(connection, since, until, today).total() == count
            assert periods.counts(connection, since, midnight - timedelta(days=1), today).total() == 0
            assert periods.counts(connection, midnight, until, today).total() == count
        evaluate(body(data={"people": 7}))
    page = client.get("/?days=90", headers={"accept": "text/html"}).text
    assert f"{today - timedelta(days=6)} – {today}" in page
    assert f"since={today - timedelta(days=6)}&amp;until={today}" in page


def test_a_day_that_is_over_is_counted_once(client, evaluate, service):
    """Today is counted each time."""
    days = DailyOutcomes()
    today = datetime.now(UTC).date()
    totals = []
    for _ in range(2):
        evaluate()
        found = service.read(lambda connection: days.counts(connection, today - timedelta(days=3), today))
        totals.append([sum(counts.values()) for _, counts in found])
    assert totals == [[0, 0, 0, 1], [0, 0, 0, 2]]


@pytest.mark.parametrize("query", ["days=8", "days=x", "outcome=review"])
def test_an_address_it_does_not_have_is_refused(client, query):
    """As wrong, and not as if nothing had been asked."""
    assert client.get(f"/?{query}", headers=BROWSER).status_code == 400


def test_a_log_without_decisions_has_an_overview(client):
    """In both languages it is a first step to take; what there is nothing of has no part of its own."""
    for lang in ("en", "zh"):
        words = wording(lang).overview
        page = client.get(f"/?lang={lang}", headers=BROWSER)
        assert words["first_none"] in page.text
        assert words["first_ask"] in page.text
        assert 'href="/ask' in page.text.partition(words["first_step"])[2]
        assert page.text.count("<h2") == 1, "only the first step has a heading"
        assert words["watch_none"] in page.text


def test_bars_are_stacked_to_the_highest():
    """Parts stand on one another in the order given; one of very many can still be seen."""
    low, high = charts.bars([("a", {"x": 1, "y": 1}), ("b", {"x": 9_999, "y": 1})], ["x", "y"])
    assert [part.name for part in high.segments] == ["x", "y"]
    assert high.segments[0].y + high.segments[0].height == charts.HEIGHT
    assert all(part.height >= 1 for bar in (low, high) for part in bar.segments)


FLOWS = [
    Flow("CN", "US", 100, "review"), Flow("US", "CN", 3, "permitted"), Flow("CN", "CN", 1, "prohibited"), Flow("CN", "XX", 9, "review"),
    Flow("DE", "FR", 4, "permitted"), Flow("NL", "BE", 4, "permitted"), Flow("LU", "CH", 1, "review"), Flow("AT", "CZ", 1, "review"),
]  # fmt: skip
NAMES = {"CN": "mainland China", "US": "the United States", "CZ": "the Czech Republic", "NL": "the Netherlands"}


def named(place: str) -> str:
    return NAMES.get(place, f"country {place}")


def drawn_on(flows: list[Flow], size: tuple[int, int]) -> FlowMap:
    """The map of flows that can be drawn."""
    drawn = flow_map(flows, size, named)
    assert drawn is not None
    return drawn


def test_flows_are_arrows_between_known_points():
    """The more decisions, the wider; a flow and the one back lie apart; a place without a point is left to the table."""
    drawn = drawn_on(FLOWS, WIDE)
    assert [(arc.flow.start, arc.flow.end) for arc in drawn.arcs][:3] == [("CN", "US"), ("US", "CN"), ("CN", "CN")]
    there, back, loop = drawn.arcs[:3]
    assert there.width > back.width > loop.width
    bends = [re.findall(r"Q[\d.-]+ ([\d.-]+)", arc.path)[0] for arc in (there, back)]
    points = {each.place: each.spot for each in drawn.names}
    straight = (points["CN"][1] + points["US"][1]) / 2
    assert (float(bends[0]) - straight) * (float(bends[1]) - straight) < 0
    assert flow_map([Flow("CN", "XX", 9, "review")], WIDE, named) is None


@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_an_arrow_ends_where_its_flow_ends(size):
    """The head of each arrow is at the recipient's point and away from the exporter's."""
    drawn = drawn_on(FLOWS, size)
    points = {each.place: each.spot for each in drawn.names}
    for arc in drawn.arcs:
        x, y = (float(each) for each in re.findall(r"^M([\d.-]+) ([\d.-]+)L", arc.head)[0])
        end = points[arc.flow.end]
        assert hypot(x - end[0], y - end[1]) < 8
        if arc.flow.start != arc.flow.end:
            start = points[arc.flow.start]
            assert hypot(x - end[0], y - end[1]) < hypot(x - start[0], y - start[1])


@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_both_ends_of_each_arrow_are_named_and_no_name_lies_over_another(size):
    """A flow for whose names there is no room is left to the table; what is drawn lies within the map."""
    drawn = drawn_on(FLOWS, size)
    assert {place for arc in drawn.arcs for place in (arc.flow.start, arc.flow.end)} == {each.place for each in drawn.names}
    assert len(drawn.arcs) >= 4
    boxes = [(each.at[0], each.at[1], len(each.name) * 6.4 / 2) for each in drawn.names]
    for place, (x, y, half) in enumerate(boxes):
        assert half <= x <= drawn.width - half
        assert 0 < y < drawn.height
        assert all(abs(x - a) >= half + b - 1 or abs(y - c) >= 12 for a, c, b in boxes[:place])


def test_a_name_for_which_there_is_no_room_takes_its_arrow_with_it():
    """On a map as wide as half a name nothing is drawn."""
    assert drawn_on([FLOWS[0]], (40, 30)).arcs == ()


def test_decisions_of_one_day_are_figures_and_shares(client, evaluate):
    """No chart of one bar at the edge: the shares lie side by side, and the outcome colours the arrow of its flow."""
    outcome = evaluate(body(recipient={"country": "US"})).json()["outcome"]
    page = client.get("/", headers=BROWSER).text
    today = datetime.now(UTC).date().isoformat()
    assert re.search(rf"Decisions on <a [^>]*since={today}[^>]*><time>{today}</time></a>: 1\.", page)
    assert 'class="bars"' not in page
    assert 'class="strip-chart"' in page
    assert page.count(f'<a class="p-{outcome}"') == 2  # for a desk and for a phone
    assert "mainland China</text>" in page
    assert page.count("United States</text>") == 2


def test_a_chart_begins_where_something_happened():
    """Empty days at its beginning are left out, as long as some bars stay."""
    assert charts.first_bar_shown([0] * 20 + [3, 0, 0, 1, 0, 0, 0, 0, 2, 1]) == 20
    assert charts.first_bar_shown([0] * 29 + [3]) == 30 - charts.LEAST_BARS
    assert charts.first_bar_shown([1, 0, 0]) == 0
    assert charts.first_bar_shown([0, 0]) == 0


def test_a_strip_is_divided_in_its_shares():
    """From the left to the right, in the order given, without what is empty."""
    parts = charts.strip({"a": 1, "b": 3, "c": 0}, ["c", "b", "a"])
    assert [(part.name, part.width) for part in parts] == [("b", charts.WIDTH * 0.75), ("a", charts.WIDTH * 0.25)]
    assert parts[-1].x + parts[-1].width == charts.WIDTH
