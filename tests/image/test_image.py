"""The image is small, holds the version of this checkout, runs without a place to write but its data, decides, and stops in time."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from tests.free_port import free_port
from tests.image.mounted_image import MountedImage, buildah, mounted
from tests.service.deploy.canaries import CANARIES, checkout_with_canaries, listed_files
from tests.service.deploy.ignored_files import goes_in

ROOT = Path(__file__).resolve().parents[2]
IMAGE = os.environ["IMAGE"]
MOST_BYTES = 250_000_000
EXCHANGE = ROOT / "policies" / "examples" / "staff-data-shanghai-munich.json"


@pytest.fixture(scope="module")
def image() -> Iterator[MountedImage]:
    """The image, mounted."""
    with mounted(IMAGE) as image:
        yield image


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder for the data, which only the image's user can read."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    return folder


def version() -> str:
    """The version of the checkout."""
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"])


def test_it_is_small() -> None:
    """Under 250 MB, as Buildah counts its files."""
    (listed,) = [
        each for each in json.loads(buildah("images", "--json")) if f"localhost/{IMAGE}:latest" in (each["names"] or ())
    ]
    number, unit = listed["size"].split()
    assert float(number) * {"KB": 1e3, "MB": 1e6, "GB": 1e9}[unit.upper()] < MOST_BYTES, listed["size"]


def test_it_holds_what_it_needs_and_no_tools(image: MountedImage) -> None:
    """No pip, no compiler, no page, no test of a package; the health check, the port and the user are those that the files say."""
    names = {each.name for folder in ("opt/venv/bin", "usr/bin", "usr/local/bin") for each in (image.root / folder).glob("*")}
    assert {"fifthfactor", "python"} <= names
    assert not {name for name in names if re.fullmatch(r"pip3?|gcc.*|cc|ld|apt|apt-get|dpkg|curl|wget|perl", name)}
    packages = next((image.root / "opt/venv/lib").glob("python3*/site-packages"))
    assert not list(packages.glob("*/tests"))
    assert not list(packages.glob("service/**/*.md"))
    assert not (packages / "service" / "deploy").exists()
    assert image.config["User"] == "10001:10001"
    assert image.config["Healthcheck"]["Test"][0] == "CMD"
    assert image.config["StopSignal"] == "SIGTERM"
    assert list(image.config["ExposedPorts"]) == ["8080/tcp"]
    assert list(image.config["Volumes"]) == ["/data"]
    assert image.config["Labels"]["org.opencontainers.image.version"] == version()


def test_it_is_of_this_version(image: MountedImage, data: Path) -> None:
    """The package is installed in it, so the engine has its real version."""
    printed = subprocess.run(
        image.command(data, ["fifthfactor", "--version"]), check=True, capture_output=True, text=True
    ).stdout
    assert printed == f"fifthfactor {version()}\n"


def test_it_answers_with_a_root_that_nobody_can_write(image: MountedImage, data: Path) -> None:
    """A key is made, the health check passes, an exchange is decided by two engines, and SIGTERM ends it within its drain."""
    entry, port = image.config["Entrypoint"], str(free_port())
    variables = {"FIFTHFACTOR_HOSTS": "gate.example.org", "FIFTHFACTOR_PORT": port, "FIFTHFACTOR_WORKERS": "2"}
    create = image.command(data, [*entry, "keys", "create", "--name", "gateway", "--scope", "evaluate"], **variables)
    made = subprocess.run(create, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    (key,) = re.findall(r"ff_\S+", made.stdout)
    probe = image.command(data, image.config["Healthcheck"]["Test"][1:], **variables)
    assert subprocess.run(probe, capture_output=True, check=False).returncode != 0

    serve = image.command(data, [*entry, *image.config["Cmd"]], **variables)
    with subprocess.Popen(serve, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr
            started = next(json.loads(line) for line in process.stderr if '"event": "started"' in line)
            assert (started["engine"], started["mode"]) == (version(), "checked")
            assert subprocess.run(probe, capture_output=True, check=False).returncode == 0
            asked = [
                "curl",
                "--silent",
                "--show-error",
                "--fail",
                "--header",
                "Content-Type: application/json",
                "--data",
                f"@{EXCHANGE}",
            ]
            asked += [
                "--header",
                f"Authorization: Bearer {key}",
                "--header",
                "Host: gate.example.org",
                f"http://127.0.0.1:{port}/v1/evaluate",
            ]
            answer = json.loads(subprocess.run(asked, check=True, capture_output=True).stdout)
            assert answer["proceed"] is False
            assert answer["engine"]["agreed"] is True
            assert (answer["engine"]["version"], answer["engine"]["mode"]) == (version(), "checked")
            with pytest.raises(OSError, match="Unauthorized"):
                urlopen(Request(f"http://127.0.0.1:{port}/v1/evaluate", b"{}", {"Host": "gate.example.org"}), timeout=60)
            drain = float(dict(each.split("=", 1) for each in image.config["Env"])["FIFTHFACTOR_DRAIN_SECONDS"])
            (child,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            (service,) = Path(f"/proc/{child}/task/{child}/children").read_text().split()
            before = time.monotonic()
            os.kill(int(service), signal.SIGTERM)
            assert process.wait(60) == 0
            assert drain - 1 < time.monotonic() - before < drain + 15
        finally:
            process.kill()
    assert {"fifthfactor.db", "fifthfactor.db.log-key"} <= {each.name for each in data.iterdir()}


def test_nothing_secret_goes_into_the_build(tmp_path: Path) -> None:
    """Buildah itself is given a checkout with a database, keys, secrets and environments in it: of these it copies nothing."""
    checkout = checkout_with_canaries(ROOT, tmp_path / "checkout")
    (tmp_path / "Containerfile").write_text("FROM scratch\nCOPY . /\n")
    name = "localhost/fifthfactor-build-context"
    buildah(
        "build", "--quiet", "--isolation", "chroot", "--file", str(tmp_path / "Containerfile"), "--tag", name, str(checkout)
    )
    container = buildah("from", "--pull=never", name)
    try:
        root = Path(buildah("mount", container))
        copied = {each.relative_to(root).as_posix() for each in root.rglob("*") if each.is_file() or each.is_symlink()}
    finally:
        buildah("rm", container)
        buildah("rmi", name)
        shutil.rmtree(checkout)
    assert copied & set(CANARIES) == set()
    # What the rules of `tests/service/deploy/test_build_context.py` let in, file by file.
    assert copied == {name for name in listed_files(ROOT) if goes_in(name)}
