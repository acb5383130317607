"""The log as a reviewer meets it: the search and the replay over HTTP, and the commands `log …` and `replay`."""

import asyncio
import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer.main
from starlette.testclient import TestClient
from typer.testing import CliRunner

import engine
from service.cli.main import app
from service.log.leaf import with_personal_values
from service.log.search_query import ABOUT, ONCE
from service.service import Service
from tests.service.conftest import BOTH_DATABASES, EXCHANGE, POLICIES, body
from tests.service.written_records import put

NOBODY = "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071"


def decided(client: TestClient, query: str = "", **changes: Any) -> str:
    """Have an exchange decided; the decision's id."""
    headers = {"content-type": "application/json"}
    answer = client.post(f"/v1/evaluate{query}", content=body(**changes), headers=headers)
    assert answer.status_code == 200, answer.text
    id: str = answer.json()["id"]
    return id


def asked(client: TestClient, query: str) -> list[str]:
    """The ids that a search finds."""
    answer = client.get(f"/v1/decisions?{query}")
    assert answer.status_code == 200, answer.text
    return [row["id"] for row in answer.json()["decisions"]]


def run(database: str, *command: str) -> tuple[int, str, str]:
    """Run the command line; its exit code and what it prints."""
    result = CliRunner().invoke(app, list(command), env={"FIFTHFACTOR_DATABASE": database})
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def path(service: Service, database: str) -> str:
    """The address of the open service's database."""
    return database


@BOTH_DATABASES
def test_a_decision_is_found_by_everything_it_names(client, service):
    """Each filter that the decision meets finds it, and together they do."""
    id = decided(client, evidence={})
    source = service.live.digests.source
    found = (
        "outcome=review",
        "proceed=false",
        "jurisdiction=CN",
        "provision=cn.test/art-1",
        "exporter=practice-of-dr-li-na",
        "recipient=lab-of-dr-smith",
        "exporter_country=CN",
        "recipient_country=US",
        "caller=local",
        f"bundle={source[:8]}",
    )
    for query in (*found, "&".join(found), "outcome=permitted&outcome=review"):
        assert asked(client, query) == [id], query
    for query in (
        "outcome=permitted",
        "proceed=true",
        "jurisdiction=EU",
        "missing=data.people",
        "until=2020-01-01",
        "category=health",
    ):
        assert asked(client, query) == [], query


def test_a_missing_fact_is_found(client):
    """What was asked for."""
    id = decided(client, data={}, evidence={})
    assert asked(client, "missing=data.people") == [id]


def test_a_row_tells_the_decision_in_short(client):
    """With who took part, what was answered, and where it stands in the log."""
    id = decided(client)
    [row] = client.get("/v1/decisions").json()["decisions"]
    record = client.get(f"/v1/decisions/{id}").json()["record"]
    assert (row["sequence"], row["id"], row["answer"]) == (0, id, record["decision"]["answer"])
    assert (row["exporter"], row["recipient_country"]) == ("practice-of-dr-li-na", "US")
    assert (row["recorded_at"], row["as_of"], row["hypothetical"]) == (record["recorded_at"], "2024-06-01", True)


def test_pages_follow_one_another(client):
    """Every decision once, newest first."""
    ids = [decided(client) for _ in range(5)]
    found, cursor = [], ""
    for _ in range(3):
        page = client.get(f"/v1/decisions?limit=2{cursor}").json()
        found += [row["id"] for row in page["decisions"]]
        cursor = f"&cursor={page['next']}"
    assert (found, page["next"], page["unindexed"]) == (ids[::-1], None, 0)


@pytest.mark.parametrize(
    "query",
    [
        *("colour=red", "outcome=fine", "proceed=yes", "limit=0", "limit=201", "limit=%D9%A1", "since=yesterday", "cursor=abc"),
        *("limit=1&limit=2", "exporter=", f"exporter={'x' * 257}", "since", "&".join(["outcome=review"] * 51), "exporter=%ff"),
    ],
)
def test_a_search_that_is_not_understood_is_refused(client, query):
    """A filter that was asked for is never left out silently."""
    answer = client.get(f"/v1/decisions?{query}")
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:fifthfactor:problem:bad-request")


