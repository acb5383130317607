"""`fifthfactor keys`: made, used and revoked beside a service, and what is wrong is a sentence."""

import json

import pytest

from service.callers.keys import Presented
from tests.service import ready_process
from tests.service.callers.test_callers import bearer, evaluate, opened, problem
from tests.service.conftest import ROOT, without_settings


@pytest.fixture
def url(tmp_path) -> str:
    """A database in a file."""
    return str(tmp_path / "log.db")


def command(*arguments: str, **environment: str) -> tuple[int, str, str]:
    """`fifthfactor keys …`, in a process of its own: exit code, output, errors."""
    return ready_process.run("keys", *arguments, folder=ROOT, environment={**without_settings(), **environment})


def test_keys_on_the_command_line(database, lines):
    """Made (printed once), listed, revoked; a line for the audit each, and no secret in the list."""
    scopes = ("--scope", "evaluate", "--scope", "read")
    code, output, errors = command("create", "--name", "gateway", *scopes, FIFTHFACTOR_DATABASE=database)
    told = output.strip()
    assert (code, Presented.read(told) is not None) == (0, True), errors
    said = json.loads(errors)
    id = told.split("_")[1]
    assert (said["event"], said["action"], said["key"]) == ("audit", "key-created", id)
    assert told.split("_", 2)[2] not in errors
    (shown,) = json.loads(command("list", "--json", "--database", database)[1])
    assert (shown["id"], shown["name"], shown["scopes"], shown["good"]) == (id, "gateway", ["evaluate", "read"], True)
    with opened(database, lines) as client:
        assert evaluate(client, **bearer(told)).status_code == 200
    assert command("revoke", id, "--database", database)[0] == 0
    assert command("list", "--database", database)[1] == f"{id}  revoked  evaluate,read  gateway\n"
    with opened(database, lines) as client:
        problem(evaluate(client, **bearer(told)), 401, "unauthenticated")


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("create", "--name", "a", "--scope", "root"), 2, "there is no scope `root`; use one of evaluate, commit"),
        (("create", "--name", "", "--scope", "read"), 2, "`--name` must be 1 to 100 printable characters"),
        (("create", "--name", "a", "--scope", "read", "--expires", "2020-01-01"), 2, "the day of `--expires` has passed"),
        (("create", "--name", "a", "--scope", "read", "--expires", "soon"), 2, "`--expires` must be a day like"),
        (("create", "--name", "a", "--scope", "read", "--database", "/nowhere/x.db"), 2, "cannot be used: No such file"),
        (("list",), 2, "does not exist"),
        (("revoke", "0123456789ab"), 1, "no key has this id"),
    ],
)
def test_a_command_that_is_wrong_is_a_sentence(url, arguments, code, sentence):
    """And an exit code, and no key."""
    found = command(*arguments, **({} if "--database" in arguments else {"FIFTHFACTOR_DATABASE": url}))
    assert found[:2] == (code, "")
    assert sentence in found[2]
    assert "Traceback" not in found[2]
