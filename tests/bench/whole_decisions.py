"""
Decisions in this process on the bundled policies: their time, and the bytes of their answers and records.

A time is CPU time of the deciding thread, so that an interruption counts for nobody. A whole decision ends with the bytes of its answer
and of its sealed record; nothing is written to a disk.
"""

from __future__ import annotations

import sqlite3
import statistics
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from time import perf_counter, thread_time

import engine
from service.decisions.decider import DecidedExchange
from tests.bench import traffic
from tests.bench.figures import Goal, at_most, figure, heading, line, micro, size
from tests.bench.in_process import InProcess
from tests.bench.traffic import DAY

MODES = ("bitset", "checked")
SECONDS = 2.0  # of each line
MICRO, MILLI, KB = 1e-6, 1e-3, 1024
# What is to be reached in seconds, by mode: a whole decision repeated, and where nothing hits; one fact, and none.
REPEATED = {"bitset": at_most(150 * MICRO, 100 * MICRO), "checked": at_most(200 * MICRO, 140 * MICRO)}
NOTHING_HITS = {"bitset": at_most(450 * MICRO, 300 * MICRO), "checked": at_most(950 * MICRO, 600 * MICRO)}
FEW_FACTS = {"bitset": at_most(4 * MILLI, 2 * MILLI), "checked": at_most(8 * MILLI, 4 * MILLI)}
TAIL = 3  # a 99th percentile is under so many times the median that is to be reached
RESTS_ON = {False: at_most(300 * MICRO, 150 * MICRO), True: at_most(1.2 * MILLI, MILLI)}
ANSWER_MOST, ANSWER, RECORD = at_most(4 * KB), at_most(2 * KB, 1.5 * KB), at_most(6 * KB, 4 * KB)

FACTS = 45  # of the exchanges whose permits are asked what they rest on
PERMITS = 20
AT_ONCE = 200


def timed(decide: Callable[[], object], before: Callable[[], object] = lambda: None) -> tuple[float, float]:
    """Median and 99th percentile of a call, in seconds; `before` is done before each and is not timed."""
    times = []
    for _ in range(20):
        before()
        decide()
    end = perf_counter() + SECONDS
    while perf_counter() < end:
        before()
        start = thread_time()
        decide()
        times.append(thread_time() - start)
    return statistics.median(times), percentile(times, 99)