def test_an_erased_party_is_found_no_more(client, service):
    """Nor shown."""
    id = decided(client)
    asyncio.run(service.store.erase(id))
    assert asked(client, "exporter=practice-of-dr-li-na") == []
    [row] = client.get("/v1/decisions?exporter_country=CN").json()["decisions"]
    assert (row["exporter"], row["recipient"]) == (None, None)


def test_a_decision_s_values_are_erased_by_whoever_may(client, service, path):
    """Over HTTP and by the command; once for all, told in the audit, and the record stays what was proved of it."""
    first, second = decided(client), decided(client)
    before = client.get(f"/v1/decisions/{first}").json()
    answer = client.post(f"/v1/decisions/{first}/erase")
    assert (answer.status_code, answer.json()) == (200, {"id": first, "erased": 3})
    assert client.post(f"/v1/decisions/{first}/erase").json()["erased"] == 0
    after = client.get(f"/v1/decisions/{first}").json()
    assert after["log"]["leaf_hash"] == before["log"]["leaf_hash"]
    assert "practice-of-dr-li-na" in json.dumps(before)
    assert "practice-of-dr-li-na" not in json.dumps(after)
    assert client.post(f"/v1/decisions/{NOBODY}/erase").status_code == 404
    code, output, errors = run(path, "log", "erase", second, NOBODY)
    assert (code, output) == (1, f"{second}: 3 values erased\n")
    assert '"action": "decision-erased"' in errors
    assert f"no decision has the id `{NOBODY}`" in errors
    assert asked(client, "exporter=practice-of-dr-li-na") == []
    assert run(path, "log", "verify")[0] == 0


@pytest.mark.parametrize(
    "query", ["", "?lang=zh", "?include=remedies,holds_until,trace", "?lang=zh&include=remedies", "?include=rests_on"]
)
def test_a_replay_comes_to_the_same_bytes(client, query):
    """In the language and with the additions of the answer, hypothetical or not."""
    for changes in ({}, {"as_of": None}):
        sent = {name: value for name, value in changes.items() if value}
        id = decided(client, query, **sent)
        answer = client.get(f"/v1/decisions/{id}/replay").json()
        assert (answer["holds"], answer["same"], answer["differences"]) == (True, "bytes", [])


def test_a_record_says_its_language_and_is_written_once_to_be_replayed(client, monkeypatch):
    """A record that is not in English says so."""
    ids = [decided(client, query) for query in ("", "?lang=zh")]
    records = [client.get(f"/v1/decisions/{id}").json()["record"] for id in ids]
    assert [each.get("lang") for each in records] == [None, "zh"]
    written: list[str] = []
    real = engine.PDP.answer

    def write(self: engine.PDP, judgement: engine.Judgement, **more: Any) -> engine.WrittenDecision:
        written.append(more["lang"])
        return real(self, judgement, **more)

    monkeypatch.setattr(engine.PDP, "answer", write)
    assert [client.get(f"/v1/decisions/{id}/replay").json()["same"] for id in ids] == ["bytes", "bytes"]
    assert written == ["en", "zh"]


def test_a_record_in_a_language_of_another_version_cannot_be_replayed(client, service):
    """And it is said which language that is."""
    id = changed(service, decided(client, "?lang=zh"), lang=lambda lang: "la")
    answer = client.get(f"/v1/decisions/{id}/replay")
    assert (answer.status_code, "the language `la`" in answer.json()["detail"]) == (409, True)


def test_a_replay_without_what_was_erased_says_so(client, service):
    """The meaning is the same where the erased values do not weigh."""
    id = decided(client)
    asyncio.run(service.store.erase(id))
    answer = client.get(f"/v1/decisions/{id}/replay").json()
    assert answer["holds"]
    assert answer["erased"] == ["/evidence/cn-standard-contract/attested_by", "/exporter/id", "/recipient/id"]


