# Made from `asynchronous/__init__.py`: change that file, then run RECORD=1 pytest tests/service/test_synchronous_client.py
"""The client for programs without asyncio. Every method blocks until there is an answer, and ends within the time-out."""

from .agreements import Agreements
from .decisions import Decisions
from .documents import Documents
from .ledger import Ledger
from .log import Log
from .policies import Policies
from .register import Register
from .reviews import Reviews
from .rights import Rights


class Client(Agreements, Decisions, Documents, Ledger, Log, Policies, Register, Reviews, Rights):
    """
    Asks one service. Threads may share it. Use it as `with Client(address) as client:`, or close it.

    `key` is an API key; if not given, FIFTHFACTOR_KEY of the environment. `timeout` is the longest time of a call in seconds, over all
    its attempts. `tls` says how the service's certificate is checked; if not given, by the authorities of the machine. The client follows
    no redirects and uses no proxies or credentials of the environment. With `keep_permits`, `evaluate` keeps so many permits and gives them
    again as long as the service lets it. Every method raises Refused, Unavailable or Malformed where there is no answer.
    """
