"""The bundles that decided, kept by their digests, and the decisions that a shadow bundle would have made differently."""

import sqlalchemy as sa
from alembic import op

revision = "bundles"
down_revision = "callers"

number = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables of bundles and of differences."""
    op.create_table(
        "bundle",
        sa.Column("source", sa.String, primary_key=True),
        sa.Column("meaning", sa.String, primary_key=True),
        sa.Column("trust", sa.String, nullable=False),
        sa.Column("norms", sa.String, nullable=False),
        sa.Column("engine", sa.String, nullable=False),
        sa.Column("first_used_at", sa.String, nullable=False),
        sa.Column("archive", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "shadow_difference",
        sa.Column("sequence", number, sa.ForeignKey("record.sequence"), primary_key=True, autoincrement=False),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("at", sa.String, nullable=False),
        sa.Column("shadow_source", sa.String, nullable=False),
        sa.Column("shadow_meaning", sa.String, nullable=False),
        sa.Column("live_outcome", sa.String, nullable=False),
        sa.Column("live_proceed", sa.Boolean, nullable=False),
        sa.Column("shadow_outcome", sa.String, nullable=False),
        sa.Column("shadow_proceed", sa.Boolean, nullable=False),
        sa.Column("only_live", sa.String, nullable=False),
        sa.Column("only_shadow", sa.String, nullable=False),
    )
    op.create_index("shadow_difference_by_shadow", "shadow_difference", ["shadow_source", "shadow_meaning", "sequence"])