def test_a_replay_of_nothing_is_not_found(client):
    """As the record is."""
    assert client.get(f"/v1/decisions/{NOBODY}/replay").status_code == 404


def changed(service: Service, id: str, **parts: Any) -> str:
    """Record what a decision's record says, but for some parts; the id of that record."""
    stored = service.store.read(id)
    assert stored is not None
    record = with_personal_values(stored.entry.leaf, stored.entry.openings)
    request = json.loads(body())
    other = "f" + id[1:]
    record |= {"id": other, "request": request, "decision": {**record["decision"], "id": other}}
    record |= {name: value(record[name]) for name, value in parts.items()}
    return put(service, record)


def test_a_decision_that_was_not_so_differs(client, service, path):
    """With what was recorded and what comes out now; the command ends with 1."""
    id = changed(service, decided(client), decision=lambda decision: {**decision, "outcome": "permitted", "proceed": True})
    answer = client.get(f"/v1/decisions/{id}/replay").json()
    assert (answer["holds"], answer["same"]) == (False, "nothing")
    assert {"pointer": "/outcome", "recorded": "permitted", "replayed": "permitted"} not in answer["differences"]
    assert "/proceed" in {each["pointer"] for each in answer["differences"]}
    code, shown, _ = run(path, "replay", id)
    assert (code, "different" in shown, "/proceed: recorded true, now false" in shown) == (1, True, True)


def test_other_wording_of_another_version_is_the_same_meaning(client, service):
    """Of the same version it is a difference."""
    reworded = {"decision": lambda decision: {**decision, "answer": "Other words."}}
    one = changed(service, decided(client), **reworded)
    two = changed(service, decided(client), **reworded, engine=lambda _: {"version": "0.0.1", "semantics": engine.SEMANTICS})
    answers = [client.get(f"/v1/decisions/{id}/replay").json() for id in (one, two)]
    assert [(each["same"], each["holds"]) for each in answers] == [("meaning", False), ("meaning", True)]
    assert "/answer" in {each["pointer"] for each in answers[0]["differences"]}


def test_under_other_semantics_nothing_that_comes_out_is_a_fault(client, service, path):
    """The replay says under which the record was decided, and shows what comes out now."""
    permitted = {"decision": lambda decision: {**decision, "outcome": "permitted", "proceed": True}}
    id = changed(service, decided(client), **permitted, engine=lambda _: {"version": "0.2.0", "semantics": 1})
    answer = client.get(f"/v1/decisions/{id}/replay").json()
    assert (answer["holds"], answer["same"], answer["refused"]) == (True, "nothing", None)
    assert (answer["recorded_under"], answer["replayed_under"]) == (1, 3)
    assert "/proceed" in {each["pointer"] for each in answer["differences"]}
    code, shown, _ = run(path, "replay", id)
    assert (code, "decided under semantics 1" in shown) == (0, True)


def test_an_exchange_that_other_semantics_accepted_is_refused_now_and_that_is_told(client, service, path):
    """Of a record of the present semantics it is an error: something is broken."""

    def impossible(request: dict[str, Any]) -> dict[str, Any]:
        return {**request, "data": {**request["data"], "personal": False}}

    one = changed(service, decided(client), request=impossible, engine=lambda _: {"version": "0.2.0", "semantics": 1})
    two = changed(service, decided(client), request=impossible)
    answer = client.get(f"/v1/decisions/{one}/replay").json()
    assert (answer["holds"], answer["same"], answer["differences"]) == (True, "nothing", [])
    assert "/data/personal" in answer["refused"]
    code, shown, _ = run(path, "replay", one)
    assert (code, "the exchange would be refused now" in shown) == (0, True)
    assert client.get(f"/v1/decisions/{two}/replay").status_code == 409


def test_a_new_record_names_the_semantics(client):
    """By their number, beside the version of the engine."""
    record = client.get(f"/v1/decisions/{decided(client)}").json()["record"]
    assert record["engine"] == {"semantics": engine.SEMANTICS, "version": engine.__version__}


