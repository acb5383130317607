"""
Deep verification and repair: whoever changes a derived column of any table is found, and the row is put right from the leaves.

`make fuzz` tries thousands of random changes; FUZZ_EDITS says how many.
"""

import asyncio
import json
import os
import random
import re
import sqlite3
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient
from typer.testing import CliRunner

from service.audit.deep_verification import DeepVerification
from service.audit.leaf_effects import EFFECTS
from service.audit.repair import NotRepairable, repair
from service.audit.replica import FROM_LEAVES, SUMS
from service.audit.row_comparison import RowFault
from service.callers import keys
from service.callers.caller import Caller
from service.callers.context import Reviewing
from service.callers.person import Person
from service.cli.main import app
from service.documents import attachments, confirmations, document_bytes, stated_documents
from service.documents.confirmations import ConfirmationRequest, ConfirmationWithdrawalRequest
from service.log.verification import verify
from service.server.app import create_app
from service.service import Service
from service.settings import Settings
from service.store import counter_secret, tables
from service.store.column_roles import COLUMN_ROLES, ColumnRole
from service.store.database import Database
from service.store.upgrade import existing
from service.telemetry import log_lines
from service.watch.round import run as watch
from service.watch.transactions import writing
from tests.chance import ending, seed, tried
from tests.service import conftest
from tests.service.conftest import ROOT, Lines, copied
from tests.service.ledger import desk as ledger_desk
from tests.service.ledger import (
    market,
    test_accounts,
    test_benefit_payments,
    test_benefits,
    test_commitment_stages,
    test_income_reports,
    test_promises,
    test_rights_book,
)
from tests.service.ledger.desk import Desk, open_with
from tests.service.reviews.test_sign_off import APPROVE, FACTS

DERIVED = [
    (table, column)
    for table, columns in sorted(COLUMN_ROLES.items())
    for column, role in columns.items()
    if role is ColumnRole.DERIVED
]
# Of these the tree and its own check speak, or nothing is kept of them but the leaf.
WITHOUT_ROWS = {
    *("log", "key-rotated", "continued", "record", "erasure"),
    *("receipt", "repair", "reindexed", "table-run", "tables-upgraded"),
}
NOT_FILLED = {"tree_tile", "tree_node", "witnessed"}  # the tests of the tree and of witnesses have some
FUZZ_EDITS = int(os.environ.get("FUZZ_EDITS", "5000"))
LEAST = 20


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, tables: Path) -> Path:
    """A database in which every table with derived columns has rows: decisions, keys, register, ledger, sign-offs, erasures."""
    folder = tmp_path_factory.mktemp("filled")
    url = copied(tables, folder)
    _with_the_ledger(url)
    _with_promises(url, folder / "promising")
    _with_rights(url)
    _with_sign_offs(url, folder)
    _with_agreements(url)
    return Path(url)


def _with_the_ledger(url: str) -> None:
    settings = Settings(
        watch=False,
        policies=ledger_desk.POLICIES,
        database=url,
        mode="bitset",
        ledger_since="2026-01-01",
        callers_counts="trust",
    )
    service = Service.open(settings, say=log_lines.logger(Lines()), clock=lambda: ledger_desk.NOON)
    with closing(service), TestClient(create_app(settings, service), base_url="http://127.0.0.1:8080") as client:
        desk = Desk(service, client)
        open_with(desk, "2026-11-20", 5)
        test_accounts.fill(desk)
        first, second, third = (
            desk.commit(people, exporter, **test_benefits.SALE)
            for people, exporter in ((300, "clinic"), (20, "clinic"), (7, "other"))
        )
        for path, sent in test_commitment_stages.SIGNED.items():
            assert desk.post(f"/v1/commitments/{second['id']}/{path}", sent).status_code == 200
        for line in test_benefits.lines(desk, commitment=third["id"], role="operator"):
            test_benefit_payments.done(test_benefit_payments.pay(desk, line["number"], "10.00"))
            sent = {"part": 0, "reason": "nothing came"}
            test_benefit_payments.done(desk.post(f"/v1/ledger/benefits/{line['number']}/dispute", sent))
        refund = {"amount": "10.00", "dated": "2026-11-25", **test_income_reports.SHOWN}
        test_benefit_payments.done(desk.post(f"/v1/commitments/{third['id']}/refund", refund))
        desk.post(f"/v1/commitments/{first['id']}/withdraw", {"reason": "the lab closed"})
        replaced = desk.evaluate(25)["id"]
        assert desk.post(f"/v1/commitments/{second['id']}/amend", {"decision": replaced, "reason": "more"}).status_code == 201
        desk.reload(vocabulary="preceding 7 days => preceding 8 days")
        assert desk.post("/v1/ledger/recount").json()["recounted"] == 2
        assert third["state"] == "committed"


