"""What the OpenAPI document says of access requests holds where they are decided: schemathesis asks, and checks every answer."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.service.authzen.conftest import WORKPLACE
from tests.service.callers.test_callers import make
from tests.service.conftest import running
from tests.service.documented import ask_for_all

# Of each operation, beside those that its coverage phase makes for every keyword of a schema; `make fuzz` has more, again and again.
EXAMPLES, MORE = 2, 8


def test_every_answer_is_as_documented(tmp_path: Path) -> None:
    """Every check, on a real server with the policies of the other domain; no 500."""
    check(tmp_path, EXAMPLES)


@pytest.mark.fuzz(weight=4)
def test_every_answer_is_as_documented_for_long(tmp_path: Path) -> None:
    """The same with other examples, and more."""
    check(tmp_path, MORE)


def check(folder: Path, examples: int) -> None:
    key = make(str(folder / "log.db"), "evaluate", now=datetime.now(UTC))
    with running(folder / "log.db", "--policies", str(WORKPLACE)) as server:
        ask_for_all(server, folder, key, examples, "--include-path-regex", "/access/|/.well-known/")
        assert server.events("internal") == []
