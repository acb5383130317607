"""
Events as records of a topic in Kafka: events go in, and all in-sync replicas have them when `send` returns (`acks=all`).

A record is a CloudEvent in the binary form of the protocol binding for Kafka: the members of the event are its value, the attributes are
headers `ce_…`. The key of the event is the key of the record, and it chooses the partition as Kafka's own clients choose it.

INVARIANT (order within a key): records of one key go to one partition, and a partition gets a batch only when it has answered for the one
before. So whatever breaks off, the first arrivals of a key are in the order of the log. There may be second arrivals: the numbers of an
idempotent producer would not outlive this process.
"""

import asyncio
import json
import logging
import ssl
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from functools import lru_cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from service.outbox.secret_files import password_in
from service.outbox.sink_settings import KafkaSettings
from service.outbox.sinks import SEND_SECONDS, SinkUnreachable
from service.outbox.stream_event import StreamEvent
from service.settings import SettingRefused

if TYPE_CHECKING:
    from aiokafka import AIOKafkaProducer

BATCH_BYTES = 900_000  # a broker takes a mebibyte (`message.max.bytes`) unless it was set up otherwise
_ANSWER_SECONDS = 8.0  # until a broker has answered for a batch, all attempts together
_END_SECONDS = 1.0

Batch = Any  # aiokafka has no public name for it


class KafkaSink:
    """A topic of a cluster. `send` waits, so call it in a thread."""

    def __init__(self, settings: KafkaSettings, source: str) -> None:
        """Raises SettingRefused where the extra is not installed or a file of the settings cannot be used."""
        if find_spec("aiokafka") is None:
            raise SettingRefused(
                f"the sink `{settings.name}` needs the package `aiokafka`; `pip install 'fifthfactor[kafka]'` adds it"
            )
        # What it logs has addresses. What matters of it is the reason of SinkUnreachable.
        logging.getLogger("aiokafka").addHandler(logging.NullHandler())
        logging.getLogger("aiokafka").propagate = False
        self._topic, self._source = settings.topic, source
        self._name = settings.name
        self._options = {"bootstrap_servers": list(settings.servers), **_security(settings)}
        self._open: tuple[asyncio.Runner, AIOKafkaProducer] | None = None

    @property
    def name(self) -> str:
        """The name in the settings."""
        return self._name

    def send(self, events: Sequence[StreamEvent]) -> None:
        """Send events and wait until the brokers have them. Raises SinkUnreachable."""
        try:
            self._send(events)
        except Exception as failed:  # noqa: BLE001 - aiokafka raises what it meets, also a KeyError of a dialogue that was cut
            # What waits in the producer goes with it, and the next call begins with a connection of its own.
            self.close()
            raise SinkUnreachable(_reason(failed)) from None

    def close(self) -> None:
        """End the connections."""
        if self._open is None:
            return
        (runner, producer), self._open = self._open, None
        with suppress(Exception):
            runner.run(asyncio.wait_for(producer.stop(), _END_SECONDS))
        with suppress(Exception):
            runner.close()

    def _send(self, events: Sequence[StreamEvent]) -> None:
        async def within(limit: float) -> None:
            async with asyncio.timeout(limit):
                if not started:
                    await producer.start()
                await self._sent(producer, events)

        started = self._open is not None
        if self._open is None:
            runner = asyncio.Runner()
            self._open = runner, runner.run(self._producer())
        runner, producer = self._open
        runner.run(within(SEND_SECONDS - 2 * _END_SECONDS))

    async def _producer(self) -> "AIOKafkaProducer":
        """A producer that is not connected yet. It belongs to the event loop in which it is made."""
        from aiokafka import AIOKafkaProducer

        return AIOKafkaProducer(
            client_id="fifthfactor",
            acks="all",
            enable_idempotence=False,
            max_batch_size=BATCH_BYTES,
            request_timeout_ms=int(_ANSWER_SECONDS * 1000),
            **self._options,
        )

    async def _sent(self, producer: "AIOKafkaProducer", events: Sequence[StreamEvent]) -> None:
        partitions = sorted(await producer.partitions_for(self._topic))
        by_partition: dict[int, list[StreamEvent]] = {}
        for event in events:
            at = event.sequence % len(partitions) if event.key is None else place(event.key.encode(), len(partitions))
            by_partition.setdefault(partitions[at], []).append(event)
        running = [self._one_by_one(producer, *each) for each in by_partition.items()]
        # All end before one is raised: what is still on its way would come after what the next call sends.
        failed = [each for each in await asyncio.gather(*running, return_exceptions=True) if each is not None]
        if failed:
            raise failed[0]

    async def _one_by_one(self, producer: "AIOKafkaProducer", partition: int, events: Sequence[StreamEvent]) -> None:
        """Batch after batch into a partition; the next only when the one before has arrived."""
        batch = producer.create_batch()
        for event in events:
            if not self._added(batch, event):
                await self._arrived(producer, batch, partition)
                batch = producer.create_batch()
                if not self._added(batch, event):
                    raise SinkUnreachable("an event has no place in a batch")
        await self._arrived(producer, batch, partition)

    def _added(self, batch: Batch, event: StreamEvent) -> bool:
        """Whether there was room for an event in a batch."""
        attributes = event.cloud_event(self._source)
        value = json.dumps(attributes.pop("data"), ensure_ascii=False, separators=(",", ":")).encode()
        headers = [("content-type", attributes.pop("datacontenttype").encode())]
        headers += [(f"ce_{name}", str(said).encode()) for name, said in attributes.items()]
        at = int(datetime.fromisoformat(event.time).timestamp() * 1000)
        key = None if event.key is None else event.key.encode()
        return batch.append(key=key, value=value, timestamp=at, headers=headers) is not None

    async def _arrived(self, producer: "AIOKafkaProducer", batch: Batch, partition: int) -> None:
        batch.close()
        await (await producer.send_batch(batch, self._topic, partition=partition))


@lru_cache(maxsize=65_536)
def place(key: bytes, partitions: int) -> int:
    """The place of a key among the partitions of a topic, as Kafka's own clients find it."""
    from aiokafka.partitioner import murmur2

    return int((murmur2(key) & 0x7FFF_FFFF) % partitions)


def _security(settings: KafkaSettings) -> dict[str, Any]:
    """How the producer knows the brokers, and shows who it is."""
    found: dict[str, Any] = {"security_protocol": ("SASL_" if settings.user else "") + ("SSL" if settings.tls else "PLAINTEXT")}
    if settings.tls:
        found["ssl_context"] = _context(settings)
    if settings.user and settings.password:
        found |= {
            "sasl_mechanism": settings.mechanism,
            "sasl_plain_username": settings.user,
            "sasl_plain_password": password_in(settings.name, settings.password),
        }
    return found


def _context(settings: KafkaSettings) -> ssl.SSLContext:
    at = settings.authorities
    try:
        context = ssl.create_default_context(cafile=at)
        if settings.certificate and settings.key:
            at = settings.certificate
            context.load_cert_chain(settings.certificate, settings.key, password=lambda: "")  # else it asks at the terminal
        return context
    except OSError:
        raise SettingRefused(f"the sink `{settings.name}`: the certificates in `{at}` cannot be used") from None


def _reason(failed: Exception) -> str:
    """Why the brokers do not have the events, without an address or a name."""
    if isinstance(failed, SinkUnreachable):
        return str(failed)
    if isinstance(failed, TimeoutError):
        return "no answer in time"
    return f"the brokers did not take them ({type(failed).__name__})"
