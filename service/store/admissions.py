"""
Who may be let in, as one subject under one seal: the keys, and the sessions that ended. A connection goes in, their ids come out.

A row with its seal may be an older one that somebody put back: a key as it was before it was revoked, a session as it was before it
ended. But the head of the tree, which is sealed anew with each leaf, names the last leaf that let somebody in or out (log_tree.ADMITTING),
and this subject was sealed with that leaf or later. So rows that are older than it let nobody in.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from service.store.log_key import LogKeyRefused, LogRefused
from service.store.log_tree import SealedTree
from service.store.row_seals import ADMISSIONS, SealBroken, changing, held_by, seal_code
from service.store.tables import caller, session

_TREE = "fifthfactor.sealed_tree"
_HELD = "fifthfactor.admissions"

Tree = Callable[[sa.Connection], SealedTree]


@dataclass(frozen=True, slots=True)
class Admissions:
    """The ids of all keys, of those that were revoked, and of the sessions that ended and whose rows are still there."""

    keys: frozenset[str] = frozenset()
    revoked: frozenset[str] = frozenset()
    ended: frozenset[str] = frozenset()

    def check_key(self, id: str, *, revoked: bool) -> None:
        """Raises SealBroken if a row of a key is an older one, or one that no leaf made."""
        if id not in self.keys or (id in self.revoked and not revoked):
            raise SealBroken(f"the key `{id[:80]}`")

    def check_session(self, id: str, *, ended: bool) -> None:
        """Raises SealBroken if a row of a session is an older one."""
        if id in self.ended and not ended:
            raise SealBroken(f"the session `{id[:80]}`")


def give_tree(connection_info: dict[Any, Any], tree: Tree) -> None:
    """Let a connection compare who may be let in with the head of the tree."""
    connection_info[_TREE] = tree


def changing_admissions(transaction: sa.Connection) -> AbstractContextManager[None]:
    """A change of keys, or the end of sessions, in a writing transaction. Raises SealBroken."""
    return changing(transaction, ADMISSIONS, ADMISSIONS.always)


def admissions(connection: sa.Connection) -> Admissions | None:
    """
    Who may be let in; None where that cannot be compared: without the log's key, and of rows that were made from leaves.

    What a connection read last is not read again while its seal is the same. Raises SealBroken, also where the tree is not the one that
    was sealed last.
    """
    tree: Tree | None = connection.info.get(_TREE)
    if tree is None:
        return None
    try:
        last = tree(connection).admitting
    except LogKeyRefused:
        return None
    except LogRefused:
        raise SealBroken("the head of the tree") from None
    code = seal_code(connection, ADMISSIONS, ADMISSIONS.always)
    held: tuple[int, bytes, Admissions] | None = connection.info.get(_HELD)
    if held is None or held[1] != code:
        seal, rows = held_by(connection, ADMISSIONS, ADMISSIONS.always)
        held = (-1, b"", Admissions()) if seal is None else (seal.leaf, bytes(seal.code), _of(rows))
    if held[0] < last:
        raise SealBroken("who may be let in")
    connection.info[_HELD] = held
    return held[2]


def _of(rows: list[tuple[sa.Table, Any]]) -> Admissions:
    names = {table: [column.name for column in table.columns] for table in (caller, session)}
    told = [(table, dict(zip(names[table], values, strict=True))) for table, values in rows]
    return Admissions(
        keys=frozenset(row["id"] for table, row in told if table is caller),
        revoked=frozenset(row["id"] for table, row in told if table is caller and row["revoked_at"] is not None),
        ended=frozenset(row["id"] for table, row in told if table is session),
    )
