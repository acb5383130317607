"""Sinks of real processes: a service that sends beside its answers, and processes that only deliver and are killed in mid-send."""

import asyncio
import base64
import json
import signal
import socket
import subprocess
import sys
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any

from typer.testing import CliRunner
from uuid_utils import uuid7

from service.cli.main import app
from service.client import Client
from service.log.leaf import SealedRecord, seal, with_personal_values
from service.service import Service
from tests.service.conftest import BOTH_DATABASES, ROOT, Server, eventually, running, without_settings
from tests.service.outbox.test_day_files import numbers

SINKS = "- {name: files, kind: files, folder: out, from: beginning, most: 7}\n"

DEAD = "- {name: dead, kind: webhook, address: 'https://127.0.0.1:1/x', secret: key, private: yes}\n"

# What `fifthfactor events deliver` does, with turns of a moment, so that nobody waits for the turn of a killed one.
DELIVER = """
import sys
from service.cli.main import app
from service.outbox import deliveries, delivery
deliveries.AGAIN_SECONDS = 0.1
delivery.TURN_SECONDS = 0.2
delivery.Delivery.__init__.__defaults__ = (0.2,)
delivery._MARGIN = delivery.timedelta(0)
app(sys.argv[1:])
"""

# The same, and it is killed once the files of a folder have so many bytes, at whatever it does then. It does that itself: before somebody
# else on a busy machine looks, it may have sent everything.
KILLED = """
import os, signal, sys, threading, time
from pathlib import Path

def kill(folder, bytes):
    while sum(each.stat().st_size for each in folder.glob("*.jsonl*")) < bytes:
        time.sleep(0.001)
    os.kill(os.getpid(), signal.SIGKILL)

threading.Thread(target=kill, args=(Path(sys.argv.pop(1)), int(sys.argv.pop(1))), daemon=True).start()
"""


def lines(folder: Path) -> list[dict[str, Any]]:
    """The events in the files of a folder."""
    found = b""
    with suppress(FileNotFoundError):  # a day is over, and its file has its last name in a moment
        for each in sorted(folder.glob("*.jsonl*")):
            found += each.read_bytes().rpartition(b"\n")[0] + b"\n"
    return [json.loads(line) for line in found.splitlines() if line]


def size(folder: Path) -> int:
    """How many bytes the files of a folder have."""
    return sum(each.stat().st_size for each in folder.glob("*.jsonl*"))


def copies(service: Service, id: str, number: int) -> list[SealedRecord]:
    """As many records as wanted that say what one says."""
    stored = service.store.read(id)
    assert stored is not None
    pointers = [each.pointer for each in stored.entry.openings if each.pointer.startswith("/")]
    document = with_personal_values(stored.entry.leaf, stored.entry.openings)
    return [seal({**document, "id": str(uuid7())}, pointers) for _ in range(number)]


