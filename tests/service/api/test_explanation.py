"""
Explanations: what `include` adds to an answer is what `/v1/decisions/{id}/explanation` gives later, byte for byte, from the record.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.testclient import TestClient

import engine
from service.callers import entrance
from service.callers.caller import Caller
from service.log.leaf import with_personal_values
from service.server.app import create_app
from service.service import Service
from service.settings import Settings
from service.telemetry import log_lines
from tests.service.api.test_places import QUEBEC
from tests.service.conftest import BOTH_DATABASES, EXCHANGE, Lines, body
from tests.service.written_records import put

TODAY = datetime(2026, 11, 24, 12, tzinfo=UTC)
NOBODY = "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071"
SHOWN: dict[str, dict[str, Any]] = {
    "unmet": QUEBEC,
    "a permit": {**QUEBEC, "exporter": {**QUEBEC["exporter"], "zone": "CA-ON"}},
    "hypothetical": {**QUEBEC, "as_of": "2026-01-05"},
    "undetermined": {name: part for name, part in QUEBEC.items() if name not in ("purpose", "act")},
    "nothing": {},
}


@pytest.fixture(scope="module")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """The application with the bundled policies."""
    database = tmp_path_factory.mktemp("explanation") / "log.db"
    settings = Settings(watch=False, database=str(database), mode="bitset")
    opened = Service.open(settings, say=log_lines.logger(Lines()), clock=lambda: TODAY)
    with TestClient(create_app(opened.settings, opened), base_url="http://127.0.0.1:8080") as client:
        yield client
    opened.close()


def explanation(client: TestClient, id: str, query: str = "") -> Any:
    """The response of the endpoint."""
    return client.get(f"/v1/decisions/{id}/explanation{query}")


def alike(client: TestClient, sent: Any, include: str, lang: str) -> dict[str, Any]:
    """Evaluate with parts of the explanation, ask for the same later, and hold both to the byte; the explanation."""
    answer = client.post(f"/v1/evaluate?include={include}&lang={lang}", json=sent)
    assert answer.status_code == 200, answer.text
    later = explanation(client, answer.json()["id"], f"?include={include}")
    assert (later.status_code, later.headers["verdict"]) == (200, "same")
    content, member, until = answer.content.rpartition(b',"keep_until":')
    assert content.endswith(b',"explanation":' + later.content)
    assert (member, until[-1:]) == (b',"keep_until":', b"}")
    document: dict[str, Any] = later.json()
    engine.Explanation.model_validate(document)
    assert (document["id"], document["lang"]) == (answer.json()["id"], lang)
    short = len(content) + 1 - len(later.content) - len(',"explanation":')
    assert short <= 4_096
    return document


@pytest.mark.parametrize("lang", engine.LANGUAGES)
@pytest.mark.parametrize("name", SHOWN)
def test_the_whole_explanation_is_the_same_later(bundled: TestClient, name: str, lang: str) -> None:
    """Every part at once, of a permit, of refusals, of what is open and of what is hypothetical."""
    found = alike(bundled, SHOWN[name], "all", lang)
    assert ("rests_on" in found) is (name == "a permit")
    assert len(found["possible"]) == found["possible_count"]


@pytest.mark.parametrize("part", engine.PARTS)
def test_each_part_is_the_same_later(bundled: TestClient, part: str) -> None:
    """Alone, in both languages; and asked for alone it is what it is in the whole."""
    for lang in engine.LANGUAGES:
        found = alike(bundled, SHOWN["a permit"], part, lang)
        whole = explanation(bundled, found["id"], "?include=all").json()
        assert found.items() <= whole.items()
        assert part in found


def test_a_batch_and_a_call_agree(bundled: TestClient) -> None:
    """In the answer and in its explanation, but for what names the decision; without `include` there is no explanation."""

    def nameless(answer: dict[str, Any]) -> str:
        return json.dumps(answer, ensure_ascii=False).replace(answer["id"], "")

    for query in ("?include=all&lang=zh", ""):
        sent = list(SHOWN.values())
        results = bundled.post(f"/v1/evaluate/batch{query}", json={"exchanges": sent}).json()["results"]
        alone = [bundled.post(f"/v1/evaluate{query}", json=each).json() for each in sent]
        assert [nameless(each["decision"]) for each in results] == [nameless(each) for each in alone]
        assert all(("explanation" in each) is bool(query) for each in alone)


def test_an_explanation_is_told_in_the_language_that_is_asked_for(bundled: TestClient) -> None:
    """By default in that of the answer."""
    answer = bundled.post("/v1/evaluate?include=reasons&lang=zh", json=QUEBEC).json()
    assert explanation(bundled, answer["id"], "?include=reasons").json() == answer["explanation"]
    english = explanation(bundled, answer["id"], "?include=reasons&lang=en").json()
    assert english["lang"] == "en"
    assert [each["provision"] for each in english["reasons"]] == [
        each["provision"] for each in answer["explanation"]["reasons"]
    ]
    assert english["reasons"] != answer["explanation"]["reasons"]


def test_what_is_merely_possible_comes_in_pages(bundled: TestClient) -> None:
    """It is counted beside the reasons; pages follow one another without a gap."""
    id = bundled.post("/v1/evaluate", json={"data": {"personal": True}}).json()["id"]
    first = explanation(bundled, id).json()
    assert "possible" not in first
    whole = explanation(bundled, id, "?include=possible").json()["possible"]
    assert len(whole) == first["possible_count"] > 120
    pages: list[list[Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = explanation(bundled, id, f"?include=possible&limit=60{cursor and '&cursor='}{cursor}").json()
        pages.append(page["possible"])
        cursor = page["next"]
    assert [each for page in pages for each in page] == whole
    assert [len(page) for page in pages[:-1]] == [60] * (len(pages) - 1)
    assert explanation(bundled, id, "?include=reasons&limit=60").json().keys() >= {"reasons", "possible_count"}


# Small policies from here on.


def decided(client: TestClient, **changes: Any) -> str:
    """Have an exchange decided; the decision's id."""
    id: str = client.post("/v1/evaluate", content=body(**changes), headers={"content-type": "application/json"}).json()["id"]
    return id


