"""Workers that run while a later version completes the tables: they go on, since a version only adds (service/docs/upgrades.md)."""

import asyncio
import json
from contextlib import closing

import sqlalchemy as sa

from service.store import row_seals
from service.store.database import Database
from service.store.log_tree import growth_of
from service.store.tables import REVISION
from tests.service.conftest import BOTH_DATABASES, body, eventually, running
from tests.service.load import Load, during, post
from tests.service.server.test_server import refused, sound

LATER = "99.0.0"
READY = b"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


def complete(url: str) -> None:
    """What the first start of a later version does: a table, a column that may be null, a leaf, the seals anew, another revision."""
    with closing(Database.open(url)) as database, database.transaction() as transaction:
        transaction.execute(sa.text("CREATE TABLE later (id VARCHAR NOT NULL)"))
        transaction.execute(sa.text("ALTER TABLE watch_lease ADD COLUMN later VARCHAR"))
        growth_of(transaction).note("tables-upgraded", {"from": REVISION, "to": LATER})
        row_seals.seal_again(transaction, growth_of(transaction).key())
        transaction.execute(sa.text("UPDATE alembic_version SET version_num = :to"), {"to": LATER})


def undo(url: str) -> None:
    """Take the later parts away, so that this version verifies what its workers wrote."""
    with closing(Database.open(url)) as database, database.writing.connect() as connection, connection.begin():
        connection.execute(sa.text("DROP TABLE later"))
        connection.execute(sa.text("ALTER TABLE watch_lease DROP COLUMN later"))
        connection.execute(sa.text("UPDATE alembic_version SET version_num = :to"), {"to": REVISION})


@BOTH_DATABASES
def test_they_go_on_after_a_later_version_has_added_to_the_tables(database, tmp_path):
    """Every request is answered before, during and after it; each answer is in the log; a worker of before that starts anew is refused."""
    with running(database, "--workers", "2", folder=tmp_path) as server:
        load = Load(server.port, [post("/v1/evaluate", body()), READY], 4, pause=0.05)

        async def upgrade() -> None:
            await asyncio.to_thread(eventually, lambda: len(load.asked) > 10)
            await asyncio.to_thread(complete, database)
            before = len(load.asked)
            await asyncio.to_thread(eventually, lambda: len(load.asked) > before + 30)

        during(load, upgrade)
        assert load.statuses == {200: len(load.asked)}
        code, said = refused(database)
        assert (code, "was written by a newer Fifth Factor" in said) == (2, True)
        assert server.stop() == 0
    undo(database)
    assert sound(database) == {found["id"] for found in (json.loads(each.body) for each in load.asked) if "id" in found}
