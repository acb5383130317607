"""Reports on promises, with what was said of them; how much is promised; and to whom, to be found by."""

import sqlalchemy as sa
from alembic import op

revision = "0.17.0.promise_reports"
down_revision = "0.15.0"

_WHOLE = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_SAID = ("answer", "answered_at", "answered_by", "reason", "settled", "settled_at", "settled_by", "ruling")


def upgrade() -> None:
    """Make the table and the columns. Of what was kept before, the one report stays in the row of the promise."""
    for column in (
        sa.Column("promised", _WHOLE, nullable=True),
        sa.Column("disputed", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("origin", sa.String(), nullable=True),
    ):
        op.add_column("promise", column)
    op.create_index("promise_to", "promise", ["to", "due"])
    op.create_table(
        "promise_report",
        sa.Column("of", sa.String(), primary_key=True),
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("decision", sa.String(), nullable=False),
        sa.Column("dated", sa.String(), nullable=False),
        sa.Column("amount", _WHOLE, nullable=True),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("evidence", "document", "at", "by")),
        *(sa.Column(name, sa.Text() if name in ("reason", "ruling") else sa.String(), nullable=True) for name in _SAID),
        sa.Index("promise_report_of_decision", "decision"),
    )
