"""The command itself, over stdio and over HTTP, with the official client; and what happens where there is no service or no key."""

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
from mcp import MCPError, StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from starlette.testclient import TestClient
from typer.testing import CliRunner

from service.cli.main import app
from service.client import ClientError
from service.doors import installed
from service.doors.agents.asking import KeyHolders
from service.doors.agents.http_server import guarded
from service.doors.agents.said_twice import marked, name_said_twice
from tests.engine.test_everyday_exchanges import EXCHANGES
from tests.service.conftest import ROOT, running, without_settings
from tests.service.doors.agents.agent_desk import Desk, at_a_desk, talking
from tests.service.doors.agents.conftest import House

PERMITTED = EXCHANGES["Indian payroll to Britain"][0]
NOWHERE = "http://127.0.0.1:9"  # the port of the service that discards: nothing listens there
PING = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
HEADERS = {
    "Accept": "application/json, text/event-stream",
    "Content-Type": "application/json",
    "MCP-Protocol-Version": "2025-06-18",
}


def run(talk: Any) -> Any:
    """Run a coroutine."""
    return asyncio.run(talk)


async def short_talk(desk: Desk) -> None:
    """What every transport must carry: tools, an answer, an error."""
    assert "decide" in await desk.tools()
    assert (await desk.call("decide", exchange=PERMITTED)).result["proceed"] is True
    assert (await desk.call("decide", exchange=3)).content["error"] == "bad-arguments"


def test_a_client_talks_over_stdio(house: House, tmp_path: Path) -> None:
    """The command is started by the client, with a key in a file; its key is in no output."""
    file = tmp_path / "agent.key"
    file.write_text(house.keys["agent"] + "\n")
    arguments = ["-m", "service.cli", "mcp", "--service", house.address, "--key-file", str(file)]
    started = StdioServerParameters(command=sys.executable, args=arguments, env=without_settings(), cwd=ROOT)
    with (tmp_path / "log").open("w+") as log:
        run(talking(stdio_client(started, errlog=log), short_talk))
        log.seek(0)
        assert house.keys["agent"] not in log.read()


def test_lines_that_are_no_messages_end_nothing_over_stdio(house: House) -> None:
    """Broken, deep, not UTF-8, and one that says something twice: the next call is answered as ever, and the key is in no output."""
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}}
    lines = [
        json.dumps({**PING, "id": 1, "method": "initialize", "params": hello}).encode(),
        json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}).encode(),
        *(BROKEN[name] for name in ("nothing", "no JSON", "deep", "not UTF-8", "no method")),
        BROKEN["a member twice"].replace(b'"id": 1', b'"id": 2'),
        json.dumps({**PING, "id": 3, "method": "tools/call", "params": {"name": "whoami", "arguments": {}}}).encode(),
    ]
    command = [sys.executable, "-m", "service.cli", "mcp", "--service", house.address]
    environment = {**without_settings(), "FIFTHFACTOR_KEY": house.keys["reader"]}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(b"\n".join(lines) + b"\n")
        process.stdin.flush()
        answers: dict[int, Any] = {}
        while not {2, 3} <= answers.keys():
            answer = json.loads(process.stdout.readline())
            answers[answer.get("id") or 0] = answer
        process.stdin.close()
        said = process.stderr.read()
    assert "`country` appears twice" in json.dumps(answers[2]["result"]["structuredContent"])
    assert answers[2]["result"]["isError"] is True
    assert answers[3]["result"]["structuredContent"]["result"]["scopes"] == ["read"]
    assert b"Traceback" not in said
    assert house.keys["reader"].encode() not in said


