"""The programs that `make doors` installs are there."""

import os
import subprocess
from pathlib import Path

DOORS = Path(os.environ.get("DOORS", ".venv/doors"))


def test_envoy_runs() -> None:
    """Envoy says its version."""
    envoy = DOORS / "python" / "bin" / "envoy"
    assert "1.40.0" in subprocess.run([envoy, "--version"], capture_output=True, text=True, check=True).stdout
