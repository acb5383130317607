"""
`fifthfactor test`: runs the tests of the policies (`test_run`). With `--mutate`, changes the law and lists the changes that no test
notices; with `--lies`, changes the statements of exchanges (`engine.authoring.false_statements`).

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

from service.cli.command import AsJson, Commands, Paths, UsedWrongly
from service.cli.lies import lies as tell_lies
from service.cli.output import complain, count, print_json, progress
from service.cli.stopping import BEGINS_ANEW, stoppable
from service.cli.test_run import TestOptions, run_named, run_tests, split, watch_tests

if TYPE_CHECKING:
    import engine

Change: TypeAlias = "engine.Mutant | engine.CellMutant"
CHUNK = 4  # changes that a process tries at a time

app = Commands()


@app.add(
    "test policies --only order-16",
    "test 'policies/cn/order-13.test.yaml::Without a contract the export waits'",
    "test policies --only order-13 --why 'without a contract'",
    "test policies --only order-13 --coverage",
    "test policies --junit tests.xml --cobertura coverage.xml",
    "test policies --only order-16 --watch",
    "test policies --failed",
    "test policies --lies --seconds 600 --seed 7",
    "test --lies --all --json",
)
def test(
    paths: Paths = None,
    only: Annotated[
        str, typer.Option(help="Run only the test files whose name contains this; with --mutate, change only such policies.")
    ] = "",
    why: Annotated[
        str | None,
        typer.Option(
            metavar="CASE",
            help="Run this case, and show every condition on which it turns: FILE::CASE, or part of its sentence.",
        ),
    ] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Run only what failed last; all, where nothing did.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Run, and again the tests of what changes. [until Ctrl-C]")] = False,
    coverage: Annotated[
        bool, typer.Option("--coverage", help="Show which provisions, conditions and outcomes no test of their policy reaches.")
    ] = False,
    cobertura: Annotated[Path | None, typer.Option(help="Write what is reached to this file, as Cobertura XML.")] = None,
    junit: Annotated[Path | None, typer.Option(help="Write how each case came out to this file, as JUnit XML.")] = None,
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
    Run the tests of the policies. PATHS may name cases too, like FILE::CASE: those alone are run then.

    Ends with 0 where all pass, with 1 where one fails. A case that fails says on which conditions it turns: how each reads, where it stands
    and what the exchange says. --why says so of any case, and tells them all. What failed last is kept in the folder for caches of your
    account.

    --mutate denies and drops each condition, moves each threshold by one and each
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
    folders, named = split(paths or [])
    if lies:
        return tell_lies(folders, only, seconds, every, seed, as_json)
    if mutate:
        return _mutate(folders, only, at_least, as_json)
    if named or why is not None:
        return run_named(folders, [*named, *([] if why is None else [why])], only, why is not None, as_json)
    options = TestOptions(folders, only, failed, coverage, junit, cobertura, as_json)
    return watch_tests(options) if watch else run_tests(options)


# --- changing the law ------------------------------------------------------------------------------------------------


def _mutate(paths: Sequence[Path], only: str, at_least: float, as_json: bool) -> int:
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

    court = engine.MutationTester(bundle, mutants)
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
