"""What was promised by commitments, and when it was kept."""

import sqlalchemy as sa
from alembic import op

revision = "promises"
down_revision = "party_keys"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "promise",
        sa.Column("commitment", sa.String, sa.ForeignKey("commitment.id"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("meaning", sa.String, nullable=False),
        sa.Column("by", sa.String),
        sa.Column("to", sa.String),
        sa.Column("due", sa.String, nullable=False),
        sa.Column("kept_on", sa.String),
        sa.Column("evidence", sa.String),
        sa.Column("document", sa.String),
        sa.Column("reported_at", sa.String),
        sa.Column("reported_by", sa.String),
    )
    op.create_index("promise_by", "promise", ["by", "due"])
    op.create_index("promise_due", "promise", ["due"])
