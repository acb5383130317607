"""
Who a log is: the leaves that name it go in, its name and its key at each place come out.

A log has one name (its origin) and one key at a time. Three kinds of leaves say which:

    log          leaf 0: the first name and the first key
    key-rotated  from here on another key signs; signed by the key before
    continued    from here on the log has another name and another key; says which log it continues, and how much of it was found

INVARIANT (one root for each size and name): a leaf `continued` names a log that never was. So the sizes that the log before signed
beyond this leaf, and the sizes that are signed after it, are under two names.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import sqlalchemy as sa

from service.store.log_key import LogKey
from service.store.log_tree import SCHEMA, SealedTree, TreeBroken
from service.store.tables import tree_leaf
from service.store.tree_tiles import frontier_at, nodes
from service.transparency.checkpoint import Checkpoint
from service.transparency.ed25519 import NotEd25519, PublicKey
from service.transparency.merkle_tree import Frontier, leaf_hash
from service.transparency.signed_note import KeyTextRefused, SignatureType, VerifierKey
from service.transparency.tiles import TileRefused

LOG, ROTATED, CONTINUED = "log", "key-rotated", "continued"
NAMING = (LOG, ROTATED, CONTINUED)

_SCHEMA = f'"schema":"{SCHEMA}"'.encode()
_DOMAIN = b"fifthfactor/log-identity/1\x00"


class LogNotNamed(ValueError):
    """A leaf does not say who the log is; the message is the rest of a sentence that begins with the leaf."""


@dataclass(frozen=True, slots=True)
class LogIdentity:
    """
    The name and the key of a log from a leaf on.

    `kept` is the checkpoint of the log before that was known to whoever continued it; `unsigned` if the key before did not sign the leaf.
    """

    first: int
    origin: str
    public: PublicKey
    kept: Checkpoint | None = None
    unsigned: bool = False

    @property
    def verifier(self) -> VerifierKey:
        """The key that checkpoints of the log are verified with from here on."""
        return VerifierKey(self.origin, SignatureType.NOTE, self.public)

    def names(self, key: LogKey) -> bool:
        """Whether this is the name and the key."""
        return (self.origin, self.public.raw) == (key.origin, key.private.public.raw)

    def next(self, kind: str, leaf: bytes, tree: Frontier) -> "LogIdentity":
        """The identity from the next leaf that names one; `tree` is the tree of the leaves before it. Raises LogNotNamed."""
        try:
            named = json.loads(leaf)
            found = _identity(named, tree.size)
            if kind == ROTATED:
                _require(
                    (named["size"], named["root"]) == (tree.size, tree.root().hex()),
                    "names another tree than the one before it",
                )
                _require(found.origin == self.origin, "gives the log another name")
            else:
                before = named["continues"]
                _require(
                    (before["size"], before["root"]) == (tree.size, tree.root().hex()),
                    "names another tree than the one before it",
                )
                _require(found.origin != self.origin, "gives the log no other name")
                of_before = (before["origin"], before["public_key"])
                _require(of_before == (self.origin, self.public.raw.hex()), "continues another log")
                if before["kept_size"] is not None:
                    found = replace(found, kept=_kept(self.origin, before))
                found = replace(found, unsigned=bool(named["key_lost"]))
            if not found.unsigned:
                signature = bytes.fromhex(named["signature"])
                _require(self.public.signed(signature, _statement(named)), "is not signed by the key before it")
        except (ValueError, KeyError, TypeError, NotEd25519, KeyTextRefused) as wrong:
            raise wrong if isinstance(wrong, LogNotNamed) else LogNotNamed("does not say who the log is") from None
        return found

    @classmethod
    def of_first(cls, leaf: bytes) -> Self:
        """The identity that leaf 0 names. Raises LogNotNamed."""
        try:
            return cls(0, (found := _identity(json.loads(leaf), 0)).origin, found.public)
        except (ValueError, KeyError, TypeError, NotEd25519, KeyTextRefused):
            raise LogNotNamed("does not say who the log is") from None


def kind_of(leaf: bytes) -> str | None:
    """The kind of a leaf that is not a record; None of a record."""
    if _SCHEMA not in leaf:  # reading JSON takes longer
        return None
    try:
        document = json.loads(leaf)
        return str(document["kind"]) if document["schema"] == SCHEMA else None
    except (ValueError, KeyError, TypeError):
        return None


def rotation_leaf(old: LogKey, new: LogKey, tree: Frontier) -> dict[str, Any]:
    """The members of the leaf that gives the log of a tree another key."""
    named = {**_named(new), "size": tree.size, "root": tree.root().hex()}
    return {**named, "signature": old.private.sign(_statement(named)).hex()}


def continuation_leaf(
    old: LogIdentity, key: LogKey | None, new: LogKey, tree: Frontier, kept: Checkpoint | None
) -> dict[str, Any]:
    """
    The members of the leaf that gives a log another name and another key.

    `key` is the key of the log before, or None if it is lost; `kept` is the last known checkpoint of that log.
    """
    before = {"origin": old.origin, "public_key": old.public.raw.hex(), "size": tree.size, "root": tree.root().hex()}
    before |= {"kept_size": kept and kept.size, "kept_root": kept and kept.root.hex()}
    named = {**_named(new), "continues": before, "key_lost": key is None}
    return named if key is None else {**named, "signature": key.private.sign(_statement(named)).hex()}


def identities(connection: sa.Connection, sealed: SealedTree) -> list[LogIdentity]:
    """Who the log was from which leaf on, earliest first. Each leaf is verified. Raises TreeBroken."""
    rows = sa.select(tree_leaf.c.index, tree_leaf.c.kind, tree_leaf.c.leaf).where(tree_leaf.c.kind.in_(NAMING))
    found: list[LogIdentity] = []
    tree = nodes(connection, sealed)
    for index, kind, leaf in connection.execute(rows.order_by(tree_leaf.c.index)).all():
        try:
            if index >= sealed.size or leaf_hash(bytes(leaf)) != tree.node(0, index):
                raise LogNotNamed("is not in the tree")
            before = frontier_at(connection, sealed, index)
            found.append(found[-1].next(kind, bytes(leaf), before) if found else LogIdentity.of_first(bytes(leaf)))
        except (LogNotNamed, TileRefused) as wrong:
            raise TreeBroken(f"leaf {index} {wrong}") from None
    if not found:
        raise TreeBroken("no leaf says who the log is")
    return found


def faults_of_checkpoint(names: Sequence[LogIdentity], checkpoint: Checkpoint, size: int, same_root: bool) -> Iterable[str]:
    """What is wrong with a signed checkpoint in a log that had these names, now has a size, and had that root at its size or not."""
    at = next((at for at, each in enumerate(names) if each.origin == checkpoint.origin), None)
    if at is None:
        yield f"the checkpoint is of `{checkpoint.origin}`, which is no name of this log"
        return
    end = next((each.first for each in names[at:] if each.origin != checkpoint.origin), None)
    if end is not None and checkpoint.size > end:
        yield (
            f"the checkpoint has {checkpoint.size} leaves, and the log was continued under another name from {end} leaves:"
            f" {checkpoint.size - end} are lost"
        )
    elif checkpoint.size > size:
        yield f"the checkpoint has {checkpoint.size} leaves, and the log only {size}"
    elif not same_root:
        yield f"the first {checkpoint.size} leaves do not lead to the root of the checkpoint"


def _named(key: LogKey) -> dict[str, Any]:
    return {"origin": key.origin, "public_key": key.private.public.raw.hex()}


def _identity(named: Mapping[str, Any], first: int) -> LogIdentity:
    found = LogIdentity(first, named["origin"], PublicKey.from_raw(bytes.fromhex(named["public_key"])))
    _ = found.verifier  # which refuses a name that no checkpoint can have
    return found


def _kept(origin: str, before: Mapping[str, Any]) -> Checkpoint:
    return Checkpoint(origin, before["kept_size"], bytes.fromhex(before["kept_root"]))


def _statement(named: Mapping[str, Any]) -> bytes:
    """What is signed: whole numbers and ASCII texts, in the form of RFC 8785."""
    members = ("origin", "public_key", "size", "root", "continues", "key_lost")
    stated = {name: named[name] for name in members if name in named}
    return _DOMAIN + json.dumps(stated, sort_keys=True, separators=(",", ":")).encode("ascii")


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise LogNotNamed(otherwise)
