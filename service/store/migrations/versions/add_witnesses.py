"""What this service cosigned as a witness of other logs, and what the witnesses of its own log cosigned."""

import sqlalchemy as sa
from alembic import op

revision = "witnesses"
down_revision = "watch"

number = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "witnessed",
        sa.Column("origin", sa.String, primary_key=True),
        sa.Column("size", number, nullable=False),
        sa.Column("root", sa.LargeBinary, nullable=False),
        sa.Column("at", sa.String, nullable=False),
    )
    op.create_table(
        "cosignature",
        sa.Column("witness", sa.String, primary_key=True),
        sa.Column("size", number, nullable=False),
        sa.Column("root", sa.LargeBinary, nullable=False),
        sa.Column("line", sa.String, nullable=False),
        sa.Column("at", sa.String, nullable=False),
    )
