"""
`make bench`: our figures on the bundled policies, each beside what is to be reached; `ARGS=--help` shows how to ask for some of them.

Decisions in this process, sizes, memory of a worker, and the evaluate endpoint against a bare `return {}` of the same server. Absolute
times are this machine's, and the first line says how fast it is today.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence

import engine
from tests.bench import lane_speed, memory, traffic, whole_decisions
from tests.bench.figures import line

EXAMPLES = """examples:
  make bench
  make bench ARGS=decisions
  make bench ARGS="memory --decisions 1000000"
  make bench ARGS=http
  make bench ARGS=lanes
  make bench ARGS="search 1000000"
  make bench ARGS="search 100000 sqlite"
  make bench ARGS="watch 100000"
  make bench ARGS="statistics 1000000"
  make bench ARGS="tables 1000000"
  make bench ARGS="impact 1000000"
  make bench ARGS=sizing
  make bench ARGS="sizing 100000 sqlite"
  make bench ARGS="sinks 100000"
  make bench ARGS="pages 1000000"
  make bench ARGS="pages 1000000 million.db"
"""


def speed() -> float:
    """What a step of a plain loop costs here and now, in nanoseconds: others on the machine make it more."""
    start = time.perf_counter()
    total = 0
    for number in range(1_000_000):
        total += number
    return (time.perf_counter() - start) * 1e3


def loaded() -> tuple[engine.Bundle, list[bytes]]:
    """The bundled policies with their files of tests, and varied traffic."""
    line("a step of a plain loop", f"{speed():,.0f} ns")
    start = time.perf_counter()
    bundle = engine.load(engine.bundled_policies())
    provisions = len({rule.provision.id for rule in bundle.rules.rules})
    line(f"load {provisions} provisions, {len(bundle.facts)} facts", f"{time.perf_counter() - start:,.2f} s")
    exchanges = traffic.varied(bundle)
    line("varied traffic: test exchanges", f"{len(exchanges):,}")
    return bundle, exchanges


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(
        prog="make bench",
        description="Our figures on the bundled policies, each beside what is to be reached.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parts = (
        "decisions",
        "sizes",
        "memory",
        "http",
        "lanes",
        "search",
        "watch",
        "statistics",
        "tables",
        "impact",
        "pages",
        "sizing",
        "sinks",
    )
    parser.add_argument(
        "part",
        nargs="?",
        choices=parts,
        help="only this part; `search`, `watch`, `statistics`, `tables`, `impact`, `pages`, `sizing` and `sinks` are never part of the"
        " whole",
    )
    parser.add_argument(
        "more",
        nargs="*",
        help="of `search`, `impact` and `sizing`: how many records, of `sinks`: how many events,"
        " of `watch`: how many commitments, of `statistics`: how many lines, of"
        " `tables`: how many rows, of `pages`: how many decisions; and on which databases, of `pages` also by their addresses",
    )
    parser.add_argument("--decisions", type=int, default=20_000, metavar="N", help="of `memory` (default: 20000)")
    asked = parser.parse_args()
    if asked.more and asked.part not in ("search", "watch", "statistics", "tables", "impact", "pages", "sizing", "sinks"):
        parser.error(f"`{asked.part}` takes nothing more")
    if asked.part == "search":
        from tests.bench import search

        number, *databases = asked.more or ["1000000"]
        search.main(int(number), databases or ["sqlite", "postgresql"])
        return
    if asked.part == "watch":
        from tests.bench import watch_rounds

        number, *databases = asked.more or ["100000"]
        watch_rounds.main(int(number), databases or ["sqlite"])
        return
    if asked.part == "statistics":
        from tests.bench import statistics_speed

        number, *databases = asked.more or ["1000000"]
        statistics_speed.main(int(number), databases or ["sqlite", "postgresql"])
        return
    if asked.part == "tables":
        from tests.bench import table_speed

        table_speed.main(int((asked.more or ["1000000"])[0]))
        return
    if asked.part == "impact":
        from tests.bench import log_speed

        number, *folder = asked.more or ["1000000"]
        log_speed.main(int(number), *folder)
        return
    if asked.part == "sizing":
        from tests.bench import sizing

        number, *databases = asked.more or [str(sizing.RECORDS)]
        sizing.main(int(number), databases or sizing.ALL)
        return
    if asked.part == "sinks":
        from tests.bench import sink_delay

        number, *databases = asked.more or [str(sink_delay.EVENTS)]
        sink_delay.main(int(number), databases or ["sqlite", "postgresql"])
        return
    if asked.part == "pages":
        from tests.bench import page_speed

        number, *databases = asked.more or ["1000000"]
        page_speed.main(int(number), databases or ["sqlite", "postgresql"])
        return
    bundle, exchanges = loaded()
    for part, measure in _parts(bundle, exchanges, asked.decisions).items():
        if asked.part in (None, part):
            measure()


def _parts(bundle: engine.Bundle, exchanges: Sequence[bytes], many: int) -> dict[str, Callable[[], None]]:
    def times() -> None:
        whole_decisions.times(bundle)
        whole_decisions.rests_on(bundle, exchanges)

    def held() -> None:
        memory.workers(exchanges, many)
        memory.forked_workers(exchanges)

    def http() -> None:
        from tests.bench import endpoint

        endpoint.modes(exchanges)
        endpoint.processes()

    return {
        "decisions": times,
        "sizes": lambda: whole_decisions.sizes(exchanges),
        "memory": held,
        "http": http,
        "lanes": lambda: lane_speed.lanes(bundle, exchanges),
    }


if __name__ == "__main__":
    main()
