"""
Installing the project from its checkout as foreign programs do, with nothing fetched: what it needs is that of these tests.

pip builds and installs the project alone, without what it depends on; Python finds that beside it, by PYTHONPATH.
"""

from __future__ import annotations

import os
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
DOORS = Path(os.environ.get("DOORS", ROOT / ".venv" / "doors"))
PACKAGES = sysconfig.get_paths()["purelib"]


def environment(**more: str) -> dict[str, str]:
    """The environment of a program that installs the project."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("FIFTHFACTOR_", "GIT_", "PYTHON", "PIP_"))
    }
    offline = {"PIP_NO_INDEX": "1", "PIP_NO_DEPS": "1", "PIP_NO_BUILD_ISOLATION": "0"}  # "0" says that there is none
    who = {f"GIT_{role}_{part}": "tests@example.com" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}
    return {**kept, **offline, **who, "PYTHONPATH": os.pathsep.join((str(DOORS / "python"), PACKAGES)), **more}
