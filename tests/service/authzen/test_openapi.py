"""What the OpenAPI document says of access requests holds where they are decided: schemathesis asks, and checks every answer."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.service.authzen.conftest import WORKPLACE
from tests.service.callers.test_callers import make
from tests.service.conftest import ROOT, running

EXAMPLES = 15  # of each operation, beside those that its coverage phase makes for every keyword of a schema


@pytest.mark.timeout(200)
def test_every_answer_is_as_documented(tmp_path: Path) -> None:
    """Every check, on a real server with the policies of the other domain; no 500."""
    key = make(str(tmp_path / "log.db"), "evaluate", now=datetime.now(UTC))
    with running(tmp_path / "log.db", "--policies", str(WORKPLACE)) as server:
        command = [str(Path(sys.executable).with_name("schemathesis"))]
        command += [
            "--config-file",
            str(ROOT / "tests" / "service" / "schemathesis.toml"),
            "run",
            f"{server.address}/openapi.json",
        ]
        command += ["--header", f"Authorization: Bearer {key}"]
        command += ["--include-path-regex", "/access/|/.well-known/", "--checks", "all"]
        command += ["--max-examples", str(EXAMPLES), "--seed", "20261125", "--no-color"]
        run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stdout[-20_000:] + run.stderr
        assert server.events("internal") == []
