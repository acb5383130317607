"""What `fifthfactor database drill` prints."""

from dataclasses import asdict
from typing import TYPE_CHECKING

from service.cli.output import count, painted, print_json, safe

if TYPE_CHECKING:
    from service.audit.restore_drill import DrillReport

STEPS = {
    "backup": "taking the backup",
    "restore": "restoring it",
    "verify": "verifying every record and the tree",
    "compare": "comparing with the live log",
    "deep": "comparing every row with the leaves",
    "decide": "deciding exchanges again",
}
SAME = {"bytes": "the same, byte for byte", "meaning": "the same in meaning", "nothing": "different"}


def print_drill(report: "DrillReport", as_json: bool) -> None:
    """Print the report of a drill."""
    if as_json:
        print_json({"sound": not report.faults, **asdict(report)})
        return
    print(f"{painted('bold', safe(report.database))}, {_size(report.live_bytes)}; the backup has {_size(report.backup_bytes)}")
    for step, seconds in report.seconds.items():
        print(f"  {STEPS[step]:40} {seconds:10,.2f} s")
    print(f"  restored: {count(report.records, 'record')}, {report.leaves:,} leaves, root {report.root[:16]}")
    print(f"  live now: {report.live_leaves:,} leaves, root {report.live_root[:16]}")
    for id, same in report.decided_again.items():
        print(f"  decided again: {safe(id)}: {SAME[same]}")
    print(f"  lost, had the live database been lost now: {count(report.lost, 'record')}")
    for each in report.notes:
        print(f"  {safe(each)}")
    for each in report.kept:
        print(f"  kept: {safe(each)}")
    for each in report.faults:
        print(f"{painted('red', 'fault')}: {safe(each)}")
    if not report.faults:
        print(painted("green", "the backup can be relied on"))


def _size(size: int) -> str:
    return f"{size / 2**20:,.1f} MB"
