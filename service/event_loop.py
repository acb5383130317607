"""
Turns of the event loop while exchanges are decided.

Deciding blocks the loop, because a separate thread would cost more than most decisions do. So a request asks for a turn
before it decides. After every 50 ms of deciding, over all requests, the loop turns once.
"""

import asyncio
from time import perf_counter

SLICE_SECONDS = 0.05


class Turns:
    """Lets answers leave and probes in between decisions. Use it as `async with turns:` around each decision."""

    def __init__(self) -> None:
        self._spent = 0.0
        self._began = 0.0
        self._next = asyncio.Lock()

    async def __aenter__(self) -> None:
        async with self._next:
            if self._spent > SLICE_SECONDS:
                await asyncio.sleep(0)
                self._spent = 0.0
        self._began = perf_counter()

    async def __aexit__(self, *_: object) -> None:
        self._spent += perf_counter() - self._began
