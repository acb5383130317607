"""Changed settings are leaves of the log: each change is one, a restart is none, and no secret is in any."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from service.log import settings_leaves
from service.log.store import Store
from service.service import Service
from service.settings import NOT_RECORDED, RECORDED, RECORDED_IN_PART, Settings
from service.store.tables import tree_leaf
from service.telemetry import log_lines
from tests.service.conftest import BOTH_DATABASES, POLICIES, Lines

ISSUER = {"jwt_issuer": "https://issuer.example", "jwt_audience": "pdp"}


def started(database: str, **changes: Any) -> list[dict[str, Any]]:
    """Start and stop a service; the settings in each leaf of the log."""
    settings = Settings(watch=False, policies=POLICIES, database=database, **changes)
    service = Service.open(settings, say=log_lines.logger(Lines()))
    with service.store.database.reading.connect() as connection:
        rows = connection.execute(
            sa.select(tree_leaf.c.leaf).where(tree_leaf.c.kind == "settings").order_by(tree_leaf.c.index)
        ).all()
    service.close()
    return [json.loads(leaf)["settings"] for (leaf,) in rows]


def test_each_change_of_the_settings_is_a_leaf_and_a_restart_is_none(database):
    """How and where a process runs is no such change."""
    (first,) = started(database)
    assert (first["norms"], first["trust"], first["ledger_since"], first["bundle_keys"]) == ("bind", "confirmed", "never", [])
    assert started(database, port=0, shed_seconds=9.0, body_limit=256 * 1024) == [first]
    assert started(database, norms="advise", ledger_since="2026-01-01")[1:] == [
        {**first, "norms": "advise", "ledger_since": "2026-01-01"}
    ]
    assert len(started(database)) == 3


@BOTH_DATABASES
def test_of_several_that_start_at_once_one_adds_the_leaf(database):
    """The others find it there, under the writing lock."""
    with Store.open(database) as store, ThreadPoolExecutor(4) as threads:

        def note(_: int) -> bool:
            with store.database.transaction() as transaction:
                return settings_leaves.note(transaction, {"norms": "bind"}, datetime.now(UTC))

        assert sorted(threads.map(note, range(4))) == [False, False, False, True]


def test_every_setting_is_recorded_or_is_not_for_a_reason():
    """A new one has to be put into one of the groups."""
    groups = [*RECORDED, *RECORDED_IN_PART, *NOT_RECORDED]
    assert sorted(groups) == sorted(Settings.model_fields)


def test_no_secret_is_recorded():
    """Neither the password of a database nor what an address carries."""
    settings = Settings(
        database="postgresql://pdp:s3cret@db/log",
        jwks_url="https://me:s3cret@issuer.example:8443/keys?token=s3cret#s3cret",
        **ISSUER,
    )
    told = settings.recorded(["b", "a"])
    assert "s3cret" not in json.dumps(told)
    assert (told["jwks_url"], told["bundle_keys"]) == ("https://issuer.example:8443/keys", ["a", "b"])


@pytest.mark.parametrize("name", ["database", "log_key"])
def test_a_setting_with_a_secret_is_in_no_leaf(name):
    """Whatever else is recorded."""
    assert name in NOT_RECORDED
    assert name not in Settings().recorded(())
