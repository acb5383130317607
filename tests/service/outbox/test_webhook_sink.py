"""Webhooks of the stream: CloudEvents in batches or one by one, signed, again until they arrive."""

import base64
import hmac
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from service.outbox import webhook_sink
from service.outbox.delivery import Delivery
from service.outbox.sink_settings import WebhookSettings, read
from service.outbox.sinks import SinkUnreachable
from service.outbox.stream_event import DECISION, StreamEvent
from service.outbox.webhook_sink import WebhookSink
from service.settings import SettingRefused
from service.watch.transactions import writing
from tests.service.outbox.test_day_files import event
from tests.service.outbox.test_delivery import busy, drained, everything
from tests.service.watch.test_webhooks import KEY, Receiver
from tests.service.watch.test_webhooks import receiver as receiver  # a fixture
from tests.service.watch.test_webhooks import secret as secret  # a fixture
from tests.service.watch.test_week import Desk
from tests.service.watch.test_week import opened as opened  # a fixture


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch is sent whole also where the receiver, which is in this process, stands still for some seconds with all of the machine."""
    monkeypatch.setattr(webhook_sink, "_LATEST", 600.0)


def settings(receiver: Receiver, secret: Path, **more: Any) -> WebhookSettings:
    """Settings of a webhook at the receiver."""
    where = {"address": receiver.address, "authorities": receiver.authorities, "secret": secret, "private": True}
    return WebhookSettings.model_validate({"name": "hook", "kind": "webhook", "from": "beginning", **where, **more})


def test_events_go_in_batches_signed_until_they_arrive(opened: Any, receiver: Receiver, secret: Path) -> None:
    """The same events have the same id; what arrived does not come again."""
    desk: Desk = opened(watch_days=0)
    busy(desk)
    given = settings(receiver, secret, most=5)
    delivery = Delivery(desk.service, given, WebhookSink(given, "urn:log", desk.service.clock), writing(desk.service))
    receiver.answers = [500, 410]
    for _ in range(2):
        assert not delivery.step()
        desk.now[0] = desk.now[0].replace(hour=desk.now[0].hour + 1)
    drained(delivery)
    batches = [json.loads(body) for _, body in receiver.sent]
    assert [each["id"] for batch in batches[2:] for each in batch] == [each.id for each in everything(desk)]
    assert batches[0] == batches[1] == batches[2]
    assert len({headers["webhook-id"] for headers, _ in receiver.sent[:3]}) == 1
    assert len({headers["webhook-id"] for headers, _ in receiver.sent}) == len(receiver.sent) - 2
    for headers, body in receiver.sent:
        assert headers["content-type"].startswith("application/cloudevents-batch+json")
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        code = base64.b64encode(hmac.digest(KEY, signed, "sha256")).decode()
        assert headers["webhook-signature"] == f"v1,{code}"


def test_events_go_one_by_one_where_that_is_wanted(receiver: Receiver, secret: Path) -> None:
    """In their order; after a failure it is known how many arrived."""
    some = [event(number, "2026-03-30") for number in range(4)]
    sink = WebhookSink(settings(receiver, secret, batched=False), "urn:log", lambda: datetime(2026, 3, 30, tzinfo=UTC))
    receiver.answers = [200, 204, 500]
    with pytest.raises(SinkUnreachable, match="status 500") as failed:
        sink.send(some)
    assert failed.value.arrived == 2
    sink.send(some[2:])
    sent = [json.loads(body)["id"] for _, body in receiver.sent]
    assert sent == ["id-0", "id-1", "id-2", "id-2", "id-3"]
    assert {headers["content-type"] for headers, _ in receiver.sent} == {"application/cloudevents+json; charset=utf-8"}


def test_a_request_has_so_many_bytes(receiver: Receiver, secret: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More events go in the next one; a receiver that is too slow for all of them keeps what it has."""
    some = [event(number, "2026-03-30") for number in range(5)]
    sink = WebhookSink(settings(receiver, secret), "urn:log", lambda: datetime(2026, 3, 30, tzinfo=UTC))
    monkeypatch.setattr(webhook_sink, "MOST_BYTES", 2 * len(json.dumps(some[0].cloud_event("urn:log"))))
    sink.send(some)
    assert [[each["id"] for each in json.loads(body)] for _, body in receiver.sent] == [
        ["id-0", "id-1"],
        ["id-2", "id-3"],
        ["id-4"],
    ]
    monkeypatch.setattr(webhook_sink, "_LATEST", -1.0)
    with pytest.raises(SinkUnreachable, match="too slow") as failed:
        sink.send(some)
    assert failed.value.arrived == 2


