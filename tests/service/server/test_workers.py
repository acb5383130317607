"""Several workers on one port: they share a database, are followed by others, and end with their parent."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import engine
from tests.service.conftest import BOTH_DATABASES, POLICIES, Server, body, eventually, running
from tests.service.load import children, state
from tests.service.server.test_server import ask, refused, sound


def decide(server: Server) -> str:
    """Evaluate an exchange; the id of its decision."""
    status, content = ask(server, "POST", "/v1/evaluate", body())
    assert status == 200, content
    return str(json.loads(content)["id"])


def ask_live(server: Server) -> str:
    """The digest of what decides in the worker that answers."""
    return str(json.loads(ask(server, "GET", "/v1/bundle")[1])["source"])


def total(server: Server, name: str) -> float:
    """A figure of the server, over its labels."""
    lines = ask(server, "GET", "/metrics")[1].decode().splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name) and line[len(name)] in " {")


def workers_of(server: Server) -> list[int]:
    """The processes that answer: the children of the generation that runs."""
    return [pid for generation in children(server.process.pid) for pid in children(generation)]


def gone(pid: int) -> bool:
    """Whether a process has ended."""
    return state(pid) == "Z"


@BOTH_DATABASES
def test_they_share_a_port_and_a_database(database, tmp_path):
    """All answer, each reads what another recorded, the numbers have no gap, the figures are of all, and the end is 0."""
    with running(database, "--workers", "2", folder=tmp_path) as server:
        assert server.events("started")[0]["workers"] == 2
        workers = workers_of(server)
        assert sorted(each["pid"] for each in server.events("worker_started")) == sorted(workers)
        ids = {decide(server) for _ in range(30)}
        assert all(ask(server, "GET", f"/v1/decisions/{id}")[0] == 200 for id in ids)
        eventually(lambda: total(server, "fifthfactor_decisions_total") == 30)
        eventually(lambda: total(server, "fifthfactor_log_entries_total") == 30)
        assert server.stop() == 0
    assert all(map(gone, workers))
    assert sound(database) == ids


def test_their_parent_loads_what_their_applications_load(tmp_path):
    """After `preload`, an application is made without another module of FastAPI, or of the old pydantic that FastAPI looks for."""
    made = f"""
import sys
from pathlib import Path
from service.server.app import create_app, preload
from service.service import Service
from service.settings import Settings

