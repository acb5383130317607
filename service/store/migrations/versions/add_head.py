"""The number of the next record, in a row that every writer locks, so that several processes share one numbering."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the row from the records that are there."""
    op.create_table(
        "head",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("next", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False),
    )
    op.execute("INSERT INTO head (name, next) SELECT 'record', COALESCE(MAX(sequence) + 1, 0) FROM record")
    op.execute("DELETE FROM about WHERE name = 'schema'")  # the table of revisions says it from here on
