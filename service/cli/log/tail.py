"""`fifthfactor log tail`: prints the newest decisions, and follows new ones."""

import time
from typing import Annotated

import typer

from service.cli.command import AsJson, Commands, Database, address
from service.cli.log.rows import print_rows, say_none

FOLLOWED_EVERY = 0.5  # seconds
AT_ONCE = 1_000

app = Commands()


@app.add("log tail -f --database decisions.db")
def tail(
    database: Database = None,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, max=10_000, help="How many decisions to print.")] = 10,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Print new decisions as they are recorded, until interrupted.")
    ] = False,
    as_json: AsJson = False,
) -> int:
    """
    Print the newest decisions, the newest one last.
    """
    from service.log.search import find, newer, newest
    from service.log.search_query import Query
    from service.store.upgrade import reading

    url = address(database)
    with reading(url) as connection:
        rows = list(reversed(find(connection, Query(), None, lines).rows)) if lines else []
        # By their number in the log: records may enter the log in another order than that of their moments.
        last = max(row.sequence for row in rows) if rows else newest(connection)
        print_rows(rows, as_json)
    if not rows and lines and not follow:
        say_none()
    while follow:
        time.sleep(FOLLOWED_EVERY)
        with reading(url) as connection:
            while found := newer(connection, last, AT_ONCE):
                last = found[-1].sequence
                print_rows(found, as_json)
    return 0
