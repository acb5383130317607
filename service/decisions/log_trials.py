"""
The exchanges of a decision log, to be decided again under other policies: a database goes in, a trial exchange of each record comes out.

The log is opened for reading only; a service may write to it meanwhile. Erased personal values are left out of the exchanges.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import engine
from service.decisions.log_replay import recorded_within
from service.log.leaf import erased, with_personal_values
from service.log.record import SCHEMA, exchange_of
from service.log.search_index import numbers_between
from service.log.store import Stored, scan
from service.store.database import file_of
from service.store.upgrade import reading


@dataclass(slots=True)
class LogTrials:
    """The requests of a log, those from `since` on and before `until`. `erased` counts those from which personal values are erased."""

    url: str
    since: datetime | None = None
    until: datetime | None = None
    erased: int = field(default=0)

    def trials(self) -> Iterator[engine.TrialExchange]:
        """The request and the day of each record, in the order of the log. Raises DatabaseRefused."""
        with reading(self.url) as connection:
            asked = numbers_between(connection, self.since, self.until)
            for stored in scan(connection, asked.start, asked.stop):
                if recorded_within(stored, self.since, self.until):
                    yield self._trial(stored)

    def _trial(self, stored: Stored) -> engine.TrialExchange:
        entry = stored.entry
        at = f"{file_of(self.url) or 'log'}#{stored.sequence}"
        faults = stored.faults()
        if faults:
            return engine.TrialExchange(entry.id, at, "log", problem=f"the record has a fault: {faults[0]}")
        record = with_personal_values(entry.leaf, entry.openings)
        if record.get("schema") != SCHEMA:
            return engine.TrialExchange(entry.id, at, "log", problem="the record has a shape that this version does not know")
        gone = erased(entry.openings)
        for pointer in gone:
            _leave_out(record["request"], pointer)
        self.erased += bool(gone)
        raw = json.dumps(exchange_of(record), ensure_ascii=False).encode()
        return engine.TrialExchange(entry.id, at, "log", raw, date.fromisoformat(record["as_of"]))


def _leave_out(document: Any, pointer: str) -> None:
    *path, last = (step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:])
    for step in path:
        document = document[step]
    del document[last]
