"""The versions of signed policies: the highest that decided, of each folder."""

import sqlalchemy as sa
from alembic import op

revision = "bundle_version"
down_revision = "log_tree"

number = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "bundle_version",
        sa.Column("folder", sa.String, primary_key=True),
        sa.Column("version", number, nullable=False),
        sa.Column("source", sa.String, nullable=False),
        sa.Column("activated_at", sa.String, nullable=False),
        sa.Column("allowed", sa.String),
    )
