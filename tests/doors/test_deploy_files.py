"""The file of Compose by the schema of Compose, and the unit by systemd itself."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.doors.installed_offline import ROOT

DEPLOY = ROOT / "service" / "deploy"
MOST_EXPOSED = 2.0  # of 10; systemd calls up to 2 safe enough for a service that many reach


def test_the_file_of_compose_is_of_the_schema_of_compose(tmp_path: Path) -> None:
    """The schema comes with check-jsonschema. A member that Compose does not know is a finding."""
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    done = subprocess.run([*check, DEPLOY / "compose.yaml"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    (tmp_path / "compose.yaml").write_text((DEPLOY / "compose.yaml").read_text("utf-8").replace("read_only:", "readonly:"))
    wrong = subprocess.run([*check, tmp_path / "compose.yaml"], capture_output=True, text=True, check=False)
    assert wrong.returncode == 1
    assert "readonly" in wrong.stdout


def test_the_unit_is_sound_and_exposes_little(tmp_path: Path) -> None:
    """With a program where the unit has one, systemd finds nothing wrong; a misspelt line is found."""
    text = (DEPLOY / "fifthfactor.service").read_text("utf-8").replace("/opt/fifthfactor/bin/fifthfactor", "/bin/true")
    (tmp_path / "fifthfactor.service").write_text(text)
    verify = ["systemd-analyze", "verify", "--man=no", str(tmp_path / "fifthfactor.service")]
    done = subprocess.run(verify, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    (tmp_path / "fifthfactor.service").write_text(text.replace("ProtectSystem=", "ProtectSytem="))
    assert "ProtectSytem" in subprocess.run(verify, capture_output=True, text=True, check=False).stderr
    security = ["systemd-analyze", "security", "--offline=true", "--no-pager", str(DEPLOY / "fifthfactor.service")]
    judged = subprocess.run(security, capture_output=True, text=True, check=False)
    (level,) = re.findall(r"Overall exposure level for fifthfactor.service: ([\d.]+)", judged.stdout)
    assert float(level) <= MOST_EXPOSED
