"""The workbench in a real browser: an author errs, mends it, moves a decision and takes the patch; the served policies stay as they are."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.service.conftest import running
from tests.service.console.browser import Site, faults, launched
from tests.service.console.test_policy_pages import WITH_CASES


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of the served policies."""
    made = tmp_path / "law"
    made.mkdir()
    for name, text in WITH_CASES.items():
        (made / name).write_bytes(text)
    return made


@pytest.fixture
def site(folder: Path, tmp_path: Path) -> Iterator[Site]:
    """A service of one small law, and a browser."""
    with running(tmp_path / "log.db", "--policies", str(folder)) as server, launched() as browser:
        yield Site(server.address, browser)


def select_line(page: Page, text: str) -> None:
    """Select what a line of the editor says, as an author does before she types over it."""
    page.locator(".cm-line", has_text=text).click()
    page.keyboard.press("Home")
    page.keyboard.press("Shift+End")


def test_a_mistake_is_shown_and_mended_a_decision_moves_and_the_patch_is_taken(
    site: Site, folder: Path, tmp_path: Path
) -> None:
    """All that an author does, from the first letter to the file that `git apply` takes; nothing that is served has moved."""
    before = httpx.get(f"{site.address}/v1/bundle").json()
    page = site.open("/workbench")
    page.locator("summary").first.click()
    page.get_by_role("button", name="r.yaml").click()
    page.locator("#exchange").fill("exporter.country: CN")
    expect(page.locator("#decision .chip")).to_have_class("chip o-prohibited", timeout=60_000)

    select_line(page, "prohibit: No.")
    page.keyboard.type("prohibitt: No.")
    page.keyboard.press("Escape")
    expect(page.locator("#status")).to_contain_text("not sound", timeout=60_000)
    expect(page.locator("#findings li").first).to_contain_text("law/r.yaml:16")
    expect(page.locator(".cm-lintRange-error")).to_have_text("prohibitt")
    expect(page.locator("#decision")).to_contain_text("no decision")
    assert faults(page) == []

    select_line(page, "prohibitt: No.")
    page.keyboard.type("review: Look at it.")
    page.keyboard.press("Escape")
    expect(page.locator("#decision .chip")).to_have_class("chip o-review", timeout=60_000)
    expect(page.locator(".cm-lintRange-error")).to_have_count(0)

    with page.expect_download() as taken:
        page.locator("#patch").click()
    assert taken.value.suggested_filename == "policies.patch"
    lines = Path(taken.value.path()).read_text().splitlines()
    assert lines[:2] == ["--- a/law/r.yaml", "+++ b/law/r.yaml"]
    assert [line for line in lines[2:] if line[0] in "+-"] == ["-    prohibit: No.", "+    review: Look at it."]

    page.reload()
    expect(page.locator(".cm-line", has_text="review: Look at it.")).to_be_visible(timeout=60_000)
    expect(page.locator("#decision .chip")).to_have_class("chip o-review", timeout=60_000)
    assert httpx.get(f"{site.address}/v1/bundle").json() == before
    assert {each.name: each.read_bytes() for each in folder.iterdir()} == WITH_CASES
    assert site.complaints == []
