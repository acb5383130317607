"""`fifthfactor log reindex`: adds records that are older than the index to it."""

from service.cli.command import Commands, Database, address
from service.cli.output import progress

app = Commands()


@app.add("log reindex --database decisions.db")
def reindex(database: Database = None) -> int:
    """
    Add records that are older than the index to it, some at a time. The service may run.
    """
    from service.log.index import take_in, unindexed
    from service.store.upgrade import existing

    with existing(address(database)) as opened:
        with opened.reading.connect() as connection:
            before = unindexed(connection)
        take_in(opened, before, lambda left: progress(f"{before - left:,} of {before:,} records"))
        progress("")
    print(f"{before:,} records added to the index" if before else "every record is in the index already")
    return 0
