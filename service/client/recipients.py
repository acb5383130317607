"""Reads which recipients may take an exchange, or says why it cannot be read; a permit that its bounds contradict is none."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .answer_parts import Bounds, Outcome
from .answers import PERMITTING, refusal
from .errors import Malformed, Refused
from .shapes import read as shaped


@dataclass(frozen=True, slots=True)
class Prohibiting:
    """A provision that certainly prohibits the exchange."""

    provision: str
    citation: str


@dataclass(frozen=True, slots=True)
class NextFact:
    """The next fact to find out, with the question that asks for it."""

    fact: str
    question: str


@dataclass(frozen=True, slots=True)
class RecipientBrief:
    """
    What an exchange comes to with one of the recipients. It is not recorded and cannot be committed: evaluate it before it happens.

    `unmet` are titles of what is required and not shown, `prohibited_by` the provisions that certainly prohibit it.
    """

    outcome: Outcome
    proceed: bool
    bounds: Bounds
    unmet: tuple[str, ...]
    prohibited_by: tuple[Prohibiting, ...]
    question: NextFact | None = None

    def __bool__(self) -> bool:
        """Raises TypeError: a brief is there even for a refusal, so `if brief:` would permit everything."""
        raise TypeError("a brief is neither true nor false: use `.proceed`")


def briefs(read: Mapping[str, Any], sent: int) -> list[RecipientBrief | Refused]:
    """What comes of each recipient that was sent. Raises Malformed."""
    results = read.get("results")
    if read.get("recorded") is not False or not isinstance(results, list) or len(results) != sent:
        raise Malformed("the answer does not have a result for each recipient")
    found: list[RecipientBrief | Refused] = []
    for each in results:
        match each:
            case {"decision": decision} if len(each) == 1:
                brief = shaped(RecipientBrief, decision, "decision")
                permits = {brief.outcome, brief.bounds.lowest, brief.bounds.highest} <= {*PERMITTING}
                if brief.proceed and (not permits or brief.unmet or read.get("hypothetical") is not False):
                    raise Malformed("a result says `proceed`, but its other parts contradict this")
                found.append(brief)
            case {"problem": dict(problem)} if len(each) == 1:
                found.append(refusal(problem, 0))
            case _:
                raise Malformed("a result is neither a decision nor a problem")
    return found
