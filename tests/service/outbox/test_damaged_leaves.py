"""Leaves whose bytes are damaged: each is an event that says so, and readers and sinks go on behind it."""

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from service.api.events import StreamEvents
from service.outbox.day_files import DayFiles
from service.outbox.delivery import Delivery
from service.outbox.event_choice import EventChoice
from service.outbox.log_reader import LogReader
from service.store.tables import leaf_opening, personal, record, tree_leaf
from service.watch.transactions import writing
from tests.service.conftest import BOTH_DATABASES
from tests.service.outbox.test_delivery import Kept, busy, drained, everything, settings
from tests.service.outbox.test_feed import SOURCE
from tests.service.watch.test_week import Desk
from tests.service.watch.test_week import opened as opened  # a fixture


@pytest.fixture
def audited() -> list[str]:
    """Nothing is compared with the leaves at the end: they are damaged."""
    return []


def damage(desk: Desk, kind: str, bytes: bytes) -> int:
    """Write other bytes in the place of the last leaf of a kind; returns its number."""
    with desk.service.store.database.writing.begin() as connection:
        last: int = connection.execute(sa.select(sa.func.max(tree_leaf.c.index)).where(tree_leaf.c.kind == kind)).scalar_one()
        connection.execute(sa.update(tree_leaf).where(tree_leaf.c.index == last).values(leaf=bytes))
    return last


@BOTH_DATABASES
@pytest.mark.parametrize("bytes", [b"", b"\x80{", b"[]", b"{}", b'{"commitment": [1], "kind": "x"}'])
def test_no_reader_is_stopped_by_a_damaged_leaf(opened: Any, tmp_path: Path, bytes: bytes) -> None:
    """A commitment, and what the watch told: both are unreadable, everything else is as before, in pages, at sinks and in files."""
    desk: Desk = opened(watch_days=0)
    busy(desk)
    before = {each.sequence: each for each in everything(desk)}
    damaged = {damage(desk, kind, bytes) for kind in ("commitment-event", "watch-event")}
    after = {each.sequence: each for each in everything(desk)}
    assert {number for number, each in after.items() if each != before[number]} == damaged
    assert after.keys() == before.keys()
    for number in damaged:
        found = after[number]
        assert "unreadable" in (found.data.get("event"), found.data.get("cause"))
        assert (found.kind, found.id, found.key) == (before[number].kind, f"leaf-{number}", None)
    page = desk.client.get(SOURCE, params={"limit": 500})
    assert page.status_code == 200
    StreamEvents.model_validate(page.json())
    assert [int(each["sequence"]) for each in page.json()["events"]] == [*before]
    sink, files = Kept(), DayFiles(settings(folder=tmp_path / "events"), "urn:source")
    for each in (sink, files):
        drained(
            Delivery(desk.service, settings(name="files" if each is files else "kept", most=2), each, writing(desk.service))
        )
        each.close()
    assert [each.sequence for each in sink.events] == [*before]
    lines = [line for path in sorted((tmp_path / "events").iterdir()) for line in path.read_text().splitlines()]
    assert len(lines) == len(before)


@BOTH_DATABASES
def test_what_opens_a_leaf_or_names_an_exporter_may_be_damaged_too(opened: Any) -> None:
    """Members that a sink asks for by name are read from other rows."""
    desk: Desk = opened(watch_days=0)
    busy(desk)
    asked = EventChoice(members=("caller", "reason", "exchange", "because"))
    with desk.service.store.database.writing.begin() as connection:
        connection.execute(sa.update(leaf_opening).values(value=b"{"))
        connection.execute(sa.update(personal).values(value=b"{"))
        connection.execute(sa.update(record).values(leaf=b"{"))
    with desk.service.store.database.reading.connect() as connection:
        found = LogReader().read(connection, 0, 10_000, asked).events
    assert [each.sequence for each in found] == [each.sequence for each in everything(desk)]
    assert {each.data.get("outcome", each.data.get("event", each.data.get("cause"))) for each in found} == {"unreadable"}
