"""The workbench in a real browser: an author errs, mends it, moves a decision and takes the patch; the served policies stay as they are."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect
from starlette.testclient import TestClient

from service.callers import entrance
from service.callers.caller import Caller
from service.languages.words import wording
from tests.service.conftest import running
from tests.service.console.browser import Site, faults, launched
from tests.service.console.test_policy_pages import WITH_CASES, database, trying

__all__ = ["database", "trying"]
SAME = {"sec-fetch-site": "same-origin"}


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
    # The file that opens takes the focus: what is written before that would go into it.
    expect(page.locator(".cm-line", has_text="prohibit: No.")).to_be_visible(timeout=60_000)
    expect(page.locator(".cm-content")).to_be_focused(timeout=60_000)
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


def test_only_who_administers_edits(trying: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader's key opens neither the page nor a file, and nothing is answered; nor without the token of the page."""
    asked = {"asked": json.dumps({"do": "check", "edits": {}}), "token": "0" * 64}
    assert trying.post("/workbench", data=asked, headers=SAME).status_code == 403
    monkeypatch.setattr(entrance, "LOCAL", Caller("reader", frozenset({"read"})))
    for path in ("/workbench", "/workbench/editor.js", "/workbench/file?name=with cases/r.yaml"):
        assert trying.get(path).status_code == 403, path
    assert trying.post("/workbench", data=asked, headers=SAME).status_code == 403


def test_the_desk_answers_in_bounds(trying: TestClient) -> None:
    """A question with a file that is not served, or of the wrong form, is refused; names are completed and explained as in an editor."""
    page = trying.get("/workbench").text
    assert wording("en").workbench["script_needed"] in re.sub("&[^;]+;", "", page)
    token = page.partition('data-token="')[2][:64]

    def ask(**asked: Any) -> Any:
        sent = {"token": token, "asked": json.dumps({"edits": {}, **asked})}
        return trying.post("/workbench", data=sent, headers=SAME)

    assert trying.get("/workbench/file?name=with cases/r.yaml").content == WITH_CASES["r.yaml"]
    assert trying.get("/workbench/file?name=../r.yaml").status_code == 404
    for wrong in (
        {"do": "write"},
        {"do": "decide", "lang": "zh"},
        {"do": "check", "edits": {"with cases/new.yaml": ""}},
        {"do": "check", "edits": {"a": "x" * (1 << 21)}},
    ):
        assert ask(**wrong).status_code in (400, 413), wrong
    file = "with cases/r.yaml"
    assert ask(do="lint", file=file).json()["sound"]
    assert {each["label"] for each in ask(do="complete", file=file, line=3, character=14).json()["items"]} == {"CN"}
    assert "China" in ask(do="hover", file=file, line=3, character=15).json()["html"]
    assert "a fact on each line" in ask(do="decide", exchange="- a").json()["problems"][0]
    nothing = ask(do="decide", exchange="{}").json()
    assert (nothing["outcome"], nothing["proceed"]) == ("undetermined", False)
    assert (
        ask(do="patch", edits={file: "policy: cn.one"})
        .json()["patch"]
        .endswith("+policy: cn.one\n\\ No newline at end of file\n")
    )
