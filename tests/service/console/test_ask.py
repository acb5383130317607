"""The pages on which an exchange is asked about: one question at a time, until its decision is recorded."""

import hashlib
import json
import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from starlette.testclient import TestClient

from service.callers.caller import LOCAL
from service.callers.context import ReadingAll
from service.console.draft_form import NoAnswer, stated
from service.drafts import draft_store, form_token
from service.languages.words import wording
from service.problems import RequestRefused
from service.service import Service
from tests.service.conftest import body

REFUSED = {
    "exporter": {"country": "CN"},
    "recipient": {"country": "CN"},
    "data": {"people": 12_000},
    "evidence": {"cn-standard-contract": "none"},
}
PERMITTED = {**REFUSED, "data": {"people": 5}}


class Browser:
    """Follows the forms of the pages, as a person without scripts does."""

    def __init__(self, client: TestClient, **headers: str) -> None:
        self.client, self.headers = client, headers
        self.page, self.path = "", ""

    def open(self, path: str) -> int:
        found = self.client.get(path, headers=self.headers)
        self.page, self.path = found.text, found.url.path
        return found.status_code

    def send(self, path: str = "", **fields: Any) -> int:
        """Send a form with the hidden members that the page has."""
        hidden = dict(re.findall(r'type="hidden" name="(token|version)" value="([^"]*)"', self.page))
        found = self.client.post(path or self.path, data={**hidden, **fields}, headers=self.headers)
        self.page, self.path = found.text, found.url.path
        return found.status_code

    @property
    def fact(self) -> str:
        """The fact that the question of the page asks for."""
        found = re.search(r'name="fact" value="([^"]+)">\s*(?!<button class="line")', self.page)
        return found.group(1) if found else ""

    @property
    def said(self) -> str:
        """What the page says, in one line."""
        return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", self.page.partition("<main")[2])))

    @property
    def document(self) -> Any:
        """The exchange that the page states."""
        found = re.search(r"<textarea[^>]*>(.*?)</textarea>", self.page, re.DOTALL)
        assert found
        return json.loads(unescape(found.group(1)))


@pytest.fixture
def browser(client: TestClient) -> Browser:
    """A browser on the page on which one begins."""
    browser = Browser(client)
    assert browser.open("/ask") == 200
    return browser


def begun(browser: Browser, document: dict[str, Any]) -> str:
    """The path of a draft of an exchange."""
    browser.open("/ask")
    assert browser.send("/ask", **{"from": "json", "json": json.dumps(document)}) == 200
    return browser.path


def test_one_question_at_a_time_leads_to_a_recorded_decision(browser: Browser, service: Service) -> None:
    """
    Each answer changes the page; nothing is recorded before it is asked for; then the draft is empty and leads to the decision.
    """
    assert browser.send("/ask", **{"from": "scratch", "exporter.country": "CN", "recipient.country": "US"}) == 200
    draft = browser.path
    assert re.fullmatch(r"/ask/[\w-]{22}", draft)
    asked = []
    while 'do" value="skip' in browser.page:
        asked.append(browser.fact)
        assert len(asked) < 30
        assert browser.send(do="skip", fact=browser.fact) == 200
    assert asked
    assert len(set(asked)) == len(asked)
    assert service.store.read("draft") is None
    assert browser.client.get("/v1/decisions").json()["decisions"] == []
    assert browser.send(do="decide") == 200
    (found,) = browser.client.get("/v1/decisions").json()["decisions"]
    assert f"/log/{found['id']}" in browser.page
    assert browser.path == draft
    reader = service.context(ReadingAll, LOCAL, "")
    kept = service.read(lambda connection: draft_store.find(reader, draft.rpartition("/")[2], connection))
    assert kept is not None
    assert (kept.document, kept.before, kept.decision) == ({}, None, found["id"])
    # The form of the page before does nothing twice.
    assert browser.send(do="decide", version="1") == 200
    assert len(browser.client.get("/v1/decisions").json()["decisions"]) == 1


