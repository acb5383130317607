"""
The leaves of the log that are not records: what happened goes in, a leaf of the tree and the openings beside it come out.

A leaf is canonical JSON of at most 65,535 bytes. Personal values, free text, names, and digests over them stand in it only as salted
commitments, like the personal values of a record. The openings are rows of their own, which an erasure empties; the leaf stays.

    leaf = RFC 8785 of {"schema": "fifthfactor/leaf/1", "kind": …, "at": …, <members>, <name of a hidden member>: {"commitment": …}}

A leaf that would be longer has one hidden member `document`, whose value is all its members.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from service.log.canonical_json import canonical
from service.log.leaf import SALT_BYTES, commitment
from service.store.log_tree import SCHEMA, growth_of
from service.store.tables import leaf_opening
from service.transparency.tiles import MAX_ENTRY_BYTES

ERASURE = "erasure"
_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class LogEvent:
    """
    Something that happened, for a leaf of its own.

    `members` stand in the leaf, `hidden` as commitments. `subject` names what is erased together, in a row beside the leaf; its openings
    are those in `of_subject`. Where a leaf has openings of several subjects, `subjects` has that of each.
    """

    kind: str
    at: str
    members: Mapping[str, Any]
    hidden: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    subject: str | None = None
    of_subject: frozenset[str] = frozenset()
    subjects: Mapping[str, str] = field(default_factory=lambda: _NOTHING)


def append(transaction: sa.Connection, *happenings: LogEvent) -> list[int]:
    """
    Append a leaf for each, in the writing transaction in which it happens; returns their indexes.

    Raises TreeBroken, and LogKeyRefused without the key.
    """
    growth = growth_of(transaction)
    indexes: list[int] = []
    rows: list[dict[str, Any]] = []
    for each in happenings:
        shown, hidden = each.members, each.hidden
        subjects = {**dict.fromkeys(each.of_subject, each.subject), **each.subjects}
        leaf, openings = _sealed(each, shown, hidden)
        if len(leaf) > MAX_ENTRY_BYTES:
            leaf, openings = _sealed(each, {}, {"document": {**shown, **hidden}})
            subjects = {"document": each.subject} if each.of_subject else {}
        index = growth.append(each.kind, leaf)
        indexes.append(index)
        rows += (
            {"leaf": index, "name": name, "subject": subjects.get(name), "salt": salt, "value": value}
            for name, salt, value in openings
        )
    if rows:
        transaction.execute(sa.insert(leaf_opening), rows)
    return indexes


def opened(connection: sa.Connection, leaves: Sequence[int]) -> dict[int, dict[str, Any]]:
    """The hidden members of some leaves, by their indexes; those that were erased are not there."""
    columns = (leaf_opening.c.leaf, leaf_opening.c.name, sa.cast(leaf_opening.c.value, sa.LargeBinary))
    rows = connection.execute(sa.select(*columns).where(leaf_opening.c.leaf.in_(leaves), leaf_opening.c.value.is_not(None)))
    found: dict[int, dict[str, Any]] = {}
    for leaf, name, value in rows:
        found.setdefault(leaf, {})[name] = json.loads(value)
    return found


def erase(transaction: sa.Connection, subject: str, at: str) -> list[Any]:
    """Erase the openings of a subject at a moment; returns the leaf and the name of each, for the leaf of the erasure."""
    mine = leaf_opening.c.subject == subject
    rows = transaction.execute(
        sa.select(leaf_opening.c.leaf, leaf_opening.c.name).where(mine).order_by(*leaf_opening.primary_key)
    )
    erased: list[Any] = [[leaf, name] for leaf, name in rows]
    gone = {"subject": None, "salt": None, "value": None, "erased_at": at}
    transaction.execute(sa.update(leaf_opening).where(mine).values(gone))
    return erased


def erased(members: Mapping[str, Any], at: str, by: str, places: Sequence[Any], openings: Sequence[Any]) -> list[LogEvent]:
    """
    Erasures at one moment as leaves, as many as are needed.

    `places` are pointers into the request of a record, `openings` are the openings of other leaves, each by the leaf and the name.

    A leaf of an erasure is never hidden as a whole, since what is missing is compared with it.
    """
    found = []
    parts = max(1, -(-len(places) // _PLACES), -(-len(openings) // _OPENINGS))
    for part in range(parts):
        some: dict[str, Any] = {
            "places": list(places[part * _PLACES : (part + 1) * _PLACES]),
            "openings": list(openings[part * _OPENINGS : (part + 1) * _OPENINGS]),
        }
        found.append(LogEvent(ERASURE, at, {**members, **some}, {"by": by}))
    return found


_PLACES, _OPENINGS = 100, 500  # so many take less than the most bytes of a leaf


def _sealed(
    happening: LogEvent, members: Mapping[str, Any], hidden: Mapping[str, Any]
) -> tuple[bytes, list[tuple[str, bytes, bytes]]]:
    openings = [(name, os.urandom(SALT_BYTES), canonical(value)) for name, value in hidden.items()]
    commitments = {name: {"commitment": commitment(salt, value)} for name, salt, value in openings}
    written = {"schema": SCHEMA, "kind": happening.kind, "at": happening.at, **members, **commitments}
    return canonical(written), openings