def _with_rights(url: str) -> None:
    settings = Settings(watch=False, policies=test_rights_book.POLICIES, database=url, mode="bitset")
    service = Service.open(settings, say=log_lines.logger(Lines()), clock=lambda: test_rights_book.NOON)
    with closing(service), TestClient(create_app(settings, service), base_url="http://127.0.0.1:8080") as client:
        exchange = test_rights_book.Exchange(service, client, [test_rights_book.NOON])
        for asset in ("weather", "tides"):
            opened = test_rights_book.opening(exchange, asset=asset)
        exchange.post(f"/v1/rights/openings/{opened['id']}/withdraw", {"reason": "another party's"})
        first, second = (exchange.commit("met", holder) for holder in ("mill", "farm"))
        exchange.post(f"/v1/commitments/{first}/end", {"from": "2026-12-01", "reason": "terminated"})
        exchange.post(f"/v1/commitments/{second}/withdraw", {"reason": "not signed"})


def _with_agreements(url: str) -> None:
    with market.held(url, Lines()) as parties:
        shares = [market.share("platform", each, "1/4") for each in ("hospital", "studio")]
        for share in shares:
            id = parties.accept(parties.propose(share, who="platform"), "platform", share["payee"])["id"]
            parties.commit("platform", "bank", terms__agreement=id)
        parties.open(parties.done(f"/v1/agreements/{id}/end", {"from": "2027-01-01", "reason": "over"}))
        by_call = {"kind": "per-unit", "amount": "0.30 USD", "unit": "call"}
        earning = parties.standing(market.share("hospital", "bank", "1/4", "price"), asset="scans", pricing=by_call)["id"]
        reported = parties.commit("hospital", "bank", "scans", terms__agreement=earning)
        for units in ("35", "70"):
            sent = {"from": "2026-11-25", "until": "2026-11-25", "units": units, **test_income_reports.SHOWN}
            parties.done(f"/v1/commitments/{reported}/reports", sent)
            if units == "35":
                parties.done(f"/v1/commitments/{reported}/reports/0/reverse", {"reason": "of another product"})


def _with_promises(url: str, folder: Path) -> None:
    folder.mkdir()
    for name, text in test_promises.sources().items():
        (folder / name).write_text(text)
    settings = Settings(watch=False, policies=folder, database=url, mode="bitset", ledger_since="2026-01-01")
    service = Service.open(settings, say=log_lines.logger(Lines()), clock=lambda: ledger_desk.NOON)
    with closing(service), TestClient(create_app(settings, service), base_url="http://127.0.0.1:8080") as client:
        desk = Desk(service, client)
        assert desk.post("/v1/ledger/recount").json()["left"] == []
        for exporter in ("clinic", "other"):
            id = desk.commit(3, exporter, **test_promises.promising())["id"]
        assert test_promises.keep(desk, id).status_code == 200


