"""`POST /v1/runs`: a run that was decided elsewhere becomes a leaf of the log, once, by a caller who may decide for everybody."""

from __future__ import annotations

import json
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from service.service import Service
from service.store.tables import tree_leaf
from tests.service.tables.small_manifest import MANIFEST


def test_a_run_is_one_leaf(client: TestClient, service: Service) -> None:
    """The leaf has the root over its rows; the same call again appends nothing."""
    once = {"Idempotency-Key": "run-1"}
    answers = [client.post("/v1/runs", json=MANIFEST, headers=once) for _ in range(2)]
    assert [each.status_code for each in answers] == [201, 201]
    assert answers[0].content == answers[1].content
    noted = answers[0].json()
    with service.store.database.reading.connect() as connection:
        [(index, leaf)] = connection.execute(
            sa.select(tree_leaf.c.index, tree_leaf.c.leaf).where(tree_leaf.c.kind == "table-run")
        ).all()
    assert noted["log"]["leaf"] == index
    assert json.loads(leaf)["root"] == MANIFEST["tree"]["root"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"log": {"origin": "elsewhere", "leaf": 1, "at": "2026-11-24T00:00:00Z"}}, "in a log already"),
        ({"schema": "another/1"}, "shape"),
        ({"rows": "many"}, "shape"),
        ({"more": 1}, "shape"),
        ({"rows": 2**53}, "beyond 2^53 - 1"),
        ({"commits": {"committed": 0, "refused": False, "sha256": "0" * 64}}, "shape"),
        ({"tree": {"buckets": 4096, "root": "short"}}, "shape"),
    ],
)
def test_what_is_no_manifest_is_refused(client: TestClient, change: dict[str, Any], says: str) -> None:
    """Nothing is appended."""
    answer = client.post("/v1/runs", json=MANIFEST | change)
    assert answer.status_code in (400, 422)
    assert says in answer.json()["detail"]
