"""
Who asks, and what they may do.

Every endpoint names the scope its caller needs and asks `caller_of` for the caller before it does anything else.
"""

from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any, Literal

from service.problems import Refused

Scope = Literal["evaluate", "commit", "read", "review", "administer"]

SCOPES: tuple[Scope, ...] = ("evaluate", "commit", "read", "review", "administer")


@dataclass(frozen=True, slots=True)
class Caller:
    """A caller by its id, and the scopes it has."""

    id: str
    scopes: frozenset[str]


LOCAL = Caller("local", frozenset(SCOPES))


def caller_of(scope: MutableMapping[str, Any], needed: Scope) -> Caller:
    """The caller of a request (its ASGI scope), who must have a scope. Raises Refused."""
    caller: Caller = scope.get("caller", LOCAL)
    if needed not in caller.scopes:
        raise Refused("forbidden", f"this needs the scope `{needed}`, which the caller does not have")
    return caller
