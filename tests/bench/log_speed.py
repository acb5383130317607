"""
`make bench ARGS="impact 1000000"`: what an impact over so many records takes, coding them first and coded, and what moves.

The records are decisions on the policies' tests, copied over three years, each under the law of its day (`many_decisions`). The change is
one that happens: in a copy of the policies an entry of a register of theirs ends. A second argument is a folder, in which the
database stays for the next time.
"""

from __future__ import annotations

import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import engine
from service.service import Service
from service.settings import Settings
from tests.bench import many_decisions
from tests.bench.figures import Goal, figure, heading, line

REGISTER, ENDS = "EU-ADEQUATE", "2025-01-01"  # the register, and the day from which the entry of Switzerland ends in the copy
ENTRY = re.compile(r"(?m)^(      CH: \{from: [0-9-]+)")
SECONDS_A_MILLION = 60.0


def main(count: int, folder: str = "") -> None:
    """Fill a database, if it is not there yet, and measure."""
    with tempfile.TemporaryDirectory() as made:
        there = Path(folder or made)
        database = there / f"log-{count}.db"
        if not database.exists():
            began = time.perf_counter()
            fill(database, count)
            line(f"{count:,} records, put in within", f"{time.perf_counter() - began:,.0f} s")
        changed = proposal(Path(made) / "proposal")
        heading("impact over the log", "rows a second", "s of processor", "peak MB")
        for said in ("records that are not coded, or some of them", "coded records"):
            run(said, database, changed, count)


def proposal(folder: Path) -> Path:
    """A copy of the policies in which the entry ends."""
    shutil.copytree(engine.bundled_policies(), folder)
    files = [each for each in (folder / "vocabulary").glob("*.yaml") if f"  {REGISTER}:" in each.read_text()]
    for each in files:
        before, name, after = each.read_text().partition(f"  {REGISTER}:")
        ended, times = ENTRY.subn(rf"\1, until: {ENDS}", after, count=1)
        assert times == 1
        each.write_text(before + name + ended)
    assert files
    return folder


def fill(database: Path, count: int) -> None:
    """Record so many decisions."""
    service = Service.open(Settings(watch=False, database=database))
    try:
        with service.store.database.writing.connect() as connection:  # a new database needs no protection from a power cut
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA synchronous = OFF")
            connection.exec_driver_sql("BEGIN")
        models = many_decisions.templates(service, min(many_decisions.TEMPLATES, max(20, count // 5)))
        many_decisions.copied(service.store.database, models, count, time.perf_counter())
    finally:
        service.close()


def run(said: str, database: Path, changed: Path, count: int) -> None:
    """One command, in a process of its own."""
    command = [sys.executable, "-m", "service.cli", "impact", "bundled", str(changed), "--over", "log", "--show", "12"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [*command, "--database", str(database), "--processes", "1"], capture_output=True, text=True, env={**os.environ}
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    line(said, f"{count / seconds:,.0f}", f"{seconds:,.0f}", f"{after.ru_maxrss / 1024:,.0f}")
    figure("  seconds of one processor for a million", seconds * 1e6 / count, lambda value: f"{value:,.0f}", AT_MOST)
    print(done.stdout + done.stderr)


AT_MOST = Goal(SECONDS_A_MILLION, falling=True)
