"""How the service ends under load: whoever was taken gets an answer, and its record is there."""

import asyncio
import contextlib
import http.client
import json
import os
import signal
import socket
import time

import pytest

from tests.service.conftest import Server, body, eventually, running
from tests.service.load import LOST, Load, during, post, state
from tests.service.server.test_server import ask, sound
from tests.service.server.test_workers import gone, workers_of

REQUEST = post("/v1/evaluate", body())
LONG = {"FIFTHFACTOR_DRAIN_SECONDS": "600"}


def answer(connection: socket.socket) -> tuple[http.client.HTTPResponse, bytes]:
    """The next answer on a connection, and its whole body."""
    came = http.client.HTTPResponse(connection)
    came.begin()
    return came, came.read()


def closed(server: Server) -> bool:
    """Whether nobody listens any more. Who comes while the socket closes is refused or cut off."""
    with contextlib.suppress(ConnectionError), socket.create_connection(("127.0.0.1", server.port), timeout=30):
        return False
    return True


def test_it_says_that_it_ends_and_goes_on_for_a_while(tmp_path):
    """
    `/readyz` is 503 at once, `/livez` is not; what comes is answered, with the word to connect elsewhere.

    That it ends by itself when this time is over is seen below, where the time is short.
    """
    with running(tmp_path / "log.db", environment=LONG) as server:
        server.process.send_signal(signal.SIGTERM)
        eventually(lambda: ask(server, "GET", "/readyz")[0] == 503)
        problem = json.loads(ask(server, "GET", "/readyz")[1])
        assert problem["type"] == "urn:fifthfactor:problem:draining"
        assert ask(server, "GET", "/livez")[0] == 200
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
            connection.sendall(REQUEST)
            found, _ = answer(connection)
        assert (found.status, found.headers["connection"]) == (200, "close")
        assert server.stop(signal.SIGINT) == 0
    assert len(sound(tmp_path / "log.db")) == 1


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGUSR2])
def test_a_signal_to_reload_or_to_be_replaced_does_not_end_a_service_that_still_starts(tmp_path, number):
    """As `systemctl reload` right after a start. It reads its settings, here from a pipe that is still empty, when the signal comes."""
    pipe = tmp_path / "settings.toml"
    os.mkfifo(pipe)
    server = Server(tmp_path / "log.db", "--settings", str(pipe))
    try:
        with pipe.open("w") as settings:  # once somebody reads
            server.process.send_signal(number)
            settings.write('log_level = "info"\n')
        server.wait()
        assert ask(server, "GET", "/readyz")[0] == 200
        assert server.stop() == 0
    finally:
        server.stop(signal.SIGKILL)


def test_told_twice_it_hurries(tmp_path):
    """A second signal ends the taking of requests at once."""
    with running(tmp_path / "log.db", environment=LONG) as server:
        server.process.send_signal(signal.SIGTERM)
        eventually(lambda: ask(server, "GET", "/readyz")[0] == 503)
        began = time.monotonic()
        assert server.stop(signal.SIGINT) == 0
        assert time.monotonic() - began < 60


def test_a_worker_that_stood_still_when_it_was_told_twice_hurries_too(tmp_path):
    """Both signals wait for it meanwhile. Two of one number would be one, and it would go on for ten minutes."""
    with running(tmp_path / "log.db", "--workers", "2", environment=LONG) as server:
        still, other = workers_of(server)
        os.kill(still, signal.SIGSTOP)
        try:
            eventually(lambda: state(still) == "T")
            server.process.send_signal(signal.SIGTERM)
            eventually(lambda: ask(server, "GET", "/readyz")[0] == 503)
            server.process.send_signal(signal.SIGINT)
            eventually(lambda: gone(other))
        finally:
            os.kill(still, signal.SIGCONT)
        assert server.stop(0) == 0


def test_a_request_in_the_middle_of_its_body_is_answered(tmp_path):
    """It was taken before the end began, and its record is there."""
    with running(tmp_path / "log.db") as server, socket.create_connection(("127.0.0.1", server.port), timeout=30) as slow:
        slow.sendall(REQUEST[:-10])
        eventually(lambda: b"\nfifthfactor_http_requests_arriving 1.0\n" in ask(server, "GET", "/metrics")[1])
        server.process.send_signal(signal.SIGTERM)
        eventually(lambda: closed(server))
        slow.sendall(REQUEST[-10:])
        received, decision = answer(slow)
        assert received.status == 200
        assert server.stop(0) == 0
    assert sound(tmp_path / "log.db") == {json.loads(decision)["id"]}


@pytest.mark.parametrize("workers", ["1", "2"])
def test_nothing_that_was_sent_is_lost(tmp_path, capsys, workers):
    """
    Sixteen connections under way, and a balancer that sends no more once `/readyz` says so.

    Every request gets a whole answer of 200, every answer its record, and the process ends with 0.
    """
    with running(tmp_path / "log.db", "--workers", workers, environment=LONG) as server:
        load = Load(server.port, [REQUEST], 16)

        async def balanced() -> None:
            await asyncio.to_thread(eventually, lambda: len(load.asked) >= 32)
            server.process.send_signal(signal.SIGTERM)
            await asyncio.to_thread(eventually, lambda: ask(server, "GET", "/readyz")[0] == 503)
            await asyncio.sleep(0.3)  # a balancer takes a while

        during(load, balanced)
        assert server.stop(signal.SIGINT) == 0
    assert load.statuses.keys() == {200}
    assert load.refused == 0
    assert {json.loads(each.body)["id"] for each in load.asked} == sound(tmp_path / "log.db")
    with capsys.disabled():
        print(f"\ndrain, {workers} worker(s): {len(load.asked)} requests sent, {len(load.asked)} answered, 0 lost")


def test_without_a_balancer_only_connections_are_refused(tmp_path):
    """Callers that do not look: what they get is an answer that is recorded, or a closed connection and no permit."""
    with running(tmp_path / "log.db", environment={"FIFTHFACTOR_DRAIN_SECONDS": "0.5"}) as server:
        load = Load(server.port, [REQUEST], 16)

        async def blind() -> None:
            await asyncio.sleep(0.3)
            assert await asyncio.to_thread(server.stop, signal.SIGTERM) == 0

        during(load, blind)
    assert load.statuses.keys() <= {200, LOST}
    assert load.statuses.get(LOST, 0) <= 16  # connections that the machine took and nobody heard any more
    assert {json.loads(each.body)["id"] for each in load.asked if each.status == 200} <= sound(tmp_path / "log.db")