def _with_sign_offs(url: str, folder: Path) -> None:
    signed = folder / "small.bundle"
    for command in (
        ["keygen", folder / "release"],
        ["build", conftest.POLICIES, "-o", signed],
        ["sign", signed, "--key", folder / "release.key", "--version", "7"],
    ):
        assert CliRunner().invoke(app, ["bundle", *map(str, command)]).exit_code == 0
    settings = Settings(
        watch=False, watch_commitments=False, policies=signed, bundle_keys=(folder / "release.pub",), database=url
    )
    service = Service.open(settings, say=log_lines.logger(Lines()))
    with closing(service), TestClient(create_app(settings, service), base_url="http://127.0.0.1:8080") as client:

        def call(method: str, path: str, body: Any = None) -> Any:
            content = b"" if body is None else json.dumps(body).encode()
            answer = client.request(method, path, content=content, headers={"content-type": "application/json"})
            assert answer.is_success, answer.text
            return answer.json() if answer.content else None

        for recipient in ("lab", "institute"):
            id = call("POST", "/v1/evaluate", {**FACTS, "recipient": {"id": recipient, "country": "US"}})["id"]
            call("POST", f"/v1/decisions/{id}/review/comments", {"text": "counsel has the contract"})
            call("POST", f"/v1/decisions/{id}/review/assign", {"to": "me"})
            call("POST", f"/v1/decisions/{id}/sign-off", APPROVE)
        refused = {**{name: value for name, value in APPROVE.items() if name != "until"}, "verdict": "refuse"}
        call("POST", f"/v1/decisions/{id}/sign-off", refused)  # what an approval rests on is not erased
        call("POST", f"/v1/decisions/{id}/erase")
        _with_documents(service, call)
        call("PUT", "/v1/parties/lab", {"facts": {"country": "US"}, "aliases": ["laboratory"]})
        call("PUT", "/v1/parties/lab", {"facts": {"country": "US"}, "aliases": ["laboratory", "lab-2"]})
        call("PUT", "/v1/parties/gone", {"facts": {"country": "CN"}, "aliases": ["went"]})
        call("DELETE", "/v1/parties/gone?erase=true")
        now = datetime(2026, 11, 27, tzinfo=UTC)
        lin = Person("https://id.example.org", "7f3a", "Lin")
        for name, party, who in (("gateway", None, None), ("counsel", "lab", lin)):
            making = partial(
                keys.create, name=name, scopes=["read"], expires_on=None, by="boss", now=now, party=party, person=who
            )
            key, _ = asyncio.run(service.store.do(making))
        asyncio.run(service.store.do(partial(keys.revoke, id=key.id, by="boss", now=now)))
        assert watch(
            service, writing(service), now.date()
        ).whole  # these policies cannot decide what was committed under others
        # The words of the first records are sorted in, as after some thousands.
        with service.store.database.transaction() as transaction:
            service.store.index.sort(transaction, 0, 3)
            transaction.execute(sa.update(tables.head).where(tables.head.c.name == "sorted").values(next=3))


def _with_documents(service: Service, call: Callable[..., Any]) -> None:
    """A document that is confirmed and withdrawn, and one whose decision was erased."""
    _with_document(service, call, b"a contract")
    call("POST", f"/v1/decisions/{_with_document(service, call, b'another contract')}/erase")


def _with_document(service: Service, call: Callable[..., Any], text: bytes) -> str:
    now, kept = datetime(2026, 11, 27, tzinfo=UTC), document_bytes.see(text)
    lin = Caller("key:0123456789ab", frozenset({"review"}), person=Person("https://id.example.org", "7f3a", "Lin"))
    contract = {"dated": "2026-05-01", "covers": True, "hash": kept.info.sha256}
    exchange = {**FACTS, "evidence": {"cn-standard-contract": contract}}
    id: str = call("POST", "/v1/evaluate", exchange)["id"]
    [stated] = stated_documents.documents_with_hash(service.live.bundle, exchange).values()
    of = stated_documents.RecordedDocument(id, 0, "key:ba9876543210", stated)
    context = replace(service.context(Reviewing, lin, ""), now=now)
    sent = ConfirmationRequest(sha256=kept.info.sha256, reason="I read it", until=date(2099, 1, 1))

    def work(transaction: sa.Connection) -> None:
        document_bytes.keep(transaction, kept, now, "desk")
        attachments.attach(context, of, stated.sha256, transaction)
        confirmations.confirm(context, of, sent, transaction)
        confirmations.withdraw(context, of, ConfirmationWithdrawalRequest(reason="a slip"), transaction)

    asyncio.run(service.store.do(work))
    return id


@pytest.fixture
def opened(filled: Path) -> Iterator[Database]:
    """The filled database, of which nothing is changed for good."""
    with existing(str(filled)) as database:
        yield database


def found(connection: sa.Connection, database: Database) -> Generator[str]:
    """Everything that a deep verification finds."""
    _, faults = verify(connection, lambda done, all: None, database.log_key())
    if faults:
        yield from (each.fault for each in faults)
        return
    yield from map(str, DeepVerification(connection, database).findings())


def sound(connection: sa.Connection, database: Database) -> bool:
    """Whether a deep verification finds nothing. It is asked for its first finding only."""
    with closing(found(connection, database)) as findings:
        return next(findings, None) is None


def test_every_column_is_declared():
    """What a column is to the log: a new one must be declared, and one that is gone must not be."""
    assert {name: set(columns) for name, columns in COLUMN_ROLES.items()} == {
        name: {column.name for column in table.columns} for name, table in tables.metadata.tables.items()
    }


