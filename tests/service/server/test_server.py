"""The service as a process: how it starts, what stops the start, what it does with broken requests, how it ends."""

import contextlib
import http.client
import json
import os
import pty
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from service.log.store import Store
from service.log.tree_verification import tree_faults
from tests.service.conftest import BOTH_DATABASES, PERSONAL, POLICIES, Server, body, copied, eventually, running
from tests.service.set_day import SET_DAY

JSON = {"Content-Type": "application/json"}


def ask(
    server: Server, method: str, path: str, content: bytes | None = None, headers: dict[str, str] | None = None
) -> tuple[int, bytes]:
    """One request on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    with contextlib.closing(connection):
        connection.request(method, path, content, headers or (JSON if content is not None else {}))
        answer = connection.getresponse()
        return answer.status, answer.read()


def raw(server: Server, sent: bytes) -> bytes:
    """Send bytes as they are; everything that comes back until the server closes, or the answer is whole."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        send(connection, sent)
        received = b""
        with contextlib.suppress(ConnectionResetError):
            while piece := connection.recv(65_536):
                received += piece
                head, _, rest = received.partition(b"\r\n\r\n")
                length = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
                if length and len(rest) >= int(length[0].split(b":")[1]):
                    break
        return received


def send(connection: socket.socket, sent: bytes) -> None:
    """Send bytes, as many as the server takes: it may refuse a request and close before all of it was sent. Its answer came before that."""
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        connection.sendall(sent)


def sound(database: Path | str) -> set[str]:
    """Check the whole log from outside; the ids in it."""
    with Store.open(database) as store:
        stored = list(store.scan())
        with store.database.reading.connect() as connection:
            assert not list(tree_faults(connection, store.database.log_key()))
    assert [each.sequence for each in stored] == list(range(len(stored)))
    assert not [fault for each in stored for fault in each.faults()]
    return {each.entry.id for each in stored}


# --- starting --------------------------------------------------------------------------------------------------------


@BOTH_DATABASES
def test_a_decision_over_the_wire_and_a_clean_end(database, tmp_path):
    """Started from nothing: evaluate, read the record, stop with SIGTERM: exit code 0, nothing left over, the record there."""
    with running(database, folder=tmp_path, fresh=True) as server:
        status, decision = ask(server, "POST", "/v1/evaluate", body())
        assert status == 200
        answer = json.loads(decision)
        id = answer["id"]
        del answer["keep_until"]  # of the answer at its moment, not of the decision
        status, kept = ask(server, "GET", f"/v1/decisions/{id}")
        assert (status, json.loads(kept)["record"]["decision"]) == (200, answer)
        assert server.stop(signal.SIGTERM) == 0
    assert {path.name for path in tmp_path.iterdir()} <= {"log.db", "log.db.log-key", "log.db.log-key.checkpoint"}
    assert sound(database) == {id}


def test_every_line_is_json_and_none_holds_a_personal_value(server):
    """From the first line to the last, right and wrong requests alike."""
    ask(server, "POST", "/v1/evaluate", body())
    ask(server, "POST", "/v1/evaluate", body(exporter={"id": 7, "lab-of-dr-smith": 1}))
    ask(server, "GET", "/practice-of-dr-li-na")
    raw(server, b"lab-of-dr-smith\r\n\r\n")
    server.stop()
    events = [json.loads(line) for line in server.log]
    assert events[0]["event"] == "started"
    assert len(server.events("request")) == 3
    for value in PERSONAL.values():
        assert value not in "".join(server.log)


def test_a_clock_that_is_behind_the_log_is_said_at_the_start(tmp_path):
    """Keys, approvals and sessions that are over by the records' own time may count again."""
    with running(tmp_path / "log.db") as first:
        assert ask(first, "POST", "/v1/evaluate", body())[0] == 200
        assert first.stop() == 0
        assert not first.events("clock_behind")
    with running(tmp_path / "log.db", environment={SET_DAY: "2026-11-24"}) as second:
        [line] = second.events("clock_behind")
        assert line["level"] == "warning"
        assert line["now"] < "2026-11-25" < line["newest_record"]


def test_ctrl_c_is_a_clean_end_too(server):
    """SIGINT, exit code 0."""
    assert server.stop(signal.SIGINT) == 0


def test_requests_under_way_are_answered_before_the_end(server, database):
    """SIGTERM in the middle of many requests: each gets its answer or no connection, and every answer is recorded."""
    answered: list[str] = []

    def send() -> None:
        with contextlib.suppress(ConnectionError, http.client.HTTPException):
            for _ in range(500):
                status, content = ask(server, "POST", "/v1/evaluate", body())
                assert status == 200
                answered.append(json.loads(content)["id"])

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    eventually(lambda: len(answered) > 20)
    assert server.stop(signal.SIGTERM) == 0
    for thread in threads:
        thread.join()
    assert set(answered) <= sound(database)


