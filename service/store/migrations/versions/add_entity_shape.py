"""
The shape of exchanges in which a version of an entity was stated, so that a value that came later stays open.

Versions and drafts from before are of the first shape: a draft says so itself.
"""

import json

import sqlalchemy as sa
from alembic import op

revision = "entity_shape"
down_revision = "sign_off_anchor"
FIRST = {"schema": "fifthfactor/exchange/1"}


def upgrade() -> None:
    """Add the column, and mark the drafts."""
    op.add_column("entity", sa.Column("shape", sa.Integer))
    drafts = sa.table("draft", sa.column("id"), sa.column("document"), sa.column("before"), sa.column("decision"))
    connection = op.get_bind()
    for row in connection.execute(sa.select(drafts).where(drafts.c.decision.is_(None))).all():
        marked = {name: _marked(getattr(row, name)) for name in ("document", "before")}
        connection.execute(sa.update(drafts).where(drafts.c.id == row.id).values(marked))


def _marked(text: str | None) -> str | None:
    return json.dumps({**FIRST, **json.loads(text)}, ensure_ascii=False) if text else text
