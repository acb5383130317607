"""
Roles: the claims of a person in, the scopes that her roles give out.

An issuer names roles in a claim, whose name differs: `roles`, or `realm_access.roles` for one inside another. A role `fifthfactor:SCOPE`
gives that scope, as in a token. The setting `oidc_roles` says what other roles give. A role that is not known gives nothing.
"""

from collections.abc import Mapping
from typing import Any

from service.callers.caller import SCOPES
from service.callers.tokens import SCOPE_PREFIX

MOST_ROLES = 2_000


def held(claims: Mapping[str, Any], claim: str) -> frozenset[str] | None:
    """
    The roles in a claim, None if there is no such claim.

    A list of texts, or one text with roles separated by spaces, is roles; anything else is none.
    """
    value: Any = claims
    for step in (claim,) if claim in claims else claim.split("."):
        if not isinstance(value, Mapping) or step not in value:
            return None
        value = value[step]
    roles = value.split() if isinstance(value, str) else value
    if not isinstance(roles, list) or len(roles) > MOST_ROLES:
        return frozenset()
    return frozenset(each for each in roles if isinstance(each, str))


def scopes(roles: frozenset[str], given: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """The scopes of roles; `given` has what the roles of the setting give."""
    named = {each.removeprefix(SCOPE_PREFIX) for each in roles if each.startswith(SCOPE_PREFIX)}
    return frozenset(SCOPES) & frozenset().union(named, *(given.get(role, frozenset()) for role in roles))
