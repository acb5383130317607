"""
What version 0.18 gave away is verified without its service: a receipt in its three forms, withdrawals, the whole log, an export.

The archive was made by that version, and nothing can make it anew.
"""

import json
import tarfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from service.cli.main import app
from service.receipts import terminal
from service.receipts.demand import Demand, accept_receipt
from service.receipts.withdrawals import verified_withdrawals
from service.transparency.cose_receipt import CoseReceipt
from service.transparency.merkle_tree import leaf_hash
from service.transparency.signed_note import VerifierKey
from service.transparency.tlog_proof import TlogProof

GIVEN = sorted(Path(__file__).parent.glob("given-*.tar.xz"))


class Unused:
    """A gateway at which nothing was used yet."""

    def use(self, commitment: str, good_until: datetime) -> bool:
        """It is new."""
        return True


@pytest.fixture(params=GIVEN, ids=lambda each: each.name)
def given(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A folder with what a version gave away, and the verifier key of its log."""
    with tarfile.open(request.param) as packed:
        packed.extractall(tmp_path, filter="data")
    return tmp_path


def key_of(given: Path) -> VerifierKey:
    """The key of the log."""
    return VerifierKey.parse((given / "log.key").read_text().strip())


def test_something_was_given() -> None:
    """The tests below read something."""
    assert GIVEN


def test_a_receipt_is_accepted_by_the_client_of_now(given: Path) -> None:
    """At the moment at which it was given; the list of withdrawals of then names another commitment."""
    key, receipt = key_of(given), (given / "receipt.json").read_bytes()
    leaf = json.loads(json.loads(receipt)["leaf"])
    withdrawals = verified_withdrawals([(given / "withdrawals.txt").read_bytes()], [key])
    opened = {name: json.loads(each["value"]) for name, each in json.loads(receipt)["opened"].items()}
    demand = Demand(
        asset=opened["asset"], sender=opened["sender"], recipient=opened["recipient"], purposes=frozenset(opened["purpose"])
    )
    moment = datetime.fromisoformat(leaf["at"]).astimezone(UTC) + timedelta(seconds=1)
    accepted = accept_receipt(receipt, [key], demand, Unused(), moment, withdrawals=withdrawals)
    assert accepted.outcome == "permitted"


def test_a_receipt_holds_at_the_command_line_and_by_the_forms_of_the_standards(given: Path) -> None:
    """The command, the client's own program, the tlog-proof and the COSE receipt; with one byte changed, none."""
    whole = given / "receipt.json"
    leaf = json.loads(whole.read_bytes())["leaf"].encode()
    key = key_of(given)
    options = ["--key", str(given / "log.key")]
    assert CliRunner().invoke(app, ["receipt", "verify", str(whole), *options]).exit_code == 0
    assert terminal.main(["verify", str(whole), *options]) == 0
    proof = TlogProof.parse((given / "receipt.tlog").read_bytes())
    checkpoint, _ = proof.verify(leaf_hash(leaf), key.name, [key])
    cose = CoseReceipt.parse((given / "receipt.cose").read_bytes())
    assert cose.verify(leaf_hash(leaf), key.public) == checkpoint.root
    whole.write_bytes(whole.read_bytes().replace(b"permitted", b"permittee"))
    assert CliRunner().invoke(app, ["receipt", "verify", str(whole), *options]).exit_code == 1


@pytest.mark.parametrize("place", ["tiles", "export.jsonl"])
def test_the_log_of_then_is_verified_without_its_database(given: Path, place: str) -> None:
    """Its tiles and its export, also against an earlier checkpoint; with one byte changed, a fault."""
    command = ["log", "verify", str(given / place), "--key", str(given / "log.key"), "--json"]
    done = CliRunner().invoke(app, [*command, "--checkpoint", str(given / "checkpoint.txt")])
    assert done.exit_code == (0 if place == "tiles" else 1), done.output  # an export is at its own checkpoint
    done = CliRunner().invoke(app, command)
    assert (done.exit_code, json.loads(done.stdout)["faults"]) == (0, []), done.output
    changed = (
        given / place if place != "tiles" else min(each for each in (given / "tiles/tile/entries").rglob("*") if each.is_file())
    )
    content = bytearray(changed.read_bytes())
    content[len(content) // 2] ^= 1
    changed.write_bytes(content)
    assert CliRunner().invoke(app, command).exit_code == 1
