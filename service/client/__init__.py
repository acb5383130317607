"""
The client: exchanges out, answers in, for programs that ask the service before they let data go.

`Client` and `AsyncClient` have the same methods. INVARIANT (never a wrong permit): `Answer.proceed` is True only where the service
said so in a whole, consistent answer that came in time; everything else is an exception, or False of `may_proceed`.

Nothing here imports the server or the engine: it needs httpx alone.
"""

from service.client.answers import Answer, Committed
from service.client.asynchronous import AsyncClient
from service.client.errors import ClientError, Malformed, Place, Refused, Unavailable
from service.client.synchronous import Client

__all__ = ["Answer", "AsyncClient", "Client", "ClientError", "Committed", "Malformed", "Place", "Refused", "Unavailable"]
