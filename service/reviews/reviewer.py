"""
Who works the queue off: a caller goes in; of each case that waits it is said who has to do something about it.

A case is of one of GROUPS. `yours`: this caller can sign something of it. `others`: something of it can be signed, by somebody else: she
asked for it, she has signed already, or two persons have to sign and the caller is none. `coverage`: nobody can sign it, and an acceptance
would close its gaps. `again`: other policies decided it, so it has to be decided again before anybody signs. Source: semantics 4.3, 4.6.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, Self, get_args

import sqlalchemy as sa

from service.callers import known_persons
from service.callers.caller import LOCAL, Caller
from service.callers.known_persons import Identity
from service.callers.person import Person
from service.policies import kept_bundles
from service.policies.live import Live
from service.reviews.standing_sign_off import persons_needed

Group = Literal["yours", "others", "coverage", "again"]
GROUPS: tuple[Group, ...] = get_args(Group)


class Waits(Protocol):
    """What a case of the queue says of itself: see `queue.WaitingCase`."""

    @property
    def askers(self) -> Sequence[str]:
        """Who asked for decisions on its facts."""

    @property
    def provisions(self) -> Sequence[str]:
        """What may be signed off of it."""

    @property
    def signed(self) -> Mapping[str, Sequence[str]]:
        """What lacks another signature, with who gave the first."""

    @property
    def bundle(self) -> str:
        """The digest of the sources of the policies that decided it."""


@dataclass(frozen=True, slots=True)
class Reviewer:
    """
    A caller who reviews: who she is to the service, and the person behind her if it knows one.

    `erased` has when persons were erased: whoever came after that may be one of them. `current` are the digests of the sources of policies
    that mean what the loaded ones do.
    """

    who: Identity
    person: Person | None
    erased: Mapping[str, str]
    live: Live
    current: frozenset[str]

    @classmethod
    def of(cls, connection: sa.Connection, caller: Caller, live: Live, token_issuer: str | None) -> Self:
        """A caller. `token_issuer` is the issuer of tokens that is set."""
        who = known_persons.identity(connection, caller, token_issuer)
        current = kept_bundles.sources_of(connection, live.digests.meaning) | {live.digests.source}
        return cls(who, caller.person, known_persons.erasures(connection), live, current)

    @property
    def names(self) -> frozenset[str]:
        """Every id that is hers."""
        return self.who.names

    def asked_for(self, case: Waits) -> bool:
        """Whether a case is her own request, or may be. Where nobody can be told apart, it is not."""
        return LOCAL.id not in self.names and self.who.may_be(case.askers, self.erased)

    def counts_for(self, provision: str) -> bool:
        """Whether her signature can count for a provision: where two persons have to sign, only that of a person can."""
        return self.person is not None or persons_needed(self.live, provision) == 1

    def group(self, case: Waits) -> Group:
        """Who has to do something about a case."""
        if case.bundle not in self.current:
            return "again"
        if not case.provisions:
            return "coverage"
        return "yours" if self.may_take(case) else "others"

    def may_take(self, case: Waits) -> bool:
        """Whether she can sign something of a case."""
        if case.bundle not in self.current or self.asked_for(case):
            return False
        return any(self.names.isdisjoint(case.signed.get(name, ())) and self.counts_for(name) for name in case.provisions)
