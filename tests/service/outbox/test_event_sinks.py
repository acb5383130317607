"""Collectors of OpenTelemetry and topics of Kafka: what their settings may say, and what is refused before anything is sent."""

import base64
import socket
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from service.outbox import kafka_sink
from service.outbox.kept_connection import KeptConnection
from service.outbox.otlp_sink import MOST_BYTES
from service.outbox.secret_files import headers_in, password_in
from service.outbox.sink_opening import open_sink
from service.outbox.sink_settings import AnySink, read
from service.outbox.sinks import SinkUnreachable
from service.outbox.stream_event import DECISION, StreamEvent
from service.settings import SettingRefused
from tests.outbox_run.certificates import certificate
from tests.pages import Block, blocks

PAGES = ("service/docs/event-sinks.md", "service/docs/event-stream.md")
WEBHOOK = {"kind": "webhook", "address": "https://warehouse.example.com/", "secret": "warehouse.secret"}
OTLP = {"kind": "otlp", "address": "https://collector.example.com/v1/logs"}
KAFKA = {"kind": "kafka", "servers": "[kafka.example.com:9093]", "topic": "events"}


def settings(folder: Path, of: dict[str, str], **more: str) -> AnySink:
    """The one sink of a file."""
    written = "\n  ".join(f"{name}: {value}" for name, value in {"name": "one", **of, **more}.items())
    (folder / "sinks.yaml").write_text(f"- {written}\n")
    (found,) = read(folder / "sinks.yaml")
    return found


def opened(folder: Path, of: dict[str, str], **more: str) -> Any:
    """The sink of these settings."""
    return open_sink(settings(folder, of, **more), "urn:example.com:log", lambda: datetime.now(UTC))


@pytest.mark.parametrize("block", [each for page in PAGES for each in blocks(page) if each.kind == "yaml sinks"], ids=str)
def test_the_sinks_of_the_pages_open(block: Block, tmp_path: Path) -> None:
    """Beside the file lie the files that it names. Nothing is sent before there is an event."""
    certificate(tmp_path)
    for name in ("brokers.pem", "fifthfactor.pem", "fifthfactor.key"):
        (tmp_path / name).write_bytes((tmp_path / "receiver-both.pem").read_bytes())
    (tmp_path / "collector.headers").write_text("Authorization: Bearer abc\n")
    (tmp_path / "kafka.password").write_text("a-password\n")
    (tmp_path / "warehouse.secret").write_text(f"whsec_{base64.b64encode(bytes(range(32))).decode()}\n")
    (tmp_path / "sinks.yaml").write_text(block.text)
    for each in read(tmp_path / "sinks.yaml"):
        sink = open_sink(each, "urn:example.com:log", lambda: datetime.now(UTC))
        assert sink.name == each.name
        sink.close()


