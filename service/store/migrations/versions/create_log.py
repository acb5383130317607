"""The decision log: records, their personal values, and what the database says about itself."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

number = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables of the log."""
    op.create_table(
        "about",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("value", sa.String, nullable=False),
    )
    op.create_table(
        "record",
        sa.Column("sequence", number, primary_key=True, autoincrement=False),
        sa.Column("id", sa.String, nullable=False, unique=True),
        sa.Column("leaf", sa.LargeBinary, nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "personal",
        sa.Column("sequence", number, sa.ForeignKey("record.sequence"), primary_key=True, autoincrement=False),
        sa.Column("pointer", sa.String, primary_key=True),
        sa.Column("salt", sa.LargeBinary),
        sa.Column("value", sa.LargeBinary),
        sa.Column("erased_at", sa.String),
    )
