"""
durable-rules for Python 3.13 and newer: compiled while a wheel of Fifth Factor is built, also for an editable installation.

durable-rules 2.0.28 is C code of 2020 and calls `PyEval_CallObject`, which Python 3.13 removed. Built as it comes, it cannot be imported;
gcc 14 does not even build it. A package cannot ask pip to pass a flag to the compiler of another package. So this hook asks pip for
durable-rules, in the version and with the hash of the lock file, built with the name that the function has in every Python, and the wheel
carries the module.
Below 3.13 it builds nothing, and durable-rules is a dependency like any other.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

LOCK = Path(__file__).resolve().parents[2] / "requirements.lock"
MODULE = "durable_rules_engine"
RENAMED = "-DPyEval_CallObject=PyObject_CallObject"
COMES_BUILT = sys.version_info >= (3, 13)


def pinned(lock: str) -> str:
    """durable-rules with its version and hashes, as a lock file has it, for every Python."""
    found = re.search(r"^durable-rules==\S+(?P<marker> ;[^\\\n]*)?(?: \\\n +--hash=\S+)+", lock, re.MULTILINE)
    if found is None:
        raise RuntimeError("the lock file does not pin durable-rules by a hash")
    return found[0].replace(found["marker"] or "", "", 1)


def built(folder: Path) -> Path:
    """The module for this Python. What this Python has already is taken; else pip builds it in a folder. Raises RuntimeError."""
    spec = importlib.util.find_spec(MODULE)
    if spec is not None and spec.origin and _imports(Path(spec.origin).parent):
        return Path(spec.origin)
    wanted = folder / "durable-rules.txt"
    wanted.write_text(pinned(LOCK.read_text("utf-8")) + "\n", "utf-8")
    wheel = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-cache-dir",
        "--no-build-isolation",
        "--require-hashes",
    ]
    flags = f"{os.environ.get('CPPFLAGS', '')} {RENAMED}".strip()
    done = subprocess.run(
        [*wheel, "--wheel-dir", str(folder), "--requirement", str(wanted)],
        env=os.environ | {"CPPFLAGS": flags},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(
            "durable-rules is compiled from C, and this failed. It needs a C compiler and Python.h (Debian, Ubuntu: apt-get install gcc"
            f" python3-dev), and pip must reach its index. pip says:\n{done.stderr}"
        )
    (packed,) = folder.glob("durable_rules-*.whl")
    with zipfile.ZipFile(packed) as files:
        files.extractall(folder / "unpacked")
    (module,) = (folder / "unpacked").glob(f"{MODULE}*")
    if not _imports(module.parent):
        raise RuntimeError(f"durable-rules was compiled for {sys.executable} and cannot be imported there")
    return module


def _imports(folder: Path) -> bool:
    """Whether a process of its own imports the module from a folder."""
    program = f"import sys; sys.path.insert(0, sys.argv[1]); import {MODULE}"
    return not subprocess.run(
        [sys.executable, "-I", "-S", "-c", program, str(folder)], capture_output=True, check=False
    ).returncode


class WheelHook(BuildHookInterface):  # type: ignore[type-arg]
    """What hatchling calls before and after it packs a wheel."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """
        Put the module beside the packages, with its licence.

        A wheel with it is for this Python and this platform. One without it is for the Pythons that install durable-rules by themselves.
        """
        self._folder = Path(tempfile.mkdtemp(prefix="fifthfactor-wheel-"))
        if not COMES_BUILT:
            build_data["tag"] = "cp311.cp312-none-any"
            return
        module = built(self._folder)
        build_data["pure_python"], build_data["infer_tag"] = False, True
        build_data["force_include_editable" if version == "editable" else "force_include"][str(module)] = module.name
        for licence in sorted((self._folder / "unpacked").rglob("LICENSE*")):
            build_data["extra_metadata"][str(licence)] = f"durable-rules-{licence.name}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove what was built: it is in the wheel."""
        shutil.rmtree(self._folder, ignore_errors=True)
