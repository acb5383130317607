"""
The command line, `fifthfactor`: all commands and groups. `service.cli.command` says how a command ends.
"""

import atexit
import gc
import warnings
from typing import Annotated

import typer

from service.cli import (
    accounts,
    analyse,
    ask,
    bundle,
    calendars,
    check,
    compile,
    compliance_document,
    database,
    decide,
    diff,
    docs,
    doctor,
    document,
    dpv,
    evaluate,
    events,
    explain,
    exposure,
    facts,
    fmt,
    impact,
    inventory,
    keys,
    lint,
    log,
    lsp,
    mapping,
    mcp,
    new,
    odrl,
    persons,
    plan,
    receipt,
    register,
    registers,
    replay,
    report,
    review,
    schema,
    serve,
    sessions,
    story,
    test,
    unattributed,
    watch,
    where,
)
from service.cli.command import Commands

app = Commands(
    help="Decides proposed cross-border data exchanges, and records every decision. Its answers are not legal advice."
)


def _print_version(asked: bool) -> None:
    if asked:
        import engine

        print(f"fifthfactor {engine.__version__}")
        raise typer.Exit


@app.callback()
def fifthfactor(
    version: Annotated[
        bool, typer.Option("--version", "-V", help="Print the version.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """The options before the name of a command."""


for each in (
    *(check, lint, analyse, docs, schema, fmt, test, lsp),
    *(evaluate, decide, where, explain, ask, facts, plan, diff, impact, compile),
    *(serve, story, replay, watch, exposure, accounts, unattributed),
    *(calendars, registers, inventory),
    doctor,
    mcp,
):
    app.add_typer(each.app)
for name, group in (
    ("new", new),
    ("bundle", bundle),
    ("log", log),
    ("receipt", receipt),
    ("report", report),
    ("review", review),
    ("document", document),
    ("events", events),
    ("compliance-document", compliance_document),
    ("dpv", dpv),
    ("database", database),
    ("keys", keys),
    ("persons", persons),
    ("sessions", sessions),
    ("register", register),
    ("mapping", mapping),
    ("odrl", odrl),
):
    app.add_typer(group.app, name=name)


def main() -> None:
    """The entry point."""
    # Without this, Python searches everything that was imported and loaded for cycles once more at the end, which takes a quarter of
    # the time of a short command.
    atexit.register(gc.freeze)
    warnings.formatwarning = lambda message, *_place, **_line: f"warning: {message}\n"
    app()
