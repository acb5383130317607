"""The secret of the counters: nobody reads it from the database alone, and it outlives the log's key."""

import secrets

import pytest
import sqlalchemy as sa

from service.ed25519 import PrivateKey
from service.log.store import Store
from service.store import counter_secret, upgrade
from service.store.database import Database, DatabaseRefused
from service.store.log_key import LogKey, LogKeyRefused
from service.store.tables import about
from service.store.upgrade import look


def opened(database: Database) -> bytes:
    with database.reading.connect() as connection:
        return counter_secret.opened(connection)


def rows(database: Database) -> dict[str, str]:
    with database.reading.connect() as connection:
        return {row.name: row.value for row in connection.execute(sa.select(about))}


def test_a_secret_of_before_is_sealed_when_its_tables_are_completed_and_stays_the_same(database, monkeypatch):
    """What was hashed with it is found again, and the value is in no row. One that lies in a database of this version is refused."""
    secret = secrets.token_hex(32)
    with Store.open(database) as store, store.database.writing.begin() as connection:
        connection.execute(sa.delete(about).where(about.c.name == "sealed_ledger_secret"))
        connection.execute(sa.insert(about).values(name="ledger_secret", value=secret))
    with pytest.raises(DatabaseRefused, match="lies in the database as it is"):
        Store.open(database)
    with monkeypatch.context() as patch:
        patch.setattr(upgrade, "_upgrade", lambda *_: "older")
        Store.open(database).close()
    for _ in range(2):
        with Store.open(database) as store:
            assert opened(store.database).hex() == secret
            assert "ledger_secret" not in rows(store.database)
            assert secret not in repr(rows(store.database))


def test_each_database_has_a_secret_of_its_own_that_needs_the_key_of_the_log(in_file):
    """By another key it is not opened, and neither is one that was changed."""
    database = in_file.store.database
    sealed = rows(database)["sealed_ledger_secret"]
    assert len(opened(database)) == 32
    assert opened(database).hex() not in sealed
    other = LogKey.of(PrivateKey.generated())
    with database.reading.connect() as connection:
        counter_secret.give_key(connection.info, lambda _: other)
        with pytest.raises(LogKeyRefused, match="was not sealed by the log's key"):
            counter_secret.opened(connection)
        counter_secret.give_key(connection.info, lambda _: database.log_key())
    changed = ("0" if sealed[40] != "0" else "1").join((sealed[:40], sealed[41:]))
    for value in (changed, "", "not hexadecimal"):
        with database.writing.begin() as connection:
            connection.execute(sa.update(about).where(about.c.name == "sealed_ledger_secret").values(value=value))
        with pytest.raises(DatabaseRefused, match="the secret of the counters is missing, or was not sealed by the log's key"):
            Store.open(in_file.settings.database)


def test_another_key_of_the_log_seals_the_same_secret(in_file):
    """The rows of the ledger stay as they are."""
    database = look(in_file.settings.database)
    secret, other = opened(database), LogKey.of(PrivateKey.generated())
    with database.transaction() as transaction:
        counter_secret.reseal(transaction, database.log_key(), other)
    with database.reading.connect() as connection:
        counter_secret.give_key(connection.info, lambda _: other)
        assert counter_secret.opened(connection) == secret
    with database.transaction() as transaction:
        with pytest.raises(LogKeyRefused):
            counter_secret.reseal(transaction, database.log_key(), other)
        counter_secret.reseal(transaction, other, database.log_key())
    database.close()
