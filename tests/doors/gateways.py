"""Real gateways as the page `service/docs/gateway-settings.md` sets them up, and what stands behind them and notes what reaches it."""

import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.free_port import free_port
from tests.pages import blocks

PAGE = "service/docs/gateways.md"
SETTINGS = "service/docs/gateway-settings.md"
DOORS = Path(os.environ.get("DOORS", ".venv/doors"))
ENVOY = DOORS / "python" / "envoy" / "_bin" / "envoy"
NGINX = "/usr/sbin/nginx"
DECISION = "x-fifthfactor-decision"


def shown(kind: str) -> str:
    """The one block of a kind on the two pages."""
    (block,) = [each for page in (PAGE, SETTINGS) for each in blocks(page) if each.kind == kind]
    return block.text


def replaced(text: str, *pairs: tuple[str, str]) -> str:
    """The text with each of the first in the place of each of the second; all of them must be there."""
    for old, new in pairs:
        assert old in text, f"the page has no `{old}`"
        text = text.replace(old, new)
    return text


@dataclass(frozen=True)
class Arrived:
    """A request that reached what stands behind the gateway."""

    method: str
    target: str
    headers: Mapping[str, tuple[str, ...]]


@dataclass
class Behind:
    """What stands behind the gateway: it answers each request with 200, and notes it."""

    port: int = 0
    arrived: list[Arrived] = field(default_factory=list)

    def taken(self) -> list[Arrived]:
        """What arrived since the last call."""
        found, self.arrived[:] = list(self.arrived), []
        return found


@contextmanager
def listening(handler: type[BaseHTTPRequestHandler]) -> Iterator[int]:
    """The port of a server of this machine, which answers in threads of its own."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


@contextmanager
def behind() -> Iterator[Behind]:
    """A service behind the gateway."""
    noted = Behind()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def __getattr__(self, name: str) -> Any:
            if name.startswith("do_"):
                return self._note
            raise AttributeError(name)

        def _note(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", "0")))
            names = {name.lower() for name in self.headers}
            noted.arrived.append(
                Arrived(self.command, self.path, {name: tuple(self.headers.get_all(name, ())) for name in names})
            )
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None: ...

    with listening(Handler) as noted.port:
        yield noted


@dataclass(frozen=True)
class Answered:
    """What the client of a gateway got."""

    status: int
    headers: Mapping[str, tuple[str, ...]]
    body: bytes

    @property
    def decision(self) -> tuple[str, ...]:
        """The ids of decisions that came with it."""
        return self.headers.get(DECISION, ())


@dataclass(frozen=True)
class Gateway:
    """A gateway that runs: its name and its port."""

    name: str
    port: int

    def send(self, method: str, target: str, *headers: tuple[str, str], body: bytes = b"") -> Answered:
        """Send a request, byte for byte as it is written here; headers may repeat."""
        lines = [f"{method} {target} HTTP/1.1", "host: datasets.example", *(f"{name}: {value}" for name, value in headers)]
        if body:
            lines.append(f"content-length: {len(body)}")
        head = "\r\n".join([*lines, "connection: close", "", ""]).encode("latin-1")
        with socket.create_connection(("127.0.0.1", self.port), 60) as connection:
            answer = b""
            with suppress(ConnectionError):  # who is denied before all was read may be cut off, before or behind the answer
                connection.sendall(head + body)
            with suppress(ConnectionError):
                while piece := connection.recv(65_536):
                    answer += piece
        head, _, rest = answer.partition(b"\r\n\r\n")
        status, *fields = head.decode("latin-1").split("\r\n")
        found: dict[str, tuple[str, ...]] = {}
        for line in fields:
            name, _, value = line.partition(":")
            found[name.lower()] = (*found.get(name.lower(), ()), value.strip())
        return Answered(int(status.split()[1]), found, rest)


@contextmanager
def envoy(folder: Path, service: int, datasets: int, key: str) -> Iterator[Gateway]:
    """Envoy before a service on one port, asking on another, by the configuration of the page."""
    port = free_port()
    text = replaced(
        shown("yaml envoy"),
        ("0.0.0.0, port_value: 8000", f"127.0.0.1, port_value: {port}"),
        ("port_value: 3000", f"port_value: {datasets}"),
        ("port_value: 8080", f"port_value: {service}"),
    )
    (folder / "envoy.yaml").write_text(text)
    options = ("--concurrency", "1", "--disable-hot-restart", "--log-level", "error")
    with running([str(ENVOY), "-c", str(folder / "envoy.yaml"), *options], port, {"FIFTHFACTOR_KEY": key}, folder):
        yield Gateway("Envoy", port)


@contextmanager
def nginx(folder: Path, service: int, datasets: int, key: str) -> Iterator[Gateway]:
    """nginx before a service on one port, asking on another, by the configuration of the page."""
    port = free_port()
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    here = "".join(f"  {kind}_temp_path {folder}/{kind};\n" for kind in kinds)  # where this user may write
    text = replaced(
        shown("nginx"),
        ("http {\n", f"http {{\n  access_log off;\n{here}"),
        ("listen 8000", f"listen 127.0.0.1:{port}"),
        ("127.0.0.1:3000", f"127.0.0.1:{datasets}"),
        ("127.0.0.1:8080", f"127.0.0.1:{service}"),
        ("ff_KEY", key),
    )
    (folder / "nginx.conf").write_text(text)
    more = f"daemon off; master_process off; pid {folder}/nginx.pid;"
    command = [NGINX, "-c", str(folder / "nginx.conf"), "-p", str(folder), "-e", str(folder / "nginx.errors"), "-g", more]
    with running(command, port, {}, folder):
        yield Gateway("nginx", port)


@contextmanager
def running(command: list[str], port: int, environment: Mapping[str, str], folder: Path) -> Iterator[None]:
    """A program that listens on a port, and is gone afterwards."""
    with (folder / "said.txt").open("wb") as said:
        process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=said, stderr=said)
    try:
        until = time.monotonic() + 60
        while not _listens(port):
            assert process.poll() is None, (folder / "said.txt").read_text()
            assert time.monotonic() < until, f"{command[0]} does not listen"
            time.sleep(0.02)
        yield
    finally:
        process.terminate()
        process.wait(20)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True
