"""
The exchange of a record, read again: a record goes in, and its exchange comes out as the loaded policies read it.

It is the exchange as it was decided, with what the register and the counters filled in. A value that was erased since is unknown.
"""

from collections.abc import Mapping
from typing import Any

import engine
from service.ledger.counter_marks import bare
from service.log.canonical_json import canonical
from service.log.leaf import erased, with_personal_values, with_value
from service.log.record import exchange_of, shown_until
from service.log.store import Stored
from service.policies.live import Live


def exchange_again(live: Live, stored: Stored) -> engine.Exchange | None:
    """The exchange of a record as it was decided, read by the loaded policies; None if they cannot read it."""
    record = with_personal_values(stored.entry.leaf, stored.entry.openings)
    request: Mapping[str, Any] = exchange_of(record)
    for pointer in erased(stored.entry.openings):  # it may have been anything
        request = with_value(request, pointer, "unknown")
    # The policies may have lost a counter. The others are counted all the same.
    for document in (request, bare(request, {fact: {} for fact in record.get("counted", {})})):
        try:
            return engine.parse_exchange(live.bundle, canonical(dict(document))).as_shown(shown_until(record))
        except engine.ExchangeRefused:
            continue
    return None
