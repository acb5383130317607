"""
How much is left to chance: what `make test` has time for, and in `make fuzz` what a test's share of the time allows.

In `make test` a random test draws the same each time. In `make fuzz` each test has a seed of its own and a time when its share is over,
and what it tried is counted (`tests.time_shares`).
"""

import math
import os
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

FUZZ = "TESTS_AT_RANDOM"  # the variable by which this process and its workers know
SECONDS = "FUZZ_SECONDS"  # how long all random tests take together; without it each runs to its end
FIRST_SEED = "FUZZ_SEED"  # the seed of every test, which repeats what failed

# The run of random agreement: many bundles and few exchanges of each. Most faults show within twenty, and another bundle shows more than
# another exchange. The planted faults of `tests/engine/backends/test_agreement.py` show in twenty bundles or fewer.
BUNDLES, EXCHANGES, COMPLETED = 30, 20, 5


@dataclass(slots=True)
class Attempt:
    """What the test that runs now may try, and what it has tried."""

    ends: float = math.inf  # by the monotonic clock
    seed: int = 0
    tried: int = 0
    least: int = 0  # what `make test` tries
    drawn: bool = False  # the seed was asked for
    whole: bool = True  # nothing was left out for want of time


T = TypeVar("T")
_attempts = [Attempt()]


def begin(attempt: Attempt) -> None:
    """From now on another test runs."""
    _attempts[0] = attempt


def seed(number: int) -> int:
    """The seed of a random test: this one, and in `make fuzz` another each time."""
    if FUZZ not in os.environ:
        return number
    _attempts[0].drawn = True
    return _attempts[0].seed


def examples(number: int) -> Iterator[int]:
    """So many random examples, each of which is counted."""
    for each in range(number):
        yield each
        _attempts[0].tried += 1


def some(each: Sequence[T], least: int) -> Iterator[T]:
    """Each of them; in `make fuzz` in an order of chance while the share of the time lasts, and never fewer than `make test` tries."""
    places = range(len(each))
    for number, place in enumerate(random.Random(seed(0)).sample(places, len(places)) if FUZZ in os.environ else places):
        if number >= least and time.monotonic() >= ending():
            tried(0, least, wanted=1)
            return
        yield each[place]
        tried(1, least)


def tried(number: int, least: int, wanted: int = 0) -> None:
    """Count examples: `make test` tries `least`, and `wanted` would have been tried if the time had lasted."""
    attempt = _attempts[0]
    attempt.tried += number
    attempt.least = least
    attempt.whole &= number >= wanted


def share() -> float | None:
    """The seconds that are left of the share of the test that runs; None if it runs to its end."""
    left = ending() - time.monotonic()
    return None if math.isinf(left) else max(left, 1)


def ending() -> float:
    """Until when by the monotonic clock the test that runs may go on."""
    return _attempts[0].ends
