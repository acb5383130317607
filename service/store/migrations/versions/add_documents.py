"""Documents behind the hashes that exchanges state, and who confirmed them."""

import sqlalchemy as sa
from alembic import op

revision = "documents"
down_revision = "reviews"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "document",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("sha256", sa.String, unique=True),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("media_type", sa.String, nullable=False),
        sa.Column("content", sa.LargeBinary),
        sa.Column("kept_at", sa.String, nullable=False),
        sa.Column("kept_by", sa.String, nullable=False),
    )
    op.create_table(
        "attached_document",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("decision", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("document", sa.String),
        sa.Column("attached_at", sa.String, nullable=False),
        sa.Column("attached_by", sa.String, nullable=False),
    )
    number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "document_confirmation",
        sa.Column("number", number, primary_key=True, autoincrement=False),
        sa.Column("id", sa.String, nullable=False, unique=True),
        sa.Column("attached", sa.String, nullable=False),
        sa.Column("decision", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("binding", sa.String),
        sa.Column("verdict", sa.String, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("until", sa.String),
        sa.Column("person", sa.String, nullable=False),
        sa.Column("given_at", sa.String, nullable=False),
        sa.Column("given_by", sa.String, nullable=False),
    )
    op.create_index("ix_attached_document_decision", "attached_document", ["decision"])
    op.create_index("ix_attached_document_document", "attached_document", ["document"])
    op.create_index("ix_document_confirmation_decision", "document_confirmation", ["decision"])
    op.create_index("ix_document_confirmation_binding", "document_confirmation", ["binding"])
