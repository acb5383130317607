"""
The command line, `fifthfactor`.

Exit codes: 0 done (holds, or proceed), 1 a finding (policies that do not hold, an exchange that may not proceed), 2 used
wrongly (an option, a setting, a port or database
in use). What a command needs is imported inside it, so that `--help` stays fast.
"""

import atexit
import gc
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from service.cli import bundle, log, review
from service.cli.database import app as database_commands
from service.cli.keys import keys
from service.cli.register import register

USUAL_THRESHOLD = gc.get_threshold()

app = typer.Typer(
    help="Decides proposed cross-border data exchanges, and records every decision. Its answers are not legal advice.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(bundle.app, name="bundle")
app.add_typer(log.app, name="log")
app.command(epilog="Example: fifthfactor replay 019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071")(log.replay)
app.add_typer(review.app, name="review")


Policies = Annotated[list[Path] | None, typer.Argument(help="Folders or files of policies. [the bundled ones]")]
UnderPolicies = Annotated[list[Path] | None, typer.Option("--policies", help="Folder of policies. [the bundled ones]")]
AsOf = Annotated[str | None, typer.Option(help="Day whose law counts, like 2024-03-22. [the exchange's, or today]")]
Mode = Annotated[str, typer.Option(help="Which engines decide: checked, bitset, durable or reference.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Lang = Annotated[str, typer.Option(help="Language of the sentences: en, or zh for Chinese.")]
File = Annotated[Path, typer.Argument(help="JSON file of an exchange; - reads standard input.")]


@app.command(epilog="Example: fifthfactor check policies")
def check(
    paths: Policies = None,
    form: Annotated[str, typer.Option("--format", help="How to print: text, json, or sarif for code review.")] = "text",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON; short for --format json.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="A warning is a finding too.")] = False,
) -> None:
    """
    Check policies: every finding of every file, at its line.

    Ends with 0 where they hold, with 1 where there is a finding.
    """
    from service.cli import commands

    _run(lambda: commands.check(paths or [], "json" if as_json else form, strict))


@app.command(epilog="Example: fifthfactor lint policies --without lift-from-memory")
def lint(
    paths: Policies = None,
    form: Annotated[str, typer.Option("--format", help="How to print: text, json, or sarif for code review.")] = "text",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON; short for --format json.")] = False,
    as_of: Annotated[str | None, typer.Option(help="The day on which sources are to have been read. [today]")] = None,
    without: Annotated[list[str] | None, typer.Option(help="Leave out the findings of a code; may be given again.")] = None,
) -> None:
    """
    Tell what holds and yet is not as it should be.

    Facts and words nobody uses, provisions no test shows, sources to be read again, what lifts only from memory, titles missing in a
    language. Ends with 0 where there is nothing, with 1 where there is a finding.
    """
    from service.cli import commands

    _run(lambda: commands.lint(paths or [], "json" if as_json else form, as_of, without or []))


@app.command(epilog="Example: fifthfactor docs cn.order-16 --format html > order-16.html")
def docs(
    names: Annotated[list[str] | None, typer.Argument(help="Policies by their id. [all]")] = None,
    policies: Annotated[list[Path] | None, typer.Option(help="Folders or files of policies. [the bundled ones]")] = None,
    form: Annotated[str, typer.Option("--format", help="How to print: markdown or html.")] = "markdown",
    lang: Lang = "en",
    write: Annotated[Path | None, typer.Option(help="A folder to write one file an instrument and an index into.")] = None,
) -> None:
    """
    Print an instrument, or all, as a brief: provisions, conditions in sentences, exemptions, duties, sources, marks.
    """
    from service.cli.docs import docs as write_docs

    _run(lambda: write_docs(policies or [], names or [], form, lang, write))


@app.command(epilog="Example: fifthfactor schema --write policies/.schemas")
def schema(
    kind: Annotated[str, typer.Argument(help="Which one to print: policy, test, vocabulary or exchange.")] = "",
    write: Annotated[Path | None, typer.Option(help="Write all of them into this folder.")] = None,
    policies: UnderPolicies = None,
) -> None:
    """
    Print or write the JSON Schemas of the documents, for editors: with the facts, values and names of the policies.
    """
    from service.cli.schema import schema as print_or_write

    _run(lambda: print_or_write(kind, write, policies or []))


@app.command(epilog="Example: fifthfactor fmt policies --check")
def fmt(
    paths: Annotated[list[Path] | None, typer.Argument(help="Folders or files to lay out. [the bundled policies]")] = None,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; end with 1 where a file would change.")] = False,
    diff: Annotated[bool, typer.Option("--diff", help="Write nothing; print what would change.")] = False,
) -> None:
    """
    Lay out policies, tests and vocabulary in the one way; what they say and their comments stay as they are.

    Ends with 0 where it is done, with 1 where `--check` finds a change or a file cannot be laid out.
    """
    from service.cli import fmt

    _run(lambda: fmt.fmt(paths or [], check, diff))


@app.command(epilog="Example: fifthfactor test policies --only order-16")
def test(
    paths: Policies = None,
    only: Annotated[
        str, typer.Option(help="Run the test files, or change the policies, whose file's name contains this.")
    ] = "",
    mutate: Annotated[
        bool, typer.Option("--mutate", help="Change the law one thing at a time: what does no test notice?")
    ] = False,
    at_least: Annotated[float, typer.Option(help="With --mutate: per cent of the changes that a test must notice.")] = 95.0,
    as_json: AsJson = False,
) -> None:
    """
    Run the tests that stand beside the policies.

    Ends with 0 where all pass, with 1 where one fails. With --mutate each condition is denied and dropped, each threshold moved by
    one, each date and last day by a day, and each exemption dropped; what no test notices is listed, and too much of it ends with 1.
    """
    from service.cli import commands
    from service.cli.mutate import mutate as try_mutants

    _run(lambda: try_mutants(paths or [], only, at_least, as_json) if mutate else commands.test(paths or [], only, as_json))


@app.command(epilog="Example: fifthfactor evaluate exchange.json --as-of 2024-03-22")
def evaluate(
    file: File,
    policies: UnderPolicies = None,
    as_of: AsOf = None,
    mode: Mode = "checked",
    as_json: AsJson = False,
    lang: Lang = "en",
) -> None:
    """
    Decide one exchange, without recording it.

    Ends with 0 where it may proceed, with 1 where it may not, with 2 where the exchange cannot be read.
    """
    from service.cli import commands

    _run(lambda: commands.evaluate(file, policies or [], as_of, mode, as_json, lang))


@app.command(epilog="Example: fifthfactor explain exchange.json --lang zh")
def explain(
    file: File,
    policies: UnderPolicies = None,
    as_of: AsOf = None,
    mode: Mode = "checked",
    as_json: AsJson = False,
    lang: Lang = "en",
) -> None:
    """
    Decide one exchange and tell why, provision by provision, without recording it.

    Ends as `evaluate` does.
    """
    from service.cli import commands

    _run(lambda: commands.explain(file, policies or [], as_of, mode, as_json, lang))


@app.command(epilog="Example: fifthfactor plan plan.json")
def plan(
    file: Annotated[Path, typer.Argument(help='JSON of a plan: {"legs": [{"exchange": …}, …]}; - reads standard input.')],
    policies: UnderPolicies = None,
    as_of: AsOf = None,
    mode: Mode = "checked",
    as_json: AsJson = False,
) -> None:
    """
    Decide several exchanges in order, with the conditions that travel from leg to leg, without recording them.

    Ends with 0 where every leg may proceed, with 1 where one may not, with 2 where the plan cannot be read.
    """
    from service.cli import commands

    _run(lambda: commands.plan(file, policies or [], as_of, mode, as_json))


@app.command(epilog="Example: fifthfactor diff HEAD~1 policies --fail-on permits-more")
def diff(
    old: Annotated[str, typer.Argument(help="What stands: a folder, a git revision (REV or REV:path), or a bundle's digest.")],
    new: Annotated[str, typer.Argument(help="What would take its place, named in the same way.")],
    policies: Annotated[
        Path | None,
        typer.Option(help="Where the policies lie, for a revision or digest. [the side that is a folder, or the bundled ones]"),
    ] = None,
    exchanges: Annotated[
        list[Path] | None, typer.Option(help="Real exchanges: a folder, a JSON file, or a file of JSON lines. May be repeated.")
    ] = None,
    log: Annotated[str | None, typer.Option(help="Database of a decision log, whose requests are decided again.")] = None,
    only: Annotated[str, typer.Option(help="Try the test files whose name contains this.")] = "",
    as_of: Annotated[str | None, typer.Option(help="Day for exchanges that name none. [today]")] = None,
    mode: Mode = "checked",
    examples: Annotated[int, typer.Option(min=0, help="Examples to show; each kind of move shows at least one.")] = 20,
    fail_on: Annotated[
        str | None, typer.Option(help="End with 1 on: permits-more, permits-less, any-outcome or any-change.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """
    Tell what would change if NEW took the place of OLD: rules, and every outcome that moves. As Markdown, for a review.

    Ends with 0, or with 1 where `--fail-on` finds what it names. `permits-more` is an exchange that may proceed, or whose bounds
    reach down to a permit, and did not before.
    """
    from service.cli import diff

    paths = tuple(exchanges or ())
    request = diff.Request(old, new, policies, paths, log, only, as_of, mode, examples, fail_on, as_json)
    _run(lambda: diff.diff(request))


@app.command("compile", epilog="Example: fifthfactor compile policies --to durable")
def compile_(
    paths: Policies = None,
    to: Annotated[str, typer.Option(help="What to compile to: durable.")] = "durable",
    as_json: Annotated[bool, typer.Option("--json", help="Print the bare JSON that durable-rules is given.")] = False,
) -> None:
    """
    Print the rulesets that policies become for durable-rules, with what each rule derives and what its tests ask.
    """
    from service.cli import commands

    _run(lambda: commands.compile_(paths or [], to, as_json))


@app.command(epilog="Example: fifthfactor serve --port 8080 --database decisions.db")
def serve(
    host: Annotated[
        str | None, typer.Option(help="Address to listen on; others than this machine's own need a key. (default: 127.0.0.1)")
    ] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one. (default: 8080)")] = None,
    policies: Annotated[Path | None, typer.Option(help="Folder of policies. (default: the bundled ones)")] = None,
    database: Annotated[
        str | None, typer.Option(help="File of the decision log, or postgresql://… (default: fifthfactor.db)")
    ] = None,
    mode: Annotated[str | None, typer.Option(help="Which engines decide. (default: checked)")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes that answer. (default: 1)")] = None,
    settings: Annotated[Path | None, typer.Option(help="TOML file of settings. (default: FIFTHFACTOR_SETTINGS)")] = None,
) -> None:
    """
    Answer over HTTP, and record every decision.

    Options win over the environment (FIFTHFACTOR_HOST, FIFTHFACTOR_PORT and so on), which wins over a file of settings. Log lines go
    to standard error.
    """
    from service.settings import SettingRefused, Settings

    try:
        chosen = Settings.from_environment(
            os.environ,
            settings=settings,
            host=host,
            port=port,
            policies=policies,
            database=database,
            mode=mode,
            workers=workers,
        )
    except SettingRefused as refused:
        _stop(f"error: {refused}", 2)
    from service.server.serve import CannotServe
    from service.server.serve import serve as serve_until_stopped

    gc.set_threshold(*USUAL_THRESHOLD)
    try:
        serve_until_stopped(chosen)
    except CannotServe as refused:
        _stop(str(refused), refused.status)


@app.command(epilog="Example: fifthfactor calendars --write policies/vocabulary/calendars.yaml")
def calendars(
    paths: Policies = None,
    write: Annotated[Path | None, typer.Option(help="Write the file; without this it is printed.")] = None,
) -> None:
    """
    Write the calendars of working days anew, from the package `holidays`.

    Every calendar of the policies that has a `library` gets the days that it says are known.
    """
    from service.cli.calendars import calendars as write_calendars

    _run(lambda: write_calendars(paths or [], write))


@app.command(epilog="Example: fifthfactor registers --write policies/vocabulary/registers.yaml")
def registers(
    paths: Policies = None,
    table: Annotated[Path | None, typer.Option(help="The table.", show_default="vocabulary/countries.csv")] = None,
    write: Annotated[Path | None, typer.Option(help="Write the file; without this it is printed.")] = None,
) -> None:
    """
    Write the registers of countries anew, from the table of countries.

    Every register that the table names gets the entries that stand there, with their days, scope and mark.
    """
    from service.cli.registers import registers as write_registers

    _run(lambda: write_registers(paths or [], table, write))


app.add_typer(database_commands, name="database")
app.add_typer(keys, name="keys")
app.add_typer(register, name="register")


def _run(command: Callable[[], int]) -> None:
    """Run a command and end with its exit code."""
    from engine import EngineUnavailable
    from service.cli.commands import UsedWrongly

    try:
        raise typer.Exit(command())
    except (UsedWrongly, EngineUnavailable) as wrong:
        _stop(f"error: {wrong}", 2)


def _stop(message: str, status: int) -> None:
    if message:
        print(message, file=sys.stderr)
    raise typer.Exit(status)


def main() -> None:
    """The entry point."""
    # What a command imports and loads stays until its end. Looking through it for cycles, and once more when all is over, is a third of
    # the time that a short command takes.
    gc.set_threshold(20_000, 10, 10)
    atexit.register(gc.freeze)
    app()
