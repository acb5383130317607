"""Reviews: what waits for a person, the sign-offs, and what was said beside them."""

import sqlalchemy as sa

from service.store.tables.shared_metadata import BigInteger, metadata

sign_off = sa.Table(
    "sign_off",
    metadata,
    sa.Column("number", BigInteger, primary_key=True, autoincrement=False),
    sa.Column("id", sa.String, nullable=False, unique=True),
    sa.Column("decision", sa.String, nullable=False),
    sa.Column("provision", sa.String, nullable=False),
    sa.Column("meaning", sa.String, nullable=False),
    sa.Column("facts", sa.String),  # null after an erasure: the digest could confirm guesses
    sa.Column("verdict", sa.String, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("until", sa.String),
    sa.Column("given_at", sa.String, nullable=False),
    sa.Column("given_by", sa.String, nullable=False),
    sa.Column("person", sa.String),  # who gave it; null for a caller who is none that the service knows
    sa.Column("anchor", sa.String),  # by which later exchanges find it; null after an erasure
    sa.Index("sign_off_decision", "decision"),
    sa.Index("sign_off_facts", "facts"),
    sa.Index("sign_off_anchor", "anchor"),
)
# One row for each set of facts that a review was recorded of, by its newest decision: what waits is found by it. No decision rests on it.
# `state` is `waits`, `approved` until the last day `until`, `refused`, or `over`: the newest decision is no review. `kinds` and
# `provisions` say what waits, `due` is the first day on which a duty falls due, `askers` are the callers who asked.
review_case = sa.Table(
    "review_case",
    metadata,
    sa.Column("facts", sa.String, primary_key=True),
    sa.Column("decision", sa.String, nullable=False, unique=True),
    sa.Column("sequence", BigInteger, nullable=False),
    sa.Column("moment", BigInteger, nullable=False),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("until", sa.String),
    sa.Column("kinds", sa.String, nullable=False),
    sa.Column("provisions", sa.Text, nullable=False),
    sa.Column("due", sa.String),
    sa.Column("assignee", sa.String),
    sa.Column("askers", sa.Text, nullable=False),
    sa.Index("review_case_by_age", "state", "moment"),
    sa.Index("review_case_by_end", "state", "until"),
    sa.Index("review_case_by_due", "state", "due", "moment"),
)
# What was said of a review beside its sign-offs: a comment, or to whom it is assigned (null: to nobody any more).
review_note = sa.Table(
    "review_note",
    metadata,
    sa.Column("number", BigInteger, primary_key=True, autoincrement=False),
    sa.Column("id", sa.String, nullable=False, unique=True),
    sa.Column("decision", sa.String, nullable=False, index=True),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("text", sa.Text),  # of a comment; null after an erasure
    sa.Column("assignee", sa.String),
    sa.Column("at", sa.String, nullable=False),
    sa.Column("by", sa.String, nullable=False),
    sa.Column("person", sa.String),
)
