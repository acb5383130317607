"""
The command line, `fifthfactor`.

Exit codes: 0 done (holds, or proceed), 1 a finding (policies that do not hold, an exchange that may not proceed), 2 used
wrongly (an option, a setting, a port or database
in use). What a command needs is imported inside it, so that `--help` stays fast.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="Decides proposed cross-border data exchanges, and records every decision. Its answers are not legal advice.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


Policies = Annotated[list[Path] | None, typer.Argument(help="Folders or files of policies. [the bundled ones]")]
UnderPolicies = Annotated[list[Path] | None, typer.Option("--policies", help="Folder of policies. [the bundled ones]")]
AsOf = Annotated[str | None, typer.Option(help="Day whose law counts, like 2024-03-22. [the exchange's, or today]")]
Mode = Annotated[str, typer.Option(help="Which engines decide: checked, reference or durable.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
File = Annotated[Path, typer.Argument(help="JSON file of an exchange; - reads standard input.")]


@app.command(epilog="Example: fifthfactor check policies")
def check(
    paths: Policies = None,
    as_json: AsJson = False,
    strict: Annotated[bool, typer.Option("--strict", help="A warning is a finding too.")] = False,
) -> None:
    """
    Check policies: every finding of every file, at its line.

    Ends with 0 where they hold, with 1 where there is a finding.
    """
    from service import commands

    _run(lambda: commands.check(paths or [], as_json, strict))


@app.command(epilog="Example: fifthfactor test policies --only order-16")
def test(
    paths: Policies = None,
    only: Annotated[str, typer.Option(help="Run the test files whose name contains this.")] = "",
    as_json: AsJson = False,
) -> None:
    """
    Run the tests that stand beside the policies.

    Ends with 0 where all pass, with 1 where one fails.
    """
    from service import commands

    _run(lambda: commands.test(paths or [], only, as_json))


@app.command(epilog="Example: fifthfactor evaluate exchange.json --as-of 2024-03-22")
def evaluate(
    file: File, policies: UnderPolicies = None, as_of: AsOf = None, mode: Mode = "checked", as_json: AsJson = False
) -> None:
    """
    Decide one exchange, without recording it.

    Ends with 0 where it may proceed, with 1 where it may not, with 2 where the exchange cannot be read.
    """
    from service import commands

    _run(lambda: commands.evaluate(file, policies or [], as_of, mode, as_json))


@app.command(epilog="Example: fifthfactor explain exchange.json")
def explain(
    file: File, policies: UnderPolicies = None, as_of: AsOf = None, mode: Mode = "checked", as_json: AsJson = False
) -> None:
    """
    Decide one exchange and tell why, provision by provision, without recording it.

    Ends as `evaluate` does.
    """
    from service import commands

    _run(lambda: commands.explain(file, policies or [], as_of, mode, as_json))


@app.command(epilog="Example: fifthfactor serve --port 8080 --database decisions.db")
def serve(
    host: Annotated[
        str | None, typer.Option(help="Address to listen on; only this machine's own. (default: 127.0.0.1)")
    ] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one. (default: 8080)")] = None,
    policies: Annotated[Path | None, typer.Option(help="Folder of policies. (default: the bundled ones)")] = None,
    database: Annotated[Path | None, typer.Option(help="File that holds the decision log. (default: fifthfactor.db)")] = None,
    mode: Annotated[str | None, typer.Option(help="Which engines decide. (default: checked)")] = None,
) -> None:
    """
    Answer over HTTP, and record every decision.

    Options win over the environment (FIFTHFACTOR_HOST, FIFTHFACTOR_PORT and so on). Log lines go to standard error.
    """
    from service.settings import SettingRefused, Settings

    try:
        settings = Settings.from_environment(os.environ, host=host, port=port, policies=policies, database=database, mode=mode)
    except SettingRefused as refused:
        _stop(f"error: {refused}", 2)
    from service.serve import CannotServe
    from service.serve import serve as serve_until_stopped

    try:
        serve_until_stopped(settings)
    except CannotServe as refused:
        _stop(str(refused), refused.status)


def _run(command: Callable[[], int]) -> None:
    """Run a command and end with its exit code."""
    from engine import EngineUnavailable
    from service.commands import UsedWrongly

    try:
        raise typer.Exit(command())
    except (UsedWrongly, EngineUnavailable) as wrong:
        _stop(f"error: {wrong}", 2)


def _stop(message: str, status: int) -> None:
    print(message, file=sys.stderr)
    raise typer.Exit(status)


def main() -> None:
    """The entry point."""
    app()


if __name__ == "__main__":
    main()