@pytest.mark.parametrize(
    ("document", "title"),
    [
        ({"exporter": {"country": "CN"}}, "China → not stated"),
        ({"recipient": {"country": "US"}}, "Not stated → United States"),
        ({"recipient": {"country": "unknown"}}, "Not stated → Not known"),
        ({}, "nothing stated yet"),
    ],
)
def test_the_title_of_a_draft_says_what_is_not_stated(browser: Browser, document: dict[str, Any], title: str) -> None:
    """In words, in the list of drafts."""
    begun(browser, document)
    browser.open("/ask")
    listed = browser.page.partition('id="h-drafts"')[2].partition("</section>")[0]
    assert [unescape(each) for each in re.findall(r'<a href="/ask/[^"]*">(.*?)</a>', listed)] == [title]


def test_an_answer_is_stated_and_can_be_undone_and_given_again(browser: Browser) -> None:
    """An answer that is none is refused with a sentence, and changes nothing."""
    begun(browser, {"exporter": {"country": "CN"}})
    fact, before = browser.fact, browser.document
    assert browser.send(do="answer", fact=fact) == 422
    assert wording("en").drafts["no_answer_given"] in browser.said
    assert browser.document == before
    browser.send(do="save", json=json.dumps({**before, "recipient": {"country": "US"}}))
    assert browser.document["recipient"] == {"country": "US"}
    browser.send(do="again", fact="recipient.country")
    assert "recipient" not in browser.document
    browser.send(do="undo")
    assert browser.document["recipient"] == {"country": "US"}
    assert browser.send(do="save", json='{"recipient": {"country": "Atlantis"}}') == 400
    assert "Atlantis" in browser.said
    assert browser.document["recipient"] == {"country": "US"}


def test_no_address_has_a_fact(browser: Browser) -> None:
    """Neither the links and forms of a page, nor where they lead."""
    begun(browser, {"exporter": {"id": "practice-of-dr-li-na", "country": "CN"}, "recipient": {"country": "US"}})
    addresses = re.findall(r'(?:href|action)="([^"]*)"', browser.page)
    assert addresses
    allowed = re.compile(
        r"(#\w+|data:,|/|/docs|/log(/style\.css)?|/review|/register|/ledger|/policies|/reports|/ask(/[\w-]{22})?)(\?lang=\w+)?(#question)?"
    )
    assert [each for each in addresses if not allowed.fullmatch(each)] == []


def test_what_was_sent_is_never_taken_for_html(browser: Browser) -> None:
    """On the page of the draft and in the list."""
    begun(browser, {"exporter": {"id": "<script>x</script>", "country": "CN"}})
    assert "<script" not in browser.page
    browser.open("/ask")
    assert "<script" not in browser.page
    assert "&lt;script&gt;" in browser.page


def test_a_form_needs_the_token_of_its_page(browser: Browser, service: Service) -> None:
    """A form without it, with that of another caller, or of the day before yesterday, does nothing; nor does one of another site."""
    assert browser.client.post("/ask", data={"from": "scratch"}).status_code == 403
    for token in ("", "\u00e9", form_token.token(service, "key:other")):
        assert browser.client.post("/ask", data={"from": "scratch", "token": token}).status_code == 403
    good = form_token.token(service, "local")
    elsewhere = browser.client.post("/ask", data={"token": good}, headers={"Sec-Fetch-Site": "cross-site"})
    assert elsewhere.status_code == 403
    # Without a referrer a browser would say `Origin: null`, and its own forms would be refused.
    assert browser.client.get("/ask").headers["referrer-policy"] == "same-origin"
    sent = browser.client.post("/ask", data={"token": good}, headers={"Origin": "http://127.0.0.1:8080"})
    assert sent.status_code == 200
    at = service.clock()
    object.__setattr__(service, "clock", lambda: at + timedelta(days=1))
    form_token.check(service, "local", good)
    object.__setattr__(service, "clock", lambda: at + timedelta(days=2))
    with pytest.raises(RequestRefused):
        form_token.check(service, "local", good)


