"""
One call of a tool: whose key it has, and what comes of it.

A tool asks the service with the key of whoever calls, and no other. What it may is what the service says of the key; the service checks it
again with each call.
"""

import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from service.client import AsyncClient, Caller

MOST_KEYS = 64  # whose clients are kept
KNOWN_SECONDS = 30.0  # for so long the scopes of a key need not be asked for again
TIMEOUT_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class ToolAnswer:
    """
    What a tool gives. `result` is data, and `rests_on` says what it rests on. `rest` says how to get what is left out.

    `sentence` is the result in a sentence.
    """

    sentence: str
    result: Mapping[str, Any]
    rests_on: Mapping[str, Any]
    rest: str = ""


@dataclass(frozen=True, slots=True)
class Asking:
    """A client with the key of whoever calls, and what the service says of this key."""

    client: AsyncClient
    caller: Caller

    @property
    def key_in_words(self) -> str:
        """Whose key it is, for `rests_on`."""
        return self.caller.caller + (f" of the party {self.caller.party}" if self.caller.party else "")


class MayNot(Exception):
    """The key may not do this; the message says what it would need."""


@dataclass(slots=True)
class _Kept:
    client: AsyncClient
    caller: Caller | None = None
    until: float = 0.0


@dataclass
class KeyHolders:
    """The clients of a service, one for each key that calls."""

    address: str
    kept: OrderedDict[str, _Kept] = field(default_factory=OrderedDict)

    def check(self, key: str) -> None:
        """Raises ValueError where the address is none, or a header cannot carry the key."""
        self._client(key)

    def _client(self, key: str) -> AsyncClient:
        return AsyncClient(self.address, key=key or None, timeout=TIMEOUT_SECONDS)

    async def asking(self, key: str) -> Asking:
        """Who calls with a key, or without one (""). Raises ClientError where the service does not know the key or cannot be asked."""
        kept = self.kept.get(key)
        if kept is None:
            kept = self.kept[key] = _Kept(self._client(key))
        self.kept.move_to_end(key)
        if kept.caller is None or kept.until < time.monotonic():
            kept.caller = None
            kept.caller = await kept.client.caller()
            kept.until = time.monotonic() + KNOWN_SECONDS
        while len(self.kept) > MOST_KEYS:
            _, oldest = self.kept.popitem(last=False)
            await oldest.client.aclose()
        return Asking(kept.client, kept.caller)

    async def aclose(self) -> None:
        """Close all connections."""
        while self.kept:
            _, each = self.kept.popitem()
            await each.client.aclose()
