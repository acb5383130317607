"""Statistics of what was committed: a line for each commitment, and the sums of the lines."""

import sqlalchemy as sa

from service.store.tables.shared_metadata import BigInteger, metadata

# Sums of money are kept in three parts that are summed apart: service.ledger.exact_sums.
MONEY_PARTS = ("high", "middle", "low")
_PRICE = tuple(f"price_{part}" for part in MONEY_PARTS)
_EXCLUSIVE = ("exclusive", "terms_unknown", *(f"exclusive_price_{part}" for part in MONEY_PARTS))
_SHARES = tuple(f"{share}_{each}" for share in ("source_country", "public") for each in ("known", *MONEY_PARTS))
FLOW_MEASURES = (
    "people_least",
    "people_most",
    "people_endless",
    *_EXCLUSIVE,
    *_PRICE,
    *_SHARES,
)  # what is summed, beside the exchanges


def _numbers(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, BigInteger, nullable=False) for name in names]


# The line of each commitment. `meaning` says how the vocabulary reads it; the parties are keyed hashes.
flow = sa.Table(
    "flow",
    metadata,
    sa.Column("commitment", sa.String, sa.ForeignKey("commitment.id"), primary_key=True),
    sa.Column("meaning", sa.String, nullable=False),
    sa.Column("month", sa.String, nullable=False),
    sa.Column("pair", sa.String, nullable=False),
    sa.Column("venue", sa.String, nullable=False),
    sa.Column("grade", sa.String, nullable=False),
    sa.Column("sector", sa.String, nullable=False),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("lanes", sa.String, nullable=False),
    sa.Column("currency", sa.String, nullable=False),
    sa.Column("supplier", sa.String),
    sa.Column("recipient", sa.String),
    *_numbers(*FLOW_MEASURES),
    sa.Column("live", sa.Boolean, nullable=False),
    # Null in a line that was written before there were these.
    *(sa.Column(name, sa.String) for name in ("purpose", "source_register", "destination_register", "reached")),
    sa.Index("flow_by_supplier", "supplier"),
    sa.Index("flow_by_recipient", "recipient"),
)
# The sums of the lines of running commitments in a month or a year, by at most two dimensions: service.ledger.flow_sums. A row with a
# `lane` has the number of the exchanges that used it, and nothing else.
flow_sum = sa.Table(
    "flow_sum",
    metadata,
    sa.Column("meaning", sa.String, primary_key=True),
    sa.Column("dimensions", sa.String, primary_key=True),
    sa.Column("period", sa.String, primary_key=True),
    sa.Column("first_value", sa.String, primary_key=True),
    sa.Column("second_value", sa.String, primary_key=True),
    sa.Column("lane", sa.String, primary_key=True),
    sa.Column("currency", sa.String, primary_key=True),
    *_numbers("exchanges", *FLOW_MEASURES),
    sqlite_with_rowid=False,
)
# The same of each party on each side, by one dimension and year, or in all by month.
flow_party = sa.Table(
    "flow_party",
    metadata,
    sa.Column("meaning", sa.String, primary_key=True),
    sa.Column("dimension", sa.String, primary_key=True),
    sa.Column("value", sa.String, primary_key=True),
    sa.Column("side", sa.String, primary_key=True),
    sa.Column("period", sa.String, primary_key=True),
    sa.Column("party", sa.String, primary_key=True),
    sa.Column("currency", sa.String, primary_key=True),
    *_numbers("exchanges", *_PRICE),
    sqlite_with_rowid=False,
)
