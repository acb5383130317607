"""
The tables of the database, as SQLAlchemy Core describes them.

What is here and what the migrations make is the same; a test compares the two. Both databases hold the same types: moments are ISO
text in UTC with microseconds and a `Z`, days are ISO text, documents are JSON text.
"""

import sqlalchemy as sa

BigInteger = sa.BigInteger().with_variant(sa.Integer, "sqlite")  # SQLite's row number is an INTEGER

metadata = sa.MetaData()

# --- who may call -----------------------------------------------------------------------------------------------------

caller = sa.Table(
    "caller",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("scopes", sa.String, nullable=False),
    sa.Column("secret_hash", sa.LargeBinary, nullable=False),
    sa.Column("created_at", sa.String, nullable=False),
    sa.Column("created_by", sa.String, nullable=False),
    sa.Column("expires_on", sa.String),
    sa.Column("revoked_at", sa.String),
    sa.Column("revoked_by", sa.String),
)

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
