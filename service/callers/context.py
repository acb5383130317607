"""
Who asks for something, what the caller may see, what time it is, and which policies decide: what every use case takes first.

A use case names the door by which its caller comes in (`context: Administering`), so that no face of the service can forget the check.

- INVARIANT (fail closed): no context is made without a door, and no door lets a caller in who does not have its scope. A door that does
  not say how it keeps parties apart (`of_party`) lets in no caller who belongs to one.
"""

from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any, ClassVar

from service.callers.caller import Caller, Scope, check
from service.policies.live import Live
from service.settings import Settings
from service.telemetry.incidents import Incidents, JudgeAgain, judge_again


@dataclass(frozen=True)
class Context:
    """
    One call of a use case. `now` of work that writes is the moment at which its transaction began. `incidents` are those of a service.

    Raises RequestRefused.
    """

    caller: Caller
    live: Live
    now: datetime
    settings: Settings
    request_id: str
    incidents: Incidents | None = None

    scope: ClassVar[Scope]
    also: ClassVar[tuple[Scope, ...]]
    of_party: ClassVar[bool]

    def __init_subclass__(cls, *, scope: Scope, of_party: bool, also: tuple[Scope, ...] = (), **more: Any) -> None:
        """A door: the scope that it needs, those that it needs `also`, and whether it lets in a caller who belongs to a party."""
        super().__init_subclass__(**more)
        cls.scope, cls.also, cls.of_party = scope, also, of_party

    def __post_init__(self) -> None:
        if type(self) is Context:
            raise TypeError("a context is made by a door, which has a scope and a view of parties")
        for each in (*self.also, self.scope):
            check(self.caller, each, of_party=self.of_party)

    @property
    def party(self) -> str | None:
        """The party to which the caller belongs, and whose rows alone it sees; None for an operator's."""
        return self.caller.party

    @property
    def judge_again(self) -> JudgeAgain:
        """How this call judges the exchange of a record again."""
        return partial(self.incidents.judge_again, self.request_id) if self.incidents else judge_again

    @property
    def token_issuer(self) -> str | None:
        """The issuer of the tokens that are accepted, None if none is set."""
        return self.settings.jwt_issuer or None

    @property
    def today(self) -> date:
        """The day of the service."""
        return self.settings.day_of(self.now)


class Reading(Context, scope="read", of_party=True):
    """Reads; a caller who belongs to a party gets what is this party's, so the use case asks `party_view`."""


class ReadingAll(Reading, scope="read", of_party=False):
    """Reads what is of all parties."""


class Evaluating(Context, scope="evaluate", of_party=True):
    """Asks for a decision; a caller who belongs to a party asks for its own exchanges."""


class EvaluatingAll(Evaluating, scope="evaluate", of_party=False):
    """Asks for a decision in which what is of all parties may be told."""


class Committing(Context, scope="commit", of_party=True):
    """Reports what really happens; a caller who belongs to a party reports of its own."""


class Reviewing(Context, scope="review", of_party=False):
    """Looks as a person, and signs."""


class ReadingReviews(Reviewing, scope="review", of_party=False, also=("read",)):
    """Looks as a person at what is recorded, and signs."""


class Administering(Context, scope="administer", of_party=False):
    """Changes what the service itself holds."""
