"""A review from its recording on: whatever reads the log reads it, in either language, and an erasure takes only what is personal."""

import asyncio
import json
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient
from typer.testing import CliRunner

from service.cli.main import app
from service.log.leaf import WHOLE, with_personal_values
from service.log.record import KeptRecord
from service.log.store import Store
from service.service import Service
from service.store import tables
from tests.service.conftest import BOTH_DATABASES, PERSONAL, body
from tests.service.written_records import put


def run(database: str, *command: str) -> tuple[int, str]:
    """Run the command line; its exit code and what it prints."""
    result = CliRunner().invoke(app, list(command), env={"FIFTHFACTOR_DATABASE": database})
    return result.exit_code, result.output


@pytest.fixture(params=["en", "zh"])
def id(request: pytest.FixtureRequest, client: TestClient) -> str:
    """The id of a review."""
    headers = {"content-type": "application/json"}
    answer = client.post(f"/v1/evaluate?lang={request.param}", content=body(evidence={}), headers=headers)
    found: str = answer.json()["id"]
    return found


def test_it_is_given_as_it_was_recorded(client: TestClient, id: str) -> None:
    """Of its model, and request and decision are committed to as wholes."""
    kept = client.get(f"/v1/decisions/{id}").json()
    assert KeptRecord.model_validate(kept).record.schema_ == kept["record"]["schema"] == "fifthfactor/record/3"
    assert {each["pointer"] for each in kept["log"]["personal"]} == {"/exporter/id", "/recipient/id", *WHOLE}


def test_it_is_verified_and_decided_again_to_the_byte(client: TestClient, database: str, id: str) -> None:
    """By the commands and over HTTP."""
    assert run(database, "log", "verify") == (0, "1 records, no faults\n")
    code, shown = run(database, "replay", id)
    assert (code, shown.count("byte for byte")) == (0, 1)
    assert client.get(f"/v1/decisions/{id}/replay").json()["same"] == "bytes"


def test_it_is_shown_with_its_reasons(client: TestClient, database: str, id: str) -> None:
    """On its page and by `log show`, told again."""
    code, shown = run(database, "log", "show", id)
    assert (code, "Art. 1" in shown) == (0, True)
    assert run(database, "review", "show", id)[0] == 0
    assert json.loads(run(database, "log", "show", id, "--json")[1])["record"]["id"] == id
    page = client.get(f"/log/{id}", headers={"accept-language": "en"})
    assert (page.status_code, "Art. 1</span></summary>" in page.text) == (200, True)


NAMED = (
    "outcome=review",
    "provision=cn.test/art-1",
    "jurisdiction=CN",
    "exporter=practice-of-dr-li-na",
    "recipient_country=US",
)


def found(client: TestClient, query: str) -> list[str]:
    """The ids that a search finds by words of the decision, of which the leaf has few."""
    return [each["id"] for each in client.get(f"/v1/decisions?{query}").json()["decisions"]]


def test_it_is_found_by_what_it_names(client: TestClient, id: str) -> None:
    """And by nothing else."""
    assert {query: found(client, query) for query in NAMED} == {key: [id] for key in NAMED}
    assert found(client, "provision=cn.test/art-9") == []


@BOTH_DATABASES
def test_it_is_taken_into_a_new_index(client: TestClient, service: Service, database: str, id: str) -> None:
    """The summary is read off the rows again; an upgrade of the tables leaves it."""
    before = client.get("/v1/decisions").json()["decisions"]
    with service.store.database.writing.begin() as connection:
        for table in (tables.entry_term, tables.entry, tables.term):
            connection.execute(sa.delete(table))
    code, shown = run(database, "database", "upgrade")
    assert (code, shown.partition(" revision")[0]) == (0, "the tables are of")
    Store.open(database).close()
    assert client.get("/v1/decisions").json()["decisions"] == before
    assert {query: found(client, query) for query in NAMED} == {key: [id] for key in NAMED}
    assert run(database, "database", "check")[0] == 0


def test_an_erasure_takes_the_personal_values_and_nothing_else(
    client: TestClient, service: Service, database: str, id: str
) -> None:
    """Request and decision stay readable; the values are in no row; the log verifies and replays."""
    before: Any = service.store.read(id)
    assert asyncio.run(service.store.erase(id)) == 2
    after: Any = service.store.read(id)
    assert (after.entry.leaf, after.faults()) == (before.entry.leaf, ())
    held = {each.pointer: each for each in after.entry.openings}
    assert [held[name].value for name in ("/exporter/id", "/recipient/id")] == [None, None]
    assert {name for name, each in held.items() if each.value} == set(WHOLE)
    told = client.get(f"/v1/decisions/{id}").json()
    assert told["record"]["request"]["exporter"] == {
        "country": "CN",
        "id": {"commitment": next(e["commitment"] for e in told["log"]["personal"] if e["pointer"] == "/exporter/id")},
    }
    again = client.get(f"/v1/decisions/{id}/replay").json()
    assert (again["holds"], again["erased"]) == (True, ["/exporter/id", "/recipient/id"])
    assert client.get(f"/log/{id}").status_code == 200
    assert run(database, "log", "verify")[0] == 0
    assert found(client, "exporter=practice-of-dr-li-na") == []
    with service.store.database.reading.connect() as connection:
        for table in (tables.record, tables.personal, tables.entry, tables.term):
            rows = repr(connection.execute(sa.select(table)).all())
            assert not [value for value in PERSONAL.values() if value in rows]


@BOTH_DATABASES
def test_a_change_of_the_decision_is_found(service: Service, database: str, id: str) -> None:
    """It is beside the leaf."""
    with service.store.database.writing.begin() as connection:
        here = tables.personal.c.pointer == "decision"
        value = connection.execute(sa.select(tables.personal.c.value).where(here)).scalar_one()
        changed = value.replace(b'"outcome":"review"', b'"outcome":"permitted"')
        assert changed != value
        connection.execute(sa.update(tables.personal).where(here).values(value=changed))
    code, shown = run(database, "log", "verify", "--json")
    assert (code, {each["id"] for each in json.loads(shown)["faults"]}) == (1, {id})


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_without_the_policies_that_decided_a_record_still_shows_its_answer(
    client: TestClient, service: Service, database: str, id: str, lang: str
) -> None:
    """The page has what the record has; `log show` says what is needed, and shows the record as JSON without it."""
    stored = service.store.read(id)
    assert stored is not None
    record = with_personal_values(stored.entry.leaf, stored.entry.openings)
    digest = "ab" * 32
    other = put(service, {**record, "id": "f" + id[1:], "bundle": {"meaning": digest, "source": digest}})
    page = client.get(f"/log/{other}?lang={lang}")
    assert (page.status_code, record["decision"]["jurisdictions"][0]["title"][1:] in page.text) == (200, True)
    assert "The provisions cannot be shown" in page.text or "无法列出规定" in page.text
    assert "Look at it" in page.text
    code, said = run(database, "log", "show", other, "--lang", lang)
    assert (code, digest in said, "`--json` does not" in said) == (2, True, True)
    assert json.loads(run(database, "log", "show", other, "--json")[1])["record"]["decision"] == record["decision"]
