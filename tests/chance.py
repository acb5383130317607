"""
How much is left to chance: as many examples as `make test` has time for, and many more of other seeds in `make fuzz`.
"""

import os
import time

FUZZ = "TESTS_AT_RANDOM"  # the variable by which this process and its workers know
TIMES = 50

# How many seconds the three long runs of the engines and the law take together (`make fuzz-briefly`). Without it each runs to its end.
BRIEFLY = "FUZZ_SECONDS"

# The run of random agreement: many bundles and few exchanges of each. Most faults show within twenty, and another bundle shows more than
# another exchange. The planted faults of `tests/engine/backends/test_agreement.py` show in twenty bundles or fewer.
BUNDLES, EXCHANGES, COMPLETED = 30, 20, 5


def examples(number: int) -> int:
    """How many random examples a test tries that tries `number` of them in `make test`."""
    return number * TIMES if FUZZ in os.environ else number


def seed(number: int) -> int | None:
    """The seed of a random test: this one, and in `make fuzz` none, which is another each time."""
    return None if FUZZ in os.environ else number


def share() -> float | None:
    """The seconds that one of the three long runs may take; None if it runs to its end."""
    return float(os.environ[BRIEFLY]) / 3 if BRIEFLY in os.environ else None


def ending() -> float:
    """Until when by the monotonic clock the long run that begins now goes on."""
    return time.monotonic() + (share() or float("inf"))
