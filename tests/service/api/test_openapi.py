"""What the OpenAPI document says is what the service does: schemathesis asks for all of it, and checks every answer."""

from pathlib import Path

import pytest

from service.callers.caller import SCOPES
from tests.service.callers.test_tokens import AUDIENCE, ISSUER, issuing, token
from tests.service.conftest import BOTH_DATABASES, running
from tests.service.documented import ask_for_all

# Of each operation, beside those that its coverage phase makes for every keyword of a schema; `make fuzz` has more, again and again.
EXAMPLES, MORE = 1, 3


def test_every_answer_is_as_documented(tmp_path: Path) -> None:
    """Every operation, every check; links between operations are followed. No 500, no status or shape that is not described."""
    check(str(tmp_path / "log.db"), tmp_path, EXAMPLES)


@pytest.mark.fuzz(weight=20)
@BOTH_DATABASES
def test_every_answer_is_as_documented_for_long(database: str, tmp_path: Path) -> None:
    """The same with other examples, and more; on PostgreSQL too, whose answers are those of SQLite."""
    check(database, tmp_path, MORE)


def check(database: str, folder: Path, examples: int) -> None:
    # With a token: a key would be revoked on the way, for the list of keys tells its id.
    all_scopes = token(exp=2**33, scope=" ".join(f"fifthfactor:{scope}" for scope in SCOPES))
    with issuing() as issuer:
        environment = {
            "FIFTHFACTOR_JWKS_URL": issuer.url,
            "FIFTHFACTOR_JWT_ISSUER": ISSUER,
            "FIFTHFACTOR_JWT_AUDIENCE": AUDIENCE,
            "FIFTHFACTOR_FAILURE_BURST": "100000",  # every endpoint is asked without a token too
        }
        with running(database, folder=folder, environment=environment) as server:
            told = ask_for_all(server, folder, all_scopes, examples)
            assert "Fuzzing" in told
            assert server.process.poll() is None
            assert server.events("internal") == []
