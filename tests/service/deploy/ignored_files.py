"""
Which files `.dockerignore` lets into the build of an image, by the rules of Docker and Buildah.

`tests/image` compares them with Buildah's own.
"""

from __future__ import annotations

import fnmatch

from tests.service.conftest import ROOT


def patterns() -> list[tuple[bool, tuple[str, ...]]]:
    """The patterns of `.dockerignore` in order: whether they take in again, and their parts."""
    lines = [line.strip() for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines()]
    return [(line.startswith("!"), tuple(line.lstrip("!").split("/"))) for line in lines if line and not line.startswith("#")]


def matches(parts: tuple[str, ...], pattern: tuple[str, ...]) -> bool:
    """Whether a pattern names a path or a folder above it; `**` stands for any number of folders."""
    if not pattern:
        return True
    if pattern[0] == "**":
        return any(matches(parts[skipped:], pattern[1:]) for skipped in range(len(parts)))
    return bool(parts) and fnmatch.fnmatchcase(parts[0], pattern[0]) and matches(parts[1:], pattern[1:])


def goes_in(path: str) -> bool:
    """The last pattern that names a path decides, as Docker and Buildah have it."""
    parts, inside = tuple(path.split("/")), True
    for again, pattern in patterns():
        if matches(parts, pattern):
            inside = again
    return inside
