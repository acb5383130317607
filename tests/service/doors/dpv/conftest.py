"""What the tests of DPV share: the bundled policies, and documents in Turtle."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest

import engine
from service.doors.dpv.record_reading import DpvReading, read_records
from service.doors.dpv.term_table import PREFIXES, DpvTable
from service.doors.graphs import TURTLE, read_graph

HEAD = (
    "".join(f"@prefix {prefix}: <{namespace}> .\n" for prefix, namespace in PREFIXES.items())
    + "@prefix ex: <https://example.org/> .\n"
)


@cache
def bundled() -> engine.Bundle:
    """The policies of the project, with their tests."""
    return engine.load(engine.bundled_policies())


@pytest.fixture(scope="session")
def table() -> DpvTable:
    """What DPV's terms mean under the bundled policies."""
    return DpvTable(bundled())


def readings(text: str, media_type: str = TURTLE) -> tuple[DpvReading, ...]:
    """The records of a document; the prefixes stand before it."""
    raw = (HEAD + text if media_type == TURTLE else text).encode()
    return read_records(read_graph(raw, media_type), DpvTable(bundled()))


def reading(text: str, media_type: str = TURTLE) -> DpvReading:
    """The one record of a document."""
    (found,) = readings(text, media_type)
    return found


def stated(exchange: Mapping[str, Any], fact: str) -> Any:
    """What an exchange states of a fact; None where it states nothing."""
    value: Any = exchange
    for step in fact.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value
