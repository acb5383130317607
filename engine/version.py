"""The version of the engine, which every decision and record carries."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

try:
    VERSION = version("fifthfactor")
except PackageNotFoundError:  # run from a checkout that is not installed
    VERSION = "0.3.0+checkout"
