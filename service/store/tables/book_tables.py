"""The books: rights, benefits, and the accounts of data assets."""

import sqlalchemy as sa

from service.store.tables.shared_metadata import BigInteger, metadata

# A right that a commitment granted, or that an opening states. `source` is the commitment or the opening. Parties and assets are keyed
# hashes. `granter` is null where it is not known, and of an opening. `ended` is the first day on which the line no longer stands.
right_line = sa.Table(
    "right_line",
    metadata,
    sa.Column("source", sa.String, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("book", sa.String, nullable=False),
    sa.Column("asset", sa.String, nullable=False),
    sa.Column("granter", sa.String),
    sa.Column("holder", sa.String),
    sa.Column("conveyed", sa.String, nullable=False),
    sa.Column("purposes", sa.Text),
    sa.Column("territory", sa.Text),
    sa.Column("first", sa.String, nullable=False),
    sa.Column("until", sa.String),
    sa.Column("exclusive", sa.Boolean),
    sa.Column("onward", sa.Boolean),
    sa.Column("sequence", BigInteger),  # of the record that was committed; null for an opening
    sa.Column("at", sa.String, nullable=False),
    sa.Column("ended", sa.String),
    sa.Column("ended_at", sa.String),
    sa.Column("voided_at", sa.String),
    sa.Index("right_line_of_asset", "asset", "source", "number"),
    sa.Index("right_line_to", "holder", "asset", "source", "number"),
    sa.Index("right_line_from", "granter", "asset", "source", "number"),
    sa.Index("right_line_exclusive", "granter", "asset", "exclusive"),
)
# What a party had before. Its rights are lines; `leaf` has the names of the party and the asset beside it.
right_opening = sa.Table(
    "right_opening",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("leaf", BigInteger, nullable=False),
    sa.Column("book", sa.String, nullable=False),
    sa.Column("asset", sa.String, nullable=False),
    sa.Column("party", sa.String, nullable=False),
    sa.Column("complete", sa.Boolean, nullable=False),
    sa.Column("day", sa.String, nullable=False),
    sa.Column("evidence", sa.Text, nullable=False),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("at", sa.String, nullable=False),
    sa.Column("by", sa.String, nullable=False),
    sa.Column("withdrawn_at", sa.String),
    sa.Column("withdrawn_by", sa.String),
    sa.Column("withdrawn_reason", sa.String),
    sa.Index("right_opening_of_asset", "asset", "party"),
    sa.Index("right_opening_of_party", "party"),
)
# The settlement of each commitment that speaks of a price or of shares: divided, or the reason why not.
settlement = sa.Table(
    "settlement",
    metadata,
    sa.Column("commitment", sa.String, sa.ForeignKey("commitment.id"), primary_key=True),
    sa.Column("day", sa.String, nullable=False, index=True),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("price", sa.String),
    sa.Column("accounts", sa.String),
)
# What is payable, line by line. What was booked never changes: what is reversed or refunded is a row of its own, which says `of` which
# line it is. `units` are minor units of the currency, with `scale` digits after the point. `account` is the keyed hash of a party, or
# `role:ROLE` where the role names none; `place` is the pointer to the party's id in the request of the commitment's evaluation. `payer` is
# the account of who owes it; `base` has the units of which it is a share; a line of a step up the chain has its number.
# How a line stands: `net` units are payable after reversals and refunds, so many of them count as `paid`, are `confirmed`, `disputed`.
benefit = sa.Table(
    "benefit",
    metadata,
    sa.Column("number", BigInteger, primary_key=True, autoincrement=False),
    sa.Column("commitment", sa.String, sa.ForeignKey("commitment.id"), nullable=False, index=True),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("day", sa.String, nullable=False),
    sa.Column("role", sa.String, nullable=False),
    sa.Column("account", sa.String, nullable=False),
    sa.Column("place", sa.String),
    sa.Column("share", sa.String, nullable=False),
    sa.Column("currency", sa.String, nullable=False),
    sa.Column("scale", sa.Integer, nullable=False),
    sa.Column("units", BigInteger, nullable=False),
    sa.Column("payer", sa.String),
    sa.Column("asset", sa.String),
    sa.Column("basis", sa.String),
    sa.Column("base", BigInteger),
    sa.Column("due", sa.String),
    sa.Column("step", sa.Integer),
    sa.Column("agreement", sa.String),
    sa.Column("country", sa.String),
    sa.Column("of", BigInteger, index=True),
    *(sa.Column(name, BigInteger) for name in ("net", "paid", "confirmed", "disputed")),
    sa.Index("benefit_account", "account", "currency", "day"),
    sa.Index("benefit_day", "day", "number"),
    sa.Index("benefit_payer", "payer", "due"),
)
# What happened to the lines of a commitment: reports that something was paid, each a `part` of its line, what was confirmed, disputed and
# settled of it, and refunds of the price, which are of no line. Of a report `back` says that the payee paid it back.
benefit_event = sa.Table(
    "benefit_event",
    metadata,
    sa.Column("commitment", sa.String, sa.ForeignKey("commitment.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("leaf", BigInteger, nullable=False),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("line", BigInteger, sa.ForeignKey("benefit.number"), index=True),
    sa.Column("part", sa.Integer),
    sa.Column("units", BigInteger),
    sa.Column("back", sa.Boolean),
    sa.Column("day", sa.String, nullable=False),
    sa.Column("at", sa.String, nullable=False),
)
# What was earned by a commitment in a period, or how many units were delivered: what its price follows from. Its lines are `booked` rows of
# the book of benefits from `line` on.
income_report = sa.Table(
    "income_report",
    metadata,
    sa.Column("commitment", sa.String, sa.ForeignKey("commitment.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("leaf", BigInteger, nullable=False),
    sa.Column("first", sa.String, nullable=False),
    sa.Column("last", sa.String, nullable=False),
    sa.Column("reported", sa.String, nullable=False),
    sa.Column("price", sa.String, nullable=False),
    sa.Column("line", BigInteger),
    sa.Column("booked", sa.Integer, nullable=False),
    sa.Column("at", sa.String, nullable=False),
    sa.Column("reversed_at", sa.String),
)
# The entries of the accounts of data assets. `asset` is a keyed hash, `number` the place of the entry among those of its asset.
asset_entry = sa.Table(
    "asset_entry",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("asset", sa.String, nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("of", sa.String, sa.ForeignKey("asset_entry.id")),
    sa.Column("day", sa.String, nullable=False),
    sa.Column("amount", sa.String),
    sa.Column("currency", sa.String),
    sa.Column("treatment", sa.String),
    sa.Column("months", sa.Integer),
    sa.Column("evidence", sa.String),
    sa.Column("reason", sa.String),
    sa.Column("at", sa.String, nullable=False),
    sa.Column("by", sa.String, nullable=False),
    sa.Column("uses", BigInteger),
    sa.Column("indefinite", sa.Boolean),
    sa.Column("residual", sa.String),
    sa.Column("part", sa.String),
    sa.Column("proceeds", sa.String),
    sa.Column("entity", sa.String),  # a keyed hash of the party that carries the asset
    sa.Column("standard", sa.String),
    sa.Column("commitment", sa.String),
    sa.Column("voucher_year", sa.Integer),
    sa.Column("voucher", sa.Integer),
    sa.UniqueConstraint("asset", "number"),
    sa.Index("asset_entry_voucher", "entity", "voucher_year", "voucher", unique=True),
)
# The periods that legal entities have closed: all days up to `until`. `entity` is a keyed hash.
accounts_closed = sa.Table(
    "accounts_closed",
    metadata,
    sa.Column("entity", sa.String, primary_key=True),
    sa.Column("until", sa.String, primary_key=True),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("at", sa.String, nullable=False),
    sa.Column("by", sa.String, nullable=False),
)
