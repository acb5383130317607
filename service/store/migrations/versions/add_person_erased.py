"""When a person was erased."""

import json

import sqlalchemy as sa
from alembic import op

revision = "person_erased"
down_revision = "document_signatures"


def upgrade() -> None:
    """Add the column. The leaves of erasures say when."""
    op.add_column("person", sa.Column("erased_at", sa.String))
    connection = op.get_bind()
    erasures = connection.exec_driver_sql("SELECT leaf FROM tree_leaf WHERE kind = 'erasure'").scalars().all()
    person = sa.table("person", sa.column("id"), sa.column("erased_at"))
    for leaf in map(json.loads, erasures):
        if leaf.get("of") == "person":
            erased = sa.update(person).where(person.c.id == leaf["person"], person.c.erased_at.is_(None))
            connection.execute(erased.values(erased_at=leaf["at"]))
