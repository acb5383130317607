"""
Records as people and programs see them: a whole record, or a row of a list.

Erased values are not shown; all other values are shown in clear text.
"""

from dataclasses import asdict
from typing import Any

from service.log.leaf import commitments, with_personal_values
from service.log.search import RecordPage, RecordRow
from service.log.store import Stored
from service.store.moments import moment_text


def record_json(stored: Stored) -> dict[str, Any]:
    """A whole stored record, as KeptRecord describes it. It passes through no model."""
    entry = stored.entry
    held = commitments(entry.leaf, entry.openings)
    return {
        "record": with_personal_values(entry.leaf, entry.openings),
        "log": {
            "sequence": stored.sequence,
            "leaf_hash": entry.leaf_hash.hex(),
            "personal": [
                {
                    "pointer": opening.pointer,
                    "commitment": held[opening.pointer],
                    "salt": None if opening.salt is None else opening.salt.hex(),
                }
                for opening in entry.openings
            ],
        },
    }


def written_row(row: RecordRow) -> dict[str, Any]:
    """A row, as it is answered and exported."""
    return {**asdict(row), "recorded_at": moment_text(row.recorded_at)}


def written_page(page: RecordPage) -> dict[str, Any]:
    """A page of rows, as it is answered."""
    return {"decisions": [written_row(row) for row in page.rows], "next": page.next, "unindexed": page.unindexed}
