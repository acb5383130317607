"""Traces: spans as a collector gets them, the caller's trace id in the log lines, nothing of it where nobody asks."""

import gzip
import http.client
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from service.settings import SettingRefused
from service.telemetry.log_lines import logger
from service.telemetry.tracing import Parent, Tracing, parent_of
from tests.service.conftest import PERSONAL, ROOT, Server, body, eventually, running
from tests.service.patience import IMPATIENT
from tests.service.server.test_overload import held
from tests.service.server.test_server import ask, refused

TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLER = "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE}-{CALLER}-01"


class Collector:
    """A collector of OTLP over HTTP: keeps the spans it is sent, and who sent them."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.senders: list[dict[str, str]] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                content = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    content = gzip.decompress(content)
                assert self.path == "/v1/traces"
                for each in ExportTraceServiceRequest.FromString(content).resource_spans:
                    collector.senders.append({a.key: a.value.string_value for a in each.resource.attributes})
                    collector.spans += [span for scope in each.scope_spans for span in scope.spans]
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.environment = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self.server.server_address[1]}",
            "OTEL_BSP_SCHEDULE_DELAY": "50",
        }
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def named(self, name: str) -> list[Span]:
        """The spans of a name."""
        return [span for span in self.spans if span.name == name]


def told(span: Span) -> dict[str, Any]:
    """The attributes of a span."""
    return {each.key: getattr(each.value, str(each.value.WhichOneof("value"))) for each in span.attributes}


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A running collector."""
    collector = Collector()
    yield collector
    collector.server.shutdown()
    collector.server.server_close()


def evaluate(server: Server, **headers: str) -> dict[str, Any]:
    """Evaluate an exchange with some headers; the decision."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request("POST", "/v1/evaluate", body(), {"Content-Type": "application/json", **headers})
    answer = connection.getresponse()
    assert answer.status == 200
    decision: dict[str, Any] = json.loads(answer.read())
    connection.close()
    return decision


def test_a_request_is_a_span_with_what_was_done_below_it(tmp_path, collector):
    """A part of the caller's trace; deciding and recording are its parts; ids, outcome and digest, and no fact."""
    with running(tmp_path / "log.db", environment=collector.environment) as server:
        decision = evaluate(server, traceparent=TRACEPARENT)
        ask(server, "GET", "/practice-of-dr-li-na")
        assert ask(server, "POST", "/v1/evaluate", body(exporter={"id": 7}))[0] == 400
        policies = json.loads(ask(server, "GET", "/readyz")[1])["policies"]["source"]
        assert server.stop() == 0
    [request] = [span for span in collector.named("POST /v1/evaluate") if span.trace_id.hex() == TRACE]
    assert (request.parent_span_id.hex(), request.kind) == (CALLER, Span.SPAN_KIND_SERVER)
    assert told(request) == {
        "http.request.method": "POST",
        "http.route": "/v1/evaluate",
        "http.response.status_code": 200,
        "fifthfactor.decision.id": decision["id"],
        "fifthfactor.decision.outcome": decision["outcome"],
    }
    [decide] = [span for span in collector.named("decide") if span.trace_id.hex() == TRACE]
    [record] = [span for span in collector.named("record") if span.trace_id.hex() == TRACE]
    assert decide.parent_span_id == record.parent_span_id == request.span_id
    assert told(decide) == {
        "fifthfactor.decision.id": decision["id"],
        "fifthfactor.decision.outcome": decision["outcome"],
        "fifthfactor.policy.revision": policies,
    }
    assert request.start_time_unix_nano <= decide.start_time_unix_nano < decide.end_time_unix_nano
    assert decide.end_time_unix_nano <= record.end_time_unix_nano <= request.end_time_unix_nano
    assert {span.name for span in collector.spans} == {"POST /v1/evaluate", "GET", "decide", "record"}  # and no probe
    assert all(sender["service.name"] == "fifthfactor" for sender in collector.senders)
    everything = "".join(map(str, collector.spans))
    assert not [value for value in (*PERSONAL.values(), "practice") if value in everything]
    lines = server.events("request")
    assert lines[0]["trace_id"] == TRACE
    assert len({line["trace_id"] for line in lines}) == 3


def test_each_worker_sends_its_spans(tmp_path, collector):
    """And under the name that the environment gives."""
    environment = {**collector.environment, "OTEL_SERVICE_NAME": "gate"}
    with running(tmp_path / "log.db", "--workers", "2", environment=environment) as server:
        for _ in range(20):
            evaluate(server)
        assert server.stop() == 0
    assert len(collector.named("POST /v1/evaluate")) == 20
    assert len(collector.senders) >= 2
    assert {sender["service.name"] for sender in collector.senders} == {"gate"}


