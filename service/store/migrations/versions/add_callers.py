"""API keys: who may call, by the hash of a secret."""

import sqlalchemy as sa
from alembic import op

revision = "callers"
down_revision = "0002"


def upgrade() -> None:
    """Make the table of keys."""
    op.create_table(
        "caller",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("scopes", sa.String, nullable=False),
        sa.Column("secret_hash", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.String, nullable=False),
        sa.Column("created_by", sa.String, nullable=False),
        sa.Column("expires_on", sa.String),
        sa.Column("revoked_at", sa.String),
        sa.Column("revoked_by", sa.String),
    )
