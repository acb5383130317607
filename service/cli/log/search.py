"""`fifthfactor log search`: lists the decisions that match all filters."""

from itertools import islice
from typing import Annotated

import typer

from service.cli.command import AsJson, Commands, Database, address
from service.cli.log.filters import filtered
from service.cli.log.rows import print_rows, say_none, warn_of_unindexed
from service.cli.output import complain
from service.log.search_query import Query

app = Commands()


@app.add("log search --outcome review --jurisdiction CN --since 2026-11-01")
@filtered
def search(
    query: Query,
    database: Database = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1_000_000, help="Most decisions to print.")] = 50,
    as_json: AsJson = False,
) -> int:
    """
    Search the decisions, newest first. A decision must match every option, and of a repeated option one of its values.
    """
    from service.log.search import everything
    from service.log.search_index import unindexed
    from service.store.upgrade import reading

    with reading(address(database)) as connection:
        rows = list(islice(everything(connection, query, min(limit + 1, 1_000)), limit + 1))
        print_rows(rows[:limit], as_json)
        warn_of_unindexed(unindexed(connection))
    if not rows:
        say_none()
    elif len(rows) > limit:
        complain(f"there are more than {limit}; ask for more with --limit, or write all with `fifthfactor log export`")
    return 0
