"""The client's own distribution: built, unpacked beside httpx and what httpx needs, and run there without the service."""

import json
import os
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import Distribution, distribution, requires
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from tests.service.client.conftest import answering, sends
from tests.service.conftest import EXCHANGE, ROOT
from tests.service.receipts.made import made_receipt

CLIENT = ROOT / "service" / "client"
ASKS = """
import asyncio, importlib, json, pkgutil, sys
sys.path[:0] = [sys.argv[1]]
import fifthfactor_client as client
for module in pkgutil.iter_modules(client.__path__):
    if module.name in ("ed25519", "receipts", "transparency"):  # which need the extra
        continue
    importlib.import_module(f"fifthfactor_client.{module.name}")
exchange = json.loads(sys.argv[3])
with client.Client(sys.argv[2]) as blocking:
    answers = [blocking.evaluate(exchange)]
async def ask():
    async with client.AsyncClient(sys.argv[2]) as waiting:
        answers.append(await waiting.evaluate(exchange))
asyncio.run(ask())
questions = [answer.questions[0].fact for answer in answers]
print(json.dumps([questions, sorted({name.partition(".")[0] for name in sys.modules})]))
"""
VERIFIES = """
import sys
sys.path[:0] = [sys.argv.pop(1), sys.argv.pop(1)]
from fifthfactor_client.receipts.terminal import main
ended = main(sys.argv[1:])
assert {"service", "engine", "fastapi", "pydantic", "sqlalchemy", "typer"}.isdisjoint(name.partition(".")[0] for name in sys.modules)
sys.exit(ended)
"""
ANSWER: dict[str, Any] = {
    "schema": "fifthfactor/decision/2",
    "id": "019ab3c4",
    "proceed": False,
    "answer": "Not decided",
    "outcome": "undetermined",
    "bounds": {"lowest": "permitted", "highest": "prohibited"},
    "as_of": EXCHANGE["as_of"],
    "hypothetical": True,
    "jurisdictions": [],
    "questions": [{"fact": "data.state", "question": "Are they identified?", "type": "data_state"}],
    "engine": {"agreed": True},
}


def project(folder: Path) -> dict[str, Any]:
    """What a distribution says of itself before it is built."""
    found: dict[str, Any] = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    return found


def needed(names: list[str]) -> dict[str, Distribution]:
    """The distributions that these requirements bring here, and all that those require."""
    found: dict[str, Distribution] = {}
    wanted = [Requirement(name) for name in names]
    while wanted:
        each = wanted.pop()
        if each.name not in found and (each.marker is None or each.marker.evaluate({"extra": ""})):
            found[each.name] = distribution(each.name)
            wanted += map(Requirement, requires(each.name) or ())
    return found


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the unpacked wheel and with what it requires, and nothing else."""
    built, site = tmp_path_factory.mktemp("built"), tmp_path_factory.mktemp("site")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(built)]
    subprocess.run(build, cwd=CLIENT, check=True, capture_output=True)
    (wheel,) = built.iterdir()
    assert wheel.name.endswith("-py3-none-any.whl")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(site)
    for each in needed(project(CLIENT)["project"]["dependencies"]).values():
        for top in {file.parts[0] for file in each.files or () if file.parts[0] not in ("..", "__pycache__")}:
            (site / top).symlink_to(str(each.locate_file(top)))
    return site


def test_it_needs_httpx_and_no_compiler():
    """What it brings are a few distributions of plain Python, none of them the server's."""
    brought = needed(project(CLIENT)["project"]["dependencies"])
    assert {"httpx", "httpcore"} <= brought.keys()
    assert len(brought) < 10
    for name, each in brought.items():
        assert "Root-Is-Purelib: true" in (each.read_text("WHEEL") or ""), f"{name} is compiled"


def test_its_version_and_its_python_are_those_of_the_service():
    """A client is of the version of the service whose answers it reads."""
    whole, client = project(ROOT)["project"], project(CLIENT)["project"]
    assert (client["version"], client["requires-python"]) == (whole["version"], whole["requires-python"])


def test_it_has_every_module_and_says_that_it_is_typed(site):
    """And nothing that is not the client's."""
    has = {file.name for file in (site / "fifthfactor_client").iterdir()}
    clients = {"asynchronous", "synchronous"}
    assert has == {*(file.name for file in CLIENT.glob("*.py")), *clients, "py.typed", "receipts", "transparency"}
    for folder in clients:
        modules = {file.name for file in (CLIENT / folder).glob("*.py")}
        assert {file.name for file in (site / "fifthfactor_client" / folder).iterdir()} == modules
    assert len(list(site.rglob("terminal.py"))) == 1
    assert list(site.glob("service")) == []


def test_installed_alone_it_asks_a_service(site, malicious, tmp_path):
    """Both clients, by their own name, in a Python that has nothing else to import."""
    server = malicious(sends(answering(ANSWER)))
    command = [sys.executable, "-I", "-S", "-B", "-c", ASKS, str(site), server.address, json.dumps(EXCHANGE)]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FIFTHFACTOR_")}
    done = subprocess.run(command, cwd=tmp_path, env=kept, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    questions, modules = json.loads(done.stdout)
    assert questions == ["data.state", "data.state"]
    assert "fifthfactor_client" in modules
    assert {"service", "engine", "fastapi", "durable", "pydantic", "sqlalchemy"}.isdisjoint(modules)
    assert len(server.heard) == 2


def test_installed_alone_with_its_extra_it_verifies_a_receipt(site, tmp_path):
    """With `cryptography`, and with nothing of the server or the engine; a changed byte is found."""
    (extra,) = project(CLIENT)["project"]["optional-dependencies"]["receipts"]
    brought = tmp_path / "extra"
    brought.mkdir()
    for each in needed([extra]).values():
        for top in {file.parts[0] for file in each.files or () if file.parts[0] not in ("..", "__pycache__")}:
            (brought / top).symlink_to(str(each.locate_file(top)))
    receipt, key = made_receipt()
    (tmp_path / "log.key").write_text(key.text())
    for content, status, says in (
        (receipt, 0, "Decision d-1 of 2026-11-27 10:00:00 UTC"),
        (receipt.replace(b"lab-2", b"lab-3"), 1, "refused: what is opened as `recipient` is not what stands in the leaf"),
        (b"{}", 1, "refused: the file is not a receipt"),
    ):
        (tmp_path / "receipt.json").write_bytes(content)
        command = [sys.executable, "-I", "-S", "-B", "-c", VERIFIES, str(site), str(brought)]
        command += ["verify", "receipt.json", "--key", "log.key"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert (done.returncode, says in done.stdout) == (status, True), done.stdout + done.stderr
