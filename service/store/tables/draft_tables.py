"""Exchanges that are not decided yet."""

import sqlalchemy as sa

from service.store.tables.shared_metadata import metadata

draft = sa.Table(
    "draft",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("owner", sa.String, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("document", sa.String, nullable=False),  # the exchange so far; empty once it is decided
    sa.Column("before", sa.String),  # the exchange before the last change
    sa.Column("was", sa.String),  # the outcome before the last change
    sa.Column("skipped", sa.String, nullable=False),
    sa.Column("asking", sa.String),
    sa.Column("trial_of", sa.String, index=True),
    sa.Column("decision", sa.String),
    sa.Column("commitment", sa.String),
    sa.Column("changed_at", sa.String, nullable=False, index=True),
    sa.Index("draft_of_owner", "owner", "changed_at"),
)
