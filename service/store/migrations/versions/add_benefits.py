"""What is payable to whom by the commitments, and the settlement of each."""

import sqlalchemy as sa
from alembic import op

revision = "benefits"
down_revision = "rights_book"

number = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "settlement",
        sa.Column("commitment", sa.String, sa.ForeignKey("commitment.id"), primary_key=True),
        sa.Column("day", sa.String, nullable=False, index=True),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("price", sa.String),
    )
    op.create_table(
        "benefit",
        sa.Column("number", number, primary_key=True, autoincrement=False),
        sa.Column("commitment", sa.String, sa.ForeignKey("commitment.id"), nullable=False, index=True),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("day", sa.String, nullable=False),
        sa.Column("role", sa.String, nullable=False),
        sa.Column("account", sa.String, nullable=False),
        sa.Column("place", sa.String),
        sa.Column("share", sa.String, nullable=False),
        sa.Column("currency", sa.String, nullable=False),
        sa.Column("scale", sa.Integer, nullable=False),
        sa.Column("units", number, nullable=False),
    )
    op.create_index("benefit_account", "benefit", ["account", "currency", "day"])
    op.create_index("benefit_day", "benefit", ["day", "number"])
