"""What the OpenAPI document says of access requests holds where they are decided: schemathesis asks, and checks every answer."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.service.authzen.conftest import WORKPLACE
from tests.service.conftest import ROOT, running

EXAMPLES = 15  # of each operation, beside those that its coverage phase makes for every keyword of a schema


@pytest.mark.timeout(200)
def test_every_answer_is_as_documented(tmp_path: Path) -> None:
    """Every check, on a real server with the policies of the other domain; no 500."""
    with running(tmp_path / "log.db", "--policies", str(WORKPLACE)) as server:
        command = [
            Path(sys.executable).with_name("schemathesis"),
            "--config-file",
            ROOT / "tests" / "service" / "schemathesis.toml",
        ]
        command += [
            "run",
            f"{server.address}/openapi.json",
            "--include-path-regex",
            "/access/|/.well-known/",
            "--checks",
            "all",
        ]
        command += ["--max-examples", str(EXAMPLES), "--seed", "20261125", "--no-color"]
        run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stdout[-20_000:] + run.stderr
        assert server.events("internal") == []
