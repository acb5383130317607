"""Whether a table has a row: asked once in a turn of the event loop, and again in the next."""

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.log.store import Store
from service.store.database import Database
from service.store.tables import about


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Store.open(tmp_path / "log.db") as store:
        with sqlite3.connect(tmp_path / "log.db") as other:
            other.execute("DELETE FROM about")
        yield store.database


def write(database: Database) -> None:
    """Another process writes a row."""
    assert database.path
    with sqlite3.connect(database.path) as other:
        other.execute("INSERT INTO about (name, value) VALUES ('a', 'b')")


def test_what_is_written_is_seen_at_once(database: Database) -> None:
    """Without an event loop every question is asked."""
    assert not database.has_rows(about)
    write(database)
    assert database.has_rows(about)


def test_what_is_written_is_seen_in_the_next_turn(database: Database) -> None:
    """Within a turn of the loop the first answer serves all: whoever asks was sent before the turn began."""

    async def asked() -> list[bool]:
        found = [database.has_rows(about)]
        write(database)
        found.append(database.has_rows(about))
        await asyncio.sleep(0)
        found.append(database.has_rows(about))
        return found

    assert asyncio.run(asked()) == [False, False, True]


def test_a_loop_learns_nothing_from_another_one(database: Database) -> None:
    """Its turn may have begun later."""

    async def asked() -> bool:
        return database.has_rows(about)

    assert not asyncio.run(asked())
    write(database)
    assert asyncio.run(asked())
