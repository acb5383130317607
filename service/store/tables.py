"""
The tables of the database, as SQLAlchemy Core describes them.

What is here and what the migrations make is the same; a test compares the two. Both databases hold the same types: moments are ISO
text in UTC with microseconds and a `Z`, days are ISO text, documents are JSON text.
"""

import sqlalchemy as sa

BigInteger = sa.BigInteger().with_variant(sa.Integer, "sqlite")  # SQLite's row number is an INTEGER

metadata = sa.MetaData()

# --- the decision log -------------------------------------------------------------------------------------------------

about = sa.Table(
    "about",
    metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("value", sa.String, nullable=False),
)
head = sa.Table(
    "head",
    metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("next", BigInteger, nullable=False),
)
record = sa.Table(
    "record",
    metadata,
    sa.Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    sa.Column("id", sa.String, nullable=False, unique=True),
    sa.Column("leaf", sa.LargeBinary, nullable=False),
    sa.Column("leaf_hash", sa.LargeBinary, nullable=False),
)
personal = sa.Table(
    "personal",
    metadata,
    sa.Column("sequence", BigInteger, sa.ForeignKey(record.c.sequence), primary_key=True, autoincrement=False),
    sa.Column("pointer", sa.String, primary_key=True),
    sa.Column("salt", sa.LargeBinary),
    sa.Column("value", sa.LargeBinary),
    sa.Column("erased_at", sa.String),
)

# --- what the log is searched by --------------------------------------------------------------------------------------

# One row a record. `moment` is when it was recorded, in microseconds since 1970: the order of every search, newest first. `words` are
# the numbers of its words, with commas between; `entry_term` has them by word, for all records below the number `sorted` of `head`.
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
    sa.Column("exporter", BigInteger),  # terms: who they are stands in one place, where it can be erased
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

# --- bundles ----------------------------------------------------------------------------------------------------------

bundle = sa.Table(
    "bundle",
    metadata,
    sa.Column("source", sa.String, primary_key=True),
    sa.Column("meaning", sa.String, primary_key=True),
    sa.Column("trust", sa.String, nullable=False),
    sa.Column("norms", sa.String, nullable=False),
    sa.Column("engine", sa.String, nullable=False),
    sa.Column("first_used_at", sa.String, nullable=False),
    sa.Column("archive", sa.LargeBinary, nullable=False),
)
shadow_difference = sa.Table(
    "shadow_difference",
    metadata,
    sa.Column("sequence", BigInteger, sa.ForeignKey(record.c.sequence), primary_key=True, autoincrement=False),
    sa.Column("id", sa.String, nullable=False),
    sa.Column("at", sa.String, nullable=False),
    sa.Column("shadow_source", sa.String, nullable=False),
    sa.Column("shadow_meaning", sa.String, nullable=False),
    sa.Column("live_outcome", sa.String, nullable=False),
    sa.Column("live_proceed", sa.Boolean, nullable=False),
    sa.Column("shadow_outcome", sa.String, nullable=False),
    sa.Column("shadow_proceed", sa.Boolean, nullable=False),
    sa.Column("only_live", sa.String, nullable=False),
    sa.Column("only_shadow", sa.String, nullable=False),
)
sa.Index(
    "shadow_difference_by_shadow",
    shadow_difference.c.shadow_source,
    shadow_difference.c.shadow_meaning,
    shadow_difference.c.sequence,
)