@pytest.mark.parametrize(
    ("of", "more", "said"),
    [
        (OTLP, {"address": "http://collector.example.com/v1/logs"}, "http:// only with `private: yes`"),
        (WEBHOOK, {"address": "http://127.0.0.1/", "private": "yes"}, "give an https:// address; `authorities` names"),
        (OTLP, {"address": "https://me@collector.example.com/"}, "without a user"),
        (OTLP, {"address": "ftp://collector.example.com/"}, "give an https:// address"),
        (KAFKA, {"servers": "[]"}, "at least 1 item"),
        (KAFKA, {"servers": "[kafka.example.com]"}, "match pattern"),
        (KAFKA, {"topic": "a topic"}, "match pattern"),
        (KAFKA, {"user": "me"}, "give both `user` and `password`"),
        (KAFKA, {"password": "kafka.password"}, "give both `user` and `password`"),
        (KAFKA, {"key": "kafka.key"}, "give both `certificate` and `key`"),
        (KAFKA, {"tls": "no", "authorities": "brokers.pem"}, "need `tls`"),
        (KAFKA, {"tls": "no", "user": "me", "password": "p", "mechanism": "PLAIN"}, "so it needs `tls`"),
        (KAFKA, {"mechanism": "GSSAPI"}, "SCRAM-SHA-512"),
        (KAFKA, {"acks": "1"}, "not permitted"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(tmp_path: Path, of: dict[str, str], more: dict[str, str], said: str) -> None:
    """With one sentence, before the service starts."""
    with pytest.raises(SettingRefused) as refused:
        settings(tmp_path, of, **more)
    assert said in str(refused.value)


def test_without_the_extra_a_topic_is_refused_with_what_adds_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the settings themselves are read without it."""
    monkeypatch.setattr(kafka_sink, "find_spec", lambda name: None)
    with pytest.raises(SettingRefused, match=r"pip install 'fifthfactor\[kafka\]'"):
        opened(tmp_path, KAFKA)


def test_files_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    """The sentence names the sink and the file, never what is in it."""
    for more in ({"authorities": "none.pem"}, {"certificate": "none.pem", "key": "none.pem"}):
        with pytest.raises(SettingRefused, match=r"the sink `one`: the certificates in `.*none.pem` cannot be used"):
            opened(tmp_path, KAFKA, **more)
    with pytest.raises(SettingRefused, match=r"the file of certificate authorities `.*none.pem` cannot be used"):
        opened(tmp_path, OTLP, authorities="none.pem")
    with pytest.raises(SettingRefused, match="cannot be read: No such file"):
        opened(tmp_path, OTLP, headers="none")
    for content in (b"", b"one\ntwo\n", b"\n", b"\xff\n", b"x" * 20_000):
        (tmp_path / "secret").write_bytes(content)
        with pytest.raises(SettingRefused) as refused:
            password_in("one", tmp_path / "secret")
        assert "secret`" in str(refused.value)
    for text in ("Authorization\n", "Au thorization: x\n", "A: \x01\n", "Host: x\n", "A: x\nA: y\n", "A: x\n\nB: y\n"):
        (tmp_path / "headers").write_text(text)
        with pytest.raises(SettingRefused, match=r"line . of"):
            headers_in("one", tmp_path / "headers")


def test_a_receiver_is_reached_only_where_the_settings_allow_it() -> None:
    """A private address only if they say so; without TLS only a private one."""
    with socket.create_server(("127.0.0.1", 0)) as here:
        address = f"https://127.0.0.1:{here.getsockname()[1]}/"
        with pytest.raises(SinkUnreachable, match="its address is not public, and `private` is not set"):
            KeptConnection("one", address, private=False, authorities=None).post(b"", {})
    with pytest.raises(SinkUnreachable, match="its address is public, and it has no TLS"):
        KeptConnection("one", "http://8.8.8.8/", private=True, authorities=None).post(b"", {})


def test_a_receiver_that_answers_byte_by_byte_is_left_in_time() -> None:
    """The whole call has one deadline, also on a connection that was kept."""
    with socket.create_server(("127.0.0.1", 0)) as here:
        connection = KeptConnection("one", f"http://127.0.0.1:{here.getsockname()[1]}/", private=True, authorities=None)
        with pytest.raises(SinkUnreachable, match="no answer"):
            connection.post(b"x", {}, 0.2)
        connection.close()


def test_events_that_are_large_together_go_to_a_collector_one_after_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A collector refuses more bytes than it takes at once, for ever; a failure says how many have arrived before it."""
    sizes = (10, 400_000, 500_000, 300_000, 1_500_000, 10, 10)
    events = [
        StreamEvent(number, f"id-{number}", "decision", DECISION, "d", "2026-03-30T12:00:00Z", None, {"exchange": "x" * size})
        for number, size in enumerate(sizes)
    ]
    refuses, bodies = [False], []

    def post(self: KeptConnection, body: bytes, headers: Any, seconds: float) -> tuple[int, bytes]:
        bodies.append(body)
        return (413 if refuses[0] and len(body) > MOST_BYTES else 200), b""

    monkeypatch.setattr(KeptConnection, "post", post)
    opened(tmp_path, OTLP).send(events)
    sent = [
        [
            record.attributes[0].value.string_value
            for record in ExportLogsServiceRequest.FromString(body).resource_logs[0].scope_logs[0].log_records
        ]
        for body in bodies
    ]
    assert [id for ids in sent for id in ids] == [each.id for each in events]
    assert all(len(body) <= MOST_BYTES or len(ids) == 1 for body, ids in zip(bodies, sent, strict=True))
    assert len(bodies) < len(events)
    refuses[0] = True
    with pytest.raises(SinkUnreachable, match="status 413") as failed:
        opened(tmp_path, OTLP).send(events)
    assert failed.value.arrived == 4


def test_a_key_has_its_place_as_kafkas_own_clients_find_it() -> None:
    """The values of Kafka's own test of murmur2, brought to a partition."""
    values = {b"21": -973932308, b"foobar": -790332482, b"a-little-bit-long-string": -985981536, b"abc": 479470107}
    for key, hashed in values.items():
        assert kafka_sink.place(key, 7) == (hashed & 0x7FFF_FFFF) % 7


def test_no_library_of_a_sink_is_loaded_before_one_is_set() -> None:
    """Whoever has no collector and no topic has neither of them in memory."""
    code = (
        "import sys, service.outbox.sink_opening;"
        "print([name for name in ('aiokafka', 'google.protobuf', 'opentelemetry.proto') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
