"""
Who asks, and what they may do.

The entrance finds out who a caller is before anything else happens (`service.callers.entrance`). Every endpoint names the scope its caller
needs and asks `caller_of` for the caller before it does anything else.
"""

from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any, Literal

from service.problems import RequestRefused

Scope = Literal["evaluate", "commit", "read", "review", "administer"]

SCOPES: tuple[Scope, ...] = ("evaluate", "commit", "read", "review", "administer")


@dataclass(frozen=True, slots=True)
class Caller:
    """
    A caller by its id, and the scopes it has.

    `key:…` is the owner of an API key, `sub:…` the subject of a token, `local` whoever is on this machine where no key is needed.
    """

    id: str
    scopes: frozenset[str]


LOCAL = Caller("local", frozenset(SCOPES))


def caller_of(scope: MutableMapping[str, Any], needed: Scope) -> Caller:
    """The caller of a request (its ASGI scope), who must have a scope. Raises RequestRefused."""
    caller: Caller | None = scope.get("caller")
    if caller is None:  # INVARIANT (fail closed): who did not come through the entrance is nobody
        raise RequestRefused("unauthenticated", "this needs a key", headers={"WWW-Authenticate": "Bearer"})
    if needed not in caller.scopes:
        raise RequestRefused("forbidden", f"this needs the scope `{needed}`, which the caller does not have")
    return caller
