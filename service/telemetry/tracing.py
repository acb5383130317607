"""
Traces: a request's `traceparent` in; a trace id for the log line, and spans for a collector, out.

The usual variables of OpenTelemetry switch it on and configure it (OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_TRACES_EXPORTER, OTEL_SERVICE_NAME,
OTEL_TRACES_SAMPLER and so on); where none of them names a collector, the SDK is not loaded.

INVARIANT (nothing personal): a span holds declared routes, statuses, outcomes, ids of decisions and digests. It holds no fact, and no
path, since a path may hold a person's id.
"""

import logging
import re
import threading
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from time import time_ns
from typing import TYPE_CHECKING, Any, Self

from structlog.typing import FilteringBoundLogger

from service.settings import SettingRefused
from service.telemetry.log_lines import ServerMessages

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span

FLUSH_SECONDS = 3.0

_TRACEPARENT = re.compile(
    r"(?!ff)(?P<version>[0-9a-f]{2})-(?!0{32})(?P<trace>[0-9a-f]{32})-(?!0{16})(?P<span>[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})(?P<more>-.*)?"
)
_ADDRESS = re.compile(r"(url: |[a-z]+://)\S+")
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"))


@dataclass(frozen=True, slots=True)
class Parent:
    """The span that a request belongs to: the ids of its trace and of itself, in hexadecimal digits, and its flags."""

    trace: str
    span: str
    flags: int


def parent_of(headers: Iterable[tuple[bytes, bytes]]) -> Parent | None:
    """The `traceparent` of a request (W3C Trace Context), or None where there is not exactly one valid header."""
    found = [value for name, value in headers if name == b"traceparent"]
    if len(found) != 1 or len(found[0]) > 256:
        return None
    read = _TRACEPARENT.fullmatch(found[0].decode("latin-1"))
    if read is None or (read["version"] == "00" and read["more"]):
        return None
    return Parent(read["trace"], read["span"], int(read["flags"], 16))


class Tracing:
    """Makes the spans of one process. Begin with `Tracing.of(environment)` and end with `close()`."""

    def __init__(self, provider: "TracerProvider") -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("fifthfactor")

    @classmethod
    def of(cls, environment: Mapping[str, str], version: str, say: FilteringBoundLogger) -> Self | None:
        """
        Tracing as the environment configures it, or None where the environment names no collector.

        Call this in the process that answers, since it starts a thread. Raises SettingRefused.
        """
        exporter = environment.get("OTEL_TRACES_EXPORTER", "").strip()
        endpoint = environment.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") or environment.get("OTEL_EXPORTER_OTLP_ENDPOINT")
        if (
            environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
            or exporter == "none"
            or not (exporter or endpoint)
        ):
            return None
        if exporter not in ("", "otlp", "console"):
            raise SettingRefused(f"`OTEL_TRACES_EXPORTER` cannot be `{exporter[:40]}`: use `otlp`, `console` or `none`")
        protocols = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
        for name in protocols:
            if environment.get(name, "http/protobuf") != "http/protobuf":
                raise SettingRefused(f"`{name}` cannot be `{environment[name][:40]}`: use `http/protobuf`")
        return cls(_provider(exporter, environment, version, say))

    def begin(self, method: str, parent: Parent | None) -> "Span":
        """The span of a request. The spans of its parts are below it."""
        from opentelemetry import trace

        context = None
        if parent:
            ids = (int(parent.trace, 16), int(parent.span, 16))
            above = trace.SpanContext(*ids, is_remote=True, trace_flags=trace.TraceFlags(parent.flags))
            context = trace.set_span_in_context(trace.NonRecordingSpan(above))
        method = method if method in _METHODS else "_OTHER"
        span = self._tracer.start_span(method, context, kind=trace.SpanKind.SERVER, attributes={"http.request.method": method})
        _current.set((self, span))
        return span

    def end(self, span: "Span", method: str, route: str | None, status: int, said: Mapping[str, Any]) -> None:
        """A request was answered."""
        from opentelemetry.trace import StatusCode

        if route:
            span.set_attribute("http.route", route)
            span.update_name(f"{method} {route}")
        if status:
            span.set_attribute("http.response.status_code", status)
        if status >= 500 or not status:
            span.set_attribute("error.type", str(status) if status else "gone")
            span.set_status(StatusCode.ERROR)
        for name, attribute in (("decision_id", "fifthfactor.decision.id"), ("outcome", "fifthfactor.decision.outcome")):
            if name in said:
                span.set_attribute(attribute, said[name])
        span.end()

    def done(self, above: "Span", name: str, seconds: float, error: str, attributes: Mapping[str, str]) -> None:
        """A part of a request has just been done."""
        from opentelemetry import trace

        end = time_ns()
        span = self._tracer.start_span(
            name, trace.set_span_in_context(above), start_time=end - int(seconds * 1e9), attributes=attributes
        )
        if error:
            span.set_attribute("error.type", error)
            span.set_status(trace.StatusCode.ERROR)
        span.end(end)

    def close(self) -> None:
        """Send the waiting spans, for a few seconds at most, so that a missing collector does not delay the end."""
        sending = threading.Thread(target=self._provider.shutdown, name="spans", daemon=True)
        sending.start()
        sending.join(FLUSH_SECONDS)


_current: ContextVar[tuple[Tracing, "Span"] | None] = ContextVar("tracing", default=None)


def done(name: str, seconds: float, error: str = "", **attributes: str) -> None:
    """Note that a part of this task's request has just been done, and how long it took, if the request is traced."""
    if current := _current.get():
        tracing, above = current
        tracing.done(
            above, name, seconds, error, {f"fifthfactor.{key.replace('_', '.')}": value for key, value in attributes.items()}
        )


def _without_values(record: logging.LogRecord) -> bool:
    record.args = ("…",) * len(record.args or ())
    return True


def _without_addresses(record: logging.LogRecord) -> bool:
    """Cuts the address of a collector out of a line, since it may hold a token."""
    record.msg, record.args = _ADDRESS.sub(r"\1…", record.getMessage()), ()
    return True


def _provider(exporter: str, environment: Mapping[str, str], version: str, say: FilteringBoundLogger) -> "TracerProvider":
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter

    for name in ("opentelemetry", "urllib3"):
        messages = logging.getLogger(name)
        handler = ServerMessages(say)
        handler.addFilter(_without_addresses)
        messages.handlers = [handler]
        messages.propagate = False
    # The reader of the variables for headers quotes a header that it cannot read, which may be a key.
    logging.getLogger("opentelemetry.util.re").addFilter(_without_values)
    named = "OTEL_SERVICE_NAME" in environment or "service.name=" in environment.get("OTEL_RESOURCE_ATTRIBUTES", "")
    resource = Resource.create({"service.version": version, **({} if named else {"service.name": "fifthfactor"})})
    # shutdown_on_exit: the service itself calls `close` at its end.
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(ConsoleSpanExporter() if exporter == "console" else OTLPSpanExporter()))
    return provider