def test_every_kind_of_leaf_has_an_effect_on_rows_or_is_known_to_have_none():
    """A new one that is passed over would leave its rows uncompared. The kinds are those of the page on proofs."""
    page = (ROOT / "service/docs/proofs.md").read_text(encoding="utf-8")
    table = page[page.index("| kind | what it holds |") :].partition("\n\n")[0]
    kinds = {kind for row in table.splitlines()[2:] for kind in re.findall("`([a-z-]+)`", row.split("|")[1])}
    assert kinds == EFFECTS.keys() | WITHOUT_ROWS


def test_the_filled_database_is_sound_and_lacks_nothing(opened):
    """Otherwise the tests below would find, or miss, something else."""
    with opened.reading.connect() as connection:
        assert [*found(connection, opened)] == []
        empty = set()
        for name in dict(DERIVED):
            if connection.execute(sa.select(tables.metadata.tables[name]).limit(1)).first() is None:
                empty.add(name)
    assert empty == NOT_FILLED


# The rows of these are compared one by one, so that a change of each of them at once is found in each. The others are spoken of otherwise.
COMPARED = {table.name for table in (*FROM_LEAVES, *SUMS)} - {"bundle", "document"}
ALONE = [each for each in DERIVED if each[0] not in COMPARED | NOT_FILLED]
_COLUMNS = [[each for each in DERIVED if each[0] == table] for table in sorted((COMPARED - NOT_FILLED) & {*dict(DERIVED)})]
ROUNDS = [[each for each in some if each] for some in zip_longest(*_COLUMNS)]


def test_a_changed_value_of_each_column_is_found(opened):
    """In whichever column that is derived, by the name of the column unless it is one of the key. Of each table one at a time."""
    with opened.writing.connect() as connection:
        for some in ROUNDS:
            begun(connection)
            for table, column in some:
                chance = random.Random(f"{table}.{column}")
                while not changed(connection, table, column, chance):
                    pass
            faults = [each for each in DeepVerification(connection, opened).findings() if isinstance(each, RowFault)]
            for table, column in some:
                key = tables.metadata.tables[table].c[column].primary_key
                named = [each for each in faults if each.table.name == table and (key or column in each.columns)]
                assert named, (table, column)
            connection.rollback()


def test_a_row_of_each_table_that_is_taken_away_or_doubled_is_found(opened):
    """Under another key, with everything else the same."""
    names = sorted({table for some in ROUNDS for table, _ in some})
    with opened.writing.connect() as connection:
        for edit, found in ((removed, False), (doubled, True)):
            begun(connection)
            edited = {table for table in names if edit(connection, table, random.Random(table))}
            assert edited
            faults = [each for each in DeepVerification(connection, opened).findings() if isinstance(each, RowFault)]
            assert edited <= {each.table.name for each in faults if each.found is found}
            connection.rollback()


@pytest.mark.parametrize(("table", "column"), ALONE)
def test_a_changed_value_of_what_is_spoken_of_otherwise_is_found(opened, table, column):
    """The tree, the index, and what is kept beside the leaves."""
    chance = random.Random(f"{table}.{column}")
    with opened.writing.connect() as connection:
        begun(connection)
        while not changed(connection, table, column, chance):
            pass
        assert not sound(connection, opened)
        connection.rollback()


@pytest.mark.parametrize("table", sorted({table for table, _ in ALONE}))
def test_a_row_that_is_taken_away_or_doubled_is_found(opened, table):
    """Under another key, with everything else the same."""
    chance = random.Random(table)
    with opened.writing.connect() as connection:
        for edit in (removed, doubled):
            begun(connection)
            edited = edit(connection, table, chance)
            assert not edited or not sound(connection, opened)
            connection.rollback()


@pytest.mark.fuzz(weight=8)
def test_no_change_of_a_derived_column_is_missed(opened):
    """Random rows, random columns, random values."""
    chance = random.Random(seed(0))
    made = 0
    with opened.writing.connect() as connection:
        while made < FUZZ_EDITS and (made < LEAST or time.monotonic() < ending()):
            table, column = chance.choice([each for each in DERIVED if each[0] not in NOT_FILLED])
            edit = chance.choices((partial(changed, column=column), removed, doubled), (8, 1, 1))[0]
            with suppress(sa.exc.IntegrityError):
                begun(connection)
                if edit(connection, table, chance=chance):
                    made += 1
                    assert not sound(connection, opened), (table, column)
            connection.rollback()
    tried(made, LEAST, wanted=FUZZ_EDITS)


