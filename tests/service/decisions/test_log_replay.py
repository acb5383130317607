"""The whole log decided again: what is the same, what cannot be compared and why, and every difference by name."""

import asyncio
import json
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from service.cli import replay_all
from service.decisions import log_replay
from service.log.leaf import with_personal_values
from service.policies import archive
from service.service import Service
from service.store.tables import bundle, personal, record
from tests.service import ready_process
from tests.service.cli.test_log import changed, decided, run
from tests.service.conftest import BOTH_DATABASES, ROOT, without_settings
from tests.service.written_records import put

JSON = {"content-type": "application/json"}


def replayed(database: str, *options: str) -> tuple[int, Any]:
    """The exit code and the summary of a replay of the whole log, in this process."""
    code, output, said = run(database, "replay", "--all", "--json", "--processes", "1", *options)
    assert output, said
    return code, json.loads(output)


def results(document: Any) -> dict[str, int]:
    """How many records have each result, without those that none has."""
    return {name: number for name, number in document["counts"].items() if number}


def forged(service: Service, id: str, **parts: Any) -> str:
    """A record like another, written and hashed anew with other parts, as somebody would who may write to everything."""
    stored = service.store.read(id)
    assert stored is not None
    held = with_personal_values(stored.entry.leaf, stored.entry.openings)
    other = "e" + id[1:]
    held |= {"id": other, "decision": {**held["decision"], "id": other}}
    return put(service, held | {name: part(held[name]) for name, part in parts.items()})


@BOTH_DATABASES
def test_what_was_recorded_is_the_same_and_every_alteration_is_named(
    client: TestClient, service: Service, database: str
) -> None:
    """An answer or a verdict that was written anew, bytes that were changed in place, a record that is gone."""
    same = decided(client, evidence={})
    decided(client, "?lang=zh")
    code, found = replayed(database)
    assert (code, found["holds"], found["complete"], results(found)) == (0, True, True, {"bytes": 2})

    answer = forged(service, same, decision=lambda decision: {**decision, "outcome": "prohibited"})
    verdict = forged(service, decided(client), verdict=lambda verdict: {**verdict, "stands": ["cn.test/art-9"]})
    in_place, gone = decided(client), decided(client)
    last = decided(client, data={})
    with service.store.database.writing.begin() as connection:
        number = {row.id: row.sequence for row in connection.execute(sa.select(record.c.id, record.c.sequence))}
        here = sa.and_(personal.c.sequence == number[in_place], personal.c.pointer == "decision")
        connection.execute(sa.update(personal).where(here).values(value=b'{"proceed":true}'))
        for table in ("personal", "entry", "record"):
            connection.exec_driver_sql(f"DELETE FROM {table} WHERE sequence = {number[gone]}")
    code, found = replayed(database)
    assert (code, found["holds"], found["next"]) == (1, False, number[last] + 1)
    assert results(found) == {"bytes": 4, "different": 2, "unsound": 1, "missing": 1}
    named = {each["id"]: each for each in found["findings"]}
    assert [each["number"] for each in found["findings"]] == [number[answer], number[verdict], number[in_place], number[gone]]
    assert "/decision/outcome" in {each["pointer"] for each in named[answer]["differences"]}
    assert [each["pointer"] for each in named[verdict]["differences"]] == ["/verdict/stands"]
    assert "the value of `decision` does not open its commitment" in named[in_place]["detail"]
    assert named[None]["detail"] == "there is no record of this number"
    code, told, _ = run(database, "replay", "--all", "--processes", "1")
    assert (code, f"finding in record {number[answer]} {answer}" in told) == (1, True)
    assert "  /decision/outcome: recorded" in told
    assert "           4 the same, byte for byte\n" in told
    assert told.endswith("\n4 findings\n")


def test_what_cannot_be_compared_is_counted_with_its_reason_and_is_no_finding(
    client: TestClient, service: Service, database: str
) -> None:
    """Erased values on which the decision rests, policies that are not kept, another version of the engine or of the semantics."""
    asyncio.run(service.store.erase(decided(client)))
    reworded = {"decision": lambda decision: {**decision, "answer": "Other words."}}
    changed(service, decided(client), **reworded, engine=lambda _: {"version": "0.4.0", "semantics": 2})
    other = changed(
        service,
        decided(client),
        decision=lambda it: {**it, "outcome": "x"},
        engine=lambda _: {"version": "0.2.0", "semantics": 1},
    )
    digest = "ab" * 32
    strange = changed(service, decided(client), bundle=lambda _: {"meaning": digest, "source": digest})
    latin = changed(service, decided(client, "?lang=zh"), lang=lambda _: "la")
    code, found = replayed(database)
    assert (code, found["findings"]) == (0, [])
    expected = {"without-erased": 1, "meaning": 1, "other-semantics": 1, "policies": 1, "version": 1}
    assert {name: number for name, number in results(found).items() if name != "bytes"} == expected
    assert found["examples"] == {"other-semantics": [other], "policies": [strange], "version": [latin]}


