"""Policies are loaded anew while the service runs: whole or not at all, on a change, a signal and by the endpoint."""

import asyncio
import gc
import json
import os
import shutil
import signal
import sqlite3
import threading
import urllib.error
import urllib.request
import weakref
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient
from typer.testing import CliRunner

import engine
from service.cli.main import app
from service.log import leaf
from service.log.store import scan
from service.policies import archive, kept_bundles
from service.policies import loading as bundle_sources
from service.policies.reloading import PoliciesRefused
from service.server.app import create_app
from service.service import Service
from service.settings import Settings
from service.store.tables import tree_leaf
from service.telemetry import log_lines
from tests.service.conftest import BOTH_DATABASES, POLICIES, Lines, Server, copied, eventually, running

pytestmark = pytest.mark.usefixtures("little_to_search")

CHINA, AMERICA = {"exporter": {"country": "CN"}}, {"recipient": {"country": "US"}}
# Reviewed where ten thousand people are many, permitted where twenty thousand are.
LARGE = json.dumps({**CHINA, **AMERICA, "data": {"people": 12000}}).encode()
SMALL = json.dumps({**CHINA, **AMERICA, "data": {"people": 5, "id": "x"}}).encode()
UNWATCHED = {"FIFTHFACTOR_WATCH": "no"}


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    """A folder of the small policies that may be changed."""
    folder = tmp_path / "mine" / "policies"
    shutil.copytree(POLICIES, folder)
    return folder


def rewrite(folder: Path, old: str, new: str) -> None:
    """Change the rules."""
    rules = folder / "rules.yaml"
    text = rules.read_text()
    assert old in text
    put(rules, text.replace(old, new))


def put(file: Path, text: str) -> None:
    """Write a file that somebody may watch: whole at once, so that nobody finds it empty."""
    beside = file.with_name(f".{file.name}.new")
    beside.write_text(text)
    beside.replace(file)


def cli(*arguments: object) -> None:
    """Run a command that must do."""
    result = CliRunner().invoke(app, [*map(str, arguments)])
    assert result.exit_code == 0, result.output


