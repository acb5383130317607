"""
The command `fifthfactor register`: parties, data assets and other entities imported, exported, listed and shown, straight on the
database.

For whoever runs the service. What is imported is checked by the policies, like what is sent to the service.
"""

import asyncio
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, TypeVar

import typer

if TYPE_CHECKING:
    import sqlalchemy as sa

    from service.register.stated_facts import Stating

register = typer.Typer(
    help="Import, export, list and show parties, data assets and other entities.", no_args_is_help=True, rich_markup_mode=None
)

Address = Annotated[
    str | None, typer.Option("--database", help="File of the decision log, or postgresql://… (default: fifthfactor.db)")
]
UnderPolicies = Annotated[list[Path] | None, typer.Option("--policies", help="Folder of policies. [the bundled ones]")]
Kind = Annotated[str | None, typer.Option(help="Only those of a kind: party, asset or another.")]
BY = "command-line"
SHOWN = 200  # of a list, characters a line

Result = TypeVar("Result")


@register.command("import", epilog="Example: fifthfactor register import parties.csv")
def import_(
    file: Annotated[Path, typer.Argument(help="File to take in, .csv or .json; all of it or nothing.")],
    policies: UnderPolicies = None,
    database: Address = None,
) -> None:
    """
    Take in a table or a JSON file, as `export` writes it. What it does not name stays as it is.

    Ends with 0 where all of it is taken in, with 1 where something in it is wrong: each place is told, and nothing is taken in.
    """
    from service.log.store import Store, now_text
    from service.register import entity_versions, import_export
    from service.register.entity import Wrong
    from service.store.database import DatabaseRefused
    from service.store.writer import NotRecorded

    form = file.suffix.removeprefix(".").lower()
    if form not in import_export.FORMATS:
        _stop(f"`{file.name}` is neither .csv nor .json")
    try:
        if file.stat().st_size > import_export.MOST_BYTES:
            _stop(f"`{file}` has more than {import_export.MOST_BYTES:,} bytes; take it in in parts")
        raw = file.read_bytes()
    except OSError as refused:
        _stop(f"`{file}` cannot be read: {refused.strerror}")
    try:
        entries = import_export.gathered(import_export.read(raw, form, _states(policies)))
        with Store.open(_address(database)) as store:
            written = asyncio.run(
                store.do(lambda transaction: entity_versions.write(transaction, store.database, entries, now_text(), BY))
            )
    except Wrong as wrong:
        for place in wrong.places:
            print(f"{file}{f':{place.pointer}' if place.pointer else ''}: {place.detail}", file=sys.stderr)
        raise typer.Exit(1) from None
    except (DatabaseRefused, NotRecorded) as refused:
        _stop(str(refused))
    new = sum(1 for version, is_new in written if is_new and version.version == 1)
    changed = sum(1 for version, is_new in written if is_new and version.version > 1)
    print(f"{new} new, {changed} changed, {len(written) - new - changed} as they were")


@register.command(epilog="Example: fifthfactor register export --format csv --kind party > parties.csv")
def export(
    form: Annotated[str, typer.Option("--format", help="How to write: json or csv.")] = "json",
    kind: Kind = None,
    policies: UnderPolicies = None,
    database: Address = None,
) -> None:
    """
    Print every entity that is held, in its newest version, so that it can be imported again.
    """
    from service.register import entity_versions, import_export

    if form not in import_export.FORMATS:
        _stop("`--format` is json or csv")
    versions = _read(database, lambda connection: list(entity_versions.everything(connection, kind)))
    text = import_export.to_csv(versions, _states(policies)) if form == "csv" else import_export.to_json(versions)
    sys.stdout.buffer.write(text.encode())
    sys.stdout.buffer.flush()


@register.command(epilog="Example: fifthfactor register show clinic-7 --history")
def show(
    id: Annotated[str, typer.Argument(help="Its id, or another it answers to.")],
    kind: Annotated[str, typer.Option(help="Its kind.")] = "party",
    history: Annotated[bool, typer.Option("--history", help="Every version, newest first.")] = False,
    database: Address = None,
) -> None:
    """
    Print what the register holds of one, as JSON. Ends with 1 where it holds nothing.
    """
    from service.register import entity_versions

    versions = _read(database, lambda connection: entity_versions.history(connection, kind, id))
    if not versions:
        print(f"the register has no {kind} `{id}`", file=sys.stderr)
        raise typer.Exit(1)
    told = [each.document() for each in versions]
    print(json.dumps(told if history else told[0], ensure_ascii=False, indent=2))


@register.command("list", epilog="Example: fifthfactor register list --kind asset --as-of 2026-01-01")
def list_(
    kind: Kind = None,
    as_of: Annotated[str | None, typer.Option(help="Those that may be named on a day, as they are said then.")] = None,
    database: Address = None,
) -> None:
    """
    List what is held, a line each: kind, id, version, the days it speaks for, and its facts.
    """
    from service.register import entity_versions

    if as_of is not None and not _is_day(as_of):
        _stop("`--as-of` is a day like 2024-03-22")
    for each in _read(database, lambda connection: list(entity_versions.everything(connection, kind, as_of))):
        days = f"{each.content.valid_from or '…'} to {each.content.valid_until or '…'}"
        facts = json.dumps(each.facts, ensure_ascii=False)
        print(f"{each.kind}  {each.id}  {each.version}  {days}  {facts}"[:SHOWN])


def _states(policies: list[Path] | None) -> "Stating":
    """What the policies let an entity state."""
    import engine
    from service.register.stated_facts import Stating

    try:
        return Stating(engine.load(policies or engine.bundled_policies()))
    except (OSError, engine.BundleRefused) as refused:
        _stop(f"the policies cannot be loaded: {refused}")


def _read(database: str | None, look_for: Callable[["sa.Connection"], Result]) -> Result:
    from service.store.database import DatabaseRefused
    from service.store.upgrade import look

    try:
        opened = look(_address(database))
    except DatabaseRefused as refused:
        _stop(str(refused))
    try:
        with opened.reading.connect() as connection:
            return look_for(connection)
    finally:
        opened.close()


def _address(database: str | None) -> str:
    from service.settings import SettingRefused, Settings

    try:
        return Settings.from_environment(os.environ, database=database).database
    except SettingRefused as refused:
        _stop(str(refused))


def _is_day(text: str) -> bool:
    from datetime import date

    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _stop(message: str) -> NoReturn:
    print(f"error: {message}", file=sys.stderr)
    raise typer.Exit(2)
