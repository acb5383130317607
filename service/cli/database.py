"""`fifthfactor database …`: back up, upgrade, check and drill the database of the decision log."""

from pathlib import Path
from typing import Annotated

import typer

from service.cli.command import AsJson, Commands, Database, address, log_key
from service.cli.output import complain, progress
from service.cli.stopping import BEGINS_ANEW, Stopped, stoppable

FAULTS_SHOWN = 20

app = Commands(help="Back up, upgrade, check or drill the database of the decision log.")


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


@app.add(
    "database drill --database decisions.db",
    "database drill --database postgresql://fifthfactor@db/fifthfactor --json",
    "database drill --database decisions.db --backup /backups/monday.db",
)
def drill(
    database: Database = None,
    folder: Annotated[Path | None, typer.Option(help="Where the copies are made. [the folder for temporary files]")] = None,
    backup_file: Annotated[
        Path | None,
        typer.Option("--backup", help="Drill a backup that is there already: a copied file, or a dump of `pg_dump`."),
    ] = None,
    into: Annotated[
        str | None, typer.Option(help="Empty place to restore into. [a file in the folder, or a new database on the server]")
    ] = None,
    programs: Annotated[Path | None, typer.Option(help="Folder of `pg_dump` and `pg_restore`. [those on the PATH]")] = None,
    deep: Annotated[
        bool, typer.Option("--deep", help="Also compare every row of the copy with the leaves of its log.")
    ] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the copies.")] = False,
    as_json: AsJson = False,
) -> int:
    """
    Back up the live database, restore the backup elsewhere, and show what it is worth. The service may run.

    Every record, the tree and the last checkpoint are verified in the copy; the live log must begin with the tree of the copy; stored
    exchanges are decided again. The live database is only read. Ends with 0 where the backup can be relied on, with 1 where it has a fault,
    with 2 where it cannot be drilled.
    """
    import tempfile

    from service.audit.restore_drill import DrillOptions
    from service.audit.restore_drill import drill as drilled
    from service.cli.drill_report import print_drill

    options = DrillOptions(folder or Path(tempfile.gettempdir()), into, backup_file, programs, deep, keep)
    with stoppable() as stopping:

        def told(words: str, number: int) -> None:
            progress(words, number)
            stopping.check(words)

        try:
            report = drilled(address(database), log_key(), options, told)
        except Stopped:
            return stopping.told(f"at `{stopping.done}`", f"nothing is left of the drill; {BEGINS_ANEW}")
    progress("")
    print_drill(report, as_json)
    return int(bool(report.faults))


def _report(faults: tuple[str, ...]) -> int:
    more = len(faults) - FAULTS_SHOWN
    complain("\n".join([*faults[:FAULTS_SHOWN], *([f"and {more} more"] if more > 0 else [])]))
    return 1
