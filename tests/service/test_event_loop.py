"""Turns: in which order the work of several callers is done. These tests count steps, not time."""

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable
from functools import partial

import httpx
import pytest

from engine.deciding.search_pauses import pause
from service import event_loop
from service.callers.caller import Caller
from service.decisions.decider import Decider
from service.event_loop import MOST_LONG_OF_ONE, Turns
from service.server.app import create_app
from tests.service.conftest import body


@pytest.fixture(autouse=True)
def at_every_pause(monkeypatch):
    """Long work gives its turn back at each pause, and the loop turns after each decision, however fast this machine is."""
    monkeypatch.setattr(event_loop, "PART_SECONDS", 0.0)
    monkeypatch.setattr(event_loop, "SLICE_SECONDS", 0.0)


def together(*calls: Callable[[], Awaitable[object]]) -> None:
    """Calls that begin in this order."""

    async def all_of_them() -> None:
        await asyncio.gather(*(asyncio.ensure_future(call()) for call in calls))

    asyncio.run(all_of_them())


def test_the_second_item_of_a_caller_comes_after_the_first_of_another():
    """However many one has asked for before."""
    turns = Turns()
    order: list[str] = []
    items = [("a", n) for n in range(5)] + [("b", n) for n in range(2)] + [("c", 0)]
    together(*(partial(turns.run, caller, partial(order.append, f"{caller}{n}")) for caller, n in items))
    assert order[:2] == ["a0", "a1"]  # nobody else had come when the first was done
    assert order[2:] in (["b0", "c0", "a2", "b1", "a3", "a4"], ["a2", "b0", "c0", "a3", "b1", "a4"])


def long(order: list[str], name: str, parts: int) -> str:
    """Work with pauses."""
    for number in range(parts):
        order.append(f"{name}{number}")
        pause()
    return name


def test_long_work_lets_others_in_at_each_pause():
    """Others of its own caller too; and it returns what it found."""
    turns = Turns()
    order: list[str] = []
    found: list[str] = []

    async def works() -> None:
        found.append(await turns.run("a", partial(long, order, "long", 6), long=True))

    async def asks(caller: str) -> None:
        for number in range(3):
            await turns.run(caller, partial(order.append, f"{caller}{number}"))
            await asyncio.sleep(0)

    together(works, partial(asks, "a"), partial(asks, "b"))
    assert found == ["long"]
    for caller in "ab":
        assert order.index(f"{caller}2") < order.index("long5")
    assert [each for each in order if each.startswith("long")] == [f"long{number}" for number in range(6)]


def test_long_works_of_one_caller_leave_places_to_another():
    """Only two of one caller are begun at the same time."""
    turns = Turns()
    order: list[str] = []
    works = [("a", f"a{n}-") for n in range(4)] + [("b", "b-")]
    together(*(partial(turns.run, caller, partial(long, order, name, 5), long=True) for caller, name in works))
    before = order[: order.index("b-4")]
    assert len({each.partition("-")[0] for each in before if each.startswith("a")}) == MOST_LONG_OF_ONE
    assert len(order) == 25


def test_long_work_passes_on_what_it_raises():
    """And is no longer in anybody's way."""
    turns = Turns()

    def fails() -> None:
        pause()
        raise KeyError("no")

    async def both() -> str:
        with pytest.raises(KeyError):
            await turns.run("a", fails, long=True)
        return await turns.run("a", partial(long, [], "then", 2), long=True)

    assert asyncio.run(both()) == "then"


def test_a_thread_whose_work_nobody_waits_for_ends():
    """Its turn goes to others, and what it held is let go."""
    turns, begun, ended = Turns(), threading.Event(), threading.Event()

    def endless() -> None:
        begun.set()
        try:
            while True:
                pause()
        finally:
            ended.set()

    async def left() -> list[str]:
        waiting = asyncio.ensure_future(turns.run("a", endless, long=True))
        await asyncio.to_thread(begun.wait, 60)  # work that has not begun is not begun any more
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        order: list[str] = []
        await turns.run("a", partial(order.append, "next"))
        return order

    assert asyncio.run(left()) == ["next"]
    assert ended.wait(60)


def test_a_turn_that_is_not_waited_for_any_more_goes_on():
    """To the next caller."""
    turns = Turns()
    order: list[str] = []

    async def left() -> None:
        await turns.run("a", partial(order.append, "a"))
        waiting = [asyncio.ensure_future(turns.run(name, partial(order.append, name))) for name in "bcd"]
        await asyncio.sleep(0)
        waiting[0].cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    asyncio.run(left())
    assert order == ["a", "c", "d"]


def test_beside_a_batch_with_questions_everybody_is_answered_after_a_few_parts(in_file, monkeypatch):
    """A probe, and the evaluations of two others: they are over long before the batch is."""
    steps: list[str] = []
    begun = asyncio.Event()
    decide, go_on = Decider.answer, event_loop._Parts.go_on

    def counted(self, live, raw, asked, now, request_id, caller):
        if not asked.long:
            steps.append(caller.id)
        return decide(self, live, raw, asked, now, request_id, caller)

    def part(self):
        steps.append("part")
        go_on(self)
        if steps.count("part") == 3:
            begun.set()

    monkeypatch.setattr(Decider, "answer", counted)
    monkeypatch.setattr(event_loop._Parts, "go_on", part)
    monkeypatch.setattr("service.callers.entrance.Entrance._caller", caller_by_header)
    app = create_app(in_file.settings, in_file)
    sparse = {"exporter": {"country": "CN"}}
    batch = json.dumps({"exchanges": [sparse] * 40}).encode()

    async def all_of_them() -> None:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:

            async def send(caller: str, path: str, content: bytes) -> httpx.Response:
                headers = {"content-type": "application/json", "authorization": caller}
                return await client.post(path, content=content, headers=headers)

            async def evaluations(caller: str) -> None:
                for _ in range(5):
                    assert (await send(caller, "/v1/evaluate", body())).status_code == 200

            large = asyncio.create_task(send("large", "/v1/evaluate/batch?include=questions", batch))
            await begun.wait()
            before = len(steps)
            assert (await client.get("/livez")).status_code == 200
            assert steps[before:].count("part") <= 3
            await asyncio.gather(evaluations("one"), evaluations("two"))
            assert not large.done()
            answer = (await large).json()
            assert all(each["decision"]["explanation"]["questions"] for each in answer["results"])

    asyncio.run(all_of_them())
    places = [number for number, each in enumerate(steps) if each in ("one", "two")]
    assert len(places) == 10
    assert steps[places[-1] :].count("part") > 10


async def caller_by_header(self, sent, page):
    """Whoever the header names."""
    return Caller(sent[0].decode(), frozenset(["evaluate", "read"])), False
