"""
Receivers of events, each a process of its own that may be killed at any moment: `python -m tests.outbox_run.receivers webhook 8443 …`.

What has arrived stands in a file before the answer leaves, a line an event: its number and its key. A receiver that comes again appends.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import os
import ssl
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

Arrival = tuple[int, str]  # the number of an event and its key, "" where it has none
Reader = Callable[
    [dict[str, str], bytes], tuple[Iterable[Arrival], bytes]
]  # what arrived with a request, and the answer's body


class Arrivals:
    """The file of what has arrived. When `note` returns, it is there though this process is killed."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def note(self, arrived: Iterable[Arrival]) -> None:
        """One write for all of them, so that a kill leaves none or all."""
        if written := "".join(f"{sequence} {key}\n" for sequence, key in arrived).encode():
            assert os.write(self._file, written) == len(written)


def of_cloud_event(event: dict[str, Any]) -> Arrival:
    """Number and key of an event in CloudEvents."""
    return int(event["sequence"]), event.get("partitionkey", "")


def webhook(headers: dict[str, str], body: bytes) -> tuple[Iterable[Arrival], bytes]:
    """What a webhook was sent: an event, or a batch of them."""
    sent = json.loads(body)
    assert headers["webhook-signature"]
    return map(of_cloud_event, sent if isinstance(sent, list) else [sent]), b""


def otlp(headers: dict[str, str], body: bytes) -> tuple[Iterable[Arrival], bytes]:
    """What a collector was sent."""
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse

    plain = gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body
    found = []
    for resource in ExportLogsServiceRequest.FromString(plain).resource_logs:
        for scope in resource.scope_logs:
            for record in scope.log_records:
                said = {each.key: each.value for each in record.attributes}
                key = said["fifthfactor.key"].string_value if "fifthfactor.key" in said else ""
                found.append((said["fifthfactor.sequence"].int_value, key))
    return found, ExportLogsServiceResponse().SerializeToString()


async def serve(read: Reader, port: int, arrivals: Arrivals, context: ssl.SSLContext | None) -> None:
    """Answer requests of HTTP/1.1 with 200, on connections that are kept."""

    async def connected(reading: asyncio.StreamReader, writing: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reading.readuntil(b"\r\n\r\n")).decode("latin-1")
                headers = {
                    name.lower(): value.strip()
                    for name, _, value in (line.partition(":") for line in head.split("\r\n")[1:] if line)
                }
                arrived, answer = read(headers, await reading.readexactly(int(headers["content-length"])))
                arrivals.note(arrived)
                kind = headers["content-type"]
                writing.write(
                    f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {len(answer)}\r\n\r\n".encode() + answer
                )
                await writing.drain()
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writing.close()

    server = await asyncio.start_server(connected, "127.0.0.1", port, ssl=context, limit=1 << 20)
    await server.serve_forever()


async def relay(port: int, to: int) -> None:
    """Pass on what comes to a port. While it is gone, what stands behind it cannot be reached."""

    async def connected(reading: asyncio.StreamReader, writing: asyncio.StreamWriter) -> None:
        try:
            there_reading, there_writing = await asyncio.open_connection("127.0.0.1", to)
        except OSError:
            writing.close()
            return
        await asyncio.gather(_passed_on(reading, there_writing), _passed_on(there_reading, writing))

    server = await asyncio.start_server(connected, "127.0.0.1", port)
    await server.serve_forever()


async def _passed_on(reading: asyncio.StreamReader, writing: asyncio.StreamWriter) -> None:
    try:
        while some := await reading.read(1 << 16):
            writing.write(some)
            await writing.drain()
    except OSError:
        pass
    finally:
        writing.close()


async def consume(server: str, topic: str, arrivals: Arrivals) -> None:
    """Read a topic of Kafka from its beginning, for good."""
    from aiokafka import AIOKafkaConsumer

    consumer = AIOKafkaConsumer(topic, bootstrap_servers=server, auto_offset_reset="earliest", metadata_max_age_ms=2_000)
    await consumer.start()
    while True:
        for records in (await consumer.getmany(timeout_ms=500)).values():
            found = []
            for each in records:
                headers = {name: value.decode() for name, value in each.headers}
                key = "" if each.key is None else each.key.decode()
                assert headers.get("ce_partitionkey", "") == key
                found.append((int(headers["ce_sequence"]), key))
            arrivals.note(found)


def main() -> None:
    """Receive until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=("webhook", "otlp", "relay", "kafka"))
    parser.add_argument("port", type=int)
    parser.add_argument("--file", type=Path, help="the file of arrivals")
    parser.add_argument("--to", type=int, help="the port behind a relay")
    parser.add_argument("--topic")
    parser.add_argument("--certificate", type=Path, help="PEM file with certificate and key")
    asked = parser.parse_args()
    if asked.kind == "relay":
        asyncio.run(relay(asked.port, asked.to))
        return
    arrivals = Arrivals(asked.file)
    if asked.kind == "kafka":
        asyncio.run(consume(f"127.0.0.1:{asked.port}", asked.topic, arrivals))
        return
    context = None
    if asked.certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(asked.certificate)
    asyncio.run(serve(webhook if asked.kind == "webhook" else otlp, asked.port, arrivals, context))


if __name__ == "__main__":
    main()
