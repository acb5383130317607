"""
The drill of a restore: a live database goes in; what a backup of it is worth comes out, with times and sizes.

A backup is taken while the service writes, and restored into an empty place. There it must be what it was: each record, the tree with the
seal of the log's key, the last checkpoint with its signature. The tree of the copy must be the beginning of the live one. Some exchanges of
the copy are decided again by the policies in the copy. Nothing is written to the live database, and nothing is left but what is kept.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp
from time import perf_counter

import sqlalchemy as sa

import engine
from service.audit.deep_verification import DeepVerification
from service.decisions.replay import CannotReplay, kept_decider, replay
from service.log.backup import copy_file
from service.log.record import PolicyDigests
from service.log.store import of_numbers
from service.log.verification import verify
from service.store.database import Database, DatabaseRefused, plain
from service.store.log_identity import identities
from service.store.log_key import LogKey, LogRefused
from service.store.log_tree import SealedTree, TreeBroken, sealed_tree
from service.store.postgresql_programs import PostgresPrograms, emptied_database, new_database, server_version
from service.store.tables import head
from service.store.tree_tiles import frontier_at
from service.store.upgrade import open_any, open_present
from service.transparency.checkpoint import Checkpoint, CheckpointRefused, open_checkpoint
from service.transparency.signed_note import NoteRefused

DECIDED_AGAIN = 3  # exchanges: the newest, the oldest and one between
_ROOM = 1.1  # times the size of the database that each copy of it may need

Progress = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class DrillOptions:
    """
    How to drill. `folder` is where copies are made, in a folder of their own; `into` is an empty database to restore into, and `backup` a
    backup that is there already; `programs` is the folder of PostgreSQL's programs. `deep` compares every row with the leaves.
    """

    folder: Path
    into: str | None = None
    backup: Path | None = None
    programs: Path | None = None
    deep: bool = False
    keep: bool = False


@dataclass(slots=True)
class DrillReport:
    """What was found. Sizes are bytes, times seconds. `lost` are the records that were made after the backup."""

    database: str
    kind: str
    live_bytes: int = 0
    backup_bytes: int = 0
    records: int = 0
    leaves: int = 0
    root: str = ""
    live_leaves: int = 0
    live_root: str = ""
    lost: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    decided_again: dict[str, str] = field(default_factory=dict)  # by id: `bytes`, `meaning` or `nothing`
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Time a step."""
        began = perf_counter()
        try:
            yield
        finally:
            self.seconds[step] = round(perf_counter() - began, 3)


def drill(
    url: str, key_path: Path | None, options: DrillOptions, progress: Progress = lambda what, number: None
) -> DrillReport:
    """Drill the restore of a database. Raises DatabaseRefused where it cannot be drilled."""
    with ExitStack() as closing:
        live = open_present(url, key_path)
        closing.callback(live.close)
        try:
            key = live.log_key()
        except LogRefused as refused:
            raise DatabaseRefused(f"{refused}: without it no restored log can go on") from None
        report = DrillReport(live.shown, live.dialect, live_bytes=_size(live))
        folder = closing.enter_context(_own_folder(options))
        try:
            _drill(url, live, key, folder, options, report, closing, progress)
        except (OSError, sa.exc.SQLAlchemyError) as failed:
            raise DatabaseRefused(f"the drill of `{live.shown}` ended: {plain(failed)}") from None
        return report


