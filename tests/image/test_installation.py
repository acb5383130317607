"""`pip install` in an empty environment of Python 3.13 or newer gives a program that works, without a flag for the compiler."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROBE = """
import os, sys, sysconfig, venv
sys.exit(sys.version_info < (3, 13) or not os.path.exists(sysconfig.get_path("include") + "/Python.h"))
"""
EXCHANGE = ROOT / "policies" / "examples" / "staff-data-shanghai-munich.json"


def newer_python() -> str:
    """A Python of 3.13 or newer with its headers; the test is skipped where there is none."""
    for name in ("/usr/bin/python3", "python3.13", "python3.14", sys.executable):
        found = shutil.which(name)
        if found and not subprocess.run([found, "-c", PROBE], capture_output=True, check=False).returncode:
            return found
    pytest.skip("there is no Python 3.13 or newer with its headers")


def test_a_newer_python_needs_no_flag_for_the_compiler(tmp_path: Path) -> None:
    """Both engines are there and decide, and pip finds nothing missing."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("CPPFLAGS", "CFLAGS", "FIFTHFACTOR_", "PYTHON"))
    }

    def run(*command: str | Path) -> str:
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode in (0, 1), done.stderr
        assert "warning: durable" not in done.stderr
        return done.stdout

    run(newer_python(), "-m", "venv", "installed")
    programs = tmp_path / "installed" / "bin"
    run(programs / "pip", "install", "--quiet", "--disable-pip-version-check", "--no-cache-dir", ROOT)
    assert run(programs / "pip", "check") == "No broken requirements found.\n"
    assert "\nsound: " in run(programs / "fifthfactor", "check", "bundled")
    decided = json.loads(run(programs / "fifthfactor", "evaluate", "--json", EXCHANGE))
    assert decided["engine"]["engines"] == ["bitset", "durable"]
    assert decided["engine"]["agreed"] is True
