"""Too much at once: the answers are 200 or 503 and nothing else, the memory is bounded, and afterwards all is as before."""

import asyncio
import contextlib
import json
import re
import socket
import statistics
import threading
import time
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
import uvicorn
import uvloop

from service.api import request_bodies
from service.callers.caller import LOCAL, Caller
from service.callers.shedding import Load as Taken
from service.callers.shedding import Place
from service.limits import LARGE_REQUESTS_UNDER_WAY
from service.log.store import Store
from service.problems import RequestRefused
from service.server.app import create_app
from service.server.bounded_heads import BoundedHeads
from service.service import Service
from tests.service.conftest import BOTH_DATABASES, EXCHANGE, Server, body, eventually, running
from tests.service.load import Load, during, memory, post
from tests.service.server.test_server import JSON, ask, sound

REQUEST = post("/v1/evaluate", body())
BATCH = post("/v1/evaluate/batch", json.dumps({"exchanges": [EXCHANGE] * 50}).encode())


@contextlib.contextmanager
def held(database: str) -> Iterator[None]:
    """Somebody else holds the database's writing lock: what is to be written waits."""
    with Store.open(database) as other, other.database.writing.connect() as connection, connection.begin():
        other.database.lock(connection)
        yield


def behind(server) -> float:
    """For how many seconds the oldest record has waited."""
    figures = ask(server, "GET", "/metrics")[1].decode()
    (seconds,) = re.findall(r"^fifthfactor_log_behind_seconds ([0-9.e-]+)$", figures, re.MULTILINE)
    return float(seconds)


@BOTH_DATABASES
def test_the_log_falls_behind(database, tmp_path, capsys):
    """
    Two hundred connections, and forty more that come while another process holds the lock.

    What waited is answered once it is recorded; what comes later is turned away at once, and is not recorded; the probes are heard.
    """
    with running(database, folder=tmp_path, environment={"FIFTHFACTOR_SHED_SECONDS": "0.5"}) as server:
        load = Load(server.port, [*[REQUEST] * 9, BATCH], 200, pause=0.05)
        late = Load(server.port, [*[REQUEST] * 9, BATCH], 40, pause=0.05)
        marks: dict[str, float] = {"memory before": memory(server.process.pid)}

        async def hinder() -> None:
            await asyncio.sleep(0.5)
            with contextlib.ExitStack() as other:
                await asyncio.to_thread(other.enter_context, held(database))
                # However busy the machine is, they come once the log is behind.
                await asyncio.to_thread(eventually, lambda: behind(server) > 0.5)
                coming = asyncio.create_task(late.run())
                await asyncio.to_thread(eventually, lambda: len(late.asked) >= 40)
                late.stopped = True
                await coming
                # The other still holds the lock, so these do not wait for the log.
                assert (await asyncio.to_thread(ask, server, "GET", "/livez"))[0] == 200
                figures = (await asyncio.to_thread(ask, server, "GET", "/metrics"))[1].decode()
            marks["free"] = time.monotonic()
            assert "fifthfactor_http_requests_shed_total 0.0" not in figures
            await asyncio.to_thread(
                eventually, lambda: any(each.status == 200 and each.at > marks["free"] for each in load.asked)
            )

        during(load, hinder)
        most = memory(server.process.pid, "VmHWM")
        assert ask(server, "POST", "/v1/evaluate", body())[0] == 200
        assert server.stop() == 0
    assert load.statuses.keys() <= {200, 503}, load.statuses
    assert late.statuses.keys() == {503}, late.statuses
    assert most - marks["memory before"] < 150
    kinds = {json.loads(each.body)["type"].rpartition(":")[2] for each in load.asked + late.asked if each.status == 503}
    assert kinds <= {"busy", "not-recorded"}
    answered = {id for each in load.asked if each.status == 200 for id in ids(each.body)}
    recorded = sound(database)
    assert answered <= recorded
    with capsys.disabled():
        print(
            f"\noverload: {load.statuses}, and while the log was behind {late.statuses},"
            f" turned away in {statistics.median(each.took for each in late.asked) * 1000:.1f} ms (median),"
            f" memory {marks['memory before']:.0f} MB before, {most:.0f} MB at most;"
            f" {len(recorded)} recorded, {len(answered)} answered"
        )


