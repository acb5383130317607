"""
The program of the bundled policies over lanes: what it takes to make it, to code an exchange, and to decide many lanes in one pass.

A time is CPU time of the thread. Lanes are variants of one exchange with many facts: each lane has one of its facts unknown. Beside it, in
the same run, stands one evaluation by `bitset` with its outcome. `code` is the coding alone, `pass` the whole decision of all lanes.
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from time import perf_counter, thread_time

import numpy as np

import engine
from engine.backends.bitset import Bitset
from engine.backends.lanes.lane_cases import Cases, alone, side_by_side, variants
from engine.backends.lanes.lane_program import lower
from engine.backends.lanes.lane_runner import LaneRunner
from engine.deciding.combine import Combiner
from engine.exchange import Exchange
from engine.tables import lane_words
from engine.values import Missing, Value
from tests.bench.figures import at_most, figure, heading, line, micro, times
from tests.bench.traffic import DAY

SECONDS = 1.5  # of each figure
MICRO = 1e-6
LANES = (1, 64, 512, 4_096)
CODING = at_most(150 * MICRO)
ROWS = 131_072  # of a table
TABLE = 512  # exchanges side by side
MIXED = 6  # exchanges of whose values rows are made
UNKNOWN = 0.1  # of the cells
FACTS = 90  # of the exchange that is coded


def timed(call: Callable[[], object]) -> float:
    """The median CPU time of a call."""
    for _ in range(3):
        call()
    found: list[float] = []
    end = perf_counter() + SECONDS
    while perf_counter() < end or len(found) < 3:
        start = thread_time()
        call()
        found.append(thread_time() - start)
    return statistics.median(found)


def lanes(bundle: engine.Bundle, exchanges: Sequence[bytes]) -> None:
    """Print the figures of the program."""
    heading("lanes")
    start = thread_time()
    program = lower(bundle.rules, bundle.vocabulary, bundle.coherence.never, bundle.settings)
    lowered = thread_time() - start
    runner = LaneRunner(bundle.rules, bundle.vocabulary, program)
    told = [engine.parse_exchange(bundle, raw) for raw in exchanges[:2_000]]
    many = max((each for each in told if not each.everyone), key=lambda each: len(each.values))
    start = thread_time()
    runner.decide(alone(many, DAY))
    line(f"  lower {len(program.code):,} slots", f"{lowered:,.2f} s")
    line("  write the functions, and decide once", f"{thread_time() - start:,.2f} s")
    bitset, combiner = Bitset(bundle.rules), Combiner(bundle)
    once = timed(lambda: combiner.outcome(many, bitset.evaluate(many, DAY), DAY))
    figure(f"`bitset` and its outcome, {len(many.values)} facts", once, micro)
    usual = min((each for each in told if not each.everyone), key=lambda each: abs(len(each.values) - FACTS))
    figure(f"coding {len(usual.values)} facts", timed(lambda: runner.coder.code(alone(usual, DAY))), micro, CODING)
    for number in LANES:
        cases = changed(many, number)
        whole, coding = timed(partial(runner.decide, cases)), timed(partial(runner.coder.code, cases))
        figure(f"{number:,} lanes: coding", coding, micro)
        beside = f"{times(number * once / whole)} of as many by bitset"
        figure(f"{number:,} lanes: a pass, {micro(whole / number)} each", whole, micro, None, beside)
    side = side_by_side([(each, DAY) for each in told[:TABLE] if not each.everyone])
    whole = timed(lambda: runner.decide(side))
    figure(f"{side.count:,} exchanges of the tests side by side, {micro(whole / side.count)} each", whole, micro)

    rows(runner, told)


def rows(runner: LaneRunner, told: Sequence[Exchange]) -> None:
    """Rows of a table in words: each column has the values of a few exchanges, mixed, and one in ten is unknown."""
    exchanges = [each for each in told if not each.everyone][:MIXED]
    chance = np.random.default_rng(1)
    columns = {}
    for name in dict.fromkeys(name for each in exchanges for name in each.values):
        values: list[Value] = [Missing.UNKNOWN, *(each.values[name] for each in exchanges if name in each.values)]
        codes = chance.integers(1, len(values), ROWS, dtype=np.int32)
        codes[chance.random(ROWS) < UNKNOWN] = 0
        columns[name] = lane_words.ValueColumn(values, codes)
    wide = LaneRunner(runner.coder.rules, runner.vocabulary, runner.program, lane_words.function)
    every, day_codes = lane_words.wide(np.ones(ROWS, dtype=np.bool_)), np.zeros(ROWS, dtype=np.int32)

    def chunk() -> object:
        return wide.decide(lane_words.in_columns(every, ROWS, {}, columns, [DAY], day_codes))

    whole = timed(chunk)
    figure(f"{ROWS:,} rows of {len(columns)} columns, from codes", ROWS / whole, per_second)


def per_second(rate: float) -> str:
    """A rate of rows."""
    return f"{rate:,.0f} rows/s"


def changed(exchange: Exchange, number: int) -> Cases:
    """So many lanes of an exchange: itself, then with one fact unknown, then with two."""
    names = list(exchange.values)
    one = ((name,) for name in names)
    every = itertools.chain(one, itertools.combinations(names, 2))
    changes: list[Mapping[str, Value]] = [
        dict.fromkeys(chosen, Missing.UNKNOWN) for chosen in itertools.islice(every, number - 1)
    ]
    return variants(exchange, DAY, changes)
