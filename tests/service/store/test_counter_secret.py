"""The secret of the counters: nobody reads it from the database alone, and it outlives the log's key."""

import pytest
import sqlalchemy as sa

from service.log.store import Store
from service.store import counter_secret
from service.store.database import Database, DatabaseRefused
from service.store.log_key import LogKey, LogKeyRefused
from service.store.tables import about
from service.store.upgrade import open_present
from service.transparency.ed25519 import PrivateKey


def opened(database: Database) -> bytes:
    with database.reading.connect() as connection:
        return counter_secret.open_secret(connection)


def rows(database: Database) -> dict[str, str]:
    with database.reading.connect() as connection:
        return {row.name: row.value for row in connection.execute(sa.select(about))}


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
            counter_secret.open_secret(connection)
        counter_secret.give_key(connection.info, lambda _: database.log_key())
    changed = ("0" if sealed[40] != "0" else "1").join((sealed[:40], sealed[41:]))
    for value in (changed, "", "not hexadecimal"):
        with database.writing.begin() as connection:
            connection.execute(sa.update(about).where(about.c.name == "sealed_ledger_secret").values(value=value))
        with pytest.raises(DatabaseRefused, match="the secret of the counters is missing, or was not sealed by the log's key"):
            Store.open(in_file.settings.database)


def test_another_key_of_the_log_seals_the_same_secret(in_file):
    """The rows of the ledger stay as they are."""
    database = open_present(in_file.settings.database)
    secret, other = opened(database), LogKey.of(PrivateKey.generated())
    with database.transaction() as transaction:
        counter_secret.reseal(transaction, database.log_key(), other)
    with database.reading.connect() as connection:
        counter_secret.give_key(connection.info, lambda _: other)
        assert counter_secret.open_secret(connection) == secret
    with database.transaction() as transaction:
        with pytest.raises(LogKeyRefused):
            counter_secret.reseal(transaction, database.log_key(), other)
        counter_secret.reseal(transaction, other, database.log_key())
    database.close()
