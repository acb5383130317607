"""The overview: what it counts, of which decisions, and where its figures lead."""

import re
from datetime import UTC, datetime, time, timedelta

import pytest

from service.console import charts
from service.console.overview_wording import OVERVIEW_WORDS
from service.log import word_counts
from service.log.daily_outcomes import DailyOutcomes, PeriodOutcomes
from tests.service.conftest import ONE_DATABASE, body

BROWSER = {"Accept": "text/html"}


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


@ONE_DATABASE
def test_what_is_counted_by_words_says_of_how_many(client, evaluate, service, monkeypatch):
    """In a longer log only the newest decisions are read; the page says since when, and its links begin there."""
    for country in ("US", "CN", "CN"):
        evaluate(body(recipient={"country": country}))
    monkeypatch.setattr(word_counts, "MOST", 2)
    since = datetime.now(UTC) - timedelta(days=1)
    found = service.read(lambda connection: word_counts.word_counts(connection, since, ["countries"]))
    assert (found.decisions, found.whole, dict(found.in_all)) == (2, False, {("countries", "CN>CN"): 2})
    assert "Of the newest 2 decisions, since" in client.get("/", headers=BROWSER).text


@ONE_DATABASE
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


@ONE_DATABASE
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


@ONE_DATABASE
@pytest.mark.parametrize("query", ["days=8", "days=x", "outcome=review"])
def test_an_address_it_does_not_have_is_refused(client, query):
    """As wrong, and not as if nothing had been asked."""
    assert client.get(f"/?{query}", headers=BROWSER).status_code == 400


@ONE_DATABASE
def test_a_log_without_decisions_has_an_overview(client):
    """In both languages; nothing is counted."""
    for lang, words in OVERVIEW_WORDS.items():
        page = client.get(f"/?lang={lang}", headers=BROWSER)
        assert words["decided_none"] in page.text
        assert words["watch_none"] in page.text


def test_both_languages_name_the_same_things():
    """No label is missing in one of them."""
    assert OVERVIEW_WORDS["en"].keys() == OVERVIEW_WORDS["zh"].keys()
    for name, text in OVERVIEW_WORDS["en"].items():
        assert text.count("{") == OVERVIEW_WORDS["zh"][name].count("{"), name


def test_bars_are_stacked_to_the_highest():
    """Parts stand on one another in the order given; one of very many can still be seen."""
    low, high = charts.bars([("a", {"x": 1, "y": 1}), ("b", {"x": 9_999, "y": 1})], ["x", "y"])
    assert [part.name for part in high.segments] == ["x", "y"]
    assert high.segments[0].y + high.segments[0].height == charts.HEIGHT
    assert all(part.height >= 1 for bar in (low, high) for part in bar.segments)


def test_flows_are_arcs_between_known_points():
    """The more decisions, the wider; a flow and the one back lie apart; a place without a point is left to the table."""
    arcs = charts.arcs([("CN", "US", 100), ("US", "CN", 3), ("CN", "CN", 1), ("CN", "XX", 9)])
    assert [(arc.start, arc.end) for arc in arcs] == [("CN", "US"), ("US", "CN"), ("CN", "CN")]
    assert arcs[0].width > arcs[1].width > arcs[2].width
    assert arcs[0].path != arcs[1].path
    assert all(0 <= x <= charts.MAP_WIDTH and 0 <= y <= charts.MAP_HEIGHT for x, y in charts.country_points().values())


def test_no_name_on_the_map_lies_over_another():
    """Of places that lie together the first is named."""
    assert charts.labelled(["DE", "FR", "US", "AU"]) == {"DE", "US", "AU"}
