"""
The OpenAPI document: as its readers see it, and as schemathesis does, which asks for all that it describes and checks every answer.
"""

import os
import re
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

from tests.chance import seed, share, tried
from tests.service.conftest import ROOT, Server

SETTINGS = Path(__file__).parent / "schemathesis.toml"
SEED = 20261125
A_START = 10  # seconds, in which schemathesis reads the document
# As its command does, but cycles are looked for less often, as in the tests.
SCHEMATHESIS = (
    "import gc; gc.set_threshold(20_000, 10, 10); import tests.service.whole_numbers;"
    " from schemathesis.cli import schemathesis; schemathesis()"
)


def resolved(document: dict[str, Any]) -> dict[str, Any]:
    """The document with the shared answers and parameters in the place of the references to them."""

    def found(each: dict[str, Any]) -> dict[str, Any]:
        if each.keys() != {"$ref"}:
            return each
        _, components, kind, name = each["$ref"].split("/")
        shared: dict[str, Any] = document[components][kind][name]
        return shared

    for methods in document["paths"].values():
        for operation in methods.values():
            operation["responses"] = {status: found(each) for status, each in operation["responses"].items()}
            if "parameters" in operation:
                operation["parameters"] = list(map(found, operation["parameters"]))
    return document


def ask_for_all(server: Server, folder: Path, bearer: str, number: int, *options: str) -> str:
    """
    Ask with so many examples an operation, and then for more of them until the share of the time is over, if it has an end.

    Returns what was found out. What schemathesis writes, it writes into `folder`.
    """
    # The document is made for its first reader. Schemathesis waits ten seconds for it, too few where much else runs.
    with urllib.request.urlopen(f"{server.address}/openapi.json", timeout=120) as document:
        document.read()
    told = _asked(server, folder, bearer, number, seed(SEED), *options)
    if (left := share()) is not None and left > A_START:
        more = ("--phases", "fuzzing,stateful", "--max-time", f"{left - A_START:.0f}")
        told += _asked(server, folder, bearer, number, seed(SEED) + 1, *options, *more)
    generated = sum(int(each.replace(",", "")) for each in re.findall(r"([\d,]+) generated", told))
    tried(generated, 0, wanted=generated + (left is not None))
    return told


def _asked(server: Server, folder: Path, bearer: str, number: int, seed: int, *options: str) -> str:
    command = [
        *(sys.executable, "-c", SCHEMATHESIS),
        *("--config-file", str(SETTINGS), "run", f"{server.address}/openapi.json"),
        *("--header", f"Authorization: Bearer {bearer}", "--checks", "all", "--no-color", "--request-timeout", "120"),
        *("--max-examples", str(number), "--seed", str(seed), *options),
    ]
    # Hypothesis makes tables of all characters, which takes seconds, and keeps them in a folder for the next time.
    environment = {**os.environ, "HYPOTHESIS_STORAGE_DIRECTORY": str(ROOT / ".hypothesis"), "PYTHONPATH": str(ROOT)}
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment)
    assert run.returncode == 0, run.stdout[-20_000:] + run.stderr
    return run.stdout
