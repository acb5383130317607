"""
The witnesses of this log: its checkpoints go out to them, their cosignatures come back (C2SP tlog-witness, tlog-cosignature).

Every few seconds a process sends the checkpoint of the moment to each witness whose last cosignature is older, with a proof from the tree
that the witness cosigned before. The last cosignature of each is kept in the database.

INVARIANT (a witness finds what was put back): if a witness has cosigned a larger tree, or another one, nothing more is recorded or
signed. At a start each witness is asked before; if it does not answer, the service starts all the same.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

import sqlalchemy as sa
from structlog.typing import FilteringBoundLogger

from service.log.proofs import LogTree, NotInTree, log_tree
from service.log.store import Store
from service.log.witness_server import COSIGNED, lines_of
from service.settings import SettingRefused
from service.settings.setting_values import is_loopback
from service.store.database import DatabaseRefused
from service.store.kept_checkpoint import LogPutBack
from service.store.log_key import LogKeyRefused, LogRefused, own_witness
from service.store.log_tree import TreeBroken
from service.store.moments import moment_text
from service.store.tables import cosignature, head, tree_leaf
from service.store.tree_tiles import frontier_at, nodes
from service.store.writer import NotRecorded
from service.transparency.merkle_tree import consistency_proof
from service.transparency.signed_note import KeyTextRefused, Note, NoteRefused, SignatureLine, SignatureType, VerifierKey
from service.transparency.tiles import TileRefused
from service.transparency.witness import (
    SIZE_TYPE,
    TEXT_TYPE,
    AddCheckpoint,
    AnswerRefused,
    cosigned,
    size_cosigned_last,
)

if TYPE_CHECKING:
    import httpx

EVERY_SECONDS = 10.0
ANSWER_SECONDS = 5.0
MOST_BYTES = 64 * 1024
_TRIES = 3
_MOST_OWN = 10_000

Post = Callable[[str, bytes], tuple[int, str, bytes]]  # address and body to status, media type and body; raises WitnessFailed


class WitnessFailed(Exception):
    """A witness did not answer, or not as it should; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness: its verifier key, and the address before `/add-checkpoint`."""

    verifier: VerifierKey
    address: str

    @staticmethod
    def parse(line: str) -> "Witness":
        """The witness in `<verifier key> <address>`. Raises ValueError, whose message is one sentence."""
        key, _, address = line.partition(" ")
        verifier = VerifierKey.parse(key)
        if verifier.type is not SignatureType.COSIGNATURE:
            raise ValueError("the verifier key of a witness is one for cosignatures (type 4)")
        parts = urlsplit(address.strip())
        if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname))):
            raise ValueError("give an https:// address; http:// is for this machine's own addresses only")
        return Witness(verifier, address.strip().rstrip("/"))


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A cosignature that a witness gave: over which tree, and its line."""

    witness: Witness
    size: int
    root: bytes
    line: SignatureLine


