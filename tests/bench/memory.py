"""
The memory of a process: of a worker with the bundled policies, in megabytes, and what many different decisions add to it.

A worker is a process that has opened the service with its application, and decides. It remembers things up to a bound, so what it adds
until they are full is apart from what it adds afterwards.
"""

from __future__ import annotations

import ctypes
import gc
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import engine
from service.problems import RequestRefused
from service.server.app import create_app
from service.server.serve import prepared_policies
from service.settings import Settings
from tests.bench.figures import at_most, figure, heading, megabytes
from tests.bench.in_process import InProcess
from tests.bench.traffic import different
from tests.bench.whole_decisions import MODES

STATM = Path("/proc/self/statm")
ROLLUP = Path("/proc/self/smaps_rollup")
FILLING = 8_000  # decisions; about 5,200 answers fill the bound of what is kept, and the classes of values come slower
FORKED = (2, 4)  # workers under one parent
WORKER = at_most(160, 130)
GROWTH = at_most(2)  # a hundred bytes a decision would show


def resident() -> float:
    """MB of this process that are in memory now, what is free again not counted."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def measurable() -> bool:
    """Whether memory can be measured here."""
    return STATM.exists() and hasattr(ctypes.CDLL(None), "malloc_trim")


def workers(exchanges: Sequence[bytes], decisions: int) -> None:
    """A worker in each mode, all at the same time, each in a process of its own, on as many different exchanges."""
    heading("memory of a worker with all policies")
    if not measurable():
        print("memory is measured on Linux with glibc only")
        return
    with tempfile.TemporaryDirectory() as name:
        sent = Path(name) / "exchanges.jsonl"
        sent.write_bytes(b"\n".join(exchanges))
        started = {
            mode: subprocess.Popen(
                [sys.executable, "-m", "tests.bench.memory", mode, str(sent), str(decisions)], stdout=subprocess.PIPE, text=True
            )
            for mode in MODES
        }
        for mode, process in started.items():
            told, _ = process.communicate()
            if process.returncode:
                sys.exit(f"the worker in mode {mode} ended with {process.returncode}")
            first, filled, last = json.loads(told)
            figure(f"{mode}, after its first decision", first, megabytes, WORKER)
            figure(f"  {FILLING:,} different decisions add", filled - first, megabytes)
            figure(f"  {decisions:,} more add", last - filled, megabytes, GROWTH)
            figure("  in the end", last, megabytes)


def forked_workers(exchanges: Sequence[bytes]) -> None:
    """
    Workers in mode `checked` that are forked from a parent with the policies, as the service forks them. They share one database.

    A figure is the memory of all of these processes, the parent's included, divided by the workers. A page that several processes share
    counts once.
    """
    heading("memory for each of several workers, with that of their parent")
    if not (measurable() and ROLLUP.exists()):
        print("shared memory is measured on Linux only")
        return
    with tempfile.TemporaryDirectory() as name:
        sent = Path(name) / "exchanges.jsonl"
        sent.write_bytes(b"\n".join(exchanges))
        for count in FORKED:
            arguments = [sys.executable, "-m", "tests.bench.memory", "checked", str(sent), str(FILLING), str(count)]
            process = subprocess.run(arguments, stdout=subprocess.PIPE, text=True, check=True)
            first, filled = json.loads(process.stdout)
            figure(f"checked, {count} workers, after their first decision", first, megabytes, WORKER)
            figure(f"  after {FILLING:,} different decisions each", filled, megabytes, WORKER)


def _forked(mode: str, sent: Path, decisions: int, count: int) -> list[float]:
    """MB for each of some workers after their first decisions, and after many, with those of this process, which forks them."""
    with tempfile.TemporaryDirectory() as name:
        return _forked_on(mode, Path(name), sent, decisions, count)


def _forked_on(mode: str, folder: Path, sent: Path, decisions: int, count: int) -> list[float]:
    """The same, with their database in a folder."""
    prepared = prepared_policies(Settings(watch=False, policies=engine.bundled_policies(), mode=mode))
    gc.collect()
    gc.freeze()
    pipes = [(multiprocessing.Pipe(), multiprocessing.Pipe()) for _ in range(count)]
    for (_, telling), (waiting, _) in pipes:
        if os.fork() == 0:
            with InProcess.opened(mode, folder, prepared) as service:
                create_app(service.service.settings, service.service)
                asked = different(_lines(sent))
                for many in (1, decisions):
                    _decide(service, asked, many)
                    resident()
                    telling.send(None)
                    waiting.recv()
                    telling.send(_share())
                    waiting.recv()
            os._exit(0)
    held = []
    for _ in range(2):
        for (told, _), _ in pipes:
            told.recv()
        own = _share()
        for _, (_, go) in pipes:
            go.send(None)
        held.append((own + sum(told.recv() for (told, _), _ in pipes)) / count)
        for _, (_, go) in pipes:
            go.send(None)
    for _ in pipes:
        os.wait()
    return held


def _share() -> float:
    """MB of this process, of a page that several share its share."""
    return next(int(line.split()[1]) for line in ROLLUP.read_text().splitlines() if line.startswith("Pss:")) / 1024


def _worker(mode: str, sent: Path, decisions: int) -> list[float]:
    with tempfile.TemporaryDirectory() as folder, InProcess.opened(mode, Path(folder)) as service:
        create_app(service.service.settings, service.service)
        asked = different(_lines(sent))
        held = []
        for many in (1, FILLING, decisions):
            _decide(service, asked, many)
            held.append(resident())
        return held


def _decide(service: InProcess, asked: Iterator[bytes], many: int) -> None:
    """An exchange that is refused, because its numbers contradict each other, counts as well."""
    for raw in islice(asked, many):
        try:
            service.answer(raw)
        except RequestRefused:
            continue


def _lines(file: Path) -> Iterator[bytes]:
    """The lines of a file, again and again; they are not held, for they would count."""
    while True:
        with file.open("rb") as lines:
            yield from lines


if __name__ == "__main__":
    mode, sent, decisions, *forked = sys.argv[1:]
    figures = _forked(mode, Path(sent), int(decisions), int(forked[0])) if forked else _worker(mode, Path(sent), int(decisions))
    print(json.dumps(figures))
