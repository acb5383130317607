"""The entries of the accounts of data assets."""

import sqlalchemy as sa
from alembic import op

revision = "asset_entries"
down_revision = "statistics"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "asset_entry",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("asset", sa.String, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("of", sa.String, sa.ForeignKey("asset_entry.id")),
        sa.Column("day", sa.String, nullable=False),
        sa.Column("amount", sa.String),
        sa.Column("currency", sa.String),
        sa.Column("treatment", sa.String),
        sa.Column("months", sa.Integer),
        sa.Column("evidence", sa.String),
        sa.Column("reason", sa.String),
        sa.Column("at", sa.String, nullable=False),
        sa.Column("by", sa.String, nullable=False),
        sa.UniqueConstraint("asset", "number"),
    )
