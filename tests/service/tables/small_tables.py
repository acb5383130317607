"""Tables for the tests of runs: rows of every outcome, and what a run makes of them with the small policies."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import engine
from engine.tables import read_mapping
from service.tables.manifest import RunManifest
from service.tables.run import RunRequest, decide_run
from service.tables.table_input import table_parts
from tests.engine.tables.small_policies import DAY, POLICY, VOCABULARY, bundle

BUNDLE = bundle()
MAPPING = b"map: {kind: data.categories}\nkey: number\n"
NAMES = ("number", "exporter.country", "data.personal", "kind", "counts.people", "evidence.contract")


def rows(count: int, seed: int = 1) -> list[tuple[str, ...]]:
    """Rows of texts, some of which no door lets in."""
    chance = random.Random(seed)
    contract = json.dumps({"dated": "2024-01-01", "covers": True})
    return [
        (
            f"n-{number}",
            chance.choice(["CN", "CN", "DE", "unknown", "", "Germny"]),
            chance.choice(["yes", "no", ""]),
            chance.choice(["weather", "genetic", '["health","weather"]', ""]),
            chance.choice(["5", "2000", ""]),
            chance.choice([contract, "none", ""]),
        )
        for number in range(count)
    ]


def write_csv(path: Path, found: Sequence[Sequence[str]], names: Sequence[str] = NAMES) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([names, *found])
    return path


def policies(folder: Path) -> Path:
    """The small policies as files."""
    folder.mkdir()
    (folder / "vocabulary.yaml").write_bytes(VOCABULARY)
    (folder / "law.yaml").write_bytes(POLICY)
    return folder


def run(table: Path, output: Path, **more: Any) -> RunManifest:
    """Decide a table."""
    settings: dict[str, Any] = {
        "explain": 0,
        "form": "" if table.is_dir() else output.suffix.lstrip(".").replace("arrows", "arrow"),
    }
    return decide_run(
        RunRequest(
            bundle=BUNDLE,
            parts=table_parts(table),
            output=output,
            folder=table.is_dir(),
            as_of=DAY,
            today=DAY,
            mapping=read_mapping(BUNDLE, "mapping.yaml", MAPPING),
            **(settings | more),
        )
    )


def outcomes(path: Path) -> dict[str, str]:
    """The outcome of each row of an output of JSON lines, by its key."""
    told = map(json.loads, path.read_text("utf-8").splitlines())
    return {each["key"]: each["outcome"] for each in told}


def judged(row: Sequence[str]) -> str:
    """What one row comes to by the door and the engines, without tables."""
    _, country, personal, kind, people, contract = row
    said: dict[str, Any] = {
        "exporter.country": country,
        "data.personal": {"yes": True, "no": False}.get(personal, ""),
        "data.categories": json.loads(kind) if kind.startswith("[") else [kind] if kind else "",
        "counts.people": int(people) if people else "",
    }
    document: dict[str, Any] = {}
    for name, value in said.items():
        if value != "":
            document = engine.with_fact_set(document, name, value)
    if contract:
        document["evidence"] = {"contract": json.loads(contract) if contract.startswith("{") else contract}
    try:
        exchange = engine.accept_exchange(BUNDLE, document)
    except engine.ExchangeRefused:
        return "problem"
    return PDP.judge(exchange, as_of=DAY).outcome.word


PDP = engine.PDP(BUNDLE, "reference")
