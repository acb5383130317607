"""
`make bench-peers`: our engines and others on the same made-up rules and exchanges, in one run.

First every engine answers every exchange and each answer is compared with the reference's; a wrong one ends the run with status 1.
Then all are timed in turns (`timing`), and what is to be reached is printed beside what was. Ours decide from an exchange as read,
and give what stands possibly and certainly, and the bounds; peers decide from the parsed JSON, and give what holds and the strictest
level.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

import engine
from engine.backends.bitset import Bitset
from engine.backends.durable import Durable
from engine.backends.reference import Reference
from engine.rules import RuleSet
from engine.values.outcome_levels import Bounds, Level
from engine.verdict import Engine, Verdict, numbers
from tests.bench.figures import Goal, at_most, figure, heading, line, micro, times
from tests.bench.memory import measurable, resident
from tests.bench.peers import LEVELS, PEERS, Datalogic, Opa, Peer, policies
from tests.bench.rules import ALL_PRESENT, DAY, SCOPED, SETTINGS, SOME_MISSING, Setting, Workload, workload
from tests.bench.timing import Contender, measure, ratio

SIZES = (10, 100, 1000)


@dataclass(frozen=True, slots=True)
class Answer:
    """The keys of the rules that certainly and possibly stand, and the bounds; to a peer the two are one."""

    certain: list[str]
    possible: list[str]
    low: Level
    high: Level


class Checked:
    """Two engines, and no verdict unless they agree."""

    name = "checked"

    def __init__(self, rules: RuleSet) -> None:
        self._first, self._second = Bitset(rules), Durable(rules)

    def evaluate(self, exchange: engine.Exchange, as_of: date, signed: frozenset[str] = frozenset()) -> Verdict:
        verdict, other = self._first.evaluate(exchange, as_of), self._second.evaluate(exchange, as_of)
        if not verdict.agrees(other):
            raise RuntimeError(f"bitset and durable differ: {'; '.join(verdict.differences(other)[:5])}")
        return verdict


class CheckedAfresh(Checked):
    """The same, and what `durable` derived from earlier exchanges is dropped before each decision."""

    name = "checked, nothing hits"

    def evaluate(self, exchange: engine.Exchange, as_of: date, signed: frozenset[str] = frozenset()) -> Verdict:
        self._second.forget()
        return Checked.evaluate(self, exchange, as_of, signed)


def ours(make: Callable[[RuleSet], Engine], work: Workload) -> Contender:
    """An engine of ours, made for a workload."""
    back_end = make(work.bundle.rules)
    keys = [rule.key for rule in work.bundle.rules.rules]

    def decide(exchange: engine.Exchange) -> Answer:
        verdict = back_end.evaluate(exchange, DAY)
        stands = verdict.stands
        possible = [keys[number] for number in numbers(stands.possible)]
        certain = possible if stands.certain == stands.possible else [keys[number] for number in numbers(stands.certain)]
        bounds = Bounds.over(verdict.jurisdictions.values())
        return Answer(certain, possible, bounds.low, bounds.high)

    return Contender(back_end.name, work.size, decide, work.exchanges)


def theirs(make: type[Peer], work: Workload) -> Contender:
    """A peer, made for a workload. Raises ImportError or OSError where it is not installed or does not load."""
    peer = make(policies(work.bundle.rules, DAY), complete=not work.setting.missing)
    levels = {rule.key: LEVELS[rule.effect] for rule in work.bundle.rules.rules}

    def decide(document: dict[str, Any]) -> Answer:
        matched = peer.matched(document)
        level = max(map(levels.__getitem__, matched), default=Level.PERMITTED)
        return Answer(matched, matched, level, level)

    return Contender(peer.name, work.size, decide, work.documents)


OURS = {make.name: partial(ours, make) for make in (Reference, Durable, Bitset, Checked, CheckedAfresh)}
ENGINES: Mapping[str, Callable[[Workload], Contender]] = OURS | {make.name: partial(theirs, make) for make in PEERS}


# Answers


def answers(contender: Contender) -> list[Answer]:
    """What it says to each exchange."""
    said = [contender.decide(asked) for asked in contender.asked]
    return [answer for answer in said if isinstance(answer, Answer)]


def wrong(contender: Contender, right: Sequence[Answer]) -> list[str]:
    """
    Where an engine's answers are not the reference's.

    Ours must be equal. Of a peer's, all is compared that the reference calls settled: what certainly stands is named, what does not
    possibly stand is not, and the level is within the bounds. With every fact present that is every rule and the level.
    """
    same = _equal if contender.name in OURS else _settled
    return [
        f"{contender.name}, {contender.size} rules, exchange {number}: {_difference(given, expected)}"
        for number, (given, expected) in enumerate(zip(answers(contender), right, strict=True))
        if not same(given, expected)
    ]


def _equal(given: Answer, expected: Answer) -> bool:
    return given == expected


def _settled(given: Answer, expected: Answer) -> bool:
    named = set(given.possible)
    # To a peer, a law that applies and asks for nothing is as one that does not apply.
    low, high = max(expected.low, Level.PERMITTED), max(expected.high, Level.PERMITTED)
    return (
        len(named) == len(given.possible)
        and set(expected.certain) <= named <= set(expected.possible)
        and low <= given.high <= high
    )


def _difference(given: Answer, expected: Answer) -> str:
    lacking, added = set(expected.certain) - set(given.certain), set(given.possible) - set(expected.possible)
    levels = (f"{answer.low.word} to {answer.high.word}" for answer in (given, expected))
    return f"lacks {sorted(lacking)}, adds {sorted(added)}, says {' where the reference says '.join(levels)}"


def compared(setting: Setting, size: int, absent: dict[str, str]) -> list[Contender]:
    """Every engine that is here, once its answers are known to be right; `absent` learns why the others are not."""
    work = workload(setting, size)
    made = []
    for name, make in ENGINES.items():
        if name not in absent:
            try:
                made.append(make(work))
            except (ImportError, OSError) as error:  # a shared library that does not load is an OSError
                absent[name] = f"{type(error).__name__}: {error}"
                print(f"{name} is left out: it is not installed for this Python ({absent[name]})", flush=True)
    reference, *others = made
    right = answers(reference)
    problems = [problem for one in others for problem in wrong(one, right)]
    certain, possible = (
        sum(len(keys) for keys in each) / size / len(right)
        for each in zip(*((answer.certain, answer.possible) for answer in right), strict=True)
    )
    print(
        f"{setting.name}, {size} rules: {certain:.1%} of them stand certainly, {possible:.1%} possibly;"
        f" {len(others)} engines answer {len(right)} exchanges, {len(problems)} answers are wrong",
        flush=True,
    )
    if problems:
        sys.exit("\n".join(problems[:10]))
    return made


# Time


def reading(work: Workload) -> list[Contender]:
    """What comes before a decision: reading the exchange's bytes, ours with every check, and as JSON alone, as peers need it."""
    raw = [json.dumps(document).encode() for document in work.documents]
    return [
        Contender("reading, ours", work.size, partial(engine.parse_exchange, work.bundle), raw),
        Contender("reading, json.loads", work.size, json.loads, raw),
    ]


