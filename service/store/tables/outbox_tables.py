"""The decision stream: where each sink is."""

import sqlalchemy as sa

from service.store.tables.shared_metadata import BigInteger, metadata

# Where each sink is: the leaves of the log below `position` are behind it. After a failure `attempts` says how often in a row, `failure`
# why in a few words, and `next_at` when it is tried again. `sent` and `failures` count since the row was made.
sink_cursor = sa.Table(
    "sink_cursor",
    metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("position", BigInteger, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_at", sa.String),
    sa.Column("failure", sa.String),
    sa.Column("sent", BigInteger, nullable=False),
    sa.Column("failures", BigInteger, nullable=False),
    sa.Column("at", sa.String, nullable=False),
)
