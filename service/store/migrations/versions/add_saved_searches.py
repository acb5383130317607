"""The searches of the log that callers saved."""

import sqlalchemy as sa
from alembic import op

revision = "saved_searches"
down_revision = "promises"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "saved_search",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("caller", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("parameters", sa.Text, nullable=False),
        sa.Column("saved_at", sa.String, nullable=False),
        sa.UniqueConstraint("caller", "name"),
    )
