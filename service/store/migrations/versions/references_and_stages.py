"""References and stages of commitments; the title, the holder and the hash of an asset."""

import sqlalchemy as sa
from alembic import op

revision = "0.17.0.references_and_stages"
down_revision = "0.17.0.promise_reports"


def upgrade() -> None:
    """Make the table and the columns. What is there has none of them."""
    op.add_column("commitment", sa.Column("stage", sa.String(), nullable=True))
    op.create_index("commitment_by_stage", "commitment", ["stage", "sequence"])
    for name in ("day", "evidence"):
        op.add_column("commitment_event", sa.Column(name, sa.String(), nullable=True))
    op.create_table(
        "commitment_reference",
        sa.Column("commitment", sa.String(), sa.ForeignKey("commitment.id"), primary_key=True),
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=True),
        sa.Column("at", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
    )
    op.create_index("commitment_reference_by_text", "commitment_reference", ["text"])
    for name in ("title", "holder", "hash"):
        op.add_column("entity", sa.Column(name, sa.String(), nullable=True))
    op.create_index("entity_by_hash", "entity", ["hash"])