def percentile(values: Sequence[float], hundredth: int) -> float:
    """The value below which so many hundredths of all values are."""
    return sorted(values)[min(len(values) - 1, len(values) * hundredth // 100)]


def times(bundle: engine.Bundle) -> None:
    """The times of whole decisions, in both modes. `bundle` has its files of tests."""
    settled = traffic.three_sovereigns(bundle)
    with tempfile.TemporaryDirectory() as folder:
        for mode in MODES:
            with InProcess.opened(mode, Path(folder)) as service:
                _whole(service, mode, settled)


def _whole(service: InProcess, mode: str, settled: bytes) -> None:
    exchange = service.read(settled)
    name = f"three sovereigns, settled, {len(exchange.values)} facts"
    heading(f"{mode}: a decision with the bytes of its answer and its record")
    _time(f"{name}; repeated, from its bytes", lambda: service.answer(settled), REPEATED[mode])
    _time("a hospital's export; repeated, from its bytes", lambda: service.answer(traffic.EVERYTHING_SHOWN), None)
    _time(f"{name}; nothing hits", lambda: service.decide(exchange), NOTHING_HITS[mode], service.forget)
    _time(f"{name}; nothing hits, from its bytes", lambda: service.answer(settled), None, service.forget)
    for said, raw in (("one fact sent", traffic.ONE_FACT), ("{}", traffic.NOTHING)):
        few = service.read(raw)
        _time(f"{said}, with its questions; nothing hits", partial(service.decide, few), FEW_FACTS[mode], service.forget)


def _time(name: str, decide: Callable[[], object], goal: Goal | None, before: Callable[[], object] = lambda: None) -> None:
    median, tail = timed(decide, before)
    figure(name, median, micro, goal)
    figure("  99th percentile", tail, micro, goal and at_most(TAIL * goal.least))


def rests_on(bundle: engine.Bundle, exchanges: Sequence[bytes]) -> None:
    """What permits of exchanges of 45 facts or more rest on, as it is in the answer, and exactly."""
    pdp = engine.PDP(bundle, "bitset")
    read = (engine.parse_exchange(bundle, raw) for raw in exchanges)
    judged = (pdp.judge(each, as_of=DAY) for each in read if len(each.values) >= FACTS)
    permits = [judgement for judgement in judged if judgement.outcome.permits][:PERMITS]
    heading(f"what a permit rests on, {len(permits)} exchanges of {FACTS} facts or more in turn")
    for exact, goal in RESTS_ON.items():
        turn = iter(permits * 1_000_000)
        median, _ = timed(lambda turn=turn, exact=exact: pdp.rests_on(next(turn), exact=exact))  # type: ignore[misc]
        statements = statistics.median(len(pdp.rests_on(each, exact=exact)) for each in permits)
        figure(f"{'exact' if exact else 'in the answer'}, {statements:.0f} statements", median, micro, goal)


def sizes(exchanges: Sequence[bytes]) -> None:
    """
    The bytes of answers, and of records with their rows in the index.

    The bytes of a record are those of the values in its rows, a number as eight. The growth of the file comes beside: it has the pages and
    the indexes too, and the words that records share.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with InProcess.opened("bitset", folder) as service:
            named = [traffic.README_EXAMPLE, traffic.ONE_FACT, traffic.NOTHING]
            decided = [service.decide(service.read(raw)) for raw in (*named, *exchanges)]
            before = _file_bytes(folder)
            for at in range(0, len(decided), AT_ONCE):
                service.record([each.entry for each in decided[at : at + AT_ONCE]])
            grown = (_file_bytes(folder) - before) / len(decided)
            rows = _row_bytes(folder / "bitset.db")
    _sizes(decided, rows, grown)


def _sizes(decided: Sequence[DecidedExchange], rows: Sequence[int], grown: float) -> None:
    answers = [len(each.answer) for each in decided]
    tests, recorded = answers[3:], rows[3:]
    heading("bytes of an answer", "record with index")
    for name, answer, record in zip(("README's example", "one fact sent", "{}"), answers, rows, strict=False):
        figure(name, answer, size, ANSWER_MOST, size(record))
    figure(f"the largest of {len(tests):,} test exchanges", max(tests), size, ANSWER_MOST, size(max(recorded)))
    figure("their 99th percentile", percentile(tests, 99), size, None, size(percentile(recorded, 99)))
    figure("their median", statistics.median(tests), size, ANSWER)
    figure("the median of their records with the rows of the index", statistics.median(recorded), size, RECORD)
    line(f"  growth of the SQLite file for each of {len(decided):,} records", size(grown))


def _file_bytes(folder: Path) -> int:
    """The size of the database once everything is in its one file."""
    with sqlite3.connect(folder / "bitset.db") as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return (folder / "bitset.db").stat().st_size


def _row_bytes(database: Path) -> list[int]:
    """For each record the bytes of its rows. Words of the newest records are not sorted in; each counts as the row that it will be."""
    with sqlite3.connect(database) as connection:
        [(upto,)] = connection.execute("SELECT next FROM head WHERE name = 'sorted'")
        [(count,)] = connection.execute("SELECT count(*) FROM record")
        found = [0] * count
        for table in ("record", "personal", "entry", "entry_term"):
            for sequence, *values in connection.execute(f"SELECT sequence, * FROM {table}"):
                found[sequence] += sum(map(_bytes, values))
        for sequence, words in connection.execute("SELECT sequence, words FROM entry WHERE sequence >= ?", (upto,)):
            found[sequence] += 3 * _bytes(0) * len(words.split(","))
    return found


def _bytes(value: bytes | str | int | None) -> int:
    match value:
        case None:
            return 0
        case bytes():
            return len(value)
        case str():
            return len(value.encode())
    return 8