def begun(connection: sa.Connection) -> None:
    """Begin to change rows that are never committed, so that no other table has to fit."""
    connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")


def row_of(connection: sa.Connection, table: str, chance: random.Random) -> tuple[str, dict[str, Any]]:
    """A row by chance: what finds it, and its values."""
    rows = connection.execute(sa.text(f"SELECT * FROM {table}")).mappings().all()
    row = dict(chance.choice(rows))
    keys = [column.name for column in tables.metadata.tables[table].primary_key]
    return " AND ".join(f'"{key}" = {quoted(row[key])}' for key in keys), row


def changed(connection: sa.Connection, table: str, column: str, chance: random.Random) -> bool:
    """Change one value; whether that is another one now."""
    where, row = row_of(connection, table, chance)
    other = spoiled(row[column], tables.metadata.tables[table].c[column].type, chance)
    if table == "head" and (row["name"] != "leaf" and column in ("frontier", "tail", "admitting")):
        return False  # of the tree's row only
    with suppress(sa.exc.IntegrityError):  # another row has this value
        connection.exec_driver_sql(f'UPDATE {table} SET "{column}" = {quoted(other)} WHERE {where}')
        return True
    return False


def removed(connection: sa.Connection, table: str, chance: random.Random) -> bool:
    """Delete a row."""
    where, row = row_of(connection, table, chance)
    if table == "head" and row["name"] not in ("leaf", "record", "sorted"):
        return False
    connection.exec_driver_sql(f"DELETE FROM {table} WHERE {where}")
    return True


def doubled(connection: sa.Connection, table: str, chance: random.Random) -> bool:
    """Add a row like another one under a key of its own; False where it cannot be added."""
    _, row = row_of(connection, table, chance)
    described = tables.metadata.tables[table]
    for column in described.primary_key:
        row[column.name] = spoiled(row[column.name], column.type, chance)
    names = ", ".join(f'"{name}"' for name in row)
    with suppress(sa.exc.IntegrityError):
        connection.exec_driver_sql(f"INSERT INTO {table} ({names}) VALUES ({', '.join(map(quoted, row.values()))})")
        return table != "head"  # a counter of another name counts nothing
    return False


def spoiled(value: Any, type: Any, chance: random.Random) -> Any:
    """Another value of the same type."""
    match value:
        case None:
            return (
                chance.randrange(1, 9) if isinstance(type, sa.Integer) else b"\x01" if isinstance(type, sa.LargeBinary) else "x"
            )
        case str():
            at = chance.randrange(len(value) + 1)
            return value[:at] + chance.choice("09ax") + value[at:]
        case bytes():
            return value + b"\x00"
        case _:
            return 1 - value if isinstance(type, sa.Boolean) else value + chance.randrange(1, 9)


def quoted(value: Any) -> str:
    """A value in SQL."""
    match value:
        case None:
            return "NULL"
        case bytes():
            return f"x'{value.hex()}'"
        case str():
            return "'" + value.replace("'", "''") + "'"
        case _:
            return str(int(value))


def copy_of(filled: Path, folder: Path) -> Path:
    """A copy of the filled database that may be changed for good, with its key and what is not merged into its file yet."""
    copy = folder / "copy.db"
    copy.with_name(copy.name + ".log-key").write_bytes(filled.with_name(filled.name + ".log-key").read_bytes())
    with closing(sqlite3.connect(filled)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)  # what is still in the write-ahead log too
    return copy


def test_what_is_no_json_any_more_is_a_finding_and_no_error(opened):
    """The names of an entity are read from a row that anybody may have written."""
    with opened.writing.connect() as connection:
        connection.exec_driver_sql("UPDATE entity SET aliases = aliases || 'x' WHERE version = 2")
        assert [each for each in found(connection, opened) if "`entity`" in each and "`aliases`" in each]
        connection.rollback()


def run(arguments: list[str]) -> int:
    """The exit code of a command."""
    return CliRunner().invoke(app, arguments).exit_code


