"""The index of the log. `service.log.index` takes older records in: a few at the start, all with `log reindex`."""

import sqlalchemy as sa
from alembic import op

revision = "search"
down_revision = "bundles"

number = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables of the index."""
    op.create_table(
        "entry",
        sa.Column("sequence", number, sa.ForeignKey("record.sequence"), primary_key=True, autoincrement=False),
        sa.Column("moment", number, nullable=False),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("as_of", sa.String, nullable=False),
        sa.Column("outcome", sa.String, nullable=False),
        sa.Column("proceed", sa.Boolean, nullable=False),
        sa.Column("hypothetical", sa.Boolean, nullable=False),
        sa.Column("answer", sa.String, nullable=False),
        sa.Column("exporter", number),
        sa.Column("recipient", number),
        sa.Column("exporter_country", sa.String),
        sa.Column("recipient_country", sa.String),
        sa.Column("caller", sa.String),
        sa.Column("bundle", sa.String, nullable=False),
        sa.Column("words", sa.String, nullable=False),
        sa.Index("entry_by_moment", "moment", "sequence"),
    )
    op.create_table(
        "term",
        sa.Column("id", number, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("value", sa.String, nullable=False),
        sa.UniqueConstraint("kind", "value"),
    )
    op.create_table(
        "entry_term",
        sa.Column("term", number, primary_key=True, autoincrement=False),
        sa.Column("moment", number, primary_key=True, autoincrement=False),
        sa.Column("sequence", number, primary_key=True, autoincrement=False),
        sqlite_with_rowid=False,
    )
    # Older records are sorted in when they are taken in. The sorting of new records begins after them.
    op.execute("INSERT INTO head (name, next) SELECT 'sorted', next FROM head WHERE name = 'record'")
