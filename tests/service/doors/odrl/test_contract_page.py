"""A contract that a person uploads where she asks: what it states with its places, what was not understood, and a draft from it."""

import json
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from service.console.draft_pages import MOST_CONTRACT
from service.doors.odrl import json_ld
from service.languages.words import wording
from tests.service.callers.test_callers import bearer, make
from tests.service.console.test_ask import Browser
from tests.service.doors.odrl.decided_contracts import contract_desk
from tests.service.doors.odrl.test_decided_contracts import changed
from tests.service.ledger.desk import NOON, Desk

STRANGE = {"leftOperand": "https://example.com/ns/moonPhase", "operator": "eq", "rightOperand": "full"}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A service with the bundled policies, at noon."""
    with contract_desk(tmp_path_factory.mktemp("page")) as desk:
        yield desk


@pytest.fixture
def browser(desk: Desk) -> Browser:
    """A browser on the page on which one begins."""
    browser = Browser(desk.client)
    assert browser.open("/ask") == 200
    return browser


def uploaded(browser: Browser, content: bytes, lang: str = "en", **fields: str) -> int:
    """Upload a file as the form does."""
    token = re.findall(r'type="hidden" name="token" value="([^"]*)"', browser.page)[0]
    address = "/ask/contract" if lang == "en" else f"/ask/contract?lang={lang}"
    found = browser.client.post(address, data={"token": token, **fields}, files={"contract": ("contract.json", content)})
    browser.page, browser.path = found.text, found.url.path
    return found.status_code


def begun(browser: Browser) -> Any:
    """The draft that the button of the page begins: what it states."""
    found = re.search(r'name="json" value="([^"]*)"', browser.page)
    assert found
    assert browser.send("/ask", **{"from": "json", "json": unescape(found.group(1))}) == 200
    assert browser.path.startswith("/ask/")
    return browser.document


def test_a_contract_is_shown_with_its_places_and_begins_a_draft(browser: Browser) -> None:
    """What was not understood is listed, and the draft asks for it; nothing is recorded."""
    assert uploaded(browser, json.dumps(changed(constraint=STRANGE)).encode()) == 200
    said = browser.said
    assert "Purposes the terms allow: provision of a service /permission/0/constraint/0" in said
    assert "Recipient's identifier: lab-2 /assignee" in said
    unread = said.partition("Not understood")[2]
    assert "moonPhase" in unread
    assert "/permission/0/constraint/3" in unread
    document = begun(browser)
    assert document["recipient"] == {"id": "lab-2"}
    assert document["terms"]["territory"] == ["AE"]
    assert {"provision": "contract.terms/rest", "from": "urn:uuid:6bcea82e-c509-443d-ba8c-8eef25984c07"} in document["carried"]
    said = browser.said
    assert "Conditions that came with the data" in said
    assert "The data are used only for the purposes that the contract names." in said
    assert 'name="fact" value="terms.territory"' in browser.page
    assert 'name="fact" value="carried"' not in browser.page, "nobody takes the conditions out by answering again"
    assert browser.client.get("/v1/decisions").json()["decisions"] == []


def test_the_page_is_in_the_language_of_its_reader(browser: Browser) -> None:
    """The headings and the facts are Chinese."""
    assert uploaded(browser, json.dumps(changed()).encode(), lang="zh") == 200
    words = wording("zh").drafts
    assert words["contract_says"] in browser.said
    assert words["contract_unread_none"] in browser.said
    assert "授权地域：阿拉伯联合酋长国 /permission/0/constraint/1" in browser.said


def test_a_file_that_is_no_contract_leads_back_with_the_reason(browser: Browser) -> None:
    """Whatever the file is, the page says what is wrong and takes another."""
    for content in (
        b"",
        b"{",
        b"\xff\xfe",
        b"not turtle at all",
        b"{}",
        b"[" * 5_000,
        b'{"@context": "https://evil.example/c"}',
    ):
        assert uploaded(browser, content) == 400, content
        assert 'role="alert"' in browser.page
        assert 'action="/ask/contract"' in browser.page


def test_a_file_that_is_too_large_is_refused(browser: Browser) -> None:
    """The bound is that of a contract over HTTP, and the page tells it."""
    assert MOST_CONTRACT == json_ld.MOST_BYTES
    assert f"The file, at most {MOST_CONTRACT // 1_024} KB" in browser.said
    assert uploaded(browser, b" " * (MOST_CONTRACT + 40_000)) == 413


def test_a_form_of_another_site_reads_nothing(browser: Browser) -> None:
    """The token of the page is needed."""
    assert browser.client.post("/ask/contract", files={"contract": ("c.json", b"{}")}).status_code == 403


def test_what_a_contract_says_cannot_run_on_the_page(browser: Browser) -> None:
    """Names and values of the contract are text."""
    offer = changed(target="<script>alert(1)</script>", **{"@id": "urn:x:<img src=x onerror=alert(1)>"})
    status = uploaded(browser, json.dumps(offer).encode())
    assert status in (200, 400)
    assert "<script>alert" not in browser.page
    assert "<img" not in browser.page


def test_a_party_and_a_reader_read_no_contract_here(tmp_path: Path) -> None:
    """Drafts rest on the register of all, so the page is the operator's; and to begin one needs the scope to evaluate."""
    operator = bearer(make(str(tmp_path / "log.db"), "administer", "evaluate", "read", now=NOON))
    with contract_desk(tmp_path) as desk:
        for scopes, party in ((["evaluate", "read"], "clinic-5"), (["read"], None)):
            asked = {"name": "one", "scopes": scopes} | ({"party": party} if party else {})
            key = desk.client.post("/v1/keys", json=asked, headers=operator).json()["key"]
            refused = desk.client.post("/ask/contract", files={"contract": ("c.json", b"{}")}, headers=bearer(key))
            assert refused.status_code == 403
