"""
Who looks at a page with a session of her own, how many reviews she can sign, what time it is, and whether all of it is a story. The gate
says it once for each request, since every page shows it.
"""

from collections.abc import Collection, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Her name, what she may do, and the token for her form to sign out."""

    name: str
    scopes: Collection[str]
    token: str

    def told(self, words: Mapping[str, str]) -> str:
        """What she may do, in words."""
        return words["and"].join(words[scope] for scope in self.scopes)


# How many reviews the caller can sign, for the navigation (`queue.for_frame`); None for whoever may not review.
WAITING: ContextVar[int | None] = ContextVar("waiting", default=None)
# The moment of the request, None where there is none: what is of minutes or days ago is said so.
NOW: ContextVar[datetime | None] = ContextVar("now", default=None)
# Whether the service tells a story: nothing in it happened, and each page says so.
STORY: ContextVar[bool] = ContextVar("story", default=False)
SIGNED_IN: ContextVar[SignedIn | None] = ContextVar("signed_in", default=None)
