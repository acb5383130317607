"""Records of all shapes in one log: the earlier ones stay as they were, and whatever reads the log reads them all."""

import asyncio
import json
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient
from typer.testing import CliRunner

from service.cli.main import app
from service.log.leaf import WHOLE, clear
from service.log.record import EarlierRecord, KeptRecord, Record
from service.log.store import Store
from service.service import Service
from service.store import tables
from tests.service.conftest import PERSONAL, body
from tests.service.earlier import put, record_earlier


def run(database: str, *command: str) -> tuple[int, str]:
    """Run the command line; its exit code and what it prints."""
    result = CliRunner().invoke(app, list(command), env={"FIFTHFACTOR_DATABASE": database})
    return result.exit_code, result.output


@pytest.fixture(params=["en", "zh"])
def ids(request: pytest.FixtureRequest, client: TestClient, service: Service) -> dict[int, str]:
    """One review, recorded in each of the shapes; its ids by shape."""
    headers = {"content-type": "application/json"}
    answer = client.post(f"/v1/evaluate?lang={request.param}", content=body(evidence={}), headers=headers)
    id = answer.json()["id"]
    return {**{shape: record_earlier(service, id, shape) for shape in (1, 2)}, 3: id}


def test_each_is_given_as_it_was_recorded(client: TestClient, ids: dict[int, str]) -> None:
    """Under its own name and of its own model; only from shape 3 on are request and decision committed to as wholes."""
    for shape, id in ids.items():
        kept = client.get(f"/v1/decisions/{id}").json()
        assert kept["record"]["schema"] == f"fifthfactor/record/{shape}"
        assert isinstance(KeptRecord.model_validate(kept).record, Record if shape == 3 else EarlierRecord)
        assert {each["pointer"] for each in kept["log"]["personal"]} - {"/exporter/id", "/recipient/id"} == (
            set(WHOLE) if shape == 3 else set()
        )
        assert ("reasons" in kept["record"]["decision"], "verdict" in kept["record"]) == (shape != 3, shape == 3)


def test_each_is_verified_and_decided_again_to_the_byte(client: TestClient, database: str, ids: dict[int, str]) -> None:
    """By the commands and over HTTP."""
    assert run(database, "log", "verify") == (0, "3 records, no faults\n")
    code, shown = run(database, "replay", *ids.values())
    assert (code, shown.count("byte for byte")) == (0, 3)
    for id in ids.values():
        assert client.get(f"/v1/decisions/{id}/replay").json()["same"] == "bytes"


def test_each_is_shown_with_its_reasons(client: TestClient, database: str, ids: dict[int, str]) -> None:
    """On its page and by `log show`, told again where the record has only the answer."""
    for shape, id in ids.items():
        code, shown = run(database, "log", "show", id)
        assert (code, "Art. 1" in shown) == (0, True), shape
        assert run(database, "review", "show", id)[0] == 0
        raw = json.loads(run(database, "log", "show", id, "--json")[1])
        assert raw["record"]["schema"] == f"fifthfactor/record/{shape}"
        page = client.get(f"/log/{id}", headers={"accept-language": "en"})
        assert (page.status_code, "Art. 1</span></summary>" in page.text) == (200, True)


NAMED = (
    "outcome=review",
    "provision=cn.test/art-1",
    "jurisdiction=CN",
    "exporter=practice-of-dr-li-na",
    "recipient_country=US",
)


def found(client: TestClient, query: str) -> set[str]:
    """The ids that a search finds by words of the decision, of which the leaf of the newest shape has few."""
    return {each["id"] for each in client.get(f"/v1/decisions?{query}").json()["decisions"]}


def test_each_is_found_by_what_it_names(client: TestClient, ids: dict[int, str]) -> None:
    """Whatever its shape; and by nothing else."""
    assert {query: found(client, query) for query in NAMED} == {key: set(ids.values()) for key in NAMED}
    assert found(client, "provision=cn.test/art-9") == set()


def test_each_is_taken_into_a_new_index(client: TestClient, service: Service, database: str, ids: dict[int, str]) -> None:
    """The summaries are read off the rows again, of whatever shape they are; an upgrade of the tables leaves them all."""
    before = {each["id"]: each for each in client.get("/v1/decisions").json()["decisions"]}
    with service.store.database.writing.begin() as connection:
        for table in (tables.entry_term, tables.entry, tables.term):
            connection.execute(sa.delete(table))
    code, shown = run(database, "database", "upgrade")
    assert (code, shown.partition(" revision")[0]) == (0, "the tables are of")
    Store.open(database).close()
    assert {each["id"]: each for each in client.get("/v1/decisions").json()["decisions"]} == before
    assert {query: found(client, query) for query in NAMED} == {key: set(ids.values()) for key in NAMED}
    assert run(database, "database", "check")[0] == 0


