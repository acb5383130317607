"""`fifthfactor database …`: back up, upgrade and check the database of the decision log."""

from pathlib import Path
from typing import Annotated

import typer

from service.cli.command import Commands, Database, address, log_key
from service.cli.output import complain

FAULTS_SHOWN = 20

app = Commands(help="Back up, upgrade or check the database of the decision log.")


@app.add("database backup /backups/monday.db")
def backup(
    file: Annotated[Path, typer.Argument(help="The file to write; it must not exist yet.")], database: Database = None
) -> int:
    """
    Copy a database file, and check the copy. The service may run.

    Ends with 0, with 1 where the copy has a fault (it is then deleted), with 2 where it cannot be made.
    """
    from service.log.backup import back_up

    found = back_up(address(database), file)
    if found.faults:
        return _report(found.faults)
    print(f"{found.records} records in `{file}`, each verified")
    return 0


@app.add("database upgrade")
def upgrade(database: Database = None) -> int:
    """
    Create or upgrade the tables. A start of the service does the same.

    Ends with 0, or with 2 where the database cannot be used or a newer version wrote it.
    """
    from service.store.upgrade import revision, writing

    with writing(address(database), log_key()) as connection:
        found = revision(connection)
    print(f"the tables are of revision {found}")
    return 0


@app.add("database check --database decisions.db")
def check(database: Database = None) -> int:
    """
    Check every record: its number, its hash, its personal values. The service may run.

    Ends with 0 where there is no fault, with 1 where there is one, with 2 where the database cannot be read.
    """
    from service.log.backup import examine

    found = examine(address(database))
    if found.faults:
        return _report(found.faults)
    print(f"{found.records} records, each verified; the tables are of revision {found.revision}")
    return 0


def _report(faults: tuple[str, ...]) -> int:
    more = len(faults) - FAULTS_SHOWN
    complain("\n".join([*faults[:FAULTS_SHOWN], *([f"and {more} more"] if more > 0 else [])]))
    return 1
