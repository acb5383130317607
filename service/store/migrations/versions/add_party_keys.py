"""Keys that belong to a party."""

import sqlalchemy as sa
from alembic import op

revision = "party_keys"
down_revision = "asset_entries"


def upgrade() -> None:
    """Add the column. The keys that are there are an operator's."""
    op.add_column("caller", sa.Column("party", sa.String))
