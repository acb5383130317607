"""
How many decisions of each outcome were recorded in a time: counted in the index of the log, never record by record.

Each recorded decision counts, whoever asked and whatever became of it. To commit an exchange, it is decided again: `committed_again`
counts the records of that, which are no decisions of their own. Records that are older than the index are not counted until they are
taken into it.
"""

from datetime import datetime

import sqlalchemy as sa

from service.log.search_index import moment_of, numbers_between, sorted_below
from service.store.tables import commitment, entry, entry_term, term


def outcome_counts(connection: sa.Connection, since: datetime | None, until: datetime | None) -> dict[str, int]:
    """The number of decisions by outcome, from a moment on and before another; None is no limit."""

    def within(column: sa.ColumnElement[int]) -> list[sa.ColumnElement[bool]]:
        found: list[sa.ColumnElement[bool]] = []
        if since is not None:
            found.append(column >= moment_of(since))
        if until is not None:
            found.append(column < moment_of(until))
        return found

    counts: dict[str, int] = {}
    words = sa.select(term.c.id, term.c.value).where(term.c.kind == "outcome").order_by(term.c.value)
    for number, outcome in connection.execute(words).all():
        sorted_in = sa.select(sa.func.count()).select_from(entry_term)
        counts[outcome] = connection.execute(
            sorted_in.where(entry_term.c.term == number, *within(entry_term.c.moment))
        ).scalar_one()
    waiting = sa.select(entry.c.outcome, sa.func.count()).where(
        entry.c.sequence >= sorted_below(connection), *within(entry.c.moment)
    )
    for outcome, count in connection.execute(waiting.group_by(entry.c.outcome)):
        counts[outcome] = counts.get(outcome, 0) + count
    return {outcome: count for outcome, count in sorted(counts.items()) if count}


def committed_again(connection: sa.Connection, since: datetime, until: datetime) -> dict[str, int]:
    """The number of records by outcome by which a commitment decided an exchange again, from a moment on and before another."""
    numbers = numbers_between(connection, since, until)
    of_entry = sa.select(entry.c.outcome, sa.func.count()).join(commitment, commitment.c.sequence == entry.c.sequence)
    within = of_entry.where(
        commitment.c.sequence >= numbers.start,
        commitment.c.sequence < numbers.stop,
        entry.c.moment >= moment_of(since),
        entry.c.moment < moment_of(until),
    )
    return {str(row[0]): int(row[1]) for row in connection.execute(within.group_by(entry.c.outcome))}


def decision_counts(connection: sa.Connection, since: datetime, until: datetime) -> dict[str, int]:
    """The number of decisions by outcome, each once, whether or not it was committed then."""
    again = committed_again(connection, since, until)
    counts = {outcome: count - again.get(outcome, 0) for outcome, count in outcome_counts(connection, since, until).items()}
    return {outcome: count for outcome, count in counts.items() if count}
