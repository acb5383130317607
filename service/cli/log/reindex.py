"""`fifthfactor log reindex`: adds records that are not in the index to it, and has the queue of reviews found anew."""

from typing import Annotated

import typer

from service.cli.command import BY, Commands, Database, address, log_key
from service.cli.output import progress

app = Commands()


@app.add("log reindex --database decisions.db", "log reindex --reviews", name="reindex")
def reindex_(
    database: Database = None,
    reviews: Annotated[
        bool,
        typer.Option("--reviews", help="Also empty the queue of reviews, so that the next start of the service finds it anew."),
    ] = False,
) -> int:
    """
    Add records that are not in the index to it, some at a time, and record in the log that this was done. The service may run.

    With --reviews the queue of what waits for a person is emptied too. Start the service again: it finds the queue anew from the records,
    beside the requests, the newest first. No sign-off and no comment is lost. An assignment is found again where it was made for the newest
    decision on the same facts.
    """
    from service.log import review_cases
    from service.log.search_index import reindex, unindexed
    from service.store.upgrade import existing

    with existing(address(database), log_key()) as opened:
        with opened.reading.connect() as connection:
            before = unindexed(connection)
        if before:
            reindex(opened, before, BY, lambda left: progress(f"{before - left:,} of {before:,} records"))
        progress("")
        if reviews:
            with opened.transaction() as transaction:
                review_cases.begin_again(transaction)
    print(f"{before:,} records added to the index" if before else "every record is in the index already")
    if reviews:
        print("the queue of reviews is empty; start the service again, which finds it anew")
    return 0
