"""
The wheel installs in every Python with a durable-rules that works, or says at the start that it does not.

`tests/image` installs it in an empty environment of the Python that the image has, without a flag for the compiler.
"""

from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from service.deploy import wheel_hook
from tests.service.conftest import ROOT

NEWER = sys.version_info >= (3, 13)


def test_the_lock_file_pins_what_is_built() -> None:
    """durable-rules by its version and its hash, for every Python; without a hash nothing would be built."""
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    found = wheel_hook.pinned(lock)
    assert re.fullmatch(r"durable-rules==2\.0\.28 \\\n {4}--hash=sha256:[0-9a-f]{64}", found)
    with pytest.raises(RuntimeError, match="does not pin durable-rules by a hash"):
        wheel_hook.pinned(re.sub("--hash=.*", "", lock))


@pytest.mark.parametrize("form", ["standard", "editable"])
def test_a_wheel_brings_the_module_where_it_cannot_be_installed(form: str, tmp_path: Path) -> None:
    """A newer Python gets it with the wheel, for itself alone; an older one gets it as a dependency, and its wheel is for no newer one."""
    build = [sys.executable, "-m", "hatchling", "build", "--target", f"wheel:{form}", "--directory", str(tmp_path)]
    done = subprocess.run(build, cwd=ROOT, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.iterdir()
    with zipfile.ZipFile(wheel) as packed:
        names = packed.namelist()
        (metadata,) = [each for each in names if each.endswith("/METADATA")]
        needed = Parser().parsestr(packed.read(metadata).decode()).get_all("Requires-Dist") or []
    assert [each for each in needed if each.startswith("durable-rules")] == ["durable-rules==2.0.28; python_version < '3.13'"]
    assert (f"durable_rules_engine{sysconfig.get_config_var('EXT_SUFFIX')}" in names) is NEWER
    assert not [each for each in names if each.startswith("service/deploy")]
    assert ("engine/backends/durable/network.py" in names) is (form == "standard")
    # An editable wheel is made where it is installed, and hatchling names it as if it were for every Python.
    tag = f"cp{sys.version_info.major}{sys.version_info.minor}-" if NEWER else "cp311.cp312-none-any"
    assert form == "editable" or f"-{tag}" in wheel.name


def test_without_the_module_it_is_said_at_the_start(tmp_path: Path) -> None:
    """Importing the engine warns, the command line too, in one line, and the service does not begin to read policies."""
    (tmp_path / "durable_rules_engine.py").write_text("raise ImportError('undefined symbol: PyEval_CallObject')\n")
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": f"{tmp_path}:{ROOT}"}

    def said(*arguments: str) -> tuple[int, list[str]]:
        done = subprocess.run(
            [sys.executable, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stderr.splitlines()

    sentence = "durable-rules cannot be loaded (undefined symbol: PyEval_CallObject)"
    status, lines = said("-c", "import engine")
    assert status == 0
    assert sentence in lines[0]
    status, lines = said("-m", "service.cli", "facts", "salary")
    assert (status, len(lines)) == (0, 1)
    assert lines[0].startswith(f"warning: {sentence}")
    assert f"{sys.executable} -m pip install " in lines[0]
    status, lines = said("-m", "service.cli", "serve", "--policies", str(tmp_path / "none"), "--port", "0")
    assert (status, len(lines)) == (2, 2)
    assert lines[1].startswith(f"error: {sentence}")
    assert not list(tmp_path.glob("*.db"))
