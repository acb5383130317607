"""`fifthfactor report`: a request of a regulator answered at a terminal, and what is answered verified in another folder."""

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from service.cli.main import app
from tests.service.conftest import Lines, copied
from tests.service.reports.conftest import HERE, opened, pdf_text


def run(*arguments: str | Path) -> tuple[int, str]:
    """The exit code and what was printed."""
    done = CliRunner().invoke(app, [str(each) for each in arguments])
    return done.exit_code, done.output


@pytest.fixture
def database(tmp_path: Path, tables: Path) -> str:
    """A database with two transfers of one party and one of another."""
    (tmp_path / "service").mkdir()
    address = copied(tables, tmp_path / "service")
    for desk in opened(address, Lines(), HERE / "policies"):
        for exporter, recipient in (("clinic", "lab-1"), ("clinic", "lab-2"), ("bank", "lab-1")):
            made = desk.commit(exporter, recipient)
        desk.post(f"/v1/commitments/{made['id']}/withdraw", {"reason": "the lab closed"})
    return address


def test_a_request_is_answered_with_files_that_verify_elsewhere(database: str, tmp_path: Path) -> None:
    """The report and the register of one party, and a receipt of each of its commitments; the receipts verify with the key alone."""
    given = ("--policies", HERE / "policies", "--database", database, "--from", "2026-11-01", "--until", "2026-11-30")
    folder = tmp_path / "answer"
    folder.mkdir()
    code, said = run(
        "report", "period", *given, "--party", "clinic", "-o", folder / "report.pdf", "--receipts", folder / "receipts"
    )
    assert (code, said) == (0, f"2 receipts in `{folder / 'receipts'}`\n")
    text = pdf_text((folder / "report.pdf").read_bytes())
    assert "lab-2" in text
    assert "bank" not in text
    assert text.count("leaves made") == 2  # the receipts, which were made before
    assert (folder / "report.pdf").stat().st_mode & 0o077 == 0
    code, _ = run("report", "transfers", "test-register", *given, "--party", "clinic", "-o", folder / "transfers.csv")
    assert code == 0
    with (folder / "transfers.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["Recipient (Art. 9(1))"] for row in rows] == ["lab-2; Kenya", "lab-1; Kenya"]
    code, key = run("log", "checkpoint", "--verifier-key", "--database", database)
    (folder / "log.key").write_text(key)
    assert {each.stem for each in (folder / "receipts").iterdir()} == {row["Decision"] for row in rows}
    for receipt in (folder / "receipts").iterdir():
        code, said = run("receipt", "verify", receipt, "--key", folder / "log.key")
        assert code == 0, said
        assert "this receipt is leaf" in said
        changed = json.loads(receipt.read_text())
        changed["leaf"] = changed["leaf"].replace("2026", "2025")
        receipt.write_text(json.dumps(changed))
        code, said = run("receipt", "verify", receipt, "--key", folder / "log.key")
        assert code == 1
        assert "this receipt is leaf" not in said


def test_a_file_of_html_stands_alone(database: str, tmp_path: Path) -> None:
    """It has its style inside, leads nowhere and fetches nothing; in Chinese too."""
    given = ("--policies", HERE / "policies", "--database", database, "--from", "2026-11-01", "--until", "2026-11-30")
    for lang in ("en", "zh"):
        file = tmp_path / f"{lang}.html"
        code, said = run("report", "period", *given, "--lang", lang, "-o", file)
        assert code == 0, said
        page = file.read_text(encoding="utf-8")
        assert "lab-1" in page
        assert not any(each in page for each in ("href=", "src=", "<script", "url(", "<form"))
    assert "决定与传输报告" in page


def test_what_is_asked_for_wrongly_is_said(database: str, tmp_path: Path) -> None:
    """Another register, part, ending, day or jurisdiction: a sentence, and 2; no row: 1."""
    given = ("--policies", HERE / "policies", "--database", database)
    for wrong in (
        ("transfers", "gdpr-30", "-o", "t.csv"),
        ("transfers", "test-register", "-o", "t.txt"),
        ("period", "-o", "r.csv"),
        ("period", "-o", "r.pdf", "--part", "all"),
        ("period", "-o", "r.pdf", "--from", "yesterday"),
        ("period", "-o", "r.pdf", "--from", "2026-12-01", "--until", "2026-01-01"),
        ("period", "-o", "r.pdf", "--jurisdiction", "XX"),
    ):
        code, said = run("report", *wrong, *given)
        assert code == 2, (wrong, said)
        assert said.startswith("error: ")
    file = tmp_path / "empty.csv"
    code, _ = run("report", "transfers", "test-register", *given, "--party", "nobody", "-o", file)
    assert code == 1
    assert len(file.read_text(encoding="utf-8").splitlines()) == 1
