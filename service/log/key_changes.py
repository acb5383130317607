"""
The two ways in which a log gets another key: rotating the key, and continuing the log under another name.

A rotation keeps the name of the log: the key before signs a leaf that names the new one. A log is continued where the database is not
the one of the last checkpoint (an older one was put back, or a copy on another machine takes over), or where the key is lost. Then the
leaves stay, and the next one begins a log of another name.

Each is one transaction. The key's file is made before it and gets its name after it; an opening in between finishes that.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import sqlalchemy as sa

from service.log.tree_leaves import LogEvent, append
from service.log.tree_verification import tree_faults
from service.store import answer_seals, counter_secret, log_key, row_seals
from service.store.database import Database, DatabaseRefused, plain
from service.store.kept_checkpoint import LogPutBack
from service.store.log_identity import CONTINUED, ROTATED, LogIdentity, continuation_leaf, identities, rotation_leaf
from service.store.log_key import LogKey, LogKeyRefused, LogRefused
from service.store.log_tree import SealedTree, TreeBroken, growth_of, sealed_tree
from service.store.moments import now_text
from service.store.tables import cosignature
from service.store.upgrade import upgrade
from service.transparency.checkpoint import Checkpoint, CheckpointRefused, open_checkpoint
from service.transparency.signed_note import NoteRefused, VerifierKey


@dataclass(frozen=True, slots=True)
class LogContinuation:
    """What was continued: the leaves that were found, the last checkpoint of the log before if one was kept, and the new verifier key."""

    found: int
    kept: Checkpoint | None
    verifier: VerifierKey


def rotate_key(database: Database, by: str) -> VerifierKey:
    """Give the log another key; returns the one to verify with. Raises DatabaseRefused."""
    upgrade(database)
    try:
        with database.transaction() as transaction:
            tree, old = database.sealed(transaction)
            new = log_key.replacing_key(database.key_path, old.origin)
            append(transaction, LogEvent(ROTATED, now_text(), rotation_leaf(old, new, tree.frontier), {"by": by}))
            counter_secret.reseal(transaction, old, new)
            row_seals.reseal(transaction, old, new)
            answer_seals.reseal(transaction, old, new)
            growth_of(transaction).seal_by(new)
        _named(database)
    except (LogRefused, OSError, sa.exc.SQLAlchemyError) as refused:
        raise _refused(database, refused) from None
    return new.verifier


def continue_log(
    database: Database, reason: str, by: str, *, lost_key: bool = False, verifying: Callable[[], None] = lambda: None
) -> LogContinuation:
    """
    Begin a log of another name behind the leaves that are there.

    Its first leaf names the log before, with the size and root that were found and those of the last checkpoint. Without the log's
    key (`lost_key`) the tree is verified first; `verifying` is called before this. Raises DatabaseRefused.
    """
    upgrade(database, tree=False)
    try:
        with database.writing.connect() as transaction, transaction.begin():
            database.lock(transaction)
            tree, old = _found(database, transaction, lost_key)
            if old is None:
                verifying()
                fault = next(tree_faults(transaction, None), None)
                if fault is not None:
                    raise TreeBroken(f"a log without its key is continued only if its tree is sound: {fault}")
            before = identities(transaction, tree)[-1]
            kept = _kept(database, before)
            new = log_key.replacing_key(database.key_path)
            hidden = {"reason": reason, "by": by}
            # What was cosigned here as a witness since the database was copied is forgotten, and cosignatures are over the old name.
            log_key.retire_witness(database.key_path)
            transaction.execute(sa.delete(cosignature))
            with database.growing(transaction, lambda _: (tree, old or new)) as growth:
                append(
                    transaction,
                    LogEvent(CONTINUED, now_text(), continuation_leaf(before, old, new, tree.frontier, kept), hidden),
                )
                if old is None:
                    counter_secret.renew(transaction, new)
                else:
                    counter_secret.reseal(transaction, old, new)
                    row_seals.reseal(transaction, old, new)
                    answer_seals.reseal(transaction, old, new)
                growth.seal_by(new)
        _named(database)
    except (LogRefused, OSError, sa.exc.SQLAlchemyError) as refused:
        raise _refused(database, refused) from None
    return LogContinuation(tree.size, kept, new.verifier)


def _found(database: Database, transaction: sa.Connection, lost_key: bool) -> tuple[SealedTree, LogKey | None]:
    """The tree and its key; None if the key is lost. Raises LogRefused if the key is there although it is said to be lost."""
    if not lost_key:
        return database.sealed_alone(transaction)
    with suppress(LogKeyRefused, TreeBroken):
        database.sealed_alone(transaction)
        raise LogPutBack(f"the log's key is in `{database.key_path}`: continue without `--lost-key`")
    if database.key_path.exists():
        raise LogKeyRefused(f"`{database.key_path}` is the key of another log: move it away first")
    tree = sealed_tree(transaction)
    if tree is None:
        raise TreeBroken("the log has no tree; a start of the service begins one")
    return tree, None


def _kept(database: Database, before: LogIdentity) -> Checkpoint | None:
    """The last checkpoint that is kept, if it is one of the log before."""
    note = database.kept.note()
    if note is None:
        return None
    try:
        return open_checkpoint(note, before.origin, [before.verifier])[0]
    except (NoteRefused, CheckpointRefused):
        return None


def _named(database: Database) -> None:
    """Give the new key its name, and keep the first checkpoint by it."""
    log_key.accept(database.key_path)
    with database.reading.connect() as connection:
        tree, key = database.sealed_alone(connection)
    database.kept.keep(key, tree.frontier)


def _refused(database: Database, refused: Exception) -> DatabaseRefused:
    return DatabaseRefused(
        f"the log in `{database.shown}` gets no other key: {refused if isinstance(refused, LogRefused) else plain(refused)}"
    )
