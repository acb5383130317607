"""What the OpenAPI document says is what the service does: schemathesis asks for all of it, and checks every answer."""

import subprocess
import sys
from pathlib import Path

import pytest

from service.callers.caller import SCOPES
from tests.service.callers.test_tokens import AUDIENCE, ISSUER, issuing, token
from tests.service.conftest import Server, running

EXAMPLES = 10  # of each operation, beside those that its coverage phase makes for every keyword of a schema


@pytest.mark.timeout(200)
def test_every_answer_is_as_documented(database: str, tmp_path: Path) -> None:
    """Every operation, every check; links between operations are followed. No 500, no status or shape that is not described."""
    # With a token: a key would be revoked on the way, for the list of keys tells its id.
    all_scopes = token(exp=2**33, scope=" ".join(f"fifthfactor:{scope}" for scope in SCOPES))
    with issuing() as issuer:
        environment = {
            "FIFTHFACTOR_JWKS_URL": issuer.url,
            "FIFTHFACTOR_JWT_ISSUER": ISSUER,
            "FIFTHFACTOR_JWT_AUDIENCE": AUDIENCE,
            "FIFTHFACTOR_FAILURE_BURST": "100000",  # every endpoint is asked without a token too
        }
        with running(database, folder=tmp_path, environment=environment) as server:
            _run(server, tmp_path, all_scopes)


def _run(server: Server, folder: Path, bearer: str) -> None:
    command: list[str | Path] = [Path(sys.executable).with_name("schemathesis"), "run", f"{server.address}/openapi.json"]
    command[1:1] = ["--config-file", Path(__file__).parent.parent / "schemathesis.toml"]
    command += ["--header", f"Authorization: Bearer {bearer}"]
    options = ["--checks", "all", "--max-examples", str(EXAMPLES), "--seed", "20261125", "--no-color"]
    run = subprocess.run([*command, *options], cwd=folder, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-20_000:] + run.stderr
    assert "Fuzzing" in run.stdout
    assert server.process.poll() is None
    assert server.events("internal") == []
