"""Pauses: who may have the engines while a search goes on."""

import json
import threading
from datetime import date

import pytest

import engine
from engine.deciding.search_pauses import OneAtATime, pause, paused

DAY = date(2026, 11, 24)
ONE_FACT = b'{"exporter": {"country": "CN"}}'
REFUSED = json.dumps(
    {
        "act": {
            "access_from": ["CO", "US"],
            "bars": [],
            "evades": False,
            "frequency": "repeated",
            "kind": "remote-access",
            "trigger": "own",
        },
        "data": {
            "categories": ["contact"],
            "collected_in": ["CO"],
            "controls": [],
            "grades": [],
            "kind": "dataset",
            "people": {"ordinary": 500, "sensitive": 0},
            "people_in": ["CO"],
            "personal": True,
            "state": "identified",
            "stored_in": ["CO"],
        },
        "exporter": {
            "country": "CO",
            "kind": "company",
            "role": "controller",
            "targets": ["CO"],
            "sectors": ["commerce"],
            "zone": "none",
        },
        "purpose": {"is": ["service-provision"]},
        "recipient": {
            "country": "CO",
            "kind": "company",
            "relation": "unrelated",
            "role": "controller",
            "carve_outs": [],
            "listed_on": [],
            "under": [],
            "zone": "none",
        },
        "safeguards": {"basis": ["contract"]},
    }
).encode()


def beside(work):
    """A thread that works, begun and waiting for what this thread holds."""
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def waiting(lock: OneAtATime, number: int) -> None:
    """Wait until so many threads wait for a lock."""
    for _ in range(100_000):
        if len(lock._waiting) == number:
            return
        threading.Event().wait(0.001)
    pytest.fail("they do not wait")


def test_those_who_wait_come_in_their_order_and_before_whoever_pauses():
    """The holder takes it back behind them, as deep as it had it."""
    lock = OneAtATime()
    order: list[str] = []

    def work(name: str) -> None:
        with lock:
            order.append(name)

    with lock, lock:
        threads = []
        for number, name in enumerate("ab", 1):
            threads.append(beside(lambda name=name: work(name)))
            waiting(lock, number)
        order.append("before")
        pause()
        order.append("after")
        threads.append(beside(lambda: work("c")))
        waiting(lock, 1)
        order.append("still held")
    for each in threads:
        each.join(60)
    assert order == ["before", "a", "b", "after", "still held", "c"]


def test_a_pause_without_anybody_is_nothing():
    """Neither where nothing is held, nor where nobody waits."""
    pause()
    lock = OneAtATime()
    order: list[str] = []
    with lock:
        pause()
        other = beside(lambda: taken(lock, order))
        waiting(lock, 1)
        order.append("still held")
    other.join(60)
    assert order == ["still held", "taken"]


def taken(lock, order):
    """Take the lock, and say so."""
    with lock:
        order.append("taken")


def test_a_function_of_a_pause_that_raises_leaves_the_lock_as_it_was():
    """Whoever ends a search at a pause ends it in order."""

    def stop() -> None:
        raise KeyError("stop")

    lock = OneAtATime()
    with pytest.raises(KeyError), lock, engine.pausing(stop):
        pause()

    def work() -> None:
        with lock:
            pass

    thread = beside(work)
    thread.join(60)
    assert not thread.is_alive()
    pause()  # the function is forgotten


def test_a_long_list_pauses_before_every_few_of_its_items():
    """Before the first, the fourth and so on, and it keeps all of them."""
    order: list[object] = []
    with engine.pausing(lambda: order.append("pause")):
        for each in paused(range(5), 3):
            order.append(each)
    assert order == ["pause", 0, 1, 2, "pause", 3, 4]


@pytest.fixture(scope="module")
def pdp() -> engine.PDP:
    return engine.PDP(engine.load(engine.bundled_policies()), "bitset")


@pytest.mark.parametrize(
    ("part", "sent"),
    [("questions", ONE_FACT), ("holds_until", ONE_FACT), ("remedies", REFUSED)],
    ids=["questions", "horizon", "remedies"],
)
def test_another_exchange_is_decided_at_each_pause_of_a_search(pdp, part, sent):
    """By another thread, which would wait for ever if the search held the engines; the search finds the same."""
    exchange = engine.parse_exchange(pdp.bundle, sent)
    judgement = pdp.judge(exchange, as_of=DAY)
    alone = pdp.explain(judgement, today=DAY, id="one", parts=[part])
    decided: list[str] = []

    def other() -> None:
        decided.append(pdp.judge(exchange, as_of=DAY).outcome.word)

    def between() -> None:
        thread = beside(other)
        thread.join(60)
        assert not thread.is_alive()

    with engine.pausing(between):
        assert pdp.explain(judgement, today=DAY, id="one", parts=[part]) == alone
    assert decided == [judgement.outcome.word] * len(decided)
    assert len(decided) > 2


def test_what_only_may_stand_is_written_with_a_pause_between_every_two_reasons(pdp):
    """A sparse exchange has hundreds of them, and the first time each of their tests is put into words."""
    judgement = pdp.judge(engine.parse_exchange(pdp.bundle, ONE_FACT), as_of=DAY)
    pauses: list[None] = []
    with engine.pausing(lambda: pauses.append(None)):
        told = json.loads(pdp.explain(judgement, today=DAY, id="one", parts=["possible"]))
    assert len(told["possible"]) > 100
    assert len(pauses) > len(told["possible"]) // 2
