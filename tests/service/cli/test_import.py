"""`fifthfactor import`: what it prints, how it ends, and the drafts that it makes in a running service."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from service.callers import keys
from service.cli.main import app
from service.service import Service
from service.settings import Settings
from tests.service.conftest import POLICIES, Server, running

CLEAR = "System,exporter's country,recipient.country\nCRM,China,US\nChat,CN,Kenya\n"
UNCLEAR = "System,exporter's country,recipient.country\nCRM,China,Atlantis\nChat,CN,KE\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service of small policies, and a key for it in its folder."""
    folder = tmp_path_factory.mktemp("import")
    opened = Service.open(Settings(watch=False, policies=POLICIES, database=str(folder / "log.db")))
    with opened.store.database.transaction() as connection:
        for name, scopes in (("inventory", ["evaluate", "read"]), ("reader", ["read"])):
            _, key = keys.create(connection, name, scopes, None, "test", datetime.now(UTC))
            (folder / f"{name}.key").write_text(f"{key}\n")
    opened.close()
    with running(folder / "log.db", folder=folder) as server:
        yield server


@pytest.fixture
def key(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of the key."""
    return next(tmp_path_factory.getbasetemp().glob("import*/inventory.key"))


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which the command runs."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(text: str | bytes, *options: str) -> Result:
    """What the command makes of a file."""
    Path("inventory.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    return CliRunner().invoke(app, ["import", "inventory.csv", "--policies", str(POLICIES), *options])


def test_it_shows_what_was_understood_and_writes_nothing() -> None:
    """Each column and row; no service is asked."""
    done = run(CLEAR, "--service", "http://127.0.0.1:9")
    assert done.exit_code == 0, done.stderr
    assert "  System              states nothing" in done.stdout
    assert "  exporter's country  exporter.country\n" in done.stdout
    assert "2 CRM\n  exporter.country: CN; recipient.country: US\n" in done.stdout
    assert done.stdout.endswith("2 drafts, 0 places not understood\n")


def test_what_is_unclear_is_told_and_ends_with_1() -> None:
    """And with --write nothing is made of it."""
    for options in ((), ("--write", "--service", "http://127.0.0.1:9")):
        done = run(UNCLEAR, *options)
        assert done.exit_code == 1
        assert "not understood in `recipient.country`: `Atlantis` is not one of" in done.stdout
    assert "no draft was made: say what is unclear with --column or --map" in done.stderr


def test_a_refusal_ends_with_a_command_that_can_be_pasted() -> None:
    """The command as it was typed, with what unclear columns may state; it does what it says."""
    text = "system,recipient,where is it\nCRM,Foo's,Kenya\n"
    options = ("--separator", "comma")
    refused = run(text, *options)
    assert refused.exit_code == 2
    assert "  column `recipient`: may mean several facts: recipient.id, " in refused.stderr
    line = refused.stderr.splitlines()[-1].strip()
    fifthfactor, *typed = shlex.split(line)
    assert fifthfactor == "fifthfactor"
    assert typed == ["import", "inventory.csv", "--policies", str(POLICIES), *options, "--column", "recipient=recipient.id"]
    done = CliRunner().invoke(app, typed)
    assert done.exit_code == 0, done.stderr
    assert "recipient.id: Foo's\n" in done.stdout
    assert done.stdout.endswith("1 draft, 0 places not understood\n")
    more = CliRunner().invoke(app, [*typed, "--column", "where is it=recipient.country"])
    assert "recipient.id: Foo's; recipient.country: KE\n" in more.stdout


def test_a_command_to_paste_follows_what_was_understood() -> None:
    """Its options come before the end of options; names are quoted for a shell."""
    Path("inventory.csv").write_text("System,recipient.country,exporter,Owner's country\nCRM,KE,us,x\n")
    done = CliRunner().invoke(app, ["import", "--policies", str(POLICIES), "--", "inventory.csv"])
    assert done.exit_code == 1
    typed = shlex.split(done.stdout.splitlines()[-1])
    assert typed == [
        "fifthfactor",
        "import",
        "--policies",
        str(POLICIES),
        "--column",
        "exporter=exporter.id",
        "--",
        "inventory.csv",
    ]


def test_a_wrong_fact_or_column_is_told_with_what_was_meant() -> None:
    """Both at once, and it ends with 2."""
    done = run(CLEAR, "--column", "Sistem=data.id", "--column", "System=recipient.countri")
    assert done.exit_code == 2
    assert "--column `Sistem=data.id`: the table has no column `Sistem`; did you mean `System`?" in done.stderr
    assert "did you mean `recipient.country`?" in done.stderr


def test_the_drafts_are_made_and_their_addresses_printed(server: Server, key: Path) -> None:
    """Each row is a draft of the key, which its page shows."""
    done = run(CLEAR, "--write", "--service", server.address, "--key-file", str(key))
    assert done.exit_code == 0, done.stderr
    lines = done.stdout.splitlines()[-2:]
    assert [line.split(": ")[0] for line in lines] == ["2 CRM", "3 Chat"]
    for line, country in zip(lines, ("US", "KE"), strict=True):
        address = line.split(": ", 1)[1].split(" ")[0]
        assert address.startswith(f"{server.address}/ask/")
        page = httpx.get(address, headers={"authorization": f"Bearer {key.read_text().strip()}", "accept": "text/html"})
        assert page.status_code == 200
        assert f"&#34;{country}&#34;" in page.text or f'"{country}"' in page.text


def test_what_is_unclear_can_be_left_open(server: Server, key: Path) -> None:
    """The draft is made without it, and its page asks for it."""
    done = run(UNCLEAR, "--write", "--leave-open", "--json", "--service", server.address, "--key-file", str(key))
    assert done.exit_code == 0, done.stderr
    told: Any = json.loads(done.stdout)
    assert [row["exchange"] for row in told["rows"]] == [
        {"exporter": {"country": "CN"}},
        {"exporter": {"country": "CN"}, "recipient": {"country": "KE"}},
    ]
    assert all(row["address"].startswith(server.address) and row["outcome"] for row in told["rows"])


def test_a_key_that_may_not_make_drafts_is_told_once(server: Server, key: Path) -> None:
    """It ends with 1, and no draft is made."""
    done = run(CLEAR, "--write", "--service", server.address, "--key-file", str(key.with_name("reader.key")))
    assert done.exit_code == 1
    assert done.stderr.count("403 forbidden") == 1


def test_a_service_that_is_away_ends_with_2() -> None:
    """With how many drafts are not made."""
    done = run(CLEAR, "--write", "--service", "http://127.0.0.1:9")
    assert done.exit_code == 2
    assert "2 drafts of 2 are not made" in done.stderr


@pytest.mark.parametrize(
    ("text", "options", "says"),
    [
        ("系统,国家\n工资,德国\n".encode("gb18030"), (), "line 1 is not utf-8"),
        (b"a\x00,b\n", (), "U+0000"),
        (CLEAR, ("--encoding", "rot13"), "rot13"),
        (CLEAR, ("--separator", "pipe"), "pipe"),
        (CLEAR, ("--map", "none.yaml"), "cannot read none.yaml"),
        ("Name,Cost\nCRM,7\n", (), "no column states a fact"),
        (CLEAR, ("--write", "--service", "ftp://x"), "--service"),
        (CLEAR, ("--write", "--key-file", "inventory.csv"), "one key and nothing else"),
    ],
)
def test_what_cannot_be_used_ends_with_2(text: str | bytes, options: tuple[str, ...], says: str) -> None:
    """With a sentence, and no traceback."""
    done = run(text, *options)
    assert done.exit_code == 2, done.stdout
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_cells_cannot_move_the_cursor() -> None:
    """Neither those that are told, nor names."""
    done = run("System,recipient.country\n\u202e\u2028CRM,\u202eUS\n")
    assert done.exit_code == 1
    assert "\u202e" not in done.stdout
    assert "\u2028" not in done.stdout
