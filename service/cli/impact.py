"""`fifthfactor impact OLD NEW --over log|FILE`: how many rows of a log or a table would move under other policies. It only reads."""

import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli import proof_report
from service.cli.command import (
    FINDING,
    Commands,
    Database,
    NewPolicies,
    OldPolicies,
    RevisionFolders,
    UsedWrongly,
    address,
    need,
)
from service.cli.log_impact import Processes, Resume, Since, Until, log_impact
from service.cli.output import count, day, progress, today
from service.cli.stopping import Stopping, stoppable

if TYPE_CHECKING:
    import engine
    from service.cli.revisions import Side

LOG = "log"
FORMATS = ("text", "markdown", "json")

app = Commands()


@app.add(
    "impact HEAD~1 policies --over log --since 2026-11-01",
    "impact bundled proposal --over transfers.parquet --format markdown",
    "impact main policies --over exchanges.jsonl --fail-on permits-more",
)
def impact(
    old: OldPolicies,
    new: NewPolicies,
    over: Annotated[
        str,
        typer.Option(help="`log` for the records of --database, or a file or folder of JSON lines, CSV, Parquet or Arrow."),
    ],
    policies: RevisionFolders = None,
    database: Database = None,
    since: Since = None,
    until: Until = None,
    processes: Processes = None,
    resume: Resume = None,
    mapping: Annotated[
        Path | None, typer.Option("--map", help="YAML: which column states which fact. [columns are named by facts]")
    ] = None,
    key: Annotated[str, typer.Option(help="Column that names a row. [the mapping's; else the part and its number]")] = "",
    from_: Annotated[str, typer.Option("--from", help="Format of the table: parquet, csv, jsonl, arrow. [by the name]")] = "",
    as_of: Annotated[str | None, typer.Option(help="Day of the rows of a table that state none. [today]")] = None,
    mode: Annotated[
        str, typer.Option(help="Which engines decide again what moves: bitset, checked, durable, lanes or reference.")
    ] = "bitset",
    fail_on: Annotated[
        str | None, typer.Option(help="End with 1 on one of these: permits-more, permits-less or any-outcome.")
    ] = None,
    show: Annotated[int, typer.Option(min=0, help="How many groups and lines of a list to show; the others are counted.")] = 20,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="File of Parquet to write too, with a row for each group: FILE.parquet."),
    ] = None,
    form: Annotated[str, typer.Option("--format", help="text, markdown for a review, or json.")] = "text",
) -> int:
    """
    Report how many rows move if NEW replaces OLD, by pair of outcomes, jurisdiction, instrument and month, and the largest groups with
    an example and the duties that they would owe. Nothing is recorded, and no value of a row is printed. With the extra `analyse` the
    report begins with the jurisdictions that can move at all.

    Ends with 0, or with 1 where the rows move as `--fail-on` names; `permits-more` means that a row may proceed, or may perhaps proceed,
    and could not before. Where a command is stopped it reports what it has.
    """
    import engine
    from service.cli.impact_report import FAIL_ON, fails, markdown, text
    from service.cli.revisions import Finder

    need("mode", mode, engine.MODES)
    need("format", form, FORMATS)
    if fail_on is not None:
        need("reason to fail", fail_on, (*FAIL_ON, "any-outcome"))
    if over != LOG and (since or until or processes or resume):
        raise UsedWrongly("`--since`, `--until`, `--processes` and `--resume` belong to `--over log`")
    if over == LOG and (mapping or key or from_ or as_of):
        raise UsedWrongly("`--map`, `--key`, `--from` and `--as-of` belong to a table; each record of a log has its day")
    if output is not None and output.suffix != ".parquet":
        raise UsedWrongly(f"the groups are written as Parquet; name a file like {output.with_suffix('.parquet')}")
    on = day(as_of) if as_of else today()
    url = address(database) if over == LOG else None
    finder = Finder(old, new, policies or [], progress, url)
    before, after = finder.side(old, earlier=True), finder.side(new)
    comparison = engine.ImpactComparison(before.bundle, after.bundle, mode)
    with stoppable() as stopping:
        if url is not None:
            found, how = log_impact(url, comparison, since, until, on, processes, resume, stopping)
        else:
            found = _over_table(comparison, _table(Path(over), from_, before, after, on, mapping, key), stopping)
            how = "a table is compared from the beginning each time"
    if found.complete and fail_on and not found.same_meaning and found.rows == found.unread:
        raise UsedWrongly(f"there is no row to compare, so `--fail-on {fail_on}` can find nothing")
    if output is not None:
        _write(found, output)
    if form != "json" and (sentence := _may_move(before, after)):
        print(sentence)
    match form:
        case "json":
            print(found.model_dump_json(by_alias=True, indent=2))
        case "markdown":
            print("\n".join(markdown(found, before.label, after.label, show)))
        case _:
            print("\n".join(text(found, before.label, after.label, show)))
    if not found.complete:
        return stopping.told(f"after {count(found.rows, 'row')}, of which this is the report", how)
    return FINDING if fails(found, fail_on) else 0


def _may_move(before: "Side", after: "Side") -> str:
    """What can move at all, where the extra that proves it is installed."""
    import engine

    try:
        places = engine.moving(before.bundle, after.bundle)
    except engine.SolverMissing:
        return ""
    return "" if places is None else proof_report.moving(places)


def _over_table(
    comparison: "engine.ImpactComparison", batches: "Iterator[list[engine.ImpactRow]]", stopping: Stopping
) -> "engine.Impact":
    """Compare the rows of a table. Two bundles of one meaning need no row."""
    old, new = comparison.bundles
    if old.digests.meaning == new.digests.meaning:
        return comparison.report()
    rows, began = 0, time.monotonic()
    for batch in stopping.until(batches):
        comparison.take(batch)
        rows += sum(each.count for each in batch)
        seconds = time.monotonic() - began
        progress(f"{rows:,} rows, {rows / seconds:,.0f} a second" if seconds > 0 else "")
    progress("")
    return comparison.report(complete=not stopping.number)


def _write(found: "engine.Impact", output: Path) -> None:
    """Write the groups as a file of Parquet. Raises UsedWrongly."""
    try:
        from service.tables.impact_table import write_groups

        write_groups(found, output)
    except ModuleNotFoundError as missing:
        raise UsedWrongly(str(missing)) from None
    except OSError as failed:
        raise UsedWrongly(f"cannot write {output}: {failed.strerror or failed}") from None


def _table(
    place: Path, form: str, old: "Side", new: "Side", on: date, mapping: Path | None, key: str
) -> "Iterator[list[engine.ImpactRow]]":
    """The rows of a table. Raises UsedWrongly."""
    try:
        import engine.tables
    except ModuleNotFoundError as missing:
        raise UsedWrongly(str(missing)) from None
    from service.cli.files import columns_sentence, mapping_in
    from service.tables import TableRefused
    from service.tables.impact_rows import impact_rows
    from service.tables.table_input import FORMATS

    if form:
        need("format", form, FORMATS)
    mapped, _ = mapping_in(old.bundle, mapping, key)
    try:
        yield from impact_rows(place, form, old.bundle, new.bundle, on, mapped)
    except (TableRefused, engine.tables.ColumnsRefused) as refused:
        progress("")
        raise UsedWrongly(columns_sentence(refused)) from None
