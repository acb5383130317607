"""
Until when an exchange runs, and what it conveys stands, read from its own facts, where the vocabulary has them: how often it takes place,
and its term.
"""

from datetime import date, timedelta

import engine

FREQUENCY, ONCE, TERM = "act.frequency", "once", "terms.term"


def runs_until(exchange: engine.Exchange, begun: date) -> date | None:
    """The last day on which an exchange runs that began on a day; None if it runs until it is ended."""
    if exchange.value(FREQUENCY) == ONCE:
        return begun
    term = exchange.value(TERM)
    return term.after(begun) if isinstance(term, engine.Duration) and not term.working_days else None


def term_ends(exchange: engine.Exchange, begun: date) -> date | None:
    """The last day of the term of what an exchange conveys that began on a day; None if it names no term, or one without an end."""
    term = exchange.value(TERM)
    if not isinstance(term, engine.Duration) or term.working_days or term.perpetual:
        return None
    end = term.after(begun)
    return None if end == engine.PERPETUAL else end - timedelta(days=1)
