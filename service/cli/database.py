"""`fifthfactor database …`: back up, complete and check the database of the log."""

from pathlib import Path
from typing import Annotated

import typer

from service.cli.command import Commands, Database, address
from service.cli.output import complain

FAULTS_SHOWN = 20

app = Commands(help="Back up, complete or check the database of the decision log.")


@app.add("database backup /backups/monday.db")
def backup(file: Annotated[Path, typer.Argument(help="A new file.")], database: Database = None) -> int:
    """
    Copy a database file while the service runs, and check the copy.

    Ends with 0, with 1 where the copy is not whole (it is then not kept), with 2 where it cannot be made.
    """
    from service.log.backup import back_up

    found = back_up(address(database), file)
    if found.faults:
        return _told(found.faults)
    print(f"{found.records} records in `{file}`, each verified")
    return 0


@app.add("database upgrade")
def upgrade(database: Database = None) -> int:
    """
    Make or complete the tables, as a start of the service does.

    Ends with 0, or with 2 where the database cannot be used or a newer version wrote it.
    """
    from service.store.upgrade import revisions, writing

    with writing(address(database)) as connection:
        revision, _ = revisions(connection)
    print(f"the tables are of revision {revision}")
    return 0


@app.add("database check --database decisions.db")
def check(database: Database = None) -> int:
    """
    Check every record: its number, its hash, its personal values. The service may run meanwhile.

    Ends with 0 where all is whole, with 1 where something is not, with 2 where the database cannot be read.
    """
    from service.log.backup import examine

    found = examine(address(database))
    if found.faults:
        return _told(found.faults)
    print(f"{found.records} records, each verified; the tables are of revision {found.revision}")
    return 0


def _told(faults: tuple[str, ...]) -> int:
    more = len(faults) - FAULTS_SHOWN
    complain("\n".join([*faults[:FAULTS_SHOWN], *([f"and {more} more"] if more > 0 else [])]))
    return 1