def test_policies_that_are_not_kept_are_named(client, service, path):
    """By the digest that is needed."""
    digest = "ab" * 32
    id = changed(service, decided(client), bundle=lambda bundle: {**bundle, "source": digest})
    answer = client.get(f"/v1/decisions/{id}/replay")
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:fifthfactor:problem:cannot-replay")
    assert digest in answer.json()["detail"]
    assert digest in run(path, "replay", id, "--policies", str(POLICIES))[1]


def test_the_commands_read_while_the_service_runs(client, path):
    """They find what the service just recorded."""
    ids = [decided(client), decided(client, evidence={})]
    code, shown, _ = run(path, "log", "tail", "-n", "5")
    assert (code, [line.split()[2] for line in shown.splitlines()]) == (0, ids)
    code, shown, _ = run(path, "log", "search", "--outcome", "review", "--json")
    assert (code, json.loads(shown)["id"]) == (0, ids[1])
    assert run(path, "log", "verify")[:2] == (0, "2 records, no faults\n")
    code, shown, _ = run(path, "replay", *ids)
    assert (code, shown.count("byte for byte")) == (0, 2)
    assert run(path, "replay", ids[0], "--policies", str(POLICIES))[0] == 0
    code, shown, _ = run(path, "log", "show", ids[1])
    assert code == 0
    assert "DO NOT PROCEED" in shown
    assert "Art. 1" in shown
    assert "不得" in run(path, "log", "show", decided(client, "?lang=zh", evidence={}), "--lang", "zh")[1]


@pytest.mark.parametrize("verb", ["search", "export"])
def test_every_filter_of_a_query_is_an_option_with_its_words(verb):
    """One table: what the endpoint is asked by, and in the same words; what a query lacks is no option."""
    group: Any = typer.main.get_command(app)
    found = {each.name: each for each in group.commands["log"].commands[verb].params}
    shared = set(found) & set(ABOUT)
    assert shared == set(ABOUT)
    for name in shared:
        assert ABOUT[name][1:] in found[name].help
        assert f"--{name.replace('_', '-')}" in found[name].opts
        assert found[name].multiple == (name not in ONCE)


def test_an_empty_result_is_said(client, path):
    """On standard error, so that what is piped stays empty."""
    assert run(path, "log", "search", "--exporter", "nobody") == (0, "", "no decision is found\n")
    assert run(path, "log", "show", NOBODY)[0] == 1
    assert run(path, "replay", NOBODY)[0] == 1


def test_what_is_used_wrongly_ends_with_2(client, path, tmp_path):
    """And says what to do."""
    for command in (
        ("log", "search", "--outcome", "reviewed"),
        ("log", "search", "--since", "yesterday"),
        ("log", "export", "--format", "xml"),
        ("log", "export", "--output", str(tmp_path / "no" / "file")),
        ("log", "show", NOBODY, "--lang", "xx"),
        ("log", "tail", "--database", str(tmp_path / "nothing.db")),
    ):
        code, shown, said = run(path, *command)
        assert (code, shown) == (2, ""), command
        assert said.startswith("error: ")


def test_an_export_is_for_its_owner(client, path, tmp_path):
    """It holds personal values; a file that is there keeps the mode that somebody gave it."""
    decided(client)
    new, shared = tmp_path / "new.csv", tmp_path / "shared.csv"
    shared.write_text("x" * 100_000)
    shared.chmod(0o640)
    for file, mode in ((new, 0o600), (shared, 0o640)):
        assert run(path, "log", "export", "--output", str(file))[0] == 0
        assert file.stat().st_mode & 0o777 == mode
    assert new.read_bytes() == shared.read_bytes()


def test_an_export_has_everything_and_no_formula(client, path, tmp_path):
    """A table for people, lines for programs, whole records for those who check proofs."""
    decided(client)
    decided(client, exporter={"id": "=1+1", "country": "CN"})
    rows = list(csv.DictReader(io.StringIO(run(path, "log", "export")[1])))
    assert [row["exporter"] for row in rows] == ["'=1+1", "practice-of-dr-li-na"]
    lines = run(path, "log", "export", "--format", "jsonl", "--exporter", "=1+1")[1].splitlines()
    assert [json.loads(line)["exporter"] for line in lines] == ["=1+1"]
    assert run(path, "log", "export", "--whole", "--output", str(tmp_path / "all.jsonl"))[0] == 0
    whole = [json.loads(line) for line in (tmp_path / "all.jsonl").read_text().splitlines()]
    assert [each["log"]["sequence"] for each in whole] == [1, 0]