def test_a_person_at_a_terminal_gets_a_line_to_read(tmp_path):
    """Address, policies and database, in one line; into a pipe only JSON goes."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "service.cli", "serve", "--port", "0", "--policies", str(POLICIES)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3]), "COLUMNS": "500"}
    with subprocess.Popen(command, cwd=tmp_path, stderr=theirs, stdin=subprocess.DEVNULL, env=environment) as process:
        os.close(theirs)
        seen = b""
        while b"Ctrl-C" not in seen:
            seen += os.read(ours, 65_536)
        process.terminate()
        assert process.wait(60) == 0
    os.close(ours)
    (line,) = [line for line in seen.decode().splitlines() if not line.startswith("{")]
    assert line.startswith("Fifth Factor answers on http://127.0.0.1:")
    assert str(POLICIES) in line
    assert str(tmp_path / "fifthfactor.db") in line


def refused(database: Path, *options: str, **more: Any) -> tuple[int, str]:
    """A server that does not start: its exit code and what it said."""
    server = Server(database, *options, **more)
    code = server.stop(0)
    return code, "".join(server.log)


@BOTH_DATABASES
def test_several_servers_share_a_database(server, database, tmp_path):
    """Each answers, each reads what the other recorded, and the numbers have no gap."""
    with running(database, folder=tmp_path) as other:
        ids = [json.loads(ask(each, "POST", "/v1/evaluate", body())[1])["id"] for each in (server, other) * 10]
        assert all(ask(each, "GET", f"/v1/decisions/{id}")[0] == 200 for each in (server, other) for id in ids)
        assert other.stop() == 0
    assert server.stop() == 0
    assert sound(database) == set(ids)


def test_a_port_in_use_is_a_sentence(server, tmp_path):
    """Exit code 2, and no database made."""
    code, said = refused(tmp_path / "other.db", "--port", str(server.port))
    assert code == 2
    assert said == (
        f"error: cannot listen on 127.0.0.1 port {server.port}: Address already in use; "
        "`--port` (or FIFTHFACTOR_PORT) names another, 0 a free one\n"
    )
    assert not (tmp_path / "other.db").exists()


@pytest.mark.parametrize(
    ("options", "environment", "code", "sentence"),
    [
        (["--host", "0.0.0.0"], {}, 2, "error: to listen on 0.0.0.0, set FIFTHFACTOR_HOSTS to the names"),
        (
            ["--host", "0.0.0.0"],
            {"FIFTHFACTOR_HOSTS": "a.example"},
            2,
            "error: callers need a key and there is none: make one",
        ),
        ([], {"FIFTHFACTOR_AUTHENTICATION": "required"}, 2, "error: callers need a key and there is none: make one"),
        ([], {"FIFTHFACTOR_HOST": "here"}, 2, "error: `FIFTHFACTOR_HOST` cannot be `here`"),
        ([], {"FIFTHFACTOR_JWT_AUDIENCE": "ff"}, 2, "error: set all three of FIFTHFACTOR_JWKS_URL"),
        ([], {"FIFTHFACTOR_ZONE": "Mars"}, 2, "error: `FIFTHFACTOR_ZONE` cannot be `Mars`"),
        ([], {"FIFTHFACTOR_TRUST": "all"}, 2, "error: `FIFTHFACTOR_TRUST` cannot be `all`: should be 'confirmed' or"),
        ([], {"FIFTHFACTOR_PROT": "1"}, 2, "error: there is no setting `FIFTHFACTOR_PROT`; did you mean"),
        (["--mode", "quick"], {}, 2, "error: there is no mode `quick`; use one of checked"),
        (["--policies", "nowhere"], {}, 2, "error: the policies `nowhere` cannot be read: there is no"),
        (["--policies", "wrong"], {}, 1, "--> wrong/wrong.yaml:2:1"),
        (["--database", "nowhere/log.db"], {}, 2, "nowhere/log.db` cannot be used: No such file or directory"),
    ],
)
def test_what_stops_the_start(tmp_path, options, environment, code, sentence):
    """A sentence on standard error (for policies: the findings), an exit code, no traceback."""
    (tmp_path / "wrong").mkdir()
    (tmp_path / "wrong" / "wrong.yaml").write_text("policy: x\nnothing: else\n")
    found, said = refused(tmp_path / "log.db", *options, environment=environment)
    assert (found, "Traceback" in said) == (code, False), said
    assert sentence in said


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("begun", [True, False])
def test_without_a_key_the_start_is_refused_before_policies_are_loaded(tmp_path, tables, workers, begun):
    """They are wrong, and nothing is said of them; no database is made either."""
    (tmp_path / "wrong.yaml").write_text("policy: x\nnothing: else\n")
    database = Path(copied(tables, tmp_path)) if begun else tmp_path / "log.db"
    options = ("--policies", str(tmp_path / "wrong.yaml"), "--workers", workers)
    code, said = refused(database, *options, environment={"FIFTHFACTOR_AUTHENTICATION": "required"})
    assert (code, said.startswith("error: callers need a key and there is none: make one"), "wrong.yaml" in said) == (
        2,
        True,
        False,
    )
    assert database.exists() is begun


def test_ipv6_loopback(tmp_path):
    """::1, where the machine has it."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        pytest.skip("this machine has no ::1")
    with running(tmp_path / "log.db", "--host", "::1") as server:
        assert server.address.startswith("http://[::1]:")
        connection = http.client.HTTPConnection("::1", server.port, timeout=60)
        connection.request("GET", "/livez")
        assert connection.getresponse().status == 200
        connection.close()