@dataclass(frozen=True, slots=True)
class Witnesses:
    """The witnesses of an open log."""

    witnesses: tuple[Witness, ...]
    store: Store
    say: FilteringBoundLogger
    clock: Callable[[], datetime]
    post: Post
    failing: dict[str, str] = field(default_factory=dict)  # by the name of a witness: why, as it was reported

    @classmethod
    def open(cls, file: Path, store: Store, say: FilteringBoundLogger, clock: Callable[[], datetime]) -> Self:
        """
        The witnesses in a file, one a line, each of which is asked once.

        Raises SettingRefused, and DatabaseRefused if one of them knows another history of the log.
        """
        try:
            found = tuple(map(Witness.parse, lines_of(file)))
        except (KeyTextRefused, ValueError) as refused:
            raise SettingRefused(f"`{file}` has a line that is no witness: {refused}") from None
        _check_apart(file, found, store)
        opened = cls(found, store, say, clock, post)
        opened.check()
        return opened

    def check(self) -> None:
        """Ask each witness. Raises DatabaseRefused if one of them knows another history of the log."""
        for each in self.witnesses:
            try:
                ask(self.store, each, self.post)
            except LogPutBack as other:
                raise DatabaseRefused(f"the database `{self.store.database.shown}` cannot be written: {other}") from None
            except (WitnessFailed, LogRefused, sa.exc.SQLAlchemyError) as failed:
                self._failed(each, failed)

    async def work(self) -> None:
        """Ask the witnesses until cancelled."""
        while True:
            for each in self.witnesses:
                await self.ask(each)
            await asyncio.sleep(EVERY_SECONDS)

    async def ask(self, witness: Witness) -> None:
        """Ask a witness if its last cosignature is not over the tree of this moment, and keep the new one."""
        now = self.clock()
        try:
            if not await asyncio.to_thread(self._due, witness, now):
                return
            given = await asyncio.to_thread(ask, self.store, witness, self.post)
            await self.store.do(lambda transaction: _keep(transaction, given, moment_text(now)))
            self.failing.pop(witness.verifier.name, None)
        except LogPutBack as other:
            self.store.database.refuse(str(other))
            self.say.error("log_put_back", witness=witness.verifier.name, reason=str(other))
        except (WitnessFailed, LogRefused, NotRecorded, sa.exc.SQLAlchemyError) as failed:
            self._failed(witness, failed)

    def _failed(self, witness: Witness, failed: Exception) -> None:
        told = isinstance(failed, WitnessFailed | LogRefused | NotRecorded)
        reason = str(failed) if told else type(failed).__name__
        if self.failing.get(witness.verifier.name) != reason:
            self.say.warning("witness_failed", witness=witness.verifier.name, reason=reason)
        self.failing[witness.verifier.name] = reason

    def _due(self, witness: Witness, now: datetime) -> bool:
        """Whether the tree has grown since, by more than the leaves of a witness, and no process has just asked."""
        with log_tree(self.store.database) as tree:
            held = sa.select(cosignature).where(cosignature.c.witness == witness.verifier.text())
            row = tree.connection.execute(held).one_or_none()
            if row is None:
                return True
            if row.at > moment_text(now - timedelta(seconds=EVERY_SECONDS)):
                return False
            # Two services that are each other's witnesses would otherwise never come to rest.
            since = sa.select(sa.func.count()).where(tree_leaf.c.index >= row.size, tree_leaf.c.kind == COSIGNED)
            own = tree.connection.execute(since).scalar_one()
            return bool(tree.sealed.size - row.size > own)


def _check_apart(file: Path, found: Sequence[Witness], store: Store) -> None:
    """Two witnesses have two keys, under whichever names, and none is this service. Raises SettingRefused."""
    try:
        own = own_witness(store.database.key_path)
    except LogKeyRefused as refused:
        raise SettingRefused(str(refused)) from None
    for at, each in enumerate(found):
        public = each.verifier.public.raw
        if own is not None and public == own.public.raw:
            raise SettingRefused(
                f"`{file}` names this service as its own witness, `{each.verifier.name}`: name one whose memory others keep"
            )
        if same := next((other for other in found[:at] if other.verifier.public.raw == public), None):
            named = f"`{same.verifier.name}` and `{each.verifier.name}`"
            raise SettingRefused(f"`{file}` has one witness twice, as {named}: they have the same key")


def ask(store: Store, witness: Witness, post: Post) -> Cosignature:
    """Have a witness cosign the checkpoint of this moment. It waits for the network. Raises WitnessFailed, LogPutBack, LogRefused."""
    with store.database.reading.connect() as connection:
        held = sa.select(cosignature.c.size).where(cosignature.c.witness == witness.verifier.text())
        old: int = connection.execute(held).scalar_one_or_none() or 0
    name = witness.verifier.name
    for _ in range(_TRIES):
        with log_tree(store.database) as tree:
            size, root = tree.sealed.size, tree.sealed.frontier.root()
            if old > size:
                raise LogPutBack(
                    f"the log has {size} leaves, and its witness `{name}` cosigned {old}: an older database was put back; put the newer"
                    " one back, or go on from this one with `fifthfactor log continue --reason …`"
                )
            request = request_since(tree, old)
        status, media_type, body = post(f"{witness.address}/add-checkpoint", request.to_bytes())
        try:
            if status == 200:
                line = cosigned(request.note, body, [witness.verifier]).signatures[-1]
                return Cosignature(witness, size, root, line)
            if status == 409 and media_type.partition(";")[0].strip() == SIZE_TYPE:
                old = size_cosigned_last(body)
                continue
        except (AnswerRefused, NoteRefused) as wrong:
            raise WitnessFailed(f"the witness `{name}` did not answer as it should: {wrong}") from None
        if status in (409, 422):
            raise LogPutBack(f"the log of {size} leaves does not go on from the one that its witness `{name}` cosigned")
        raise WitnessFailed(f"the witness `{name}` answered with the status {status}")
    raise WitnessFailed(f"the witness `{name}` named another size each time")


