"""
Each record against the place of the log that it has: what it says that it used is compared with what the leaves before it say.

A database could say something else for a moment: when a service read it, and not before or afterwards. The rows of now do not show that.
The rows that the leaves make up to a record do.

Policies and settings are those that the log notes last at the leaf that the record names: there its process noted its own.

A service reads before its record has a place. So a record that differs is compared once more with the rows of each moment that may have
been the one: between the leaves that were written when it was decided and its place, and if it is none of these, up to SLACK earlier.
"""

import json
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice
from operator import itemgetter
from typing import Any

import sqlalchemy as sa

from service.audit.leaf_effects import EFFECTS, Leaf
from service.audit.replica import Replica
from service.audit.used_inputs import CommittedEvaluation, NotedInputs, RecordUsed, UsedInputs
from service.log.store import of_numbers
from service.store.log_key import LogKey
from service.store.tables import record, tree_leaf

SLACK = timedelta(seconds=10)  # clocks of several machines differ, and a process believes for some seconds what it read
_AT_ONCE = 200
_MOST_AGAIN = 5_000  # comparisons with another moment than the place of a record
_MOST_MOMENTS = 1_000  # before its place, of which one may have been when a record was decided
_LOST = "counters-lost"
_END = 2**62  # behind every leaf


@dataclass(slots=True)
class _Late:
    """
    A record that differs at its place, the first leaf that was written since it was decided, and the first that may have come after its
    service had read.
    """

    used: RecordUsed
    place: int
    near: int
    first: int
    differs: str
    noted: NotedInputs


@dataclass(eq=False)
class PastDecisions:
    """
    The comparison of the records of a log. `before` is called while the replica reads the leaves, and `findings` at the end.

    `not_compared` is the number of records of which what they used is not known any more, or was used by another version.
    """

    connection: sa.Connection
    replica: Replica
    key: LogKey
    progress: Callable[[int], None] = lambda number: None
    not_compared: int = 0
    _late: list[_Late] = field(default_factory=list)
    _leaves: list[tuple[int, str]] = field(default_factory=list)
    _noted: list[tuple[int, NotedInputs]] = field(default_factory=lambda: [(-1, NotedInputs())])
    _done: int = 0
    _again: int = _MOST_AGAIN

    def __post_init__(self) -> None:
        self._decided: dict[bytes, deque[int]] = {}
        self._inputs = UsedInputs(self.replica, self.connection, self._decided)
        self._records = self._read()
        self._next = next(self._records, None)

    def before(self, index: int, leaf: Leaf) -> None:
        """The rows are those of all leaves before this one: the records before it are compared."""
        self._compare_before(index)
        self._leaves.append((index, str(leaf.get("at", ""))))
        last = self._noted[-1][1]
        if leaf.get("kind") == "settings":
            self._noted.append((index, replace(last, settings=leaf["settings"])))
        elif leaf.get("kind") == "bundle-activated":
            self._noted.append((index, replace(last, policies=(leaf["source"], leaf["meaning"]))))

    def findings(self) -> Iterator[str]:
        """A sentence for each record that used what no leaf says. It reads the leaves again where a record differs at its place."""
        self._compare_before(_END)
        self._look_again([(each, each.near, each.place) for each in self._late])
        self._look_again([(each, each.first, each.near) for each in self._late if each.differs])
        for each in self._late:
            if each.differs == "its counts" and each.first < each.place and not each.used.permits:
                # What came out where a commitment was overtaken is decided within it, and recorded after it: of no moment that is known.
                self.not_compared += 1
            elif each.differs:
                stored = each.used.stored
                yield (
                    f"the record {stored.sequence} ({stored.entry.id}) rests on what the leaves before it do not say: {each.differs}"
                )

    def _compare_before(self, index: int) -> None:
        while self._next is not None and self._next[0] < index:
            self._compare(*self._next)
            self._next = next(self._records, None)

    def _compare(self, place: int, used: RecordUsed | None) -> None:
        self._done += 1
        if self._done % _AT_ONCE == 0:
            self.progress(self._done)
        if used is None:
            self.not_compared += 1
            return
        # A process goes on by what it noted, whatever others note meanwhile.
        noted = self._noted[bisect_right(self._noted, used.noted, key=itemgetter(0)) - 1][1]
        differs = self._inputs.differs(used, noted)
        self._inputs.note(used)
        if differs:
            near, first = self._first(used.at, place), self._first(used.at - SLACK, place)
            self._late.append(_Late(used, place, near, first, differs, noted))

    def _first(self, since: datetime, place: int) -> int:
        """The first of the last leaves that were all written since a moment."""
        first = place
        for index, at in islice(reversed(self._leaves), _MOST_MOMENTS):
            if at and datetime.fromisoformat(at) < since:
                break
            first = index
        return first

    def _look_again(self, late: list[tuple[_Late, int, int]]) -> None:
        """
        Compare each with the rows of the moments from a leaf up to another. A leaf without rows makes no other moment. One that differs
        from all of them still differs as it did at its place.
        """
        left = [each for each in late if each[1] < each[2]]
        if not left:
            return
        with closing(Replica(self.connection, self.key)) as replica:
            inputs = UsedInputs(replica, self.connection, self._decided, most_ways=3)
            changed = True
            for index, leaf in replica.read():
                for each, first, end in left:
                    if each.differs and first <= index < end and (changed or index == first):
                        self._again -= 1
                        if self._again < 0:  # so many decided at once: which moment was that of each is not found out
                            each.differs = ""
                            self.not_compared += 1
                        elif not inputs.differs(each.used, each.noted):
                            each.differs = ""
                left = [each for each in left if each[0].differs and index + 1 < each[2]]
                if not left:
                    break
                changed = leaf.get("kind") in EFFECTS

    def _read(self) -> Iterator[tuple[int, RecordUsed | None]]:
        """The records of the log with their places, in order."""
        committed = self._committed()
        after, unlike = -1, self._lost()
        numbers = sa.select(record.c.sequence, record.c.leaf_index).where(record.c.leaf_index.is_not(None))
        numbers = numbers.order_by(record.c.sequence).limit(_AT_ONCE)
        while some := self.connection.execute(numbers.where(record.c.sequence > after)).all():
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
        numbers = self.connection.execute(sa.select(record.c.sequence).where(record.c.id.in_(ids))).scalars()
        return of_numbers(self.connection, list(numbers))

    def _committed(self) -> dict[str, tuple[str, str | None]]:
        """The decision that was committed, and the commitment that was replaced, by the evaluation."""
        found: dict[str, tuple[str, str | None]] = {}
        for leaf in self.connection.execute(sa.select(tree_leaf.c.leaf).where(tree_leaf.c.kind == "commitment")).scalars():
            told = json.loads(bytes(leaf))
            found[told.get("evaluation", "")] = told.get("decision", ""), told.get("replaces")
        return found

    def _lost(self) -> int:
        """The place before which counters were kept with a secret that is lost."""
        last = sa.select(sa.func.max(tree_leaf.c.index)).where(tree_leaf.c.kind == _LOST)
        return self.connection.execute(last).scalar_one() or -1
