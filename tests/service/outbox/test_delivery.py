"""Delivery: each sink gets every event in the order of the log, whatever fails or dies in between."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from service.ledger import counter_book, flow_lines
from service.outbox.cursors import PAUSES, cursor_of, lag_of, put
from service.outbox.delivery import TURN_SECONDS, Delivery
from service.outbox.event_choice import EventChoice
from service.outbox.log_reader import LogReader
from service.outbox.places import place_of
from service.outbox.sink_settings import FilesSettings
from service.outbox.sinks import SinkUnreachable
from service.outbox.stream_event import StreamEvent
from service.store.moments import moment_text
from service.store.tables import record, sink_cursor
from service.watch.lease import LeaseLost
from service.watch.transactions import writing
from tests.service.conftest import BOTH_DATABASES
from tests.service.watch.test_week import Desk
from tests.service.watch.test_week import opened as opened  # a fixture


@dataclass
class Kept:
    """A sink that keeps what it is sent, and fails where a test says so."""

    name: str = "kept"
    events: list[StreamEvent] = field(default_factory=list)
    failures: list[SinkUnreachable] = field(default_factory=list)

    def send(self, events: Sequence[StreamEvent]) -> None:
        if self.failures:
            failure = self.failures.pop(0)
            self.events += events[: failure.arrived]
            raise failure
        self.events += events

    def close(self) -> None:
        pass


def settings(**more: Any) -> FilesSettings:
    """Settings of a sink, of whatever kind."""
    return FilesSettings.model_validate({"name": "kept", "kind": "files", "folder": "none", "from": "beginning", **more})


def everything(desk: Desk, *, after: int = 0) -> list[StreamEvent]:
    """All events of the log, read in one go."""
    with desk.service.store.database.reading.connect() as connection:
        return list(LogReader().read(connection, after, 10_000, EventChoice()).events)


def drained(delivery: Delivery) -> None:
    """Deliver until nothing is due."""
    while delivery.step():
        pass


def busy(desk: Desk, round: date = date(2027, 3, 4), kind: str = "new-rule") -> None:
    """Decisions, commitments with stages, and something for the watch to tell."""
    for number in range(3):
        id = desk.commit(f"n{number}", data__kind=kind)
        desk.post(f"/v1/commitments/{id}/stages", {"stage": "signed", "on": desk.now[0].date().isoformat()})
    desk.round(round)


@BOTH_DATABASES
@pytest.mark.parametrize("most", [1, 2, 5, 500])
def test_a_sink_gets_each_event_in_the_order_of_the_log(opened: Any, most: int) -> None:
    """Whatever the size of a batch; and then what comes later. Each thing that happened is one event."""
    desk: Desk = opened(watch_days=0)
    busy(desk)
    sink = Kept()
    delivery = Delivery(desk.service, settings(most=most), sink, writing(desk.service))
    drained(delivery)
    assert sink.events == everything(desk)
    kinds = [(each.kind, each.data.get("event")) for each in sink.events]
    assert kinds.count(("decision", None)) == 6  # an evaluation, and one at the commitment
    assert kinds.count(("commitment", "committed")) == kinds.count(("commitment", "signed")) == 3
    assert len([each for each in sink.events if each.kind == "watch"]) == 3
    busy(desk, date(2027, 3, 12), "filed")
    drained(delivery)
    assert sink.events == everything(desk)
    assert [each.sequence for each in sink.events] == sorted({each.sequence for each in sink.events})
    keys = {each.data["commitment"]: each.key for each in sink.events if each.kind == "commitment"}
    assert all(keys.values())
    for each in sink.events:
        if each.kind == "watch":
            assert each.key == keys[each.data["commitment"]]
    decided = {each.id: each.key for each in sink.events if each.kind == "decision"}
    for each in sink.events:
        if each.kind == "commitment":
            assert decided[each.data["decision"]] == decided[each.data["evaluation"]] == each.key


@BOTH_DATABASES
def test_a_sink_that_fails_gets_the_same_events_again(opened: Any) -> None:
    """After a pause that grows; what arrived for certain does not come again; nothing is ever given up."""
    desk: Desk = opened(watch_days=0)
    busy(desk)
    sink = Kept(failures=[SinkUnreachable("no answer") for _ in range(12)])
    delivery = Delivery(desk.service, settings(most=4), sink, writing(desk.service))
    for number in range(12):
        assert not delivery.step()
        assert not delivery.step()  # not yet
        desk.now[0] += PAUSES[min(number, len(PAUSES) - 1)]
    assert sink.events == []
    sink.failures = [SinkUnreachable("status 500", arrived=3)]
    drained(delivery)
    assert sink.events == everything(desk)
    with desk.service.store.database.reading.connect() as connection:
        cursor = cursor_of(connection, "kept")
    assert cursor is not None
    assert (cursor.sent, cursor.failures, cursor.attempts, cursor.failure) == (len(sink.events), 12, 0, None)


@BOTH_DATABASES
def test_one_process_sends_at_a_time_and_another_takes_over(opened: Any) -> None:
    """While one has its turn the other waits. After a kill in mid-send the other sends the same events, and the first moves nothing."""
    desk: Desk = opened(watch_days=0)
    busy(desk)
    write = writing(desk.service)
    killed, other = Kept(), Kept()
    first = Delivery(desk.service, settings(most=4), killed, write)
    second = Delivery(desk.service, settings(most=4), other, write)
    first.step()
    with pytest.raises(LeaseLost):
        second.step()

    cursor, batch = first._next()
    first._send(batch)  # and it is killed before the cursor moves
    desk.now[0] += timedelta(seconds=TURN_SECONDS + 1)
    drained(second)
    assert killed.events[:4] + other.events == everything(desk)
    assert killed.events[4:] == other.events[:4]
    with pytest.raises(LeaseLost):
        first._moved(cursor, batch.position, 4)


@BOTH_DATABASES
def test_a_cursor_beyond_the_end_of_the_log_waits_for_a_person(opened: Any) -> None:
    """As in a log that was restored without its cursors: what it records from now on is not passed over when it has grown past it."""
    desk: Desk = opened(watch_days=0)
    busy(desk)
    write, sink = writing(desk.service), Kept()
    delivery = Delivery(desk.service, settings(), sink, write)
    drained(delivery)
    known = len(sink.events)
    beyond = {"position": sink_cursor.c.position + 3}
    write(lambda transaction: transaction.execute(sink_cursor.update().values(beyond)))
    delivery.step()
    for _ in range(3):
        busy(desk, date(2027, 3, 12), "filed")
        desk.now[0] += PAUSES[-1]
        drained(Delivery(desk.service, settings(), sink, write))
        desk.now[0] += timedelta(seconds=TURN_SECONDS + 1)
    assert len(sink.events) == known
    with desk.service.store.database.reading.connect() as connection:
        cursor = cursor_of(connection, "kept")
    assert cursor is not None
    assert cursor.failure is not None
    assert "events move" in cursor.failure
    assert len(cursor.failure) < 200
    write(lambda transaction: put(transaction, "kept", sink.events[-1].sequence + 1, desk.now[0]))
    drained(Delivery(desk.service, settings(), sink, write))
    assert sink.events == everything(desk)


@BOTH_DATABASES
@pytest.mark.parametrize("bytes_there", [b"{broken", b'{"recorded_at": "soon"}', b"[]"])
def test_a_record_that_cannot_be_read_hides_no_figure_and_no_day(opened: Any, bytes_there: bytes) -> None:
    """The lag of a sink that stands before it is told, since metrics are needed most then; and a reader still begins on a day."""
    desk: Desk = opened(watch_days=0)
    desk.commit("n1")
    write = writing(desk.service)
    first = next(each for each in everything(desk) if each.kind == "decision")
    write(lambda transaction: put(transaction, "kept", first.sequence, desk.now[0]))
    here = record.update().where(record.c.id == first.id)
    with desk.service.store.database.reading.connect() as connection:
        whole = connection.execute(sa.select(record.c.leaf).where(record.c.id == first.id)).scalar_one()
    write(lambda transaction: transaction.execute(here.values(leaf=bytes_there)))
    desk.now[0] += timedelta(seconds=90)
    with desk.service.store.database.reading.connect() as connection:
        cursor = cursor_of(connection, "kept")
        assert cursor is not None
        lag = lag_of(connection, cursor, desk.now[0])
        day = place_of(connection, desk.now[0].date())
    assert lag.leaves > 0
    assert lag.seconds == 90
    assert day <= first.sequence
    assert next(each for each in everything(desk) if each.kind == "decision").sequence == first.sequence
    assert desk.client.get("/v1/events", params={"from": desk.now[0].date().isoformat()}).status_code == 200
    write(lambda transaction: transaction.execute(here.values(leaf=whole)))


@BOTH_DATABASES
def test_a_clock_that_was_ahead_stops_no_sink(opened: Any) -> None:
    """An attempt that it put off, and the turn of a process that was killed, are over when the clock is right again."""
    desk: Desk = opened(watch_days=0)
    busy(desk)
    right = desk.now[0]
    desk.now[0] += timedelta(days=300)
    write, sink = writing(desk.service), Kept(failures=[SinkUnreachable("no answer")])
    Delivery(desk.service, settings(), sink, write).step()  # and it is killed
    desk.now[0] = right
    drained(Delivery(desk.service, settings(), sink, write))
    assert sink.events == everything(desk)


@BOTH_DATABASES
def test_a_sink_that_comes_late_begins_where_it_wants(opened: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the beginning, now, at a day, at a number; and what it was, it goes on from, whatever its settings say later."""
    desk: Desk = opened(watch_days=0)
    for book in (flow_lines, counter_book):  # whose leaves have the time of the machine
        monkeypatch.setattr(book, "now_text", lambda: moment_text(desk.now[0]))
    busy(desk)
    before = everything(desk)
    busy(desk, date(2027, 3, 12), "filed")
    whole = everything(desk)
    write = writing(desk.service)

    def got(name: str, place: Any) -> list[StreamEvent]:
        sink = Kept()
        delivery = Delivery(desk.service, settings(**{"name": name, "from": place}), sink, write)
        drained(delivery)
        delivery.close()
        return sink.events

    assert got("all", "beginning") == whole
    assert got("new", "now") == []
    assert got("number", before[-1].sequence + 1) == whole[len(before) :]
    assert got("far", 10**9) == []
    assert got("day", "2027-03-04") == [each for each in whole if each.time >= "2027-03-04T11:59"]
    assert got("early", "2020-01-01") == whole
    assert got("future", "2030-01-01") == []
    desk.commit("late")
    assert got("new", "beginning") == everything(desk)[len(whole) :]


