"""
The container file, step by step without a container: its paths are there, and what its last stage would run, runs.

What its steps do to a system (apt-get, useradd) is shown where the image is built, by `make image` (`tests/image`).
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.free_port import free_port
from tests.service.conftest import ROOT, eventually

FILE = ROOT / "service" / "deploy" / "Containerfile"


def instructions() -> list[tuple[str, str]]:
    """Each instruction with what follows it, in order."""
    lines = FILE.read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    return [(line.partition(" ")[0], line.partition(" ")[2].strip()) for line in lines if line and not line.startswith("#")]


def of(name: str) -> list[str]:
    """What follows each instruction of a name."""
    return [rest for each, rest in instructions() if each == name]


def variables() -> dict[str, str]:
    """What the last stage sets."""
    return dict(pair.split("=", 1) for pair in shlex.split(of("ENV")[-1]))


def test_what_is_copied_is_there():
    """From the checkout in the first stage, from the first stage in the last, which runs nothing: it may have no shell."""
    copied = [shlex.split(rest) for rest in of("COPY")]
    made = {"/opt/venv", "/opt/data", "/etc/passwd", "/etc/group"}  # by python3 and useradd
    for *sources, _target in copied:
        if sources[0] == "--from=build":
            assert {each for each in sources[1:] if not each.startswith("--chown=")} <= made
        else:
            assert all((ROOT / each).exists() for each in sources)
    after = instructions()[[name for name, _ in instructions()].index("FROM") + 1 :]
    last = after[[name for name, _ in after].index("FROM") :]
    assert "RUN" not in {name for name, _ in last}


def test_packages_are_checked_by_their_hashes():
    """Those of the lock file, and no others."""
    packages, own = [rest for rest in of("RUN") if "$PIP install" in rest]
    assert "--require-hashes" in packages
    assert "--requirement /opt/requirements.lock" in packages
    assert "install --no-deps /opt/fifthfactor" in own


def test_it_runs_as_nobody_in_particular_and_holds_no_secret():
    """Not as root; no name of a setting that holds a secret has a value; the data are a volume."""
    assert of("USER") == ["10001:10001"]
    assert of("VOLUME") == ["/data"]
    assert not {name for name in variables() if re.search("KEY|PASSWORD|SECRET|TOKEN", name)}
    assert "://" not in variables()["FIFTHFACTOR_DATABASE"]
    assert not [rest for name, rest in instructions() if name in ("ADD", "COPY") and ("://" in rest or ".env" in rest)]


@pytest.fixture
def image(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """A folder with what the last stage holds of ours, and its variables; `/data` is in that folder."""
    for *sources, target in (shlex.split(rest) for rest in of("COPY")):
        if sources[0].startswith("--") or not target.startswith("/opt/fifthfactor/") or sources[0] == "pyproject.toml":
            continue
        # With what is compiled: each process would compile it again. What another one is just compiling has its last name in a moment.
        shutil.copytree(ROOT / sources[0], tmp_path / target.lstrip("/"), ignore=shutil.ignore_patterns("*.pyc.*"))
    (tmp_path / "data").mkdir(mode=0o700)
    found = {name: value.replace("/data", str(tmp_path / "data")) for name, value in variables().items()}
    more = {"FIFTHFACTOR_PORT": str(free_port()), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    return tmp_path, found | more | {"PYTHONPATH": str(tmp_path / "opt" / "fifthfactor")}


def test_it_starts_with_a_key_and_is_healthy(image):
    """Without a key it says what is missing; with one it answers the check of its health, and stops by its signal with 0."""
    folder, environment = image
    environment["FIFTHFACTOR_HOSTS"] = "gate.example.org"
    # The script that the package brings runs this module, of the folder here.
    assert json.loads(of("ENTRYPOINT")[0]) == ["fifthfactor"]
    entry = [sys.executable, "-m", "service.cli"]
    command = [*entry, *json.loads(of("CMD")[0])]
    data = folder / "data"
    without = subprocess.run(command, cwd=data, env=environment, capture_output=True, text=True, check=False)
    assert (without.returncode, without.stderr.count("\n")) == (2, 1), without.stderr
    assert "fifthfactor keys create" in without.stderr
    make = [*entry, "keys", "create", "--name", "gateway", "--scope", "evaluate"]
    subprocess.run(make, cwd=data, env=environment, capture_output=True, check=True)
    [check] = of("HEALTHCHECK")
    probe = json.loads(check.partition("CMD ")[2])
    assert of("EXPOSE") == [variables()["FIFTHFACTOR_PORT"]]
    environment["FIFTHFACTOR_DRAIN_SECONDS"] = "0"

    def healthy() -> bool:
        return subprocess.run(probe, env=environment, capture_output=True, check=False).returncode == 0

    assert not healthy()
    with subprocess.Popen(command, cwd=data, env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr
            # Until then each check would be a process in vain.
            assert any('"event": "started"' in line for line in process.stderr)
            eventually(healthy, 60)
            process.terminate()
            assert process.wait(60) == 0
        finally:
            process.kill()
    names = ["fifthfactor.db", "fifthfactor.db.log-key", "fifthfactor.db.log-key.checkpoint"]
    assert sorted(each.name for each in data.iterdir()) == names