def test_an_address_is_checked_and_never_said(receiver: Receiver, secret: Path) -> None:
    """One of this machine is refused unless the settings allow it."""
    sink = WebhookSink(settings(receiver, secret, private=False), "urn:log", lambda: datetime(2026, 3, 30, tzinfo=UTC))
    with pytest.raises(SinkUnreachable, match="not public") as failed:
        sink.send([event(0, "2026-03-30")])
    assert "localhost" not in str(failed.value)
    assert receiver.sent == []


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("- {name: a, kind: webhook, address: 'http://x.example', secret: s}", "sink 1 `webhook` `address`.*https://"),
        ("- {name: a, kind: files, folder: f}\n- {name: a, kind: files, folder: g}", "the name `a`"),
        ("- {name: a, kind: files, folder: f}\n- {name: b, kind: files, folder: f}", "the same folder"),
        ("- {name: a, kind: files, folder: f, from: yesterday}", "give `now`, `beginning`"),
        ("- {name: a, kind: files, folder: f, events: [all]}", "sink 1 `files` `events`"),
        ("- {name: A b, kind: files, folder: f}", "sink 1 `files` `name`"),
        ("- {name: a, kind: carrier-pigeon}", "sink 1"),
        ("- {name: a, kind: files, folder: f, key: s3cret}", "sink 1 `files` `key`"),
        ("name: a", "is wrong"),
        ("- &a {name: a}\n- *a", "cannot be read: line 1"),
        ("- {name: a", "cannot be read: line 1"),
    ],
)
def test_settings_that_cannot_be_used_are_refused_in_a_sentence(tmp_path: Path, written: str, says: str) -> None:
    """It names the sink and the setting, and quotes no value."""
    path = tmp_path / "sinks.yaml"
    path.write_text(written)
    with pytest.raises(SettingRefused, match=says) as refused:
        read(path)
    assert "s3cret" not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_id_of_a_request_is_another_when_a_restored_log_gives_its_numbers_again(receiver: Receiver, secret: Path) -> None:
    """A receiver that drops what it had by this id loses none of the events that came after the restoration."""
    for era in ("before", "before", "after"):
        sent = [
            StreamEvent(each, f"{era}-{each}", "decision", DECISION, "d", "2026-03-30T12:00:00Z", None, {}) for each in (4, 5)
        ]
        WebhookSink(settings(receiver, secret), "urn:log", lambda: datetime(2026, 3, 30, tzinfo=UTC)).send(sent)
    first, again, other = [headers["webhook-id"] for headers, _ in receiver.sent]
    assert first == again != other


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("name: a", "is a list of sinks, and each begins with `- name:`"),
        ("abc", "is a list of sinks, and each begins with `- name:`"),
        ('- {name: a, kind: files, folder: "f\\0g"}', "no file has a name with this character"),
        (
            '- {name: a, kind: webhook, secret: "s\\0t", address: "https://example.com"}',
            "no file has a name with this character",
        ),
        ('- {name: a, kind: webhook, secret: s, address: "https://a..example.com/"}', "give an https:// address"),
    ],
)
def test_what_no_receiver_can_be_is_refused_at_the_start(tmp_path: Path, written: str, sentence: str) -> None:
    """With a sentence, not at each attempt to send."""
    file = tmp_path / "sinks.yaml"
    file.write_text(written)
    with pytest.raises(SettingRefused, match=re.escape(sentence)):
        read(file)
