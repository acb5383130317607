"""The watch over commitments: what it has decided them by, and what it has told."""

import sqlalchemy as sa

from service.store.tables.shared_metadata import BigInteger, metadata

# What the watch has decided a commitment by, and until which day: then only what has moved since is decided again.
watched = sa.Table(
    "watched",
    metadata,
    sa.Column("commitment", sa.String, sa.ForeignKey("commitment.id"), primary_key=True),
    sa.Column("meaning", sa.String, nullable=False),
    sa.Column("told_until", sa.String, nullable=False),
    sa.Column("next_day", sa.String),
    sa.Column("sign_offs", BigInteger, nullable=False),
    sa.Column("erased", sa.Boolean, nullable=False),
    sa.Column("grounds", sa.Text, nullable=False),
)
# What the watch has told. What may be personal is beside the leaf, in its openings.
watch_event = sa.Table(
    "watch_event",
    metadata,
    sa.Column("number", BigInteger, primary_key=True, autoincrement=False),
    sa.Column("id", sa.String, nullable=False, unique=True),
    sa.Column("leaf", BigInteger, nullable=False),
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
# The process whose turn it is, until when, and what it did last.
watch_lease = sa.Table(
    "watch_lease",
    metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("holder", sa.String),
    sa.Column("until", sa.String),
    sa.Column("done", sa.String),
)
# The events that a webhook has not accepted yet. `address` is a digest: an address may hold a secret.
watch_delivery = sa.Table(
    "watch_delivery",
    metadata,
    sa.Column("event", BigInteger, sa.ForeignKey("watch_event.number"), primary_key=True, autoincrement=False),
    sa.Column("address", sa.String, primary_key=True),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_at", sa.String, nullable=False),
    sa.Column("state", sa.String, nullable=False),
    sa.Index("watch_delivery_due", "state", "next_at"),
)
