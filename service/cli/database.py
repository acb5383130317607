"""`fifthfactor database …`: back up, complete and check the database of the log."""

import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

FAULTS_SHOWN = 20

app = typer.Typer(help="Back up, complete or check the database of the decision log.", no_args_is_help=True)

Address = Annotated[
    str | None, typer.Option("--database", help="File, or postgresql://… [FIFTHFACTOR_DATABASE, or fifthfactor.db]")
]


@app.command(epilog="Example: fifthfactor database backup /backups/monday.db")
def backup(file: Annotated[Path, typer.Argument(help="A new file.")], database: Address = None) -> None:
    """
    Copy a database file while the service runs, and check the copy.

    Ends with 0, with 1 where the copy is not whole (it is then not kept), with 2 where it cannot be made.
    """
    from service.log.backup import back_up
    from service.store.database import DatabaseRefused

    try:
        found = back_up(_address(database), file)
    except DatabaseRefused as refused:
        _stop(f"error: {refused}", 2)
    _show(found.faults)
    print(f"{found.records} records in `{file}`, each verified")


@app.command(epilog="Example: fifthfactor database upgrade")
def upgrade(database: Address = None) -> None:
    """
    Make or complete the tables, as a start of the service does.

    Ends with 0, or with 2 where the database cannot be used or a newer version wrote it.
    """
    from service.store.database import Database, DatabaseRefused
    from service.store.upgrade import revisions
    from service.store.upgrade import upgrade as complete

    try:
        opened = Database.open(_address(database))
        try:
            complete(opened)
            with opened.reading.connect() as connection:
                revision, _ = revisions(connection)
        finally:
            opened.close()
    except DatabaseRefused as refused:
        _stop(f"error: {refused}", 2)
    print(f"the tables are of revision {revision}")


@app.command(epilog="Example: fifthfactor database check --database decisions.db")
def check(database: Address = None) -> None:
    """
    Check every record: its number, its hash, its personal values. The service may run meanwhile.

    Ends with 0 where all is whole, with 1 where something is not, with 2 where the database cannot be read.
    """
    from service.log.backup import examine
    from service.store.database import DatabaseRefused

    try:
        found = examine(_address(database))
    except DatabaseRefused as refused:
        _stop(f"error: {refused}", 2)
    _show(found.faults)
    print(f"{found.records} records, each verified; the tables are of revision {found.revision}")


def _address(given: str | None) -> str:
    from service.settings import SettingRefused, Settings

    try:
        return Settings.from_environment(os.environ, database=given).database
    except SettingRefused as refused:
        _stop(f"error: {refused}", 2)


def _show(faults: tuple[str, ...]) -> None:
    """End with 1 where there are any."""
    if faults:
        more = len(faults) - FAULTS_SHOWN
        _stop("\n".join([*faults[:FAULTS_SHOWN], *([f"and {more} more"] if more > 0 else [])]), 1)


def _stop(message: str, status: int) -> NoReturn:
    print(message, file=sys.stderr)
    raise typer.Exit(status)
