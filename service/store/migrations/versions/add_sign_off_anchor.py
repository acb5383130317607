"""By which later exchanges find a sign-off that still holds for them. Earlier sign-offs hold for the same facts, as they were given."""

import sqlalchemy as sa
from alembic import op

revision = "sign_off_anchor"
down_revision = "page_indexes"


def upgrade() -> None:
    """Add the column and its index."""
    op.add_column("sign_off", sa.Column("anchor", sa.String))
    op.create_index("sign_off_anchor", "sign_off", ["anchor"])
