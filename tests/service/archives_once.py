"""
The archive of the bundled policies, which is written and read once a process: each new database keeps the policies that decide, and
whoever verifies one reads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from service.policies import archive
from tests.read_once import MANY

_WRITE, _READ = archive.write, archive.read
_LARGE = 1 << 20  # bytes, which only the archive of the bundled policies has
_written: dict[frozenset[tuple[str, bytes]], bytes] = {}


def once() -> None:
    """From now on this process writes and reads the archive of the bundled policies once."""
    archive.write, archive.read = _once, _read


def _once(sources: Mapping[str, bytes]) -> bytes:
    if len(sources) < MANY:
        return _WRITE(sources)
    files = frozenset(sources.items())
    if files not in _written:
        _written.clear()
        _written[files] = _WRITE(sources)
    return _written[files]


def _read(archive: bytes) -> dict[str, bytes]:
    return _READ(archive) if len(archive) < _LARGE else dict(_large(archive))


@lru_cache(maxsize=2)
def _large(archived: bytes) -> dict[str, bytes]:
    return _READ(archived)
