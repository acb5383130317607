"""The watch over commitments: what was decided by what, the events, the lease, and what webhooks have not accepted yet."""

import sqlalchemy as sa
from alembic import op

revision = "watch"
down_revision = "bundle_version"

number = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables, and an index for what was committed later than a record."""
    op.create_index("movement_later", "movement", ["meaning", "sequence", "fact", "live", "low", "high", "commitment"])
    op.create_table(
        "watched",
        sa.Column("commitment", sa.String, sa.ForeignKey("commitment.id"), primary_key=True),
        sa.Column("meaning", sa.String, nullable=False),
        sa.Column("told_until", sa.String, nullable=False),
        sa.Column("next_day", sa.String),
        sa.Column("sign_offs", number, nullable=False),
        sa.Column("erased", sa.Boolean, nullable=False),
        sa.Column("grounds", sa.Text, nullable=False),
    )
    op.create_table(
        "watch_event",
        sa.Column("number", number, primary_key=True, autoincrement=False),
        sa.Column("id", sa.String, nullable=False, unique=True),
        sa.Column("leaf", number, nullable=False),
        sa.Column("at", sa.String, nullable=False),
        sa.Column("day", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("commitment", sa.String, sa.ForeignKey("commitment.id"), nullable=False),
        sa.Column("decision", sa.String, nullable=False),
        sa.Column("cause", sa.String, nullable=False),
        sa.Column("since", sa.String, nullable=False),
        sa.Column("outcome", sa.String),
        sa.Column("document", sa.Text, nullable=False),
        sa.UniqueConstraint("commitment", "cause", "since"),
    )
    op.create_table(
        "watch_lease",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("holder", sa.String),
        sa.Column("until", sa.String),
        sa.Column("done", sa.String),
    )
    op.create_table(
        "watch_delivery",
        sa.Column("event", number, sa.ForeignKey("watch_event.number"), primary_key=True, autoincrement=False),
        sa.Column("address", sa.String, primary_key=True),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_at", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Index("watch_delivery_due", "state", "next_at"),
    )
