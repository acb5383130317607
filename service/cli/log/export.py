"""`fifthfactor log export`: writes the decisions that a search finds, as a table, as JSON lines, or as whole records."""

import csv
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from service.cli.command import Commands, Database, UsedWrongly, address, log_key, need
from service.cli.files import writing
from service.cli.log.filters import filtered
from service.cli.log.rows import say_none, warn_of_unindexed
from service.cli.output import complain, csv_cell, progress
from service.log.search_query import Query

if TYPE_CHECKING:
    from service.log.search import RecordRow
    from service.log.store import Stored

FORMATS = ("csv", "jsonl", "parquet")

app = Commands()


@app.add(
    "log export --since 2026-11-01 --format csv --output november.csv",
    "log export --since 2026-11-01 --proofs --output november.jsonl",
    "log export --tiles tiles",
)
@filtered
def export(
    query: Query,
    database: Database = None,
    form: Annotated[str, typer.Option("--format", help="How to write: csv, jsonl for JSON lines, or parquet.")] = "csv",
    whole: Annotated[
        bool, typer.Option("--whole", help="Write whole records, with everything that verifies them, as JSON lines.")
    ] = False,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write. [standard output]")] = None,
    proofs: Annotated[
        bool,
        typer.Option(
            "--proofs", help="Write whole records, each with the proof that it is in the log; `log verify` takes them."
        ),
    ] = False,
    checkpoint: Annotated[
        Path | None, typer.Option(help="File with the checkpoint of the proofs, such as a cosigned one. [that of this moment]")
    ] = None,
    tiles: Annotated[
        Path | None, typer.Option(help="Folder to write the whole log into, with no personal value, as C2SP tlog-tiles has it.")
    ] = None,
) -> int:
    """
    Write all decisions that a search finds, newest first. Personal values are included, unless they were erased.

    With `--proofs` and `--tiles` the log's key is needed.
    In CSV a text that a spreadsheet would take for a formula gets an apostrophe before it.
    """
    from service.log.search import everything
    from service.log.search_index import unindexed
    from service.log.store import find
    from service.store.upgrade import reading

    need("format", form, FORMATS)
    if checkpoint is not None and not proofs:
        raise UsedWrongly("`--checkpoint` belongs to `--proofs`")
    if tiles is not None:
        if query != Query() or proofs or whole or output is not None:
            raise UsedWrongly("`--tiles` writes the whole log, and takes no other option than `--database`")
        return _tiles(address(database), tiles)
    if form == "parquet" and not (proofs or whole):
        return _parquet(address(database), query, output)
    if proofs:
        return _proven(address(database), query, checkpoint, output)
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


def _parquet(url: str, query: Query, output: Path | None) -> int:
    from service.cli.files import for_its_owner
    from service.log import parquet_rows
    from service.log.search import RecordRow, everything
    from service.log.search_index import unindexed
    from service.store.upgrade import reading

    if output is None:
        raise UsedWrongly("`--format parquet` writes a file: add `--output`")
    if why := parquet_rows.unavailable():
        raise UsedWrongly(f"there is no Parquet here: {why}")
    try:
        with reading(url) as connection, open(output, "wb", opener=for_its_owner) as file:
            count = parquet_rows.write(file, list(RecordRow.__dataclass_fields__), everything(connection, query))
            warn_of_unindexed(unindexed(connection))
    except OSError as failed:
        raise UsedWrongly(f"cannot write {output}: {failed.strerror}") from None
    if not count:
        say_none()
    return 0


def _tiles(url: str, folder: Path) -> int:
    from service.cli.files import make_folder
    from service.log.proofs import log_tree
    from service.log.tile_folder import write_tiles
    from service.store.log_key import LogRefused
    from service.store.upgrade import existing

    make_folder(folder)
    if any(folder.iterdir()):
        raise UsedWrongly(f"the folder `{folder}` is not empty")
    with existing(url, log_key()) as database:
        try:
            with log_tree(database) as tree:
                size = write_tiles(tree, folder, lambda done, all: progress(f"{done:,} of {all:,} leaves", done))
        except LogRefused as refused:
            raise UsedWrongly(str(refused)) from None
        except OSError as failed:
            raise UsedWrongly(f"cannot write into {folder}: {failed.strerror}") from None
    progress("")
    print(f"{size:,} leaves in `{folder}`")
    return 0


def _proven(url: str, query: Query, checkpoint: Path | None, output: Path | None) -> int:
    from service.cli.files import read
    from service.log.proofs import log_tree
    from service.log.proven_export import NotProvable, ProvenExport
    from service.log.search import everything
    from service.store.log_key import LogRefused
    from service.store.upgrade import existing
    from service.transparency.signed_note import MAX_NOTE_BYTES, Note, NoteRefused

    unproven = count = 0
    try:
        note = None if checkpoint is None else Note.parse(read(checkpoint, MAX_NOTE_BYTES))
        with existing(url, log_key()) as database, log_tree(database) as tree, writing(output) as file:
            export = ProvenExport(tree, file, note)
            for count, row in enumerate(everything(tree.connection, query), 1):
                unproven += not export.write(row.id)
                progress(f"{count:,} decisions", count)
            export.seal()
    except NoteRefused as refused:
        raise UsedWrongly(f"`{checkpoint}` is not a checkpoint: {refused}") from None
    except (LogRefused, NotProvable) as refused:
        raise UsedWrongly(str(refused)) from None
    progress("")
    if unproven:
        complain(f"{unproven:,} of the decisions have no proof: they are newer than the checkpoint")
    return 0


def _rows(file: TextIO, form: str) -> "Callable[[RecordRow], None]":
    from service.log.record_views import written_row
    from service.log.search import RecordRow

    if form == "jsonl":
        return lambda row: print(json.dumps(written_row(row), ensure_ascii=False), file=file)
    table = csv.writer(file, lineterminator="\n")
    table.writerow(RecordRow.__dataclass_fields__)
    return lambda row: table.writerow([csv_cell(value) for value in written_row(row).values()])


def _whole(find: "Callable[[str], Stored | None]", file: TextIO) -> "Callable[[RecordRow], None]":
    from service.log.record_views import record_json

    def write(row: "RecordRow") -> None:
        stored = find(row.id)
        if stored is not None:
            print(json.dumps(record_json(stored), ensure_ascii=False), file=file)

    return write
