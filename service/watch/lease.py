"""
A lease: of all processes that use a database, on any machine, one at a time runs the watch, or sends to a sink.

INVARIANT (fenced): whoever works writes only in transactions that find its own name in the row, under the one writing lock. So a process
whose lease ran out while it slept writes nothing more once another has taken over, whatever their clocks say.
"""

import os
import socket
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from service.store.moments import moment_text
from service.store.tables import watch_lease

SECONDS = 300.0
_FAR = timedelta(hours=1)  # clocks of machines that work together differ by less


class LeaseLost(Exception):
    """Another process works, or has taken over; `until` is when its turn ends at the latest, unless it goes on."""

    def __init__(self, until: str | None = None) -> None:
        super().__init__("another process is at work")
        self.until = until


@dataclass(frozen=True, slots=True)
class LeaseHolder:
    """Who has the turn: the machine and the process by its number, None where an earlier version took it; and until when."""

    host: str | None
    process: int | None
    until: str

    @property
    def named(self) -> str:
        """In words for an operator."""
        return f"process {self.process} on {self.host}" if self.process is not None else "a process"

    def shown(self) -> dict[str, Any]:
        """As JSON."""
        return {"host": self.host, "process": self.process, "until": self.until}


@dataclass(frozen=True, slots=True)
class Lease:
    """The turn of one process at some work, for so many seconds. Its methods take the writing transaction, and `now`."""

    name: str
    holder: str
    seconds: float = SECONDS

    @classmethod
    def of(cls, name: str, seconds: float = SECONDS) -> "Lease":
        """A lease of this work for a new holder."""
        return cls(name, f"{uuid4().hex}/{os.getpid()}/{socket.gethostname()}", seconds)

    def held(self, connection: sa.Connection, now: datetime) -> LeaseHolder | None:
        """Who else has the turn, as far as a reader sees; None if nobody has."""
        row = connection.execute(sa.select(watch_lease).where(self._here)).one_or_none()
        if row is None or not self._of_another(row, now):
            return None
        match row.holder.split("/", 2):
            case [_, process, host] if process.isdecimal():
                return LeaseHolder(host, int(process), row.until)
        return LeaseHolder(None, None, row.until)

    def another_works(self, connection: sa.Connection, now: datetime) -> bool:
        """Whether it is another process's turn, as far as a reader sees."""
        return self.held(connection, now) is not None

    def runs_out(self, connection: sa.Connection, now: datetime) -> bool:
        """Whether the turn is not this holder's, or less than half of it is left."""
        row = connection.execute(sa.select(watch_lease).where(self._here)).one_or_none()
        if row is None or row.holder != self.holder:
            return True
        return not moment_text(now + timedelta(seconds=self.seconds / 2)) <= row.until <= moment_text(self._latest(now))

    def take(self, transaction: sa.Connection, now: datetime) -> None:
        """Take the turn. Raises LeaseLost where another process has it."""
        row = transaction.execute(sa.select(watch_lease).where(self._here)).one_or_none()
        if row is None:
            transaction.execute(sa.insert(watch_lease).values(name=self.name))
        elif self._of_another(row, now):
            raise LeaseLost(row.until)
        self._hold(transaction, now)

    def seize(self, transaction: sa.Connection, now: datetime) -> None:
        """Take the turn from whoever has it, since a person said so."""
        if transaction.execute(sa.select(watch_lease.c.name).where(self._here)).first() is None:
            transaction.execute(sa.insert(watch_lease).values(name=self.name))
        self._hold(transaction, now)

    def keep(self, transaction: sa.Connection, now: datetime) -> None:
        """Go on. Raises LeaseLost where another process has taken over."""
        holder = transaction.execute(sa.select(watch_lease.c.holder).where(self._here)).scalar_one_or_none()
        if holder != self.holder:
            raise LeaseLost
        self._hold(transaction, now)

    def give_back(self, transaction: sa.Connection, done: str | None = None) -> None:
        """Let the next one work; `done` says what is done, if everything is."""
        values = {"holder": None, "until": None} | ({} if done is None else {"done": done})
        mine = sa.and_(self._here, watch_lease.c.holder == self.holder)
        transaction.execute(sa.update(watch_lease).where(mine).values(values))

    def done(self, connection: sa.Connection) -> str | None:
        """What was done last, by any process."""
        return connection.execute(sa.select(watch_lease.c.done).where(self._here)).scalar_one_or_none()

    def _of_another(self, row: sa.Row[Any], now: datetime) -> bool:
        """Whether another has the turn still. One that ends too far from now is of a clock that was ahead, and no turn."""
        return row.holder not in (None, self.holder) and moment_text(now) < row.until <= moment_text(self._latest(now))

    def _latest(self, now: datetime) -> datetime:
        return now + timedelta(seconds=self.seconds) + _FAR

    @property
    def _here(self) -> sa.ColumnElement[bool]:
        return watch_lease.c.name == self.name

    def _hold(self, transaction: sa.Connection, now: datetime) -> None:
        until = moment_text(now + timedelta(seconds=self.seconds))
        transaction.execute(sa.update(watch_lease).where(self._here).values(holder=self.holder, until=until))
