"""What is payable has a payer, a due day and what was paid of it; reports of income; agreements on benefit."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0.17.0"
down_revision = "0.17.0.shares_of_the_ledger"

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


def _column(name: str, type: sa.types.TypeEngine[Any] | None = None, null: bool = False, key: bool = False) -> sa.Column[Any]:
    return sa.Column(name, type or sa.String(), nullable=null, primary_key=key, autoincrement=False)


def upgrade() -> None:
    """Make the tables and the columns. Of what was booked before nobody knows the payer and the due day, and nothing was paid."""
    for name in _TEXTS:
        op.add_column("benefit", sa.Column(name, sa.String(), nullable=True))
    for name in _UNITS:
        op.add_column("benefit", sa.Column(name, _WHOLE, nullable=True))
    op.add_column("benefit", sa.Column("step", sa.Integer(), nullable=True))
    op.add_column("settlement", sa.Column("accounts", sa.String(), nullable=True))
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
    _agreements()
    _accounts()


def _agreements() -> None:
    """The versions of agreements, the parties of each, who accepted it, and which committed exchange named it."""
    op.create_table(
        "agreement",
        _column("id", key=True),
        _column("version", sa.Integer(), key=True),
        _column("leaf", _WHOLE),
        _column("asset"),
        _column("change"),
        _column("terms", sa.Text()),
        _column("until", null=True),
        _column("reason"),
        _column("at"),
        _column("by"),
        _column("stood_at", null=True),
        _column("stood_on", null=True),
    )
    op.create_index("agreement_of_asset", "agreement", ["asset", "id"])
    op.create_table(
        "agreement_party",
        _column("agreement", key=True),
        _column("version", sa.Integer(), key=True),
        _column("number", sa.Integer(), key=True),
        _column("party"),
        _column("pays", sa.Boolean()),
    )
    op.create_index("agreement_of_party", "agreement_party", ["party", "agreement"])
    op.create_table(
        "agreement_event",
        _column("agreement", key=True),
        _column("number", sa.Integer(), key=True),
        _column("version", sa.Integer()),
        _column("kind"),
        _column("party", null=True),
        _column("evidence", sa.Text(), null=True),
        _column("reason", null=True),
        _column("at"),
        _column("by"),
    )
    op.create_table(
        "agreement_use",
        _column("commitment", key=True),
        _column("agreement"),
        _column("version", sa.Integer()),
        _column("asset"),
        _column("granter", null=True),
        _column("holder", null=True),
    )
    op.create_index("ix_agreement_use_agreement", "agreement_use", ["agreement"])
    op.create_index("agreement_use_of_holder", "agreement_use", ["holder", "asset"])


def _accounts() -> None:
    """The entity that carries an asset, its lives and its vouchers; the periods that are closed."""
    for name in ("residual", "part", "proceeds", "entity", "standard", "commitment"):
        op.add_column("asset_entry", sa.Column(name, sa.String(), nullable=True))
    op.add_column("asset_entry", sa.Column("uses", _WHOLE, nullable=True))
    op.add_column("asset_entry", sa.Column("indefinite", sa.Boolean(), nullable=True))
    for name in ("voucher_year", "voucher"):
        op.add_column("asset_entry", sa.Column(name, sa.Integer(), nullable=True))
    op.create_index("asset_entry_voucher", "asset_entry", ["entity", "voucher_year", "voucher"], unique=True)
    op.create_table(
        "accounts_closed", _column("entity", key=True), _column("until", key=True), *map(_column, ("reason", "at", "by"))
    )
