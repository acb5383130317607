"""
The folder in which the tests of `fifthfactor diff` run.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.service.cli.differing_bundles import NEW, OLD, folder


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which the command runs, with `old` and `new` in it."""
    folder(tmp_path / "old", OLD)
    folder(tmp_path / "new", NEW)
    monkeypatch.chdir(tmp_path)
    return tmp_path
