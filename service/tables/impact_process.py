"""
The process that compares the newest records of a log under two kept bundles: one line of JSON on the standard input, what moves as JSON on
the standard output.

It is a process of its own, so that no decision waits for it. The line names the database, both bundles by their digests, and for how many
seconds it may begin to compare further records. The first batch is always compared.
"""

import time
from collections.abc import Iterator
from datetime import date
from typing import Any

import engine
from service.policies.difference_process import answer
from service.tables.coded_log import CodedLog

BATCH = 256  # rows that are compared before the time is looked at: a second or a few, even if all of them move
MOST_LINES = 20  # of each list that are told
LISTS = ("jurisdictions", "instruments", "months", "groups")


def main() -> None:
    """Tell the impact."""
    answer(
        lambda asked, old, new: impact_json(
            newest_impact(asked["database"], old, new, asked["seconds"], date.fromisoformat(asked["today"]))
        )
    )


def newest_impact(database: str, old: engine.Bundle, new: engine.Bundle, seconds: float, today: date) -> engine.Impact:
    """What moves among the records, the newest blocks first, as far as there is time; it is complete if these are all."""
    comparison = engine.ImpactComparison(old, new)
    if old.digests.meaning == new.digests.meaning:
        return comparison.report()
    log, end, left = CodedLog(database, old, new, None, None, today), time.monotonic() + seconds, False
    try:
        for done, (rows, erased) in enumerate(_batches(log)):
            if left := done > 0 and time.monotonic() >= end:
                break
            comparison.take(rows)
            comparison.totals.erased += erased
    finally:
        log.close()
    return comparison.report(complete=not left)


def _batches(log: CodedLog) -> Iterator[tuple[list[engine.ImpactRow], int]]:
    """The rows of each block, the newest first, and how many of its records are without erased values."""
    for first in reversed(log.prepare()):
        block = log.rows(first)
        rows, erased = block.rows[::-1], block.erased
        for at in range(0, len(rows), BATCH):
            yield rows[at : at + BATCH], erased
            erased = 0


def impact_json(found: engine.Impact) -> dict[str, Any]:
    """The report with the first lines of each list, and how many more there are."""
    document = found.model_dump(mode="json", by_alias=True)
    more = {name: max(0, len(document[name]) - MOST_LINES) for name in LISTS}
    return {**document, **{name: document[name][:MOST_LINES] for name in LISTS}, "more": more, "same": found.same_meaning}


if __name__ == "__main__":
    main()