def test_others_read_a_draft_and_go_on_in_a_copy(browser: Browser, client: TestClient) -> None:
    """Only who made a draft changes it; it takes the scopes, and a party's key is not served."""
    begun(browser, {"exporter": {"country": "CN"}})

    def key(*scopes: str, **more: str) -> Browser:
        made = client.post("/v1/keys", json={"name": "-".join(scopes), "scopes": [*scopes], **more}, headers=admin).json()
        return Browser(client, Authorization=f"Bearer {made['key']}")

    admin: dict[str, str] = {}
    made = client.post("/v1/keys", json={"name": "admin", "scopes": ["administer", "read", "evaluate"]}).json()
    admin = {"Authorization": f"Bearer {made['key']}"}
    mine, other, reader = key("read", "evaluate"), key("read", "evaluate"), key("read")
    mine.open("/ask")
    mine.send("/ask", **{"from": "scratch", "exporter.country": "CN"})
    draft = mine.path
    assert other.open(draft) == 200
    assert 'value="decide"' not in other.page
    assert other.send(do="decide") == 403
    assert other.send(draft, do="copy") == 200
    assert other.path != draft
    assert other.document == {"exporter": {"country": "CN"}}
    assert reader.open(draft) == 200
    assert reader.send(draft, do="copy") == 403
    assert key("evaluate").open(draft) == 403
    assert key("read", "evaluate", party="clinic-7").open(draft) == 403
    assert client.get(draft).status_code == 401


def test_a_draft_is_erased_by_its_owner_and_by_time(browser: Browser, service: Service) -> None:
    """Nothing of it is left; a draft that was changed lately stays."""

    def purged() -> int:
        assert browser.client.portal is not None
        return browser.client.portal.call(service.store.do, lambda transaction: draft_store.purge(service, transaction))

    draft = begun(browser, {"exporter": {"id": "practice-of-dr-li-na", "country": "CN"}})
    assert browser.send(do="erase") == 200
    assert browser.path == "/ask"
    assert browser.open(draft) == 404
    old = begun(browser, {"exporter": {"country": "CN"}})
    at = service.clock()
    object.__setattr__(service, "clock", lambda: at + timedelta(days=service.settings.draft_days - 1))
    assert purged() == 0
    assert browser.open(old) == 200
    object.__setattr__(service, "clock", lambda: at + timedelta(days=service.settings.draft_days + 1))
    assert browser.open(old) == 404
    assert purged() == 1


def test_a_remedy_is_tried_in_a_trial_and_taken_over(browser: Browser) -> None:
    """A trial says what it states, is never decided, and leaves the draft as it is until it is taken over."""
    draft = begun(browser, REFUSED)
    before = browser.document
    assert 'value="try"' in browser.page
    assert browser.send(do="try", remedy="7") == 400
    assert browser.send(do="try", remedy="0") == 200
    trial = browser.path
    assert trial != draft
    assert browser.document != before
    assert wording("en").drafts["trial_text"] in browser.said
    assert browser.send(do="decide") == 400
    assert browser.client.get("/v1/decisions").json()["decisions"] == []
    assert browser.open(draft) == 200
    assert browser.document == before
    browser.open(trial)
    stated = browser.document
    assert browser.send(do="take") == 200
    assert (browser.path, browser.document) == (draft, stated)
    assert browser.open(trial) == 404


def test_a_permitted_exchange_is_committed_once(browser: Browser) -> None:
    """From the page of its decision; a form that is sent again commits nothing again."""
    begun(browser, PERMITTED)
    assert browser.send(do="decide") == 200
    old = browser.page
    assert browser.send(do="commit") == 200
    (found,) = browser.client.get("/v1/commitments").json()["commitments"]
    assert found["id"] in browser.page
    browser.page = old
    assert browser.send(do="commit") == 200
    assert len(browser.client.get("/v1/commitments").json()["commitments"]) == 1


def test_a_decision_can_be_asked_about_again(browser: Browser, evaluate: Callable[..., Any]) -> None:
    """The draft states what the caller sent, without what the service added."""
    id = evaluate(body()).json()["id"]
    assert browser.send("/ask", **{"from": "decision", "decision": id}) == 200
    assert browser.document == {name: value for name, value in json.loads(body()).items() if name != "as_of"}