def test_a_party_cannot_write_to_the_terminal(client, path):
    """What callers send is shown without what a terminal would obey."""
    decided(client, exporter={"id": "\x1b[2Jorg", "country": "CN"})
    shown = run(path, "log", "tail")[1]
    assert "\x1b" not in shown
    assert "[2Jorg" in shown


@BOTH_DATABASES
def test_verify_finds_what_was_changed(client, service, path):
    """Which record, and what is wrong with it."""
    ids = [decided(client) for _ in range(3)]

    def tamper(transaction: Any) -> None:
        transaction.exec_driver_sql("UPDATE record SET leaf_hash = leaf WHERE sequence = 1")

    asyncio.run(service.store.do(tamper))
    code, shown, _ = run(path, "log", "verify", "--json")
    found = json.loads(shown)
    assert (code, found["sound"], found["records"]) == (1, False, 3)
    of_a_record, of_the_tree = found["faults"]
    assert of_a_record["id"] == ids[1]
    assert (of_the_tree["sequence"], "does not have the hash of record 1" in of_the_tree["fault"]) == (None, True)


@BOTH_DATABASES
@pytest.mark.parametrize("said", [0, 1, 2])
def test_verify_looks_at_all_records_of_the_tree_whatever_the_head_says(client, service, path, said):
    """Who lowers the number of records, which has no seal, does not keep the changed values of the last ones from being found."""
    ids = [decided(client) for _ in range(3)]

    def tamper(transaction: Any) -> None:
        transaction.exec_driver_sql(f"UPDATE head SET next = {said} WHERE name = 'record'")
        transaction.exec_driver_sql("UPDATE personal SET value = '{}' WHERE pointer = 'decision' AND sequence = 2")

    asyncio.run(service.store.do(tamper))
    code, shown, _ = run(path, "log", "verify", "--json")
    found = json.loads(shown)
    assert (code, found["sound"], found["records"]) == (1, False, 3)
    assert ids[2] in {each["id"] for each in found["faults"] if "`decision` does not open its commitment" in each["fault"]}
    assert f"the log counts {said} records, and the leaves of 3 are in the tree" in {each["fault"] for each in found["faults"]}


def test_a_log_is_followed(server, database, tmp_path):
    """A real process prints what a real server records, as it comes."""
    import urllib.request

    def send() -> str:
        request = urllib.request.Request(server.address + "/v1/evaluate", body(), {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            id: str = json.load(answer)["id"]
            return id

    first = send()
    command = [sys.executable, "-W", "ignore", "-m", "service.cli", "log", "tail", "-f", "--json", "--database", database]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, cwd=tmp_path) as following:
        assert following.stdout
        try:
            assert json.loads(following.stdout.readline())["id"] == first
            second = send()
            assert json.loads(following.stdout.readline())["id"] == second
        finally:
            following.kill()


def test_the_log_is_exported_as_parquet(client, path, tmp_path):
    """All members of the rows, with their types, into a file that only its owner can read; to standard output it is refused."""
    from arro3.io import read_parquet

    id = decided(client)
    file = tmp_path / "log.parquet"
    assert run(path, "log", "export", "--format", "parquet", "--output", str(file)) == (0, "", "")
    assert file.stat().st_mode & 0o077 == 0
    found: Any = read_parquet(str(file)).read_all()
    assert [each.as_py() for each in found.column("id")] == [id]
    assert [each.as_py() for each in found.column("sequence")] == [0]
    assert [each.as_py() for each in found.column("exporter")] == [EXCHANGE["exporter"]["id"]]
    code, _, said = run(path, "log", "export", "--format", "parquet")
    assert code == 2
    assert "--output" in said
