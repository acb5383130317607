"""
Until when an exchange runs, read from its own facts, where the vocabulary has them: how often it takes place, and its term.
"""

from datetime import date

import engine

FREQUENCY, ONCE, TERM = "act.frequency", "once", "terms.term"


def runs_until(exchange: engine.Exchange, begun: date) -> date | None:
    """The last day on which an exchange runs that began on a day; None if it runs until it is ended."""
    if exchange.value(FREQUENCY) == ONCE:
        return begun
    term = exchange.value(TERM)
    return term.after(begun) if isinstance(term, engine.Duration) and not term.working_days else None