@pytest.mark.parametrize(
    ("how", "fields", "value"),
    [
        ("count", {"low": ["1,200"]}, 1200),
        ("count", {"low": ["100"], "high": ["5000"]}, {"at_least": 100, "at_most": 5000}),
        ("count", {"high": ["50"]}, {"at_least": 0, "at_most": 50}),
        ("count", {"low": ["many"]}, "no_number_given"),
        ("count", {"low": ["9"], "high": ["3"]}, "no_range_given"),
        ("document", {"value": ["none"]}, "none"),
        ("document", {"value": ["there"], "dated": ["2026-09-01"]}, {"dated": "2026-09-01", "covers": True}),
        ("document", {"value": ["there"]}, "no_day_given"),
        ("several", {"value": ["health", "genetic"]}, ["health", "genetic"]),
        ("several", {"value": ["-"]}, []),
        ("several", {}, "no_answer_given"),
        ("yes/no", {"value": ["no"]}, False),
        ("one", {"value": ["CN"]}, "CN"),
    ],
)
def test_a_form_is_read_as_an_exchange_states_it(how: str, fields: dict[str, list[str]], value: Any) -> None:
    """Or a sentence says what is missing."""
    question: Any = None
    try:
        found = stated(question, how, fields)
    except NoAnswer as none:
        found = str(none)
        assert found in wording("en").drafts
    assert found == value


def ticking(browser: Browser, *names: str, day: str = "2026-03-01") -> int:
    """Tick documents of the page, each with a day."""
    shown = re.findall(r'name="offered" value="([^"]+)"', browser.page)
    days = {f"dated {name}": day for name in names}
    return browser.send(do="documents", offered=shown, document=list(names), **days)


def test_a_document_is_ticked_with_its_day_and_taken_away_again(browser: Browser) -> None:
    """Without a day nothing is stated; what is stated of it beside the day stays; other facts stay as they are."""
    begun(browser, {key: value for key, value in REFUSED.items() if key != "evidence"})
    before = browser.document
    kind = "evidence.cn-standard-contract"
    assert f'value="{kind}"' in browser.page
    assert ticking(browser, kind, day="") == 400
    assert browser.document == before
    assert ticking(browser, kind) == 200
    stated = {"dated": "2026-03-01", "covers": True}
    assert browser.document == {**before, "evidence": {"cn-standard-contract": stated}}
    browser.send(do="save", json=json.dumps({**before, "evidence": {"cn-standard-contract": {**stated, "people": 20_000}}}))
    assert ticking(browser, kind, day="2026-04-01") == 200
    assert browser.document["evidence"]["cn-standard-contract"] == {**stated, "dated": "2026-04-01", "people": 20_000}
    assert ticking(browser) == 200
    assert browser.document == before
    assert browser.send(do="documents", offered=["exporter.country"], document=["exporter.country"]) == 200
    assert browser.document == before


def test_a_file_is_uploaded_without_a_hash_and_attached_to_the_decision(browser: Browser, client: TestClient) -> None:
    """The service computes the hash; what is no document is refused; whoever did not make the draft uploads nothing."""
    begun(browser, {key: value for key, value in REFUSED.items() if key != "evidence"})
    kind, content = "evidence.cn-standard-contract", b"%PDF-1.7 the contract"
    token = re.findall(r'name="token" value="([^"]*)"', browser.page)[0]

    def upload(content: bytes, **fields: str) -> int:
        sent = {"token": token, "name": kind, **fields}
        found = client.post(f"{browser.path}/file", data=sent, files={"file": ("contract.pdf", content)})
        browser.page, browser.path = found.text, found.url.path.removesuffix("/file")
        return found.status_code

    assert upload(content) == 400  # it is not stated yet
    browser.open(browser.path)
    assert ticking(browser, kind) == 200
    assert upload(b"\x7fELF") == 415
    assert upload(content, token="0" * 64) == 403
    browser.open(browser.path)
    assert upload(content) == 200
    browser.open(browser.path)
    hashed = browser.document["evidence"]["cn-standard-contract"]["hash"]
    assert hashed == hashlib.sha256(content).hexdigest()
    assert wording("en").drafts["file_there"] in browser.said
    assert browser.send(do="decide") == 200
    (decided,) = client.get("/v1/decisions").json()["decisions"]
    (document,) = client.get(f"/v1/decisions/{decided['id']}/documents").json()["documents"]
    assert document["attached"]["sha256"] == hashed


def test_nothing_is_refused_before_it_is(browser: Browser) -> None:
    """A draft with open facts is not decided yet; one that is refused is not to proceed."""
    begun(browser, {"exporter": {"country": "CN"}})
    assert "Not decided yet" in browser.said
    assert "do not proceed" not in browser.said.lower()
    begun(browser, REFUSED)
    assert "do not proceed" in browser.said.lower()