settings = Settings(policies=Path({str(POLICIES)!r}), database={str(tmp_path / "log.db")!r}, mode="bitset", watch=False)
service = Service.open(settings)
preload()
before = set(sys.modules)
create_app(settings, service)
print(sorted(each for each in set(sys.modules) - before if each.startswith(("fastapi", "pydantic.v1"))))
service.close()
"""
    told = subprocess.run([sys.executable, "-c", made], capture_output=True, text=True, check=True).stdout
    assert told == "[]\n"


def test_one_that_dies_is_followed_by_another(tmp_path):
    """The service goes on, a line tells it, and what was counted stays counted."""
    with running(tmp_path / "log.db", "--workers", "2") as server:
        for _ in range(20):
            decide(server)
        eventually(lambda: total(server, "fifthfactor_decisions_total") == 20)
        [victim, other] = workers_of(server)

        def the_other_has_it() -> bool:
            os.kill(
                victim, signal.SIGSTOP
            )  # so that the other answers, once it has stopped: until then it may take the request
            try:
                eventually(lambda: state(victim) == "T")
                return total(server, "fifthfactor_decisions_total") == 20
            finally:
                os.kill(victim, signal.SIGCONT)

        eventually(the_other_has_it)
        os.kill(victim, signal.SIGKILL)
        eventually(lambda: len(server.events("worker_started")) == 3)
        assert [each["pid"] for each in server.events("worker_ended")] == [victim]
        assert other in workers_of(server)
        eventually(lambda: total(server, "fifthfactor_decisions_total") == 20)
        decide(server)
        assert server.stop() == 0


def test_the_word_to_load_anew_ends_nobody(tmp_path):
    """SIGHUP goes to the workers, and all go on."""
    with running(tmp_path / "log.db", "--workers", "2") as server:
        before = workers_of(server)
        server.process.send_signal(signal.SIGHUP)
        time.sleep(0.3)
        decide(server)
        assert workers_of(server) == before
        assert server.stop(signal.SIGINT) == 0


def test_one_that_starts_later_decides_by_the_newest_policies(tmp_path, monkeypatch):
    """Those that the parent loaded are used only as long as no file was written since."""
    policies = tmp_path / "policies"
    shutil.copytree(POLICIES, policies)
    monkeypatch.setenv("FIFTHFACTOR_WATCH", "no")
    with running(tmp_path / "log.db", "--workers", "2", "--policies", str(policies)) as server:
        first = engine.load(policies).digests.source
        assert {ask_live(server) for _ in range(8)} == {first}
        written = next(iter(sorted(policies.rglob("*.yaml"))))
        written.write_text(written.read_text() + "# one more line\n")
        newest = engine.load(policies).digests.source
        for pid in workers_of(server):
            os.kill(pid, signal.SIGKILL)
        eventually(lambda: len(server.events("worker_started")) == 4)
        assert {ask_live(server) for _ in range(8)} == {newest} != {first}
        assert server.stop() == 0


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="shared memory is measured on Linux only")
def test_they_share_what_the_parent_loaded(tmp_path):
    """Most of the memory of a worker that has just started is that of its parent."""
    with running(tmp_path / "log.db", "--workers", "2") as server:
        for pid in workers_of(server):
            parts = dict(line.split()[:2] for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])
            assert int(parts["Pss:"]) < 0.7 * int(parts["Rss:"])
        assert server.stop() == 0


def test_they_end_with_their_parent(tmp_path):
    """Even where it is killed, no worker is left that nobody looks after."""
    with running(tmp_path / "log.db", "--workers", "2") as server:
        workers = workers_of(server)
        assert len(workers) == 2
        assert not any(map(gone, workers))
        server.process.kill()
        eventually(lambda: all(map(gone, workers)))


@pytest.mark.parametrize(
    ("options", "code", "sentence"),
    [
        (["--database", "nowhere/log.db"], 2, "nowhere/log.db` cannot be used"),
        (["--policies", "wrong"], 1, "--> wrong/wrong.yaml:2:1"),
    ],
)
def test_what_stops_the_start_is_said_once(tmp_path, options, code, sentence):
    """As with one process: a sentence and an exit code."""
    (tmp_path / "wrong").mkdir()
    (tmp_path / "wrong" / "wrong.yaml").write_text("policy: x\nnothing: else\n")
    found, said = refused(tmp_path / "log.db", "--workers", "3", *options)
    assert (found, said.count(sentence)) == (code, 1), said


def test_one_that_is_ready_goes_on_where_no_other_gets_ready_and_without_one_the_service_ends(tmp_path):
    """Policies that were broken meanwhile: a worker that dies has no follower until they are mended; where none is ready, the end is 2."""
    policies = tmp_path / "policies"
    shutil.copytree(POLICIES, policies)
    with running(tmp_path / "log.db", "--workers", "2", "--policies", str(policies)) as server:
        (policies / "wrong.yaml").write_text("policy: x\nnothing: else\n")
        victim, other = workers_of(server)
        os.kill(victim, signal.SIGKILL)
        eventually(lambda: len(server.events("worker_ended")) > 5)
        decide(server)
        assert other in workers_of(server)
        os.kill(other, signal.SIGKILL)
        assert server.process.wait(60) == 2
        server.stop(0)
        # A second worker may still be about to say what the first one did.
        [said] = [line for line in server.log if line.startswith("error: ")]
        assert said.endswith("workers in a row ended before they were ready; the lines above say why\n")