def test_an_erasure_takes_the_personal_values_of_each_and_nothing_else(
    client: TestClient, service: Service, database: str, ids: dict[int, str]
) -> None:
    """Request and decision stay readable; the values are in no row and in no file; the log verifies and replays."""
    for shape, id in ids.items():
        before: Any = service.store.read(id)
        assert asyncio.run(service.store.erase(id)) == 2
        after: Any = service.store.read(id)
        assert (after.entry.leaf, after.faults()) == (before.entry.leaf, ())
        held = {each.pointer: each for each in after.entry.openings}
        assert [held[name].value for name in ("/exporter/id", "/recipient/id")] == [None, None]
        assert {name for name, each in held.items() if each.value} == (set(WHOLE) if shape == 3 else set())
        told = client.get(f"/v1/decisions/{id}").json()
        assert told["record"]["request"]["exporter"] == {
            "country": "CN",
            "id": {"commitment": next(e["commitment"] for e in told["log"]["personal"] if e["pointer"] == "/exporter/id")},
        }
        again = client.get(f"/v1/decisions/{id}/replay").json()
        assert (again["holds"], again["erased"]) == (True, ["/exporter/id", "/recipient/id"])
        assert client.get(f"/log/{id}").status_code == 200
    assert run(database, "log", "verify")[0] == 0
    assert client.get("/v1/decisions?exporter=practice-of-dr-li-na").json()["decisions"] == []
    with service.store.database.reading.connect() as connection:
        for table in (tables.record, tables.personal, tables.entry, tables.term):
            rows = repr(connection.execute(sa.select(table)).all())
            assert not [value for value in PERSONAL.values() if value in rows]


def test_a_change_of_any_shape_is_found(service: Service, database: str, ids: dict[int, str]) -> None:
    """Of the decision, which is in the leaf of an earlier record, and beside that of a new one."""
    with service.store.database.writing.begin() as connection:
        for id in ids.values():
            row = connection.execute(sa.select(tables.record).where(tables.record.c.id == id)).one()
            beside = sa.select(tables.personal.c.value).where(
                tables.personal.c.sequence == row.sequence, tables.personal.c.pointer == "decision"
            )
            value = connection.execute(beside).scalar_one_or_none()
            if value is None:
                changed = row.leaf.replace(b'"outcome":"review"', b'"outcome":"permitted"')
                assert changed != row.leaf
                connection.execute(sa.update(tables.record).where(tables.record.c.id == id).values(leaf=changed))
            else:
                changed = value.replace(b'"outcome":"review"', b'"outcome":"permitted"')
                mine = (tables.personal.c.sequence == row.sequence, tables.personal.c.pointer == "decision")
                connection.execute(sa.update(tables.personal).where(*mine).values(value=changed))
    code, shown = run(database, "log", "verify", "--json")
    found = json.loads(shown)
    assert (code, {each["id"] for each in found["faults"]}) == (1, set(ids.values()))


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_without_the_policies_that_decided_a_record_still_shows_its_answer(
    client: TestClient, service: Service, database: str, ids: dict[int, str], lang: str
) -> None:
    """The page has what the record has; `log show` says what is needed, and shows the record as JSON without it."""
    stored = service.store.read(ids[3])
    assert stored is not None
    record = clear(stored.entry.leaf, stored.entry.openings)
    digest = "ab" * 32
    id = put(service, {**record, "id": "f" + ids[3][1:], "bundle": {"meaning": digest, "source": digest}})
    page = client.get(f"/log/{id}?lang={lang}")
    assert (page.status_code, record["decision"]["jurisdictions"][0]["title"][1:] in page.text) == (200, True)
    assert "The provisions cannot be shown" in page.text or "无法列出规定" in page.text
    assert "Look at it" in page.text
    code, said = run(database, "log", "show", id, "--lang", lang)
    assert (code, digest in said, "`--json` does not" in said) == (2, True, True)
    assert json.loads(run(database, "log", "show", id, "--json")[1])["record"]["decision"] == record["decision"]
