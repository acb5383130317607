"""
The speed of tables, and the memory of a run: a number of made-up rows in, rows a second out, from coded columns and from a file.

Rows are flows of the policies' tests in 40 columns, a tenth of the cells unknown, each with a data set of its own. *Repeated* rows are of a
thousand different flows; of *different* ones no two are alike. The run is `fifthfactor decide` with its manifest, in a process of its own.
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from arro3.core import Array, DataType, Field, RecordBatch, RecordBatchReader, Schema
from arro3.io import write_parquet

import engine
from engine.tables import CHUNK, TableDecider, TableMapping, of_batch
from engine.tables.column_mapping import FactPlaces
from tests.bench import traffic
from tests.bench.figures import Goal, at_most, figure, heading, line

COLUMNS = 40
UNKNOWN = 0.1  # of the cells
FLOWS = 1_000  # different ones, of repeated rows
DIFFERENT = 2 * CHUNK  # rows of which no two are alike
PARTS = 4  # of a folder
MANY = 1_000_000_000  # rows whose cost is computed


def main(rows: int) -> None:
    """Measure so many rows."""
    bundle = engine.load(engine.bundled_policies())
    flows = made_flows(bundle)
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "rows.parquet"
        write_parquet(RecordBatchReader.from_batches(schema(flows), batches(flows, rows)), path, compression="zstd(3)")
        line(f"{rows:,} rows in {COLUMNS + 2} columns, of {FLOWS:,} flows", f"{path.stat().st_size / 2**20:,.0f} MB")
        in_process(bundle, flows, rows)
        run(path, rows)
        scale(Path(name), flows, rows)


def made_flows(bundle: engine.Bundle) -> list[dict[str, str]]:
    """Different flows as texts, in the columns that most of the policies' tests have."""
    names = FactPlaces(bundle).names
    found = [flat(json.loads(raw), names) for raw in traffic.varied(bundle)]
    used = Counter(name for each in found for name in each if not name.endswith(".id"))
    columns = [name for name, _ in used.most_common(COLUMNS)]
    chance = random.Random(traffic.SEED)
    flows: dict[str, dict[str, str]] = {}
    while len(flows) < max(FLOWS, DIFFERENT):
        flow = {
            name: "unknown" if chance.random() < UNKNOWN and not name.startswith(("evidence.", "claims.")) else text(value)
            for name, value in chance.choice(found).items()
            if name in columns
        }
        flows[repr(flow)] = {name: flow.get(name, "") for name in columns}
    return list(flows.values())


def in_process(bundle: engine.Bundle, flows: list[dict[str, str]], rows: int) -> None:
    """The decisions alone, from batches of Arrow that are there already."""
    heading("rows a second, one processor")
    for said, made, count in (("different rows", flows, DIFFERENT), ("repeated rows", flows[:FLOWS], min(rows, 8 * CHUNK))):
        decider = TableDecider(bundle, as_of=traffic.DAY, mapping=TableMapping(key="number"))
        list(decider.chunks(of_batch(each) for each in batches(made, FLOWS)))  # the door has read most of the cells
        there = list(batches(made, count))
        coded = [of_batch(each) for each in there]
        for form, chunks, least in (
            ("coded columns", iter(coded), 300_000),
            ("columns of texts", map(of_batch, there), 100_000),
        ):
            start = time.process_time()
            for found in decider.chunks(chunks):
                _ = found.batch
            figure(f"{said}, from {form}", count / (time.process_time() - start), lambda value: f"{value:,.0f}", Goal(least))


def run(path: Path, rows: int) -> None:
    """A whole run, from a file to a file, with the answers to twenty rows of each outcome."""
    heading("fifthfactor decide, from a file to a file")
    command = [sys.executable, "-m", "service.cli", "decide", str(path), "-o", str(path.with_name("out.parquet"))]
    done = subprocess.run([*command, "--explain", "20", "--allow-problems", "--key", "number"], capture_output=True, text=True)
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = usage.ru_utime + usage.ru_stime
    figure("rows a second of the processor, with what starts and ends it", rows / seconds, lambda value: f"{value:,.0f}")
    figure("peak memory", usage.ru_maxrss / 1024, lambda value: f"{value:,.0f} MB", at_most(600))
    print(done.stderr)


def scale(folder: Path, flows: list[dict[str, str]], rows: int) -> None:
    """Runs over a folder of four parts with one process and with two; what a run over four rows takes is taken off."""
    few, many = folder / "few", folder / "many"
    for parts, size in ((few, 1), (many, rows // PARTS)):
        parts.mkdir()
        for number in range(PARTS):
            some = RecordBatchReader.from_batches(schema(flows), batches(flows, size, number * size))
            write_parquet(some, parts / f"{number}.parquet", compression="zstd(3)")
    heading(f"fifthfactor decide, a folder of {PARTS} parts")
    for processes in (1, 2):
        (begun, used_to_begin), (clock, used) = (spent(parts, processes) for parts in (few, many))
        pace = PARTS * (rows // PARTS) / max(clock - begun, 0.001)
        figure(
            f"rows a second of the clock, {processes} process{'es' if processes > 1 else ''}",
            pace,
            lambda value: f"{value:,.0f}",
        )
    hours = (used - used_to_begin) / (PARTS * (rows // PARTS)) * MANY / 3_600
    figure(f"computed from it: {MANY:,} rows, in hours of a processor", hours, lambda value: f"{value:,.1f}")


def spent(parts: Path, processes: int) -> tuple[float, float]:
    """The seconds of the clock and of the processors that a run takes."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    output = parts.with_name(f"{parts.name}-{processes}")
    command = [sys.executable, "-m", "service.cli", "decide", str(parts), "-o", str(output), "--processes", str(processes)]
    subprocess.run([*command, "--explain", "0", "--allow-problems", "--key", "number"], capture_output=True, check=True)
    clock, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return clock, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def schema(flows: list[dict[str, str]]) -> Schema:
    return Schema([Field(name, DataType.utf8()) for name in ("number", "data.id", *flows[0])])


def batches(flows: list[dict[str, str]], rows: int, before: int = 0) -> Iterator[RecordBatch]:
    """Rows of some flows in a random order that is the same each time; their keys are counted from `before`."""
    chance = random.Random(1)
    names = list(flows[0])
    columns = schema(flows)
    for first in range(0, rows, CHUNK):
        size = min(CHUNK, rows - first)
        chosen = (
            [flows[chance.randrange(len(flows))] for _ in range(size)] if rows > len(flows) else flows[first : first + size]
        )
        arrays = [Array([f"{kind}-{before + first + at}" for at in range(size)], DataType.utf8()) for kind in ("n", "set")]
        arrays += [Array([each[name] or None for each in chosen], DataType.utf8()) for name in names]
        yield RecordBatch.from_arrays(arrays, schema=columns)


def flat(document: Mapping[str, Any], names: frozenset[str], under: str = "") -> dict[str, Any]:
    """An exchange as columns: each fact by its name, documents and ranges as they are."""
    found: dict[str, Any] = {}
    for name, value in document.items():
        whole = f"{under}{name}"
        if not isinstance(value, dict) or (whole in names and "." in whole):
            found[whole] = value
        else:
            found |= flat(value, names, f"{whole}.")
    return found


def text(value: Any) -> str:
    """A value as a cell of text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
