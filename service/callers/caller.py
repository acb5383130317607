"""
The caller of a request, and what the caller may do.

The entrance (`service.callers.entrance`) first finds out who the caller is. Every endpoint then begins with `caller_of`, which checks the
scope that its caller needs.
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
    A caller's id and scopes.

    `key:…` is the owner of an API key, `sub:…` the subject of a token, `local` a caller on this machine where no key is needed.
    """

    id: str
    scopes: frozenset[str]

    @property
    def reads(self) -> bool:
        """Whether the caller may read records and the register."""
        return "read" in self.scopes


LOCAL = Caller("local", frozenset(SCOPES))


def caller_of(scope: MutableMapping[str, Any], needed: Scope) -> Caller:
    """The caller of a request (an ASGI scope), who must have the scope `needed`. Raises RequestRefused."""
    caller: Caller | None = scope.get("caller")
    if caller is None:  # INVARIANT (fail closed): a request that did not pass the entrance has no caller
        raise RequestRefused("unauthenticated", "this needs a key", headers={"WWW-Authenticate": "Bearer"})
    if needed not in caller.scopes:
        raise RequestRefused("forbidden", f"this needs the scope `{needed}`, which the caller does not have")
    return caller
