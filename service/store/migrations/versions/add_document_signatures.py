"""Signed statements on documents, beside what persons confirmed."""

import sqlalchemy as sa
from alembic import op

revision = "document_signatures"
down_revision = "sessions"


def upgrade() -> None:
    """Add the column of envelopes. A signed statement has no person."""
    with op.batch_alter_table("document_confirmation") as table:
        table.add_column(sa.Column("envelope", sa.Text))
        table.alter_column("person", existing_type=sa.String(), nullable=True)
