"""
`fifthfactor test`: runs the tests of the policies (`test_run`). With `--mutate`, changes the law and lists the changes that no test
notices (`mutation`); with `--lies`, changes the statements of exchanges (`lies`).
"""

from pathlib import Path
from typing import Annotated

import typer

from service.cli.command import AsJson, Commands, Paths, UsedWrongly
from service.cli.lies import lies as tell_lies
from service.cli.mutation import change_law
from service.cli.test_run import TestOptions, run_named, run_tests, split, watch_tests

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
    every: Annotated[bool, typer.Option("--all", help="With --lies: try every one. With --mutate: list every change.")] = False,
    seed: Annotated[int, typer.Option(help="With --lies: another number chooses others.")] = 0,
    as_json: AsJson = False,
) -> int:
    """
    Run the tests of the policies. PATHS may name cases too, like FILE::CASE: those alone are run then.

    Ends with 0 where all pass, with 1 where one fails. A case that fails says on which conditions it turns: how each reads, where it stands
    and what the exchange says. --why says so of any case, and tells them all. What failed last is kept in the folder for caches of your
    account.

    --mutate denies and drops each condition, moves each threshold by one and each date and last day by a day, drops each exemption, and
    takes entries out of registers. Of what each jurisdiction covers it frees what was not read, and takes back what is free. It lists the
    changes that no test notices, the worst provision first, and ends with 1 where there are too many, or where one of them widens a lift or
    what is covered. With the extra `analyse`, what no exchange tells from the law does not count, and every other one comes with a test.

    --lies takes each case that is not permitted, and changes one statement at a time to every value that the rules tell apart, leaves
    it out, or adds a document or claim; and two at once, at random. A permit that comes of this has to name the changed statement among
    those it rests on, of two each that the other needs; where it does not, the lie is silent, and the command ends with 1. To leave out
    a document, a claim or the way relied on is no statement. A claim or document that counts for nothing, or an id in another spelling,
    may make nothing milder. Of each case that is permitted it says what damns it, and counts the permits that stay. Of a
    silent lie, and of what damns and stays, it proposes a case in YAML, to be pasted.
    """
    if lies and mutate:
        raise UsedWrongly("use --mutate or --lies, not both")
    folders, named = split(paths or [])
    if lies:
        return tell_lies(folders, only, seconds, every, seed, as_json)
    if mutate:
        return change_law(folders, only, at_least, every, as_json)
    if named or why is not None:
        if failed or watch or coverage or cobertura or junit:
            raise UsedWrongly(
                "a case that is named runs by itself: leave out --failed, --watch, --coverage, --cobertura and --junit"
            )
        return run_named(folders, [*named, *([] if why is None else [why])], only, why is not None, as_json)
    options = TestOptions(folders, only, failed, coverage, junit, cobertura, as_json)
    return watch_tests(options) if watch else run_tests(options)
