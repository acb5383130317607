"""`fifthfactor decide`: decides a table of exchanges; with --commit, the rows that may proceed are committed in the ledger."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from service.cli.command import BY, Commands, Lang, Policies, UsedWrongly, need
from service.cli.output import complain, count, day, progress, safe, today
from service.cli.stopping import Stopped, Stopping, stoppable

if TYPE_CHECKING:
    import engine
    import engine.tables
    from service.service import Service
    from service.tables.committed_rows import RowCommitter
    from service.tables.ledger_snapshot import LedgerSnapshot
    from service.tables.manifest import CountersFrom, RunManifest

app = Commands()
MOST_MISSING = 3  # facts that are named at the end


@app.add(
    "decide exchanges.parquet -o decisions.parquet",
    "decide parts/ -o decided/ --map mapping.yaml --key transfer_number",
    "decide - -o - --from csv --to jsonl < exchanges.csv",
    "decide today.csv -o today.jsonl --key transfer_number --database fifthfactor.db --commit",
)
def decide(
    table: Annotated[Path, typer.Argument(help="Parquet, CSV, JSON lines or Arrow; a folder of such parts; - for a pipe.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="File, folder if the table is one, or - for a pipe.")],
    mapping: Annotated[
        Path | None, typer.Option("--map", help="YAML: which column states which fact. [columns are named by facts]")
    ] = None,
    key: Annotated[
        str, typer.Option(help="Column that names a row. [the mapping's; else the part and the number of the row]")
    ] = "",
    policies: Policies = None,
    as_of: Annotated[
        str | None, typer.Option(help="Day of the rows that state none in a column `as_of`, like 2024-03-22. [today]")
    ] = None,
    from_: Annotated[str, typer.Option("--from", help="Format of the table: parquet, csv, jsonl, arrow. [by the name]")] = "",
    to: Annotated[str, typer.Option(help="Format of the output. [by the name, else that of the table]")] = "",
    counters: Annotated[
        str,
        typer.Option(
            help="stated: as rows state them; summed: over the rows in their order; snapshot: as the ledger of --database has them."
        ),
    ] = "stated",
    register: Annotated[
        bool, typer.Option("--register", help="Take what the register of --database says of the ids in a row.")
    ] = False,
    database: Annotated[
        str | None,
        typer.Option(help="Decision log, as a file or postgresql://…: the run becomes one leaf of it. [the run is in no log]"),
    ] = None,
    commit: Annotated[
        bool,
        typer.Option(
            "--commit",
            help="Commit each row that may proceed in the ledger of --database, in order, once for each --key. Takes --register and"
            " --counters snapshot.",
        ),
    ] = False,
    explain: Annotated[int, typer.Option(help="Rows of each outcome that get a short answer in a side file.", min=0)] = 1_000,
    program: Annotated[
        str, typer.Option(help="lanes: all rows of a chunk at once, where that can be; ordinary: each row by itself.")
    ] = "lanes",
    mode: Annotated[
        str, typer.Option(help="Which engines decide rows by themselves: bitset, checked, durable, lanes or reference.")
    ] = "bitset",
    lang: Lang = "en",
    allow_problems: Annotated[bool, typer.Option("--allow-problems", help="End with 0 even where rows have problems.")] = False,
    processes: Annotated[
        int, typer.Option(min=1, max=256, help="How many processes decide the parts of a folder; one file is decided by one.")
    ] = 1,
    restart: Annotated[bool, typer.Option("--restart", help="Begin anew where a run was broken off.")] = False,
) -> int:
    """
    Decide every row of a table. No row is recorded. With --database the run as a whole is one leaf of the log. With --commit each row
    that may proceed is decided again with the present counters, recorded and committed.

    The output has as many rows, in the same order. Beside it are a manifest, the problems of rows that cannot be read, and short answers
    to some rows of each outcome. A run that was broken off goes on with the next part.

    Ends with 0 where every row was decided, with 1 where rows have problems, a key occurs twice, the engines differ or a row that might
    proceed was not committed, with 2 where the table, the mapping or a column cannot be used.
    """
    import engine

    try:
        import engine.tables
    except ModuleNotFoundError as missing:
        raise UsedWrongly(str(missing)) from None
    from service.cli.files import columns_sentence, mapping_in
    from service.tables import TableRefused
    from service.tables.run import RunRequest, SideFiles, decide_run
    from service.tables.table_input import FORMATS, SUFFIXES, table_parts

    need("mode", mode, engine.MODES)
    need("language", lang, engine.LANGUAGES)
    need("way to count", counters, ("stated", "summed", "snapshot"))
    need("program", program, ("lanes", "ordinary"))
    for form in filter(None, (from_, to)):
        need("format", form, FORMATS)
    if database is None and (register or counters == "snapshot"):
        raise UsedWrongly("name the database whose register and ledger count with --database")
    if commit and database is None:
        raise UsedWrongly("name the database in whose ledger rows are committed with --database")
    if commit:
        register, counters = True, "snapshot"
    with ExitStack() as stack, stoppable() as stopping:
        source = _source(database, policies or [], stack, commit=commit)
        try:
            parts = table_parts(table, from_)
            folder = table.is_dir()
            if folder and (str(output) == "-" or output.is_file()):
                raise UsedWrongly("a folder of parts is decided into a folder; name one with --output")
            if not folder and output.is_dir():
                raise UsedWrongly(f"{output} is a folder; name a file with --output")
            if processes > 1 and not folder:
                complain(
                    f"{safe(str(table))} is one file, which one process decides; --processes divides the parts of a folder"
                )
            mapped, digest = mapping_in(source.bundle, mapping, key)
            if commit and not mapped.key:
                raise UsedWrongly("a row is committed once for its key: name the column of the keys with --key")
            snapshot = source.snapshot
            request = RunRequest(
                bundle=source.bundle,
                parts=parts,
                output=output,
                folder=folder,
                as_of=day(as_of) if as_of else source.today,
                today=source.today,
                form=to or ("" if folder else SUFFIXES.get(output.suffix.lower(), "")),
                mapping=mapped,
                mapping_sha256=digest,
                mode=mode,
                program=program,
                counters=snapshot.counters if snapshot and counters == "snapshot" else counters,
                counters_are=cast("CountersFrom", counters),
                register=snapshot.register if snapshot and register else None,
                register_of=source.origin if register else None,
                explain=explain,
                lang=lang,
                processes=processes,
                restart=restart,
                log=source.log,
                committer=_committer(source, output, folder, lang, stack) if commit else None,
                progress=partial(_progress, stopping),
                waiting=partial(stopping.check, "the parts that are finished"),
            )
            manifest = decide_run(request)
        except (TableRefused, engine.tables.ColumnsRefused) as refused:
            progress("")
            raise UsedWrongly(columns_sentence(refused)) from None
        except Stopped:
            whole = "begins with the part that it had not finished" if folder else "begins anew"
            whole += " and commits no row twice" if commit else ""
            return stopping.told(f"after {stopping.done}", f"the same command {whole}")
        except OSError as failed:
            progress("")
            raise UsedWrongly(f"cannot write {failed.filename or output}: {failed.strerror or failed}") from None
    progress("")
    files = SideFiles.of(output, folder)
    told = ", ".join(f"{number:,} {word}" for word, number in manifest.outcomes.items())
    complain(f"{count(manifest.rows, 'row')}: {told or 'none'}")
    where = "in no log" if manifest.log is None else f"leaf {manifest.log.leaf:,} of the log {safe(manifest.log.origin)}"
    complain(f"the manifest is {files.manifest}; the run is {where}")
    if manifest.problems:
        complain(f"rows that cannot be read, and never may proceed: {manifest.problems:,}, in {files.problems}")
    if manifest.missing:
        first = sorted(manifest.missing.items(), key=lambda each: (-each[1], each[0]))[:MOST_MISSING]
        complain(f"missing in most rows: {', '.join(f'`{fact}` ({rows:,})' for fact, rows in first)}")
    faults = manifest.faults
    if faults.keys_twice_count:
        complain(f"keys that occur twice: {faults.keys_twice_count:,}, such as `{safe(faults.keys_twice[0][:80])}`")
    if faults.rows_without_key:
        complain(f"rows without a key: {faults.rows_without_key:,}; they are named by their part and number")
    if faults.engines_differ:
        complain(
            f"the engines differ on rows, such as `{safe(faults.engines_differ[0][:80])}`; let a person look at all of them"
        )
    commits = manifest.commits
    if commits is not None:
        left = f", {commits.refused:,} not" if commits.refused else ""
        complain(f"rows that may proceed: {commits.committed:,} committed{left}; see {files.committed}")
    found = faults.any or (manifest.problems and not allow_problems) or (commits is not None and commits.refused)
    return int(bool(found))


@dataclass(frozen=True)
class _Source:
    """
    The policies that decide and today; with a database its snapshot, its name and what makes the run a leaf of its log, and the open
    service if rows are to be committed.
    """

    bundle: "engine.Bundle"
    today: date
    snapshot: "LedgerSnapshot | None" = None
    origin: str = ""
    log: "Callable[[RunManifest], RunManifest]" = lambda manifest: manifest
    service: "Service | None" = None


def _source(database: str | None, policies: list[Path], stack: ExitStack, *, commit: bool) -> _Source:
    """
    The policies, and the database if one is named; its service too where rows are committed.

    Raises UsedWrongly, SettingRefused, DatabaseRefused.
    """
    from service.cli.files import load_or_stop

    if database is None:
        return _Source(load_or_stop(policies, tests=False), today())
    from service.cli.database_access import Desk, open_desk, open_service
    from service.service import now_utc
    from service.tables.ledger_snapshot import ledger_snapshot
    from service.tables.run_leaf import note_run

    service = stack.enter_context(open_service(database, policies, watch=False)) if commit else None
    desk = Desk.of(service) if service else stack.enter_context(open_desk(database, policies))
    snapshot = stack.enter_context(ledger_snapshot(desk.database, desk.live, desk.settings, now_utc(), desk.today))
    origin = desk.database.log_key().origin

    def log(manifest: "RunManifest") -> "RunManifest":
        with desk.database.transaction() as transaction:
            return note_run(transaction, manifest, BY, now_utc(), origin)

    return _Source(desk.live.bundle, desk.today, snapshot, origin, log, service)


def _committer(source: _Source, output: Path, folder: bool, lang: str, stack: ExitStack) -> "RowCommitter":
    """What commits the rows of a run, and writes what came of each beside its output."""
    from service.tables.committed_rows import RowCommitter
    from service.tables.run import SideFiles

    assert source.service is not None
    files = SideFiles.of(output, folder)
    files.committed.parent.mkdir(parents=True, exist_ok=True)
    return stack.enter_context(RowCommitter(source.service, BY, files.committed, lang))


def _progress(stopping: Stopping, part: str, rows: int, seconds: float) -> None:
    stopping.check(count(rows, "row"))
    pace = f", {rows / seconds:,.0f} a second" if seconds > 1 else ""
    progress(f"{safe(part)}: {rows:,} rows{pace}")
