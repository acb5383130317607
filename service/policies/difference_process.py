"""
The process that compares two kept bundles: one line of JSON on the standard input, a difference as JSON on the standard output.

It is a process of its own, so that no decision waits for it. The line names the database, both bundles by their digests, and how many
seconds it may decide test exchanges for; those for which there is no time left are counted. What changed between the bundles is always
told in whole.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import engine
from service.policies import kept_bundles
from service.store.upgrade import reading

MOST_MOVES, MOST_CHANGES = 300, 600  # that are told


def answer(compare: Callable[[Mapping[str, Any], engine.Bundle, engine.Bundle], dict[str, Any]]) -> None:
    """Read the line, compare the two bundles that it names, and write what comes of it, or that one of them is not kept."""
    asked = json.loads(sys.stdin.readline())
    try:
        with reading(asked["database"]) as connection:
            old, new = (kept_bundles.load_kept(connection, *asked[side]) for side in ("old", "new"))
    except kept_bundles.NotKept as why:
        print(json.dumps({"not_kept": str(why)}))
        return
    print(json.dumps(compare(asked, old, new), ensure_ascii=False))


def main() -> None:
    """Tell the difference."""
    answer(lambda asked, old, new: difference_json(old, new, asked["seconds"], date.fromisoformat(asked["today"])))


def difference_json(old: engine.Bundle, new: engine.Bundle, seconds: float, today: date) -> dict[str, Any]:
    """What differs between two bundles, and by how many of their test exchanges."""
    trials = [] if old.digests.meaning == new.digests.meaning else engine.trials(old, new)
    found = engine.compare(old, new, _until(trials, time.monotonic() + seconds), today=today, mode="bitset")
    document = found.model_dump(mode="json")
    tried = sum(found.tried.values()) + len(found.unread)
    return {
        "same": found.same_meaning,
        "changes": document["changes"][:MOST_CHANGES],
        "more_changes": max(0, len(found.changes) - MOST_CHANGES),
        "moves": document["moves"][:MOST_MOVES],
        "more_moves": max(0, len(found.moves) - MOST_MOVES),
        "tried": tried,
        "not_tried": max(0, len(trials) - tried),
    }


def _until(trials: Sequence[engine.TrialExchange], end: float) -> Iterator[engine.TrialExchange]:
    for each in trials:
        if time.monotonic() >= end:
            return
        yield each


if __name__ == "__main__":
    main()
