"""
Turns of the event loop while exchanges are decided.

Deciding holds the loop: a thread of its own would cost more than most decisions do. So whoever decides asks for a turn
first, and after every 50 ms of deciding, whoever did it, the loop turns once.
"""

import asyncio
from time import perf_counter

SLICE_SECONDS = 0.05


class Turns:
    """Lets answers leave and probes be heard between decisions. Used as `async with turns:` around each."""

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
