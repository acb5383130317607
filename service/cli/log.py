"""
The commands `fifthfactor log …`, and `replay`, which read a decision log while the service runs; `log erase` writes to it.

As in `cli.py`, what a command needs is imported inside it. Exit codes: 0 done, 1 a finding (a fault in the log, a replay that differs,
a decision that is not there), 2 used wrongly.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(
    help="Read the decision log: follow it, search it, show, export and verify what is in it.", no_args_is_help=True
)

Database = Annotated[
    str,
    typer.Option(envvar="FIFTHFACTOR_DATABASE", help="File of the decision log, or postgresql://…", show_envvar=True),
]
Many = list[str] | None
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Ids = Annotated[list[str], typer.Argument(help="Ids of decisions.")]

Since = Annotated[str | None, typer.Option(help="First day, like 2026-11-24, or moment, like 2026-11-24T09:30:00Z; UTC.")]
Until = Annotated[str | None, typer.Option(help="Last day, whole, or the first moment after.")]
Outcomes = Annotated[Many, typer.Option("--outcome", help="Outcome, like review. As all below: given again, any of them.")]
Proceed = Annotated[bool | None, typer.Option("--proceed/--no-proceed", help="Only what may proceed, or only what may not.")]
Jurisdictions = Annotated[Many, typer.Option("--jurisdiction", help="Jurisdiction whose law weighs, like CN.")]
Provisions = Annotated[Many, typer.Option("--provision", help="Provision that stands, like cn.order-16/art-8.")]
Requirements = Annotated[Many, typer.Option("--requirement", help="Requirement asked for and not met.")]
Missing = Annotated[Many, typer.Option("--missing", help="Fact that was asked for.")]
Categories = Annotated[Many, typer.Option("--category", help="Category of the data, like health.")]
Exporters = Annotated[Many, typer.Option("--exporter", help="The exporter's id.")]
Recipients = Annotated[Many, typer.Option("--recipient", help="The recipient's id.")]
ExporterCountries = Annotated[Many, typer.Option("--exporter-country", help="The exporter's country.")]
RecipientCountries = Annotated[Many, typer.Option("--recipient-country", help="The recipient's country.")]
Callers = Annotated[Many, typer.Option("--caller", help="Id of who asked.")]
Bundles = Annotated[Many, typer.Option("--bundle", help="Source digest of the policies, or how it begins.")]

DEFAULT = "fifthfactor.db"


@app.command(epilog="Example: fifthfactor log tail -f --database decisions.db")
def tail(
    database: Database = DEFAULT,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, max=10_000, help="How many to print.")] = 10,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on printing what is recorded, until interrupted.")] = False,
    as_json: AsJson = False,
) -> None:
    """
    Print the newest decisions, the newest last.
    """
    from service.cli import log_desk

    _run(lambda: log_desk.tail(database, lines, follow, as_json))


@app.command(epilog="Example: fifthfactor log search --outcome review --jurisdiction CN --since 2026-11-01")
def search(
    database: Database = DEFAULT,
    since: Since = None,
    until: Until = None,
    outcome: Outcomes = None,
    proceed: Proceed = None,
    jurisdiction: Jurisdictions = None,
    provision: Provisions = None,
    requirement: Requirements = None,
    missing: Missing = None,
    category: Categories = None,
    exporter: Exporters = None,
    recipient: Recipients = None,
    exporter_country: ExporterCountries = None,
    recipient_country: RecipientCountries = None,
    caller: Callers = None,
    bundle: Bundles = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1_000_000, help="Most decisions to print.")] = 50,
    as_json: AsJson = False,
) -> None:
    """
    Search the decisions, newest first. All that is asked for has to be met; of one option given several times, any.
    """
    from service.cli import log_desk

    sent = _sent(locals())
    _run(lambda: log_desk.search(database, sent, limit, as_json))


@app.command(epilog="Example: fifthfactor log show 019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071")
def show(
    id: Annotated[str, typer.Argument(help="Id of a decision.")],
    database: Database = DEFAULT,
    as_json: AsJson = False,
    lang: Annotated[str, typer.Option(help="Language of what is said around: en, or zh for Chinese.")] = "en",
) -> None:
    """
    Tell one decision as it was recorded, provision by provision.
    """
    from service.cli import log_desk

    _run(lambda: log_desk.show(database, id, as_json, lang))


@app.command(epilog="Example: fifthfactor log export --since 2026-11-01 --format csv --output november.csv")
def export(
    database: Database = DEFAULT,
    form: Annotated[str, typer.Option("--format", help="How to write: csv, or jsonl for JSON lines.")] = "csv",
    whole: Annotated[bool, typer.Option("--whole", help="Whole records with their proofs' openings, as JSON lines.")] = False,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write. [standard output]")] = None,
    since: Since = None,
    until: Until = None,
    outcome: Outcomes = None,
    proceed: Proceed = None,
    jurisdiction: Jurisdictions = None,
    provision: Provisions = None,
    requirement: Requirements = None,
    missing: Missing = None,
    category: Categories = None,
    exporter: Exporters = None,
    recipient: Recipients = None,
    exporter_country: ExporterCountries = None,
    recipient_country: RecipientCountries = None,
    caller: Callers = None,
    bundle: Bundles = None,
) -> None:
    """
    Write what a search finds, all of it, newest first. Personal values that were not erased are in it.

    In CSV a text that a spreadsheet would take for a formula begins with an apostrophe.
    """
    from service.cli import log_desk

    sent = _sent(locals())
    _run(lambda: log_desk.export(database, sent, form, whole, output))


@app.command(epilog="Example: fifthfactor log verify --database decisions.db")
def verify(database: Database = DEFAULT, as_json: AsJson = False) -> None:
    """
    Check every record: its bytes, its hash, its commitments, its number, and that the index has it.

    Ends with 1 where there is a fault.
    """
    from service.cli import log_desk

    _run(lambda: log_desk.verify(database, as_json))


@app.command(epilog="Example: fifthfactor log erase 019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071")
def erase(ids: Ids, database: Database = DEFAULT) -> None:
    """
    Erase the personal values of decisions for good; the service may run. Their records stay, and what was proved with them.

    Backups hold the values still. Ends with 1 where a decision is not there.
    """
    from service.cli import log_desk

    _run(lambda: log_desk.erase(database, ids))


@app.command(epilog="Example: fifthfactor log reindex --database decisions.db")
def reindex(database: Database = DEFAULT) -> None:
    """
    Take records of before there was an index into it, some at a time; the service may run.
    """
    from service.cli import log_desk

    _run(lambda: log_desk.reindex(database))


def replay(
    ids: Ids,
    database: Database = DEFAULT,
    policies: Annotated[Path | None, typer.Option(help="The policies that decided. [those the database keeps]")] = None,
    as_json: AsJson = False,
) -> None:
    """
    Decide again what was decided, on its day and by its policies, and compare: the same engine must give the same bytes.

    Ends with 1 where a decision differs or is not there.
    """
    from service.cli import log_desk

    _run(lambda: log_desk.replays(database, ids, policies, as_json))


def _sent(options: dict[str, Any]) -> dict[str, Any]:
    """The options that say what is searched for."""
    return {name: options[name] for name in _SEARCHED if options[name] is not None}


_SEARCHED = (
    "since",
    "until",
    "outcome",
    "proceed",
    "jurisdiction",
    "provision",
    "requirement",
    "missing",
    "category",
    "exporter",
    "recipient",
    "exporter_country",
    "recipient_country",
    "caller",
    "bundle",
)


def _run(command: Callable[[], int]) -> None:
    from service.cli.commands import UsedWrongly
    from service.store.database import DatabaseRefused

    try:
        code = command()
    except (UsedWrongly, DatabaseRefused) as wrong:
        print(f"error: {wrong}", file=sys.stderr)
        code = 2
    except KeyboardInterrupt:
        code = 130
    raise typer.Exit(code)
