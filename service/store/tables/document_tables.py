"""Documents behind the hashes that exchanges state, and what persons confirmed of them."""

import sqlalchemy as sa

from service.store.tables.shared_metadata import BigInteger, metadata

# The bytes behind the hashes that exchanges state. The id is random, since leaves have it. After an erasure hash and bytes are null.
document = sa.Table(
    "document",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("sha256", sa.String, unique=True),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("media_type", sa.String, nullable=False),
    sa.Column("content", sa.LargeBinary),
    sa.Column("kept_at", sa.String, nullable=False),
    sa.Column("kept_by", sa.String, nullable=False),
)
# To which document of which decision they belong; `name` is its name in the exchange. `document` is null after an erasure.
attached_document = sa.Table(
    "attached_document",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("decision", sa.String, nullable=False, index=True),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("document", sa.String, index=True),
    sa.Column("attached_at", sa.String, nullable=False),
    sa.Column("attached_by", sa.String, nullable=False),
)
# What persons confirmed, what is signed, and what was withdrawn. `binding` is a digest over what is bound; it is null after an erasure, and
# so is `envelope`, which a signed statement has in place of a person.
document_confirmation = sa.Table(
    "document_confirmation",
    metadata,
    sa.Column("number", BigInteger, primary_key=True, autoincrement=False),
    sa.Column("id", sa.String, nullable=False, unique=True),
    sa.Column("attached", sa.String, nullable=False),
    sa.Column("decision", sa.String, nullable=False, index=True),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("binding", sa.String, index=True),
    sa.Column("verdict", sa.String, nullable=False),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("until", sa.String),
    sa.Column("person", sa.String),
    sa.Column("given_at", sa.String, nullable=False),
    sa.Column("given_by", sa.String, nullable=False),
    sa.Column("envelope", sa.Text),
)
