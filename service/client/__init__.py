"""
The client: exchanges out, answers in, for programs that ask the service before they send data.

`Client` and `AsyncClient` have the same methods. INVARIANT (never a wrong permit): `Answer.proceed` is True only if the service
said so in a complete, consistent answer that came in time. In every other case a call raises, or `may_proceed` returns False.

The client imports neither the server nor the engine. It needs only httpx.
"""

from service.client.answers import Answer, Committed
from service.client.asynchronous import AsyncClient
from service.client.errors import ClientError, Malformed, Place, Refused, Unavailable
from service.client.synchronous import Client

__all__ = ["Answer", "AsyncClient", "Client", "ClientError", "Committed", "Malformed", "Place", "Refused", "Unavailable"]
