"""`fifthfactor log reindex`: adds records that are older than the index to it."""

from service.cli.command import BY, Commands, Database, address, log_key
from service.cli.output import progress

app = Commands()


@app.add("log reindex --database decisions.db", name="reindex")
def reindex_(database: Database = None) -> int:
    """
    Add records that are older than the index to it, some at a time, and record in the log that this was done. The service may run.
    """
    from service.log.index import reindex, unindexed
    from service.store.upgrade import existing

    with existing(address(database), log_key()) as opened:
        with opened.reading.connect() as connection:
            before = unindexed(connection)
        if before:
            reindex(opened, before, BY, lambda left: progress(f"{before - left:,} of {before:,} records"))
        progress("")
    print(f"{before:,} records added to the index" if before else "every record is in the index already")
    return 0
