"""What the log says to others: its events; receipts, proofs and its signed notes."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from .. import calls
from ..errors import Malformed
from ..pages import Pages
from ..stream import EventClass, EventStream, Start, StreamEvent
from .connection import Connection


class Log(Connection):
    """The methods about the log as others verify it."""

    def events(self, *, start: Start = "beginning", kind: EventClass | None = None) -> AsyncIterator[StreamEvent]:
        """The events of the log from `start` to its present end, or those of one class. The time-out is that of a page."""
        return self._each(Pages(StreamEvent, "events", "events", query={"from": start, "kind": kind}))

    def follow_events(self, *, start: Start = "now", kind: EventClass | None = None) -> AsyncIterator[StreamEvent]:
        """The events from `start` on, as they are recorded, without end. A connection that breaks is resumed where it was."""
        return self._listen(EventStream(start, kind))

    async def receipt(self, id: str) -> bytes:
        """The receipt of a decision, to be passed on as it is."""
        return await self._call(calls.receipt(id))

    async def receipt_proof(self, id: str) -> bytes:
        """The proof in a receipt, as a C2SP tlog-proof."""
        return await self._call(calls.plain("decisions", id, "receipt", "tlog-proof"))

    async def receipt_cose(self, id: str) -> bytes:
        """The proof in a receipt, as a COSE receipt (RFC 9942)."""
        return await self._call(calls.plain("decisions", id, "receipt", "cose", takes="application/cose"))

    async def proof(self, id: str) -> bytes:
        """The proof that a decision is in the log, as a C2SP tlog-proof."""
        return await self._call(calls.plain("decisions", id, "proof"))

    async def checkpoint(self, *, witnessed: bool = False) -> bytes:
        """The signed checkpoint of the log, or the last one that a witness cosigned. To verify it, you need the key of the log."""
        return await self._call(calls.checkpoint(witnessed))

    async def note_run(self, manifest: Mapping[str, Any]) -> dict[str, Any]:
        """Make the run of a table a leaf of the log. Keep the manifest that comes back: it names its place in the log."""
        same = {name: manifest.get(name) for name in ("rows", "outcomes", "problems_sha256")}
        return await self._call(calls.call(dict, "POST", "runs", sent=manifest, same=same))

    async def withdrawals(self) -> tuple[bytes, ...]:
        """The signed list of withdrawals, a note for each page. The time-out is that of a page."""
        notes, cursor = [], None
        for _ in range(calls.MOST_PAGES):
            note, cursor = await self._call(calls.withdrawals(cursor))
            notes.append(note)
            if cursor is None:
                return tuple(notes)
        raise Malformed("the pages of the answer have no end")
