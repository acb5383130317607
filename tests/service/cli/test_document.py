"""`fifthfactor document`: documents kept, attached, signed and listed at a terminal, beside a service that runs."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

from service.cli.main import app
from service.server.app import create_app
from service.service import Service
from service.settings import Settings
from service.telemetry import log_lines
from service.transparency.ed25519 import PrivateKey
from tests.service.conftest import POLICIES, Lines
from tests.service.documents.test_documents import ACME, CONTRACT, EXCHANGE, HASH, NAME, TERMS

KEY = PrivateKey.from_raw(b"\x06" * 32)
LAST = datetime.now().astimezone().date() + timedelta(days=30)  # the command looks at the clock
Run = Callable[..., tuple[int, str]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the document, the exchange, keys, and a file of signers."""
    (tmp_path / "contract.pdf").write_bytes(CONTRACT)
    (tmp_path / "exchange.json").write_text(json.dumps(EXCHANGE))
    (tmp_path / "notary.key").write_bytes(KEY.to_pem())
    (tmp_path / "stranger.key").write_bytes(PrivateKey.from_raw(b"\x07" * 32).to_pem())
    (tmp_path / "notary.pub").write_bytes(KEY.public.to_pem())
    (tmp_path / "signers.toml").write_text('[Notary]\nkey = "notary.pub"\nuntil = 2099-12-31\n')
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "acme.yaml").write_text(ACME)
    return tmp_path


@pytest.fixture
def served(database: str, folder: Path, lines: Lines) -> Iterator[TestClient]:
    """A service on the same database; its callers need no key."""
    settings = Settings(
        watch=False,
        watch_commitments=False,
        policies=(POLICIES, folder / "more"),
        database=database,
        document_signers=folder / "signers.toml",
    )
    service = Service.open(settings, say=log_lines.logger(lines))
    with TestClient(create_app(settings, service), base_url="http://127.0.0.1:8080") as client:
        yield client


@pytest.fixture
def run(database: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `fifthfactor document` in the folder; its exit code and what it printed."""
    monkeypatch.setenv("FIFTHFACTOR_DATABASE", database)
    monkeypatch.setenv("FIFTHFACTOR_POLICIES", f"{POLICIES}:{folder / 'more'}")
    monkeypatch.setenv("FIFTHFACTOR_DOCUMENT_SIGNERS", str(folder / "signers.toml"))
    monkeypatch.chdir(folder)

    def run(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, ["document", *arguments])
        return result.exit_code, result.output

    return run


def decided(client: TestClient, **changes: Any) -> dict[str, Any]:
    """The answer to the exchange."""
    found: dict[str, Any] = client.post("/v1/evaluate", json={**EXCHANGE, **changes}).json()
    return found


def signing(*more: str) -> tuple[str, ...]:
    """The arguments that sign the contract."""
    return ("sign", "contract.pdf", NAME, "--key", "notary.key", "--until", LAST.isoformat(), *more)


def test_a_document_is_kept_attached_and_signed_at_a_terminal(served: TestClient, run: Run) -> None:
    """From a decision, whose service then counts it; the statement is printed, and the list says who signed."""
    assert run("keep", "contract.pdf") == (0, f"{HASH}  application/pdf, {len(CONTRACT)} bytes\n")
    first = decided(served)
    assert first["outcome"] == "review"
    assert run("list", first["id"]) == (0, f"{NAME}: stated\n    {HASH}\n")
    assert run("attach", first["id"], NAME, "contract.pdf") == (0, f"attached to {NAME}: {HASH}\n")
    code, said = run(*signing("--decision", first["id"]))
    told = json.loads(said[: said.rindex("}") + 1])
    assert (code, told["name"], told["terms"]["covers"]) == (0, NAME, True)
    assert said.endswith(f"signed by the key {KEY.public.id} into contract.pdf.dsse.json\n")
    code, said = run("attach-signature", first["id"], NAME, "contract.pdf.dsse.json")
    assert (code, said) == (0, f"signed by Notary: counts until {LAST}\n")
    assert decided(served)["outcome"] == "permitted"
    code, said = run("list", first["id"])
    assert (code, f"{NAME}: shown until {LAST}" in said, f"signed by Notary: counts until {LAST}" in said) == (0, True, True)
    listed = json.loads(run("list", first["id"], "--json")[1])["documents"]
    assert listed == served.get(f"/v1/decisions/{first['id']}/documents").json()["documents"]


def test_a_document_is_signed_from_a_file(served: TestClient, run: Run, folder: Path) -> None:
    """Without the database, with the name of the log; the envelope is what the service takes."""
    first = decided(served)["id"]
    log = served.get("/checkpoint").text.splitlines()[0]
    policies = ("--policies", str(POLICIES), "--policies", str(folder / "more"))
    code, said = run(*signing("--exchange", "exchange.json", "--log", log, "--output", "signed.json", *policies))
    assert (code, "into signed.json" in said) == (0, True), said
    assert run("attach", first, NAME, "contract.pdf")[0] == 0
    assert run("attach-signature", first, NAME, "signed.json")[0] == 0
    assert decided(served)["outcome"] == "permitted"


def test_what_cannot_be_signed_or_attached_is_said(served: TestClient, run: Run, folder: Path) -> None:
    """With 1 for a finding, with 2 for what was asked for wrongly."""
    first = decided(served)["id"]
    (folder / "other.txt").write_text("another text")
    (folder / "bad.bin").write_bytes(b"\x00")
    assert run("keep", "bad.bin")[0] == 1
    assert run("keep", "none.pdf")[0] == 2
    assert "states the hash" in run("attach", first, NAME, "other.txt")[1]
    assert run("attach", "none", NAME, "other.txt") == (2, "error: no decision has the id `none`\n")
    code, said = run("sign", "other.txt", NAME, "--key", "notary.key", "--until", "2099-01-01", "--decision", first)
    assert (code, "this document has" in said) == (1, True)
    assert not (folder / "other.txt.dsse.json").exists()
    nameless = decided(served, recipient={"country": "US"})["id"]
    code, said = run(*signing("--decision", nameless))
    assert (code, "both parties by `id`" in said) == (1, True)
    bare = decided(served, evidence={"cn-standard-contract": {**TERMS, "hash": "paper"}})["id"]
    assert run(*signing("--decision", bare))[0] == 1
    for wrong in (
        (),
        ("--exchange", "exchange.json"),
        ("--decision", first, "--log", "x"),
        ("--decision", first, "--until", "soon"),
    ):
        assert run(*signing(*wrong))[0] == 2, wrong
    assert run("sign", "-", NAME, "--key", "notary.key", "--until", "2099-01-01", "--decision", first)[0] == 2
    assert run("attach", first, NAME, "contract.pdf")[0] == 0
    stranger = ("sign", "contract.pdf", NAME, "--key", "stranger.key", "--until", "2099-01-01", "--decision", first)
    assert run(*stranger)[0] == 0
    code, said = run("attach-signature", first, NAME, "contract.pdf.dsse.json")
    assert (code, said) == (1, "error: none of the trusted keys signed it\n")
    assert decided(served)["outcome"] == "review"


def test_no_command_confirms(run: Run) -> None:
    """Whoever runs a command is no person, and the help says so."""
    code, said = run("--help")
    assert (code, "Only a person confirms a document" in " ".join(said.split())) == (0, True)
    for verb in ("confirm", "withdraw"):
        assert run(verb, "x")[0] == 2
