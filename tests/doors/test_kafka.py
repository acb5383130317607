"""Events in Kafka: a broker that was not written here has each of them, in the order of a key, whatever breaks in between."""

import asyncio
import json
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary
from cloudevents.core.formats.json import JSONFormat

from service.outbox.kafka_sink import KafkaSink, place
from service.outbox.sink_settings import KafkaSettings
from service.outbox.sinks import SinkUnreachable
from service.outbox.stream_event import StreamEvent
from tests.doors.receiving import SOURCE, event, make_topic, relay, tansu
from tests.free_port import free_port
from tests.outbox_run.certificates import certificate
from tests.service.conftest import eventually

TOPIC = "fifthfactor-events"
KEYS = [f"{number:064x}" for number in range(7)]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[int]:
    """A broker with a topic of three partitions."""
    with tansu(tmp_path) as port:
        make_topic(port, TOPIC, 3)
        yield port


def sink(port: int, **more: Any) -> KafkaSink:
    """A sink of the topic."""
    settings = {"name": "kafka", "kind": "kafka", "servers": [f"localhost:{port}"], "topic": TOPIC, "tls": False, **more}
    return KafkaSink(KafkaSettings.model_validate(settings), SOURCE)


def some(first: int, after: int) -> list[StreamEvent]:
    """Events with one of seven keys, every eighth without one."""
    return [event(n, None if n % 8 == 7 else KEYS[n % 8], number=n) for n in range(first, after)]


def read(port: int, events: int) -> list[ConsumerRecord]:
    """What the topic has: the records of so many events at least, some of which may be there twice."""

    async def consumed() -> list[ConsumerRecord]:
        consumer = AIOKafkaConsumer(bootstrap_servers=f"localhost:{port}", auto_offset_reset="earliest")
        await consumer.start()
        consumer.assign([TopicPartition(TOPIC, number) for number in range(3)])
        found: list[ConsumerRecord] = []
        try:
            while len({number_of(each) for each in found}) < events:
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    found += records
        finally:
            await consumer.stop()
        return found

    return asyncio.run(asyncio.wait_for(consumed(), 60))


def number_of(record: ConsumerRecord) -> int:
    """The number of the event in a record."""
    return int(dict(record.headers)["ce_sequence"])


def first_arrivals(records: Sequence[ConsumerRecord]) -> dict[bytes, list[int]]:
    """The numbers of the events of each key, as they came first."""
    found: dict[bytes, list[int]] = {}
    for each in records:
        if each.key is not None and number_of(each) not in found.setdefault(each.key, []):
            found[each.key].append(number_of(each))
    return found


def goes_on(sent: list[int]) -> None:
    """Wait until a hundred more were sent."""
    reached = sent[0]
    eventually(lambda: sent[0] > reached + 100)


def test_the_broker_has_each_event_when_send_returns(broker: int) -> None:
    """The key is the record's key; another reader of CloudEvents finds all attributes and the data, and the moment of the event."""
    events = some(0, 100)
    kafka = sink(broker)
    kafka.send(events)
    kafka.close()
    records = read(broker, 100)
    assert len(records) == 100
    by_number = {number_of(each): each for each in records}
    for each in events:
        record = by_number[each.sequence]
        message = KafkaMessage(dict(record.headers), record.key, record.value)
        found = from_binary(message, JSONFormat())
        said = found.get_attributes()
        expected = each.cloud_event(SOURCE)
        assert found.get_data() == expected.pop("data") == json.loads(record.value)
        assert said.pop("time").isoformat() == "2026-11-27T12:00:00.123456+00:00"
        assert said == {name: value for name, value in expected.items() if name != "time"}
        assert record.key == (None if each.key is None else each.key.encode())
        assert record.timestamp == 1_795_780_800_123
        assert record.partition == (each.sequence % 3 if each.key is None else place(each.key.encode(), 3))
    assert first_arrivals(records) == {key.encode(): [each.sequence for each in events if each.key == key] for key in KEYS}


def test_events_that_fill_many_batches_keep_the_order_of_a_key(broker: int) -> None:
    """Twelve megabytes, and a broker takes one at once."""
    events = [event(n, KEYS[n % 2], reason="x" * 30_000) for n in range(400)]
    kafka = sink(broker)
    kafka.send(events)
    kafka.close()
    assert first_arrivals(read(broker, 400)) == {KEYS[n].encode(): [*range(n, 400, 2)] for n in (0, 1)}


def test_connections_that_break_lose_nothing(tmp_path: Path) -> None:
    """The way to the broker breaks eight times while events are sent; what failed is sent again. Each is there, in the order of its key."""
    before, behind = free_port(), free_port()
    sent, over = [0], threading.Event()
    with tansu(tmp_path, port=behind, advertised=before), ExitStack() as last:
        make_topic(behind, TOPIC, 3)
        kafka = sink(before)

        def send() -> None:
            while not over.is_set():
                with suppress(SinkUnreachable):
                    kafka.send(some(sent[0], sent[0] + 50))
                    sent[0] += 50
            kafka.close()

        sending = threading.Thread(target=send)
        last.callback(sending.join, 60)
        last.callback(over.set)
        for number in range(8):
            with relay(behind, before):
                if number == 0:
                    sending.start()
                goes_on(sent)
        last.enter_context(relay(behind, before))
        goes_on(sent)
        over.set()
        sending.join(60)
        records = read(behind, sent[0])
    numbers = [*range(sent[0])]
    assert sorted({number_of(each) for each in records}) == numbers
    assert first_arrivals(records) == {key.encode(): numbers[of::8] for of, key in enumerate(KEYS)}


def test_a_broker_that_is_away_is_a_reason_and_comes_back(tmp_path: Path) -> None:
    """The reason has no address; once it is back, the same sink sends."""
    port = free_port()
    kafka = sink(port)
    with pytest.raises(SinkUnreachable) as refused:
        kafka.send(some(0, 3))
    assert str(refused.value) == "the brokers did not take them (KafkaConnectionError)"
    with tansu(tmp_path, port=port):
        make_topic(port, TOPIC, 3)
        kafka.send(some(0, 3))
        assert len(read(port, 3)) == 3
    kafka.close()
    kafka.close()


def test_tls_is_verified_and_a_certificate_is_shown(tmp_path: Path) -> None:
    """Before the broker stands TLS that wants a certificate: only with the right authorities and a certificate is it reached."""
    path = certificate(tmp_path)
    (tmp_path / "other").mkdir()
    other = certificate(tmp_path / "other")
    key = tmp_path / "receiver-both.pem"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(key)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(path)
    behind, before = free_port(), free_port()
    shown = {"tls": True, "authorities": path, "certificate": path, "key": key}
    with tansu(tmp_path, port=behind, advertised=before), relay(behind, before, context):
        make_topic(behind, TOPIC, 3)
        for wrong in ({**shown, "authorities": other}, {"tls": True, "authorities": path}, {"tls": True}):
            with pytest.raises(SinkUnreachable):
                sink(before, **wrong).send(some(0, 3))
        kafka = sink(before, **shown)
        kafka.send(some(0, 3))
        kafka.close()


def test_a_broker_that_does_not_know_the_user_is_a_reason(tmp_path: Path) -> None:
    """The dialogue of SCRAM begins, and the broker ends it; no password is said."""
    (tmp_path / "password").write_text("a-password-of-ours\n")
    with tansu(tmp_path, "--authentication") as port:
        kafka = sink(port, user="nobody", password=tmp_path / "password", mechanism="SCRAM-SHA-256")
        with pytest.raises(SinkUnreachable) as refused:
            kafka.send(some(0, 3))
    assert "password" not in str(refused.value)
