"""
The evaluate endpoint with a durable record, against a bare `return {}` of the same server library, in the same rounds.

By mode and by traffic, with an API key, and in batches; and with one and two workers on both databases.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import engine
from tests.bench.figures import Goal, figure, heading, line, progress, share, times
from tests.bench.http_load import CONNECTIONS, Load, bare_server, in_turn, post
from tests.bench.traffic import EVERYTHING_SHOWN
from tests.bench.whole_decisions import MODES
from tests.service.conftest import ROOT, running
from tests.service.databases import PostgreSQL

BATCH, BATCH_CONNECTIONS = 100, 2
VARIED_FIRST = 1_500  # of the varied traffic, all of which every server is asked once before it is measured
FORGETFUL = "tests.bench.forgetful"
# Of the rate of a bare `return {}`, by mode.
REPEATED = {"bitset": Goal(0.13, 0.22), "checked": Goal(0.13, 0.22)}
VARIED = {"bitset": Goal(0.09, 0.14), "checked": Goal(0.075, 0.14)}
NOTHING_HITS = {"bitset": Goal(0.06, 0.09), "checked": Goal(0.042, 0.09)}
WITH_KEY = Goal(0.9)  # of the rate without one
IN_BATCHES = Goal(1.5, 3)  # times the rate of single calls


def modes(exchanges: Sequence[bytes]) -> None:
    """One worker in each mode, with repeated and varied traffic, where nothing hits, with a key and in batches."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as servers:
        bare = servers.enter_context(bare_server(Path(folder)))
        found = {mode: _loads(mode, Path(folder), exchanges, servers) for mode in MODES}
        in_turn([bare, *(load for loads in found.values() for load in loads)])
    heading(f"HTTP, one worker, {CONNECTIONS} connections, durable record in SQLite", "exchanges/s", "by CPU time")
    figure("return {}, in requests", 1, share, None, f"{bare.rate:,.0f}")
    for mode, (repeated, varied, forgetful, keyed, batch) in found.items():
        for load, goals in ((repeated, REPEATED), (varied, VARIED), (forgetful, NOTHING_HITS)):
            _figure(load, bare, goals[mode])
        _figure(keyed, repeated, WITH_KEY)
        figure(batch.name, batch.against(varied), times, IN_BATCHES, f"{batch.rate:,.0f}", times(batch.against_by_cpu(varied)))


def _figure(load: Load, other: Load, goal: Goal) -> None:
    figure(load.name, load.against(other), share, goal, f"{load.rate:,.0f}", share(load.against_by_cpu(other)))


def _loads(mode: str, folder: Path, exchanges: Sequence[bytes], servers: ExitStack) -> tuple[Load, ...]:
    """The loads of one mode: a server for each kind of traffic, and one with a key, which asks every caller for it."""
    options = ("--policies", str(engine.bundled_policies()), "--mode", mode)
    key = made_key(folder / f"{mode}-key.db")
    at = {}
    kinds = ("repeated", "service.cli"), ("varied", "service.cli"), ("forgetful", FORGETFUL), ("key", "service.cli")
    exchanges = exchanges[:VARIED_FIRST]
    for name, module in kinds:
        progress(f"starting a server: {mode}, {name}")
        server = servers.enter_context(running(folder / f"{mode}-{name}.db", *options, module=module))
        at[name] = (server.port, server.process.pid)
    single = [post("/v1/evaluate", raw) for raw in exchanges]
    batches = [
        post("/v1/evaluate/batch", b'{"exchanges": [%b]}' % b",".join(exchanges[begin : begin + BATCH]))
        for begin in range(0, len(exchanges) - BATCH + 1, BATCH)
    ]
    return (
        Load(f"{mode}, repeated", *at["repeated"], [post("/v1/evaluate", EVERYTHING_SHOWN)]),
        Load(f"{mode}, varied", *at["varied"], single, first=len(single)),
        Load(f"{mode}, nothing hits, of varied traffic", *at["forgetful"], single, first=len(single)),
        Load(f"{mode}, repeated, with an API key against without", *at["key"], [post("/v1/evaluate", EVERYTHING_SHOWN, key)]),
        Load(f"{mode}, varied, in batches of {BATCH} against single calls", *at["varied"], batches, BATCH_CONNECTIONS, BATCH),
    )


def made_key(database: Path) -> str:
    """A new API key with the scope `evaluate`, in a new database."""
    command = [sys.executable, "-m", "service.cli", "keys", "create", "--name", "bench", "--scope", "evaluate"]
    made = subprocess.run([*command, "--database", str(database)], cwd=ROOT, capture_output=True, check=True, text=True)
    return made.stdout.strip()


def processes() -> None:
    """One and two workers, on both databases."""
    request = [post("/v1/evaluate", EVERYTHING_SHOWN)]
    with tempfile.TemporaryDirectory() as name, PostgreSQL.running() as postgresql, ExitStack() as servers:
        folder = Path(name)
        bare = servers.enter_context(bare_server(folder))
        loads = []
        for workers in (1, 2):
            for database in (str(folder / f"{workers}.db"), postgresql.new()):
                progress(f"starting a server: {workers} worker{'s' * (workers > 1)}")
                options = ("--policies", str(engine.bundled_policies()), "--workers", str(workers))
                server = servers.enter_context(running(database, *options, folder=folder))
                kind = "PostgreSQL" if "://" in database else "SQLite"
                loads.append(Load(f"{kind}, {workers} worker{'s' * (workers > 1)}", server.port, server.process.pid, request))
        in_turn([bare, *loads])
    print()
    line(f"HTTP, checked, repeated, {CONNECTIONS} connections, durable record", "to bare", "exchanges/s", "by CPU time")
    for load in (bare, *loads):
        line(f"  {load.name}", share(load.against(bare)), f"{load.rate:,.0f}", share(load.against_by_cpu(bare)))
