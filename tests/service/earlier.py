"""Records of earlier shapes, as earlier versions sealed them: a whole decision, and commitments to personal values only."""

import asyncio
import json
from collections.abc import Collection, Mapping
from typing import Any

from service.decisions.replay import reopen
from service.log.leaf import HIDDEN, SealedRecord, clear, seal
from service.log.record import OPTIONAL
from service.log.store import Stored
from service.service import Service

SINCE_SHAPE_3 = ("verdict", "signed_off")


def earlier(service: Service, stored: Stored, shape: int, include: Collection[str] = ()) -> dict[str, Any]:
    """
    What a record of now says, as a record of shape 1 or 2, in clear and under another id. `include` are parts that were asked for.

    A record of shape 1 names neither its language nor what may be signed off.
    """
    record = clear(stored.entry.leaf, stored.entry.openings)
    again = reopen(stored, lambda bundle, mode: service.live.pdp)
    id, lang = "0123"[shape] + stored.entry.id[1:], record.get("lang", "en")
    written = service.live.pdp.tell(again.judgement, today=again.today, id=id, include=include, lang=lang)
    left_out = {*SINCE_SHAPE_3, *(OPTIONAL if shape == 1 else ())}
    kept = {name: value for name, value in record.items() if name not in left_out}
    return kept | {"schema": f"fifthfactor/record/{shape}", "id": id, "decision": json.loads(written.canonical())}


def personal(stored: Stored) -> list[str]:
    """The pointers to the personal values of a record's request."""
    return [each.pointer for each in stored.entry.openings if each.pointer not in HIDDEN]


def record_earlier(service: Service, id: str, shape: int, include: Collection[str] = (), **changes: Any) -> str:
    """Record what a decision's record says as a record of shape 1 or 2, with other members; the id of that record."""
    stored = service.store.read(id)
    assert stored is not None
    return put(service, {**earlier(service, stored, shape, include), **changes}, personal(stored))


def put(service: Service, record: Mapping[str, Any], pointers: Collection[str] = ()) -> str:
    """Seal a record and append it; its id."""
    entry: SealedRecord = seal(record, tuple(pointers))
    asyncio.run(service.store.append(entry))
    return entry.id
