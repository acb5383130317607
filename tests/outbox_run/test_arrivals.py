"""The comparison of a run finds whatever is wrong, and nothing where all is right."""

from __future__ import annotations

import random
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.chance import seed, share, tried
from tests.outbox_run.arrivals import compare, lines
from tests.outbox_run.receivers import Arrivals
from tests.outbox_run.run import OutboxRun
from tests.service.databases import PostgreSQL

MOST, LEAST, A_SECOND = 20_000, 500, 25  # events
SEQUENCES = [*range(4, 404)]  # a log begins with some leaves that are no decisions
EXPORTERS = [("", "a", "b", "c")[n % 4] for n in range(400)]
ALL = [(sequence, name and f"key-of-{name}") for sequence, name in zip(SEQUENCES, EXPORTERS, strict=True)]


def test_everything_in_order_is_sound() -> None:
    """Also where keys are interleaved in another way, and where events come again."""
    assert compare(SEQUENCES, EXPORTERS, ALL).sound
    by_key = sorted(ALL, key=lambda each: each[1])
    again = compare(SEQUENCES, EXPORTERS, [*by_key[:50], *by_key[20:], *by_key[:400]])
    assert again.sound
    assert (again.arrived, again.twice, again.keys) == (830, 430, 3)


@pytest.mark.parametrize("seed", range(20))
def test_whatever_is_wrong_is_found(seed: int) -> None:
    """An event that is missing, one that comes before an earlier one of its exporter, one under another key, one of another log."""
    chance = random.Random(seed)
    at = chance.randrange(8, 390)
    missing = compare(SEQUENCES, EXPORTERS, [*ALL[:at], *ALL[at + 1 :]])
    assert (missing.missing, missing.sound) == (1, False)
    keyed = at if ALL[at][1] else at + 1
    late = [*ALL[:keyed], *ALL[keyed + 1 : keyed + 5], ALL[keyed], *ALL[keyed + 5 :]]
    assert compare(SEQUENCES, EXPORTERS, late).disordered == 1
    assert compare(SEQUENCES, EXPORTERS, [*ALL[:keyed], (ALL[keyed][0], "another"), *ALL[keyed + 1 :]]).wrong_keys == 1
    assert compare(SEQUENCES, EXPORTERS, [*ALL[:keyed], (ALL[keyed][0], ""), *ALL[keyed + 1 :]]).wrong_keys == 1
    assert compare(SEQUENCES, EXPORTERS, [*ALL, (9_999, "")]).foreign == 1


def test_a_receiver_notes_all_of_a_request_or_nothing(tmp_path: Path) -> None:
    """In one write, behind what is there."""
    for some in ([(4, ""), (5, "key")], [], [(6, "key")]):
        Arrivals(tmp_path / "arrived").note(some)
    with (tmp_path / "arrived").open("rb") as file:
        assert list(lines(file)) == [(4, ""), (5, "key"), (6, "key")]


@pytest.mark.fuzz(weight=10)
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_many_events_through_kills(database: str, tmp_path: Path) -> None:
    """Webhook, files and a collector get every event, in the order of each exporter, while what sends and what receives is killed."""
    seconds = share()
    events = MOST if seconds is None else max(LEAST, min(MOST, int(seconds * A_SECOND)))
    with ExitStack() as stack:
        url = str(tmp_path / "log.db") if database == "sqlite" else stack.enter_context(PostgreSQL.running()).new()
        run = OutboxRun(url, tmp_path, ("webhook", "files", "otlp"), events, seed(20261201), most=100, turn=1.0)
        run.run(0.8, 10.0, 4.0, 600)
        tried(events, LEAST, wanted=MOST)
        for name, found in run.compared():
            assert found.sound, (name, found)
        assert run.service.kills
