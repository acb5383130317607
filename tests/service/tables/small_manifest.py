"""The manifest of a run as JSON, with all its members, for tests that need none of its rows."""

import json
from typing import Any

from service.tables.manifest import DecidedBy, RunKey, RunManifest, RunTree

DECIDED_BY = DecidedBy(
    meaning="m", source="s", semantics=3, engine="0", program="lanes", as_of="2026-11-24", today="2026-11-24", mapping=None
)
MANIFEST: dict[str, Any] = json.loads(
    RunManifest(
        decided_by=DECIDED_BY,
        format="csv",
        parts=[],
        rows=0,
        outcomes={},
        problems=0,
        problems_sha256="0" * 64,
        key=RunKey(column="number"),
        tree=RunTree(buckets=4096, root="1" * 64),
    ).written()
)