@contextmanager
def command_over_http(*options: str, environment: dict[str, str] | None = None) -> Iterator[str]:
    """The address of the command over HTTP, on a free port."""
    command = [sys.executable, "-m", "service.cli", "mcp", "--http", "--port", "0", *options]
    env = {**without_settings(), **(environment or {})}
    process = subprocess.Popen(command, cwd=ROOT, env=env, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        line = next(each for each in process.stderr if '"started"' in each)
        threading.Thread(target=process.stderr.read, daemon=True).start()
        yield str(json.loads(line)["address"])
    finally:
        process.terminate()
        process.wait(60)


def test_a_client_talks_over_http(house: House) -> None:
    """On this machine with the key of the process, or with one of its own; a page of another site gets nothing."""
    with command_over_http("--service", house.address, environment={"FIFTHFACTOR_KEY": house.keys["agent"]}) as address:
        run(talking(address, short_talk))

        async def as_reader() -> None:
            client = httpx2.AsyncClient(headers={"Authorization": f"Bearer {house.keys['reader']}"})
            async with client:
                await talking(streamable_http_client(address, http_client=client), only_reads)

        async def only_reads(desk: Desk) -> None:
            assert await desk.tools() == ["explain", "search_law", "whoami"]

        run(as_reader())
        for headers, status in (
            ({"Connection": "Upgrade", "Upgrade": "h2c"}, 200),  # which is not spoken here: the body is read all the same
            ({"Host": "evil.example"}, 421),
            ({"Origin": "https://evil.example"}, 403),
            ({"Origin": "null"}, 403),
            ({"Authorization": "Bearer ff_none_none"}, 401),
            ({"Authorization": "Basic abc"}, 401),
        ):
            answer = httpx.post(address, json=PING, headers={**HEADERS, **headers}, trust_env=False)
            assert answer.status_code == status, (headers, answer.text)
        doubled = [*HEADERS.items(), ("Authorization", "Bearer a"), ("Authorization", "Bearer b")]
        assert httpx.post(address, json=PING, headers=doubled, trust_env=False).status_code == 401


CALL = json.dumps({**PING, "method": "tools/call", "params": {"name": "decide", "arguments": {}}}).encode()
HUGE, DEEP = b'{"a":"' + b"x" * 600_000 + b'"}', b'{"a":' * 20_000 + b"1" + b"}" * 20_000
BROKEN = {
    "nothing": b"",
    "no JSON": b"{",
    "no object": b"[1]",
    "no method": b'{"jsonrpc":"2.0","id":1}',
    "huge": HUGE,
    "deep": DEEP,
    "deep in an argument": CALL.replace(b"{}", DEEP),
    "not UTF-8": b"\xff\xfe",
    "arguments that are a list": json.dumps({**PING, "method": "tools/call", "params": {"name": "decide", "arguments": [1]}}).encode(),
    "a name that is a number": json.dumps({**PING, "method": "tools/call", "params": {"name": 7, "arguments": {}}}).encode(),
    "a member twice": CALL.replace(b"{}", b'{"exchange": {"exporter": {"country": "IN", "country": "CN"}}}'),
    "the arguments twice": CALL.replace(b'"arguments": {}', b'"arguments": {"exchange": {}}, "arguments": {"exchange": {}}'),
    "a method that is none": json.dumps({**PING, "method": "keys/list"}).encode(),
}  # fmt: skip


@contextmanager
def door(house: House, host: str, key: str = "", names: list[str] | None = None) -> Iterator[TestClient]:
    """The application as it is served on a host, in this process."""
    holders = KeyHolders(house.address)
    with TestClient(guarded(holders, key, "1", host, names or []), base_url="http://127.0.0.1:8090") as client:
        yield client
        client.portal.call(holders.aclose)  # type: ignore[union-attr]


def test_what_is_no_message_is_refused_over_http(house: House) -> None:
    """Broken, huge, deep: a refusal or an error of the protocol, never an answer of a tool and never a fall."""
    with door(house, "127.0.0.1", house.keys["agent"]) as client:
        for name, content in BROKEN.items():
            answer = client.post("/mcp", content=content, headers=HEADERS)
            assert answer.status_code < 500, (name, answer.text[:300])
            assert answer.status_code >= 400 or "error" in answer.json() or answer.json()["result"]["isError"], (
                name,
                answer.text[:300],
            )
            assert "Traceback" not in answer.text
        assert "result" in client.post("/mcp", json=PING, headers=HEADERS).json()


def test_what_is_said_twice_is_answered_by_nothing(house: House) -> None:
    """Over HTTP by a refusal that names it; over stdio by the error of the tool."""
    twice = BROKEN["a member twice"]
    with door(house, "127.0.0.1", house.keys["agent"]) as client:
        answer = client.post("/mcp", content=twice, headers=HEADERS)
        assert (answer.status_code, answer.json()["error"]["message"]) == (
            400,
            "`country` appears twice in one object; say it once",
        )
    line = json.loads(marked(twice.decode()))
    assert (line["id"], line["params"]["name"]) == (1, "decide")
    assert name_said_twice(line["params"]["arguments"]) == "country"
    for same in (CALL.decode(), "{", "7", '{"a": 1, "b": {"a": 1}}', "[1]"):
        assert marked(same) == same

    async def talk(desk: Desk) -> None:
        came = await desk.call("decide", **line["params"]["arguments"])
        assert "`country` appears twice" in came.content["detail"]

    at_a_desk(house.address, house.keys["agent"], talk)


def test_keys_of_nobody_push_no_other_out(house: House) -> None:
    """A client is kept for a key that the service knows, and for no other."""

    async def calls() -> None:
        holders = KeyHolders(house.address)
        known = await holders.asking(house.keys["agent"])
        for number in range(8):
            with pytest.raises(ClientError):
                await holders.asking(f"ff_00000000000{number}_nothing")
        assert [*holders.kept] == [house.keys["agent"]]
        assert (await holders.asking(house.keys["agent"])).client is known.client
        several = await asyncio.gather(*(holders.asking(house.keys["reader"]) for _ in range(4)))
        assert all(each.caller.scopes == ("read",) for each in several)
        await holders.aclose()

    asyncio.run(calls())


def test_where_other_machines_reach_it_every_call_must_send_a_key(house: House) -> None:
    """The key of the process is never lent to them; a key opens what it may do, and only under the names that are given."""
    with door(house, "0.0.0.0", house.keys["all"], ["127.0.0.1"]) as client:
        for headers in ({}, {"Authorization": "Bearer ff_none_none"}, {"Authorization": "ff_x"}):
            answer = client.post("/mcp", json=PING, headers={**HEADERS, **headers})
            assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
        answer = client.post("/mcp", json=PING, headers={**HEADERS, "Authorization": f"Bearer {house.keys['reader']}"})
        assert [each["name"] for each in answer.json()["result"]["tools"]] == ["explain", "search_law", "whoami"]
    with door(house, "0.0.0.0", "", ["agents.example.org"]) as client:
        sent = {**HEADERS, "Authorization": f"Bearer {house.keys['reader']}"}
        assert client.post("/mcp", json=PING, headers=sent).status_code == 421
        assert client.post("/mcp", json=PING, headers={**sent, "Host": "agents.example.org"}).status_code == 200


def test_a_service_that_is_away_is_no_permit() -> None:
    """The list of tools and every call say that it cannot be reached."""

    async def talk(desk: Desk) -> None:
        with pytest.raises(MCPError, match="cannot be reached"):
            await desk.tools()
        came = await desk.call("decide", exchange=PERMITTED)
        assert (came.error, came.content["error"]) == (True, "unavailable")
        assert "no permit" in came.content["detail"]

    at_a_desk(NOWHERE, "", talk)


class Stranger(BaseHTTPRequestHandler):
    """Answers everything with a page."""

    def do_GET(self) -> None:
        """Like a proxy that has something to say."""
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b'{"proceed": true}')

    def do_POST(self) -> None:
        """The same. What was sent is read first: who is answered while it still sends may be cut off before it has read the answer."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


def test_a_service_that_is_something_else_is_no_permit() -> None:
    """An address that answers like no service, even with `proceed`."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Stranger) as stranger:
        threading.Thread(target=stranger.serve_forever, daemon=True).start()

        async def talk(desk: Desk) -> None:
            came = await desk.call("decide", exchange=PERMITTED)
            assert (came.error, came.content["error"]) == (True, "malformed")

        at_a_desk(f"http://127.0.0.1:{stranger.server_port}", "", talk)
        stranger.shutdown()