def test_what_is_noted_of_leaves_is_put_right(filled, tmp_path):
    """The settings and the policies that were recorded last; a row that is missing too."""
    copy = copy_of(filled, tmp_path)
    with sqlite3.connect(copy) as raw:
        raw.execute("UPDATE about SET value = 'other' WHERE name = 'settings'")
        raw.execute("DELETE FROM about WHERE name = 'active_bundle'")
    raw.close()
    assert run(["log", "verify", "--deep", "--database", str(copy)]) == 1
    assert run(["log", "repair", "--reason", "a made-up accident", "--database", str(copy)]) == 0
    assert run(["log", "verify", "--deep", "--database", str(copy)]) == 0
    with existing(str(copy)) as database, database.reading.connect() as connection:
        [leaf] = connection.execute(sa.select(tables.tree_leaf.c.leaf).where(tables.tree_leaf.c.kind == "repair")).scalars()
        held = dict(connection.execute(sa.select(tables.about.c.name, tables.about.c.value)).all())
    assert json.loads(leaf)["tables"]["about"] == 2
    assert held["settings"] != "other"
    assert "active_bundle" in held


@pytest.mark.parametrize(
    "table", ["caller", "entity", "entity_alias", "sign_off", "movement", "counter_sum", "counted", "entry", "term"]
)
def test_rows_are_put_right(filled, tmp_path, table):
    """By a command, whose leaf says which tables and not why; afterwards nothing is found, and nothing is left to repair."""
    copy = copy_of(filled, tmp_path)
    with sqlite3.connect(copy) as raw:
        raw.execute(f"DELETE FROM {table}")
    raw.close()
    assert run(["log", "verify", "--deep", "--database", str(copy)]) == 1
    assert run(["log", "repair", "--reason", "a made-up accident", "--database", str(copy)]) == 0
    assert run(["log", "verify", "--deep", "--database", str(copy)]) == 0
    with existing(str(copy)) as database, database.reading.connect() as connection:
        [leaf] = connection.execute(sa.select(tables.tree_leaf.c.leaf).where(tables.tree_leaf.c.kind == "repair")).scalars()
    assert json.loads(leaf)["tables"]
    assert b"accident" not in leaf


def test_what_is_noted_of_the_last_settings_and_policies_is_put_right(filled, tmp_path):
    """Without its seal, so that the next start notes them again."""
    copy = copy_of(filled, tmp_path)
    with sqlite3.connect(copy) as raw:
        assert raw.execute("UPDATE about SET value = 'x' WHERE name IN ('settings', 'active_bundle')").rowcount == 2
    raw.close()
    assert run(["log", "verify", "--deep", "--database", str(copy)]) == 1
    assert run(["log", "repair", "--reason", "a made-up accident", "--database", str(copy)]) == 0
    assert run(["log", "verify", "--deep", "--database", str(copy)]) == 0


def test_nothing_is_repaired_from_leaves_that_have_a_fault(filled, tmp_path):
    """They could say anything."""
    copy = copy_of(filled, tmp_path)
    with sqlite3.connect(copy) as raw:
        raw.execute("UPDATE tree_leaf SET leaf = replace(CAST(leaf AS TEXT), 'held', 'gone') WHERE kind = 'register'")
    raw.close()
    with existing(str(copy)) as database, pytest.raises(NotRepairable):
        repair(database, "command-line", "why not")


def test_nothing_is_repaired_from_records_that_are_not_those_of_their_leaves(filled, tmp_path):
    """The tree holds the hash, and the bytes beside it are others."""
    copy = copy_of(filled, tmp_path)
    with sqlite3.connect(copy) as raw:
        raw.execute("UPDATE record SET leaf = replace(CAST(leaf AS TEXT), 'schema', 'scheme') WHERE sequence = 0")
    raw.close()
    with (
        existing(str(copy)) as database,
        pytest.raises(NotRepairable, match="record 0: the leaf does not have the stored hash"),
    ):
        repair(database, "command-line", "why not")


@pytest.mark.parametrize("secret", ["broken", "gone", "foreign"])
def test_a_ledger_secret_that_is_not_the_one_of_the_rows_is_found(opened, secret):
    """Broken, taken away, or sealed by the log's key and of another database: the finding names its row and says what to do."""
    another = counter_secret.sealed(opened.log_key(), bytes(32)) if secret == "foreign" else "00"
    with opened.writing.connect() as connection:
        if secret == "gone":
            connection.execute(sa.delete(tables.about).where(tables.about.c.name == "sealed_ledger_secret"))
        else:
            here = tables.about.c.name == "sealed_ledger_secret"
            connection.execute(sa.update(tables.about).where(here).values(value=another))
        findings = [*found(connection, opened)]
        connection.rollback()
    (finding,) = [each for each in findings if "secret" in each]
    assert "put the row `sealed_ledger_secret` of `about` back from a backup" in finding
