"""Seals of rows, and the sums of counters by month. What is there is sealed as it is, when the tables are complete."""

import sqlalchemy as sa
from alembic import op

revision = "0.13.0"
down_revision = "0.12.0"


def upgrade() -> None:
    """Make the tables, and add up each month."""
    op.create_table(
        "subject_seal",
        sa.Column("subject", sa.String(), primary_key=True, nullable=False),
        sa.Column("leaf", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False),
        sa.Column("code", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "tally_month",
        *(sa.Column(name, sa.String(), primary_key=True, nullable=False) for name in ("meaning", "key", "month", "fact")),
        *(
            sa.Column(name, sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False)
            for name in ("largest", "least", "most", "endless")
        ),
    )
    op.execute(
        'INSERT INTO tally_month SELECT meaning, "key", substr(day, 1, 7), fact, max(largest), sum(least), sum(most), sum(endless)'
        " FROM tally GROUP BY 1, 2, 3, 4"
    )
