"""
Where each sink of the decision stream is in the log, the seal of an answer that is kept for retries, and what reasons are erased with.

A sink makes its row. Answers that are there get no seal, as nothing vouches for them. The reason of an event of a commitment is from now on
erased with its decision.
"""

import json
from typing import Any

import sqlalchemy as sa
from alembic import context, op

revision = "1.0.0"
down_revision = "0.17.0"

Reasons = list[dict[str, Any]]

_LEAF = sa.table("tree_leaf", *map(sa.column, ("index", "kind", "leaf")))
_OPENING = sa.table("leaf_opening", *map(sa.column, ("leaf", "name", "subject", "value")))
_COMMITMENT = sa.table("commitment", sa.column("id"), sa.column("evaluation"))


def upgrade() -> None:
    """Make the table and the column, and say what is erased with a decision."""
    whole = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "sink_cursor",
        sa.Column("name", sa.String(), primary_key=True),
        sa.Column("position", whole, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.String(), nullable=True),
        sa.Column("failure", sa.String(), nullable=True),
        sa.Column("sent", whole, nullable=False),
        sa.Column("failures", whole, nullable=False),
        sa.Column("at", sa.String(), nullable=False),
    )
    op.add_column("idempotency", sa.Column("seal", sa.LargeBinary(), nullable=True))
    name_decisions(op.get_bind(), *context.config.attributes.get("prepared", {}).get(revision, (-1, [])))


def prepared(connection: sa.Connection) -> tuple[int, Reasons]:
    """Read before the lock is taken: the number of a leaf, and the reasons up to it, each by its leaf and its commitment."""
    last: int = connection.execute(sa.select(sa.func.coalesce(sa.func.max(_LEAF.c.index), -1))).scalar_one()
    return last, _reasons(connection, _LEAF.c.index <= last)


def name_decisions(connection: sa.Connection, last: int, found: Reasons) -> None:
    """Name in the opening of each reason the decision by which the exchange was committed; `found` are those up to the leaf `last`."""
    of = sa.select(_COMMITMENT.c.evaluation).where(_COMMITMENT.c.id == sa.bindparam("of")).scalar_subquery()
    here = (_OPENING.c.leaf == sa.bindparam("at"), _OPENING.c.name == "reason", _OPENING.c.value.is_not(None))
    if reasons := [*found, *_reasons(connection, _LEAF.c.index > last)]:
        connection.execute(sa.update(_OPENING).where(*here).values(subject=sa.literal("decision/") + of), reasons)


def _reasons(connection: sa.Connection, where: sa.ColumnElement[bool]) -> Reasons:
    value = sa.cast(_OPENING.c.value, sa.LargeBinary)
    given = (_LEAF.c.kind == "commitment-event", _OPENING.c.name == "reason", _OPENING.c.value.is_not(None), value != b"null")
    rows = sa.select(_LEAF.c.index, _LEAF.c.leaf).join(_OPENING, _OPENING.c.leaf == _LEAF.c.index).where(where, *given)
    return [{"at": index, "of": json.loads(bytes(leaf))["commitment"]} for index, leaf in connection.execute(rows)]
