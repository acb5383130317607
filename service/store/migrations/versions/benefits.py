"""Agreements on benefit: their versions, the parties of each, who accepted it, and which committed exchange named it."""

import sqlalchemy as sa
from alembic import op

revision = "0.17.0"
down_revision = "0.15.0"

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _column(
    name: str, type: sa.types.TypeEngine[object] | None = None, null: bool = False, key: bool = False
) -> sa.Column[object]:
    return sa.Column(name, type or sa.String(), nullable=null, primary_key=key, autoincrement=False)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "agreement",
        _column("id", key=True),
        _column("version", sa.Integer(), key=True),
        _column("leaf", _NUMBER),
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
