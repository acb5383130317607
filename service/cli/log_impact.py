"""
The records of a log compared under two bundles, for `fifthfactor impact --over log` and `fifthfactor diff --log`: what moves comes out.

The blocks of the log are divided among processes. What they found is put together in the order of the log, and kept in a file if that is
asked for, so that the command goes on where it was.
"""

import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.command import UsedWrongly
from service.cli.log.filters import moment_given
from service.cli.output import complain, count, pace, progress
from service.cli.processes import in_processes
from service.cli.resumable_runs import UnfinishedWork, goes_on, shown
from service.cli.stopping import Stopping

if TYPE_CHECKING:
    import engine
    from service.tables.coded_log import CodedLog

Since = Annotated[str | None, typer.Option(help="Over a log: the first day or moment of the records; UTC.")]
Until = Annotated[str | None, typer.Option(help="Over a log: the last day of the records, or the first moment after them.")]
Processes = Annotated[
    int | None, typer.Option(min=1, max=256, help="Over a log: how many processes compare. [one for each processor]")
]
Resume = Annotated[
    Path | None,
    typer.Option(help="Over a log: file that keeps what is done. After an interruption the same command goes on from there."),
]


def log_impact(
    url: str,
    comparison: "engine.ImpactComparison",
    since: str | None,
    until: str | None,
    on: date,
    processes: int | None,
    resume: Path | None,
    stopping: Stopping,
) -> "tuple[engine.Impact, str]":
    """Compare the records of a log: what moves, and how to go on where the command is stopped. Raises UsedWrongly, DatabaseRefused."""
    import engine

    try:
        from service.tables.coded_log import CodedLog
    except ModuleNotFoundError as missing:
        raise UsedWrongly(str(missing)) from None

    old, new = comparison.bundles
    begin, end = moment_given(since, end=False) if since else None, moment_given(until, end=True) if until else None
    log = CodedLog(url, old, new, begin, end, on)
    blocks = log.prepare()
    if old.digests.meaning == new.digests.meaning:
        return comparison.report(), ""
    # The work is another one after an upgrade, and where a record lies in another block.
    work = {
        "impact": [old.digests.meaning, new.digests.meaning, comparison.mode, engine.__version__],
        "database": shown(url),
        "time": [since, until, on.isoformat()],
    }
    unfinished = UnfinishedWork(resume, work)
    totals, after, known, left = engine.ImpactTotals(), -1, 0, False
    for done in unfinished.begin():
        try:
            totals.take(engine.ImpactTotals.read(done))
            after = done["block"]
        except (LookupError, TypeError, ValueError):
            raise UsedWrongly(f"{resume} was written by another version; remove it") from None
    before, began = totals.rows, time.monotonic()
    blocks = [first for first in blocks if first > after]
    if before:
        complain(f"{count(before, 'row')} were compared before")
    comparison.set_up()
    work_of = _Work(log, comparison)
    try:
        at = -1
        for at, (first, part, was_known) in enumerate(stopping.until(in_processes(work_of, blocks, processes=processes))):
            totals.take(part)
            unfinished.add({"block": first, **part.document()})
            known += was_known
            progress(pace(at + 1, len(blocks), "block", time.monotonic() - began) + f", {totals.rows:,} rows")
        left = at + 1 < len(blocks)
        progress("")
    finally:
        log.close()
    if not left:
        unfinished.finish()
    return totals.report(old, new, comparison.mode, complete=not left), goes_on(resume)


@dataclass(frozen=True, slots=True)
class _Work:
    """The comparison of a block, in whichever process."""

    log: "CodedLog"
    comparison: "engine.ImpactComparison"

    def __call__(self, first: int) -> "tuple[int, engine.ImpactTotals, bool]":
        """The number of the block, what was found in it, and whether it was coded before."""
        block = self.log.rows(first)
        self.comparison.take(block.rows)
        found = self.comparison.hand_over()
        found.erased = block.erased
        return first, found, block.known
