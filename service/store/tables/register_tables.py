"""The register: parties, assets and other entities, and the names under which they are known."""

import sqlalchemy as sa

from service.store.tables.shared_metadata import metadata

entity = sa.Table(
    "entity",
    metadata,
    sa.Column("kind", sa.String, primary_key=True),
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("valid_from", sa.String),
    sa.Column("valid_until", sa.String),
    sa.Column("aliases", sa.Text, nullable=False),
    sa.Column("facts", sa.Text, nullable=False),
    sa.Column("documents", sa.Text, nullable=False),
    sa.Column("travels", sa.Text, nullable=False),
    sa.Column("attested_by", sa.String),
    sa.Column("note", sa.String),
    sa.Column("recorded_at", sa.String, nullable=False),
    sa.Column("recorded_by", sa.String, nullable=False),
    sa.Column("shape", sa.Integer),  # of the exchanges in which it is stated; null after an erasure
    sa.Column("title", sa.String),  # of an asset, as all to the next one
    sa.Column("holder", sa.String),
    sa.Column("hash", sa.String),
    sa.Index("entity_by_hash", "hash"),
)
entity_alias = sa.Table(
    "entity_alias",
    metadata,
    sa.Column("kind", sa.String, primary_key=True),
    sa.Column("alias", sa.String, primary_key=True),
    sa.Column("id", sa.String, nullable=False),
)
sa.Index("entity_alias_of", entity_alias.c.kind, entity_alias.c.id)
# Each name of each entity, folded: what looks like it is found by it (semantics 1.9).
entity_spelling = sa.Table(
    "entity_spelling",
    metadata,
    sa.Column("kind", sa.String, primary_key=True),
    sa.Column("folded", sa.String, primary_key=True),
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("id", sa.String, nullable=False),
    sa.Index("entity_spelling_of", "kind", "id"),
)
