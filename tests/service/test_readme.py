"""Every example in the service's README is true."""

import json
import os
import re
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from service.problems import KINDS
from service.settings import PREFIX, Settings
from tests.service.conftest import ROOT, running

README = (ROOT / "service" / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```([\w ]+)\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def agrees(shown: Any, real: Any) -> bool:
    """Whether an excerpt shows what is there: `…` stands for any value, a member `…` for further members."""
    if shown == "…":
        return True
    if isinstance(shown, dict) and isinstance(real, dict):
        named = {key: value for key, value in shown.items() if key != "…"}
        complete = "…" in shown or named.keys() == real.keys()
        return complete and all(key in real and agrees(value, real[key]) for key, value in named.items())
    if isinstance(shown, list) and isinstance(real, list):
        return len(shown) == len(real) and all(map(agrees, shown, real))
    return type(shown) is type(real) and bool(shown == real)


@pytest.mark.skipif(shutil.which("curl") is None, reason="the examples are for curl")
def test_every_command_answers_what_is_shown(tmp_path):
    """The commands run in order on one server with its defaults; the record's is that of the first decision."""
    id = ""
    last_ids = {"DECISION": "", "COMMITMENT": ""}
    checked = 0
    with running(tmp_path / "fifthfactor.db", "--policies", str(ROOT / "policies")) as server:
        for (kind, command), (_, shown) in pairwise(BLOCKS):
            if kind != "sh" or not command.startswith("curl") or "$KEY" in command:
                continue
            answer = subprocess.run(
                ["bash", "-c", command.replace("http://localhost:8080", server.address)],
                env={**os.environ, "ID": id, **last_ids},
                capture_output=True,
                check=True,
            )
            assert agrees(json.loads(shown), json.loads(answer.stdout)), f"{command}\n{answer.stdout.decode()[:2_000]}"
            id = id or json.loads(answer.stdout).get("id", "")
            last = answer.stdout
            told = json.loads(last)
            if told.get("schema") == "fifthfactor/decision/1":
                last_ids["DECISION"] = told["id"]
            elif told.get("state") == "committed":
                last_ids["COMMITMENT"] = told["id"]
            checked += 1
        (client,) = [text for kind, text in BLOCKS if kind == "python client"]
        asked = subprocess.run(
            [sys.executable, "-c", client.replace("http://localhost:8080", server.address)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert asked.returncode == 0, asked.stderr
        assert asked.stdout.startswith("False "), asked.stdout
        assert "\nlocal\nRefused 400 exchange-refused" in asked.stdout
        assert asked.stdout.endswith("\nFalse\n")
    assert checked == sum(kind == "sh" and text.startswith("curl") and "$KEY" not in text for kind, text in BLOCKS)
    (program,) = [text for kind, text in BLOCKS if kind == "python"]
    (tmp_path / "decision.json").write_bytes(last)
    verified = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (verified.returncode, verified.stdout) == (0, "the record verifies\n"), verified.stderr


@pytest.mark.skipif(shutil.which("curl") is None, reason="the examples are for curl")
def test_a_key_is_made_and_used_as_shown(tmp_path):
    """The commands under "Who may call", in order: without the key nothing is answered, with it everything is."""
    section = README.partition("## Who may call")[2].partition("\n## ")[0]
    make, use = re.findall(r"^```sh\n(.*?)^```", section, re.DOTALL | re.MULTILINE)
    environment = {**os.environ, "FIFTHFACTOR_DATABASE": str(tmp_path / "fifthfactor.db"), "PYTHONPATH": str(ROOT)}
    make = make.replace("fifthfactor", f"{sys.executable} -m service.cli", 1)
    key = subprocess.run(["bash", "-c", make], env=environment, capture_output=True, text=True, check=True).stdout.strip()
    with running(tmp_path / "fifthfactor.db") as server:
        use = use.replace("http://localhost:8080", server.address)
        for given, answered in ((key, "facts"), ("ff_no", "title")):
            answer = subprocess.run(["bash", "-c", use], env={**os.environ, "KEY": given}, capture_output=True, check=True)
            assert answered in json.loads(answer.stdout)


def test_every_kind_of_problem_is_listed():
    """With its status, and no other."""
    rows = re.findall(r"^\| `([a-z-]+)` \| (\d{3}) \|", README, re.MULTILINE)
    assert {kind: int(status) for kind, status in rows} == {kind: status for kind, (status, _) in KINDS.items()}


def test_every_setting_is_listed_with_its_default():
    """The table is the model's."""
    rows = dict(re.findall(rf"^\| `{PREFIX}([A-Z_]+)` \| [^|]*\| ([^|]*) \|", README, re.MULTILINE))
    assert [name.lower() for name in rows] == list(Settings.model_fields)
    for name, field in Settings.model_fields.items():
        if name != "policies":
            assert rows[name.upper()] == ("none" if field.default in (None, "", ()) else f"`{field.default}`")


def test_every_address_is_listed(client):
    """The table has what the OpenAPI document has; `…` stands for what the address before it has up to its last slash."""
    table = README.partition("## Endpoints")[2].partition("## ")[0]
    listed = {"/openapi.json"}
    for cell in re.findall(r"^\| ([^|]*) \|", table, re.MULTILINE):
        last = ""
        for path in re.findall(r"(?:…|/)[\w/{}.-]*", cell):
            last = last.rpartition("/")[0] + path[1:] if path.startswith("…") else path
            listed.add(last)
    assert set(client.get("/openapi.json").json()["paths"]) - listed == set()


def test_it_says_what_it_is_not():
    """No legal advice, in its first lines."""
    assert "legal advice" in " ".join(README.splitlines()[:6])


def test_every_file_it_names_is_there():
    """The list of files holds."""
    table = README.partition("## Where things are")[2].partition("## ")[0]
    names = re.findall(r"`([\w/.]+)`", table)
    assert names
    assert [name for name in names if not (Path(ROOT / "service") / name).exists()] == []
