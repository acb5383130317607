"""
The exchanges of records, coded for many at once. Nothing is put in: whoever reads them first codes them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0.15.0"
down_revision = "0.14.0"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "coded_block",
        sa.Column("first", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False),
        sa.Column("records", sa.Integer(), nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
    )
