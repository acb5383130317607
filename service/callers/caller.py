"""
The caller of a request, and what the caller may do.

The entrance (`service.callers.entrance`) first finds out who the caller is. Every use case then takes a `Context`
(`service.callers.context`), which checks the scope that its caller needs; an endpoint that takes none begins with `caller_of`.
"""

from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import Any, Literal

from service.callers.person import Person
from service.problems import RequestRefused

Scope = Literal["evaluate", "commit", "read", "review", "administer"]

SCOPES: tuple[Scope, ...] = ("evaluate", "commit", "read", "review", "administer")
OF_A_PARTY: tuple[Scope, ...] = ("evaluate", "commit", "read")  # those that a caller who belongs to a party may have
MOST_OF_A_PARTY = 256  # characters in the id of a party


@dataclass(frozen=True, slots=True)
class Caller:
    """
    A caller's id and scopes.

    `key:…` is the owner of an API key, `sub:…` the subject of a token, `person:…` somebody who signed in, `local` a caller on this machine
    where no key is needed.
    `party` is the id of the party to which the caller belongs, as the register calls it. Such a caller acts as that exporter, and reads
    what belongs to that party. A caller without one is an operator's. `person` is who calls, None if it is a program or not known. `name`
    is what a key is called.
    """

    id: str
    scopes: frozenset[str]
    party: str | None = None
    person: Person | None = None
    name: str | None = field(default=None, compare=False)

    @property
    def shown(self) -> str:
        """What a reader knows the caller by."""
        return self.person.shown if self.person else self.name or self.id

    @property
    def reads(self) -> bool:
        """Whether the caller may read the records of all parties, and the register."""
        return "read" in self.scopes and self.party is None


LOCAL = Caller("local", frozenset(SCOPES))


def is_party(id: str) -> bool:
    """Whether a text can be the id of the party to which a caller belongs."""
    return 0 < len(id) <= MOST_OF_A_PARTY and id.isprintable() and id != "unknown"


def caller_of(scope: MutableMapping[str, Any], needed: Scope, *, of_party: bool = False) -> Caller:
    """
    The caller of a request (an ASGI scope), who must have the scope `needed`. Raises RequestRefused.

    `of_party`: the endpoint also serves a caller who belongs to a party, and shows it nothing of others.
    """
    caller = known_caller(scope)
    check(caller, needed, of_party=of_party)
    return caller


def known_caller(scope: MutableMapping[str, Any]) -> Caller:
    """The caller of a request (an ASGI scope), whatever she may do. Raises RequestRefused."""
    caller: Caller | None = scope.get("caller")
    if caller is None:  # INVARIANT (fail closed): a request that did not pass the entrance has no caller
        raise RequestRefused("unauthenticated", "this needs a key", headers={"WWW-Authenticate": "Bearer"})
    return caller


def check(caller: Caller, needed: Scope, *, of_party: bool) -> None:
    """A caller must have a scope, and belong to no party if not `of_party`. Raises RequestRefused."""
    if needed not in caller.scopes:
        raise RequestRefused("forbidden", f"this needs the scope `{needed}`, which the caller does not have")
    # INVARIANT (fail closed): an endpoint that does not say how it keeps parties apart serves no caller who belongs to one.
    if caller.party is not None and not of_party:
        raise RequestRefused(
            "forbidden", "this is of other parties too: it needs an operator's key, and the caller's belongs to a party"
        )
