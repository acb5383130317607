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

# --- calls that can be repeated ---------------------------------------------------------------------------------------

idempotency = sa.Table(
    "idempotency",
    metadata,
    sa.Column("caller", sa.String, primary_key=True),
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("digest", sa.String, nullable=False),
    sa.Column("status", sa.Integer, nullable=False),
    sa.Column("media_type", sa.String, nullable=False),
    sa.Column("location", sa.String),
    sa.Column("body", sa.LargeBinary),  # null once a value in it was erased
    sa.Column("first_record", BigInteger),
    sa.Column("last_record", BigInteger),
    sa.Column("created_at", sa.String, nullable=False),
    sa.Index("idempotency_by_age", "created_at"),
    sa.Index("idempotency_by_record", "first_record"),
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