Measured = Mapping[tuple[str, int], Contender]


def report(setting: Setting, found: Measured) -> None:
    for size in SIZES:
        print()
        line(f"{setting.name}, {size} rules", "median", "p99", f"to {Bitset.name}")
        for (name, of), one in found.items():
            if of == size:
                line(f"  {name}", micro(one.median), micro(one.p99), f"{ratio(one, found[Bitset.name, size]):.2f}")


# What to reach

# How many times as fast, at 100 and at 1000 rules.
GOALS: tuple[tuple[str, str, Setting, tuple[Goal, Goal]], ...] = (
    (Bitset.name, Datalogic.name, ALL_PRESENT, (Goal(1, 1.8), Goal(5, 8))),
    (Bitset.name, Datalogic.name, SOME_MISSING, (Goal(0.9, 1.8), Goal(4, 8))),
    (Checked.name, Opa.name, ALL_PRESENT, (Goal(4, 10), Goal(5, 10))),
    (Checked.name, Opa.name, SCOPED, (Goal(3, 10), Goal(4, 10))),
)
GROWTH = at_most(4, 2)  # times as long for 1000 rules as for 100


def goals(measured: Mapping[Setting, Measured]) -> None:
    heading("how many times as fast, in this process")
    for mine, peer, setting, each in GOALS:
        found = measured[setting]
        for size, goal in zip(SIZES[1:], each, strict=True):
            name = f"{mine} against {peer}, {setting.name}, {size} rules"
            if (peer, size) in found:
                figure(name, ratio(found[peer, size], found[mine, size]), times, goal)
            else:
                line(f"  {name}", "not measured")


