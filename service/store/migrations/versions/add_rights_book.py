"""The book of rights: what was granted to whom, and what parties had before."""

import sqlalchemy as sa
from alembic import op

revision = "rights_book"
down_revision = "witnesses"

number = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "right_line",
        sa.Column("source", sa.String, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("book", sa.String, nullable=False),
        sa.Column("asset", sa.String, nullable=False),
        sa.Column("granter", sa.String),
        sa.Column("holder", sa.String),
        sa.Column("conveyed", sa.String, nullable=False),
        sa.Column("purposes", sa.Text),
        sa.Column("territory", sa.Text),
        sa.Column("first", sa.String, nullable=False),
        sa.Column("until", sa.String),
        sa.Column("exclusive", sa.Boolean),
        sa.Column("onward", sa.Boolean),
        sa.Column("sequence", number),
        sa.Column("at", sa.String, nullable=False),
        sa.Column("ended", sa.String),
        sa.Column("ended_at", sa.String),
        sa.Column("voided_at", sa.String),
        sa.Index("right_line_of_asset", "asset", "source", "number"),
        sa.Index("right_line_to", "holder", "asset", "source", "number"),
        sa.Index("right_line_from", "granter", "asset", "source", "number"),
        sa.Index("right_line_exclusive", "granter", "asset", "exclusive"),
    )
    op.create_table(
        "right_opening",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("leaf", number, nullable=False),
        sa.Column("book", sa.String, nullable=False),
        sa.Column("asset", sa.String, nullable=False),
        sa.Column("party", sa.String, nullable=False),
        sa.Column("complete", sa.Boolean, nullable=False),
        sa.Column("day", sa.String, nullable=False),
        sa.Column("evidence", sa.Text, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("at", sa.String, nullable=False),
        sa.Column("by", sa.String, nullable=False),
        sa.Column("withdrawn_at", sa.String),
        sa.Column("withdrawn_by", sa.String),
        sa.Column("withdrawn_reason", sa.String),
        sa.Index("right_opening_of_asset", "asset", "party"),
        sa.Index("right_opening_of_party", "party"),
    )
