"""
`fifthfactor test --lies`: changes one statement or a few of each case of the tests, and looks for permits that do not name it.
"""

import json
import random
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import chain, groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from service.cli.command import FINDING, UsedWrongly
from service.cli.output import complain, count, fill, painted, print_json, progress, safe
from service.cli.stopping import BEGINS_ANEW, stoppable

if TYPE_CHECKING:
    import engine

AT_A_TIME = 700  # lies of a case that a process tries at a time, unless all are tried
PAIRS = 200  # lies of two statements at once, beside those
OTHERS = 200  # of each kind that may free nothing, beside those, unless all are tried
PROPOSED = 8  # cases that are printed
ROUNDS = 100  # through the cases, for as long as there is time
HEADINGS = {
    "door": "at the door",
    "refused": "still refused",
    "named": "freed, named",
    "left_out": "left out",
    "silent": "silent",
    "decided": "decided",
    "stays": "stays",
}
WIDTH = 14  # of a column


class CaseFindings(NamedTuple):
    """What came of the lies of a case: how many of each kind had each fate, and those that no permit names, each with its case."""

    fates: Counter[tuple[str, str]]
    unnamed: list[dict[str, Any]]


def lies(paths: Sequence[Path], only: str, seconds: float, every: bool, seed: int, as_json: bool) -> int:
    """Try lies for some seconds, or every one; 1 where a lie is silent, or lanes are wrong. Raises UsedWrongly."""
    import engine
    from service.cli.files import load_or_stop
    from service.cli.processes import in_processes

    bundle = load_or_stop(paths)
    liar = engine.StatementTester(bundle, engine.PDP(bundle, "bitset"), [file for file, _ in bundle.tests if only in file])
    if not liar.cases:
        raise UsedWrongly(f"no test file with `{only}` in its name has a refused case" if only else "no case is refused")
    began = time.monotonic()  # finding the refused cases takes a while, and is no part of the time to try lies
    fates: Counter[tuple[str, str]] = Counter()
    unnamed: list[dict[str, Any]] = []
    number = len(liar.cases) + len(liar.permits)
    turns = [(0, each) for each in range(number)] if every else _turns(number, seed)
    wrong: engine.LanesWrong | None = None
    with stoppable() as stopping:
        try:
            for found in stopping.until(in_processes(partial(_tried, liar, None if every else seed), turns)):
                fates += found.fates
                unnamed += found.unnamed
                freed = sum(number for (_, fate), number in fates.items() if fate in ("named", "left_out", "silent"))
                progress(f"{count(fates.total(), 'lie')}, {freed:,} free the exchange")
                if not every and time.monotonic() - began > seconds:
                    break
        except engine.LanesWrong as found_wrong:
            wrong = found_wrong
    progress("")
    silent = [each for each in unnamed if each["fate"] == "silent"]
    proposed = _propose(liar, [*silent, *(first for _, _, first in _staying(unnamed))])
    if as_json:
        print_json(_report(fates, unnamed))
    else:
        print("\n".join([*_lines(fates), *(_told(cases, truth, first) for cases, truth, first in _staying(unnamed))]))
        for each in silent:
            print(f"{painted('red', 'silent')} {each['file']}:{each['line']} {each['case']}")
            told = " and ".join(f"`{part['statement']}` {_sent(part['value'])}" for part in (each, *each.get("beside", ())))
            verb, them = ("free", "all of them") if each.get("beside") else ("frees", "it")
            said = "and may not" if each["kind"] in engine.FREE_NOTHING else f"and the permit does not name {them}"
            print(fill(f"{told} {verb} the exchange, {said}", "    "))
        print("\n".join(_proposals(proposed)), end="\n" if proposed else "")
        complain(f"{time.monotonic() - began:.0f} s")
    if wrong:
        complain(f"error: {safe(str(wrong))}")
        complain(
            f"This is a bug of Fifth Factor, not of the policies. Please report it with this exchange; `fifthfactor evaluate` in the mode"
            f" `reference` decides it without lanes. The report is of {count(fates.total(), 'lie')} before it."
        )
        return FINDING
    if stopping.number:
        return stopping.told(f"after {count(fates.total(), 'lie')}, of which this is the report", BEGINS_ANEW)
    return int(bool(silent))


def _turns(cases: int, seed: int) -> list[tuple[int, int]]:
    """Rounds through all cases in random order."""
    order = list(range(cases))
    random.Random(seed).shuffle(order)
    return [(turn, number) for turn in range(ROUNDS) for number in order]


