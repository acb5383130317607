"""Records that a test writes itself, as somebody would who may write to everything."""

import asyncio
from collections.abc import Collection, Mapping
from typing import Any

from service.log.leaf import SealedRecord, seal
from service.service import Service


def put(service: Service, record: Mapping[str, Any], pointers: Collection[str] = ()) -> str:
    """Seal a record and append it; its id."""
    entry: SealedRecord = seal(record, tuple(pointers))
    asyncio.run(service.store.append(entry))
    return entry.id
