"""Events by OTLP: a receiver made of the official messages, and a collector that was not written here, have each of them."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsPartialSuccess, ExportLogsServiceResponse

from service.outbox.otlp_sink import OtlpSink
from service.outbox.sink_settings import OtlpSettings
from service.outbox.sinks import SinkUnreachable
from service.settings import SettingRefused
from tests.doors.receiving import GONE, SOURCE, Collected, attributes, collecting, event, rotel

NOW = datetime(2026, 11, 27, 12, 0, 5, tzinfo=UTC)
KEY = "f" * 64


@pytest.fixture
def collected() -> Iterator[Collected]:
    """A receiver of OTLP."""
    with collecting() as found:
        yield found


def sink(port: int, **more: Any) -> OtlpSink:
    """A sink of a collector on this machine."""
    settings = {"name": "collector", "kind": "otlp", "address": f"http://127.0.0.1:{port}/v1/logs", "private": True, **more}
    return OtlpSink(OtlpSettings.model_validate(settings), SOURCE, lambda: NOW)


def test_each_event_is_a_log_record(collected: Collected) -> None:
    """Its type, id, moment and key stand where OpenTelemetry looks for them; the body is a map of its members."""
    otlp = sink(collected.port)
    otlp.send([event(4, KEY, share=0.5, none=None, big=2**70), event(5)])
    first, second = collected.records
    assert collected.services == ["fifthfactor"]
    assert first.event_name == "org.fifthfactor.decision.v1"
    assert first.severity_text == "INFO"
    assert first.time_unix_nano == 1_795_780_800_123_456_000
    assert first.observed_time_unix_nano == 1_795_780_805_000_000_000
    said = attributes(first)
    assert said["log.record.uid"].string_value == said["cloudevents.event_id"].string_value == "decision-4"
    assert said["cloudevents.event_source"].string_value == SOURCE
    assert said["fifthfactor.key"].string_value == KEY
    assert "fifthfactor.key" not in attributes(second)
    body = {each.key: each.value for each in first.body.kvlist_value.values}
    assert body["outcome"].string_value == "permitted"
    assert body["proceed"].bool_value is True
    assert [each.string_value for each in body["jurisdictions"].array_value.values] == ["CN", "EU"]
    assert [(each.key, each.value.int_value) for each in body["counts"].kvlist_value.values] == [("provisions", 3)]
    assert body["share"].double_value == 0.5
    assert body["none"].WhichOneof("value") is None
    assert body["big"].string_value == str(2**70)
    assert collected.sequences == [4, 5]
    otlp.close()
    otlp.close()


def test_a_collector_that_was_not_written_here_passes_every_event_on(collected: Collected, tmp_path: Path) -> None:
    """Two thousand events through rotel, in their order."""
    with rotel(tmp_path, collected.port) as port:
        otlp = sink(port)
        for first in range(0, 2_000, 250):
            otlp.send([event(n, KEY) for n in range(first, first + 250)])
        collected.wait(2_000)
        otlp.close()
    assert collected.sequences == [*range(2_000)]
    assert {each.event_name for each in collected.records} == {"org.fifthfactor.decision.v1"}


@pytest.mark.parametrize(
    ("status", "answer", "reason"),
    [
        (503, b"", "status 503"),
        (400, b"", "status 400"),
        (302, b"", "status 302"),
        (200, b"<html>", "what it answers is not OTLP"),
        (
            200,
            ExportLogsServiceResponse(
                partial_success=ExportLogsPartialSuccess(rejected_log_records=1, error_message="of 12 May")
            ).SerializeToString(),
            "it rejected 1 of 2 log records",
        ),
    ],
)
def test_what_was_not_taken_whole_comes_again(collected: Collected, status: int, answer: bytes, reason: str) -> None:
    """Also where the collector took a part: nothing is passed over, and what it says of it is not quoted."""
    otlp = sink(collected.port)
    collected.answers = [(status, answer)]
    with pytest.raises(SinkUnreachable) as refused:
        otlp.send([event(4), event(5)])
    assert str(refused.value) == reason
    otlp.send([event(4), event(5)])
    assert collected.sequences[-2:] == [4, 5]


def test_a_warning_without_a_rejected_record_is_no_failure(collected: Collected) -> None:
    """OTLP lets a collector warn."""
    warning = ExportLogsServiceResponse(partial_success=ExportLogsPartialSuccess(error_message="use another endpoint soon"))
    collected.answers = [(200, warning.SerializeToString())]
    sink(collected.port).send([event(4)])
    assert len(collected.headers) == 1  # it was taken at once


def test_headers_of_the_file_go_with_each_request(collected: Collected, tmp_path: Path) -> None:
    """A key of the collector stands in a file of its own."""
    (tmp_path / "headers").write_text("Authorization: Bearer abc def\nX-Scope-OrgID: law\n")
    sink(collected.port, headers=tmp_path / "headers").send([event(4)])
    [headers] = collected.headers
    assert headers["authorization"] == "Bearer abc def"
    assert headers["x-scope-orgid"] == "law"
    assert headers["content-type"] == "application/x-protobuf"
    (tmp_path / "headers").write_text("Content-Type: text/plain\n")
    with pytest.raises(SettingRefused, match="has a header that is set already"):
        sink(collected.port, headers=tmp_path / "headers")


def test_a_connection_that_was_kept_and_ends_is_no_failure(collected: Collected) -> None:
    """The request goes once more, on a new connection; a new connection that ends is a failure."""
    otlp = sink(collected.port)
    collected.answers = [GONE]
    with pytest.raises(SinkUnreachable, match="no answer"):
        otlp.send([event(4)])
    otlp.send([event(4)])
    collected.answers = [GONE]
    otlp.send([event(5)])
    assert collected.sequences == [4, 5]
    collected.answers = [GONE, GONE]
    with pytest.raises(SinkUnreachable, match="no answer"):
        otlp.send([event(6)])