def test_a_record_that_rests_on_erased_values_is_said_and_is_no_finding(
    client: TestClient, service: Service, database: str
) -> None:
    """Without them another decision comes out, and nobody can know what came out with them."""
    id = decided(client)
    stored = service.store.read(id)
    assert stored is not None
    held = with_personal_values(stored.entry.leaf, stored.entry.openings)
    other = put(service, {**held, "id": "d" + id[1:]} | {"decision": {**held["decision"], "id": "d" + id[1:]}}, ["/exporter"])
    asyncio.run(service.store.erase(other))
    code, found = replayed(database)
    assert (code, results(found), found["examples"]) == (0, {"bytes": 1, "erased": 1}, {"erased": [other]})
    code, told, _ = run(database, "replay", "--all", "--processes", "1")
    assert (code, f"1 not replayed: they rest on values that were erased ({other})" in told) == (0, True)


def test_a_record_that_lacks_something_stops_nothing(client: TestClient, service: Service, database: str) -> None:
    """Its bytes have their hash, but no version of this program writes such a record."""
    id = changed(service, decided(client), decision=lambda decision: {"engine": decision["engine"]})
    decided(client)
    code, found = replayed(database)
    assert (code, results(found), found["findings"][0]["id"]) == (1, {"bytes": 2, "unsound": 1}, id)
    assert found["findings"][0]["detail"] == "the record lacks what its shape has (KeyError)"


def test_kept_policies_that_were_changed_are_a_finding(client: TestClient, service: Service, database: str) -> None:
    """They would let a changed decision come out the same."""
    id = decided(client)
    sources = {name: data.replace(b"Art. 1", b"Art. 2") for name, data in service.live.bundle.sources.items()}
    with service.store.database.writing.begin() as connection:
        connection.execute(sa.update(bundle).values(archive=archive.write(sources)))
    code, found = replayed(database)
    [told] = found["findings"]
    assert (code, told["id"], told["result"], "they were changed" in told["detail"]) == (1, id, "unsound", True)


def test_only_the_records_of_a_time_are_replayed(client: TestClient, service: Service, database: str) -> None:
    """Whether or not the index knows them."""
    id = decided(client)
    for number, moment in enumerate(("2026-01-05T10:00:00Z", "2026-01-06T10:00:00Z", "2026-01-07T10:00:00Z")):
        stored = service.store.read(id)
        assert stored is not None
        held = with_personal_values(stored.entry.leaf, stored.entry.openings)
        put(service, {**held, "id": f"{number + 1}{id[1:]}", "recorded_at": moment} | {"decision": held["decision"]})

    def counted() -> list[int]:
        times = (
            ("--until", "2026-01-06"),
            ("--since", "2026-01-06", "--until", "2026-01-07T09:00:00Z"),
            ("--since", "2030-01-01"),
        )
        return [sum(replayed(database, *each)[1]["counts"].values()) for each in times]

    assert counted() == [2, 1, 0]
    with service.store.database.writing.begin() as connection:
        connection.exec_driver_sql("DELETE FROM entry WHERE sequence < 3")
    assert counted() == [2, 1, 0]


def test_an_interrupted_replay_says_what_was_done_and_goes_on_from_there(
    client: TestClient, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends as an interruption does; the rest is replayed by the option that it names."""
    for _ in range(5):
        decided(client)
    monkeypatch.setattr(log_replay, "PART", 2)

    def interrupted(work: Any, items: Any, **_: Any) -> Any:
        yield work(items[0])
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(replay_all, "in_processes", interrupted)
        code, told, said = run(database, "replay", "--all")
    assert (code, "2 records replayed" in told) == (130, True)
    assert said == "interrupted: 3 records are left; go on with --after 1\n"
    code, found = replayed(database, "--after", "1")
    assert (code, found["first"], found["next"], results(found)) == (0, 2, 5, {"bytes": 3})


def test_several_processes_replay_one_log(client: TestClient, service: Service, database: str) -> None:
    """They come to what one comes to."""
    for _ in range(230):
        client.post("/v1/evaluate", content=b'{"as_of": "2024-06-01"}', headers=JSON)
    changed(service, decided(client), decision=lambda decision: {**decision, "outcome": "prohibited"})
    command = ("replay", "--all", "--json", "--processes", "2", "--database", database)
    code, printed, said = ready_process.run(*command, folder=ROOT, environment=without_settings())
    found = json.loads(printed)
    assert (code, results(found), said) == (1, {"bytes": 231, "different": 1}, "")
    alone = replayed(database)[1]
    assert {**alone, "seconds": 0} == {**found, "seconds": 0}


@pytest.mark.parametrize("options", [(), ("--all", "x"), ("x", "--since", "2026-01-01"), ("--all", "--since", "soon")])
def test_a_replay_that_is_asked_for_wrongly_says_how(database: str, options: tuple[str, ...]) -> None:
    """Ids or the whole log, and a time only with the whole log."""
    code, _, said = run(database, "replay", *options)
    assert (code, said.startswith("error: ")) == (2, True)