def _tried(liar: "engine.StatementTester", seed: int | None, turn: tuple[int, int]) -> CaseFindings:
    """What comes of some lies of a case, chosen by the seed and the turn; of all, without a seed."""
    case = (*liar.cases, *liar.permits)[turn[1]]
    chance = random.Random(f"{seed} {turn}")

    def some(lies: "Iterable[engine.FalseStatement]", most: int) -> "Sequence[engine.FalseStatement]":
        every = list(lies)
        return every if seed is None else chance.sample(every, min(len(every), most))

    found = CaseFindings(Counter(), [])
    fates: list[tuple[engine.FalseStatement, str]] = []

    def try_out(lies: "Sequence[engine.FalseStatement]") -> None:
        fates.extend(zip(lies, liar.fates(case, lies, chance.randrange), strict=True))

    if turn[1] < len(liar.cases):
        lies = list(liar.lies(case))
        try_out(some(lies, AT_A_TIME))
        refused = [lie for lie, fate in fates if fate == "door"]
        others = (liar.contradictions(case, refused), liar.in_vain(case), liar.respelt(case, lies))
        pairs = liar.pairs(lies, random.Random(f"two {seed} {turn}").choice, PAIRS)
        try_out([*pairs, *chain.from_iterable(some(each, OTHERS) for each in others)])
    else:
        try_out(list(liar.truths(case)))
    for lie, fate in fates:
        found.fates[lie.kind, fate] += 1
        if fate in ("left_out", "silent", "decided", "stays"):
            told = {"fate": fate, "kind": lie.kind, "file": case.file, "line": case.line, "case": case.case}
            first, *more = ({"statement": part.statement, "value": part.value} for part in lie.parts)
            found.unnamed.append(told | first | ({"beside": more} if more else {}))
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

    yield f"{'':20}" + "".join(f"{heading:>{WIDTH}}" for heading in HEADINGS.values())
    for kind in engine.KINDS_OF_LIES:
        if any(fates[kind, fate] for fate in HEADINGS):
            yield f"{kind:20}" + "".join(f"{fates[kind, fate]:>{WIDTH},}" for fate in HEADINGS)
    totals = {fate: sum(fates[kind, fate] for kind in engine.KINDS_OF_LIES) for fate in HEADINGS}
    yield f"{'all':20}" + "".join(f"{number:>{WIDTH},}" for number in totals.values())


def _staying(unnamed: list[dict[str, Any]]) -> list[tuple[int, str, dict[str, Any]]]:
    """Each truth that damns and beside which permits stay: how many they are, what is said of them, and the first of them."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for each in unnamed:
        if each["fate"] in ("decided", "stays"):
            # The last part is what is said by its own name.
            part = each["beside"][-1] if each["value"] is None else each
            found.setdefault((each["fate"], f"`{part['statement']}` {_sent(part['value'])}"), []).append(each)
    return [
        (len(cases), truth, min(cases, key=lambda each: (each["file"], each["line"])))
        for (_, truth), cases in sorted(found.items())
    ]


def _told(permits: int, truth: str, first: dict[str, Any]) -> str:
    why = "beside a document that decides" if first["fate"] == "decided" else "beside nothing that decides"
    stay = "stays" if permits == 1 else "stay"
    return f"{count(permits, 'permit')} {stay} with {truth}, {why}; one is {first['file']}:{first['line']}"


def _propose(liar: "engine.StatementTester", shown: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those of some lies and truths that a test can state, each with a case in YAML under `proposed`."""
    import engine

    cases = {(each.file, each.line): each for each in (*liar.cases, *liar.permits)}
    for each in shown:
        lie: engine.FalseStatement | None = None
        for part in reversed([each, *each.get("beside", ())]):
            lie = engine.FalseStatement(each["kind"], part["statement"], part["value"], lie)
        assert lie
        each["proposed"] = liar.proposal(cases[each["file"], each["line"]], lie, each["fate"])
    return sorted((each for each in shown if each["proposed"]), key=lambda each: str(each["file"]))


def _proposals(proposed: list[dict[str, Any]]) -> Iterator[str]:
    """The first of the cases that are proposed, each under the name of the file that it is pasted into."""
    if proposed:
        yield "cases to paste; each fails until the law, or what the case expects, is changed, unless a document decides:"
    for file, group in groupby(proposed[:PROPOSED], key=lambda each: each["file"]):
        yield f"# {file}"
        yield from (each["proposed"] for each in group)
    if len(proposed) > PROPOSED:
        yield f"# and {len(proposed) - PROPOSED:,} more: --json"


def _sent(value: Any) -> str:
    return "left out" if value is None else f"as {json.dumps(value, ensure_ascii=False)}"
