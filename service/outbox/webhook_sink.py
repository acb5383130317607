"""
Webhooks of the stream: events go out as CloudEvents by HTTP, many in one request or each in its own, signed as those of the watch are.

The id of a request names the sink and the events in it, by their numbers and a hash of their ids. So it is the same when the same events
are sent again, and another when a log that was restored gives other events the same numbers. The address is checked
and the certificate verified as for the webhooks of the watch (service.watch.webhook_connections); no redirect is followed.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from hashlib import sha256
from time import monotonic

from pydantic_core import to_json

from service.outbox.kept_connection import KeptConnection
from service.outbox.sink_settings import WebhookSettings
from service.outbox.sinks import SEND_SECONDS, SinkSlow, SinkUnreachable
from service.outbox.stream_event import StreamEvent
from service.settings import webhook_secrets
from service.watch.webhook_connections import DEADLINE_SECONDS
from service.watch.webhook_delivery import MEDIA_TYPE, signature

BATCH_MEDIA_TYPE = "application/cloudevents-batch+json; charset=utf-8"
MOST_BYTES = 1 << 20  # of a request, if it has more than one event
_LATEST = SEND_SECONDS - DEADLINE_SECONDS  # so late in a call of `send` another request may begin


class WebhookSink:
    """A webhook. Raises SettingRefused if its secret cannot be used."""

    def __init__(self, settings: WebhookSettings, source: str, clock: Callable[[], datetime]) -> None:
        self.name = settings.name
        self._settings, self._source, self._clock = settings, source, clock
        self._secrets = webhook_secrets(settings.secret)
        self._connection = KeptConnection(
            settings.name, settings.address, private=settings.private, authorities=settings.authorities
        )

    def send(self, events: Sequence[StreamEvent]) -> None:
        """Send events, as many at once as a request takes."""
        begun, arrived = monotonic(), 0
        written = [to_json(each.cloud_event(self._source)) for each in events]
        for first, after in self._requests(written):
            if arrived and monotonic() - begun > _LATEST:
                raise SinkSlow("too slow for all events at once", arrived)
            body = b"[%b]" % b",".join(written[first:after]) if self._settings.batched else written[first]
            ids = sha256("\n".join(each.id for each in events[first:after]).encode()).hexdigest()
            id = f"{self.name}-{events[first].sequence}-{events[after - 1].sequence}-{ids[:16]}"
            self._post(body, id, arrived)
            arrived = after

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()

    def _requests(self, written: Sequence[bytes]) -> Iterator[tuple[int, int]]:
        """Which events go together: from which one up to, but not including, another."""
        first = size = 0
        for number, each in enumerate(written):
            if number > first and (not self._settings.batched or size + len(each) > MOST_BYTES):
                yield first, number
                first, size = number, 0
            size += len(each) + 1
        yield first, len(written)

    def _post(self, body: bytes, id: str, arrived: int) -> None:
        signed = signature(self._secrets, id, int(self._clock().timestamp()), body)
        media_type = BATCH_MEDIA_TYPE if self._settings.batched else MEDIA_TYPE
        headers = {"content-type": media_type, "user-agent": "fifthfactor", **signed}
        try:
            status, _ = self._connection.post(body, headers)
        except SinkUnreachable as failed:
            raise SinkUnreachable(str(failed), arrived) from None
        if not 200 <= status < 300:
            raise SinkUnreachable(f"status {status}", arrived)
