"""
What a piece of work reads of what the service keeps: the statements that it runs on the database are noted, by what they are for.

The database notes every statement itself, whoever runs it, and also a question whose answer it has still. So nobody who reads has to
remember to say so. Only what the ledger and the books are asked is told apart: whoever asks them says so with `of_ledger`.
"""

from contextvars import ContextVar, Token
from dataclasses import dataclass
from types import TracebackType


@dataclass(slots=True)
class KeptReads:
    """What was read: of the ledger and its books, and of anything else (the register, documents, sign-offs, the log)."""

    ledger: bool = False
    other: bool = False
    asking_ledger: bool = False


_NOTED: ContextVar[KeptReads | None] = ContextVar("noted", default=None)


def note() -> None:
    """Something is read now. The database calls this."""
    reads = _NOTED.get()
    if reads is None:
        return
    if reads.asking_ledger:
        reads.ledger = True
    else:
        reads.other = True


class noted:
    """`with noted() as reads:` notes what is read inside, in this thread or task."""

    __slots__ = ("_token",)
    _token: Token[KeptReads | None]

    def __enter__(self) -> KeptReads:
        reads = KeptReads()
        self._token = _NOTED.set(reads)
        return reads

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        _NOTED.reset(self._token)


class of_ledger:
    """`with of_ledger():` marks what is read inside as read of the ledger and its books."""

    __slots__ = ("_before", "_reads")

    def __enter__(self) -> None:
        self._reads = _NOTED.get()
        if self._reads is not None:
            self._before = self._reads.asking_ledger
            self._reads.asking_ledger = True

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        if self._reads is not None:
            self._reads.asking_ledger = self._before
