"""
A service whose program is replaced while it runs: not one request is refused or lost, and what fails changes nothing.

The new program is started from nothing, as an operator's is, and that takes seconds of a processor. So each test sees several things.
"""

import asyncio
import http.client
import json
import os
import shutil
import signal
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import count

from tests.service.conftest import POLICIES, Server, body, eventually, running
from tests.service.load import Load, children, during, post
from tests.service.server.test_server import ask, sound
from tests.service.server.test_workers import gone, total, workers_of

CONNECTIONS = 6
PATIENCE = 180  # seconds: the programs of all tests may start at once
READY = b"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


def loaded(server: Server, what: Callable[[], None]) -> Load:
    """The load that went on while something was done, and for a moment before and after it. Nothing in it was refused or lost."""
    load = Load(server.port, [post("/v1/evaluate", body()), READY], CONNECTIONS, pause=0.05)

    async def doing() -> None:
        await asyncio.sleep(0.3)
        await asyncio.to_thread(what)
        await asyncio.sleep(0.3)

    during(load, doing)
    assert load.refused == 0
    assert [each for each in load.asked if each.status != 200] == [], load.statuses
    return load


def kept_until_told(server: Server) -> int:
    """
    Ask again and again on one connection, until an answer says that it is the last one. How many answers came; each was 200.

    It has a thread of its own: a connection on which nobody asks for five seconds is closed without a word.
    """
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    for answers in count(1):
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        assert answer.read()
        assert answer.status == 200
        if connection.sock is None:
            return answers
        time.sleep(0.2)
    raise AssertionError


def decided(load: Load) -> set[str]:
    """The ids of the decisions in the answers."""
    return {found["id"] for found in (json.loads(each.body) for each in load.asked) if "id" in found}


def replace(server: Server) -> None:
    """Send the signal, and wait until no process of before is left."""
    before = children(server.process.pid)
    server.process.send_signal(signal.SIGUSR2)
    eventually(lambda: server.events("upgraded") and all(map(gone, before)), PATIENCE)


def test_workers_are_replaced_one_after_another_and_no_request_is_refused_or_lost(database, tmp_path):
    """Two workers, a signal, two others; each answer is in the log, what was counted stays, and the service keeps its process and port."""
    with running(database, "--workers", "2", folder=tmp_path, fresh=True) as server:
        before = set(workers_of(server))
        load = loaded(server, lambda: replace(server))
        after = set(workers_of(server))
        assert len(after) == 2
        assert not after & before
        ids = decided(load)
        eventually(lambda: total(server, "fifthfactor_decisions_total") == len(ids))
        order = ("worker_started", "worker_leaving", "worker_left")
        told = [each["event"] for each in map(json.loads, server.log) if each["event"] in order]
        assert told == ["worker_started"] * 2 + [*order] * 2
        assert not [each for each in map(json.loads, server.log) if each["level"] == "error"]
        assert not server.events("worker_killed")
        assert server.stop() == 0
    assert sound(database) == ids


def test_where_the_new_program_does_not_become_ready_the_old_one_goes_on(tmp_path):
    """Another port, policies that are not sound, a generation that is killed half-way: no request notices; mended, it is replaced."""
    policies, settings = tmp_path / "policies", tmp_path / "settings.toml"
    shutil.copytree(POLICIES, policies)
    settings.write_text("")
    environment = {"FIFTHFACTOR_WATCH": "no", "FIFTHFACTOR_SETTINGS": str(settings)}
    options = ("--workers", "2", "--policies", str(policies))
    with running(tmp_path / "log.db", *options, fresh=True, environment=environment) as server:
        before = workers_of(server)
        [old] = children(server.process.pid)

        def fail() -> None:
            settings.write_text('host = "127.0.0.2"\n')
            server.process.send_signal(signal.SIGUSR2)
            eventually(lambda: len(server.events("upgrade_failed")) == 1, PATIENCE)
            settings.write_text("")
            (policies / "wrong.yaml").write_text("policy: x\nnothing: else\n")
            server.process.send_signal(signal.SIGUSR2)
            eventually(lambda: len(server.events("upgrade_failed")) == 2, PATIENCE)
            (policies / "wrong.yaml").unlink()

        def kill() -> None:
            server.process.send_signal(signal.SIGUSR2)
            eventually(lambda: server.events("worker_leaving"), PATIENCE)
            [new] = [each for each in children(server.process.pid) if each != old]
            os.kill(new, signal.SIGKILL)
            eventually(lambda: len(server.events("upgrade_failed")) == 3, PATIENCE)

        loaded(server, fail)
        assert [each["status"] for each in server.events("upgrade_failed")] == [2, 1]
        assert any("to change these, stop it and start it again" in line for line in server.log)
        assert any("wrong.yaml:2:1" in line for line in server.log)
        assert workers_of(server) == before
        with ExitStack() as kept:  # a worker that has one of them takes its time to leave: as many as both surely have some
            for _ in range(12):
                kept.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            loaded(server, kill)
        eventually(lambda: len(children(old)) == 2, PATIENCE)
        assert children(server.process.pid) == [old]
        loaded(server, lambda: replace(server))
        assert not set(workers_of(server)) & set(before)
        assert server.stop() == 0


def test_a_connection_that_is_kept_meanwhile_gets_its_answers(tmp_path):
    """It is told when it ends. SIGHUP ends no program that is just starting, a second SIGUSR2 changes nothing, a stop ends everything."""
    with running(tmp_path / "log.db", "--workers", "2", fresh=True) as server:
        with ThreadPoolExecutor(8) as threads:
            told = [threads.submit(kept_until_told, server) for _ in range(8)]
            server.process.send_signal(signal.SIGUSR2)
            eventually(lambda: server.events("upgrade_began"))
            for _ in range(5):
                server.process.send_signal(signal.SIGHUP)
                time.sleep(0.02)
            server.process.send_signal(signal.SIGUSR2)
            eventually(lambda: server.events("upgrade_under_way"))
        assert all(each.result() for each in told)
        eventually(lambda: server.events("upgraded"), PATIENCE)
        server.process.send_signal(signal.SIGUSR2)
        eventually(lambda: len(server.events("upgrade_began")) == 2)
        processes = [*children(server.process.pid), *workers_of(server)]
        assert server.stop() == 0
        assert all(map(gone, processes))
        assert not server.events("upgrade_failed")
        assert not server.events("worker_killed")


def test_one_process_says_that_it_cannot_be_replaced(tmp_path):
    """Without workers nobody could take its place: a line says so, and it goes on."""
    with running(tmp_path / "log.db") as server:
        server.process.send_signal(signal.SIGUSR2)
        eventually(lambda: server.events("upgrade_failed"))
        assert "--workers 2" in server.events("upgrade_failed")[0]["reason"]
        assert ask(server, "GET", "/readyz")[0] == 200
        assert server.stop() == 0
