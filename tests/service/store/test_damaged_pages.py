"""A page of the database's file is damaged: whoever asks whether the service is ready hears what an evaluation would."""

import json
import shutil
from contextlib import closing
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from service.log.store import Store
from service.server.app import create_app
from service.service import Service
from service.settings import Settings
from service.store.log_key import key_file
from service.telemetry import log_lines
from tests.service.conftest import BOTH_DATABASES, POLICIES, Lines, body
from tests.service.ledger.desk import POLICIES as COUNTING
from tests.service.log.test_store import sound
from tests.service.store.test_lost_files import JSON, page_of

MALFORMED = "database disk image is malformed"
COUNTED = json.dumps(
    {
        "exporter": {"id": "clinic", "country": "CN"},
        "recipient": {"id": "lab"},
        "data": {"people": {"ordinary": 100, "rest": 0}, "staff": False},
    }
)


def settings_of(folder: Path, tables: Path, policies: Path) -> Settings:
    """The settings of a database of its own, with nothing in its tables."""
    path = Path(shutil.copy(tables, folder / "log.db"))
    shutil.copy(key_file(tables), key_file(path))
    return Settings(watch=False, policies=policies, database=str(path), ledger_since="2026-01-01", mode="bitset")


def damage(path: Path, name: str) -> None:
    """Overwrite the first page of a table or index, which is its only one."""
    at, size = page_of(path, name)
    with path.open("r+b") as file:
        file.seek(at)
        file.write(bytes(range(256)) * (size // 256))


@pytest.mark.parametrize(
    ("page", "policies", "kind", "lacks"),
    [
        ("sqlite_autoindex_record_1", POLICIES, "not-recorded", "writable"),
        ("record", POLICIES, "not-recorded", "writable"),
        ("personal", POLICIES, "not-recorded", "writable"),
        ("entry_by_moment", POLICIES, "not-recorded", "writable"),
        ("sqlite_autoindex_entity_1", POLICIES, "not-ready", "readable"),
        ("counted", COUNTING, "not-ready", "readable"),
    ],
)
def test_what_refuses_every_evaluation_is_not_ready(page, policies, kind, lacks, tmp_path, tables, lines: Lines):
    """503 for both, also for a call that may be sent again; the probe gives a reader the reason that is in the log."""
    settings, sent = settings_of(tmp_path, tables, policies), body() if policies == POLICIES else COUNTED
    with closing(Service.open(settings)) as service:
        client = TestClient(create_app(settings, service), base_url="http://127.0.0.1:8080")
        assert client.post("/v1/evaluate", content=sent, headers=JSON).status_code == 200
        assert client.get("/readyz").status_code == 200
    damage(Path(settings.database), page)
    with closing(Service.open(settings, say=log_lines.logger(lines))) as service:
        client = TestClient(create_app(settings, service), base_url="http://127.0.0.1:8080", raise_server_exceptions=False)
        for more in ({}, {"idempotency-key": "one"}, {}):
            ready = client.get("/readyz")
            assert (ready.status_code, ready.json()["checks"]["log"]) == (503, {lacks: False, "reason": MALFORMED})
            answer = client.post("/v1/evaluate", content=sent, headers=JSON | more)
            assert (answer.status_code, answer.json()["type"]) == (503, f"urn:fifthfactor:problem:{kind}")
    assert {each["reason"] for each in (*lines.events("read_failed"), *lines.events("log_failed"))} == {MALFORMED}


def test_what_these_policies_never_read_is_no_reason(tmp_path, tables):
    """A book that no policy opens is damaged: evaluations are answered, and the service is ready."""
    settings = settings_of(tmp_path, tables, POLICIES)
    damage(Path(settings.database), "right_line")
    with closing(Service.open(settings)) as service:
        client = TestClient(create_app(settings, service), base_url="http://127.0.0.1:8080")
        assert client.get("/readyz").status_code == 200
        assert client.post("/v1/evaluate", content=body(), headers=JSON).status_code == 200


@BOTH_DATABASES
def test_the_trial_of_a_record_leaves_nothing(service):
    """Records are numbered without a gap and the log is sound, whatever was tried between them."""
    client = TestClient(create_app(service.settings, service), base_url="http://127.0.0.1:8080")
    for number in range(3):
        assert service.store.records == number
        assert client.get("/readyz").json()["log"]["records"] == number
        assert client.post("/v1/evaluate", content=body(), headers=JSON).status_code == 200
    store: Store = service.store
    assert sound(store) == 3
