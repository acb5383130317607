"""Persons, and the keys that belong to them."""

import sqlalchemy as sa
from alembic import op

revision = "persons"
down_revision = "drafts"


def upgrade() -> None:
    """Make the table, and add the column. The keys that are there belong to nobody."""
    op.create_table(
        "person",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("issuer", sa.String),
        sa.Column("subject", sa.String),
        sa.Column("name", sa.String),
        sa.Column("known_at", sa.String, nullable=False),
        sa.UniqueConstraint("issuer", "subject"),
    )
    op.add_column("caller", sa.Column("person", sa.String))
