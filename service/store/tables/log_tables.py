"""The decision log: its records, the tree over its leaves, and what witnesses said of it."""

import sqlalchemy as sa

from service.store.tables.shared_metadata import BigInteger, metadata

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
    sa.Column("frontier", sa.LargeBinary),  # of the tree, in the row `leaf`: service.store.log_tree
    sa.Column("tail", sa.LargeBinary),
    sa.Column("seal", sa.LargeBinary),
    sa.Column(
        "admitting", BigInteger
    ),  # in the row `leaf`, of the last leaf that let somebody in or out: service.store.log_tree
)
HEADS = frozenset({"record", "leaf", "sorted"})  # the names in `head`
record = sa.Table(
    "record",
    metadata,
    sa.Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    sa.Column("id", sa.String, nullable=False, unique=True),
    sa.Column("leaf", sa.LargeBinary, nullable=False),
    sa.Column("leaf_hash", sa.LargeBinary, nullable=False),
    sa.Column("leaf_index", BigInteger, nullable=False),
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
# The exchanges of some records that follow each other: service.log.coded_blocks. Outside the records, and made from them
# again; the erasure of one of the records removes the row.
coded_block = sa.Table(
    "coded_block",
    metadata,
    sa.Column("first", BigInteger, primary_key=True, autoincrement=False),
    sa.Column("records", sa.Integer, nullable=False),
    sa.Column("words", sa.String, nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
)
# The leaves that are not the bytes of a record: `leaf_index` says which leaf a record is.
tree_leaf = sa.Table(
    "tree_leaf",
    metadata,
    sa.Column("index", BigInteger, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("leaf", sa.LargeBinary, nullable=False),
)
# What opens the commitments in such a leaf. What is erased has neither salt nor value, and no `subject`, which may be personal.
leaf_opening = sa.Table(
    "leaf_opening",
    metadata,
    sa.Column("leaf", BigInteger, primary_key=True, autoincrement=False),
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("subject", sa.String),
    sa.Column("salt", sa.LargeBinary),
    sa.Column("value", sa.LargeBinary),
    sa.Column("erased_at", sa.String),
    sa.Index("leaf_opening_by_subject", "subject"),
)
# The hashes of 256 leaves each. Those that do not fill a tile yet are the `tail` in `head`, so a commit touches no further page.
tree_tile = sa.Table(
    "tree_tile",
    metadata,
    sa.Column("index", BigInteger, primary_key=True, autoincrement=False),
    sa.Column("hashes", sa.LargeBinary, nullable=False),
)
# The nodes of the levels 8, 16, 24 …: each is the root over 256 nodes of the level before.
tree_node = sa.Table(
    "tree_node",
    metadata,
    sa.Column("level", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("index", BigInteger, primary_key=True, autoincrement=False),
    sa.Column("hash", sa.LargeBinary, nullable=False),
)
# The checkpoint of each other log that this service cosigned last, as a witness. The leaves `cosigned` say the same.
witnessed = sa.Table(
    "witnessed",
    metadata,
    sa.Column("origin", sa.String, primary_key=True),
    sa.Column("size", BigInteger, nullable=False),
    sa.Column("root", sa.LargeBinary, nullable=False),
    sa.Column("at", sa.String, nullable=False),
)
# The last cosignature that each witness of this log gave, and over which tree. `witness` is its verifier key, `line` is as it sent it.
cosignature = sa.Table(
    "cosignature",
    metadata,
    sa.Column("witness", sa.String, primary_key=True),
    sa.Column("size", BigInteger, nullable=False),
    sa.Column("root", sa.LargeBinary, nullable=False),
    sa.Column("line", sa.String, nullable=False),
    sa.Column("at", sa.String, nullable=False),
)
# The seal of each subject: a code over the rows that speak of it, and the number of the last leaf that there was (row_seals).
subject_seal = sa.Table(
    "subject_seal",
    metadata,
    sa.Column("subject", sa.String, primary_key=True),
    sa.Column("leaf", BigInteger, nullable=False),
    sa.Column("code", sa.LargeBinary, nullable=False),
)
