"""Sessions of those who signed in at the pages."""

import sqlalchemy as sa
from alembic import op

revision = "sessions"
down_revision = "documents"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "session",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("secret_hash", sa.LargeBinary, nullable=False),
        sa.Column("person", sa.String),
        sa.Column("key", sa.String),
        sa.Column("scopes", sa.String, nullable=False),
        sa.Column("party", sa.String),
        sa.Column("sign_in", sa.String, unique=True),
        sa.Column("created_at", sa.String, nullable=False),
        sa.Column("seen_at", sa.String, nullable=False),
        sa.Column("expires_at", sa.String, nullable=False, index=True),
        sa.Column("ended_at", sa.String),
        sa.Index("session_of_person", "person"),
    )
