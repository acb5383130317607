"""The pages of the register, the ledger and the policies in a real browser: a person goes from one to the next, in both languages."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.service.conftest import running
from tests.service.console.browser import Site, faults, launched
from tests.service.ledger.desk import POLICIES
from tests.service.ledger.test_benefits import SALE
from tests.service.ledger.test_rights_book import POLICIES as RIGHTS
from tests.service.ledger.test_rights_book import everything, supply

PATHS = (
    "/", "/docs", "/reports", "/log", "/register", "/register/party/clinic", "/ledger",
    "/ledger/counters", "/ledger/counters/counts.year", "/ledger/rights", "/ledger/benefits", "/ledger/statistics?by=pair&then=venue",
    "/policies", "/policies/cn.test", "/policies/cn.test/many", "/policies/cn.test/-/tests", "/policies/coverage", "/policies/versions",
    "/policies/shadow", "/policies/frameworks", "/ledger/promised", "/ledger/accounts?asset=rain", "/register/asset/rain",
    "/ledger?stage=signed&reference=PO-7781",
)  # fmt: skip


# What is wider than its box, and would be seen by scrolling sideways, or not at all.
CUT_OFF = """() => [...document.querySelectorAll('main *')]
    .filter(each => each.clientWidth > 20 && each.scrollWidth > each.clientWidth + 1 && !each.closest('.hidden')
        && getComputedStyle(each).overflowX !== 'visible')
    .map(each => each.outerHTML.slice(0, 120))"""


def sent(people: int) -> dict[str, Any]:
    """An exchange that may be committed."""
    return {
        "exporter": {"id": "clinic", "country": "CN"},
        "recipient": {"id": "lab", "country": "KE"},
        "data": {"people": {"ordinary": people, "rest": 0}, "staff": False},
        "terms": {
            "price": SALE["terms__price"],
            "share": SALE["terms__share"],
            "parties": {"provider": ["agency"], "operator": ["firm"]},
            "venue": "exchange",
        },
    }


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A service with a register and a ledger, and a browser."""
    database = tmp_path_factory.mktemp("site") / "log.db"
    with (
        running(
            database, "--policies", str(POLICIES), "--mode", "bitset", environment={"FIFTHFACTOR_LEDGER_SINCE": "2026-01-01"}
        ) as server,
        launched() as browser,
    ):
        site = Site(server.address, browser)
        request = browser.new_context().request
        for country in ("CN", "KE"):
            assert request.put(
                f"{site.address}/v1/parties/clinic", data={"facts": {"country": country}, "aliases": ["old clinic"]}
            ).ok
        assert request.put(
            f"{site.address}/v1/parties/clinic", data={"facts": {"country": "CN"}, "note": "moved", "aliases": ["old clinic"]}
        ).ok
        for people in (300, 400):
            decision = request.post(f"{site.address}/v1/evaluate", data=sent(people)).json()
            order = [{"kind": "order", "number": "PO-7781"}]
            made = request.post(f"{site.address}/v1/commitments", data={"decision": decision["id"], "references": order})
            assert made.ok, made.text()
            site.ids[str(people)] = made.json()["id"]
            stage = {"stage": "signed", "on": made.json()["as_of"], "evidence": "cd" * 32}
            assert request.post(f"{site.address}/v1/commitments/{made.json()['id']}/stages", data=stage).ok
        for asset in ("rain", "rain-2"):
            assert request.put(f"{site.address}/v1/assets/{asset}", data={"title": "Hourly rain", "hash": "ab" * 32}).ok
        cost = {"kind": "bought", "on": "2026-01-05", "amount": "360000.00", "currency": "CNY", "treatment": "inventory"}
        assert request.post(f"{site.address}/v1/assets/rain/accounts/entries", data=cost).ok
        yield site


def opened_out(page: Page) -> None:
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_page_fits_and_nothing_is_complained_of(site: Site, lang: str) -> None:
    """On a phone in the dark, and at a desk: nothing serious for axe, nothing refused, nothing sideways, not large."""
    site.complaints.clear()
    width, scheme = (390, "dark") if lang == "zh" else (1280, "light")
    found: dict[str, Any] = {}
    for path, page in site.each((*PATHS, f"/ledger/commitments/{site.ids['300']}"), lang, width=width, scheme=scheme):
        opened_out(page)
        assert site.loaded is not None
        assert (site.loaded.status, len(site.loaded.body()) < 100_000) == (200, True), path
        assert page.evaluate("document.documentElement.scrollWidth") == width, path
        assert page.evaluate(CUT_OFF) == [], path
        found[path] = faults(page)
    assert {path: each for path, each in found.items() if each} == {}
    assert site.complaints == []


@pytest.mark.parametrize(("lang", "words"), [
    ("en", ("Ledger", "Counters", "Policies", "Register", "Filter")), ("zh", ("台账", "计数器", "规则集", "登记册", "筛选")),
])  # fmt: skip
def test_a_reviewer_goes_from_a_party_to_a_threshold_and_to_the_law(site: Site, lang: str, words: tuple[str, ...]) -> None:
    """By links and forms alone: a party in the register, its commitments, one of them, the counter that it moved, and the provision."""
    ledger, counters, _, register, send = words
    page = site.open(f"/?lang={lang}", width=390)
    page.get_by_role("navigation").first.get_by_role("link", name=register, exact=True).click()
    page.locator("#text").fill("OLD")
    page.get_by_role("button", name=send).click()
    page.get_by_role("link", name="clinic", exact=True).click()
    expect(page.locator("del").first).to_be_visible()
    page.locator('a[href*="/ledger?"][href*="exporter=clinic"]').click()
    expect(page.locator("tbody tr")).to_have_count(2)
    page.locator("tbody th a").last.click()
    page.wait_for_url("**/" + site.ids["300"] + ("?lang=zh" if lang == "zh" else ""))
    page.locator('a[href*="/ledger/counters/counts.year/"]').first.click()
    expect(page.locator("svg.gauge").first).to_be_visible()
    assert "clinic" not in page.url
    assert page.locator("svg.bars").count() == 0, "all of it was added in one month"
    page.locator('a[href*="/policies/cn.test/many"]').first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Art. 1")
    page.get_by_role("navigation").first.get_by_role("link", name=ledger, exact=True).click()
    page.get_by_role("link", name=counters, exact=True).click()
    expect(page.locator("tbody tr").first).to_be_visible()
    page.close()


def test_rights_are_read_from_a_chart_and_its_table(site: Site, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Each row of the chart is a row of the table, in both languages."""
    database = tmp_path_factory.mktemp("rights") / "log.db"
    with running(database, "--policies", str(RIGHTS), "--mode", "bitset") as server:
        rights = Site(server.address, site.browser)
        request = site.browser.new_context().request
        assert request.post(f"{rights.address}/v1/rights/openings", data=everything()).ok
        decision = request.post(f"{rights.address}/v1/evaluate", data=supply("met", "mill")).json()
        assert request.post(f"{rights.address}/v1/commitments", data={"decision": decision["id"]}).ok
        for lang, width in (("en", 1280), ("zh", 390)):
            page = rights.open(f"/ledger/rights?asset=weather&lang={lang}", width=width)
            assert page.locator("svg.spans rect").count() == page.locator("tbody tr").count() == 2
            assert page.evaluate("document.documentElement.scrollWidth") == width
            assert faults(page) == []
            page.close()
        assert rights.complaints == []
