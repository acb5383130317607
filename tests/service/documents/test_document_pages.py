"""The documents of a decision in a browser: attached, confirmed and withdrawn by forms, without scripts, in both languages."""

import base64
import re
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from starlette.testclient import TestClient

from service.callers import keys
from service.callers.person import Person
from service.documents.document_bytes import ENDINGS
from service.languages.words import wording
from service.store.database import Database
from service.store.tables import document
from service.store.upgrade import upgrade
from tests.service.conftest import running
from tests.service.console.browser import faults, launched
from tests.service.documents.test_documents import (
    CONTRACT,
    EXCHANGE,
    HASH,
    ISSUER,
    LAST,
    NAME,
    NOON,
    PERSONS,
    TERMS,
    Desk,
    desk,
)

__all__ = ["desk"]  # a fixture
CONFIRMED: dict[str, Any] = {
    "do": "confirm",
    "name": NAME,
    "sha256": HASH,
    "reason": "read",
    "until": LAST.isoformat(),
    "opened": "yes",
}


def basic(key: str) -> dict[str, str]:
    """The header in which a browser sends a key."""
    return {"authorization": "Basic " + base64.b64encode(f":{key}".encode()).decode(), "origin": "http://127.0.0.1:8080"}


class Form:
    """Sends the forms of the page of a decision with the key of somebody."""

    def __init__(self, client: TestClient, path: str, key: str) -> None:
        self.client, self.path, self.headers = client, path, basic(key)
        self.page = client.get(path, headers=self.headers).text
        self.token = next(iter(re.findall(r'name="token" value="([0-9a-f]+)"', self.page)), "")

    def send(self, file: bytes | None = None, token: str | None = None, **fields: str) -> tuple[int, str]:
        """The status and the text of the page after a form."""
        files = {} if file is None else {"file": ("contract.pdf", file, "text/html")}
        data = {"token": self.token if token is None else token, **fields}
        found = self.client.post(self.path, data=data, files=files, headers=self.headers)
        return found.status_code, found.text


def test_a_reviewer_attaches_confirms_and_withdraws(desk: Desk) -> None:
    """Each by a form; the page then says what is so, and an evaluation counts it."""
    id = desk.evaluate()["id"]
    path = f"/log/{id}/documents"
    asker, reviewer = (Form(desk.client, path, desk.keys[name]) for name in ("asker", "reviewer"))
    assert "merely stated" in reviewer.page
    assert 'type="file"' in reviewer.page
    status, page = asker.send(CONTRACT, do="attach", name=NAME)
    assert (status, "attached, not confirmed" in page) == (200, True)
    assert wording("en").documents["why_scope"] in page
    assert asker.send(**CONFIRMED)[0] == 403
    status, page = reviewer.send(**CONFIRMED)
    assert (status, f"shown until {LAST}" in page) == (200, True)
    assert "notary" in page  # the terms
    assert desk.evaluate()["outcome"] == "permitted"
    assert f"shown until {LAST}" in desk.client.get(f"/log/{id}", headers=reviewer.headers).text
    file = desk.client.get(f"/log/documents/{HASH}", headers=reviewer.headers)
    assert (file.content, file.headers["content-disposition"][:10]) == (CONTRACT, "attachment")
    status, page = reviewer.send(do="withdraw", name=NAME, reason="a slip")
    assert (status, "withdrawn" in page) == (200, True)
    assert desk.evaluate()["outcome"] == "review"
    zh = desk.client.get(f"{path}?lang=zh", headers=reviewer.headers).text
    assert wording("zh").documents["state_attached"] in zh


