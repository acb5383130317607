"""
The leaf of a receipt: what a far side may learn of a decision, and nothing else.

The leaf of a record cannot be shown to others: it names the caller, and its verdict, counts and approvals tell of the request. So the
first receipt of a decision adds a leaf of its own. In clear it has the id of the decision, the hash of the record's leaf, moments, and
the commitment if the decision was committed. The answer and four facts of the request stand in it as salted commitments. A
receipt opens them. An erasure of the decision empties the openings of the facts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

import sqlalchemy as sa

from service.log.leaf import with_personal_values
from service.log.store import Stored, subject_of_decision
from service.log.tree_leaves import LogEvent
from service.receipts.receipt import ANSWER, KIND, LeafOpening
from service.store.moments import moment_text
from service.store.tables import leaf_opening, tree_leaf

# What a receipt tells of an answer. Left out is what names a person or tells of the request: who approved, what the register disputes,
# what is asked, unmet or rested on, and the digest of the verdict, with which guesses at the facts could be confirmed.
TOLD: Final = ("answer", "as_of", "bundle", "carried", "engine", "hypothetical", "id", "outcome", "owed", "proceed")
FACTS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {"asset": ("data", "id"), "sender": ("exporter", "id"), "recipient": ("recipient", "id"), "purpose": ("purpose", "is")}
)


class NoReceipt(Exception):
    """A decision of which there is no receipt; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class CommitmentMoment:
    """The commitment of a decision that stands: its id, and the moment as its row holds it."""

    id: str
    at: str

    @property
    def moment(self) -> datetime:
        """When it was made."""
        return datetime.fromisoformat(self.at)


@dataclass(frozen=True, slots=True)
class ReceiptContent:
    """What the receipt of a recorded decision is made from."""

    id: str
    leaf_hash: bytes
    recorded_at: datetime
    answer: Mapping[str, Any]
    facts: Mapping[str, Any]

    @classmethod
    def of(cls, stored: Stored) -> "ReceiptContent":
        """From a stored record. Raises NoReceipt."""
        if faults := stored.faults():
            raise NoReceipt(f"the record is not sound: {'; '.join(faults)}")
        record = with_personal_values(stored.entry.leaf, stored.entry.openings)
        if "denied" in record:
            raise NoReceipt("the caller was answered no although the exchange may proceed, so the decision lets nobody pass")
        answer = {name: value for name, value in record["decision"].items() if name in TOLD}
        answer["engine"] = {name: value for name, value in answer["engine"].items() if name != "disagreement"}
        facts = {name: _fact(record["request"], path) for name, path in FACTS.items()}
        return cls(stored.entry.id, stored.entry.leaf_hash, datetime.fromisoformat(record["recorded_at"]), answer, facts)

    def happening(self, at: datetime, good_until: datetime | None, committed: CommitmentMoment | None) -> LogEvent:
        """The leaf."""
        members = {
            "decision": self.id,
            "record": self.leaf_hash.hex(),
            "recorded_at": moment_text(self.recorded_at),
            "good_until": None if good_until is None else moment_text(good_until),
            "committed": None if committed is None else {"id": committed.id, "at": committed.at},
        }
        hidden = {ANSWER: dict(self.answer), **self.facts}
        return LogEvent(KIND, moment_text(at), members, hidden, subject_of_decision(self.id), frozenset(FACTS))


@dataclass(frozen=True, slots=True)
class ReceiptLeaf:
    """A leaf of a receipt in the log, with its openings."""

    index: int
    leaf: bytes
    opened: Mapping[str, LeafOpening]


def newest(connection: sa.Connection, decision: str) -> ReceiptLeaf | None:
    """The last leaf that was made for a receipt of a decision, or None; None too if the facts of it were erased since."""
    mine = sa.select(tree_leaf.c.index.label("at"), tree_leaf.c.leaf).join(
        leaf_opening, leaf_opening.c.leaf == tree_leaf.c.index
    )
    mine = mine.where(leaf_opening.c.subject == subject_of_decision(decision), tree_leaf.c.kind == KIND)
    row = connection.execute(mine.order_by(tree_leaf.c.index.desc()).limit(1)).one_or_none()
    if row is None:
        return None
    beside = sa.select(leaf_opening.c.name, leaf_opening.c.salt, leaf_opening.c.value).where(leaf_opening.c.leaf == row.at)
    opened = {
        name: LeafOpening(bytes(salt), bytes(value))
        for name, salt, value in connection.execute(beside.order_by(leaf_opening.c.name))
        if salt is not None and value is not None
    }
    return ReceiptLeaf(row.at, bytes(row.leaf), opened)


def _fact(request: Mapping[str, Any], path: tuple[str, str]) -> Any:
    """A fact of a request: a text or a list of texts; None if it was not stated, or was erased."""
    group = request.get(path[0])
    value = group.get(path[1]) if isinstance(group, dict) else None
    return value if isinstance(value, str | list) else None
