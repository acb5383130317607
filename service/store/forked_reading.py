"""
A connection that reads a database, for work that is divided among forked processes: each process opens its own when it first asks.

A connection that was opened before a process was forked belongs to the parent; to use it in both would mix their answers.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import sqlalchemy as sa

from service.store.database import DatabaseRefused, plain
from service.store.upgrade import reading


@dataclass(eq=False)
class ForkedReading:
    """The connection of each process to the database at an address."""

    url: str
    _process: int = 0
    _opened: ExitStack = field(default_factory=ExitStack)
    _connection: sa.Connection | None = None

    @contextmanager
    def connection(self) -> Iterator[sa.Connection]:
        """The connection of this process, for some queries. Raises DatabaseRefused, also for errors in between."""
        if self._connection is None or self._process != os.getpid():
            self._opened = ExitStack()
            self._connection = self._opened.enter_context(reading(self.url))
            self._process = os.getpid()
        try:
            yield self._connection
            self._connection.rollback()  # a server ends what reads for long
        except sa.exc.SQLAlchemyError as failed:
            raise DatabaseRefused(f"the database cannot be read: {plain(failed)}") from None

    def close(self) -> None:
        """Close what this process opened."""
        if self._process == os.getpid():
            self._opened.close()
            self._connection = None
