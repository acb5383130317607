"""The whole log decided again: what is the same, what cannot be compared and why, and every difference by name."""

import asyncio
import json
import os
import signal
from collections.abc import Collection
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

import engine
from engine.backends.lanes.lane_outcomes import LaneOutcomes
from service.decisions import log_replay
from service.decisions.log_replay import LogReplay, PartResult
from service.decisions.recorded_bounds import ReplaySample
from service.log.leaf import with_personal_values
from service.policies import archive
from service.service import Service
from service.store.tables import bundle, personal, record
from tests.service import ready_process
from tests.service.cli.test_log import changed, decided, run
from tests.service.conftest import BOTH_DATABASES, ROOT, without_settings
from tests.service.written_records import put

JSON = {"content-type": "application/json"}
FEW = ("--bounds", "--sample", "1000000", "--seed", "1")  # a sample in which none of the first records is


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
    """It ends as an interruption does; the rest is replayed by the option that it names, by lanes too."""
    for _ in range(5):
        decided(client)
    monkeypatch.setattr(log_replay, "PART", 2)
    monkeypatch.setattr(log_replay, "LANES_PART", 3)
    part = LogReplay.part

    def interrupted(replaying: LogReplay, numbers: range) -> PartResult:
        os.kill(os.getpid(), signal.SIGINT)
        return part(replaying, numbers)

    for options, done, result in (((), 2, "bytes"), (FEW, 3, "bounds")):
        with monkeypatch.context() as patched:
            patched.setattr(LogReplay, "part", interrupted)
            code, told, said = run(database, "replay", "--all", "--processes", "1", *options)
        assert (code, f"{done} records replayed" in told) == (130, True)
        assert said == f"stopped after {done} of 5 records: go on with --after {done - 1}\n"
        code, found = replayed(database, "--after", str(done - 1), *options)
        assert (code, found["first"], found["next"], results(found)) == (0, done, 5, {result: 5 - done})


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


def permit(jurisdictions: Collection[str]) -> dict[str, Any]:
    """The parts of a record that says a permit under some jurisdictions, and overall if that is the empty name, wherever it says so."""
    ends = {"lowest": "permitted", "highest": "permitted"}

    def answered(decision: dict[str, Any]) -> dict[str, Any]:
        overall = (
            {"outcome": "permitted", "bounds": ends, "proceed": not decision["hypothetical"]} if "" in jurisdictions else {}
        )
        lines = [
            {**each, "outcome": "permitted", "bounds": ends} if each["jurisdiction"] in jurisdictions else each
            for each in decision["jurisdictions"]
        ]
        return {**decision, **overall, "jurisdictions": lines}

    def judged(verdict: dict[str, Any]) -> dict[str, Any]:
        return {**verdict, "bounds": {**verdict["bounds"], **{name: ["permitted", "permitted"] for name in jurisdictions}}}

    return {"decision": answered, "verdict": judged}


def test_bounds_are_compared_by_lanes_and_each_that_was_changed_is_found(
    client: TestClient, service: Service, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The outcome, or only that of one jurisdiction, or one word of the answer. Without the option lanes are not asked."""
    ids = [decided(client, evidence={}), decided(client, "?lang=zh", evidence={}), decided(client, data={})]
    client.post("/v1/evaluate", content=b'{"as_of": "2024-06-01"}', headers=JSON)
    code, found = replayed(database, *FEW)
    assert (code, results(found), found["sample"]) == (0, {"bounds": 4}, {"seed": 1, "one_in": 1_000_000})
    whole = forged(service, ids[0], **permit({"", "CN"}))
    part = forged(service, ids[1], **permit({"CN"}))
    word = forged(service, ids[2], decision=lambda decision: {**decision, "proceed": not decision["proceed"]})
    code, found = replayed(database, *FEW)
    assert (code, results(found)) == (1, {"bounds": 4, "different": 3})
    assert [each["id"] for each in found["findings"]] == [whole, part, word]
    assert "/decision/outcome" in {each["pointer"] for each in found["findings"][0]["differences"]}
    code, told, _ = run(database, "replay", "--all", "--processes", "1", *FEW)
    assert "           4 the same in outcome and bounds, by lanes\n" in told
    assert "one in 1,000,000 was decided again (--seed 1)\n" in told
    monkeypatch.setattr(engine.PDP, "differing", None)
    code, found = replayed(database)
    assert (code, results(found), found["sample"]) == (1, {"bytes": 4, "different": 3}, None)


def test_a_fault_of_the_lanes_is_found(
    client: TestClient, service: Service, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the sample where they confirm what is false; by the engines where they do not confirm what is true."""
    other = forged(service, decided(client, evidence={}), **permit({"", "CN"}))
    monkeypatch.setattr(LaneOutcomes, "differing", lambda *_: 0)
    assert results(replayed(database, *FEW)[1]) == {"bounds": 2}
    code, found = replayed(database, "--bounds", "--sample", "1")
    assert (code, results(found), found["findings"][0]["id"]) == (1, {"bytes": 1, "different": 1}, other)
    monkeypatch.setattr(LaneOutcomes, "differing", lambda outcomes, *_: outcomes.every)
    code, found = replayed(database, *FEW)
    assert (code, results(found)) == (1, {"different": 1, "lanes": 1})


def test_what_lanes_are_not_asked_about_is_decided_again(client: TestClient, service: Service, database: str) -> None:
    """Erased values, engines that disagreed, and policies that are not kept."""
    asyncio.run(service.store.erase(decided(client)))
    kept = decided(client, evidence={})
    forged(service, kept, decision=lambda decision: {**decision, "engine": {**decision["engine"], "agreed": False}})
    digest = "ab" * 32
    changed(service, kept, bundle=lambda _: {"meaning": digest, "source": digest})
    code, found = replayed(database, *FEW)
    assert (code, results(found)) == (1, {"bounds": 1, "without-erased": 1, "different": 1, "policies": 1})


def test_a_sample_is_chosen_by_its_seed_alone() -> None:
    """About one in so many, whatever parts they lie in; another seed chooses others."""
    chosen = [number for number in range(10_000) if ReplaySample(7, 100).has(number)]
    assert 60 < len(chosen) < 140
    assert chosen != [number for number in range(10_000) if ReplaySample(8, 100).has(number)]


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--all", "x"),
        ("x", "--since", "2026-01-01"),
        ("--all", "--since", "soon"),
        ("x", "--bounds"),
        ("--all", "--seed", "1"),
        ("--all", "--sample", "5"),
    ],
)
def test_a_replay_that_is_asked_for_wrongly_says_how(database: str, options: tuple[str, ...]) -> None:
    """Ids or the whole log, and a time only with the whole log."""
    code, _, said = run(database, "replay", *options)
    assert (code, said.startswith("error: ")) == (2, True)