def ask(server: Server, path: str, content: bytes | None = None, method: str | None = None) -> tuple[int, Any]:
    """Status and document of an answer."""
    headers = {"content-type": "application/json"} if content is not None else {}
    request = urllib.request.Request(server.address + path, content, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as refused:
        return refused.code, json.loads(refused.read())


def source(folder: Path) -> str:
    """The digest of the files as they are."""
    return engine.load(folder).digests.source


def live(server: Server) -> str:
    """The digest of what decides."""
    digest: str = ask(server, "/v1/bundle")[1]["source"]
    return digest


def test_a_bad_change_is_refused_and_a_good_one_is_taken(tmp_path, policies):
    """While the server runs: the last good policies go on, /readyz says which line is wrong, and mending it is enough."""
    with running(tmp_path / "log.db", "--policies", str(policies)) as server:
        first = live(server)
        assert ask(server, "/v1/evaluate", LARGE)[1]["outcome"] == "review"
        rewrite(policies, "at_least: 10 thousand", "at_leest: 10 thousand")
        eventually(lambda: server.events("policies_refused"))
        status, ready = ask(server, "/readyz")
        assert (status, ready["status"], ready["policies"]["source"]) == (200, "ready", first)
        (finding,) = ready["policies"]["refused"]["diagnostics"]
        assert (finding["file"], finding["line"], finding["code"]) == ("policies/rules.yaml", 20, "unknown-operator")
        assert ask(server, "/v1/evaluate", LARGE)[1]["bundle"]["source"] == first
        assert server.events("policies_refused")[0]["places"] == ["policies/rules.yaml:20:21 unknown-operator"]

        rewrite(policies, "at_leest: 10 thousand", "at_least: 20 thousand")
        eventually(lambda: server.events("policies_reloaded"))
        decision = ask(server, "/v1/evaluate", LARGE)[1]
        assert (decision["outcome"], decision["bundle"]["source"]) == ("permitted", source(policies))
        assert "refused" not in ask(server, "/readyz")[1]["policies"]
        told = ask(server, "/v1/bundle")[1]
        assert (told["reloads"], told["refusals"], told["refused"]) == (1, 1, None)
        assert server.stop() == 0


def test_new_policies_are_set_up_before_they_decide(in_file, policies, monkeypatch):
    """Their first exchange would keep all others waiting for it."""
    made: list[tuple[engine.PDP, bool]] = []
    policies_of_service = in_file.policies
    monkeypatch.setattr(policies_of_service, "origin", replace(policies_of_service.origin, paths=(policies,)))
    rewrite(policies, "10 thousand", "20 thousand")
    monkeypatch.setattr(engine.PDP, "set_up", lambda pdp: made.append((pdp, in_file.live.pdp is pdp)))
    assert asyncio.run(policies_of_service.reload())
    assert made == [(in_file.live.pdp, False)]


def test_a_folder_that_vanishes_decides_on_and_is_found_again(tmp_path, policies):
    """Another folder in its place counts, as when a link is turned to a new release."""
    with running(tmp_path / "log.db", "--policies", str(policies)) as server:
        first = live(server)
        policies.rename(policies.with_name("away"))
        eventually(lambda: server.events("policies_refused"))
        assert live(server) == first
        rewrite(policies.with_name("away"), "10 thousand", "20 thousand")
        policies.with_name("away").rename(policies)
        eventually(lambda: live(server) == source(policies) != first)


def test_a_hangup_loads_them_anew(tmp_path, policies):
    """Without a watch nothing happens until SIGHUP; a bad one is refused as well."""
    with running(tmp_path / "log.db", "--policies", str(policies), environment=UNWATCHED) as server:
        first = live(server)
        rewrite(policies, "10 thousand", "20 thousand")
        ask(server, "/v1/evaluate", LARGE)
        assert live(server) == first
        server.process.send_signal(signal.SIGHUP)
        eventually(lambda: live(server) == source(policies))
        rewrite(policies, "policy: cn.test", "policy: [")
        server.process.send_signal(signal.SIGHUP)
        eventually(lambda: server.events("policies_refused"))
        assert server.process.poll() is None


def test_the_endpoint_answers_with_digests_or_with_what_is_wrong(tmp_path, policies):
    """200 whether or not they are others, 422 with file, line and column where they do not hold."""
    with running(tmp_path / "log.db", "--policies", str(policies), environment=UNWATCHED) as server:
        first = live(server)
        status, told = ask(server, "/v1/bundle/reload", method="POST")
        assert (status, told["changed"], told["before"]) == (200, False, told["after"])
        rewrite(policies, "10 thousand", "20 thousand")
        status, told = ask(server, "/v1/bundle/reload", method="POST")
        assert (status, told["changed"]) == (200, True)
        assert (told["before"]["source"], told["after"]["source"]) == (first, source(policies))

        rewrite(policies, "policy: cn.test", "policy: cn.test\nnothing: else")
        (policies / "vocabulary.yaml").write_text("vocabulary: x\nfacts: 7\n")
        status, problem = ask(server, "/v1/bundle/reload", method="POST")
        assert (status, problem["type"]) == (422, "urn:fifthfactor:problem:policies-refused")
        assert {"file": "policies/rules.yaml", "line": 2, "column": 1} in [each["position"] for each in problem["errors"]]
        assert live(server) == told["after"]["source"]
        shutil.rmtree(policies)
        status, problem = ask(server, "/v1/bundle/reload", method="POST")
        assert (status, "errors" in problem, "there is no such" in problem["detail"]) == (422, False, True)


def test_where_keys_are_set_only_what_they_signed_decides(tmp_path, policies):
    """At the start and when loaded anew: unsigned, signed by another and changed ones are refused whole."""
    release, file = tmp_path / "release", tmp_path / "mine" / "small.bundle"
    cli("bundle", "build", policies, "-o", file)
    cli("bundle", "keygen", release)
    environment = {"FIFTHFACTOR_BUNDLE_KEYS": f"{release}.pub"}
    for path in (policies, file):
        server = Server(tmp_path / "log.db", "--policies", str(path), environment=environment)
        assert server.stop(0) == 2
        assert "error: " in server.log[-1]
        assert "is not signed" in server.log[-1]
    cli("bundle", "sign", file, "--key", f"{release}.key")
    others = {**environment, "FIFTHFACTOR_TRUST": "from-memory"}
    server = Server(tmp_path / "log.db", "--policies", str(file), environment=others)
    assert (server.stop(0), "sign the bundle again under these settings" in server.log[-1]) == (2, True)
    with running(tmp_path / "log.db", "--policies", str(file), environment=environment) as server:
        first = live(server)
        assert len(ask(server, "/v1/bundle")[1]["signed_by"]) == 1
        rewrite(policies, "10 thousand", "20 thousand")
        cli("bundle", "build", policies, "-o", file)
        eventually(lambda: server.events("policies_refused"))
        assert "another bundle, or the bundle was changed" in ask(server, "/readyz")[1]["policies"]["refused"]["reason"]
        bundle_sources.signature_file(file).unlink()
        eventually(lambda: "is not signed" in ask(server, "/readyz")[1]["policies"]["refused"]["reason"])
        assert ask(server, "/v1/evaluate", LARGE)[1]["bundle"]["source"] == first == live(server)
        cli("bundle", "sign", file, "--key", f"{release}.key")
        eventually(lambda: live(server) == source(policies))


def test_no_decision_mixes_two_bundles(tmp_path, policies):
    """Under load from four callers the policies change ten times: each record names the policies whose outcome it has."""
    outcomes = {source(policies): "review"}
    with running(tmp_path / "log.db", "--policies", str(policies), environment=UNWATCHED) as server:
        stop = threading.Event()
        failed: list[object] = []

        def send() -> None:
            while not stop.is_set():
                status, decision = ask(server, "/v1/evaluate", LARGE)
                if status != 200:
                    failed.append(decision)

        callers = [threading.Thread(target=send) for _ in range(4)]
        for caller in callers:
            caller.start()
        for number in range(10):
            old, new = ("10", "20") if number % 2 == 0 else ("20", "10")
            rewrite(policies, f"{old} thousand", f"{new} thousand")
            outcomes[source(policies)] = "permitted" if new == "20" else "review"
            assert ask(server, "/v1/bundle/reload", method="POST")[1]["changed"]
        stop.set()
        for caller in callers:
            caller.join()
        assert failed == []
        assert server.stop() == 0
    with sa.create_engine(f"sqlite:///{tmp_path / 'log.db'}").connect() as connection:
        seen = set()
        for stored in scan(connection):
            record = leaf.opened(stored.entry.leaf, stored.entry.openings)
            assert record["bundle"] == record["decision"]["bundle"]
            assert record["decision"]["outcome"] == outcomes[record["bundle"]["source"]]
            seen.add(record["bundle"]["source"])
        assert len(seen) == 2
        assert {source for (source,) in connection.exec_driver_sql("SELECT source FROM bundle")} == seen


def opened(database: str, lines: Lines, folder: Path, **settings: Any) -> Service:
    """A service in this process."""
    return Service.open(Settings(policies=folder, database=database, **settings), say=log_lines.logger(lines))


def test_what_the_vocabulary_says_follows_the_live_bundle(database, lines, policies):
    """Facts, schemas and the OpenAPI document are those of what decides now."""
    service = opened(database, lines, policies, watch=False)
    with TestClient(create_app(service.settings, service), base_url="http://127.0.0.1:8080") as client:

        def shown() -> tuple[bool, ...]:
            addresses = ("/v1/facts", "/v1/schemas/exchange", "/openapi.json")
            return tuple("people in this shipment" in client.get(address).text for address in addresses)

        assert shown() == (False, False, False)
        words = policies / "vocabulary.yaml"
        words.write_text(words.read_text().replace("people in this exchange", "people in this shipment"))
        assert client.post("/v1/bundle/reload").json()["changed"]
        assert shown() == (True, True, True)
        assert client.get("/v1/facts").json()["bundle"]["source"] == source(policies)


@BOTH_DATABASES
def test_every_bundle_that_decided_is_kept(database, lines, policies, tmp_path):
    """By both digests, as the file that `build` makes; the command line exports it and `diff` finds it in the log."""
    cli("bundle", "build", policies, "-o", tmp_path / "first.bundle")
    first = engine.load(policies).digests
    service = opened(database, lines, policies, watch=False)
    with TestClient(create_app(service.settings, service), base_url="http://127.0.0.1:8080") as client:
        rewrite(policies, "10 thousand", "20 thousand")
        assert client.post("/v1/bundle/reload").json()["changed"]
        second = engine.load(policies).digests
        listed = client.get("/v1/bundles").json()["bundles"]
        assert [each["source"] for each in listed] == [second.source, first.source]
        for digest in (first.source, first.meaning, first.source[:8]):
            assert client.get(f"/v1/bundles/{digest}").content == (tmp_path / "first.bundle").read_bytes()
        assert client.get(f"/v1/bundles/{'0' * 64}").status_code == 404
        assert client.get("/v1/bundles/..%2f").status_code in (400, 404)
        with service.store.database.reading.connect() as connection:
            assert kept_bundles.load_kept(connection, first.source).digests == first
            assert kept_bundles.load_kept(connection, second.source, second.meaning).digests == second
            with pytest.raises(kept_bundles.NotKept):
                kept_bundles.load_kept(connection, first.source, second.meaning)
        cli("bundle", "export", first.meaning[:12], "--database", database, "-o", tmp_path / "again.bundle")
        assert (tmp_path / "again.bundle").read_bytes() == (tmp_path / "first.bundle").read_bytes()
        # A password on a command line is for everybody on the machine to see.
        command = ["bundle", "export", first.source, "-o", str(tmp_path / "third.bundle")]
        assert CliRunner().invoke(app, command, env={"FIFTHFACTOR_DATABASE": database}).exit_code == 0
        result = CliRunner().invoke(
            app, ["bundle", "export", "0" * 64, "--database", database, "-o", str(tmp_path / "no.bundle")]
        )
        assert (result.exit_code, (tmp_path / "no.bundle").exists()) == (1, False)
        result = CliRunner().invoke(app, ["diff", first.source[:12], str(policies), "--log", database])
        assert (result.exit_code, "kept in the log" in result.output) == (0, True), result.output
    again = opened(database, lines, policies)  # a start with policies that are kept keeps them once
    again.close()
    assert len(listed) == 2


@BOTH_DATABASES
def test_a_record_names_a_leaf_at_which_its_policies_and_settings_are_noted_last(database, lines, policies):
    """Those of its own process, also after another one noted others; and the new ones after a reload."""
    service = opened(database, lines, policies, watch=False)
    opened(database, lines, POLICIES, watch=False, norms="advise").close()
    named = []
    with TestClient(create_app(service.settings, service), base_url="http://127.0.0.1:8080") as client:
        for most in ("10 thousand", "20 thousand"):
            id = client.post("/v1/evaluate", json=json.loads(SMALL)).json()["id"]
            record = client.get(f"/v1/decisions/{id}").json()["record"]
            with service.store.database.reading.connect() as connection:
                before = sa.select(tree_leaf.c.leaf).where(tree_leaf.c.index <= record["noted"]).order_by(tree_leaf.c.index)
                last = {each["kind"]: each for each in map(json.loads, connection.execute(before).scalars())}
            assert last["bundle-activated"]["source"] == record["bundle"]["source"]
            assert last["settings"]["settings"]["norms"] == "bind"
            named.append(record["noted"])
            rewrite(policies, most, "20 thousand")
            client.post("/v1/bundle/reload")
    assert named[0] < named[1]


def test_settings_are_part_of_what_is_kept(database, lines, policies):
    """One source that was live under two settings is loaded back with the meaning it had."""
    for norms in ("bind", "advise"):
        opened(database, lines, policies, norms=norms).close()
    service = opened(database, lines, policies)
    with service.store.database.reading.connect() as connection:
        rows = kept_bundles.list_bundles(connection)
        assert sorted(row.norms for row in rows) == ["advise", "bind"]
        for row in rows:
            assert kept_bundles.load_kept(connection, row.source, row.meaning).digests.meaning == row.meaning
    service.close()


def test_policies_that_the_log_cannot_keep_do_not_decide(tmp_path, lines, policies):
    """No record without its bundle: where the log is closed, the last good ones go on."""

    async def reload() -> None:
        service = opened(str(tmp_path / "log.db"), lines, policies)
        first = service.live
        rewrite(policies, "10 thousand", "20 thousand")
        service.store.writer.close()
        with pytest.raises(PoliciesRefused, match="the log cannot keep the policies"):
            await service.policies.reload()
        assert service.live is first
        assert service.policies.refusals == 1
        service.close()

    asyncio.run(reload())


def test_what_decided_before_is_given_back(tmp_path, lines, policies):
    """After many reloads only one bundle with its engines is in memory."""

    async def reload() -> None:
        service = opened(str(tmp_path / "log.db"), lines, policies)
        seen = []
        for number in range(6):
            exchange = engine.parse_exchange(service.live.bundle, LARGE)
            today = service.clock().date()
            service.live.pdp.answer(service.live.pdp.judge(exchange, as_of=today), today=today, id="x")
            seen.append(weakref.ref(service.live.pdp))
            rewrite(policies, *(("10 thousand", "20 thousand") if number % 2 == 0 else ("20 thousand", "10 thousand")))
            assert await service.policies.reload()
            del exchange

        def given_back() -> bool:
            gc.collect()
            return [each() for each in seen] == [None] * 6

        eventually(given_back)  # the thread that loaded lets go of what it was given a moment after it has answered
        service.close()

    asyncio.run(reload())


@BOTH_DATABASES
def test_a_shadow_tells_what_it_would_decide_otherwise(database, lines, policies, tmp_path):
    """Once the record is durable; it never decides, and an exchange that it cannot read is a difference too."""
    beside = tmp_path / "beside" / "policies"
    shutil.copytree(policies, beside)
    rewrite(beside, "10 thousand", "20 thousand")
    service = opened(database, lines, policies, shadow=beside, watch=False)
    assert service.shadow
    counts = service.shadow.counts
    with TestClient(create_app(service.settings, service), base_url="http://127.0.0.1:8080") as client:
        headers = {"content-type": "application/json"}
        answers = [client.post("/v1/evaluate", content=each, headers=headers).json() for each in (LARGE, SMALL)]
        batch = b'{"exchanges": [%b, {"exporter": {"contry": "CN"}}, %b]}' % (LARGE, LARGE)
        client.post("/v1/evaluate/batch", content=batch, headers=headers)
        eventually(lambda: counts.compared == 4)
        assert answers[0]["outcome"] == "review"
        eventually(lambda: counts.differing == 3)
        told = client.get("/v1/shadow?limit=2").json()
        assert told["shadow"]["source"] == source(beside)
        assert told["moves"] == [
            {"outcome": "review", "proceed": False, "shadow_outcome": "permitted", "shadow_proceed": True, "decisions": 3}
        ]
        assert [each["sequence"] for each in told["differences"]] == [3, 2]
        rest = client.get(f"/v1/shadow?cursor={told['next']}").json()
        assert [(each["sequence"], each["id"]) for each in rest["differences"]] == [(0, answers[0]["id"])]
        assert (rest["differences"][0]["only_live"], rest["differences"][0]["only_shadow"]) == (["cn.test/art-1"], [])
        assert rest["next"] is None

        words = beside / "vocabulary.yaml"
        words.write_text(words.read_text().replace("data.id:", "data.name:").replace("data: data.id", "data: data.name"))
        client.post("/v1/bundle/reload")
        eventually(lambda: lines.events("shadow_reloaded"))
        assert len(lines.events("policies_unchanged")) == 1
        client.post("/v1/bundle/reload")
        eventually(lambda: lines.events("shadow_unchanged"))
        assert len(lines.events("policies_unchanged")) == 2
        client.post("/v1/evaluate", content=SMALL, headers=headers)
        eventually(lambda: counts.compared == 5)
        eventually(lambda: len(client.get("/v1/shadow").json()["differences"]) == 1)
        assert client.get("/v1/shadow").json()["differences"][0]["shadow_outcome"] == "unreadable"


def test_a_shadow_never_hurts(tmp_path, lines, policies, monkeypatch):
    """One that is wrong when loaded anew, that cannot keep up, or that is killed is counted, and every answer is given."""
    beside = tmp_path / "beside" / "policies"
    shutil.copytree(policies, beside)
    monkeypatch.setattr("service.policies.shadow.WAITING", 100)
    service = opened(str(tmp_path / "log.db"), lines, policies, shadow=beside, watch=False)
    assert service.shadow
    counts = service.shadow.counts
    with TestClient(create_app(service.settings, service), base_url="http://127.0.0.1:8080") as client:
        headers = {"content-type": "application/json"}

        number = service.shadow.process.number
        assert number
        (beside / "rules.yaml").write_text("policy: [")
        assert client.post("/v1/bundle/reload").status_code == 200
        eventually(lambda: counts.refused == 1)
        assert "rules.yaml:1:1: this is not YAML" in client.get("/v1/shadow").json()["refused"]
        rewrite(beside, "policy: [", (POLICIES / "rules.yaml").read_text())
        os.kill(number, signal.SIGSTOP)
        assert client.post("/v1/evaluate", content=LARGE, headers=headers).status_code == 200
        eventually(service.shadow._queue.empty)  # it is being looked at
        batch = b'{"exchanges": [%b]}' % b",".join([LARGE] * 100)
        for _ in range(3):
            assert len(client.post("/v1/evaluate/batch", content=batch, headers=headers).json()["results"]) == 100
        assert (counts.failed, counts.dropped) == (0, 200)  # 100 wait, beside the one that is being looked at
        assert client.post("/v1/bundle/reload").status_code == 200
        os.kill(number, signal.SIGKILL)
        eventually(lambda: counts.failed == 1)
        eventually(lambda: counts.compared == 100)  # by a new process
        assert client.get("/v1/shadow").json()["refused"] is None
    assert service.shadow.process.number != number


def test_without_a_shadow_there_is_nothing_to_tell(client):
    """404, with the setting that would name one."""
    answer = client.get("/v1/shadow")
    assert (answer.status_code, "FIFTHFACTOR_SHADOW" in answer.json()["detail"]) == (404, True)


def test_a_shadow_is_held_to_the_same_keys(tmp_path, policies):
    """An unsigned shadow stops the start."""
    release, file = tmp_path / "release", tmp_path / "small.bundle"
    cli("bundle", "build", policies, "-o", file)
    cli("bundle", "keygen", release)
    cli("bundle", "sign", file, "--key", f"{release}.key")
    environment = {"FIFTHFACTOR_BUNDLE_KEYS": f"{release}.pub", "FIFTHFACTOR_SHADOW": str(policies)}
    server = Server(tmp_path / "log.db", "--policies", str(file), environment=environment)
    assert server.stop(0) == 2
    assert "is not signed" in server.log[-1]


def test_the_archive_of_new_policies_is_written_before_the_writing_lock_is_taken(
    tmp_path, tables, lines, policies, monkeypatch
):
    """It has megabytes: at a start and at a reload others record meanwhile. What is kept already is not written again."""
    path, written = Path(copied(tables, tmp_path)), archive.write
    seen: list[int] = []

    def write(sources: Mapping[str, bytes]) -> bytes:
        with closing(sqlite3.connect(path, isolation_level=None, timeout=20)) as other:
            # Refused where whoever waits for this has the lock. What the service does beside has it for a moment only.
            other.execute("BEGIN IMMEDIATE")
            other.execute("ROLLBACK")
        seen.append(len(sources))
        return written(sources)

    monkeypatch.setattr(archive, "write", write)
    with closing(opened(str(path), lines, policies, watch=False)) as service:
        assert len(seen) == 1
        with TestClient(create_app(service.settings, service), base_url="http://127.0.0.1:8080") as client:
            rewrite(policies, "10 thousand", "20 thousand")
            assert client.post("/v1/bundle/reload").json()["changed"]
            assert len(seen) == 2
    opened(str(path), lines, policies, watch=False).close()
    assert len(seen) == 2
