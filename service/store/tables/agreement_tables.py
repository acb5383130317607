"""Agreements on benefit: their versions, their parties, and the commitments that named one."""

import sqlalchemy as sa

from service.store.tables.shared_metadata import BigInteger, metadata

# A version of an agreement on benefit: `terms` is JSON that names parties by their numbers. It stands since `stood_at`, for exchanges of
# the day `stood_on` and later, until a later version stands. `until` is its last day. The asset is a keyed hash.
agreement = sa.Table(
    "agreement",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("leaf", BigInteger, nullable=False),
    sa.Column("asset", sa.String, nullable=False),
    sa.Column("change", sa.String, nullable=False),
    sa.Column("terms", sa.Text, nullable=False),
    sa.Column("until", sa.String),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("at", sa.String, nullable=False),
    sa.Column("by", sa.String, nullable=False),
    sa.Column("stood_at", sa.String),
    sa.Column("stood_on", sa.String),
    sa.Index("agreement_of_asset", "asset", "id"),
)
# The parties that a version names, as keyed hashes, and whether each pays by it. The leaf has their names as `party_NUMBER`.
agreement_party = sa.Table(
    "agreement_party",
    metadata,
    sa.Column("agreement", sa.String, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("party", sa.String, nullable=False),
    sa.Column("pays", sa.Boolean, nullable=False),
    sa.Index("agreement_of_party", "party", "agreement"),
)
# Who accepted a version, and by whom it was opened with what was shown.
agreement_event = sa.Table(
    "agreement_event",
    metadata,
    sa.Column("agreement", sa.String, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("party", sa.String),
    sa.Column("evidence", sa.Text),
    sa.Column("reason", sa.String),
    sa.Column("at", sa.String, nullable=False),
    sa.Column("by", sa.String, nullable=False),
)
# The agreement that a committed exchange named, with its asset and its parties as the lines of the books of rights have them.
agreement_use = sa.Table(
    "agreement_use",
    metadata,
    sa.Column("commitment", sa.String, primary_key=True),
    sa.Column("agreement", sa.String, nullable=False, index=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("asset", sa.String, nullable=False),
    sa.Column("granter", sa.String),
    sa.Column("holder", sa.String),
    sa.Index("agreement_use_of_holder", "holder", "asset"),
)
