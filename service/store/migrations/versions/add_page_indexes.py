"""Indexes by which pages find what is due: reviews by the day on which a duty falls due, and promises that are not kept yet."""

from alembic import op

revision = "page_indexes"
down_revision = "person_erased"


def upgrade() -> None:
    """Make the indexes."""
    op.create_index("review_case_by_due", "review_case", ["state", "due", "moment"])
    op.create_index("promise_open", "promise", ["kept_on", "due"])
