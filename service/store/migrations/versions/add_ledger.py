"""The ledger: commitments with their history, what each moved, and the counts that counters were opened with."""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "ledger"
down_revision = "register"

number = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables of the ledger."""
    op.create_table(
        "commitment",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("decision", sa.String, nullable=False, unique=True),
        sa.Column("evaluation", sa.String, nullable=False, unique=True),
        sa.Column("sequence", number, nullable=False, unique=True),
        sa.Column("exporter", sa.String, index=True),
        sa.Column("as_of", sa.String, nullable=False),
        sa.Column("committed_at", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("replaces", sa.String, sa.ForeignKey("commitment.id"), unique=True),
        sa.Column("counting", sa.String, nullable=False),
    )
    op.create_table(
        "commitment_event",
        sa.Column("commitment", sa.String, sa.ForeignKey("commitment.id"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("at", sa.String, nullable=False),
        sa.Column("by", sa.String, nullable=False),
        sa.Column("reason", sa.String),
        sa.Column("other", sa.String, sa.ForeignKey("commitment.id")),
    )
    op.create_table(
        "movement",
        sa.Column("commitment", sa.String, sa.ForeignKey("commitment.id"), primary_key=True),
        sa.Column("fact", sa.String, primary_key=True),
        sa.Column("meaning", sa.String, primary_key=True),
        sa.Column("counter", sa.String, nullable=False),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("day", sa.String, nullable=False),
        sa.Column("low", number, nullable=False),
        sa.Column("high", number),
        sa.Column("sequence", number, nullable=False),
        sa.Column("live", sa.Boolean, nullable=False),
    )
    op.create_index("movement_counted", "movement", ["meaning", "key", "day"])
    op.create_index("movement_sequence", "movement", ["sequence"])
    op.create_table(
        "tally",
        sa.Column("meaning", sa.String, primary_key=True),
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("day", sa.String, primary_key=True),
        sa.Column("fact", sa.String, primary_key=True),
        sa.Column("largest", number, nullable=False),
        sa.Column("least", number, nullable=False),
        sa.Column("most", number, nullable=False),
        sa.Column("endless", number, nullable=False),
    )
    op.create_table(
        "opening",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("fact", sa.String, primary_key=True),
        sa.Column("counter", sa.String, nullable=False),
        sa.Column("meaning", sa.String, nullable=False),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("day", sa.String, nullable=False),
        sa.Column("low", number, nullable=False),
        sa.Column("high", number),
        sa.Column("at", sa.String, nullable=False),
        sa.Column("by", sa.String, nullable=False),
        sa.Column("reason", sa.String),
    )
    op.create_index("opening_counted", "opening", ["counter", "key", "day"])
    op.create_table(
        "counted",
        sa.Column("counting", sa.String, primary_key=True),
        sa.Column("meaning", sa.String, primary_key=True),
        sa.Column("last", sa.String, nullable=False),
    )
    # The secret with which the keys of counters are hashed.
    about = sa.table("about", sa.column("name"), sa.column("value"))
    op.execute(sa.insert(about).values(name="ledger_secret", value=secrets.token_hex(32)))
