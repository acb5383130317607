"""
The process that compares the newest records of a log under two kept bundles: one line of JSON on the standard input, what moves as JSON on
the standard output.

It is a process of its own, so that no decision waits for it. The line names the database, both bundles by their digests, and for how many
seconds it may begin a further block of records. The newest block is always compared.
"""

import json
import sys
import time
from datetime import date
from typing import Any

import engine
from service.policies import kept_bundles
from service.store.upgrade import reading
from service.tables.coded_log import CodedLog

MOST_LINES = 20  # of each list that are told
LISTS = ("jurisdictions", "instruments", "months", "groups")


def main() -> None:
    """Read the line, compare, and write."""
    asked = json.loads(sys.stdin.readline())
    try:
        with reading(asked["database"]) as connection:
            old, new = (kept_bundles.load_kept(connection, *asked[side]) for side in ("old", "new"))
    except kept_bundles.NotKept as why:
        print(json.dumps({"not_kept": str(why)}))
        return
    found = newest_impact(asked["database"], old, new, asked["seconds"], date.fromisoformat(asked["today"]))
    print(json.dumps(impact_json(found), ensure_ascii=False))


def newest_impact(database: str, old: engine.Bundle, new: engine.Bundle, seconds: float, today: date) -> engine.Impact:
    """What moves among the newest records, as many as there is time for; it is complete if these are all."""
    comparison = engine.ImpactComparison(old, new)
    if old.digests.meaning == new.digests.meaning:
        return comparison.report()
    log, end, left = CodedLog(database, old, new, None, None, today), time.monotonic() + seconds, False
    try:
        for done, first in enumerate(reversed(log.prepare())):
            if left := done > 0 and time.monotonic() >= end:
                break
            block = log.rows(first)
            comparison.take(block.rows)
            comparison.totals.erased += block.erased
    finally:
        log.close()
    return comparison.report(complete=not left)


def impact_json(found: engine.Impact) -> dict[str, Any]:
    """The report with the first lines of each list, and how many more there are."""
    document = found.model_dump(mode="json", by_alias=True)
    more = {name: max(0, len(document[name]) - MOST_LINES) for name in LISTS}
    return {**document, **{name: document[name][:MOST_LINES] for name in LISTS}, "more": more, "same": found.same_meaning}


if __name__ == "__main__":
    main()
