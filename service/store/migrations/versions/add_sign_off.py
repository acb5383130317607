"""Sign-offs: what persons approved or refused of a decision."""

import sqlalchemy as sa
from alembic import op

revision = "sign_off"
down_revision = "idempotency"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "sign_off",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False),
        sa.Column("id", sa.String, nullable=False, unique=True),
        sa.Column("decision", sa.String, nullable=False),
        sa.Column("provision", sa.String, nullable=False),
        sa.Column("meaning", sa.String, nullable=False),
        sa.Column("facts", sa.String),
        sa.Column("verdict", sa.String, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("until", sa.String),
        sa.Column("given_at", sa.String, nullable=False),
        sa.Column("given_by", sa.String, nullable=False),
    )
    op.create_index("sign_off_decision", "sign_off", ["decision"])
    op.create_index("sign_off_facts", "sign_off", ["facts"])
