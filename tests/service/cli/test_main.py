"""The command line as a whole: every command is found, says how it is used, and ends as it says it does."""

import os
import re
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
from typer.testing import CliRunner

import engine
from service.cli import command, test_run
from service.cli.main import app
from tests.service.conftest import POLICIES, ROOT, eventually

COMMAND = [sys.executable, "-m", "service.cli"]


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The names of every command, those of groups with the group's before them."""
    for name, each in group.commands.items():
        if hasattr(each, "commands"):
            yield from commands(each, (*path, name))
        else:
            yield (*path, name)


EVERY = list(commands(typer.main.get_command(app)))


def test_no_command_is_lost():
    """Those of authors, of the service and of whoever runs it; groups too."""
    alone = {each[0] for each in EVERY if len(each) == 1}
    authors = {
        "check",
        "lint",
        "docs",
        "schema",
        "fmt",
        "test",
        "evaluate",
        "decide",
        "where",
        "explain",
        "ask",
        "facts",
        "plan",
        "diff",
        "impact",
        "compile",
        "lsp",
        "mcp",
        "analyse",
    }
    assert alone == authors | {
        "serve",
        "story",
        "replay",
        "watch",
        "exposure",
        "accounts",
        "calendars",
        "registers",
        "unattributed",
        "doctor",
        "import",
        "mcp",
    }
    groups: dict[str, set[str]] = {}
    for group, verb in (each for each in EVERY if len(each) == 2):
        groups.setdefault(group, set()).add(verb)
    assert groups == {
        "new": {"law", "house", "test", "fact"},
        "report": {"period", "transfers"},
        "bundle": {"build", "keygen", "sign", "verify", "show", "export", "allow-older"},
        "log": {
            *("checkpoint", "witness", "rotate-key", "continue"),
            *("tail", "search", "show", "export", "verify", "erase", "reindex", "repair"),
        },
        "review": {"list", "show", "approve", "refuse"},
        "document": {"keep", "attach", "list", "sign", "attach-signature"},
        "compliance-document": {"list", "draft"},
        "dpv": {"check", "read"},
        "events": {"list", "sinks", "deliver", "move"},
        "database": {"backup", "upgrade", "check", "drill"},
        "keys": {"create", "list", "revoke"},
        "persons": {"list", "erase"},
        "sessions": {"list", "end"},
        "receipt": {"verify"},
        "odrl": {"evaluate", "read"},
        "register": {"import", "export", "show", "list"},
        "mapping": {"try"},
    }


@pytest.mark.parametrize("path", EVERY, ids=" ".join)
def test_the_help_of_every_command_says_what_it_does_and_ends_with_an_example(path):
    """A line to copy, which names the command itself."""
    done = CliRunner().invoke(app, [*path, "--help"], env={"COLUMNS": "200"})
    assert done.exit_code == 0
    assert f"Example: fifthfactor {' '.join(path)}" in done.stdout.splitlines()[-1]
    _, about, *_ = done.stdout.split("\n\n")
    assert re.fullmatch(r"[A-Z].*\.", " ".join(about.split()))


@pytest.mark.parametrize("flag", ["--version", "-V"])
def test_the_version_is_the_engine_s_and_the_package_s(flag):
    """Said by the command, written once for a program and once for the package."""
    done = CliRunner().invoke(app, [flag])
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert (done.exit_code, done.stdout) == (0, f"fifthfactor {engine.__version__}\n")
    assert engine.__version__ == project["version"]


@pytest.mark.parametrize("path", [(), ("serve",), ("log", "search"), ("diff",)], ids=" ".join)
def test_help_imports_nothing_heavy(path):
    """Whoever asks how a command is used waits for no engine and no database."""
    asked = f"from service.cli.main import app; app({[*path, '--help']!r}, standalone_mode=False)"
    heavy = ("engine", "fastapi", "markdown_it", "rich", "sqlalchemy", "structlog", "uvicorn", "yaml")
    said = f"import sys; {asked}; print([each for each in {heavy!r} if each in sys.modules])"
    done = subprocess.run([sys.executable, "-c", said], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_command_that_is_not_there_and_an_option_that_is_not_are_used_wrongly():
    """With what was meant, where it is near."""
    for arguments, said in ((["chekc"], "check"), (["check", "--jsno"], "--json")):
        done = CliRunner().invoke(app, arguments)
        assert (done.exit_code, said in done.stderr) == (2, True), done.stderr


def _interruptible():
    """What a shell runs in the background ignores interrupts, and so would every process that it starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _sleeps(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "S"


def test_a_command_that_is_interrupted_ends_with_130(evaluate, database):
    """As programs of a shell do, and without a traceback."""
    assert evaluate().status_code == 200
    with subprocess.Popen(
        [*COMMAND, "log", "tail", "-f", "--database", database],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONFAULTHANDLER": ""},
        preexec_fn=_interruptible,
    ) as following:
        try:
            assert following.stdout
            assert following.stdout.readline()
            eventually(lambda: _sleeps(following.pid))  # it has told what there is, and waits for more
            following.send_signal(signal.SIGINT)
            _, said = following.communicate(timeout=60)
        finally:
            following.kill()
        assert (following.returncode, said) == (130, "")


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "nowhere"),
        ("evaluate", "nowhere.json", "--policies", str(POLICIES)),
        ("evaluate", "-", "--policies", str(POLICIES), "--mode", "quick"),
        ("evaluate", "-", "--policies", str(POLICIES), "--lang", "xx"),
        ("plan", "-", "--policies", str(POLICIES), "--as-of", "soon"),
        ("lint", str(POLICIES), "--without", "no-such-code"),
        ("compile", str(POLICIES), "--to", "cedar"),
        ("docs", "no.such-policy", "--policies", str(POLICIES)),
        ("schema", "letter", "--policies", str(POLICIES)),
        ("test", str(POLICIES), "--only", "nowhere"),
        ("log", "tail", "--database", "nowhere.db"),
        ("keys", "list", "--database", "nowhere.db"),
        ("review", "list", "--database", "nowhere.db", "--policies", str(POLICIES)),
        ("register", "export", "--format", "xml"),
        ("odrl", "read", "nowhere.json"),
        ("odrl", "evaluate", "nowhere.ttl", "nowhere.ttl"),
        ("database", "check", "--database", "nowhere.db"),
        ("bundle", "sign", "nowhere.bundle", "--key", "nowhere.key"),
        ("serve", "--port", "0", "--mode", "quick"),
    ],
    ids=" ".join,
)
def test_what_is_used_wrongly_is_one_sentence_and_ends_with_2(arguments, tmp_path, monkeypatch):
    """On standard error, without a traceback; nothing is made of a name that is not there."""
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, [*arguments], input='{"legs": [{"exchange": {}}, {"exchange": {}}]}')
    assert (done.exit_code, done.stdout) == (command.USED_WRONGLY, ""), done.output
    assert done.stderr.startswith("error: "), done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_what_failed_in_the_tests_of_a_test_is_kept_apart(tmp_path, tmp_path_factory):
    """Whoever runs the tests of the project finds none of their failures among those of her own policies."""
    case = "cases: {policy: nowhere, cases: [{case: It is permitted, exchange: {}, outcome: permitted}]}\n"
    (tmp_path / "law.test.yaml").write_text(case)
    assert CliRunner().invoke(app, ["test", str(tmp_path)]).exit_code != 0
    assert test_run._kept_in([tmp_path]).is_relative_to(tmp_path_factory.getbasetemp())
