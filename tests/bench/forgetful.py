"""
`python -m tests.bench.forgetful serve …`: `fifthfactor` with everything that is remembered between decisions dropped before each one.

What belongs to the compiled policies stays: the masks of values, what values say to a ruleset, how conditions read where their facts are
left out, and texts that are made once.
"""

from __future__ import annotations

from typing import Any

from engine.backends.durable import Durable
from service.decisions.decider import DecidedExchange, Decider
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

    answer = Decider.answer

    def afresh(self: Decider, live: Live, *more: Any) -> DecidedExchange:
        forget(live)
        return answer(self, live, *more)

    Decider.answer = afresh  # type: ignore[method-assign, assignment]
    fifthfactor()


if __name__ == "__main__":
    main()
