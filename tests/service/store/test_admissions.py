"""Who may be let in: rows that are older than the last leaf that let somebody in or out let nobody in, and an empty list is sealed too."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa

from service.callers import keys, sessions
from service.callers.person import Person
from service.callers.sessions import Lifetime, SessionGrant
from service.log.key_changes import rotate_key
from service.log.store import Store
from service.store.admissions import Admissions, admissions
from service.store.database import Database
from service.store.row_seals import SealBroken
from service.store.tables import caller, head, session, subject_seal
from tests.service.conftest import BOTH_DATABASES

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
LONG_AFTER = NOW + timedelta(days=30)
USUAL = Lifetime(timedelta(hours=8), timedelta(minutes=30))
LIN = Person("https://id.example.org", "7f3a", "Lin")


@pytest.fixture
def opened(database: str) -> Any:
    """A database without keys."""
    with Store.open(database) as store:
        yield store.database


def known(database: Database) -> Admissions:
    """Who may be let in, as a new connection reads it."""
    with database.reading.connect() as connection:
        found = admissions(connection)
        assert found is not None
        return found


def begun(database: Database) -> str:
    """A session of Lin."""
    with database.transaction() as transaction:
        return sessions.begin(transaction, SessionGrant(scopes=("read",), person=LIN), USUAL, NOW)[0].id


def admitting(database: Database) -> int | None:
    """What the head of the tree says."""
    with database.reading.connect() as connection:
        number: int | None = connection.execute(sa.select(head.c.admitting).where(head.c.name == "leaf")).scalar_one()
        return number


@BOTH_DATABASES
def test_keys_and_ended_sessions_are_known_and_the_head_names_the_last_leaf(opened: Database) -> None:
    """Nobody at first; a session that runs is not in the list, since its own row has to be there."""
    assert known(opened) == Admissions()
    assert admitting(opened) == -1
    with opened.transaction() as transaction:
        key, _ = keys.create(transaction, "k", ("read",), None, "test", NOW)
    made = admitting(opened)
    assert known(opened) == Admissions(keys=frozenset({key.id}))
    id = begun(opened)
    assert (known(opened).ended, admitting(opened)) == (frozenset(), made)
    with opened.transaction() as transaction:
        sessions.end(transaction, id, NOW)
        keys.revoke(transaction, key.id, "test", NOW)
    assert known(opened) == Admissions(frozenset({key.id}), frozenset({key.id}), frozenset({id}))
    assert (admitting(opened) or 0) > (made or 0)


@BOTH_DATABASES
def test_what_was_sealed_before_the_last_leaf_is_not_believed(opened: Database) -> None:
    """The rows, the seals and the number in the head, put back as they were; a connection that read before notices it too."""
    with opened.transaction() as transaction:
        key, _ = keys.create(transaction, "k", ("read",), None, "test", NOW)
    with opened.reading.connect() as reader:
        before = {table: reader.execute(sa.select(table)).mappings().all() for table in (caller, subject_seal)}
        assert admissions(reader) is not None
        with opened.transaction() as transaction:
            keys.revoke(transaction, key.id, "test", NOW)
        with opened.writing.connect() as raw, raw.begin():
            for table, rows in before.items():
                raw.execute(sa.delete(table))
                raw.execute(sa.insert(table), [dict(row) for row in rows])
        for read in (partial(keys.find, reader, key.id), partial(known, opened)):
            with pytest.raises(SealBroken):
                read()


@BOTH_DATABASES
def test_an_empty_list_is_sealed_and_survives_another_key_of_the_log(opened: Database) -> None:
    """Every session is gone, and there was never a key; without the seal nobody is let in."""
    id = begun(opened)
    with opened.transaction() as transaction:
        sessions.end(transaction, id, NOW)
    with opened.transaction() as transaction:
        assert sessions.purge(transaction, LONG_AFTER) == 1
    assert known(opened) == Admissions()
    rotate_key(opened, "test")
    assert known(opened) == Admissions()
    again = begun(opened)
    with opened.reading.connect() as connection:
        assert sessions.find(connection, again) is not None
    with opened.writing.connect() as raw, raw.begin():
        raw.execute(sa.delete(subject_seal).where(subject_seal.c.subject == "admissions/all"))
    with opened.reading.connect() as connection, pytest.raises(SealBroken):
        sessions.find(connection, again)
    with opened.reading.connect() as connection:
        assert connection.execute(sa.select(session.c.id)).scalars().all() == [again]
