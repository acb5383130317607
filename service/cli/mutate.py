"""
`fifthfactor test --mutate`: change the law one thing at a time, and list every change that no test notices.

The report names the sentences that no test defends, in file order, and the share that some test does.
"""

import json
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path

import engine
from service.cli.commands import UsedWrongly, count, load_or_stop, progress
from service.cli.processes import in_processes

CHUNK = 4


def mutate(paths: list[Path], only: str, at_least: float, as_json: bool) -> int:
    """The command; 1 where a smaller share is noticed than `at_least` per cent. Raises UsedWrongly."""
    began = time.monotonic()
    bundle = load_or_stop(paths)
    mutants = list(engine.mutants(bundle, only))
    if not mutants:
        raise UsedWrongly(f"no policy's file name contains `{only}`" if only else "there is no policy to change")
    noticed = []
    try:
        court = _in_session(bundle, mutants)
        for number, each in enumerate(in_processes(partial(_noticed, court, mutants), range(len(mutants)), CHUNK), 1):
            noticed.append(each)
            progress(f"{number:,} of {len(mutants):,} changes")
    except ValueError as failing:
        raise UsedWrongly(f"the tests have to pass first (`fifthfactor test`): {failing}") from None
    finally:
        progress("")
    survivors = [mutant for mutant, seen in zip(mutants, noticed, strict=True) if not seen]
    share = 100 * (1 - len(survivors) / len(mutants))
    if as_json:
        print(json.dumps(_report(mutants, survivors, share), ensure_ascii=False, indent=2))
    else:
        print("\n".join(_lines(mutants, survivors, share)))
        print(f"{time.monotonic() - began:.0f} s", file=sys.stderr)
    return int(share < at_least)


def _in_session(bundle: engine.Bundle, mutants: Sequence[engine.Mutant]) -> engine.Court:
    """The court of these mutants, whose own cases all pass. Raises ValueError."""
    court = engine.Court(bundle, {mutant.policy for mutant in mutants})
    for number, problem in enumerate(in_processes(partial(_problem, court), range(len(court.own)), CHUNK), 1):
        if problem:
            raise ValueError(problem)
        progress(f"{number:,} of {count(len(court.own), 'case')} pass")
    return court


def _problem(court: engine.Court, number: int) -> str:
    return court.problem(court.own[number])


def _noticed(court: engine.Court, mutants: Sequence[engine.Mutant], number: int) -> bool:
    return court.notices(mutants[number])


def _report(mutants: Sequence[engine.Mutant], survivors: Sequence[engine.Mutant], share: float) -> dict[str, object]:
    return {
        "changes": len(mutants),
        "noticed": len(mutants) - len(survivors),
        "per_cent": round(share, 2),
        "undefended": [{"policy": m.policy, "at": f"{m.file}:{m.line}", "sentence": m.sentence} for m in survivors],
    }


def _lines(mutants: Sequence[engine.Mutant], survivors: Sequence[engine.Mutant], share: float) -> Iterator[str]:
    for file, group in groupby(survivors, key=lambda mutant: mutant.file):
        yield f"{file}: no test defends"
        yield from (f"  {mutant.line}: {mutant.sentence}" for mutant in group)
        yield ""
    made = Counter(mutant.policy for mutant in mutants)
    left = Counter(mutant.policy for mutant in survivors)
    for policy in sorted(made):
        yield f"{policy}: {made[policy] - left[policy]:,} of {made[policy]:,}"
    yield f"{len(mutants) - len(survivors):,} of {count(len(mutants), 'change')} are noticed, {share:.1f} %"
