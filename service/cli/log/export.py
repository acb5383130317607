"""`fifthfactor log export`: writes the decisions that a search finds, as a table, as JSON lines, or as whole records."""

import csv
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from service.cli.command import Commands, Database, address, need
from service.cli.files import writing
from service.cli.log.filters import filtered
from service.cli.log.rows import say_none, warn_of_unindexed
from service.cli.output import csv_cell, progress
from service.log.query import Query

if TYPE_CHECKING:
    from service.log.search import Row
    from service.log.store import Stored

FORMATS = ("csv", "jsonl")

app = Commands()


@app.add("log export --since 2026-11-01 --format csv --output november.csv")
@filtered
def export(
    query: Query,
    database: Database = None,
    form: Annotated[str, typer.Option("--format", help="How to write: csv, or jsonl for JSON lines.")] = "csv",
    whole: Annotated[
        bool, typer.Option("--whole", help="Write whole records, with everything that verifies them, as JSON lines.")
    ] = False,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write. [standard output]")] = None,
) -> int:
    """
    Write all decisions that a search finds, newest first. Personal values are included, unless they were erased.

    In CSV a text that a spreadsheet would take for a formula gets an apostrophe before it.
    """
    from service.log.index import unindexed
    from service.log.search import everything
    from service.log.store import find
    from service.store.upgrade import reading

    need("format", form, FORMATS)
    count = 0
    with reading(address(database)) as connection, writing(output) as file:
        write = _whole(partial(find, connection), file) if whole else _rows(file, form)
        for count, row in enumerate(everything(connection, query), 1):
            write(row)
            progress(f"{count:,} decisions", count)
        progress("")
        warn_of_unindexed(unindexed(connection))
    if not count:
        say_none()
    return 0


def _rows(file: TextIO, form: str) -> "Callable[[Row], None]":
    from service.log.search import Row
    from service.log.shown import written_row

    if form == "jsonl":
        return lambda row: print(json.dumps(written_row(row), ensure_ascii=False), file=file)
    table = csv.writer(file, lineterminator="\n")
    table.writerow(Row.__dataclass_fields__)
    return lambda row: table.writerow([csv_cell(value) for value in written_row(row).values()])


def _whole(find: "Callable[[str], Stored | None]", file: TextIO) -> "Callable[[Row], None]":
    from service.log.shown import kept

    def write(row: "Row") -> None:
        stored = find(row.id)
        if stored is not None:
            print(json.dumps(kept(stored), ensure_ascii=False), file=file)

    return write
