"""
What exchanges are told apart by in the statistics: their purposes, the registers of their countries, and how many people they reach.
"""

import sqlalchemy as sa
from alembic import op

revision = "0.17.0.shares_of_the_ledger"
down_revision = "0.17.0.references_and_stages"


def upgrade() -> None:
    """Make the columns. What is there has none of them until it is recounted."""
    for name in ("purpose", "source_register", "destination_register", "reached"):
        op.add_column("flow", sa.Column(name, sa.String(), nullable=True))
