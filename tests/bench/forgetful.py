"""
`python -m tests.bench.forgetful serve …`: `fifthfactor` with everything that is remembered between decisions dropped before each one.

What belongs to the compiled policies stays: the masks of values, what single values say to a ruleset, and texts that are made once.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import engine
from engine.backends.durable import Durable
from service.decisions.decider import Decider, Judged
from service.policies.live import Live


def forget(live: Live) -> None:
    """Drop whatever decisions have left behind for later ones."""
    live.decisions.forget()
    for each in live.pdp.engines:
        if isinstance(each, Durable):
            each.forget()


def main() -> None:
    """Run the command line so."""
    from service.cli.main import main as fifthfactor

    judge = Decider.judge

    def afresh(self: Decider, live: Live, exchange: engine.Exchange, now: datetime, *more: Any, **named: Any) -> Judged:
        forget(live)
        return judge(self, live, exchange, now, *more, **named)

    Decider.judge = afresh  # type: ignore[method-assign]
    fifthfactor()


if __name__ == "__main__":
    main()
