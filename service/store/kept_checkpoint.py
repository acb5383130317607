"""
The last checkpoint of a log, kept beside its key: it is how an older database that was put back is found.

What is in the database can be put back together, seal and all. The file is not in the database: `<key>.checkpoint`, a signed note.

- INVARIANT (kept before it is given out): no checkpoint leaves before the file holds one at least as large, on the disk.
- Besides, a process that writes to the log keeps its checkpoint a second after the tree grew at the latest, and when it ends. So after a
  crash the file lacks at most the leaves of the last second, and no checkpoint over these was given to anybody.
- INVARIANT (never backwards): under one name of the log the file only grows, whichever process writes it.
"""

import threading
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa

from service.store.durable_file import alone_in, put
from service.store.log_identity import identities
from service.store.log_key import LogKey, LogRefused, checkpoint_of, existing_key
from service.store.log_tree import SealedTree
from service.store.tree_tiles import frontier_at
from service.transparency.checkpoint import Checkpoint, CheckpointRefused, open_checkpoint
from service.transparency.merkle_tree import Frontier
from service.transparency.signed_note import MAX_NOTE_BYTES, Note, NoteRefused

EVERY_SECONDS = 1.0
GO_ON = "put the newer database back, or go on from this one with `fifthfactor log continue --reason …`"


class LogPutBack(LogRefused):
    """The log is not the one of its last checkpoint, or lacks its end; the message is one sentence for the operator."""


class KeptCheckpoint:
    """The checkpoint beside the key of one log. Any thread may keep one."""

    def __init__(self, key_path: Path) -> None:
        self.path = checkpoint_of(key_path)
        self._key_path = key_path
        self._keeping = threading.Lock()
        self._known: tuple[str, int] | None = None  # key and size of what is in the file for certain
        self._recent: tuple[str, Frontier] | None = None  # the largest tree that this process may give out without writing

    def note(self) -> Note | None:
        """The signed note in the file. Nothing in it is verified. Raises LogRefused."""
        try:
            with self.path.open("rb") as file:
                return Note.parse(file.read(MAX_NOTE_BYTES + 1))
        except FileNotFoundError:
            return None
        except OSError as failed:
            raise LogRefused(f"the last checkpoint `{self.path}` cannot be read: {failed.strerror}") from None
        except NoteRefused as refused:
            raise LogRefused(f"the last checkpoint `{self.path}` is none: {refused}") from None

    def size_and_moment(self) -> tuple[int, float] | None:
        """
        How many leaves the checkpoint in the file has, and when it was kept, in seconds since 1970.

        None if there is none. Nothing is verified. Raises LogRefused.
        """
        try:
            kept_at = self.path.stat().st_mtime
        except OSError:
            return None
        note = self.note()
        try:
            return None if note is None else (Checkpoint.parse(note.text).size, kept_at)
        except CheckpointRefused:
            return None

    def compare(self, connection: sa.Connection, sealed: SealedTree, key: LogKey, note: Note) -> None:
        """
        Show that the tree, which the key sealed, goes on from the checkpoint in the file.

        `note` was read before the tree, which may grow meanwhile. Raises LogPutBack, LogRefused, TreeBroken.
        """
        checkpoint = self._checkpoint(connection, sealed, key, note)
        if checkpoint is None:
            return
        if checkpoint.size > sealed.size:
            raise LogPutBack(
                f"the log has {sealed.size} leaves, and its last checkpoint `{self.path}` has {checkpoint.size}: {GO_ON}"
            )
        if frontier_at(connection, sealed, checkpoint.size).root() != checkpoint.root:
            raise LogPutBack(f"the log does not begin with the tree of its last checkpoint `{self.path}`: {GO_ON}")

    def keep(self, key: LogKey, frontier: Frontier) -> None:
        """Sign a committed tree and keep its checkpoint, if the file has no larger one. On the disk when it returns. Raises LogRefused."""
        name = key.private.public.id
        with self._keeping:
            if self._known is not None and self._known[0] == name and self._known[1] >= frontier.size:
                self._remember(name, frontier)
                return
            try:
                with alone_in(self._key_path.parent):
                    if existing_key(self._key_path).private.public.id != name:
                        return  # it was replaced meanwhile: whoever did it keeps the checkpoint of the new key
                    size = self._size_by(key)
                    if size is None or size < frontier.size:
                        put(self.path, key.checkpoint(frontier).to_bytes())
                        size = frontier.size
            except OSError as failed:
                raise LogRefused(f"the last checkpoint `{self.path}` cannot be kept: {failed.strerror}") from None
            self._known = name, size
            self._remember(name, frontier)

    def recent(self, key: LogKey) -> Frontier:
        """The largest tree whose checkpoint this process may give out without a write to the disk; it is some commits old."""
        return self._recent[1] if self._recent is not None and self._recent[0] == key.private.public.id else Frontier()

    def _remember(self, name: str, frontier: Frontier) -> None:
        if self._recent is None or self._recent[0] != name or self._recent[1].size < frontier.size:
            self._recent = name, frontier

    def _size_by(self, key: LogKey) -> int | None:
        """The size of the checkpoint in the file, or None if this key did not sign it."""
        note = self.note()
        try:
            return None if note is None else open_checkpoint(note, key.origin, [key.verifier])[0].size
        except (NoteRefused, CheckpointRefused):
            return None

    def _checkpoint(self, connection: sa.Connection, sealed: SealedTree, key: LogKey, note: Note) -> Checkpoint | None:
        """The checkpoint to compare with, or None if the log was continued since, under another name, knowing this one."""
        try:
            return open_checkpoint(note, key.origin, [key.verifier])[0]
        except (NoteRefused, CheckpointRefused):
            pass  # by another key: of the log before the key was replaced
        names = identities(connection, sealed)
        try:
            claimed = Checkpoint.parse(note.text)
            checkpoint, _ = open_checkpoint(
                note, claimed.origin, [each.verifier for each in names if each.origin == claimed.origin]
            )
        except (NoteRefused, CheckpointRefused) as refused:
            raise LogPutBack(
                f"the last checkpoint `{self.path}` is not one of this log ({refused}): put the log's own database and checkpoint there,"
                " or go on from this one with `fifthfactor log continue --reason …`"
            ) from None
        return None if any(each.kept == checkpoint for each in names) else checkpoint


class CheckpointKeeper:
    """A thread that keeps the checkpoint of a log that grows, once a second. End it with `close()`."""

    def __init__(self, kept: KeptCheckpoint, on_failure: Callable[[str], None]) -> None:
        self._kept, self._on_failure = kept, on_failure
        self._newest: tuple[LogKey, Frontier] | None = None
        self._failing = False
        self._grown, self._closing = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._keep_until_closed, name="checkpoints", daemon=True)
        self._thread.start()

    def grew(self, key: LogKey, frontier: Frontier) -> None:
        """The tree has grown to this frontier, which is committed."""
        self._newest = key, frontier
        self._grown.set()

    def close(self) -> None:
        """Keep the newest checkpoint and end. May be called twice."""
        self._closing.set()
        self._grown.set()
        self._thread.join()

    def _keep_until_closed(self) -> None:
        while not self._closing.is_set():
            self._grown.wait()
            self._grown.clear()
            self._keep()
            self._closing.wait(EVERY_SECONDS)
        self._keep()

    def _keep(self) -> None:
        if self._newest is None:
            return
        try:
            self._kept.keep(*self._newest)
            self._failing = False
        except LogRefused as refused:
            if not self._failing:
                self._on_failure(str(refused))
            self._failing = True
            self._grown.set()  # so that it is tried again
