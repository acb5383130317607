"""
The command `fifthfactor keys`: API keys made, listed and revoked, straight on the database.

For whoever runs the service, who needs no key to make the first one. A key goes to standard output once and nowhere else; who did
what goes to standard error, as a line for the audit.
"""

import json
import os
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated, NoReturn, TypeVar

import typer

if TYPE_CHECKING:
    import sqlalchemy as sa

keys = typer.Typer(help="Make, list and revoke the keys that callers need.", no_args_is_help=True, rich_markup_mode=None)

Address = Annotated[
    str | None, typer.Option("--database", help="File of the decision log, or postgresql://… (default: fifthfactor.db)")
]
BY = "command-line"

Result = TypeVar("Result")


@keys.command(epilog="Example: fifthfactor keys create --name gateway --scope evaluate --scope commit")
def create(
    name: Annotated[str, typer.Option(help="What the key is for; people see it in the list.")],
    scope: Annotated[
        list[str], typer.Option(help="What it may do: evaluate, commit, read, review or administer; may be repeated.")
    ],
    expires: Annotated[str | None, typer.Option(help="Its last day, in UTC, like 2027-03-31. [it has none]")] = None,
    database: Address = None,
) -> None:
    """
    Make a key and print it, once: it cannot be told again.
    """
    from service.callers import keys as held
    from service.callers.caller import SCOPES

    if not name.isprintable() or not 1 <= len(name) <= held.MOST_CHARACTERS:
        _stop(f"`--name` must be 1 to {held.MOST_CHARACTERS} printable characters")
    if unknown := [each for each in scope if each not in SCOPES]:
        _stop(f"there is no scope `{unknown[0]}`; use {', '.join(SCOPES)}")
    last = _day(expires)
    key, told = _write(database, lambda transaction: held.create(transaction, name, scope, last, BY, datetime.now(UTC)))
    _audit("key-created", key.id, key.scopes)
    print(told)


@keys.command("list", epilog="Example: fifthfactor keys list --json")
def list_(database: Address = None, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """
    List all keys there ever were, with what they may do and whether they still may.
    """
    from service.callers.keys import listed
    from service.store.database import DatabaseRefused
    from service.store.upgrade import look

    try:
        opened = look(_address(database))
    except DatabaseRefused as refused:
        _stop(str(refused))
    with opened.reading.connect() as connection:
        found = listed(connection)
    opened.close()
    now = datetime.now(UTC)
    if as_json:
        print(json.dumps([{**key.shown(), "good": key.good(now)} for key in found], ensure_ascii=False))
        return
    for key in found:
        state = "revoked" if key.revoked_at else "good" if key.good(now) else "expired"
        until = f" until {key.expires_on}" if key.expires_on else ""
        print(f"{key.id}  {state}{until}  {','.join(key.scopes)}  {key.name}")


@keys.command(epilog="Example: fifthfactor keys revoke 3f9c02ab17de")
def revoke(
    id: Annotated[str, typer.Argument(help="The id of the key: the part of it after `ff_`, as the list shows it.")],
    database: Address = None,
) -> None:
    """
    Revoke a key for good. Every process that is running refuses it five seconds later.
    """
    from service.callers import keys as held

    key = _write(database, lambda transaction: held.revoke(transaction, id, BY, datetime.now(UTC)))
    if key is None:
        _stop("there is no key of this id; `fifthfactor keys list` has them all", 1)
    _audit("key-revoked", key.id, key.scopes)


def _address(given: str | None) -> str:
    from service.settings import SettingRefused, Settings

    try:
        return Settings.from_environment(os.environ, database=given).database
    except SettingRefused as refused:
        _stop(str(refused))


def _write(given: str | None, work: "Callable[[sa.Connection], Result]") -> Result:
    """Do work in a writing transaction of a process that has no writer."""
    import sqlalchemy as sa

    from service.store.database import Database, DatabaseRefused, plain
    from service.store.upgrade import upgrade

    try:
        database = Database.open(_address(given))
        try:
            upgrade(database)
            with database.writing.connect() as connection, connection.begin():
                database.lock(connection)
                return work(connection)
        finally:
            database.close()
    except DatabaseRefused as refused:
        _stop(str(refused))
    except (OSError, sa.exc.SQLAlchemyError) as failed:
        _stop(f"the database cannot be written: {plain(failed)}")


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        _stop(f"`--expires` must be a day like 2027-03-31, not `{text}`")
    if day < datetime.now(UTC).date():
        _stop("`--expires` is over already")
    return day


def _audit(action: str, id: str, scopes: tuple[str, ...]) -> None:
    from service.telemetry import log_lines

    log_lines.audit(log_lines.logger(), action, caller=BY, key=id, scopes=scopes)


def _stop(message: str, status: int = 2) -> NoReturn:
    print(f"error: {message}", file=sys.stderr)
    raise typer.Exit(status)
