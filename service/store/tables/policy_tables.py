"""The bundles that decided, and where the shadow decides otherwise."""

import sqlalchemy as sa

from service.store.tables.log_tables import record
from service.store.tables.shared_metadata import BigInteger, metadata

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
# The highest version that decided, of each folder that was signed with one: service.policies.rollback.
bundle_version = sa.Table(
    "bundle_version",
    metadata,
    sa.Column("folder", sa.String, primary_key=True),
    sa.Column("version", BigInteger, nullable=False),
    sa.Column("source", sa.String, nullable=False),
    sa.Column("activated_at", sa.String, nullable=False),
    sa.Column("allowed", sa.String),  # the digest of older content that an administrator let decide again
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