def _drill(
    url: str,
    live: Database,
    key: LogKey,
    folder: Path,
    options: DrillOptions,
    report: DrillReport,
    closing: ExitStack,
    progress: Progress,
) -> None:
    with live.reading.connect() as connection:
        checkpoint = _last_checkpoint(live, connection, key, report)
        version = server_version(connection)[0] if live.dialect == "postgresql" else 0
    if options.keep:
        report.kept.append(str(folder))
    _need_room(folder, report.live_bytes, copies=2 if live.dialect == "sqlite" else 1)
    programs = PostgresPrograms.found(version, options.programs) if live.dialect == "postgresql" else None
    if options.backup is None:
        progress("taking the backup", 0)
        backup = folder / ("backup.db" if programs is None else "backup.dump")
        with report.timed("backup"):
            copy_file(live, backup) if programs is None else programs.dump(url, backup)
    else:
        backup = options.backup
        if not backup.is_file():
            raise DatabaseRefused(f"the backup `{backup}` does not exist")
    report.backup_bytes = backup.stat().st_size
    progress("restoring", 0)
    if programs is None:
        place = options.into or str(folder / "restored.db")
        with report.timed("restore"):
            _put_in_place(backup, Path(place))
        if options.into and not options.keep:
            closing.callback(lambda: _remove(Path(place)))
    else:
        if options.into:
            _need_empty(options.into, url)
        place = closing.enter_context(
            emptied_database(options.into, options.keep) if options.into else new_database(url, options.keep)
        )
        with report.timed("restore"):
            programs.restore(backup, place)
    restored = open_any(place, live.key_path)
    closing.callback(restored.close)
    if options.keep:
        report.kept.append(restored.shown if programs else place)
    restored.key_path = live.key_path  # the key is in no backup; nothing is written with it here
    _compare(live, restored, key, checkpoint, options, report, progress)


def _compare(
    live: Database,
    restored: Database,
    key: LogKey,
    checkpoint: Checkpoint | None,
    options: DrillOptions,
    report: DrillReport,
    progress: Progress,
) -> None:
    with restored.reading.connect() as connection:
        with report.timed("verify"):
            kept = () if checkpoint is None or options.backup is not None else (checkpoint,)
            report.records, faults = verify(
                connection, lambda done, all: progress(f"{done:,} of {all:,} records", done), key, kept
            )
            report.faults += [
                each.fault if each.sequence is None else f"record {each.sequence}: {each.fault}" for each in faults
            ]
        copy = _sealed(connection, report, "the copy")
        if copy is not None:
            report.leaves, report.root = copy.size, copy.frontier.root().hex()
            progress("comparing with the live log", 0)
            with live.reading.connect() as original, report.timed("compare"):
                _begins(original, copy, key, report)
        if options.deep and not report.faults:
            with report.timed("deep"):
                found = DeepVerification(
                    connection, restored, lambda what, number: progress(f"{number:,} {what}", number)
                ).findings()
                report.faults += map(str, found)
        with report.timed("decide"):
            _decide_again(connection, report)


def _begins(original: sa.Connection, copy: SealedTree, key: LogKey, report: DrillReport) -> None:
    """The live tree begins with the tree of the copy; how many records it has beyond."""
    live = _sealed(original, report, "the live log")
    if live is None:
        return
    if not live.is_sealed_by(key):
        report.faults.append("the tree of the live log does not have the seal of the log's key")
    report.live_leaves, report.live_root = live.size, live.frontier.root().hex()
    if copy.size > live.size:
        report.faults.append(f"the copy has {copy.size} leaves, and the live log only {live.size}: it is a copy of another log")
        return
    try:
        if frontier_at(original, live, copy.size).root() != copy.frontier.root():
            report.faults.append("the live log does not begin with the tree of the copy: it is a copy of another log")
    except TreeBroken as broken:
        report.faults.append(f"the live log: {broken}")
    count = original.execute(sa.select(head.c.next).where(head.c.name == "record")).scalar_one()
    report.lost = max(0, count - report.records)


def _sealed(connection: sa.Connection, report: DrillReport, whose: str) -> SealedTree | None:
    try:
        found = sealed_tree(connection)
    except TreeBroken as broken:
        report.faults.append(f"{whose}: {broken}")
        return None
    if found is None:
        report.faults.append(f"{whose} has no tree")
    return found