def growth(measured: Mapping[Setting, Measured]) -> None:
    heading(f"growth from {SIZES[1]} to {SIZES[2]} rules, the most of all settings")
    for name in dict.fromkeys(name for found in measured.values() for name, size in found if size == SIZES[2]):
        grown = max(ratio(found[name, SIZES[2]], found[name, SIZES[1]]) for found in measured.values())
        figure(name, grown, times, GROWTH if name == Bitset.name else None)


# Memory


def memory_of(name: str, seconds: float) -> None:
    """In a process of its own: what making an engine adds, and what deciding adds once it is warm."""
    work = workload(ALL_PRESENT, SIZES[-1])
    empty = resident()
    one = ENGINES[name](work)
    _decide(one, seconds / 2)
    warm = resident()
    decided = _decide(one, seconds)
    print(json.dumps({"made": warm - empty, "grown": resident() - warm, "decided": decided}))


def _decide(one: Contender, seconds: float) -> int:
    decided, end = 0, time.perf_counter() + seconds
    while time.perf_counter() < end:
        one.decide(one.asked[decided % len(one.asked)])
        decided += 1
    return decided


def memory(names: Sequence[str], seconds: float) -> None:
    print()
    if not measurable():
        print("memory is measured on Linux with glibc only")
        return
    line(f"memory, {SIZES[-1]} rules", "made, MB", "growth, MB", "in decisions")
    for name in names:
        command = [sys.executable, "-m", "tests.bench.compare", "--memory-of", name, "--seconds", str(seconds)]
        # Python's own allocator keeps what it frees, and would serve an engine from what loading has left.
        environment = {**os.environ, "PYTHONMALLOC": "malloc"}
        told = json.loads(subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True).stdout)
        line(f"  {name}", f"{told['made']:.1f}", f"{told['grown']:+.1f}", f"{told['decided']:,}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench-peers", description="our engines and others, in one run")
    parser.add_argument("--seconds", type=float, default=40, help="how long to time each setting")
    parser.add_argument(
        "part", nargs="?", choices=["http", "tables"], help="only this part: over HTTP, or ten rules over a table"
    )
    parser.add_argument("rows", nargs="?", type=int, default=1_000_000, help="of `tables` (default: 1000000)")
    parser.add_argument("--memory-of", metavar="ENGINE", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.memory_of:
        memory_of(options.memory_of, options.seconds)
        return
    from tests.bench import http_peers  # not in the processes whose memory is measured

    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    if load > cores / 4:
        print(
            f"this machine is busy (load {load:.1f} on {cores} cores): the figures are worth little, and 99th percentiles nothing"
        )
    if options.part == "http":
        http_peers.main()
        return
    if options.part == "tables":
        from tests.bench import table_peers

        table_peers.main(options.rows)
        return
    absent: dict[str, str] = {}
    measured: dict[Setting, Measured] = {}
    for setting in SETTINGS:
        all_ = [one for size in SIZES for one in compared(setting, size, absent)]
        all_ += reading(workload(setting, SIZES[0]))
        measure(all_, options.seconds)
        measured[setting] = {(one.name, one.size): one for one in all_}
        report(setting, measured[setting])
        print()
    goals(measured)
    growth(measured)
    memory([name for name in ENGINES if name not in absent], options.seconds / 20)
    http_peers.main()


if __name__ == "__main__":
    main()
