"""
This service as a witness of other logs: it cosigns their checkpoints (C2SP tlog-witness, `add-checkpoint`).

INVARIANT (one history): what was cosigned last is read, compared and replaced in one writing transaction, with a leaf `cosigned`. The
cosignature leaves after its commit. So no two roots of one size are ever cosigned, and a database of the witness that is put back is
found as that of any log is.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import sqlalchemy as sa

from service.log.tree_leaves import LogEvent, append
from service.settings import SettingRefused
from service.store.database import Database
from service.store.log_key import LogKeyRefused, witness_key
from service.store.tables import witnessed
from service.transparency.checkpoint import Checkpoint
from service.transparency.signed_note import KeyTextRefused, NoteRefused, SignatureType, SignerKey, VerifierKey, verify_note
from service.transparency.witness import AddCheckpoint, WitnessAnswer, answer

COSIGNED = "cosigned"  # the kind of the leaf


@dataclass(frozen=True, slots=True)
class WitnessServer:
    """The logs that this service knows, and the key by which it cosigns."""

    logs: tuple[VerifierKey, ...]
    signer: SignerKey

    @classmethod
    def open(cls, logs: Path, database: Database) -> Self:
        """The witness of the logs whose verifier keys are in a file, one a line. Raises SettingRefused."""
        try:
            known = tuple(map(VerifierKey.parse, lines_of(logs)))
            if any(each.type is not SignatureType.NOTE for each in known):
                raise KeyTextRefused("it is one for cosignatures")
            return cls(known, witness_key(database.key_path))
        except KeyTextRefused as refused:
            raise SettingRefused(f"`{logs}` has a line that is no verifier key of a log: {refused}") from None
        except LogKeyRefused as refused:
            raise SettingRefused(str(refused)) from None

    def refusal(self, request: AddCheckpoint, time: int) -> WitnessAnswer | None:
        """The answer to a request that no log which is known has signed; None for others."""
        keys = self._keys(request)
        try:
            verify_note(request.note, keys)
        except NoteRefused:
            return answer(request, keys, None, self.signer, time)
        return None

    def answer_in(self, transaction: sa.Connection, request: AddCheckpoint, now: str, time: int) -> WitnessAnswer:
        """The answer, with what was cosigned last replaced; it may leave once the writing transaction is committed."""
        origin = request.checkpoint.origin
        found = transaction.execute(sa.select(witnessed).where(witnessed.c.origin == origin)).one_or_none()
        last = None if found is None else Checkpoint(origin, found.size, bytes(found.root))
        answered = answer(request, self._keys(request), last, self.signer, time)
        new = answered.cosigned
        if new is not None and (last is None or new.size > last.size):
            transaction.execute(sa.delete(witnessed).where(witnessed.c.origin == origin))
            transaction.execute(sa.insert(witnessed).values(origin=origin, size=new.size, root=new.root, at=now))
            append(transaction, LogEvent(COSIGNED, now, {"origin": origin, "size": new.size, "root": new.root.hex()}))
        return answered

    def _keys(self, request: AddCheckpoint) -> tuple[VerifierKey, ...]:
        return tuple(each for each in self.logs if each.name == request.checkpoint.origin)


def lines_of(file: Path) -> list[str]:
    """The lines of a file of settings that are not empty and no comments. Raises SettingRefused."""
    try:
        lines = file.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as refused:
        raise SettingRefused(f"`{file}` cannot be read: {getattr(refused, 'strerror', None) or 'it is not a text'}") from None
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]
