"""Schemathesis asks a server for all that its OpenAPI document describes, and checks every answer against it."""

import subprocess
import sys
from pathlib import Path

from tests.chance import examples, seed
from tests.service.conftest import Server

SETTINGS = Path(__file__).parent / "schemathesis.toml"
SEED = 20261125


def ask_for_all(server: Server, folder: Path, bearer: str, number: int, *options: str) -> str:
    """Ask with so many examples an operation; what was found out. What schemathesis writes, it writes into `folder`."""
    chosen = seed(SEED)
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        *("--config-file", str(SETTINGS), "run", f"{server.address}/openapi.json"),
        *("--header", f"Authorization: Bearer {bearer}", "--checks", "all", "--no-color"),
        *("--max-examples", str(examples(number)), *options),
        *(("--seed", str(chosen)) if chosen is not None else ()),
    ]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-20_000:] + run.stderr
    return run.stdout
