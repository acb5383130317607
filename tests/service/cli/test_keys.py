"""`fifthfactor keys`: made, used and revoked beside a service, and what is wrong is a sentence."""

import json
import os
import subprocess
import sys

import pytest

from service.callers.keys import Presented
from tests.service.callers.test_callers import bearer, evaluate, opened, problem
from tests.service.conftest import ROOT


@pytest.fixture
def url(tmp_path) -> str:
    """A database in a file."""
    return str(tmp_path / "log.db")


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`fifthfactor keys …`, in a process of its own."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("FIFTHFACTOR_")}
    return subprocess.run(
        [sys.executable, "-m", "service.cli", "keys", *arguments],
        env={**inherited, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_keys_on_the_command_line(database, lines):
    """Made (printed once), listed, revoked; a line for the audit each, and no secret in the list."""
    made = command("create", "--name", "gateway", "--scope", "evaluate", "--scope", "read", FIFTHFACTOR_DATABASE=database)
    told = made.stdout.strip()
    assert (made.returncode, Presented.read(told) is not None) == (0, True), made.stderr
    said = json.loads(made.stderr)
    id = told.split("_")[1]
    assert (said["event"], said["action"], said["key"]) == ("audit", "key-created", id)
    assert told.rpartition("_")[2] not in made.stderr
    (shown,) = json.loads(command("list", "--json", "--database", database).stdout)
    assert (shown["id"], shown["name"], shown["scopes"], shown["good"]) == (id, "gateway", ["evaluate", "read"], True)
    with opened(database, lines) as client:
        assert evaluate(client, **bearer(told)).status_code == 200
    assert command("revoke", id, "--database", database).returncode == 0
    listed = command("list", "--database", database)
    assert listed.stdout == f"{id}  revoked  evaluate,read  gateway\n"
    with opened(database, lines) as client:
        problem(evaluate(client, **bearer(told)), 401, "unauthenticated")


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("create", "--name", "a", "--scope", "root"), 2, "there is no scope `root`; use evaluate, commit"),
        (("create", "--name", "", "--scope", "read"), 2, "`--name` must be 1 to 100 printable characters"),
        (("create", "--name", "a", "--scope", "read", "--expires", "2020-01-01"), 2, "`--expires` is over already"),
        (("create", "--name", "a", "--scope", "read", "--expires", "soon"), 2, "`--expires` must be a day like"),
        (("create", "--name", "a", "--scope", "read", "--database", "/nowhere/x.db"), 2, "cannot be used: No such file"),
        (("list",), 2, "is not there"),
        (("revoke", "0123456789ab"), 1, "there is no key of this id"),
    ],
)
def test_a_command_that_is_wrong_is_a_sentence(url, arguments, code, sentence):
    """And an exit code, and no key."""
    found = command(*arguments, **({} if "--database" in arguments else {"FIFTHFACTOR_DATABASE": url}))
    assert (found.returncode, found.stdout) == (code, "")
    assert sentence in found.stderr
    assert "Traceback" not in found.stderr
