"""The lines of committed exchanges for statistics, their sums by month or year, and those of each party."""

import sqlalchemy as sa
from alembic import op

revision = "statistics"
down_revision = "benefits"

number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
parts = ("high", "middle", "low")
price = [f"price_{part}" for part in parts]
shares = [f"{share}_{each}" for share in ("source_country", "public") for each in ("known", *parts)]
exclusive = ["exclusive", "terms_unknown", *(f"exclusive_price_{part}" for part in parts)]
measures = ["people_least", "people_most", "people_endless", *exclusive, *price, *shares]


def columns(names: list[str]) -> list[sa.Column[int]]:
    """Columns of whole numbers."""
    return [sa.Column(name, number, nullable=False) for name in names]


def upgrade() -> None:
    """Make the tables, and an index by which the running commitments are counted."""
    words = ["meaning", "month", "pair", "venue", "grade", "sector", "kind", "lanes", "currency"]
    op.create_table(
        "flow",
        sa.Column("commitment", sa.String, sa.ForeignKey("commitment.id"), primary_key=True),
        *(sa.Column(name, sa.String, nullable=False) for name in words),
        sa.Column("supplier", sa.String),
        sa.Column("recipient", sa.String),
        *columns(measures),
        sa.Column("live", sa.Boolean, nullable=False),
    )
    op.create_index("flow_by_supplier", "flow", ["supplier"])
    op.create_index("flow_by_recipient", "flow", ["recipient"])
    keys = ["meaning", "dimensions", "period", "first_value", "second_value", "lane", "currency"]
    op.create_table(
        "flow_sum",
        *(sa.Column(name, sa.String, primary_key=True) for name in keys),
        *columns(["exchanges", *measures]),
        sqlite_with_rowid=False,
    )
    keys = ["meaning", "dimension", "value", "side", "period", "party", "currency"]
    op.create_table(
        "flow_party",
        *(sa.Column(name, sa.String, primary_key=True) for name in keys),
        *columns(["exchanges", *price]),
        sqlite_with_rowid=False,
    )
    op.create_index("commitment_by_state", "commitment", ["state"])
