"""
`fifthfactor test`: the tests that stand beside the policies; with `--mutate`, what no test notices when the law is changed.

Mutants are the law with one thing changed. The report names the sentences that no test defends, in file order, and the share that some
test does.
"""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain, groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.command import AsJson, Commands, Paths, UsedWrongly
from service.cli.output import complain, count, fill, painted, print_json, progress

if TYPE_CHECKING:
    import engine

CHUNK = 16  # changes that a process tries at a time

app = Commands()


@app.add("test policies --only order-16")
def test(
    paths: Paths = None,
    only: Annotated[
        str, typer.Option(help="Run the test files, or change the policies, whose file's name contains this.")
    ] = "",
    mutate: Annotated[
        bool, typer.Option("--mutate", help="Change the law one thing at a time: what does no test notice?")
    ] = False,
    at_least: Annotated[float, typer.Option(help="With --mutate: per cent of the changes that a test must notice.")] = 95.0,
    as_json: AsJson = False,
) -> int:
    """
    Run the tests that stand beside the policies.

    Ends with 0 where all pass, with 1 where one fails. With --mutate each condition is denied and dropped, each threshold moved by
    one, each date and last day by a day, and each exemption dropped; what no test notices is listed, and too much of it ends with 1.
    """
    return _mutate(paths or [], only, at_least, as_json) if mutate else _run(paths or [], only, as_json)


def _run(paths: list[Path], only: str, as_json: bool) -> int:
    """Run the authors' tests; ends with `N passed, N failed`."""
    import engine
    from service.cli.files import load_or_stop
    from service.cli.processes import in_processes

    bundle = load_or_stop(paths)
    began = time.monotonic()
    results: list[engine.Result] = []
    files = [file for file, _ in bundle.tests if only in file]
    for result in chain.from_iterable(in_processes(partial(_results, bundle, engine.PDP(bundle)), files)):
        results.append(result)
        if as_json:
            continue
        progress("" if result.problems else count(len(results), "case"))
        if result.problems:
            _print_failure(result)
    progress("")
    failed = sum(1 for result in results if result.problems)
    if as_json:
        print_json([_result_document(each) for each in results])
        return int(failed > 0)
    if not results:
        raise UsedWrongly(
            f"no test file's name contains `{only}`"
            if only
            else "there are no test files here; a test file begins with `test:`"
        )
    print(f"{time.monotonic() - began:.1f} s")
    print(f"{len(results) - failed} passed, {failed} failed")
    return int(failed > 0)


def _results(bundle: "engine.Bundle", pdp: "engine.PDP", file: str) -> "list[engine.Result]":
    import engine

    return list(engine.run(bundle, file, pdp))


def _print_failure(result: "engine.Result") -> None:
    print(f"{painted('red', 'failed')} {result.file}:{result.line} {result.case}")
    for problem in result.problems:
        print(fill(problem, "    "))


def _result_document(result: "engine.Result") -> dict[str, Any]:
    return {
        "file": result.file,
        "line": result.line,
        "policy": result.suite,
        "case": result.case,
        "problems": list(result.problems),
    }


# --- changing the law ------------------------------------------------------------------------------------------------


def _mutate(paths: list[Path], only: str, at_least: float, as_json: bool) -> int:
    """Try every mutant; 1 where a smaller share is noticed than `at_least` per cent. Raises UsedWrongly."""
    import engine
    from service.cli.files import load_or_stop
    from service.cli.processes import in_processes

    began = time.monotonic()
    bundle = load_or_stop(paths)
    mutants = list(engine.mutants(bundle, only))
    if not mutants:
        raise UsedWrongly(f"no policy's file name contains `{only}`" if only else "there is no policy to change")
    try:
        court = engine.Court(bundle)
    except ValueError as failing:
        raise UsedWrongly(f"the tests have to pass first (`fifthfactor test`): {failing}") from None
    noticed = []
    for number, each in enumerate(in_processes(partial(_noticed, court, mutants), range(len(mutants)), CHUNK), 1):
        noticed.append(each)
        progress(f"{number:,} of {len(mutants):,} changes")
    progress("")
    survivors = [mutant for mutant, seen in zip(mutants, noticed, strict=True) if not seen]
    share = 100 * (1 - len(survivors) / len(mutants))
    if as_json:
        print_json(_report(mutants, survivors, share))
    else:
        print("\n".join(_lines(mutants, survivors, share)))
        complain(f"{time.monotonic() - began:.0f} s")
    return int(share < at_least)


def _noticed(court: "engine.Court", mutants: "Sequence[engine.Mutant]", number: int) -> bool:
    return court.notices(mutants[number])


def _report(mutants: "Sequence[engine.Mutant]", survivors: "Sequence[engine.Mutant]", share: float) -> dict[str, object]:
    return {
        "changes": len(mutants),
        "noticed": len(mutants) - len(survivors),
        "per_cent": round(share, 2),
        "undefended": [{"policy": m.policy, "at": f"{m.file}:{m.line}", "sentence": m.sentence} for m in survivors],
    }


def _lines(mutants: "Sequence[engine.Mutant]", survivors: "Sequence[engine.Mutant]", share: float) -> Iterator[str]:
    for file, group in groupby(survivors, key=lambda mutant: mutant.file):
        yield f"{file}: no test defends"
        yield from (f"  {mutant.line}: {mutant.sentence}" for mutant in group)
        yield ""
    made = Counter(mutant.policy for mutant in mutants)
    left = Counter(mutant.policy for mutant in survivors)
    for policy in sorted(made):
        yield f"{policy}: {made[policy] - left[policy]:,} of {made[policy]:,}"
    yield f"{len(mutants) - len(survivors):,} of {count(len(mutants), 'change')} are noticed, {share:.1f} %"
