"""The deadline of an awaited call: what `deadline` is for a blocking one."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from .errors import Unavailable

pause = asyncio.sleep


@asynccontextmanager
async def within(seconds: float) -> AsyncIterator[None]:
    """Limits the time inside the block to this many seconds. Raises Unavailable."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise Unavailable("there was no answer in time") from None


def connections(tls: ssl.SSLContext) -> httpx.AsyncClient:
    """Connections to a service, which know nothing of the environment."""
    return httpx.AsyncClient(verify=tls, trust_env=False, timeout=None)