def test_forms_that_are_not_ours_or_not_whole_do_nothing(desk: Desk) -> None:
    """Another token, a box that is not ticked, another file, too many fields, a body that is no form."""
    id = desk.evaluate()["id"]
    path = f"/log/{id}/documents"
    form = Form(desk.client, path, desk.keys["reviewer"])
    assert form.send(CONTRACT, token="0" * 64, do="attach", name=NAME)[0] == 403
    assert form.send(CONTRACT, do="attach", name=NAME, token=Form(desk.client, path, desk.keys["asker"]).token)[0] == 403
    status, page = form.send(b"another text", do="attach", name=NAME)
    assert (status, "states the hash" in page) == (409, True)
    assert form.send(b"\x00", do="attach", name=NAME)[0] == 415
    assert form.send(do="attach", name=NAME)[0] == 415
    assert form.send(CONTRACT, do="nothing", name=NAME)[0] == 400
    assert form.send(CONTRACT, do="attach", name="evidence.none")[0] == 404
    with desk.service.store.database.reading.connect() as connection:
        assert not connection.execute(sa.select(document)).all()
    assert form.send(CONTRACT, do="attach", name=NAME)[0] == 200
    status, page = form.send(**{**CONFIRMED, "opened": ""})
    assert (status, "opened the file" in page) == (400, True)
    assert form.send(**{**CONFIRMED, "until": "soon"})[0] == 400
    many: dict[str, Any] = {f"f{n}": "x" for n in range(30)}
    assert form.send(**many)[0] == 400
    sent = {**form.headers, "content-type": "multipart/form-data; boundary=x"}
    assert desk.client.post(path, content=b"--x\r\nnothing", headers=sent).status_code == 403  # no field of it is whole
    assert desk.client.post(path, content=b"x", headers={**sent, "content-type": "multipart/form-data"}).status_code == 400
    assert desk.client.post(path, content=b"{}", headers={**form.headers, "content-type": "text/plain"}).status_code == 415
    twice = f"token={form.token}&do=a&do=b".encode()
    urlencoded = {**form.headers, "content-type": "application/x-www-form-urlencoded"}
    assert desk.client.post(path, content=twice, headers=urlencoded).status_code == 400
    assert Form(desk.client, "/log/none/documents", desk.keys["reviewer"]).token == ""
    for wrong in ("?first=x", "?more=1"):
        assert desk.client.get(path + wrong, headers=form.headers).status_code == 400


def test_each_kind_of_file_has_a_word() -> None:
    """Media types are names of texts."""
    assert set(ENDINGS) <= wording("en").documents.keys()


def test_the_page_is_sound_in_a_real_browser(tmp_path: Path) -> None:
    """Wide and on a phone, light and dark: nothing is refused, nothing too wide, no serious fault, and the keyboard does."""
    url, told = str(tmp_path / "log.db"), {}
    database = Database.open(url)
    upgrade(database)
    with database.transaction() as transaction:
        for name, scopes in PERSONS.items():
            _, told[name] = keys.create(transaction, name, scopes, None, "test", NOON, person=Person(ISSUER, name, name))
    database.close()
    file = tmp_path / "contract.pdf"
    file.write_bytes(CONTRACT)
    with running(url) as server, launched() as browser:
        context = browser.new_context(extra_http_headers={"authorization": f"Bearer {told['asker']}"})
        sent = {**EXCHANGE, "evidence": {"cn-standard-contract": {**TERMS, "dated": "2026-01-01"}}}
        id = context.request.post(f"{server.address}/v1/evaluate", data=sent).json()["id"]
        path = f"{server.address}/log/{id}/documents"
        complaints: list[str] = []
        for lang in ("en", "zh"):
            words = wording(lang).documents
            for width, scheme in ((1280, "light"), (390, "dark")):
                context = browser.new_context(
                    viewport={"width": width, "height": 800},
                    color_scheme=scheme,  # type: ignore[arg-type]
                    extra_http_headers={"authorization": f"Bearer {told['reviewer']}"},
                )
                page = context.new_page()
                page.on("console", lambda message: complaints.append(message.text))
                page.goto(path if lang == "en" else f"{path}?lang=zh")
                if page.locator("input[type=file]").count():
                    page.get_by_text(words["do_attach"]).press("Enter")
                    page.locator("input[type=file]").set_input_files(file)
                    page.get_by_role("button", name=words["attach"], exact=True).press("Enter")
                    page.get_by_text(words["state_attached"]).wait_for()
                page.locator("summary", has_text=words["do_confirm"]).press("Enter")
                assert faults(page) == []
                assert page.evaluate("document.documentElement.scrollWidth") <= width
                assert len(page.content().encode()) < 100_000
                page.get_by_label(words["reason"]).first.fill("read")
                page.get_by_label(words["until"]).fill("2099-12-31")
                page.get_by_label(words["opened"]).press(" ")
                page.get_by_role("button", name=words["do_confirm"], exact=True).press("Enter")
                page.locator(".chip", has_text=words["state_shown"].format("2099-12-31")).wait_for()
                assert faults(page) == []
                context.close()
        assert complaints == []
