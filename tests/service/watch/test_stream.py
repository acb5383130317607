"""The events as they are told: each once, from where a listener was, and no more listeners than there is room for."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date
from typing import Any

from service.watch.event_stream import WatchListeners
from tests.service.conftest import eventually
from tests.service.watch.test_week import Desk
from tests.service.watch.test_week import opened as opened  # a fixture


def read(text: str) -> list[dict[str, Any]]:
    """The server-sent events in a text."""
    found = []
    for block in text.strip().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines())
        if "data" in lines:
            found.append({"id": lines["id"], "event": lines["event"], "data": json.loads(lines["data"])})
    return found


@contextmanager
def listening(desk: Desk, follow: Callable[[], Any]) -> Iterator[Future[Any]]:
    """A listener that has its place as long as the block lasts, and is let go at the end of it, as where the service stops."""
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(follow)
        try:
            shared = desk.client.app.state.shared  # type: ignore[attr-defined]
            eventually(lambda: WatchListeners in shared and shared[WatchListeners].count == 1)
            yield answer
        finally:
            desk.service.load.draining = True
            answer.exception()
            desk.service.load.draining = False


def test_a_listener_goes_on_where_it_was(opened: Any) -> None:
    """Without a place it begins now; with the id of an event it gets what was told since; an id that nobody gave is refused."""
    desk: Desk = opened(watch_days=0)
    for number in range(2):
        desk.commit(f"n{number}", data__kind="new-rule")
    desk.round(date(2027, 3, 4))
    first, second = desk.events()

    def follow(last: str = "", **query: Any) -> Any:
        headers = {"Last-Event-ID": last} if last else {}
        return desk.client.get("/v1/watch/stream", params={"seconds": 0, **query}, headers=headers)

    assert read(follow().text) == []
    answer = follow(first["id"])
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert read(answer.text) == [{"id": second["id"], "event": "moved", "data": second}]
    assert read(follow(first["id"], kind="due").text) == []
    for last in ("no such id", second["data"]["commitment"]):
        assert follow(last).status_code == 400
    with listening(desk, lambda: follow(second["id"], seconds=60)) as answer:
        desk.commit("late", data__kind="filed")
        desk.round(date(2027, 3, 12))
    assert [each["event"] for each in read(answer.result().text)] == ["due"]


def test_there_is_room_for_so_many_listeners(opened: Any) -> None:
    """One more is told to come again; a place is free again when a listener goes."""
    desk: Desk = opened(watch_listeners=1)

    def follow(seconds: int) -> Any:
        return desk.client.get("/v1/watch/stream", params={"seconds": seconds})

    with listening(desk, lambda: follow(60)):
        refused = follow(0)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "30")
    assert follow(0).status_code == 200
