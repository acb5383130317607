"""Where each sink of the decision stream is in the log. Nothing is put in: a sink makes its row."""

import sqlalchemy as sa
from alembic import op

revision = "1.0.0"
down_revision = "0.17.0"


def upgrade() -> None:
    """Make the table."""
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
