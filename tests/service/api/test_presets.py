"""`GET /v1/presets`, and the pages that begin with a preset or in own words: nothing is stated until a person confirms it."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from html import unescape

import pytest
from starlette.testclient import TestClient

from service.server.app import create_app
from service.service import Service
from service.settings import Settings
from service.telemetry import log_lines
from tests.service.conftest import Lines

TODAY = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """The application with the bundled policies."""
    database = tmp_path_factory.mktemp("presets") / "log.db"
    opened = Service.open(Settings(watch=False, database=str(database)), say=log_lines.logger(Lines()), clock=lambda: TODAY)
    with TestClient(create_app(opened.settings, opened), base_url="http://127.0.0.1:8080") as client:
        yield client
    opened.close()


def test_presets_are_listed_with_what_is_to_be_confirmed(client: TestClient) -> None:
    """Each with its title in both languages; its exchange states the facts to confirm and nothing else."""
    answer = client.get("/v1/presets")
    assert answer.status_code == 200
    presets = {each["id"]: each for each in answer.json()["presets"]}
    assert len(presets) == 12
    payroll = presets["payroll"]
    assert payroll["title"] == {"en": "payroll abroad", "zh": "境外发薪"}
    stated = [f"{group}.{fact}" for group, facts in payroll["exchange"].items() for fact in facts]
    assert sorted(payroll["to_confirm"]) == sorted(stated)
    assert payroll["exchange"]["data"]["categories"] == ["employee", "financial", "identity", "unknown"]


def test_a_preset_is_an_exchange_that_may_not_proceed_yet(client: TestClient) -> None:
    """It is sent as it stands, with the countries; the answer asks for the rest."""
    for preset in client.get("/v1/presets").json()["presets"]:
        exchange = preset["exchange"]
        for role, country in (("exporter", "DE"), ("recipient", "US")):
            if exchange.get(role) != "the public":
                exchange.setdefault(role, {})["country"] = country
        decision = client.post("/v1/evaluate", json=exchange).json()
        assert decision["proceed"] is False, preset["id"]
        assert decision["questions"], preset["id"]


def test_the_presets_take_no_parameters(client: TestClient) -> None:
    """As every operation refuses what it does not know."""
    answer = client.get("/v1/presets?id=payroll")
    assert (answer.status_code, answer.json()["parameter"]) == (400, "id")


@pytest.mark.parametrize(("lang", "title"), [("en", "Payroll abroad"), ("zh", "境外发薪")])
def test_a_draft_begins_with_what_a_person_confirms(client: TestClient, lang: str, title: str) -> None:
    """The page shows each statement to be confirmed, ticked; what she unticks is not stated, and nothing else is."""
    start = client.get(f"/ask?lang={lang}").text
    assert title in start
    token = re.findall(r'name="token" value="([^"]+)"', start)[0]
    page = client.post(f"/ask?lang={lang}", data={"token": token, "from": "preset", "preset": "payroll"}).text
    assert title in page
    facts = re.findall(r'name="confirmed" value="([^"]+)" checked', page)
    assert len(facts) == 9
    confirmed = ["data.personal", "data.categories", "exporter.id", "act.bars"]
    sent = {"token": token, "from": "confirmed", "preset": "payroll", "confirmed": confirmed}
    draft = client.post(f"/ask?lang={lang}", data=sent)
    assert draft.status_code == 200
    shown = re.search(r"<textarea[^>]*>(.*?)</textarea>", draft.text, re.DOTALL)
    assert shown
    categories = ["employee", "financial", "identity", "unknown"]
    assert json.loads(unescape(shown.group(1))) == {"data": {"personal": True, "categories": categories}}


def test_a_preset_that_is_not_there_states_nothing(client: TestClient) -> None:
    """Neither to confirm nor as confirmed."""
    token = re.findall(r'name="token" value="([^"]+)"', client.get("/ask").text)[0]
    for how in ("preset", "confirmed"):
        draft = client.post("/ask", data={"token": token, "from": how, "preset": "nothing", "confirmed": "data.personal"})
        shown = re.search(r"<textarea[^>]*>(.*?)</textarea>", draft.text, re.DOTALL)
        assert shown
        assert json.loads(unescape(shown.group(1))) == {}


def test_a_draft_begins_in_a_persons_own_words(client: TestClient) -> None:
    """The page shows where each word can be said, unticked; what is ticked is stated, its sets are open, and nothing else is stated."""
    token = re.findall(r'name="token" value="([^"]+)"', client.get("/ask").text)[0]
    page = client.post("/ask", data={"token": token, "from": "words", "words": "payroll, Germany，母公司, zeppelin"}).text
    offered = re.findall(r'name="said" value="([^"]+)">', page)
    assert {"data.categories employee", "purpose.is hr", "exporter.country DE", "recipient.relation same-group"} <= set(offered)
    assert "No fact is called “zeppelin”." in unescape(page)
    ticked = [
        "data.categories employee",
        "exporter.country DE",
        "exporter.country FR",
        "purpose.is Atlantis",
        "act.none x",
        "said",
    ]
    draft = client.post("/ask", data={"token": token, "from": "said", "said": ticked})
    shown = re.search(r"<textarea[^>]*>(.*?)</textarea>", draft.text, re.DOTALL)
    assert shown
    assert json.loads(unescape(shown.group(1))) == {
        "data": {"categories": ["employee", "unknown"]}, "exporter": {"country": "DE"}
    }  # fmt: skip


def test_a_word_is_text_and_nothing_else(client: TestClient) -> None:
    """Marks of HTML stay text, a flood of words is cut, and no word finds nothing."""
    token = re.findall(r'name="token" value="([^"]+)"', client.get("/ask").text)[0]
    for words in ("<script>alert(1)</script>", ",".join(f"w{n}" for n in range(200)), "", "x" * 100_000):
        answer = client.post("/ask?lang=zh", data={"token": token, "from": "words", "words": words})
        assert answer.status_code == 200
        assert "<script>alert" not in answer.text
        assert answer.text.count('id="h-') <= 8
