"""
The archive of the bundled policies, which is written once a process: each new database keeps the policies that decide.
"""

from __future__ import annotations

from collections.abc import Mapping

from service.policies import archive
from tests.read_once import MANY

_WRITE = archive.write
_written: dict[frozenset[tuple[str, bytes]], bytes] = {}


def once() -> None:
    """From now on this process writes the archive of the bundled policies once."""
    archive.write = _once


def _once(sources: Mapping[str, bytes]) -> bytes:
    if len(sources) < MANY:
        return _WRITE(sources)
    files = frozenset(sources.items())
    if files not in _written:
        _written.clear()
        _written[files] = _WRITE(sources)
    return _written[files]