def last_given(connection: sa.Connection, witnesses: Sequence[Witness]) -> list[tuple[str, int, datetime]]:
    """
    Of each witness that has cosigned this log: its name, when it did so last, and how many leaves it has not cosigned.

    Leaves that note what this service cosigned as a witness do not count: no witness is asked because of them.
    """
    names = {each.verifier.text(): each.verifier.name for each in witnesses}
    size = connection.execute(sa.select(head.c.next).where(head.c.name == "leaf")).scalar_one_or_none() or 0
    found = []
    for row in connection.execute(sa.select(cosignature).where(cosignature.c.witness.in_(list(names)))).all():
        own = sa.select(tree_leaf.c.index).where(tree_leaf.c.index >= row.size, tree_leaf.c.kind == COSIGNED)
        few = own.limit(_MOST_OWN).subquery()
        count = connection.execute(sa.select(sa.func.count()).select_from(few)).scalar_one()
        found.append((names[row.witness], max(0, size - row.size - count), datetime.fromisoformat(row.at)))
    return found


def request_since(tree: LogTree, old: int) -> AddCheckpoint:
    """The request to a witness that cosigned the tree of the old size last. Raises NotInTree if the tree is smaller, and LogRefused."""
    if old > tree.sealed.size:
        raise NotInTree(f"the log has only {tree.sealed.size} leaves")
    try:
        proof = consistency_proof(old, tree.sealed.size, nodes(tree.connection, tree.sealed).node)
    except TileRefused as refused:
        raise TreeBroken(f"the hashes do not lead to the root: {refused}") from None
    return AddCheckpoint(old, proof, tree.checkpoint())


def with_cosignatures(tree: LogTree) -> Note:
    """The checkpoint of this moment, with the cosignatures that there are for it. Raises LogRefused."""
    note = tree.checkpoint()
    rows = sa.select(cosignature).where(cosignature.c.size == tree.sealed.size)
    root = tree.sealed.frontier.root()
    lines = [_line(row) for row in tree.connection.execute(rows) if bytes(row.root) == root]
    return note.signed_by(*lines)


def last_cosigned(tree: LogTree) -> Note | None:
    """The largest checkpoint that a witness cosigned, with its cosignatures; None if there is none. Raises LogRefused."""
    rows = tree.connection.execute(sa.select(cosignature).where(cosignature.c.size <= tree.sealed.size)).all()
    if not rows:
        return None
    size = max(row.size for row in rows)
    frontier = frontier_at(tree.connection, tree.sealed, size)
    lines = [_line(row) for row in rows if row.size == size and bytes(row.root) == frontier.root()]
    tree.checkpoint()  # which keeps one at least as large
    return tree.key.checkpoint(frontier).signed_by(*lines) if lines else None


def post(address: str, body: bytes) -> tuple[int, str, bytes]:
    """Send a request to a witness. No redirect is followed, and an answer is bounded. Raises WitnessFailed."""
    import httpx  # two megabytes, and most logs have no witness

    return _posted(httpx.Client(timeout=ANSWER_SECONDS, follow_redirects=False), address, body)


def _posted(client: "httpx.Client", address: str, body: bytes) -> tuple[int, str, bytes]:
    from httpx import HTTPError

    try:
        with client, client.stream("POST", address, content=body, headers={"Content-Type": TEXT_TYPE}) as response:
            received = b""
            for piece in response.iter_bytes():
                received += piece
                if len(received) > MOST_BYTES:
                    raise WitnessFailed(f"the witness at {address} answers more than {MOST_BYTES >> 10} KiB")
            return response.status_code, response.headers.get("Content-Type", ""), received
    except HTTPError as failed:
        raise WitnessFailed(f"the witness at {address} does not answer: {type(failed).__name__}") from None


def _keep(transaction: sa.Connection, given: Cosignature, now: str) -> None:
    key = given.witness.verifier.text()
    held = transaction.execute(sa.select(cosignature.c.size).where(cosignature.c.witness == key)).scalar_one_or_none()
    if held is None or held <= given.size:
        transaction.execute(sa.delete(cosignature).where(cosignature.c.witness == key))
        values = {"size": given.size, "root": given.root, "line": given.line.line(), "at": now}
        transaction.execute(sa.insert(cosignature).values(witness=key, **values))


def _line(row: sa.Row[tuple[object, ...]]) -> SignatureLine:
    return SignatureLine.parse(str(row.line).rstrip("\n"))