def ids(content: bytes) -> list[str]:
    """The ids of the decisions in an answer, alone or of a batch."""
    answer = json.loads(content)
    return [each["decision"]["id"] for each in answer["results"]] if "results" in answer else [answer["id"]]


def test_only_so_many_are_under_way(database, tmp_path):
    """While four wait for their record, others are turned away with Retry-After, whatever they want; the probes are not."""
    environment = {"FIFTHFACTOR_MOST_UNDER_WAY": "4", "FIFTHFACTOR_SHED_SECONDS": "60"}
    with running(database, folder=tmp_path, environment=environment) as server:
        answers: list[int] = []

        def wait() -> None:
            answers.append(ask(server, "POST", "/v1/evaluate", body())[0])

        with held(database):
            waiting = [threading.Thread(target=wait) for _ in range(4)]
            for each in waiting:
                each.start()
            eventually(lambda: b"fifthfactor_http_requests_under_way 4.0" in ask(server, "GET", "/metrics")[1])
            turned_away = httpx.post(f"{server.address}/v1/evaluate", content=body())
            assert (turned_away.status_code, turned_away.headers["retry-after"]) == (503, "1")
            assert turned_away.json()["type"] == "urn:fifthfactor:problem:busy"
            assert ask(server, "GET", "/v1/facts")[0] == 503
            assert ask(server, "GET", "/livez")[0] == 200
        for each in waiting:
            each.join(60)
        assert answers == [200] * 4
        assert ask(server, "GET", "/v1/facts")[0] == 200
    assert len(sound(database)) == 4


def test_reading_goes_on_while_the_log_is_behind():
    """Only what would be written is turned away."""
    load = Taken(most=10, patience=1.0, behind=lambda: 1.5)
    assert load.refusal("GET") is None
    refused = load.refusal("POST")
    assert refused is not None
    assert refused.kind == "busy"
    assert Taken(most=10, patience=2.0, behind=lambda: 1.5).refusal("POST") is None