def test_what_fails_is_marked(tmp_path, collector):
    """A record that cannot be written: an error on its span and on the request's."""
    database = str(tmp_path / "log.db")
    with running(database, environment={**collector.environment, IMPATIENT: "yes"}) as server:
        with held(database):
            assert ask(server, "POST", "/v1/evaluate", body())[0] == 503
        assert server.stop() == 0
    [record], [request] = collector.named("record"), collector.named("POST /v1/evaluate")
    assert told(record)["error.type"] == "not-recorded"
    assert told(request)["error.type"] == "503"
    assert record.status.code == request.status.code == 2


def test_a_collector_that_is_away_harms_nobody(tmp_path):
    """Answers are as fast, the lines stay JSON, and the end comes in time."""
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://u:hunter2@127.0.0.1:9/tok-hunter2", "OTEL_BSP_SCHEDULE_DELAY": "50"}
    with running(tmp_path / "log.db", environment=environment) as server:
        for _ in range(5):
            evaluate(server)
        eventually(lambda: server.events("server"))
        assert server.stop() == 0
    assert all(json.loads(line) for line in server.log)
    assert "hunter2" not in "".join(server.log)  # an address may hold a password, or a token


def test_a_header_that_is_none_is_not_told(tmp_path, collector):
    """A key for the collector that is written wrongly is complained of, without it."""
    environment = {**collector.environment, "OTEL_EXPORTER_OTLP_HEADERS": "authorization: Bearer hunter2"}
    with running(tmp_path / "log.db", environment=environment) as server:
        assert [line["message"].startswith("Header format invalid") for line in server.events("server")] == [True]
        assert server.stop() == 0
    assert "hunter2" not in "".join(server.log)


def test_without_the_variables_it_is_not_loaded(tmp_path):
    """And the caller's trace id is in the log line all the same; a wrong one is not."""
    with running(tmp_path / "log.db") as server:
        evaluate(server, traceparent=TRACEPARENT)
        evaluate(server, traceparent="practice-of-dr-li-na")
        evaluate(server)
        assert server.stop() == 0
    assert [line.get("trace_id") for line in server.events("request")] == [TRACE, None, None]
    heavy = ("opentelemetry.sdk", "opentelemetry.exporter")
    program = f"import sys, service.server.serve; print([n for n in sys.modules if n.startswith({heavy})])"
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"OTEL_SERVICE_NAME": "x"},
        {"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"},
        {"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"},
    ],
)
def test_when_it_is_off(environment):
    """No place to send to, or told not to."""
    assert Tracing.of(environment, "1", logger()) is None


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        (
            "OTEL_TRACES_EXPORTER",
            "zipkin",
            "error: `OTEL_TRACES_EXPORTER` cannot be `zipkin`: use `otlp`, `console` or `none`\n",
        ),
        (
            "OTEL_EXPORTER_OTLP_PROTOCOL",
            "grpc",
            "error: `OTEL_EXPORTER_OTLP_PROTOCOL` cannot be `grpc`: use `http/protobuf`\n",
        ),
    ],
)
def test_what_it_cannot_do_stops_the_start(tmp_path, name, value, sentence):
    """A sentence, and exit code 2."""
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", name: value}
    with pytest.raises(SettingRefused):
        Tracing.of(environment, "1", logger())
    assert refused(tmp_path / "log.db", environment=environment) == (2, sentence)


@pytest.mark.parametrize(
    ("sent", "found"),
    [
        ([TRACEPARENT], Parent(TRACE, CALLER, 1)),
        ([f"01-{TRACE}-{CALLER}-00-more"], Parent(TRACE, CALLER, 0)),
        ([TRACEPARENT + "-more"], None),
        ([TRACEPARENT.upper()], None),
        ([TRACEPARENT, TRACEPARENT], None),
        ([f"ff-{TRACE}-{CALLER}-01"], None),
        ([f"00-{'0' * 32}-{CALLER}-01"], None),
        ([f"00-{TRACE}-{'0' * 16}-01"], None),
        ([f"00-{TRACE[:-1]}-{CALLER}-01"], None),
        (["01-" + TRACEPARENT[3:] + "-" + "x" * 300], None),
        ([TRACEPARENT + "\n"], None),
        ([""], None),
        ([], None),
    ],
)
def test_how_a_traceparent_is_read(sent, found):
    """As W3C Trace Context has it; what is not so is as if it were not there."""
    assert parent_of([(b"traceparent", each.encode()) for each in sent]) == found