def _last_checkpoint(live: Database, connection: sa.Connection, key: LogKey, report: DrillReport) -> Checkpoint | None:
    """The checkpoint beside the key, whose signature must be one of the log's keys."""
    try:
        note = live.kept.note()
        if note is None:
            report.notes.append("no checkpoint is kept beside the key yet")
            return None
        tree = sealed_tree(connection)
        keys = [key.verifier, *([] if tree is None else [each.verifier for each in identities(connection, tree)])]
        claimed = Checkpoint.parse(note.text)
        return open_checkpoint(note, claimed.origin, [each for each in keys if each.name == claimed.origin])[0]
    except (LogRefused, NoteRefused, CheckpointRefused) as refused:
        report.faults.append(f"the last checkpoint `{live.kept.path}`: {refused}")
        return None


def _decide_again(connection: sa.Connection, report: DrillReport) -> None:
    """Decide exchanges of the copy again, by the policies that the copy keeps."""
    if not report.records:
        report.notes.append("there is no record to decide again")
        return
    ready: dict[tuple[PolicyDigests, str], engine.PDP] = {}

    def deciders(bundle: PolicyDigests, mode: str) -> engine.PDP:
        if (bundle, mode) not in ready:
            ready.clear()  # two in memory would need twice as much as a service
            ready[bundle, mode] = kept_decider(connection, bundle, mode)
        return ready[bundle, mode]

    last = report.records - 1
    for stored in of_numbers(connection, sorted({last, 0, last // 2})[:DECIDED_AGAIN]):
        try:
            found = replay(stored, deciders)
        except CannotReplay as cannot:
            if cannot.cause in ("unsound", "missing"):
                report.faults.append(f"record {stored.sequence} cannot be decided again: {cannot}")
            else:
                report.notes.append(f"record {stored.sequence} is not decided again: {cannot}")
            continue
        report.decided_again[found.id] = found.same
        if not found.holds:
            report.faults.append(f"record {stored.sequence} is decided otherwise from the copy")


# --- places -----------------------------------------------------------------------------------------------------------


@contextmanager
def _own_folder(options: DrillOptions) -> Iterator[Path]:
    try:
        made = Path(mkdtemp(prefix="fifthfactor-drill-", dir=options.folder))  # only its owner can read it
    except OSError as failed:
        raise DatabaseRefused(f"no copy can be made in `{options.folder}`: {failed.strerror}") from None
    try:
        yield made
    finally:
        if not options.keep:
            shutil.rmtree(made, ignore_errors=True)


def _need_room(folder: Path, size: int, copies: int) -> None:
    free, needed = shutil.disk_usage(folder).free, int(size * _ROOM * copies)
    if free < needed:
        raise DatabaseRefused(
            f"`{folder.parent}` has {free // 2**20:,} MB free, and the copies may need {needed // 2**20:,} MB: name another place with"
            " `--folder`"
        )


def _put_in_place(backup: Path, place: Path) -> None:
    """Restore a file: copy it to where nothing is. Raises DatabaseRefused."""
    if place.exists():
        raise DatabaseRefused(f"`{place}` exists already: a backup is restored into an empty place")
    with backup.open("rb") as source, open(place, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as target:
        try:
            shutil.copyfileobj(source, target, 1 << 20)
            target.flush()
            os.fsync(target.fileno())
        except BaseException:
            place.unlink()
            raise


def _remove(place: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        place.with_name(place.name + suffix).unlink(missing_ok=True)


def _need_empty(url: str, live: str) -> None:
    if sa.make_url(url).set(password=None, drivername="x") == sa.make_url(live).set(password=None, drivername="x"):
        raise DatabaseRefused("`--into` names the live database: a backup is restored into an empty place")
    database = open_any(url)
    try:
        with database.reading.connect() as connection:
            if names := sa.inspect(connection).get_table_names():
                raise DatabaseRefused(
                    f"the database `{database.shown}` has tables, such as `{names[0]}`: name an empty one with `--into`"
                )
    finally:
        database.close()


def _size(database: Database) -> int:
    if database.path is not None:
        return sum(
            each.stat().st_size
            for each in database.path.parent.glob(f"{database.path.name}*")
            if each.name.removeprefix(database.path.name) in ("", "-wal")
        )
    with database.reading.connect() as connection:
        return int(connection.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one())
