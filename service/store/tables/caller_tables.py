"""Who may call: the keys, the persons behind them and those who signed in, and the calls that can be repeated."""

import sqlalchemy as sa

from service.store.tables.shared_metadata import BigInteger, metadata

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
    sa.Column("party", sa.String),  # to which it belongs; null for an operator's key
    sa.Column("person", sa.String),  # to whom it belongs; null if it is a program's
)
# The persons to whom keys belong, and who signed in. Who she is is null after an erasure.
person = sa.Table(
    "person",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("issuer", sa.String),
    sa.Column("subject", sa.String),
    sa.Column("name", sa.String),
    sa.Column("known_at", sa.String, nullable=False),
    sa.Column("erased_at", sa.String),
    sa.UniqueConstraint("issuer", "subject"),
)
# Those who signed in at the pages. A session belongs to a person or to a key. `sign_in` is a digest by which no sign-in counts twice.
session = sa.Table(
    "session",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("secret_hash", sa.LargeBinary, nullable=False),
    sa.Column("person", sa.String),
    sa.Column("key", sa.String),
    sa.Column("scopes", sa.String, nullable=False),
    sa.Column("party", sa.String),
    sa.Column("sign_in", sa.String, unique=True),
    sa.Column("created_at", sa.String, nullable=False),
    sa.Column("seen_at", sa.String, nullable=False),  # to the minute or so, so that not every page writes
    sa.Column("expires_at", sa.String, nullable=False, index=True),
    sa.Column("ended_at", sa.String),
    sa.Index("session_of_person", "person"),
)
idempotency = sa.Table(
    "idempotency",
    metadata,
    sa.Column("caller", sa.String, primary_key=True),
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("digest", sa.String, nullable=False),
    sa.Column("status", sa.Integer, nullable=False),
    sa.Column("media_type", sa.String, nullable=False),
    sa.Column("location", sa.String),
    sa.Column("etag", sa.String),
    sa.Column("subject", sa.String),
    sa.Column("body", sa.LargeBinary),  # null after a value in it was erased
    sa.Column("first_record", BigInteger),
    sa.Column("last_record", BigInteger),
    sa.Column("created_at", sa.String, nullable=False),
    sa.Column("seal", sa.LargeBinary),  # service.store.answer_seals
    sa.Index("idempotency_by_age", "created_at"),
    sa.Index("idempotency_by_record", "first_record"),
    sa.Index("idempotency_by_subject", "subject"),
)