def test_a_key_that_the_service_does_not_know_is_refused(house: House) -> None:
    """And whoever calls is told to ask for another one."""

    async def talk(desk: Desk) -> None:
        came = await desk.call("decide", exchange=PERMITTED)
        assert (came.error, came.content["error"]) == (True, "unauthenticated")
        assert "ask the user" in came.content["do"]

    at_a_desk(house.address, "ff_000000000000_nothing", talk)


def test_too_many_calls_are_told_to_wait(tmp_path: Path) -> None:
    """By the limit of the service, for a key that it does not know."""
    with running(str(tmp_path / "log.db"), environment={"FIFTHFACTOR_FAILURE_BURST": "2"}) as server:

        async def talk(desk: Desk) -> list[str]:
            # The first by itself; the others together, for the limit lets one more pass each second.
            calls = (desk.call("decide", exchange={}) for _ in range(10))
            return [(await next(calls)).content["error"], *(each.content["error"] for each in await asyncio.gather(*calls))]

        kinds = at_a_desk(server.address, "ff_000000000000_nothing", talk)
    assert kinds[0] == "unauthenticated"
    assert "rate-limited" in kinds


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--key-file", "nowhere.key"], "the key file cannot be read"),
        (["--key-file", os.devnull], "must have one key"),
        (["--service", "ftp://example.org"], "the address must be like"),
        (["--http", "--host", "0.0.0.0"], "--allow-host"),
    ],
)
def test_what_is_used_wrongly_is_a_sentence(options: list[str], words: str) -> None:
    """And ends with 2, before anything is served."""
    ended = CliRunner().invoke(app, ["mcp", *options])
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert words in ended.stderr


def test_without_the_library_the_command_says_what_adds_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The service itself runs without it."""
    monkeypatch.setattr(installed, "find_spec", lambda name: None)
    ended = CliRunner().invoke(app, ["mcp"])
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert "pip install 'fifthfactor[agents]'" in ended.stderr