@pytest.mark.parametrize(
    ("query", "says"),
    [
        (
            "?inlcude=reasons",
            "there is no parameter `inlcude`; did you mean `include`? there are `include`, `lang`, `limit`, `cursor`",
        ),
        ("?include=reason", "not `reason`"),
        ("?include=", "not ``"),
        ("?include=reasons,reasons", "twice"),
        ("?lang=fr", "`lang` takes `en`, `zh`, not `fr`"),
        ("?lang=en&lang=zh", "twice"),
        ("?limit=0", "`limit` takes a number from 1 to 500"),
        ("?limit=%D9%A1", "`limit` takes"),
        ("?limit=501", "to 500"),
        ("?cursor=0", "`cursor` takes the `next` of a page of the same list"),
        ("?reasons", "write the query as"),
    ],
)
def test_a_query_that_is_not_understood_is_refused_by_name(client: TestClient, query: str, says: str) -> None:
    """400 that says what there is: what is misspelled would be missed."""
    answer = explanation(client, decided(client), query)
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:fifthfactor:problem:bad-request")
    assert says in answer.json()["detail"]


def test_who_may_not_read_gets_no_explanation(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """It needs the scope `read`; no other scope will do."""
    id = decided(client)
    for scopes in ({"evaluate", "commit", "review"}, set[str]()):
        monkeypatch.setattr(entrance, "LOCAL", Caller("gateway", frozenset(scopes)))
        assert explanation(client, id).status_code == 403
    monkeypatch.setattr(entrance, "LOCAL", Caller("reader", frozenset({"read"})))
    assert explanation(client, id).status_code == 200


def test_what_is_not_recorded_is_not_found(client: TestClient) -> None:
    """As its record is."""
    decided(client)
    for id in (NOBODY, "nothing", "%00"):
        answer = explanation(client, id)
        assert (answer.status_code, answer.json()["type"]) == (404, "urn:fifthfactor:problem:not-found")


def other(service: Service, id: str, **members: Any) -> str:
    """Record what a decision's record says, with other members; the id of that record."""
    stored = service.store.read(id)
    assert stored is not None
    record = with_personal_values(stored.entry.leaf, stored.entry.openings)
    return put(service, {**record, "id": "f" + id[1:], **members}, [*(each for each in ("/exporter/id", "/recipient/id"))])


@BOTH_DATABASES
def test_without_the_policies_that_decided_there_is_none(client: TestClient, service: Service) -> None:
    """409 with the digest that is needed; so it is for a record that is not sound."""
    digest = "ab" * 32
    id = other(service, decided(client), bundle={"meaning": digest, "source": digest})
    answer = explanation(client, id)
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:fifthfactor:problem:cannot-replay")
    assert digest in answer.json()["detail"]
    with service.store.database.writing.begin() as connection:
        connection.exec_driver_sql("UPDATE record SET leaf_hash = leaf")
    answer = explanation(client, id)
    assert (answer.status_code, "is not sound" in answer.json()["detail"]) == (409, True)


def test_the_header_says_whether_the_verdict_is_the_recorded_one(client: TestClient, service: Service) -> None:
    """The same, or another one."""
    id = decided(client, evidence={})
    assert explanation(client, id).headers["verdict"] == "same"
    stored = service.store.read(id)
    assert stored is not None
    decision = with_personal_values(stored.entry.leaf, stored.entry.openings)["decision"]
    assert explanation(client, other(service, id, decision={**decision, "verdict": "0" * 64})).headers["verdict"] == "other"


def test_an_explanation_has_no_personal_value_and_outlives_an_erasure(client: TestClient, service: Service) -> None:
    """Once the values are erased it is told without them, and the verdict is the same where they do not weigh."""
    id = decided(client)
    before = explanation(client, id, "?include=all")
    assert client.post(f"/v1/decisions/{id}/erase").json()["erased"] == 3
    after = explanation(client, id, "?include=all")
    assert (before.headers["verdict"], after.headers["verdict"]) == ("same", "same")
    for told in (before, after):
        for value in (EXCHANGE["exporter"]["id"], EXCHANGE["recipient"]["id"], "Wang Fang"):
            assert value not in told.text
