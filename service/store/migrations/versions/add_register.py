"""The register of parties and data assets: every version of each, and the names it answers to."""

import sqlalchemy as sa
from alembic import op

revision = "register"
down_revision = "search"


def upgrade() -> None:
    """Make the tables of the register."""
    op.create_table(
        "entity",
        sa.Column("kind", sa.String, primary_key=True),
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("valid_from", sa.String),
        sa.Column("valid_until", sa.String),
        sa.Column("aliases", sa.Text, nullable=False),
        sa.Column("facts", sa.Text, nullable=False),
        sa.Column("documents", sa.Text, nullable=False),
        sa.Column("travels", sa.Text, nullable=False),
        sa.Column("attested_by", sa.String),
        sa.Column("note", sa.String),
        sa.Column("recorded_at", sa.String, nullable=False),
        sa.Column("recorded_by", sa.String, nullable=False),
    )
    op.create_table(
        "entity_alias",
        sa.Column("kind", sa.String, primary_key=True),
        sa.Column("alias", sa.String, primary_key=True),
        sa.Column("id", sa.String, nullable=False),
    )
    op.create_index("entity_alias_of", "entity_alias", ["kind", "id"])
