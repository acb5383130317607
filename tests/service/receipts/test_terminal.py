"""`fifthfactor receipt verify`: what it prints, and how it ends."""

import json
from pathlib import Path

import pytest

from service.receipts import file_lock, terminal
from tests.service.cli.test_log import run
from tests.service.receipts.made import KEY, OTHER, made
from tests.service.receipts.test_demand import NOON, page, signed
from tests.service.receipts.test_receipt import WITNESSES
from tests.service.store.test_held_folder import holding

DEMANDED = ("--asset", "ds-1", "--sender", "clinic-5", "--recipient", "lab-2", "--purpose", "research")
GOOD = made(good_until="2999-01-01T00:00:00Z")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a receipt and the keys."""
    monkeypatch.chdir(tmp_path)
    note = GOOD.proof.checkpoint
    (tmp_path / "receipt.json").write_bytes(GOOD.to_bytes())
    (tmp_path / "log.key").write_text(f"{KEY.verifier.text()}\n")
    (tmp_path / "other.key").write_text(OTHER.verifier.text())
    (tmp_path / "witness.keys").write_text("".join(f"{each.verifier.text()}\n" for each in WITNESSES))
    assert note.signatures
    return tmp_path


def verify(*options: str, key: str = "log.key") -> tuple[int, str, str]:
    """Run the command."""
    return run("", "receipt", "verify", "receipt.json", "--key", key, *options)


def test_it_says_what_holds_and_what_is_not_proven(folder):
    """In sentences; without a demand it says that none was made."""
    code, text, _ = verify()
    assert code == 0
    for part in (
        "the log `log.example`",
        "decision d-1",
        "permitted, the exchange may proceed",
        "asset ds-1",
        "as c-1 on 2026-11-27",
    ):
        assert part in text[0].lower() + text[1:].replace("Decision", "decision")
    assert "good until 2999-01-01 00:00:00 UTC" in text
    assert "No demand was made" in text
    assert "Not proven: that the exchange took place" in text


def test_a_demand_is_met_once(folder):
    """The ids of used commitments are kept in a file; what fails is named."""
    assert verify(*DEMANDED, "--used", "used")[0] == 0
    assert (folder / "used").read_text() == "c-1\n"
    code, text, _ = verify(*DEMANDED, "--used", "used")
    assert (code, text) == (1, "refused: the commitment was used here before\n")
    code, text, _ = verify(*DEMANDED, "--purpose", "marketing", "--json")
    assert code == 1
    assert json.loads(text) == {"holds": False, "reasons": ["the receipt is not for this purpose"]}


def test_a_file_that_another_process_holds_is_waited_for_no_longer_than_anybody_needs_it(folder, monkeypatch):
    """It was used wrongly, and the sentence says who holds it; nothing is used."""
    monkeypatch.setattr(file_lock, "HELD_SECONDS", 0.1)
    (folder / "used").touch()
    with holding(folder / "used") as other:
        code, text, error = verify(*DEMANDED, "--used", "used")
    assert (code, text) == (2, "")
    assert f"`used` cannot be written: the process {other.pid} has held it for more than 0.1 seconds" in error
    assert (folder / "used").read_text() == ""
    assert verify(*DEMANDED, "--used", "used")[0] == 0


def test_it_reads_the_list_of_withdrawals(folder):
    """As the service answers it, or the note alone; an old list is none."""
    (note,) = signed(page())
    (folder / "list").write_text(json.dumps({"schema": "fifthfactor/withdrawals/1", "note": note.decode(), "next": None}))
    code, text, _ = verify(*DEMANDED, "--withdrawals", "list")
    assert (code, text) == (1, "refused: the list of withdrawals has expired, or is from the future\n")
    (folder / "list").write_bytes(note)
    said: list[str] = []
    asked = terminal.CommandOptions(
        Path("receipt.json"), Path("log.key"), "ds-1", "clinic-5", "lab-2", ["research"], [Path("list")]
    )
    assert terminal.verify(asked, NOON, said.append) == 0
    assert "By the list of 2026-11-27 12:00:00 UTC its commitment was not withdrawn." in said


def test_how_it_ends(folder):
    """0 holds, 1 does not hold, 2 used wrongly, by both commands."""
    assert json.loads(verify("--json")[1])["committed"]["id"] == "c-1"
    assert verify(key="other.key")[0] == 1
    assert verify("--witness", "witness.keys", "--quorum", "1")[0] == 1
    assert verify(key="nothing")[0] == 2
    assert verify(key="receipt.json")[0] == 2
    assert verify("--asset", "ds-1")[0] == 2
    assert verify("--used", "used")[0] == 2
    assert verify("--quorum", "1")[0] == 2
    for arguments, code in (
        ("receipt.json --key log.key", 0),
        ("receipt.json --key other.key", 1),
        ("nothing --key log.key", 2),
    ):
        assert terminal.main(["verify", *arguments.split()]) == code
