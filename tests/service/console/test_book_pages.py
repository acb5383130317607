"""The pages of rights, benefits and statistics: a chart of rights, balances, and what a reader of statistics may see."""

import re
from datetime import date, timedelta

import pytest

from service.api import benefit_pages
from service.callers import entrance
from service.callers.caller import Caller
from service.console import charts
from service.languages.words import wording
from tests.service.conftest import BOTH_DATABASES
from tests.service.ledger.desk import Desk, desk, opened
from tests.service.ledger.test_benefits import SALE
from tests.service.ledger.test_rights_book import Exchange, exchange, opening
from tests.service.ledger.test_statistics import market

__all__ = ["desk", "exchange", "market", "opened"]
READER = Caller("reader", frozenset({"read"}))
PATHS = ("/ledger/rights", "/ledger/benefits", "/ledger/statistics")


def text_of(page: str) -> str:
    """What a page says, in one line."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.partition("<main")[2]))


@BOTH_DATABASES
def test_rights_are_drawn_from_their_first_day_to_their_last(exchange: Exchange) -> None:
    """Of an asset and of a party; what ended is drawn too where it is asked for, and each line leads to its commitment."""
    opening(exchange)
    grant = exchange.commit("met", "mill")
    ended = exchange.commit("met", "<b>bank</b>")
    last = exchange.now[0].date() + timedelta(days=30)
    assert exchange.post(f"/v1/commitments/{ended}/end", {"from": last.isoformat(), "reason": "over"}).status_code == 200
    page = exchange.client.get("/ledger/rights?asset=weather").text
    assert page.count("<rect x=") == 3
    assert f'href="/ledger/commitments/{grant}"' in page
    assert "&lt;b&gt;bank" in page
    assert "<b>bank" not in page
    later = f"on={last + timedelta(days=1)}"
    assert exchange.client.get(f"/ledger/rights?asset=weather&{later}").text.count("<rect x=") == 2
    with_ended = exchange.client.get(f"/ledger/rights?asset=weather&{later}&history=true").text
    assert with_ended.count("<rect x=") == 3
    assert 'class="span-ended' in with_ended
    of_party = exchange.client.get("/ledger/rights?party=mill").text
    assert of_party.count("<rect x=") == 1
    assert 'href="/ledger/rights?asset=weather"' in of_party
    moved = exchange.client.get("/log/rights?asset=weather&lang=zh", follow_redirects=False)
    assert (moved.status_code, moved.headers["location"]) == (308, "/ledger/rights?asset=weather&lang=zh")


def test_a_span_lies_within_its_chart() -> None:
    """One that began before it or ends after it is cut; one without an end reaches its edge."""
    first, last = date(2026, 1, 1), date(2026, 12, 31)
    values = [
        (date(2020, 1, 1), None),
        (date(2026, 7, 1), date(2030, 1, 1)),
        (date(2026, 3, 1), date(2026, 4, 1)),
        (last, last),
    ]
    spans = charts.spans(values, first, last)
    assert [span.open for span in spans] == [True, False, False, False]
    assert (spans[0].x, spans[0].width) == (0, charts.WIDTH)
    assert spans[1].x + spans[1].width == charts.WIDTH
    assert 0 < spans[2].x < spans[1].x
    assert all(span.width >= 3 for span in spans)
    assert [span.y for span in spans] == sorted(span.y for span in spans)


@BOTH_DATABASES
def test_benefits_are_balances_and_lines(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """By party, currency and day; a line leads to its commitment; what ended is reversed; the pages have each line once."""
    made = desk.commit(**SALE)
    gone = desk.commit(**SALE)
    desk.post(f"/v1/commitments/{gone['id']}/withdraw", {"reason": "no"})
    text = text_of(desk.client.get("/ledger/benefits").text)
    assert "agency 0.00 72,000.00 -36,000.00 36,000.00 CNY" in text
    page = desk.client.get("/ledger/benefits?party=firm-a").text
    assert f'href="/ledger/commitments/{made["id"]}"' in page
    assert "agency" not in page
    assert 'href="/ledger/benefits/lines?party=firm-a&amp;format=csv"' in page
    today = desk.now[0].date()
    assert wording("en").books["balances_none"] in desk.client.get("/ledger/benefits?currency=EUR").text
    assert "agency" in desk.client.get(f"/ledger/benefits?from={today}&until={today}").text
    assert made["id"] not in desk.client.get(f"/ledger/benefits?commitment={gone['id']}").text
    monkeypatch.setattr(benefit_pages, "LINES", 5)
    found, path = 0, "/ledger/benefits"
    while path:
        part = desk.client.get(path).text
        found += part.partition('id="h-lines"')[2].count('role="rowheader"')
        following = re.search(r'href="([^"]*)" rel="next"', part)
        path = following[1].replace("&amp;", "&") if following else ""
    assert found == 12


@BOTH_DATABASES
def test_statistics_are_those_of_the_endpoint(market: Desk) -> None:
    """For who sees all: by one thing or by two; the total is that of the endpoint, whose table is a link away."""
    for query, by in (("", "month"), ("?by=pair&then=venue", "pair,venue"), ("?by=grade", "grade")):
        page = market.client.get(f"/ledger/statistics{query}").text
        told = market.client.get("/v1/statistics", params={"by": by}).json()
        assert f"<b>{told['total']['exchanges']:,}</b>" in page
        assert page.count('<th scope="row"') == len(told["cells"]) + 1
    assert (
        'href="/ledger/statistics/cells?by=pair%2Cvenue&amp;format=csv"'
        in market.client.get("/ledger/statistics?by=pair&then=venue").text
    )


def test_who_only_reads_sees_no_small_cell(market: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole years of one dimension, and how many cells are hidden; what would tell more is refused with the reason."""
    monkeypatch.setattr(entrance, "LOCAL", READER)
    page = market.client.get("/ledger/statistics?by=venue&from=2026-01&until=2026-12").text
    told = market.client.get("/v1/statistics", params={"by": "venue", "from": "2026-01", "until": "2026-12"}).json()
    assert told["hidden"]["cells"] > 0
    assert wording("en").books["hidden"].format(told["hidden"]["cells"], told["hidden"]["fewer_than"]) in page
    for query in ("?by=pair&then=venue", "?by=pair&from=2026-02"):
        answer = market.client.get(f"/ledger/statistics{query}")
        assert (answer.status_code, wording("en").books["few_scopes"] in answer.text) == (403, True)
        assert "<b>" not in answer.text.partition("<main")[2]


@pytest.mark.parametrize(
    "path",
    [
        "/rights?nothing=1", "/rights?on=soon", "/rights?history=perhaps", "/rights?asset=a&cursor=x", "/benefits?currency=cny",
        "/benefits?from=2026-02-01&until=2026-01-01", "/benefits?lines=x", "/benefits?balances=x", "/statistics?by=party",
        "/statistics?from=2026", "/statistics?pair=CN>",
    ],
)  # fmt: skip
def test_a_wrong_address_is_refused_as_a_page(desk: Desk, path: str) -> None:
    """As wrong, and not as if nothing had been asked."""
    answer = desk.client.get(f"/ledger{path}")
    assert (answer.status_code, answer.headers["content-type"]) == (400, "text/html; charset=utf-8")


def test_who_may_not_read_sees_no_books(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pages need the scope `read`; a party's key opens none."""
    for caller in (Caller("gateway", frozenset({"evaluate"})), Caller("partner", frozenset({"read"}), party="clinic")):
        monkeypatch.setattr(entrance, "LOCAL", caller)
        assert [desk.client.get(path).status_code for path in PATHS] == [403] * 3
