"""The rows of the books of rights that leaves say there must be: a leaf goes in, and rows of a temporary database come out."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from service.store.tables import right_line, right_opening

OF_SUBJECT = frozenset({"party"})  # what is erased with the party

Leaf = Mapping[str, Any]


def granted(rows: sa.Connection, leaf: Leaf) -> None:
    """What a commitment granted."""
    _lines(rows, leaf, leaf["commitment"], leaf["sequence"])


def ended(rows: sa.Connection, leaf: Leaf) -> None:
    """What became of the lines of a commitment: they ended, or never stood."""
    what = {"ended": leaf["from"], "ended_at": leaf["at"]} if leaf["event"] == "ended" else {"voided_at": leaf["at"]}
    rows.execute(sa.update(right_line).where(right_line.c.source == leaf["commitment"]).values(what))


def opened(rows: sa.Connection, index: int, leaf: Leaf) -> None:
    """What a party had before."""
    shown = {name: leaf[name] for name in ("id", "book", "complete", "day", "evidence", "reason", "at", "by")}
    names = {"asset": leaf["asset_hash"], "party": leaf["party_hash"], "leaf": index}
    rows.execute(sa.insert(right_opening), {**shown, **names})
    _lines(rows, leaf, leaf["id"], None)


def withdrawn(rows: sa.Connection, leaf: Leaf) -> None:
    """An opening that was withdrawn, and its lines with it."""
    what = {"withdrawn_at": leaf["at"], "withdrawn_by": leaf["by"], "withdrawn_reason": leaf["reason"]}
    rows.execute(sa.update(right_opening).where(right_opening.c.id == leaf["opening"]).values(what))
    rows.execute(sa.update(right_line).where(right_line.c.source == leaf["opening"]).values(voided_at=leaf["at"]))


def subject(leaf: Leaf) -> str:
    """What the name of the party is erased with."""
    return f"entity/party/{leaf['party']}"


def _lines(rows: sa.Connection, leaf: Leaf, source: str, sequence: int | None) -> None:
    for line in leaf["lines"]:
        rows.execute(sa.insert(right_line), {**line, "source": source, "sequence": sequence, "at": leaf["at"]})
