"""
The examples of `service/docs/tables-in-python.md` with pandas, Polars, DuckDB and PyArrow run as written, and all come to the same.

`make test-tables` installs the libraries, and `.ci/run` runs it. In `make test` the example of one that is not installed is passed over.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import Any

import pytest

from tests.pages import Block, blocks

PAGE = "service/docs/tables-in-python.md"
LIBRARIES = ("pandas", "polars", "duckdb", "pyarrow")
EXAMPLES = {
    library: block
    for block in blocks(PAGE)
    if block.kind == "python tables"
    for library in LIBRARIES
    if f"import {library}" in block.text
}
ALL = "EVERY_LIBRARY_OF_TABLES"  # set where all are installed: then none is passed over
MISSING = [library for library in LIBRARIES if find_spec(library) is None]


def ran(block: Block) -> dict[str, Any]:
    """The names that an example leaves behind."""
    found: dict[str, Any] = {}
    exec(compile(block.text, str(block), "exec"), found)
    return found


def test_every_library_has_an_example_of_ten_lines() -> None:
    """And no block of the page is left over."""
    assert set(EXAMPLES) == set(LIBRARIES)
    assert len([block for block in blocks(PAGE) if block.kind == "python tables"]) == len(LIBRARIES)
    lines = [line for block in EXAMPLES.values() for line in block.text.splitlines() if line.strip()]
    assert len(lines) <= 10 * len(LIBRARIES)


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_example_runs_as_written(library: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What it asserts holds, it prints something, and the rows are those of every other library."""
    if library in MISSING and ALL not in os.environ:
        pytest.skip(f"{library} is not installed: `make test-tables`")
    decided = ran(EXAMPLES[library])["decided"]
    assert capsys.readouterr().out
    assert decided.counts == {"undetermined": 2}
    assert decided.problems == []
    missing = [value for chunk in decided.table.column("missing").chunks for value in chunk.to_pylist()]
    assert len(missing) == 2
    assert all(each.startswith('["') for each in missing)
