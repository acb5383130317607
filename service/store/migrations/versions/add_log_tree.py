"""The tree of the log. Its first leaves are made by `service.store.upgrade`, since they need the log's key."""

import sqlalchemy as sa
from alembic import op

revision = "log_tree"
down_revision = "sign_off"

number = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables, and the row of `head` that holds the size of the tree."""
    op.create_table(
        "tree_leaf",
        sa.Column("index", number, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("leaf", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "leaf_opening",
        sa.Column("leaf", number, primary_key=True, autoincrement=False),
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("subject", sa.String),
        sa.Column("salt", sa.LargeBinary),
        sa.Column("value", sa.LargeBinary),
        sa.Column("erased_at", sa.String),
        sa.Index("leaf_opening_by_subject", "subject"),
    )
    op.create_table(
        "tree_tile",
        sa.Column("index", number, primary_key=True, autoincrement=False),
        sa.Column("hashes", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "tree_node",
        sa.Column("level", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("index", number, primary_key=True, autoincrement=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
    )
    op.add_column("head", sa.Column("frontier", sa.LargeBinary))
    op.add_column("head", sa.Column("tail", sa.LargeBinary))
    op.add_column("head", sa.Column("seal", sa.LargeBinary))
    op.add_column("record", sa.Column("leaf_index", number))
    op.execute("INSERT INTO head (name, next) VALUES ('leaf', 0)")
