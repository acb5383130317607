"""
`fifthfactor test`: runs the tests of the policies. With `--mutate`, changes the law and lists the changes that no test notices; with
`--lies`, changes the statements of exchanges (`engine.authoring.false_statements`).

A mutant is the law with one thing changed. The report lists, in file order, the sentences that no test defends, and names the lifts among
them that a change widens. It ends with the share of the changes that a test notices.
"""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain, groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from service.cli.case_report import failure_lines, result_document
from service.cli.command import AsJson, Commands, Paths, UsedWrongly
from service.cli.lies import lies as tell_lies
from service.cli.output import complain, count, print_json, progress
from service.cli.stopping import BEGINS_ANEW, stoppable

if TYPE_CHECKING:
    import engine

Change: TypeAlias = "engine.Mutant | engine.CellMutant"
CHUNK = 4  # changes that a process tries at a time

app = Commands()


@app.add("test policies --only order-16", "test policies --lies --seconds 600 --seed 7", "test --lies --all --json")
def test(
    paths: Paths = None,
    only: Annotated[
        str, typer.Option(help="Run only the test files whose name contains this; with --mutate, change only such policies.")
    ] = "",
    mutate: Annotated[
        bool, typer.Option("--mutate", help="Change the law one thing at a time, and list the changes that no test notices.")
    ] = False,
    at_least: Annotated[
        float, typer.Option(help="With --mutate: how many per cent of the changes the tests must notice.")
    ] = 95.0,
    lies: Annotated[
        bool,
        typer.Option("--lies", help="Change one statement of each refused case, and look for permits that do not name it."),
    ] = False,
    seconds: Annotated[float, typer.Option(help="With --lies: for how long to try some, chosen at random.")] = 60.0,
    every: Annotated[bool, typer.Option("--all", help="With --lies: try every one.")] = False,
    seed: Annotated[int, typer.Option(help="With --lies: another number chooses others.")] = 0,
    as_json: AsJson = False,
) -> int:
    """
    Run the tests of the policies.

    Ends with 0 where all pass, with 1 where one fails. --mutate denies and drops each condition, moves each threshold by one and each
    date and last day by a day, and drops each exemption. Of what each jurisdiction covers it frees what was not read, and takes back
    what is free. It lists the changes that no test notices, and ends with 1 where there are too many, or where one of them widens a lift
    or what is covered.

    --lies takes each case that is not permitted, and changes one statement at a time to every value that the rules tell apart, leaves
    it out, or adds a document or claim; and two at once, at random. A permit that comes of this has to name the changed statement among
    those it rests on, of two each that the other needs; where it does not, the lie is silent, and the command ends with 1. To leave out
    a document, a claim or the way relied on is no statement. A claim or document that counts for nothing, or an id in another spelling,
    may make nothing milder. Of each case that is permitted it says what damns it, and counts the permits that stay.
    """
    if lies and mutate:
        raise UsedWrongly("use --mutate or --lies, not both")
    if lies:
        return tell_lies(paths or [], only, seconds, every, seed, as_json)
    return _mutate(paths or [], only, at_least, as_json) if mutate else _run(paths or [], only, as_json)


def _run(paths: list[Path], only: str, as_json: bool) -> int:
    """Run the authors' tests. The last line is `N passed, N failed`. Raises UsedWrongly."""
    import engine
    from service.cli.files import load_or_stop
    from service.cli.processes import in_processes

    bundle = load_or_stop(paths)
    began = time.monotonic()
    results: list[engine.Result] = []
    files = [file for file, _ in bundle.tests if only in file]
    done = 0
    with stoppable() as stopping:
        for of_file in stopping.until(in_processes(partial(_results, bundle, engine.PDP(bundle)), files)):
            done += 1
            for result in of_file:
                results.append(result)
                if as_json:
                    continue
                progress("" if result.problems else count(len(results), "case"))
                if result.problems:
                    print("\n".join(failure_lines(result)))
    progress("")
    failed = sum(1 for result in results if result.problems)
    if as_json:
        print_json([result_document(each) for each in results])
    elif not results and not stopping.number:
        raise UsedWrongly(
            f"no test file has `{only}` in its name" if only else "there are no test files; a test file begins with `test:`"
        )
    else:
        print(f"{time.monotonic() - began:.1f} s")
        print(f"{len(results) - failed} passed, {failed} failed")
    if done < len(files):
        return stopping.told(
            f"after {done:,} of {count(len(files), 'test file')}", f"{BEGINS_ANEW}; `--only NAME` runs some files"
        )
    return int(failed > 0)


