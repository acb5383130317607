"""What the OpenAPI document says is what the service does: schemathesis asks for all of it, and checks every answer."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.service.conftest import Server

EXAMPLES = 25  # of each operation, beside those that its coverage phase makes for every keyword of a schema


@pytest.mark.timeout(200)
def test_every_answer_is_as_documented(server: Server, tmp_path: Path) -> None:
    """Every operation, every check; links between operations are followed. No 500, no status or shape that is not described."""
    command: list[str | Path] = [Path(sys.executable).with_name("schemathesis"), "run", f"{server.address}/openapi.json"]
    command[1:1] = ["--config-file", Path(__file__).with_name("schemathesis.toml")]
    options = ["--checks", "all", "--max-examples", str(EXAMPLES), "--seed", "20261125", "--no-color"]
    run = subprocess.run([*command, *options], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-20_000:] + run.stderr
    assert "Fuzzing" in run.stdout
    assert server.process.poll() is None
    assert server.events("internal") == []
