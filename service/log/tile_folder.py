"""
The whole log as a folder of files: written as C2SP tlog-tiles has them, and verified with nothing else than a verifier key.

    checkpoint                  the signed checkpoint, written last
    tile/<L>/<N>[.p/<W>]        the hashes of the tree
    tile/entries/<N>[.p/<W>]    the leaves

The leaves hold commitments in place of personal values, free text and names, so the folder holds none of these. Any client of
tlog-tiles can read it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from service.log.proofs import LogTree
from service.log.witness_client import with_cosignatures
from service.store.log_identity import NAMING, LogIdentity, LogNotNamed, faults_of_checkpoint, kind_of
from service.transparency.checkpoint import Checkpoint, CheckpointRefused, open_checkpoint
from service.transparency.merkle_tree import HASH_BYTES, Frontier, leaf_hash
from service.transparency.signed_note import MAX_NOTE_BYTES, Note, NoteRefused, VerifierKey
from service.transparency.tiles import (
    MAX_ENTRY_BYTES,
    MAX_LEVEL,
    TILE_WIDTH,
    EntryBundle,
    Tile,
    TileRefused,
    bundles_of_growth,
    entries_of,
    tiles_of_growth,
)

CHECKPOINT = "checkpoint"

Progress = Callable[[int, int], None]  # leaves done, and all


def write_tiles(tree: LogTree, folder: Path, progress: Progress) -> int:
    """Write a log into an empty folder; returns its size in leaves. Raises OSError, LogRefused."""
    size = tree.sealed.size
    note = with_cosignatures(tree)
    for tile in tiles_of_growth(0, size):
        _put(folder / tile.path, tree.tile(tile))
    for bundle in bundles_of_growth(0, size):
        _put(folder / bundle.path, tree.entries(bundle))
        progress(bundle.index * TILE_WIDTH + bundle.width, size)
    _put(folder / CHECKPOINT, note.to_bytes())
    return size


def verify_tiles(
    folder: Path, key: VerifierKey, kept: Sequence[Checkpoint], witness: VerifierKey | None, progress: Progress
) -> "FolderCheck":
    """
    Verify the log in a folder.

    `key` is a key of the log, the one that signed the checkpoint or one before it. `kept` are other checkpoints of the log, whose
    signatures were verified. `witness` must have cosigned the checkpoint in the folder if it is given.
    """
    try:
        note = Note.parse(_read(folder / CHECKPOINT, MAX_NOTE_BYTES))
        claimed = Checkpoint.parse(note.text)
    except (OSError, NoteRefused, CheckpointRefused) as refused:
        return FolderCheck(0, 0, (f"`{CHECKPOINT}` cannot be read: {_why(refused)}",))
    reading = _Reading(folder)
    faults: list[str] = []
    try:
        for place in bundles_of_growth(0, claimed.size):
            faults += reading.leaves(place, kept)
            progress(reading.frontier.size, claimed.size)
        faults += reading.partial_tiles()
    except (OSError, TileRefused) as refused:
        return FolderCheck(claimed.size, 0, (*faults, f"it cannot be read to the end: {_why(refused)}"))
    if reading.frontier.root() != claimed.root:
        faults.append("the leaves do not lead to the root of the checkpoint")
    faults += _faults_of_signatures(note, reading.names, key, witness)
    for each in kept:
        faults += faults_of_checkpoint(reading.names, each, claimed.size, each not in reading.other)
    known = {(each.name, each.key_id) for each in (*(each.verifier for each in reading.names), *filter(None, [witness]))}
    unknown = sum((line.name, line.key_id) not in known for line in note.signatures)
    return FolderCheck(claimed.size, unknown, tuple(faults))


@dataclass(frozen=True, slots=True)
class FolderCheck:
    """The size of the log in a folder, how many signatures of its checkpoint are by keys that are not known, and the faults."""

    size: int
    unknown: int
    faults: tuple[str, ...]


@dataclass
class _Reading:
    """The leaves of a folder that were read so far, and what they lead to."""

    folder: Path
    frontier: Frontier = field(default_factory=Frontier)
    names: list[LogIdentity] = field(default_factory=list)
    other: list[Checkpoint] = field(default_factory=list)  # those of another root
    rows: list[list[bytes]] = field(default_factory=lambda: [[]])  # by level of tiles: the hashes that fill no tile yet
    full: list[int] = field(default_factory=lambda: [0])  # by level of tiles: how many were compared

    def leaves(self, place: EntryBundle, kept: Sequence[Checkpoint]) -> Iterator[str]:
        """Take in the leaves of the next bundle; a sentence for each fault. Raises OSError, TileRefused."""
        most = place.width * (MAX_ENTRY_BYTES + 2)
        entries = entries_of(_read(self.folder / place.path, most), place)
        hashes = [leaf_hash(each) for each in entries]
        start = self.frontier.size
        for index, leaf in enumerate(entries):
            kind = kind_of(leaf)
            if kind in NAMING:
                before = self.frontier.appended(hashes[:index])
                try:
                    self.names.append(self.names[-1].next(kind, leaf, before) if self.names else LogIdentity.of_first(leaf))
                except LogNotNamed as wrong:
                    yield f"leaf {start + index} {wrong}"
        for each in kept:
            within = each.size - start
            if 0 < within <= len(hashes) and self.frontier.appended(hashes[:within]).root() != each.root:
                self.other.append(each)
        self.frontier = self.frontier.appended(hashes)
        self.rows[0] += hashes
        yield from self._full_tiles()

    def partial_tiles(self) -> Iterator[str]:
        """A sentence for each fault of the last tile of each level. Raises OSError."""
        for level, row in enumerate(self.rows):
            if row:
                yield from self._compared(Tile(level, self.full[level], len(row)), row)

    def _full_tiles(self) -> Iterator[str]:
        for level in range(MAX_LEVEL):
            row = self.rows[level]
            if len(row) < TILE_WIDTH:
                return
            yield from self._compared(Tile(level, self.full[level]), row)
            self.full[level] += 1
            self.rows[level] = []
            if level + 1 == len(self.rows):
                self.rows.append([])
                self.full.append(0)
            self.rows[level + 1].append(Frontier().appended(row).root())

    def _compared(self, tile: Tile, hashes: Sequence[bytes]) -> Iterator[str]:
        if _read(self.folder / tile.path, TILE_WIDTH * HASH_BYTES) != b"".join(hashes):
            yield f"`{tile.path}` is not over the leaves"


def _faults_of_signatures(
    note: Note, names: Sequence[LogIdentity], key: VerifierKey, witness: VerifierKey | None
) -> Iterator[str]:
    at = next((at for at, each in enumerate(names) if each.verifier == key), None)
    if at is None:
        yield "the log never had this key"
        return
    followed = [names[at]]
    for each in names[at + 1 :]:
        if each.unsigned:
            break  # whoever knows the key before cannot know this one
        followed.append(each)
    origin = names[-1].origin
    try:
        open_checkpoint(note, origin, [each.verifier for each in followed if each.origin == origin])
    except (NoteRefused, CheckpointRefused) as refused:
        yield f"`{CHECKPOINT}` is not signed by this key, nor by one that leads back to it: {refused}"
    if witness is not None:
        try:
            open_checkpoint(note, origin, [witness])
        except (NoteRefused, CheckpointRefused) as refused:
            yield f"`{CHECKPOINT}` is not cosigned by the witness: {refused}"


def _put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _read(path: Path, most: int) -> bytes:
    with path.open("rb") as file:
        return file.read(most + 1)


def _why(refused: Exception) -> str:
    if isinstance(refused, OSError):
        return f"`{Path(refused.filename).name}`: {refused.strerror}" if refused.filename else str(refused.strerror)
    return str(refused)
