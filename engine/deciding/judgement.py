"""
What is found out about an exchange before a word is written: each engine's verdict, and what they come to.

A judgement is made once an exchange and day (`pdp.PDP.judge`); whether it may proceed, what may be signed off, what it adds to counters and
what the decision says are all read from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from engine.deciding.carried import Carried
from engine.deciding.combine import Outcome
from engine.deciding.sign_off import Approval, Unsignable, why_not
from engine.decision import EnginePart, SignedOffPart
from engine.exchange import Exchange
from engine.verdict import Bounds, Reading, Verdict, numbers

WEIGHING = frozenset({"prohibit", "require", "oblige", "review", "compels"})
LIFTING = frozenset({"satisfies", "exempts"})
BEARING = WEIGHING | LIFTING


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """
    An exchange, judged under the law of one day.

    `signed` are the approvals that were given and have not ended by `as_of`; `signed_off` those that the verdict rests on. `verdicts` are
    by the engines' names, in the order of the mode; an engine that failed has none, and `engine` says so. `own` is the outcome without
    what was carried into the exchange, `outcome` with it. `carried` is all that was: first what `came` from earlier legs of a plan, then
    what the sender stated. `beneath` are the bounds with every review put away that a person may sign off (semantics 4.6), `signable` the
    provisions that one may, those signed off among them; where the engines disagree, nobody knows what there is to sign.
    """

    exchange: Exchange
    as_of: date
    signed: tuple[Approval, ...]
    verdicts: Mapping[str, Verdict]
    engine: EnginePart
    own: Outcome
    outcome: Outcome
    beneath: Bounds
    came: tuple[Carried, ...]
    carried: tuple[Carried, ...]
    signed_off: tuple[SignedOffPart, ...]
    signable: tuple[str, ...]

    @property
    def verdict(self) -> Verdict:
        """The first engine's verdict, which everything is read from."""
        return next(iter(self.verdicts.values()))

    @property
    def reading(self) -> Reading:
        """How tests read on the exchange."""
        reading = self.verdict.truth
        assert reading is not None
        return reading

    @property
    def agreed(self) -> bool:
        """Whether every engine answered, and all the same."""
        return self.engine.agreed

    @property
    def provisions(self) -> tuple[str, ...]:
        """The ids of the provisions that stand for certain and weigh or lift, in the order of the rules."""
        rules = self.verdict.rules
        standing = (rules[number] for number in numbers(self.verdict.stands.certain))
        return tuple(dict.fromkeys(rule.provision.id for rule in standing if rule.effect in BEARING))

    def proceeds(self, today: date) -> bool:
        """Whether the exchange may proceed: it is permitted, and not only hypothetically."""
        return self.outcome.permits and self.as_of == today

    def unsignable(self, provision: str) -> Unsignable | None:
        """Why nobody may sign off a provision; None where somebody may."""
        if not self.agreed:
            return "disagreement"
        return None if provision in self.signable else why_not(self.verdict, self.own.conflicts, provision)
