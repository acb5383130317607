"""The pages of reports in a real browser: the forms lead to reports and files, in both languages, on a desk and on a phone."""

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser

from tests.service.conftest import copied, running
from tests.service.console.browser import Site, faults, launched
from tests.service.reports.conftest import HERE


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser without a window."""
    with launched() as opened:
        yield opened


@pytest.fixture(scope="module")
def site(browser: Browser, tmp_path_factory: pytest.TempPathFactory, tables) -> Iterator[Site]:
    """A server with two commitments, one of them withdrawn."""
    database = copied(tables, tmp_path_factory.mktemp("reports"))
    with running(database, "--policies", str(HERE / "policies")) as server:
        with httpx.Client(base_url=server.address) as client:
            for number in range(2):
                sent = {
                    "exporter": {"id": "clinic-上海", "country": "CN"},
                    "recipient": {"id": f"lab-{number}", "country": "KE"},
                    "data": {"people": {"ordinary": 50}},
                    "act": {"doubtful": False},
                    "purpose": {"is": ["research"]},
                    "evidence": {"contract": {"dated": "2026-01-01", "covers": True}},
                }
                decided = client.post("/v1/evaluate", json=sent).json()
                made = client.post("/v1/commitments", json={"decision": decided["id"]}).json()
            client.post(f"/v1/commitments/{made['id']}/withdraw", json={"reason": "the lab closed"})
        yield Site(server.address, browser)


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("path", ["/reports", "/reports/report", "/reports/transfers?register=test-register"])
def test_each_page_is_sound(site: Site, path: str, lang: str, width: int) -> None:
    """No serious fault of accessibility, no complaint of its content policy, nothing wider than the window, and under 100 kB."""
    page = site.open(f"{path}{'&' if '?' in path else '?'}lang={lang}", width=width)
    assert faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert site.loaded is not None
    assert len(site.loaded.body()) < 100_000
    assert page.locator("h1").count() == 1
    assert page.locator("html").get_attribute("lang") == ("en" if lang == "en" else "zh-Hans")
    page.close()
    assert site.complaints == []


def test_dark_pages_can_be_read(site: Site) -> None:
    """The colours of the dark scheme have enough contrast."""
    page = site.open("/reports/report", scheme="dark")
    assert faults(page) == []
    page.close()


def test_a_party_is_asked_for_by_a_form(site: Site) -> None:
    """By keyboard: the report on a party is shown, its address does not name the party, and its files are of the same party."""
    page = site.open("/reports?lang=zh")
    page.locator("#register-party").fill("clinic-上海")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/reports/transfers")
    assert "clinic" not in page.url
    assert page.locator("td", has_text="lab-0").count() == 1
    assert "the lab closed" in page.content()
    with page.expect_download() as started:
        page.get_by_role("button", name="CSV").click()
    assert "lab-1" in started.value.path().read_text(encoding="utf-8")
    with page.expect_download() as started:
        page.get_by_role("button", name="PDF").click()
    assert started.value.path().read_bytes().startswith(b"%PDF-")
    assert started.value.suggested_filename.startswith("transfers-test-register-")
    page.close()


def test_decisions_lead_to_their_pages(site: Site) -> None:
    """From a row of the report to the decision and its explanation."""
    page = site.open("/reports/report")
    page.locator("table a.id").first.click()
    page.wait_for_url("**/log/*")
    assert page.locator("h1").count() == 1
    page.close()
    assert site.complaints == []