# --- broken requests -------------------------------------------------------------------------------------------------

HEAD = b"POST /v1/evaluate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET /livez HTTP/1.1\r\n\r\n", b"400"),  # no host
        (b"GET /livez HTTP/1.0\r\n\r\n", b"400"),
        (b"GET /livez HTTP/1.1\r\nHost: localhost\r\nHost: example.org\r\n\r\n", b"400"),
        (b"GET /livez HTTP/1.1\r\nHost: example.org\r\n\r\n", b"421"),
        (b"GET http://example.org/livez HTTP/1.1\r\nHost: localhost\r\n\r\n", b"200"),
        (b"GET /livez\xff HTTP/1.1\r\nHost: localhost\r\n\r\n", b"400"),
        (b"GET /%ff%00 HTTP/1.1\r\nHost: localhost\r\n\r\n", b"404"),
        (b"GET /v1/decisions/%ff%00 HTTP/1.1\r\nHost: localhost\r\n\r\n", b"404"),
        (b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Request-ID: \xff\xfe\r\n\r\n", b"200"),
        (b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n", b"404"),
        (b"GET /livez HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", b"200"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 200_000 + b"\r\n\r\n", b"4"),
        (HEAD + b"Content-Length: 99999999999\r\n\r\n", b"413"),
        (HEAD + b"Content-Length: " + b"9" * 5_000 + b"\r\n\r\n", b"400"),
        (HEAD + b"Content-Length: -1\r\n\r\n", b"400"),
        (HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", b"400"),
        (HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", b"400"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n", b"400"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", b"400"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n50000\r\n" + b" " * 0x50000 + b"\r\n", b"413"),
        (HEAD + b"Content-Length: 3\r\n\r\n\xff\x00{", b"400"),
    ],
)
def test_broken_requests(shared, sent, status):
    """An answer that blames the request, never one that blames the server; and the next request is answered."""
    received = raw(shared, sent)
    assert received.startswith(b"HTTP/1.1 " + status), received[:200]
    assert ask(shared, "GET", "/livez")[0] == 200


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """One server for all broken requests; at its end there was no unforeseen error."""
    with running(tmp_path_factory.mktemp("shared") / "log.db") as server:
        yield server
        assert server.stop() == 0
    assert not server.events("internal")
    assert not [event for event in server.events("server") if event["level"] == "error"]


def test_a_caller_that_leaves_in_the_middle_of_its_body(shared):
    """No error and no record: a line says that the caller was gone."""
    with socket.create_connection(("127.0.0.1", shared.port)) as connection:
        connection.sendall(HEAD + b"X-Request-Id: leaver\r\nContent-Length: 100\r\n\r\n{")
        eventually(lambda: b"\nfifthfactor_http_requests_arriving 1.0\n" in ask(shared, "GET", "/metrics")[1])

    def lines() -> list[Any]:
        # Other callers of the same server have left too, and their lines may still be on their way.
        return [line for line in shared.events("request") if line.get("request_id") == "leaver"]

    eventually(lines)
    assert [(line["status"], line.get("gone")) for line in lines()] == [(0, True)]


def test_a_body_that_never_ends_is_refused_at_the_limit(shared):
    """The answer comes when the limit is passed, not when the caller stops."""
    with socket.create_connection(("127.0.0.1", shared.port), timeout=60) as connection:
        send(connection, HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        for _ in range(20):
            send(connection, b"8000\r\n" + b" " * 0x8000 + b"\r\n")
        assert connection.recv(65_536).startswith(b"HTTP/1.1 413")


def test_several_requests_on_one_connection_at_once(shared):
    """Pipelined requests are answered in order."""
    request = b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Request-ID: "
    with socket.create_connection(("127.0.0.1", shared.port), timeout=60) as connection:
        connection.sendall(b"".join(request + b"n%d\r\n\r\n" % number for number in range(5)))
        received = b""
        while received.count(b'{"status":"alive"}') < 5:
            more = connection.recv(65_536)
            assert more, received
            received += more
    assert [received.index(b"x-request-id: n%d" % number) for number in range(5)] == sorted(
        received.index(b"x-request-id: n%d" % number) for number in range(5)
    )
