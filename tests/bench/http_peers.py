"""
Our service and other engines over HTTP, in one run: the same made-up rules and exchanges, one worker each, a durable record each.

Ours is the real service with the rules as files. The others are behind the same server library with the same log (`peer_server`). First
every server answers some exchanges, and each answer is compared with the reference's. Then all are asked in turn.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from engine.backends.reference import Reference
from engine.values.outcome_levels import Bounds, Level
from engine.verdict import numbers
from tests.bench.endpoint import FORGETFUL
from tests.bench.figures import Goal, figure, heading, times
from tests.bench.http_load import CONNECTIONS, Load, in_turn, post, printing_port
from tests.bench.peers import Opa, Peer, ZenExpression, policies
from tests.bench.rules import ALL_PRESENT, DAY, SCOPED, Setting, Workload, workload, written
from tests.bench.whole_decisions import MODES
from tests.service.conftest import ROOT, running

SIZES = (100, 1000)
SETTINGS = (ALL_PRESENT, SCOPED)
OTHERS: tuple[type[Peer], ...] = (Opa, ZenExpression)
CHECKED_ANSWERS = 50
GOAL, GOAL_SIZE = Goal(3, 6), 1000  # of ours against OPA
LEVELS = {level.word: level for level in Level}


@dataclass(frozen=True, slots=True)
class Stands:
    """The keys of the rules that stand, and the strictest level."""

    rules: frozenset[str]
    level: Level


def main() -> None:
    """Compare in each setting and size. Exits with 1 where an answer is wrong."""
    others = [make for make in OTHERS if _installed(make)]
    for setting in SETTINGS:
        for size in SIZES:
            _report(setting, size, _measured(workload(setting, size), others))


def _installed(make: type[Peer]) -> bool:
    try:
        make(policies(workload(ALL_PRESENT, 1, exchanges=0).bundle.rules, DAY), complete=True)
    except (ImportError, OSError) as error:  # a shared library that does not load is an OSError
        print(f"{make.name} is left out over HTTP: it is not installed for this Python ({error})", flush=True)
        return False
    return True


def _measured(work: Workload, others: Sequence[type[Peer]]) -> list[Load]:
    requests = [post("/v1/evaluate", json.dumps(document).encode()) for document in work.documents]
    with tempfile.TemporaryDirectory() as name, ExitStack() as servers:
        folder = Path(name)
        rules = folder / "policies"
        rules.mkdir()
        for file, text in written(work.setting, work.size).items():
            (rules / file).write_bytes(text)
        loads: list[Load] = []
        for mode in MODES:
            for kind, module in (("", "service.cli"), (", nothing hits", FORGETFUL)):
                database = folder / f"{mode}{len(loads)}.db"
                server = servers.enter_context(running(database, "--policies", str(rules), "--mode", mode, module=module))
                loads.append(Load(f"{mode}{kind}", server.port, server.process.pid, requests))
        for make in others:
            command = ("-m", "tests.bench.peer_server", make.name, work.setting.name, str(work.size))
            port, pid = servers.enter_context(printing_port(*command, str(folder / f"{len(loads)}.db"), folder=ROOT))
            loads.append(Load(make.name, port, pid, requests))
        _check(work, loads)
        in_turn(loads, rounds=4)
    return loads


def _check(work: Workload, loads: Sequence[Load]) -> None:
    """Every server gives the reference's answers; every fact is present, so all of them are settled."""
    reference = Reference(work.bundle.rules)
    keys = [rule.key for rule in work.bundle.rules.rules]
    for document, exchange in list(zip(work.documents, work.exchanges, strict=True))[:CHECKED_ANSWERS]:
        verdict = reference.evaluate(exchange, DAY)
        assert verdict.stands.certain == verdict.stands.possible
        level = max(Level.PERMITTED, Bounds.over(verdict.jurisdictions.values()).high)
        right = Stands(frozenset(keys[number] for number in numbers(verdict.stands.certain)), level)
        for load in loads:
            if (given := _asked(load.port, document)) != right:
                sys.exit(f"{load.name}, {work.setting.name}, {work.size} rules: {given} where the reference says {right}")


def _asked(port: int, document: Mapping[str, Any]) -> Stands:
    """What a server answers: a peer in its answer, ours in its record, which names every rule."""
    answer = httpx.post(f"http://127.0.0.1:{port}/v1/evaluate", json=document).raise_for_status().json()
    if "matched" in answer:
        return Stands(frozenset(answer["matched"]), LEVELS[answer["outcome"]])
    found = httpx.get(f"http://127.0.0.1:{port}/v1/decisions/{answer['id']}").raise_for_status().json()
    verdict = found["record"]["verdict"]
    levels = (LEVELS[high] for place, (_, high) in verdict["bounds"].items() if place)
    # To a peer, a law that does not apply is as one that applies and asks for nothing.
    return Stands(frozenset([*verdict["stands"], *verdict["advises"]]), max((Level.PERMITTED, *levels)))


def _report(setting: Setting, size: int, loads: Sequence[Load]) -> None:
    heading(f"HTTP, {CONNECTIONS} connections, {setting.name}, {size} rules; answers agree", "answers/s", "by CPU time")
    peer = next((load for load in loads if load.name == Opa.name), None)
    for load in loads:
        if peer is None:
            figure(load.name, load.rate, lambda rate: f"{rate:,.0f}/s")
            continue
        name = load.name if load is peer else f"{load.name} against {peer.name}"
        goal = GOAL if load.name in MODES and size == GOAL_SIZE else None
        figure(name, load.against(peer), times, goal, f"{load.rate:,.0f}", times(load.against_by_cpu(peer)))
