"""
Timing several engines in turns.

Contenders in; each comes back with the time of every decision, and for every block the CPU time of one. A round gives each contender
one short block, in shuffled order, so that whatever else the machine does falls on all alike; a ratio of two is the median of their
ratios in the same round. It is of CPU time on the deciding thread: being interrupted is nobody's fault. A peer's other threads, like
Go's collector, are not counted, which is to its advantage.
"""

from __future__ import annotations

import gc
import random
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

BLOCK = 0.004  # seconds, or one decision where that takes longer
WARM = 2  # decisions before a block that are not counted: what ran before has emptied the caches


@dataclass(slots=True)
class Contender:
    """Something to time: what it does, the exchanges it does it to; seconds each time, CPU seconds of each block's decisions."""

    name: str
    size: int
    decide: Callable[[Any], object]
    asked: Sequence[Any]
    block: int = 1
    times: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        return statistics.median(self.times)

    @property
    def p99(self) -> float:
        return sorted(self.times)[int(len(self.times) * 0.99)]


def measure(contenders: Sequence[Contender], seconds: float) -> None:
    """Time everyone in turns, for at least one round."""
    for one in contenders:
        start = time.perf_counter()
        for asked in one.asked[:5]:
            one.decide(asked)
        one.block = max(1, int(BLOCK * 5 / (time.perf_counter() - start)))
    # A collection during one engine's decision should not walk what the others are made of.
    gc.collect()
    gc.freeze()
    chance = random.Random(1)
    end = time.perf_counter() + seconds
    while True:
        for one in chance.sample(contenders, len(contenders)):
            _block(one)
        if time.perf_counter() >= end:
            break
    gc.unfreeze()


def _block(one: Contender) -> None:
    decide, asked, clock, times = one.decide, one.asked, time.perf_counter, one.times
    first = len(times)
    if one.block > WARM:
        for number in range(first - WARM, first):
            decide(asked[number % len(asked)])
    spent = time.thread_time()
    for number in range(first, first + one.block):
        exchange = asked[number % len(asked)]
        start = clock()
        decide(exchange)
        times.append(clock() - start)
    one.cpu.append((time.thread_time() - spent) / one.block)


def ratio(slow: Contender, fast: Contender) -> float:
    """How many times as long the one takes as the other."""
    return statistics.median(a / b for a, b in zip(slow.cpu, fast.cpu, strict=True))
