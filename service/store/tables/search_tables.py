"""What the log is searched by, and the searches that callers saved."""

import sqlalchemy as sa

from service.store.tables.log_tables import record
from service.store.tables.shared_metadata import BigInteger, metadata

# One row for each record. `moment` is when it was recorded, in microseconds since 1970; every search is in this order, newest first.
# `words` has the numbers of its words, separated by commas. `entry_term` has a row for each word, for all records below the number
# `sorted` of `head`.
entry = sa.Table(
    "entry",
    metadata,
    sa.Column("sequence", BigInteger, sa.ForeignKey(record.c.sequence), primary_key=True, autoincrement=False),
    sa.Column("moment", BigInteger, nullable=False),
    sa.Column("id", sa.String, nullable=False),
    sa.Column("as_of", sa.String, nullable=False),
    sa.Column("outcome", sa.String, nullable=False),
    sa.Column("proceed", sa.Boolean, nullable=False),
    sa.Column("hypothetical", sa.Boolean, nullable=False),
    sa.Column("answer", sa.String, nullable=False),
    sa.Column("exporter", BigInteger),  # a term: an id is kept in one place, where it can be erased
    sa.Column("recipient", BigInteger),
    sa.Column("exporter_country", sa.String),
    sa.Column("recipient_country", sa.String),
    sa.Column("caller", sa.String),
    sa.Column("bundle", sa.String, nullable=False),
    sa.Column("words", sa.String, nullable=False),
    sa.Index("entry_by_moment", "moment", "sequence"),
)
term = sa.Table(
    "term",
    metadata,
    sa.Column("id", BigInteger, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("value", sa.String, nullable=False),
    sa.UniqueConstraint("kind", "value"),
)
entry_term = sa.Table(
    "entry_term",
    metadata,
    sa.Column("term", BigInteger, primary_key=True, autoincrement=False),
    sa.Column("moment", BigInteger, primary_key=True, autoincrement=False),
    sa.Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)
# The searches that callers saved, each with the parameters of its address as JSON.
saved_search = sa.Table(
    "saved_search",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("caller", sa.String, nullable=False),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("parameters", sa.Text, nullable=False),
    sa.Column("saved_at", sa.String, nullable=False),
    sa.UniqueConstraint("caller", "name"),
)