@BOTH_DATABASES
def test_a_slow_sink_delays_no_decision_and_no_other_sink(opened: Any, tmp_path: Path) -> None:
    """It is sent to without a connection to the database and without its lock."""
    desk: Desk = opened(watch_days=0)
    busy(desk)
    write = writing(desk.service)
    other = Kept()
    second = Delivery(desk.service, settings(name="other"), other, write)

    class Slow(Kept):
        def send(self, events: Sequence[StreamEvent]) -> None:
            desk.commit("meanwhile")
            drained(second)
            assert desk.service.store.database.reading.pool.checkedout() == 0  # type: ignore[attr-defined]
            super().send(events)

    slow = Slow()
    Delivery(desk.service, settings(), slow, write).step()
    assert other.events == everything(desk)
    assert slow.events == other.events[: len(slow.events)]


def test_a_reading_passes_over_leaves_that_are_no_events(opened: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many of them there are, and whichever events a sink wants: the cursor comes to the end of the log."""
    monkeypatch.setattr("service.outbox.log_reader._SPAN", 2)
    desk: Desk = opened(watch_days=0)
    busy(desk)
    for wanted in (["watch"], ["commitment"], ["decision"], ["decision", "watch"]):
        sink = Kept()
        name = "-".join(wanted)
        drained(Delivery(desk.service, settings(name=name, events=wanted, most=1), sink, writing(desk.service)))
        monkeypatch.setattr("service.outbox.log_reader._SPAN", 20_000)
        assert [each.sequence for each in sink.events] == [each.sequence for each in everything(desk) if each.kind in wanted]
        monkeypatch.setattr("service.outbox.log_reader._SPAN", 2)
        with desk.service.store.database.reading.connect() as connection:
            cursor = cursor_of(connection, name)
            assert cursor is not None
            assert cursor.position == LogReader().read(connection, 10**9, 1, EventChoice()).size


def test_an_event_is_a_cloud_event(opened: Any) -> None:
    """With its place in the log and its key as the extensions of CloudEvents have them."""
    desk: Desk = opened(watch_days=0)
    desk.commit("n")
    event = everything(desk)[0].cloud_event("urn:log")
    assert json.loads(json.dumps(event)) == event
    assert event["specversion"] == "1.0"
    assert event["type"] == "org.fifthfactor.decision.v1"
    assert int(event["sequence"]) == everything(desk)[0].sequence
    assert len(event["sequence"]) == 19
    assert event["partitionkey"] == everything(desk)[0].key
    assert event["data"]["outcome"] == "permitted"
