"""What is payable has a payer, a due day and what was paid of it; what happened to lines, and reports of income."""

import sqlalchemy as sa
from alembic import op

revision = "0.17.0"
down_revision = "0.15.0"

_TEXTS = ("payer", "asset", "basis", "due", "agreement", "country")
_UNITS = ("base", "of", "net", "paid", "confirmed", "disputed")
_WHOLE = sa.BigInteger().with_variant(sa.Integer, "sqlite")
# A reversal has the place among the reversals of its commitment that its line has among the lines.
_OF = """
UPDATE benefit SET "of" = (
  SELECT p.number FROM benefit p WHERE p."commitment" = benefit."commitment" AND p.kind = 'payable' AND (
    SELECT count(*) FROM benefit a WHERE a."commitment" = p."commitment" AND a.kind = 'payable' AND a.number < p.number
  ) = (
    SELECT count(*) FROM benefit b
    WHERE b."commitment" = benefit."commitment" AND b.kind = 'reversed' AND b.number < benefit.number
  )
) WHERE kind = 'reversed'
"""
_STANDING = """
UPDATE benefit SET paid = 0, confirmed = 0, disputed = 0, net = CASE WHEN EXISTS (
  SELECT 1 FROM benefit r WHERE r."commitment" = benefit."commitment" AND r.kind = 'reversed'
) THEN 0 ELSE units END WHERE kind = 'payable'
"""


def upgrade() -> None:
    """Make the tables and the columns. Of what was booked before nobody knows the payer and the due day, and nothing was paid."""
    for name in _TEXTS:
        op.add_column("benefit", sa.Column(name, sa.String(), nullable=True))
    for name in _UNITS:
        op.add_column("benefit", sa.Column(name, _WHOLE, nullable=True))
    op.add_column("benefit", sa.Column("step", sa.Integer(), nullable=True))
    op.create_index("benefit_payer", "benefit", ["payer", "due"])
    op.create_index("ix_benefit_of", "benefit", ["of"])
    op.execute(_OF)
    op.execute(_STANDING)
    op.create_table(
        "benefit_event",
        sa.Column("commitment", sa.String(), sa.ForeignKey("commitment.id"), primary_key=True),
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("leaf", _WHOLE, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("line", _WHOLE, sa.ForeignKey("benefit.number"), index=True),
        sa.Column("part", sa.Integer()),
        sa.Column("units", _WHOLE),
        sa.Column("back", sa.Boolean()),
        sa.Column("day", sa.String(), nullable=False),
        sa.Column("at", sa.String(), nullable=False),
    )
    op.create_table(
        "income_report",
        sa.Column("commitment", sa.String(), sa.ForeignKey("commitment.id"), primary_key=True),
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("leaf", _WHOLE, nullable=False),
        sa.Column("first", sa.String(), nullable=False),
        sa.Column("last", sa.String(), nullable=False),
        sa.Column("reported", sa.String(), nullable=False),
        sa.Column("price", sa.String(), nullable=False),
        sa.Column("line", _WHOLE),
        sa.Column("booked", sa.Integer(), nullable=False),
        sa.Column("at", sa.String(), nullable=False),
        sa.Column("reversed_at", sa.String()),
    )
