"""
The folded names of the entities of the register, by which an id that only looks like one of them is found.

A database whose books have rows already keeps the names in them as they are spelt: the rows hold hashes, and one that was erased cannot be
folded any more (service.ledger.hashed_names).
"""

import sqlalchemy as sa
from alembic import op

import engine

revision = "spellings"
down_revision = "entity_shape"

_ENTITIES = sa.text("SELECT kind, id, state FROM entity")
_ALIASES = sa.text("SELECT kind, id, alias FROM entity_alias")
_IN_BOOKS = ("commitment", "right_opening", "asset_entry")


def upgrade() -> None:
    """Make the table, and fold the names that there are."""
    table = op.create_table(
        "entity_spelling",
        sa.Column("kind", sa.String, primary_key=True),
        sa.Column("folded", sa.String, primary_key=True),
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("id", sa.String, nullable=False),
    )
    op.create_index("entity_spelling_of", "entity_spelling", ["kind", "id"])
    connection = op.get_bind()
    names = {(row.kind, row.id, row.id) for row in connection.execute(_ENTITIES) if row.state != "erased"}
    names |= {(row.kind, row.alias, row.id) for row in connection.execute(_ALIASES)}
    rows = [{"kind": kind, "folded": engine.folded_id(name), "name": name, "id": id} for kind, name, id in sorted(names)]
    if rows:
        connection.execute(sa.insert(table), rows)
    if any(connection.execute(sa.text(f"SELECT 1 FROM {each} LIMIT 1")).first() is not None for each in _IN_BOOKS):
        connection.execute(sa.text("INSERT INTO about (name, value) VALUES ('names', 'as spelt')"))
