"""For the tests of the client: both kinds of it, a real server, and a malicious one."""

import asyncio
import contextlib
import json
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from service.client import AsyncClient, Client
from tests.service.conftest import Server, running

KINDS = ("sync", "async")


def ask(kind: str, address: str, what: Callable[[Any], Any], **options: Any) -> Any:
    """What one of the clients makes of a call; a list of what it iterates over."""
    if kind == "sync":
        with Client(address, **options) as client:
            found = what(client)
            return list(found) if isinstance(found, Iterator) else found

    async def wait() -> Any:
        async with AsyncClient(address, **options) as client:
            found = what(client)
            return [each async for each in found] if isinstance(found, AsyncIterator) else await found

    return asyncio.run(wait())


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One real server for all calls."""
    with running(tmp_path_factory.mktemp("client") / "log.db") as server:
        yield server


class Malicious:
    """Answers each connection with the next of its scripts; the last one again and again. Keeps what was sent to it."""

    def __init__(self, *scripts: Callable[[socket.socket], None]) -> None:
        self._scripts = list(scripts)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self.heard: list[bytes] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with contextlib.closing(connection), contextlib.suppress(OSError):
            heard = b""
            while not _whole(heard):
                if not (piece := connection.recv(65_536)):
                    return
                heard += piece
            self.heard.append(heard)
            script = self._scripts.pop(0) if len(self._scripts) > 1 else self._scripts[0]
            script(connection)

    def close(self) -> None:
        """Listen no more. Who waits for a connection is woken: otherwise it goes on to wait, and takes those of the next server."""
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()


def _whole(heard: bytes) -> bool:
    """Whether all of a request came: who is answered while it still sends may be cut off before it has read the answer."""
    head, end, body = heard.partition(b"\r\n\r\n")
    length = head.lower().partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0]
    return bool(end) and len(body) >= int(length or 0)


@pytest.fixture
def malicious() -> Iterator[Callable[..., Malicious]]:
    """Makes malicious servers."""
    made: list[Malicious] = []

    def make(*scripts: Callable[[socket.socket], None]) -> Malicious:
        made.append(Malicious(*scripts))
        return made[-1]

    yield make
    for each in made:
        each.close()


def sends(*pieces: bytes, pause: float = 0.0) -> Callable[[socket.socket], None]:
    """A script that sends bytes, with a pause between."""

    def script(connection: socket.socket) -> None:
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(pause)

    return script


def answering(body: bytes | dict[str, Any], status: str = "200 OK", kind: str = "application/json", more: str = "") -> bytes:
    """The bytes of an answer."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(content)}\r\nConnection: close\r\n{more}\r\n"
    return head.encode() + content


def problem(kind: str, status: int, more: str = "") -> bytes:
    """A problem document as an answer."""
    document = {"type": f"urn:fifthfactor:problem:{kind}", "title": "t", "status": status, "detail": "d"}
    return answering(document, f"{status} X", "application/problem+json", more)
