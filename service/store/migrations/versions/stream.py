"""
Where each sink of the decision stream is in the log, and the seal of an answer that is kept for retries.

A sink makes its row. Answers that are there get no seal, as nothing vouches for them.
"""

import sqlalchemy as sa
from alembic import op

revision = "1.0.0"
down_revision = "0.17.0"


def upgrade() -> None:
    """Make the table and the column."""
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
