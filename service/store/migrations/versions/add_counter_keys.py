"""
Ledgers that have rows may have counters under several spellings of an id. The next start joins them (service.ledger.spelt_keys).

The rows hold hashes, and only the records of the commitments say what was hashed; so this only notes that it is to be done.
"""

import sqlalchemy as sa
from alembic import op

revision = "counter_keys"
down_revision = "data_sets"


def upgrade() -> None:
    """Note that keys may be there as they are spelt."""
    connection = op.get_bind()
    if any(
        connection.execute(sa.text(f"SELECT 1 FROM {each} LIMIT 1")).first() is not None for each in ("movement", "opening")
    ):
        connection.execute(sa.text("INSERT INTO about (name, value) VALUES ('counter_keys', 'as spelt')"))
