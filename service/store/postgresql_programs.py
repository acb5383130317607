"""
PostgreSQL's own programs for copies: an address goes in, a dump comes out, and a database is made from a dump.

A dump in PostgreSQL's own format is what any administrator can restore without us. So there is no other format here. A program older than
the server refuses to dump it, so the versions are compared first, and the sentence says what to install.
"""

import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import sqlalchemy as sa

from service.store.database import DatabaseRefused, plain

_DEBIAN = "/usr/lib/postgresql"
_VERSION = re.compile(r"\(PostgreSQL\) (\d+)")


def server_version(connection: sa.Connection) -> tuple[int, ...]:
    """The version of the server of a connection, such as 16, 4."""
    return tuple(map(int, connection.dialect.server_version_info or (0,)))


@dataclass(frozen=True, slots=True)
class PostgresPrograms:
    """`pg_dump` and `pg_restore` of one folder, and their version."""

    folder: Path
    version: int

    @classmethod
    def found(cls, server: int, folder: Path | None = None) -> Self:
        """
        Those of a folder, else those on the PATH or of Debian's packages, not older than a server of this version. Raises DatabaseRefused.
        """
        places = [folder] if folder else _places()
        versions = {place: version for place in places if (version := _version(place / "pg_dump"))}
        fit = [(version, place) for place, version in versions.items() if version >= server and (place / "pg_restore").exists()]
        if not fit:
            there = ", ".join(f"{version} in `{place}`" for place, version in versions.items()) or "none"
            raise DatabaseRefused(
                f"to copy a database of PostgreSQL {server}, `pg_dump` and `pg_restore` of version {server} or newer are needed, and here"
                f" is {there}: install `postgresql-client-{server}`, or name their folder with `--programs`"
            )
        version, place = min(fit)
        return cls(place, version)

    def dump(self, url: str, file: Path) -> None:
        """Copy a database into a file that must not exist. Raises DatabaseRefused."""
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        self._run("pg_dump", url, "--format=custom", f"--file={file}")

    def restore(self, file: Path, url: str) -> None:
        """Fill an empty database from a dump. Raises DatabaseRefused."""
        self._run("pg_restore", url, "--exit-on-error", "--no-owner", str(file))

    def _run(self, program: str, url: str, *options: str) -> None:
        """The password goes by the environment: the arguments of a program can be read by everybody on the machine."""
        address = sa.make_url(url).set(drivername="postgresql")
        found = address.query.get("password", address.password)  # as the library counts them
        password = {"PGPASSWORD": found} if isinstance(found, str) else {}
        shown = address.set(password=None).difference_update_query(["password"]).render_as_string(hide_password=False)
        done = subprocess.run(
            [str(self.folder / program), f"--dbname={shown}", *options],
            env={**os.environ, **password},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        if done.returncode:
            said = (done.stderr.strip().splitlines() or ["it says nothing"])[0]
            raise DatabaseRefused(f"`{program}` ended with {done.returncode}: {said[:300]}")


@contextmanager
def new_database(url: str, keep: bool) -> Iterator[str]:
    """
    The address of a new, empty database on the server of another one, which is gone at the end unless it is kept.

    Nothing is written to the other database; only a connection to it is used. Raises DatabaseRefused.
    """
    address = sa.make_url(url)
    name = f"{(address.database or 'log')[:40]}_drill_{secrets.token_hex(4)}"
    engine = _engine(url)
    quoted = engine.dialect.identifier_preparer.quote_identifier(name)

    def run(statement: str) -> None:
        with engine.connect() as connection:
            connection.exec_driver_sql(statement)

    try:
        run(f"CREATE DATABASE {quoted} TEMPLATE template0 ENCODING 'UTF8'")
    except sa.exc.SQLAlchemyError as failed:
        raise DatabaseRefused(
            f"no database to restore into can be made: {plain(failed)}; give the user the right CREATEDB, or name an empty database with"
            " `--into`"
        ) from None
    try:
        yield address.set(database=name).render_as_string(hide_password=False)
    finally:
        if not keep:
            try:
                run(f"DROP DATABASE {quoted} WITH (FORCE)")
            except sa.exc.SQLAlchemyError as failed:
                raise DatabaseRefused(f"the database `{name}` cannot be dropped: {plain(failed)}; drop it") from None


@contextmanager
def emptied_database(url: str, keep: bool) -> Iterator[str]:
    """The address of a database that was empty, and is so again at the end unless it is kept. Raises DatabaseRefused."""
    try:
        yield url
    finally:
        if not keep:
            engine = _engine(url)
            try:
                with engine.connect() as connection:
                    for name in sa.inspect(connection).get_table_names():
                        connection.exec_driver_sql(
                            f"DROP TABLE {engine.dialect.identifier_preparer.quote_identifier(name)} CASCADE"
                        )
            except sa.exc.SQLAlchemyError as failed:
                raise DatabaseRefused(f"what was restored cannot be dropped: {plain(failed)}; drop its tables") from None


def _engine(url: str) -> sa.Engine:
    return sa.create_engine(
        sa.make_url(url).set(drivername="postgresql+psycopg"),
        isolation_level="AUTOCOMMIT",
        poolclass=sa.NullPool,
        hide_parameters=True,
        use_native_hstore=False,
    )


def _places() -> list[Path]:
    on_path = shutil.which("pg_dump")
    places = [Path(on_path).parent] if on_path else []
    return [*places, *sorted(Path(_DEBIAN).glob("*/bin"))]


def _version(program: Path) -> int | None:
    try:
        said = subprocess.run([str(program), "--version"], capture_output=True, text=True, check=False, timeout=10).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = _VERSION.search(said)
    return int(found[1]) if found else None
