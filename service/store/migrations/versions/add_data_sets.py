"""Which data set a commitment sent, and which earlier one has the same people. Commitments that are there name none."""

import sqlalchemy as sa
from alembic import op

revision = "data_sets"
down_revision = "spellings"


def upgrade() -> None:
    """Add the columns and their index."""
    op.add_column("movement", sa.Column("data_set", sa.String))
    op.add_column("movement", sa.Column("same_as", sa.String))
    op.create_index("movement_data_set", "movement", ["data_set"])
