"""
`fifthfactor test --lies`: changes one statement or two of each refused case of the tests, and looks for permits that do not name it.
"""

import json
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from service.cli.command import UsedWrongly
from service.cli.output import complain, count, fill, painted, print_json, progress

if TYPE_CHECKING:
    import engine

AT_A_TIME = 100  # lies of a case that a process tries at a time, unless all are tried
PAIRS = 30  # lies of two statements at once, beside those
ROUNDS = 100  # through the cases, for as long as there is time
HEADINGS = {
    "door": "at the door",
    "refused": "still refused",
    "named": "freed, named",
    "left_out": "left out",
    "silent": "silent",
}


class Found(NamedTuple):
    """What came of the lies of a case: how many of each kind had each fate, and those that nothing names, each with its case."""

    fates: Counter[tuple[str, str]]
    unnamed: list[dict[str, Any]]


def lies(paths: list[Path], only: str, seconds: float, every: bool, seed: int, as_json: bool) -> int:
    """Try lies for some seconds, or every one; 1 where a lie is silent. Raises UsedWrongly."""
    import engine
    from service.cli.files import load_or_stop
    from service.cli.processes import in_processes

    bundle = load_or_stop(paths)
    liar = engine.Liar(bundle, engine.PDP(bundle, "bitset"), [file for file, _ in bundle.tests if only in file])
    if not liar.cases:
        raise UsedWrongly(f"no test file with `{only}` in its name has a refused case" if only else "no case is refused")
    began = time.monotonic()  # finding the refused cases takes a while, and is no part of the time to try lies
    fates: Counter[tuple[str, str]] = Counter()
    unnamed: list[dict[str, Any]] = []
    turns = [(0, number) for number in range(len(liar.cases))] if every else _turns(len(liar.cases), seed)
    try:
        for found in in_processes(partial(_tried, liar, None if every else seed), turns):
            fates += found.fates
            unnamed += found.unnamed
            freed = sum(number for (_, fate), number in fates.items() if fate in ("named", "left_out", "silent"))
            progress(f"{count(fates.total(), 'lie')}, {freed:,} free the exchange")
            if not every and time.monotonic() - began > seconds:
                break
    finally:
        progress("")
    silent = [each for each in unnamed if each["fate"] == "silent"]
    if as_json:
        print_json(_report(fates, unnamed))
    else:
        print("\n".join(_lines(fates)))
        for each in silent:
            print(f"{painted('red', 'silent')} {each['file']}:{each['line']} {each['case']}")
            told = " and ".join(f"`{part['statement']}` {_sent(part['value'])}" for part in (each, each.get("beside")) if part)
            verb, them = ("free", "them both") if each.get("beside") else ("frees", "it")
            print(fill(f"{told} {verb} the exchange, and the permit does not name {them}", "    "))
        complain(f"{time.monotonic() - began:.0f} s")
    return int(bool(silent))


def _turns(cases: int, seed: int) -> list[tuple[int, int]]:
    """Rounds through all cases in random order."""
    order = list(range(cases))
    random.Random(seed).shuffle(order)
    return [(turn, number) for turn in range(ROUNDS) for number in order]


def _tried(liar: "engine.Liar", seed: int | None, turn: tuple[int, int]) -> Found:
    """What comes of some lies of a case, chosen by the seed and the turn; of all, without a seed."""
    case = liar.cases[turn[1]]
    chosen: Sequence[engine.Lie] = list(liar.lies(case))
    if seed is not None:
        chosen = random.Random(f"{seed} {turn}").sample(chosen, min(len(chosen), AT_A_TIME))
    found = Found(Counter(), [])
    for lie in chain(chosen, liar.pairs(case, random.Random(f"two {seed} {turn}").choice, PAIRS)):
        fate = liar.fate(case, lie)
        found.fates[lie.kind, fate] += 1
        if fate in ("left_out", "silent"):
            told = {"fate": fate, "file": case.file, "line": case.line, "case": case.case}
            beside = {"beside": {"statement": lie.beside.statement, "value": lie.beside.value}} if lie.beside else {}
            found.unnamed.append({**told, "statement": lie.statement, "value": lie.value, **beside})
    return found


def _report(fates: Counter[tuple[str, str]], unnamed: list[dict[str, Any]]) -> dict[str, object]:
    import engine

    return {
        "lies": fates.total(),
        "kinds": {kind: {fate: fates[kind, fate] for fate in HEADINGS} for kind in engine.KINDS_OF_LIES},
        "unnamed": unnamed,
    }


def _lines(fates: Counter[tuple[str, str]]) -> Iterator[str]:
    import engine

    yield f"{'':20}" + "".join(f"{heading:>15}" for heading in HEADINGS.values())
    for kind in engine.KINDS_OF_LIES:
        if any(fates[kind, fate] for fate in HEADINGS):
            yield f"{kind:20}" + "".join(f"{fates[kind, fate]:>15,}" for fate in HEADINGS)
    totals = {fate: sum(fates[kind, fate] for kind in engine.KINDS_OF_LIES) for fate in HEADINGS}
    yield f"{'all':20}" + "".join(f"{number:>15,}" for number in totals.values())


def _sent(value: Any) -> str:
    return "left out" if value is None else f"as {json.dumps(value, ensure_ascii=False)}"
