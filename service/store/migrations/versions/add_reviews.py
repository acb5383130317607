"""Reviews: the person behind a sign-off, the cases that wait, to whom each is assigned, and comments."""

import sqlalchemy as sa
from alembic import op

revision = "reviews"
down_revision = "persons"

number = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """
    Add the column and make the tables. Of the sign-offs that are there nobody knows the person.

    The cases of older records are taken in beside the requests, from the newest down (service.decisions.earlier_cases).
    """
    op.add_column("sign_off", sa.Column("person", sa.String))
    op.create_table(
        "review_case",
        sa.Column("facts", sa.String, primary_key=True),
        sa.Column("decision", sa.String, nullable=False, unique=True),
        sa.Column("sequence", number, nullable=False),
        sa.Column("moment", number, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("until", sa.String),
        sa.Column("kinds", sa.String, nullable=False),
        sa.Column("provisions", sa.Text, nullable=False),
        sa.Column("due", sa.String),
        sa.Column("assignee", sa.String),
        sa.Column("askers", sa.Text, nullable=False),
    )
    op.create_index("review_case_by_age", "review_case", ["state", "moment"])
    op.create_index("review_case_by_end", "review_case", ["state", "until"])
    op.create_table(
        "review_note",
        sa.Column("number", number, primary_key=True, autoincrement=False),
        sa.Column("id", sa.String, nullable=False, unique=True),
        sa.Column("decision", sa.String, nullable=False, index=True),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("text", sa.Text),
        sa.Column("assignee", sa.String),
        sa.Column("at", sa.String, nullable=False),
        sa.Column("by", sa.String, nullable=False),
        sa.Column("person", sa.String),
    )
    op.execute("INSERT INTO about (name, value) SELECT 'review_cases', '' FROM head WHERE name = 'record' AND next > 0")
