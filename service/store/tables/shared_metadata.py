"""What all tables have in common: the revision of the migrations that make them, and the metadata in which they stand."""

import sqlalchemy as sa

BigInteger = sa.BigInteger().with_variant(sa.Integer, "sqlite")  # SQLite's row number is an INTEGER

# The newest of the migrations, which make these tables. Each is named by the version that brought it.
REVISION = "1.0.0"

metadata = sa.MetaData()
