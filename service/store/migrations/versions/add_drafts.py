"""Exchanges that are being asked about and are not decided yet."""

import sqlalchemy as sa
from alembic import op

revision = "drafts"
down_revision = "promises"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "draft",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("owner", sa.String, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("document", sa.String, nullable=False),
        sa.Column("before", sa.String),
        sa.Column("was", sa.String),
        sa.Column("skipped", sa.String, nullable=False),
        sa.Column("asking", sa.String),
        sa.Column("trial_of", sa.String, index=True),
        sa.Column("decision", sa.String),
        sa.Column("commitment", sa.String),
        sa.Column("changed_at", sa.String, nullable=False, index=True),
    )
    op.create_index("draft_of_owner", "draft", ["owner", "changed_at"])
