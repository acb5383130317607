"""
`python -m tests.outbox_run 2000000`: so many events through kills of our process and of the sinks; `--help` shows what can be chosen.

A running service delivers the events of a log to real receivers: a webhook, files by day, a collector of OpenTelemetry, a topic of Kafka.
While it does, its process and the receivers are killed (SIGKILL) at random moments and come again; meanwhile the log goes on growing. In
the end what has arrived is compared with what was recorded: nothing may be missing, and the events of an exporter are in the log's order.

The broker keeps everything in memory, so a kill would take what it had promised to keep. Therefore not the broker is killed but the relay
before it: connections break in the middle of a request, and for a while nobody answers.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from tests.bench.figures import line
from tests.outbox_run.run import KINDS, OutboxRun


def main() -> int:
    """Run, print the table, and say by the exit code whether it is sound."""
    parser = argparse.ArgumentParser(prog="python -m tests.outbox_run", formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("events", type=int, help="how many decisions the log has in the end")
    parser.add_argument("--sinks", nargs="+", choices=KINDS, default=list(KINDS[:2]), help="default: webhook files")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--before", type=float, default=0.9, help="the share of the decisions that is there at the start (0.9)")
    parser.add_argument(
        "--service-every", type=float, default=60.0, help="seconds between two kills of the service, on average"
    )
    parser.add_argument("--receivers-every", type=float, default=10.0, help="the same of the receivers")
    parser.add_argument("--most", type=int, default=2_000, help="events that a sink gets at once at most")
    parser.add_argument(
        "--turn", type=float, help="only the deliveries run, and a killed process holds its turn so many seconds"
    )
    parser.add_argument("--seed", type=int, default=20261201)
    parser.add_argument("--minutes", type=float, default=90.0, help="after which the run is given up")
    parser.add_argument("--folder", type=Path, help="where the database and the arrivals are; it stays")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what it started ends with it
    with ExitStack() as stack:
        folder = asked.folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="outbox-run-")))
        folder.mkdir(parents=True, exist_ok=True)
        url = str(folder / "log.db")
        if asked.database == "postgresql":
            from tests.service.databases import PostgreSQL

            url = stack.enter_context(PostgreSQL.running()).new()
        run = OutboxRun(url, folder, tuple(asked.sinks), asked.events, asked.seed, asked.most, asked.turn)
        run.run(asked.before, asked.service_every, asked.receivers_every, asked.minutes * 60)
        return 0 if report(run) else 1


def report(run: OutboxRun) -> bool:
    """Print what was found; whether nothing was lost and every order was kept."""
    said = run.figures
    line(f"{run.events:,} decisions recorded in", f"{said.filled:,.0f} s")
    line(f"while {run.events - said.before:,} of them were recorded, all were delivered in", f"{said.delivered:,.0f} s")
    line("kills of the service, its starts among them", f"{run.service.kills}")
    heads = ("arrived", "again", "missing", "out of order", "keys", "kills of it", "events a second")
    print()
    line("sink", *heads, width=12)
    sound = True
    for name, each in run.compared():
        kills = run.receivers[name].kills if name in run.receivers else 0
        rate = each.expected / said.delivered
        figures = (each.arrived, each.twice, each.missing, each.disordered, each.keys, kills, round(rate))
        line(name, *(f"{figure:,}" for figure in figures), width=12)
        if not each.sound:
            sound = False
            print(f"    NOT SOUND: {each}")
    return sound


if __name__ == "__main__":
    sys.exit(main())