def _results(bundle: "engine.Bundle", pdp: "engine.PDP", file: str) -> "list[engine.Result]":
    import engine

    return list(engine.run(bundle, file, pdp))


# --- changing the law ------------------------------------------------------------------------------------------------


def _mutate(paths: list[Path], only: str, at_least: float, as_json: bool) -> int:
    """Try every mutant; 1 where the tests notice less than `at_least` per cent, or miss a wider lift. Raises UsedWrongly."""
    import engine
    from service.cli.files import load_or_stop
    from service.cli.processes import in_processes

    began = time.monotonic()
    bundle = load_or_stop(paths)
    laws, cells = list(engine.mutants(bundle, only)), list(engine.cell_mutants(bundle, only))
    mutants: list[Change] = [*laws, *cells]
    if not mutants:
        raise UsedWrongly(f"no file of policies has `{only}` in its name" if only else "there is no policy to change")
    noticed: list[bool] = []
    try:
        court = _in_session(bundle, laws)
        seen = in_processes(partial(_noticed, court, laws), range(len(laws)), CHUNK)
        if cells:
            seen = chain(
                seen, in_processes(partial(_cell_noticed, engine.CellMutationTester(bundle), cells), range(len(cells)), CHUNK)
            )
        with stoppable() as stopping:
            for number, each in enumerate(stopping.until(seen), 1):
                noticed.append(each)
                progress(f"{number:,} of {len(mutants):,} changes")
    except ValueError as failing:
        raise UsedWrongly(f"the tests have to pass first (`fifthfactor test`): {failing}") from None
    finally:
        progress("")
    every, mutants = len(mutants), mutants[: len(noticed)]
    survivors = [mutant for mutant, seen in zip(mutants, noticed, strict=True) if not seen]
    share = 100 * (1 - len(survivors) / max(1, len(mutants)))
    if as_json:
        print_json(_report(mutants, survivors, share))
    else:
        print("\n".join(_lines(mutants, survivors, share)))
        complain(f"{time.monotonic() - began:.0f} s")
    if len(noticed) < every:
        has = f"after {len(noticed):,} of {count(every, 'change')}, of which this is the report"
        return stopping.told(has, f"{BEGINS_ANEW}; `--only NAME` changes some files")
    return int(share < at_least or any(mutant.widens for mutant in survivors))


def _in_session(bundle: "engine.Bundle", mutants: "Sequence[engine.Mutant]") -> "engine.MutationTester":
    """A court for these mutants, after all its own cases pass. Raises ValueError where one fails."""
    import engine
    from service.cli.processes import in_processes

    court = engine.MutationTester(bundle, {mutant.policy for mutant in mutants})
    for number, problem in enumerate(in_processes(partial(_problem, court), range(len(court.own)), CHUNK), 1):
        if problem:
            raise ValueError(problem)
        progress(f"{number:,} of {count(len(court.own), 'case')} pass")
    return court


def _problem(court: "engine.MutationTester", number: int) -> str:
    return court.problem(court.own[number])


def _noticed(court: "engine.MutationTester", mutants: "Sequence[engine.Mutant]", number: int) -> bool:
    return court.notices(mutants[number])


def _cell_noticed(court: "engine.CellMutationTester", cells: "Sequence[engine.CellMutant]", number: int) -> bool:
    return court.notices(cells[number])


def _report(mutants: "Sequence[Change]", survivors: "Sequence[Change]", share: float) -> dict[str, object]:
    return {
        "changes": len(mutants),
        "noticed": len(mutants) - len(survivors),
        "per_cent": round(share, 2),
        "undefended": [
            {"policy": m.policy, "at": f"{m.file}:{m.line}", "sentence": m.sentence, "widens": m.widens} for m in survivors
        ],
    }


def _lines(mutants: "Sequence[Change]", survivors: "Sequence[Change]", share: float) -> Iterator[str]:
    for file, group in groupby(survivors, key=lambda mutant: mutant.file):
        yield f"{file}: no test defends"
        yield from (f"  {mutant.line}: {mutant.sentence}" for mutant in group)
        yield ""
    if wider := [mutant for mutant in survivors if mutant.widens]:
        yield f"{count(len(wider), 'sentence')} could lift more and no test would notice, which fails whatever the share:"
        yield from (f"  {mutant.file}:{mutant.line}: {mutant.sentence}" for mutant in wider)
        yield ""
    made = Counter(mutant.policy for mutant in mutants)
    left = Counter(mutant.policy for mutant in survivors)
    for policy in sorted(made):
        yield f"{policy}: {made[policy] - left[policy]:,} of {made[policy]:,}"
    yield f"{len(mutants) - len(survivors):,} of {count(len(mutants), 'change')} are noticed, {share:.1f} %"
