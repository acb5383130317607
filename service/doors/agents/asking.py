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
    """A client of a key that the service knows; `until` the service need not be asked again whose it is."""

    client: AsyncClient
    caller: Caller
    until: float


@dataclass
class KeyHolders:
    """
    The clients of a service, one for each key that calls.

    A key is kept only after the service knew it, so whoever sends keys of nobody pushes no other out. A client that was pushed out is
    closed with the rest: a call may be using it.
    """

    address: str
    kept: OrderedDict[str, _Kept] = field(default_factory=OrderedDict)
    pushed_out: list[AsyncClient] = field(default_factory=list)

    def check(self, key: str) -> None:
        """Raises ValueError where the address is none, or a header cannot carry the key."""
        self._client(key)

    def _client(self, key: str) -> AsyncClient:
        return AsyncClient(self.address, key=key or None, timeout=TIMEOUT_SECONDS)

    async def asking(self, key: str) -> Asking:
        """Who calls with a key, or without one (""). Raises ClientError where the service does not know the key or cannot be asked."""
        kept = self.kept.get(key)
        if kept is not None and time.monotonic() < kept.until:
            self.kept.move_to_end(key)
            return Asking(kept.client, kept.caller)
        client = kept.client if kept else self._client(key)
        try:
            caller = await client.caller()
        except BaseException:
            self.kept.pop(key, None)
            if kept is None:
                await client.aclose()
            else:
                self.pushed_out.append(client)
            raise
        if key not in self.kept and len(self.kept) >= MOST_KEYS:
            self.pushed_out.append(self.kept.popitem(last=False)[1].client)
        before = self.kept.get(key)
        if before is not None and before.client is not client:  # two calls made a client at once
            self.pushed_out.append(before.client)
        self.kept[key] = _Kept(client, caller, time.monotonic() + KNOWN_SECONDS)
        self.kept.move_to_end(key)
        await self._close_idle()
        return Asking(client, caller)

    async def _close_idle(self) -> None:
        """Close the oldest of the clients that were pushed out, once there are many of them: no call lasts so long."""
        while len(self.pushed_out) > MOST_KEYS:
            await self.pushed_out.pop(0).aclose()

    async def aclose(self) -> None:
        """Close all connections."""
        for each in (*(each.client for each in self.kept.values()), *self.pushed_out):
            await each.aclose()
        self.kept.clear()
        self.pushed_out.clear()
