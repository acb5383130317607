"""Answers kept for calls that are made again with the same Idempotency-Key."""

import sqlalchemy as sa
from alembic import op

revision = "idempotency"
down_revision = "ledger"

number = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the table of answers."""
    op.create_table(
        "idempotency",
        sa.Column("caller", sa.String, primary_key=True),
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("digest", sa.String, nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("media_type", sa.String, nullable=False),
        sa.Column("location", sa.String),
        sa.Column("etag", sa.String),
        sa.Column("subject", sa.String),
        sa.Column("body", sa.LargeBinary),
        sa.Column("first_record", number),
        sa.Column("last_record", number),
        sa.Column("created_at", sa.String, nullable=False),
    )
    op.create_index("idempotency_by_age", "idempotency", ["created_at"])
    op.create_index("idempotency_by_subject", "idempotency", ["subject"])
    op.create_index("idempotency_by_record", "idempotency", ["first_record"])
