"""
The answer that is a stream of server-sent events: a generator of their texts and how long it lasts go in, the answer comes out.

INVARIANT (let go in time): also a listener who takes nothing of what is sent is let go, a little after its time is over. Else it would keep
its place, which another could have, for as long as its connection lives.
"""

import asyncio
from collections.abc import AsyncGenerator

from fastapi.responses import StreamingResponse
from starlette.requests import ClientDisconnect
from starlette.types import Send

GRACE_SECONDS = 30.0  # for the last events that there are when the time is over


class EventStreamResponse(StreamingResponse):
    """Server-sent events for so many seconds."""

    media_type = "text/event-stream"

    def __init__(self, told: AsyncGenerator[str, None], seconds: float) -> None:
        super().__init__(told)
        self._told, self._seconds = told, seconds

    async def stream_response(self, send: Send) -> None:
        """Send them. Raises ClientDisconnect where they are not taken in time."""
        try:
            async with asyncio.timeout(self._seconds + GRACE_SECONDS):
                await super().stream_response(send)
        except TimeoutError:
            raise ClientDisconnect from None
        finally:
            await self._told.aclose()
