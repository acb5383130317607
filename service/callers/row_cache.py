"""
The rows that a process read a moment ago, so that most requests do not wait for the database.

INVARIANT (bounded age): an entry older than CACHED_SECONDS is never used. Ids without a row are held too, at most MOST_CACHED entries in
all, so a flood of them costs bounded memory. Belongs to an event loop; rows are read in a thread.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

# After this time, what was revoked or ended in another process is refused everywhere.
CACHED_SECONDS = 5.0
MOST_CACHED = 4096

Row = TypeVar("Row")


class RowCache(Generic[Row]):
    """The rows of one kind that were read lately, by their ids. None stands for an id without a row."""

    def __init__(self) -> None:
        self._held: OrderedDict[str, tuple[float, Row | None]] = OrderedDict()
        self._changes = 0

    def __len__(self) -> int:
        return len(self._held)

    async def find(self, id: str, look: Callable[[str], Row | None]) -> Row | None:
        """The row with an id, read by `look` in a thread if it was not read lately. Passes on errors of the database."""
        now = time.monotonic()
        until, row = self._held.get(id, (0.0, None))
        if now < until:
            self._held.move_to_end(id)
            return row
        changes = self._changes
        row = await asyncio.to_thread(look, id)
        if changes != self._changes:
            return row
        self._held[id] = (now + CACHED_SECONDS, row)
        self._held.move_to_end(id)
        while len(self._held) > MOST_CACHED:
            self._held.popitem(last=False)
        return row

    def changed(self, *ids: str) -> None:
        """This process changed rows, so they are read again at once."""
        self._changes += 1  # a read that is under way may be older than this change
        for id in ids:
            self._held.pop(id, None)
