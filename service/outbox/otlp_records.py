"""
Events as log records of OpenTelemetry: events go in, the bytes of a request of OTLP (binary protobuf) come out.

A log record has the type of its event as `event_name` and the members of the event as its body, which is a map. The attributes are those
of CloudEvents in the semantic conventions of OpenTelemetry, the number of the leaf and the key; `log.record.uid` is the id of the event, by
which a store of logs may drop what it has already.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList
from opentelemetry.proto.logs.v1.logs_pb2 import SEVERITY_NUMBER_INFO, LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from service.outbox.stream_event import SPECIFICATION, StreamEvent

SERVICE = "fifthfactor"
_SINCE = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def request(events: Sequence[StreamEvent], source: str, version: str, now: datetime) -> bytes:
    """A request with a log record for each event, in their order."""
    resource = Resource(attributes=_pairs({"service.name": SERVICE, "service.version": version}))
    scope = ScopeLogs(scope=InstrumentationScope(name=SERVICE, version=version))
    scope.log_records.extend(_record(each, source, _nanoseconds(now)) for each in events)
    written: bytes = ExportLogsServiceRequest(
        resource_logs=[ResourceLogs(resource=resource, scope_logs=[scope])]
    ).SerializeToString()
    return written


def _record(event: StreamEvent, source: str, observed: int) -> LogRecord:
    attributes = {
        "log.record.uid": event.id,
        "cloudevents.event_id": event.id,
        "cloudevents.event_source": source,
        "cloudevents.event_spec_version": SPECIFICATION,
        "cloudevents.event_type": event.type,
        "cloudevents.event_subject": event.subject,
        "fifthfactor.sequence": event.sequence,
        **({} if event.key is None else {"fifthfactor.key": event.key}),
    }
    return LogRecord(
        time_unix_nano=_nanoseconds(datetime.fromisoformat(event.time)),
        observed_time_unix_nano=observed,
        severity_number=SEVERITY_NUMBER_INFO,
        severity_text="INFO",
        event_name=event.type,
        body=_value(event.data),
        attributes=_pairs(attributes),
    )


def _pairs(values: Mapping[str, Any]) -> Iterator[KeyValue]:
    return (KeyValue(key=name, value=_value(value)) for name, value in values.items())


def _value(value: Any) -> AnyValue:
    """A JSON value as OTLP writes it. Null is the empty value; a number beyond 64 bits is its digits."""
    match value:
        case None:
            return AnyValue()
        case bool():
            return AnyValue(bool_value=value)
        case int() if -(2**63) <= value < 2**63:
            return AnyValue(int_value=value)
        case float():
            return AnyValue(double_value=value)
        case str():
            return AnyValue(string_value=value)
        case Mapping():
            return AnyValue(kvlist_value=KeyValueList(values=_pairs(value)))
        case Sequence():
            return AnyValue(array_value=ArrayValue(values=map(_value, value)))
        case _:
            return AnyValue(string_value=str(value))


def _nanoseconds(moment: datetime) -> int:
    return (moment - _SINCE) // _MICROSECOND * 1000
