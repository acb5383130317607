"""`fifthfactor impact OLD NEW --over log|FILE`: how many rows of a log or a table would move under other policies. It only reads."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.command import (
    FINDING,
    INTERRUPTED,
    Commands,
    Database,
    NewPolicies,
    OldPolicies,
    RevisionFolders,
    UsedWrongly,
    address,
    need,
)
from service.cli.log.filters import moment_given
from service.cli.output import complain, count, day, progress, today

if TYPE_CHECKING:
    from types import FrameType

    import engine
    from service.cli.revisions import Side
    from service.decisions.log_trials import LogTrials

LOG = "log"
FORMATS = ("text", "markdown", "json")
FAIL_ON = {
    "permits-more": {"permits more", "may permit more"},
    "permits-less": {"permits less", "may permit less"},
}

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
    since: Annotated[str | None, typer.Option(help="Over a log: the first day or moment of the records; UTC.")] = None,
    until: Annotated[
        str | None, typer.Option(help="Over a log: the last day of the records, or the first moment after them.")
    ] = None,
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
    form: Annotated[str, typer.Option("--format", help="text, markdown for a review, or json.")] = "text",
) -> int:
    """
    Report how many rows move if NEW replaces OLD, by pair of outcomes, jurisdiction, instrument and month, and the largest groups with
    an example and the duties that they would owe. Nothing is recorded, and no value of a row is printed.

    Ends with 0, or with 1 where the rows move as `--fail-on` names; `permits-more` means that a row may proceed, or may perhaps proceed,
    and could not before. Where a command is stopped it reports what it has.
    """
    import engine
    from service.cli.impact_report import markdown, text
    from service.cli.revisions import Finder
    from service.decisions.log_trials import LogTrials

    need("mode", mode, engine.MODES)
    need("format", form, FORMATS)
    if fail_on is not None:
        need("reason to fail", fail_on, (*FAIL_ON, "any-outcome"))
    if over != LOG and (since or until):
        raise UsedWrongly("`--since` and `--until` belong to `--over log`")
    if over == LOG and (mapping or key or from_ or as_of):
        raise UsedWrongly("`--map`, `--key`, `--from` and `--as-of` belong to a table; each record of a log has its day")
    on = day(as_of) if as_of else today()
    url = address(database) if over == LOG else None
    finder = Finder(old, new, policies or [], progress, url)
    before, after = finder.side(old, earlier=True), finder.side(new)
    comparison = engine.ImpactComparison(before.bundle, after.bundle, mode)
    recorded: LogTrials | None = None
    if url is not None:
        begin = moment_given(since, end=False) if since else None
        recorded = LogTrials(url, begin, moment_given(until, end=True) if until else None)
        batches = _recorded(recorded, on)
    else:
        batches = _table(Path(over), from_, before, after, on, mapping, key)
    same = before.bundle.digests.meaning == after.bundle.digests.meaning
    complete = same or _take(comparison, batches)
    found = comparison.report(complete)
    if complete and fail_on and not same and found.rows == found.unread:
        raise UsedWrongly(f"there is no row to compare, so `--fail-on {fail_on}` can find nothing")
    match form:
        case "json":
            print(found.model_dump_json(by_alias=True, indent=2))
        case "markdown":
            print("\n".join(markdown(found, before.label, after.label, show, recorded.erased if recorded else 0)))
        case _:
            print("\n".join(text(found, before.label, after.label, show, recorded.erased if recorded else 0)))
    if not complete:
        complain(f"stopped after {count(found.rows, 'row')}: the report says what was found so far")
        return INTERRUPTED
    return FINDING if _fails(found, fail_on) else 0


def _fails(found: "engine.Impact", fail_on: str | None) -> bool:
    """Whether rows move as `--fail-on` names. A row on which engines fail or differ is not known to be harmless."""
    if fail_on is None:
        return False
    directions = {each.direction for each in found.outcomes}
    named = FAIL_ON.get(fail_on)
    moves = not directions.isdisjoint(named) if named else bool(directions - {"same outcome"})
    return moves or found.troubled > 0


def _take(comparison: "engine.ImpactComparison", batches: "Iterator[list[engine.ImpactRow]]") -> bool:
    """Compare all rows; False where a signal stopped it before the end."""
    rows, began = 0, time.monotonic()
    with _stopping() as stopped:
        for batch in batches:
            if stopped:
                break
            comparison.take(batch)
            rows += sum(each.count for each in batch)
            seconds = time.monotonic() - began
            progress(f"{rows:,} rows, {rows / seconds:,.0f} a second" if seconds > 0 else "")
        progress("")
        return not stopped


@contextmanager
def _stopping() -> Iterator[list[int]]:
    """The signals to stop that came. The rows that are being compared are compared to their end."""
    came: list[int] = []

    def note(number: int, frame: "FrameType | None") -> None:
        came.append(number)

    before = {number: signal.signal(number, note) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


# --- the rows --------------------------------------------------------------------------------------------------------


def _recorded(log: "LogTrials", on: date) -> "Iterator[list[engine.ImpactRow]]":
    """The exchanges of a log, some hundred at a time."""
    import engine

    def row(trial: "engine.TrialExchange") -> "engine.ImpactRow":
        try:
            document = engine.read_object(trial.raw, engine.MAX_BYTES, "exchange") if not trial.problem else {}
        except engine.ExchangeRefused as refused:
            codes = "; ".join(f"{each.pointer or '/'} ({each.code})" for each in refused.problems)
            return engine.ImpactRow(trial.name, {}, trial.as_of or on, codes)
        return engine.ImpactRow(trial.name, document, trial.as_of or on, trial.problem)

    rows = map(row, log.trials())
    while batch := list(islice(rows, engine.LANES)):
        yield batch


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