def slow(path: str, kind: str, *heads: str) -> bytes:
    """The head of a request whose body does not come."""
    lines = (f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Type: {kind}", "Content-Length: 100", *heads)
    return "\r\n".join((*lines, "", "")).encode()


@contextlib.contextmanager
def connected(server: Server, sent: bytes, times: int) -> Iterator[list[socket.socket]]:
    """Connections that sent the same, and stay open."""
    with contextlib.ExitStack() as opened:
        sockets = [opened.enter_context(socket.create_connection(("127.0.0.1", server.port), 30)) for _ in range(times)]
        for each in sockets:
            each.sendall(sent)
        yield sockets


def test_slow_bodies_keep_nobody_out(database, tmp_path):
    """256 connections without a key, and 256 with one, send a head and no body; everybody else is answered meanwhile."""
    with running(database, folder=tmp_path) as server:
        key = json.loads(
            ask(server, "POST", "/v1/keys", json.dumps({"name": "lab", "scopes": ["evaluate", "read"]}).encode())[1]
        )
        bearer = {"Authorization": f"Bearer {key['key']}"}
        form = {"Content-Type": "application/x-www-form-urlencoded"}

        def arriving() -> int:
            """How many arrive, as long as none is under way; else -1: each is for a moment, before its body is awaited."""
            figures = ask(server, "GET", "/metrics", headers=bearer)[1].decode()
            if "fifthfactor_http_requests_under_way 0.0" not in figures:
                return -1
            return int(float(figures.partition("\nfifthfactor_http_requests_arriving ")[2].partition("\n")[0]))

        def answered() -> None:
            assert ask(server, "POST", "/v1/evaluate", body(), {**JSON, **bearer})[0] == 200
            assert ask(server, "GET", "/sign-in")[0] == 200
            assert ask(server, "POST", "/sign-in", b"key=none", form)[0] not in (408, 503)

        with connected(server, slow("/sign-in", form["Content-Type"]), 256) as strangers:
            eventually(lambda: arriving() == 64)
            answered()
            assert strangers[0].recv(65_536).startswith(b"HTTP/1.1 503")  # the first gave up its place to the last
            with connected(server, slow("/v1/evaluate", "application/json", *map(": ".join, bearer.items())), 300) as known:
                eventually(lambda: arriving() >= 256 + 63)
                answered()
                assert known[0].recv(65_536).startswith(b"HTTP/1.1 503")


@pytest.mark.parametrize(("caller", "most"), [(None, 2), (Caller("key:lab", frozenset()), 6), (LOCAL, 8)])
def test_every_caller_leaves_places_to_others(caller, most):
    """Strangers share a quarter of the places, and a caller with a key leaves a quarter. Where no key was made, one is everybody."""
    load = Taken(most=8, patience=1.0, behind=lambda: 0.0)
    places = [Place(load, "GET") for _ in range(most + 1)]
    for each in places[:most]:
        each.take()
        each.belongs_to(caller)
    if most < load.most:
        places[most].take()
        with pytest.raises(RequestRefused, match="busy"):
            places[most].belongs_to(caller)
    for each in places:
        each.leave()
    assert (load.under_way, load.of_caller) == (0, {})


def twelve_at_once(service: Service, path: str, sent: bytes) -> list[int]:
    """The statuses of twelve requests whose bodies are whole once as many were turned away as have no place."""
    app = create_app(service.settings, service)
    sending: list[asyncio.Task[httpx.Response]] = []

    async def packed() -> AsyncIterator[bytes]:
        yield sent[:10]
        while sum(each.done() for each in sending) < 12 - LARGE_REQUESTS_UNDER_WAY:  # noqa: ASYNC110 - until they were turned away
            await asyncio.sleep(0.01)
        yield sent[10:]

    async def together() -> list[int]:
        async with (
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client,
            asyncio.timeout(60),
        ):
            for _ in range(12):
                asked = client.post(path, content=packed(), headers={"content-type": "application/json"})
                sending.append(asyncio.create_task(asked))
            return sorted(answer.status_code for answer in await asyncio.gather(*sending))

    return asyncio.run(together())


def test_only_so_many_batches_wait(in_file):
    """Each holds its body, so the ninth is turned away before it is read."""
    packed = json.dumps({"exchanges": [EXCHANGE] * 20}).encode()
    statuses = twelve_at_once(in_file, "/v1/evaluate/batch", packed)
    assert statuses == [200] * LARGE_REQUESTS_UNDER_WAY + [503] * (12 - LARGE_REQUESTS_UNDER_WAY)


def test_only_so_many_access_requests_of_several_wait(in_file):
    """They are as large as batches, and have as many places."""
    statuses = twelve_at_once(in_file, "/access/v1/evaluations", b'{"evaluations": [{}]}')
    # The vocabulary of these policies does not speak of access requests.
    assert statuses == [404] * LARGE_REQUESTS_UNDER_WAY + [503] * (12 - LARGE_REQUESTS_UNDER_WAY)


def test_a_body_that_trickles_is_refused(in_file, monkeypatch):
    """Its place is for others; nothing is decided."""
    monkeypatch.setattr(request_bodies, "BODY_SECONDS", 0.1)
    app = create_app(in_file.settings, in_file)

    async def trickle():
        for number in range(50):
            yield body()[number : number + 1]
            await asyncio.sleep(0.05)

    async def send() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
            return await client.post("/v1/evaluate", content=trickle(), headers={"content-type": "application/json"})

    answer = asyncio.run(send())
    assert (answer.status_code, answer.json()["type"]) == (408, "urn:fifthfactor:problem:body-too-slow")
    assert in_file.store.records == 0


@pytest.mark.parametrize("sent", [b"a" * 1_000, b"a: b\r\n" * 200], ids=["one line", "many lines"])
def test_a_head_without_an_end_is_not_kept(tmp_path, sent):
    """Nobody has to be known to send one: it is answered with a plain 400 long before it fills the memory."""
    with running(tmp_path / "log.db") as server, socket.create_connection(("127.0.0.1", server.port), 60) as caller:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            caller.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX: ")
            for _ in range(20_000):
                caller.sendall(sent)
            pytest.fail("20 MB were taken")
        whole = b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 30_000 + b"\r\n\r\n"
        with socket.create_connection(("127.0.0.1", server.port), 60) as other:
            for _ in range(4):  # each has a bound of its own
                other.sendall(whole)
                came = b""
                while not came.endswith(b'{"status":"alive"}'):
                    more = other.recv(65_536)
                    assert more, came
                    came += more
                assert came.startswith(b"HTTP/1.1 200")


def test_a_head_has_to_come_in_time(in_file):
    """Of the first request of a connection, of whom nothing comes, and of a later one."""

    class Hurried(BoundedHeads):
        seconds = 0.3

    async def left(*sent: bytes, whole: bytes = b"") -> bytes:
        config = uvicorn.Config(create_app(in_file.settings, in_file), http=Hurried, log_config=None, lifespan="off")
        state = uvicorn.server.ServerState()
        config.load()
        listening = await asyncio.get_running_loop().create_server(lambda: Hurried(config, state, {}), "127.0.0.1", 0)
        Hurried.seconds = 60.0 if whole else 0.3  # a request that is to be answered has time, however busy the machine is
        reader, writer = await asyncio.open_connection(*listening.sockets[0].getsockname())
        if whole:
            writer.write(whole)
            assert (await reader.readuntil(b'{"status":"alive"}')).startswith(b"HTTP/1.1 200")
            Hurried.seconds = 0.3
        for each in sent:
            writer.write(each)
            await asyncio.sleep(0.02)
        came = await asyncio.wait_for(reader.read(), 30)
        writer.close()
        listening.close()
        return came

    for begun in ((), (b"GET /livez HT",), (b"G", b"E", b"T")):
        assert asyncio.run(left(*begun)) == b""
    assert asyncio.run(left(b"GET /l", whole=b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")) == b""


def test_a_request_that_came_while_the_process_stood_still_is_not_lost(in_file):
    """Its connection has been idle for too long by then, and is closed only where nothing came."""
    whole = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"

    async def kept() -> bytes:
        config = uvicorn.Config(create_app(in_file.settings, in_file), http=BoundedHeads, log_config=None, lifespan="off")
        state, made = uvicorn.server.ServerState(), []
        config.load()

        def protocol() -> BoundedHeads:
            made.append(BoundedHeads(config, state, {}))
            return made[-1]

        listening = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*listening.sockets[0].getsockname())
        writer.write(whole)
        await reader.readuntil(b'{"status":"alive"}')
        writer.write(whole)
        made[0].timeout_keep_alive_handler()  # the loop calls it first, where both wait
        came = await asyncio.wait_for(reader.readuntil(b'{"status":"alive"}'), 30)
        made[0].timeout_keep_alive_handler()
        assert await asyncio.wait_for(reader.read(), 30) == b""
        writer.close()
        listening.close()
        return came

    assert uvloop.run(kept()).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics"])
def test_whoever_watches_is_never_turned_away(in_file, path):
    """With no place left and the log behind."""
    in_file.load.under_way = in_file.load.most
    in_file.load.behind = lambda: 1e9
    app = create_app(in_file.settings, in_file)

    async def send() -> int:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
            return (await client.get(path)).status_code

    assert asyncio.run(send()) == 200
