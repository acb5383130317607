"""
Each record against the place of the log that it has: what it says that it used is compared with what the leaves before it say.

A database could say something else for a moment: when a service read it, and not before or afterwards. The rows of now do not show that.
The rows that the leaves make up to a record do.

A service reads before its record has a place. So a record that differs is compared once more with the rows of each moment that may have
been the one: between the leaves that were written when it was decided, or SLACK earlier, and its place.
"""

import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import sqlalchemy as sa

from service.audit.past_rows import PastRows
from service.audit.replica import Leaf, Replica
from service.audit.used_inputs import DECIDING, CommittedEvaluation, RecordUsed, UsedInputs
from service.log.store import of_numbers
from service.store.log_key import LogKey
from service.store.tables import record, tree_leaf

SLACK = timedelta(seconds=10)  # clocks of several machines differ, and a process believes for some seconds what it read
_AT_ONCE = 200
_MOST_AGAIN = 1_500  # comparisons with another moment than the place of a record
_MOST_MOMENTS = 200  # before its place, of which one may have been when a record was decided
_LOST = "counters-lost"
_LAST_LOST = sa.select(sa.func.max(tree_leaf.c.index)).where(tree_leaf.c.kind == _LOST)
_COMMITMENTS = sa.select(tree_leaf.c.leaf).where(tree_leaf.c.kind == "commitment")
_PLACES = (
    sa.select(record.c.sequence, record.c.leaf_index)
    .where(record.c.leaf_index.is_not(None), record.c.sequence > sa.bindparam("after"))
    .order_by(record.c.sequence)
    .limit(_AT_ONCE)
)
_NUMBERS = sa.select(record.c.sequence).where(record.c.id.in_(sa.bindparam("ids", expanding=True)))


@dataclass(slots=True)
class _Late:
    """A record that differs at its place, and the first leaf that may have come after its service had read."""

    used: RecordUsed
    place: int
    first: int
    differs: str
    settings: list[Mapping[str, Any]]


@dataclass(eq=False)
class PastDecisions:
    """
    The comparison of the records of a log. Its methods are called while a replica reads the leaves, and `findings` at the end.

    `not_compared` is the number of records of which what they used is not known any more, or was used by another version.
    """

    connection: sa.Connection
    key: LogKey
    progress: Callable[[int], None] = lambda number: None
    not_compared: int = 0
    _late: list[_Late] = field(default_factory=list)
    _leaves: list[tuple[int, str]] = field(default_factory=list)
    _settings: list[Mapping[str, Any]] = field(default_factory=list)
    _done: int = 0

    def begin(self, replica: Replica) -> None:
        """The replica that will read."""
        self._rows = PastRows(replica, self.connection, self.key)
        self._decided: dict[bytes, deque[int]] = {}
        self._inputs = UsedInputs(self._rows, self.connection, self._decided)
        self._records = self._read()
        self._next = next(self._records, None)

    def before(self, index: int) -> None:
        """The rows are those of all leaves before an index: the records before it are compared."""
        while self._next is not None and self._next[0] < index:
            place, used = self._next
            self._compare(place, used)
            self._next = next(self._records, None)

    def after(self, index: int, leaf: Leaf) -> None:
        """A leaf was applied."""
        self._rows.applied(leaf)
        self._leaves.append((index, str(leaf.get("at", ""))))
        if leaf.get("kind") == "settings":
            self._settings = _with(self._settings, leaf["settings"])

    def end(self) -> None:
        """No leaf comes any more."""
        self.before(2**62)
        self._rows.close()

    def findings(self) -> Iterator[str]:
        """A sentence for each record that used what no leaf says. It reads the leaves once more where a record differs at its place."""
        again = [each for each in self._late if each.first < each.place]
        if again:
            self._look_again(again)
        for each in self._late:
            if each.differs == "its counts" and each.first < each.place and not each.used.permits:
                # What came out where a commitment was overtaken is decided within it, and recorded after it: of no moment that is known.
                self.not_compared += 1
            elif each.differs:
                stored = each.used.stored
                yield (
                    f"the record {stored.sequence} ({stored.entry.id}) rests on what the leaves before it do not say: {each.differs}"
                )

    def _compare(self, place: int, used: RecordUsed | None) -> None:
        self._done += 1
        if self._done % _AT_ONCE == 0:
            self.progress(self._done)
        if used is None:
            self.not_compared += 1
            return
        settings = self._settings or [{}]
        differs = self._inputs.differs(used, settings)
        self._inputs.note(used)
        if differs:
            self._late.append(_Late(used, place, self._first(used.at - SLACK, place), differs, list(settings)))

    def _first(self, since: datetime, place: int) -> int:
        """The first of the last leaves that were all written since a moment."""
        first = place
        for index, at in islice(reversed(self._leaves), _MOST_MOMENTS):
            if at and datetime.fromisoformat(at) < since:
                break
            first = index
        return first

    def _look_again(self, late: list[_Late]) -> None:
        replica = Replica()
        rows = PastRows(replica, self.connection, self.key)
        inputs = UsedInputs(rows, self.connection, self._decided, most_ways=3)

        left = _MOST_AGAIN

        def before(index: int) -> None:
            nonlocal left
            for each in late:
                if each.differs and each.first <= index < each.place:
                    left -= 1
                    if left < 0:  # so many decided at once: which moment was that of each is not found out
                        each.differs = ""
                        self.not_compared += 1
                    else:
                        each.differs = inputs.differs(each.used, each.settings)

        try:
            for _ in replica.read(self.connection, before, lambda index, leaf: rows.applied(leaf)):
                pass
        finally:
            replica.close()

    def _read(self) -> Iterator[tuple[int, RecordUsed | None]]:
        """The records of the log with their places, in order."""
        committed = self._committed()
        after, unlike = -1, self._lost()
        while some := self.connection.execute(_PLACES, {"after": after}).all():
            after = some[-1].sequence
            stored = {each.sequence: each for each in of_numbers(self.connection, [row.sequence for row in some])}
            wanted = [committed[each.entry.id][0] for each in stored.values() if each.entry.id in committed]
            decisions = {each.entry.id: each for each in self._of_ids(wanted)}
            for row in some:
                each = stored[row.sequence]
                decision, replaces = committed.get(each.entry.id, ("", None))
                stored_decision = decisions.get(decision)
                before = None if stored_decision is None else stored_decision.sequence
                committing = CommittedEvaluation(stored_decision, replaces, before) if decision else None
                yield row.leaf_index, RecordUsed.of(each, committing) if row.leaf_index >= unlike else None

    def _of_ids(self, ids: list[str]) -> Any:
        numbers = self.connection.execute(_NUMBERS, {"ids": ids}).scalars() if ids else ()
        return of_numbers(self.connection, list(numbers))

    def _committed(self) -> dict[str, tuple[str, str | None]]:
        """The decision that was committed, and the commitment that was replaced, by the evaluation."""
        found: dict[str, tuple[str, str | None]] = {}
        for leaf in self.connection.execute(_COMMITMENTS).scalars():
            told = json.loads(bytes(leaf))
            found[told.get("evaluation", "")] = told.get("decision", ""), told.get("replaces")
        return found

    def _lost(self) -> int:
        """The place before which counters were kept with a secret that is lost."""
        return self.connection.execute(_LAST_LOST).scalar_one() or -1


def _with(settings: list[Mapping[str, Any]], noted: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The settings that services may have, with those of a new leaf as the last ones; several services may have different ones."""
    new = {name: noted[name] for name in DECIDING if name in noted}
    return [new, *(each for each in settings if each != new)]