@BOTH_DATABASES
def test_nothing_is_lost_or_skipped_when_processes_are_killed(
    service: Service, evaluate: Any, database: str, tmp_path: Path
) -> None:
    """Each is killed while it sends; meanwhile decisions are recorded. In the end each event is there once, in order."""
    (tmp_path / "sinks.yaml").write_text(SINKS)
    out = tmp_path / "out"
    environment = {**without_settings(), "FIFTHFACTOR_SINKS": str(tmp_path / "sinks.yaml")}
    deliver = ["events", "deliver", "--database", database]

    ids = [evaluate().json()["id"]]
    for bytes_sent in (1, 50_000):
        entries = copies(service, ids[0], 400)
        asyncio.run(service.store.append_many(entries))
        ids += [each.id for each in entries]
        killed = [sys.executable, "-c", KILLED + DELIVER, str(out), str(size(out) + bytes_sent), *deliver]
        assert subprocess.run(killed, env=environment, cwd=ROOT, check=False).returncode == -signal.SIGKILL
    assert 0 < len([number for each in out.glob("*.jsonl*") for number in numbers(each)]) < len(ids)
    once = [sys.executable, "-c", DELIVER, *deliver, "--once"]
    done = subprocess.run(once, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = lines(out)
    assert [each["id"] for each in found] == ids
    assert [each["sequence"] for each in found] == sorted({each["sequence"] for each in found})


def test_a_service_sends_beside_its_answers(tmp_path: Path) -> None:
    """What was there before, and each decision within a moment or two; its metrics say how far each sink is."""
    database = tmp_path / "log.db"
    with running(database) as server, Client(server.address, timeout=60) as client:
        ids = [client.evaluate({}).id]
    (tmp_path / "sinks.yaml").write_text(SINKS + DEAD)
    (tmp_path / "key").write_text("whsec_" + base64.b64encode(bytes(32)).decode())
    environment = {"FIFTHFACTOR_SINKS": "sinks.yaml"}
    with running(database, environment=environment) as server, Client(server.address, timeout=60) as client:
        ids += [client.evaluate({}).id for _ in range(3)]
        eventually(lambda: [each["id"] for each in lines(tmp_path / "out")] == ids)

        def figures() -> dict[str, float]:
            with urllib.request.urlopen(f"{server.address}/metrics") as page:
                told = (
                    line.rpartition(" ") for line in page.read().decode().splitlines() if line.startswith("fifthfactor_sink_")
                )
                return {name: float(value) for name, _, value in told}

        eventually(
            lambda: (
                figures().get('fifthfactor_sink_events_total{sink="files"}') == 4
                and figures().get('fifthfactor_sink_failures_total{sink="dead"}', 0) > 0
                and figures().get('fifthfactor_sink_lag_events{sink="files"}') == 0
            )
        )
        assert figures()['fifthfactor_sink_lag_events{sink="dead"}'] > 0
        assert server.stop() == 0
    environment["FIFTHFACTOR_SINKS"] = str(tmp_path / "sinks.yaml")
    done = CliRunner().invoke(app, ["events", "sinks", "--json", "--database", str(database)], env=environment)
    files, dead = json.loads(done.stdout)
    assert (done.exit_code, files["lag_events"], files["sent"]) == (1, 0, 4)
    assert dead["failure"].startswith("no answer")
    assert "127.0.0.1" not in done.stdout


def test_sinks_that_cannot_be_used_stop_the_start(tmp_path: Path) -> None:
    """With a sentence that names the file."""
    (tmp_path / "sinks.yaml").write_text("- {name: a, kind: webhook, address: 'https://x.example/', secret: no-file}\n")
    server = Server(tmp_path / "log.db", environment={"FIFTHFACTOR_SINKS": str(tmp_path / "sinks.yaml")})
    assert server.process.wait(60) == 2
    eventually(lambda: "no-file` cannot be read" in "".join(server.log))


def test_the_command_line_lists_events_and_moves_a_sink(service: Service, evaluate: Any, database: str, tmp_path: Path) -> None:
    """What is listed is what a sink is sent; one that is moved back is sent it again."""
    (tmp_path / "sinks.yaml").write_text(SINKS)
    ids = [evaluate().json()["id"] for _ in range(2)]
    environment = {"FIFTHFACTOR_SINKS": str(tmp_path / "sinks.yaml"), "FIFTHFACTOR_DATABASE": database}

    def run(*words: str) -> Any:
        return CliRunner().invoke(app, ["events", *words], env=environment)

    listed = run("list", "--json")
    assert [json.loads(line)["id"] for line in listed.stdout.splitlines()] == ids
    assert ids[1] in run("list", "--kind", "decision").stdout.splitlines()[1]
    assert run("list", "--from", "now").stdout == ""
    for wrong in (
        ("list", "--from", "yesterday"),
        ("list", "--kind", "all"),
        ("deliver", "--sink", "none"),
        ("move", "none", "--from", "now"),
    ):
        assert run(*wrong).exit_code == 2, wrong
    assert "has not begun" in run("sinks").stdout
    assert run("deliver", "--once").stdout == "files: 2 events sent\n"
    assert "up to date, 2 events sent" in run("sinks").stdout
    assert run("deliver", "--once").stdout == "files: 0 events sent\n"
    assert run("move", "files", "--from", "beginning").stdout == "files goes on at 0\n"
    assert run("deliver", "--once").stdout == "files: 2 events sent\n"
    assert [each["id"] for each in lines(tmp_path / "out")] == ids


def test_whose_turn_it_is_is_said_also_after_a_kill(tmp_path: Path) -> None:
    """The process and its machine, and until when the next one waits. Where there are no sinks, a sentence says how to add one."""
    database = tmp_path / "log.db"
    (tmp_path / "sinks.yaml").write_text(SINKS)
    environment = {"FIFTHFACTOR_SINKS": str(tmp_path / "sinks.yaml"), "FIFTHFACTOR_DATABASE": str(database)}
    with running(database, environment=environment) as server, Client(server.address, timeout=60) as client:
        client.evaluate({})
        eventually(lambda: lines(tmp_path / "out"))
        server.process.send_signal(signal.SIGKILL)
        number = server.process.pid
    (shown,) = json.loads(CliRunner().invoke(app, ["events", "sinks", "--json"], env=environment).stdout)
    assert (shown["held_by"]["process"], shown["held_by"]["host"]) == (number, socket.gethostname())
    said = CliRunner().invoke(app, ["events", "sinks"], env=environment)
    assert f"process {number} on {socket.gethostname()} sends, its turn ends {shown['held_by']['until']}" in said.stdout
    del environment["FIFTHFACTOR_SINKS"]
    none = CliRunner().invoke(app, ["events", "sinks"], env=environment)
    assert (none.exit_code, "FIFTHFACTOR_SINKS" in none.stdout) == (0, True)
    assert CliRunner().invoke(app, ["events", "sinks", "--json"], env=environment).stdout == "[]\n"
    assert CliRunner().invoke(app, ["events", "deliver", "--once"], env=environment).exit_code == 2
