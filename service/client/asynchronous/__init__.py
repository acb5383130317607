"""The client for asyncio programs. Every method is awaited, and ends within the time-out."""

from .agreements import Agreements
from .decisions import Decisions
from .documents import Documents
from .ledger import Ledger
from .log import Log
from .policies import Policies
from .register import Register
from .reviews import Reviews
from .rights import Rights


class AsyncClient(Agreements, Decisions, Documents, Ledger, Log, Policies, Register, Reviews, Rights):
    """
    Asks one service, from one event loop. Use it as `async with AsyncClient(address) as client:`, or close it.

    Its methods are awaited; those that give an iterator are for `async for`.

    `key` is an API key; if not given, FIFTHFACTOR_KEY of the environment. `timeout` is the longest time of a call in seconds, over all
    its attempts. `tls` says how the service's certificate is checked; if not given, by the authorities of the machine. The client follows
    no redirects and uses no proxies or credentials of the environment. With `keep_permits`, `evaluate` keeps so many permits and gives them
    again as long as the service lets it. Every method raises Refused, Unavailable or Malformed where there is no answer.
    """
