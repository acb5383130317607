"""
The versions that decisions are made under: of the engine, which every decision and record carries, and of the semantics (semantics 5.5).

The semantics have a number of their own. It grows when the same policies may decide otherwise, or when `check` refuses more.
"""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, version

try:
    VERSION = version("fifthfactor")
except PackageNotFoundError:  # run from a checkout that is not installed
    VERSION = "1.0.0+checkout"

SEMANTICS = 3
# The engines of semantics 1 and 2, whose bundles may name none.
_BEFORE_NUMBERS = re.compile(r"0\.[0-2]\.")
_SECOND = re.compile(r"0\.[3-9]\.")


def semantics_of(version: str) -> int:
    """The semantics of the engine of a version, for bundles that name none."""
    return 1 if _BEFORE_NUMBERS.match(version) else 2 if _SECOND.match(version) else SEMANTICS


def shape_of(semantics: int) -> int:
    """The shape of the exchanges that were read under a version of the semantics, where they name none: shape 2 came with version 3."""
    return 1 if semantics < 3 else 2
