"""
`fifthfactor test --mutate`: change the law one thing at a time, and list every change that no test notices.

Each process holds some of the mutants against the cases, which were read once before they forked. The report names the sentences that
no test defends, in file order, and the share that some test does.
"""

import json
import multiprocessing
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import engine
from service.commands import UsedWrongly, count, load_or_stop, progress

CHUNK = 16

# What the processes share, set before they are forked.
_court: engine.Court | None = None
_mutants: Sequence[engine.Mutant] = ()


def mutate(paths: list[Path], only: str, at_least: float, as_json: bool) -> int:
    """The command; 1 where a smaller share is noticed than `at_least` per cent. Raises UsedWrongly."""
    global _court, _mutants
    began = time.monotonic()
    bundle = load_or_stop(paths)
    _mutants = list(engine.mutants(bundle, only))
    if not _mutants:
        raise UsedWrongly(f"no policy's file name contains `{only}`" if only else "there is no policy to change")
    try:
        _court = engine.Court(bundle)
    except ValueError as failing:
        raise UsedWrongly(f"the tests have to pass first (`fifthfactor test`): {failing}") from None
    noticed = []
    for number, each in enumerate(_held(), 1):
        noticed.append(each)
        progress(f"{number:,} of {len(_mutants):,} changes")
    progress("")
    survivors = [mutant for mutant, seen in zip(_mutants, noticed, strict=True) if not seen]
    share = 100 * (1 - len(survivors) / len(_mutants))
    if as_json:
        print(json.dumps(_report(survivors, share), ensure_ascii=False, indent=2))
    else:
        print("\n".join(_lines(survivors, share)))
        print(f"{time.monotonic() - began:.0f} s", file=sys.stderr)
    return int(share < at_least)


def _held() -> Iterator[bool]:
    """Whether each mutant is noticed, in order."""
    workers = os.cpu_count() or 1
    if workers == 1 or "fork" not in multiprocessing.get_all_start_methods():
        yield from map(_noticed, range(len(_mutants)))
        return
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        yield from pool.imap(_noticed, range(len(_mutants)), CHUNK)


def _noticed(number: int) -> bool:
    assert _court is not None
    return _court.notices(_mutants[number])


def _report(survivors: Sequence[engine.Mutant], share: float) -> dict[str, object]:
    return {
        "changes": len(_mutants),
        "noticed": len(_mutants) - len(survivors),
        "per_cent": round(share, 2),
        "undefended": [{"policy": m.policy, "at": f"{m.file}:{m.line}", "sentence": m.sentence} for m in survivors],
    }


def _lines(survivors: Sequence[engine.Mutant], share: float) -> Iterator[str]:
    for file, group in groupby(survivors, key=lambda mutant: mutant.file):
        yield f"{file}: no test defends"
        yield from (f"  {mutant.line}: {mutant.sentence}" for mutant in group)
        yield ""
    made = Counter(mutant.policy for mutant in _mutants)
    left = Counter(mutant.policy for mutant in survivors)
    for policy in sorted(made):
        yield f"{policy}: {made[policy] - left[policy]:,} of {made[policy]:,}"
    yield f"{len(_mutants) - len(survivors):,} of {count(len(_mutants), 'change')} are noticed, {share:.1f} %"
