"""
A collector of OpenTelemetry: events go in as log records, by OTLP over HTTP with binary protobuf, and it has them when `send` returns.

INVARIANT (nothing skipped): only a 2xx without a rejected record counts. OTLP wants that what a collector rejects is not sent again; a
stream that promises every event cannot go on over a gap, so it stays where it is, and its lag and the reason show it.

INVARIANT (a request has a bound): a collector takes so many bytes at once (that of OpenTelemetry 20 MiB), and would refuse the same events
for ever. So events that are large together go in several requests.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from time import monotonic

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse

import engine
from service.outbox import otlp_records
from service.outbox.kept_connection import KeptConnection
from service.outbox.secret_files import headers_in
from service.outbox.sink_settings import OtlpSettings
from service.outbox.sinks import SEND_SECONDS, SinkSlow, SinkUnreachable
from service.outbox.stream_event import StreamEvent

MEDIA_TYPE = "application/x-protobuf"
MOST_BYTES = 1 << 20  # of a request, if it has more than one event
_LATEST = SEND_SECONDS / 4  # so late in a call of `send` another request may begin


class OtlpSink:
    """A collector. `send` waits, so call it in a thread."""

    def __init__(self, settings: OtlpSettings, source: str, clock: Callable[[], datetime]) -> None:
        """Raises SettingRefused where a file of the settings cannot be used."""
        self._name, self._source, self._clock = settings.name, source, clock
        more = headers_in(settings.name, settings.headers) if settings.headers else {}
        self._headers = {**more, "content-type": MEDIA_TYPE, "user-agent": f"fifthfactor/{engine.__version__}"}
        self._connection = KeptConnection(
            settings.name, settings.address, private=settings.private, authorities=settings.authorities
        )

    @property
    def name(self) -> str:
        """The name in the settings."""
        return self._name

    def send(self, events: Sequence[StreamEvent]) -> None:
        """Send events, mostly in one request. Raises SinkUnreachable."""
        begun, arrived = monotonic(), 0
        waiting = [events]
        while waiting:
            some = waiting.pop()
            body = otlp_records.request(some, self._source, engine.__version__, self._clock())
            if len(body) > MOST_BYTES and len(some) > 1:
                half = len(some) // 2
                waiting += [some[half:], some[:half]]
                continue
            passed = monotonic() - begun
            if arrived and passed > _LATEST:
                raise SinkSlow("too slow for all events at once", arrived)
            try:
                self._post(body, len(some), SEND_SECONDS - 1 - passed)
            except SinkUnreachable as failed:
                raise SinkUnreachable(str(failed), arrived) from None
            arrived += len(some)

    def _post(self, body: bytes, count: int, seconds: float) -> None:
        status, answer = self._connection.post(body, self._headers, seconds)
        if not 200 <= status < 300:
            raise SinkUnreachable(f"status {status}")
        try:
            rejected = ExportLogsServiceResponse.FromString(answer).partial_success.rejected_log_records
        except DecodeError:
            raise SinkUnreachable("what it answers is not OTLP") from None
        if rejected:
            raise SinkUnreachable(f"it rejected {rejected} of {count} log records")

    def close(self) -> None:
        """End the connection."""
        self._connection.close()
