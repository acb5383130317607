"""
Dagster, in an environment of its own, runs the job of `service/docs/pipelines.md`: it stops while a row may not leave, and names the rows.

The job, its table and its mapping are taken from the page; they are run by Dagster's own command, as a user would.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.doors.installed_offline import DOORS, ROOT
from tests.pages import blocks

PAGE = "service/docs/pipelines.md"
DAGSTER = DOORS.parent / "dagster" / "bin" / "dagster"


def materialize(folder: Path) -> tuple[int, str]:
    """Make all assets of the job; the exit code, and what is printed."""
    command = [str(DAGSTER), "asset", "materialize", "-f", "flows_job.py", "--select", "*"]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "DAGSTER"))}
    environment = {**kept, "PYTHONPATH": str(ROOT), "DAGSTER_DISABLE_TELEMETRY": "yes"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the files that the page shows."""
    files = next(block.text for block in blocks(PAGE) if block.kind == "sh" and "flows.csv" in block.text)
    (job,) = [block.text for block in blocks(PAGE) if block.kind == "python dagster"]
    subprocess.run(["bash", "-ec", files], cwd=tmp_path, check=True)
    (tmp_path / "flows_job.py").write_text(job)
    return tmp_path


def test_a_table_stops_the_job_until_its_rows_may_leave(folder: Path) -> None:
    """The rows are named with outcome and reason, by the step and by the check of the asset; nothing is sent before they are gone."""
    status, printed = materialize(folder)
    assert status == 1, printed
    assert "Asset check 'every_row_may_leave' on 'flows' did not pass. Description: 'o-2, o-3'" in printed
    assert "MayNotLeave: 2 of 3 rows may not leave" in printed
    assert "\n  o-2: review: what stands: orders.suspension/stands\n" in printed
    assert "\n  o-3: problem: /recipient/country: `Dubai` is not one of" in printed
    assert not (folder / "sent.csv").exists()

    table = folder / "flows.csv"
    table.write_text("".join(line for line in table.read_text().splitlines(keepends=True) if line[:3] not in ("o-2", "o-3")))
    status, printed = materialize(folder)
    assert status == 0, printed
    assert (folder / "sent.csv").read_text() == "order,recipient.country,act.bars\no-1,AE,[]\n"
