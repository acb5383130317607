"""
A hundred ordinary exchanges pass the door, and some law speaks of each. The table is `ordinary_exchanges.yaml`.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

import engine

PDP = engine.PDP(engine.load(engine.bundled_policies()), "bitset")
DAY = date(2026, 11, 30)
TABLE: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("ordinary_exchanges.yaml").read_text("utf-8"))


def written(row: dict[str, Any]) -> dict[str, Any]:
    """The exchange of a row, with what is usual."""
    said = dict(row)
    title, sender, receiver = said.pop("title"), said.pop("from"), said.pop("to")
    facts: dict[str, Any] = {
        "exporter.country": sender,
        "exporter.kind": "other-company",
        "exporter.role": "controller",
        "exporter.sectors": ["other"],
        "exporter.organised_in": [sender],
        "exporter.controlled_from": [sender],
        "exporter.targets": [],
        "recipient.country": receiver,
        "recipient.kind": "other-company",
        "recipient.role": "controller",
        "recipient.relation": "unrelated",
        "recipient.organised_in": [receiver],
        "recipient.controlled_from": [receiver],
        "recipient.listed_on": [],
        "data.kind": "dataset",
        "data.source": "self-produced",
        "data.lawful_source": True,
        "data.grades": [],
        "data.controls": [],
        "data.collected_in": [sender],
        "data.stored_in": [sender],
        "data.people_in": [sender] if said["data.personal"] else [],
        **({"data.state": "identified"} if said["data.personal"] else {}),
        "act.kind": "provide",
        "act.trigger": "own",
        "act.evades": False,
        "act.bars": [],
        "act.security_concern": False,
        "act.ai_service": "none",
        "purpose.is": ["trade"],
        "purpose.end_use": ["civil"],
        **said,
    }
    document: dict[str, Any] = {}
    for name, value in facts.items():
        *path, last = name.split(".")
        group = document
        for step in path:
            group = group.setdefault(step, {})
        group[last] = value
    assert title
    return document


def test_there_are_a_hundred_of_them() -> None:
    """Each has a title of its own, and together they leave from at least thirty countries."""
    assert len({row["title"] for row in TABLE}) == len(TABLE) >= 100
    assert len({row["from"] for row in TABLE}) >= 30


@pytest.mark.parametrize("row", TABLE, ids=[row["title"] for row in TABLE])
def test_an_ordinary_exchange_passes_the_door_and_is_decided(row: dict[str, Any]) -> None:
    """It contradicts nothing; the answer is a permit, a refusal with a reason, or a question."""
    exchange = engine.accept_exchange(PDP.bundle, written(row))
    decided = PDP.judge(exchange, as_of=DAY)
    assert decided.outcome.word != "not_applicable"
    assert decided.outcome.word != "undetermined" or decided.open_facts
