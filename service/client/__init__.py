"""
The client: exchanges out, answers in, for programs that ask the service before they send data.

`Client` and `AsyncClient` have the same methods. INVARIANT (never a wrong permit): `Answer.proceed` is True only if the service
said so in a complete, consistent answer that came in time. In every other case a call raises, or `may_proceed` returns False.

The client imports neither the server nor the engine. It needs only httpx. Its modules import each other by relative names, because they
are `service.client` in the checkout and `fifthfactor_client` when they are installed alone.
"""

from .answer_parts import Bounds, Choice, Gap, Owed, Question, SignedOff, Unmet, Way
from .answers import Answer, Committed
from .asynchronous import AsyncClient
from .errors import ClientError, Malformed, Place, Refused, Unavailable
from .explanation import Explanation
from .promises import Promise
from .reviews import Recorded, Review, SignOff, SignOffsGiven, Then
from .synchronous import Client

__all__ = [
    "Answer",
    "AsyncClient",
    "Bounds",
    "Choice",
    "Client",
    "ClientError",
    "Committed",
    "Explanation",
    "Gap",
    "Malformed",
    "Owed",
    "Place",
    "Promise",
    "Question",
    "Recorded",
    "Refused",
    "Review",
    "SignOff",
    "SignOffsGiven",
    "SignedOff",
    "Then",
    "Unavailable",
    "Unmet",
    "Way",
]
