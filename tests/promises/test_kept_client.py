"""
The client of version 1.0 asks a service of this version, whose database is one of 1.0: it reads every answer.

`RECORD=1 pytest tests/promises` keeps the client of this version, which is right only until it is out.
"""

import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

import engine
from tests.service.cli.test_log import run
from tests.service.conftest import EXCHANGE, ROOT, running

KEPT = sorted(Path(__file__).parent.glob("client-*.tar.xz"))
OF_THIS_VERSION = Path(__file__).with_name(f"client-{engine.__version__}.tar.xz")
LEFT = ROOT / "tests/service/store/database-1.0.0.tar.gz"
FOLDERS = {"client": "", "receipts": "receipts/", "transparency": "transparency/"}  # as the distribution has them
LISTS = (
    "assets", "benefit_balances", "benefits", "bundles", "commitments", "each_decision", "events", "facts", "parties", "promises",
    "provisions", "reviews", "rights_openings", "watch_events",
)  # fmt: skip
WHOLES = (
    "accounts", "benefits_not_divided", "benefits_not_reported", "bundle", "caller", "checkpoint", "coverage", "decisions", "presets",
    "promise_counts", "promises_by_country",
)  # fmt: skip
ASKS = """
import itertools, json, sys
sys.path.insert(0, sys.argv[1])
from fifthfactor_client import Answer, Client
with Client(sys.argv[2], key=sys.argv[3], timeout=60) as client:
    told = {name: sum(1 for _ in itertools.islice(getattr(client, name)(), 20)) for name in json.loads(sys.argv[5])}
    for name in json.loads(sys.argv[6]):
        getattr(client, name)()
    answer = client.evaluate(json.loads(sys.argv[4]), include=["all"])
    assert isinstance(answer, Answer) and answer.outcome == "permitted", answer
    assert client.decision(answer.id)["record"]["decision"]["outcome"] == answer.outcome
    assert client.explanation(answer.id).verdict == "same"
    assert client.receipt(answer.id).startswith(b"{")
    commitment = next(client.commitments())
    assert client.commitment(commitment.id).decision == commitment.decision
print(json.dumps(told))
"""


def _keep() -> None:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w:xz", preset=9) as packed:
        for folder, place in FOLDERS.items():
            of = ROOT / "service" / folder
            for file in sorted(of.rglob("*.py")):
                packed.add(
                    file,
                    f"fifthfactor_client/{place}{file.relative_to(of)}",
                    filter=lambda info: info.replace(mtime=0, uid=0, gid=0, uname="", gname="", deep=False),
                )
    OF_THIS_VERSION.write_bytes(written.getvalue())


@pytest.mark.parametrize("file", KEPT or [OF_THIS_VERSION], ids=lambda each: each.name)
def test_the_client_of_then_reads_the_answers_of_now(file: Path, tmp_path: Path) -> None:
    """Lists with rows of a whole ledger, single things, a decision with its explanation and its receipt."""
    if os.environ.get("RECORD") and file == OF_THIS_VERSION:
        _keep()
    for archive in (file, LEFT):
        with tarfile.open(archive) as packed:
            packed.extractall(tmp_path, filter="data")
    database = str(tmp_path / "log.db")
    assert run(database, "database", "upgrade")[0] == 0
    scopes = (f"--scope={each}" for each in ("evaluate", "commit", "read", "review", "administer"))
    code, key, said = run(database, "keys", "create", "--name", "all", *scopes)
    assert code == 0, said
    with running(database, folder=tmp_path) as server:
        sent = (server.address, key.split()[-1], json.dumps(EXCHANGE), json.dumps(LISTS), json.dumps(WHOLES))
        done = subprocess.run([sys.executable, "-I", "-c", ASKS, str(tmp_path), *sent], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert min(told[name] for name in ("benefits", "commitments", "each_decision", "events", "facts")) > 0, told
