"""The public as a recipient over HTTP (semantics 1.2): evaluated, recorded, shown, asked about by plans, access requests and pages."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.testclient import TestClient

from service.drafts.answers import with_fact
from service.server.app import create_app
from service.service import Service
from service.settings import Settings
from service.telemetry import log_lines
from tests.service.conftest import Lines
from tests.service.console.test_ask import Browser

TODAY = datetime(2026, 11, 24, 12, tzinfo=UTC)
RELEASE: dict[str, Any] = {
    "exporter": {"country": "DE", "kind": "company", "role": "controller", "sectors": ["commerce"]},
    "recipient": "worldwide",
    "data": {
        "kind": "dataset", "personal": False, "state": "anonymised", "categories": ["openly-licensed"], "people_in": [],
        "collected_in": ["DE"], "stored_in": ["DE"], "controls": [], "grades": ["general"],
    },
    "act": {"kind": "publish", "trigger": "own", "bars": []},
    "purpose": {"is": ["research"], "end_use": ["civil"]},
}  # fmt: skip
SAID = "The recipient is the public, anywhere: what the law says of any party counts."


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """The application with the bundled policies."""
    database = tmp_path_factory.mktemp("everyone") / "log.db"
    opened = Service.open(Settings(watch=False, database=str(database)), say=log_lines.logger(Lines()), clock=lambda: TODAY)
    with TestClient(create_app(opened.settings, opened), base_url="http://127.0.0.1:8080") as client:
        yield client
    opened.close()


def evaluated(client: TestClient, document: dict[str, Any], **query: str) -> dict[str, Any]:
    answer = client.post("/v1/evaluate", json=document, params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def refused(client: TestClient, document: dict[str, Any]) -> list[tuple[str, str]]:
    answer = client.post("/v1/evaluate", json=document)
    assert answer.status_code == 400, answer.text
    return [(each["pointer"], each["detail"]) for each in answer.json()["errors"]]


def test_nothing_is_asked_of_the_public(client: TestClient) -> None:
    """Neither now nor in a list that plans ahead; the answer says who the recipient is, in either language."""
    found = evaluated(client, RELEASE, include="questions,reasons")
    assert not found["proceed"]
    assert SAID in found["answer"]
    assert "recipient." not in json.dumps([found["questions"], found["explanation"]["questions"]])
    assert "接收方为公众" in evaluated(client, RELEASE, lang="zh")["answer"]


def test_any_other_word_is_refused_and_the_public_proposed(client: TestClient) -> None:
    """In English and in Chinese, in place of the recipient, of her country or of her id."""
    for word in ("anyone", "General public", "公众", "任何人"):
        assert refused(client, {**RELEASE, "recipient": word}) == [
            ("/recipient", 'must be an object; write `{"recipient": "the public"}` (the public: any party, anywhere)')
        ]
    [(at, said)] = refused(client, {**RELEASE, "recipient": {"country": "全世界"}})
    assert at == "/recipient/country"
    assert '`{"recipient": "worldwide"}`' in said
    [(at, said)] = refused(client, {**RELEASE, "recipient": {"id": "The public"}})
    assert (at, said) == ("/recipient/id", 'is no id of a party; write `{"recipient": "the public"}`')


def test_the_decision_is_recorded_and_shown(client: TestClient) -> None:
    """The record keeps what was sent and is decided again alike; the pages say who the recipient is."""
    found = evaluated(client, RELEASE)
    record = client.get(f"/v1/decisions/{found['id']}").json()
    assert record["record"]["request"]["recipient"] == "worldwide"
    again = client.get(f"/v1/decisions/{found['id']}/replay")
    assert again.status_code == 200, again.text
    for page in (f"/log/{found['id']}", "/log", "/"):
        shown = client.get(page)
        assert shown.status_code == 200, page
    assert "Worldwide: any party, anywhere" in client.get(f"/log/{found['id']}").text
    assert client.get(f"/v1/decisions/{found['id']}/explanation").status_code == 200


def test_an_access_request_names_the_public_as_importer_or_destination(client: TestClient) -> None:
    """Either says the same; what is said of one party beside it is refused."""
    request: dict[str, Any] = {
        "subject": {"type": "organization", "id": "lab-1", "properties": {"country": "DE"}},
        "action": {"name": "transfer", "properties": {"kind": "publish"}},
        "resource": {"type": "dataset", "id": "set-1", "properties": {"personal": False}},
    }
    for context in ({"importer": "the public"}, {"destination": "worldwide"}):
        answer = client.post("/access/v1/evaluation", json={**request, "context": context})
        assert answer.status_code == 200, answer.text
        assert answer.json()["decision"] is False
        assert SAID in json.dumps(answer.json())
    both = {"importer": {"id": "the public", "properties": {"kind": "company"}}}
    answer = client.post("/access/v1/evaluation", json={**request, "context": both})
    assert answer.status_code == 400
    assert "leave one of the two out" in answer.text


def test_a_plan_may_end_with_the_public(client: TestClient) -> None:
    """The leg is decided as an exchange is, and the whole has the public as its recipient too."""
    first = {**RELEASE, "recipient": {"country": "FR"}}
    then = {**RELEASE, "exporter": {"country": "FR"}}
    answer = client.post("/v1/plans", json={"legs": [{"exchange": first}, {"exchange": then, "after": 1}]})
    assert answer.status_code == 200, answer.text
    assert SAID in json.dumps(answer.json()["legs"][1])
    assert not answer.json()["proceed"]


def test_the_public_is_chosen_on_the_page(client: TestClient) -> None:
    """In the place of a country, at the beginning and among one's own words; it can be taken back."""
    browser = Browser(client)
    browser.open("/ask")
    assert '<option value="the public"' in browser.page
    assert browser.send("/ask", **{"from": "scratch", "exporter.country": "DE", "recipient.country": "the public"}) == 200
    assert browser.document == {"exporter": {"country": "DE"}, "recipient": "the public"}
    assert "The public: any party, anywhere" in browser.said
    browser.open("/ask")
    assert browser.send("/ask", **{"from": "words", "words": "anyone"}) == 200
    assert browser.send("/ask", **{"from": "said", "said": "recipient the public"}) == 200
    assert browser.document == {"recipient": "the public"}


@pytest.mark.parametrize(("lang", "word"), [("en", "the public"), ("zh", "公众")])
def test_lists_of_records_name_the_public(client: TestClient, lang: str, word: str) -> None:
    """In the place of the recipient's country and id; of a recipient of whom nothing is stated a question mark stands there."""
    public = evaluated(client, RELEASE)["id"]
    unstated = evaluated(client, {**RELEASE, "recipient": {}})["id"]
    rows = client.get("/log", params={"lang": lang, "column": ["exchange", "parties"]}).text.split("<tr")
    said = {id: next(row for row in rows if f"/log/{id}" in row) for id in (public, unstated)}
    assert word in said[public]
    assert "?" not in said[public].partition("→")[2].partition("</td>")[0]
    assert word not in said[unstated]


def test_an_answer_at_a_terminal_may_be_the_public() -> None:
    """It takes the place of what was stated of one recipient, whichever of her facts was asked for."""
    one = {"exporter": {"country": "DE"}, "recipient": {"kind": "company"}}
    for fact in ("recipient.country", "recipient.id"):
        assert with_fact(one, fact, "worldwide") == {"exporter": {"country": "DE"}, "recipient": "worldwide"}
    assert with_fact(one, "data.id", "the public")["data"] == {"id": "the public"}
    assert with_fact({"recipient": "the public"}, "recipient.country", "FR") == {"recipient": {"country": "FR"}}
