"""The events of the log over HTTP: pages by cursor, and a stream that resumes."""

import asyncio
import json
from datetime import date
from time import monotonic
from typing import Any

import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Message

from service.api import event_response
from service.api.event_response import EventStreamResponse
from service.api.events import StreamEvents
from service.client import AsyncClient, Client, StreamEvent, Unavailable
from service.outbox.event_feed import FeedListeners, FeedSubscription
from tests.free_port import free_port
from tests.service.conftest import BOTH_DATABASES, running
from tests.service.outbox.test_delivery import busy, everything
from tests.service.watch.test_stream import read
from tests.service.watch.test_week import Desk
from tests.service.watch.test_week import opened as opened  # a fixture

SOURCE = "/v1/events"


def pages(desk: Desk, **query: Any) -> tuple[list[Any], int]:
    """All events, page by page, and where they ended."""
    found: list[Any] = []
    cursor: dict[str, str] = {}
    while True:
        page = desk.client.get(SOURCE, params={**query, **cursor})
        assert page.status_code == 200, page.text
        document = page.json()
        StreamEvents.model_validate(document)
        found += document["events"]
        if document["next"] is None:
            return found, document["position"]
        cursor = {"cursor": document["next"]}


@BOTH_DATABASES
def test_a_reader_pages_through_the_log_and_goes_on_later(opened: Any) -> None:
    """All of it or one class; from the beginning, from now, from a day, from a number."""
    desk: Desk = opened(watch_days=0)
    busy(desk)
    source = pages(desk)[0][0]["source"]
    whole = [json.loads(json.dumps(each.cloud_event(source))) for each in everything(desk)]
    first, position = pages(desk, limit=4)
    assert first == whole
    assert pages(desk)[0] == whole
    for kind in ("decision", "commitment", "watch"):
        assert pages(desk, kind=kind, limit=1)[0] == [
            each for each, event in zip(whole, everything(desk), strict=True) if event.kind == kind
        ]
    assert pages(desk, **{"from": "now"}) == ([], position)
    busy(desk, date(2027, 3, 12), "filed")
    later, _ = pages(desk, **{"from": position})
    assert pages(desk)[0] == whole + later
    assert pages(desk, **{"from": "2027-03-11"})[0] == [each for each in later if each["time"] >= "2027-03-11"]
    for wrong in ({"from": "yesterday"}, {"kind": "erasure"}, {"limit": "0"}, {"members": "exporter"}, {"cursor": "x"}):
        assert desk.client.get(SOURCE, params=wrong).status_code == 400


def test_a_listener_goes_on_where_it_was(opened: Any) -> None:
    """With the id of the last event it got, or where it says; the first block says where it is, also to one that gets no event."""
    desk: Desk = opened(watch_days=0)
    busy(desk)
    whole = everything(desk)

    def follow(last: str | None = None, **query: Any) -> Any:
        return desk.client.get(
            f"{SOURCE}/stream", params={"seconds": 0, **query}, headers={"Last-Event-ID": last} if last else {}
        )

    assert read(follow().text.replace("retry: 3000\n\n", "")) == []
    assert f"\n\nid: {pages(desk)[1] - 1}\n\n" in follow().text
    told = read(follow(**{"from": "beginning"}).text)
    assert [(each["id"], each["event"]) for each in told] == [(str(each.sequence), each.kind) for each in whole]
    assert read(follow(told[3]["id"]).text) == told[4:]
    assert read(follow(told[3]["id"], kind="watch", **{"from": "beginning"}).text) == [
        each for each in told[4:] if each["event"] == "watch"
    ]
    assert follow("no such id").status_code == 400


def test_the_clients_follow_the_log_through_a_restart(tmp_path: Any) -> None:
    """Whatever is recorded while the connection is broken comes when the service is there again; nothing comes twice."""
    database = tmp_path / "log.db"
    port = free_port()
    with running(database, "--port", str(port)) as server:
        client = Client(server.address, timeout=60)
        answers = [client.evaluate({}) for _ in range(3)]
        events = client.follow_events(start="beginning", kind="decision")
        found = [next(events).subject for _ in range(3)]
        asynchronous = asyncio.run(some(server.address, 3))
    with running(database, "--port", str(port)) as server:
        answers.append(client.evaluate({}))
        found.append(next(events).subject)
    assert found == [each.id for each in answers]
    assert [each.subject for each in asynchronous] == found[:3]
    assert asynchronous[0].number == int(asynchronous[0].sequence)
    events.close()  # type: ignore[attr-defined]
    with pytest.raises(Unavailable):
        next(Client(f"http://127.0.0.1:{port}", timeout=1).follow_events())


async def some(address: str, most: int) -> list[StreamEvent]:
    """The first events of the log that decide."""
    async with AsyncClient(address, timeout=60) as client:
        found = [each async for each in client.events(kind="decision")]
        followed = client.follow_events(start=0, kind="decision")
        assert [await anext(followed) for _ in range(most)] == found
        await followed.aclose()  # type: ignore[attr-defined]
        return found


def test_the_first_day_that_there_is_is_a_day(opened: Any) -> None:
    """There is no minute before it; a reader then begins at the beginning."""
    desk: Desk = opened(watch_days=0)
    desk.commit("n")
    assert pages(desk, **{"from": "0001-01-01"}) == pages(desk)
    assert pages(desk, **{"from": "9999-12-31"})[0] == []


@pytest.mark.parametrize("taken", [0, 3])
def test_a_listener_who_takes_nothing_any_more_is_let_go(opened: Any, monkeypatch: pytest.MonkeyPatch, taken: int) -> None:
    """It has its place a little longer than it asked for, and no more, whatever stands still: then another has it."""
    monkeypatch.setattr(event_response, "GRACE_SECONDS", 60)
    desk: Desk = opened(watch_days=0)
    busy(desk)
    listeners = FeedListeners(desk.service)

    async def follow() -> None:
        sent: list[Message] = []
        ahead, loop = [0.0], asyncio.get_running_loop()
        monkeypatch.setattr(loop, "time", lambda: monotonic() + ahead[0])  # so that nobody has to wait two minutes

        async def send(message: Message) -> None:
            sent.append(message)
            if len(sent) > taken:
                ahead[0] += 61
                await asyncio.sleep(0.02)
                assert listeners.count == (taken > 0)  # at first it has not begun to listen
                ahead[0] += 60
                await asyncio.sleep(3600)

        async def receive() -> Message:
            await asyncio.sleep(3600)
            raise AssertionError

        answer = EventStreamResponse(listeners.follow(FeedSubscription(0, None, 60)), 60)
        async with asyncio.timeout(180):
            with pytest.raises(ClientDisconnect):
                await answer({"type": "http"}, receive, send)
        assert len(sent) == taken + 1
        assert listeners.count == 0

    asyncio.run(follow())
