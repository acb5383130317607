"""Searching the log: what is found, how it is paged, and what erasing and older records do to it."""

import asyncio
import json
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from service.log import search, search_index
from service.log.leaf import SealedRecord, seal
from service.log.record_summary import Summary
from service.log.search import CursorRefused, everything, find, newer, parties_with
from service.log.search_index import index_older, reindex, unindexed
from service.log.search_query import FIELDS, Query, words_of
from service.log.store import Store
from service.log.tree_verification import tree_faults
from service.store.tables import tree_leaf
from tests.service.conftest import BOTH_DATABASES
from tests.service.database_files import database_files

START = datetime(2026, 1, 1, tzinfo=UTC)
SECRET = "practice-of-dr-li-na"
CHOICES: dict[str, tuple[str, ...]] = {
    "jurisdiction": ("CN", "EU", "KE"),
    "provision": ("a/1", "a/2", "b/1", "b/2"),
    "requirement": ("contract", "assessment"),
    "missing": ("data.people", "data.kind"),
    "category": ("health", "personal"),
}


def summary(number: int, **changes: Any) -> Summary:
    """A record in short."""
    parts: dict[str, Any] = {
        "recorded_at": START + timedelta(minutes=number),
        "as_of": "2026-01-01",
        "outcome": "permitted",
        "proceed": True,
        "hypothetical": False,
        "answer": f"Answer {number}.",
        "caller": "gateway",
        "bundle": "ab" * 32,
        "named": {},
    }
    return Summary(**{**parts, **changes})


def entry(number: int, short: Summary | None = None, **request: Any) -> SealedRecord:
    """A record ready for the log; the exporter's id is personal."""
    pointers = ["/exporter/id"] if "exporter" in request else []
    return seal({"id": f"id-{number}", "request": request}, pointers, summary=short or summary(number))


@pytest.fixture(autouse=True)
def sorted_in_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few records are enough to be sorted in, so that searches meet both sorts."""
    monkeypatch.setattr(search_index, "SORTED_AT_ONCE", 2)


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    """An open store, on either database."""
    with Store.open(database) as store:
        yield store


@pytest.fixture
def in_file(tmp_path: Path) -> Iterator[Store]:
    """An open store in a file."""
    with Store.open(tmp_path / "log.db") as store:
        yield store


def append(store: Store, *entries: SealedRecord) -> None:
    """Append all in one commit."""
    asyncio.run(store.append_many(entries))


def found(store: Store, **fields: Any) -> list[int]:
    """The numbers of all records that a query finds, in its order, by pages of 7."""
    with store.database.reading.connect() as connection:
        return [row.sequence for row in everything(connection, Query(**fields), at_once=7)]


def drawn(chance: random.Random, number: int) -> Summary:
    """A record of any kind; not recorded quite in the order of its moment."""
    named = {kind: tuple(chance.sample(words, chance.randint(0, len(words)))) for kind, words in CHOICES.items()}
    for party in ("exporter", "recipient"):
        named[party] = (chance.choice(("north", "south")),) if chance.random() < 0.7 else ()
        named[f"{party}_country"] = (chance.choice(("CN", "US", "KE")),) if chance.random() < 0.8 else ()
    proceed = chance.random() < 0.3
    return summary(
        number,
        recorded_at=START + timedelta(seconds=number + chance.randint(-3, 3)),
        outcome="permitted" if proceed else chance.choice(("review", "prohibited")),
        proceed=proceed,
        caller=chance.choice(("gateway", "desk")),
        bundle=chance.choice(("ab", "cd")) * 32,
        named=named,
    )


def holds(short: Summary, query: Query) -> bool:
    """Whether a record is meant, read off its summary."""
    words = set(short.words)
    return (
        (query.since is None or short.recorded_at >= query.since)
        and (query.until is None or short.recorded_at < query.until)
        and (query.proceed is None or short.proceed is query.proceed)
        and all(any((name, each) in words for each in getattr(query, name)) for name in FIELDS if getattr(query, name))
        and all(
            any(each.lower() in text.lower() for text in (short.answer, *short.named["exporter"], *short.named["recipient"]))
            for each in words_of(query.text)
        )
    )


def asked(chance: random.Random) -> Query:
    """Any combination of a few fields."""
    values: dict[str, Sequence[str]] = {
        **CHOICES,
        "outcome": ("permitted", "review", "prohibited", "undetermined"),
        "exporter": ("north", "south", "nobody"),
        "recipient": ("north", "south"),
        "exporter_country": ("CN", "US"),
        "recipient_country": ("CN", "US", "KE"),
        "caller": ("gateway", "desk"),
        "bundle": ("ab" * 32, "cd" * 32),
    }
    fields: dict[str, Any] = {
        name: tuple(chance.sample(values[name], chance.randint(1, 2)))
        for name in chance.sample(sorted(values), chance.randint(0, 3))
    }
    if chance.random() < 0.4:
        fields["text"] = chance.choice(("SOUTH", "answer 1", "nor 3", "7", "nowhere", "%"))
    if chance.random() < 0.3:
        fields["proceed"] = chance.random() < 0.5
    if chance.random() < 0.5:
        fields["since"] = START + timedelta(seconds=chance.randint(0, 200))
    if chance.random() < 0.5:
        fields["until"] = START + timedelta(seconds=chance.randint(0, 200))
    return Query(**fields)


@BOTH_DATABASES
def test_any_combination_finds_what_a_plain_look_finds(store, monkeypatch):
    """Newest first, none twice, none left out, whatever is combined and however short the steps are."""
    chance = random.Random(7)
    shorts = [drawn(chance, number) for number in range(200)]
    monkeypatch.setattr(search_index, "SORTED_AT_ONCE", 50)
    for number, short in enumerate(shorts):
        append(store, entry(number, short))
    newest_first = sorted(range(200), key=lambda number: (shorts[number].recorded_at, number), reverse=True)
    monkeypatch.setattr(search, "_WALKED", (3, 10))
    monkeypatch.setattr(search, "_COUNTED", 20)
    hits = 0
    for _ in range(60):
        query = asked(chance)
        expected = [number for number in newest_first if holds(shorts[number], query)]
        with store.database.reading.connect() as connection:
            assert [row.sequence for row in everything(connection, query, at_once=23)] == expected, query
        hits += bool(expected)
    assert hits > 20


@BOTH_DATABASES
def test_a_page_ends_with_a_cursor_until_there_is_no_more(store):
    """The last page has none, also where it is full."""
    append(store, *map(entry, range(6)))
    with store.database.reading.connect() as connection:
        first = find(connection, Query(), None, 3)
        second = find(connection, Query(), first.next, 3)
    assert [[row.sequence for row in page.rows] for page in (first, second)] == [[5, 4, 3], [2, 1, 0]]
    assert (first.next is None, second.next) == (False, None)
    assert first.rows[0].recorded_at == START + timedelta(minutes=5)
    assert (first.rows[0].id, first.rows[0].answer) == ("id-5", "Answer 5.")


@BOTH_DATABASES
def test_what_is_recorded_meanwhile_does_not_move_a_page(store):
    """A cursor stands at a record, not at a number of rows."""
    append(store, *map(entry, range(4)))
    with store.database.reading.connect() as connection:
        first = find(connection, Query(), None, 2)
    append(store, *map(entry, range(4, 9)))
    with store.database.reading.connect() as connection:
        assert [row.sequence for row in find(connection, Query(), first.next, 2).rows] == [1, 0]


@pytest.mark.parametrize("cursor", ["", "x", "!!!", "MS4y", "MS4yLjM", "9" * 500, "é"])
def test_a_cursor_that_no_page_gave_is_refused(in_file, cursor):
    """It is not taken for the beginning."""
    with in_file.database.reading.connect() as connection, pytest.raises(CursorRefused):
        find(connection, Query(), cursor)


def test_a_cursor_belongs_to_its_search(in_file):
    """With other filters it is refused, since its rows would not follow on."""
    append(in_file, *map(entry, range(4)))
    with in_file.database.reading.connect() as connection:
        first = find(connection, Query(), None, 2)
        with pytest.raises(CursorRefused):
            find(connection, Query(outcome=("permitted",)), first.next, 2)


@BOTH_DATABASES
def test_words_that_hardly_meet_end_a_page_early(store, monkeypatch):
    """A page without rows then says where to go on, and going on finds what there is."""
    monkeypatch.setattr(search, "_WALKED", (4, 6))
    monkeypatch.setattr(search, "_COUNTED", 5)
    shorts = [summary(n, named={"provision": ("a",) if n % 2 else ("b",)}, caller=("b", "a")[n % 2]) for n in range(1, 60)]
    append(
        store,
        *(entry(number, short) for number, short in enumerate([summary(0, named={"provision": ("a",)}, caller="b"), *shorts])),
    )
    query = Query(provision=("a",), caller=("b",))
    with store.database.reading.connect() as connection:
        page = find(connection, query, None, 5)
    assert (page.rows, page.next is None) == ((), False)
    assert found(store, provision=("a",), caller=("b",)) == [0]


@BOTH_DATABASES
def test_a_text_that_hardly_any_record_has_ends_a_page_early(store, monkeypatch):
    """With a word beside it and without one: a page looks at so many records, and going on finds the one at the beginning of the log."""
    monkeypatch.setattr(search, "_WALKED", (4, 6))
    monkeypatch.setattr(search_index, "SORTED_AT_ONCE", 5)
    for number in range(60):
        append(store, entry(number, summary(number, named={"exporter": ("exporter-0",)}) if number == 0 else summary(number)))
    for query in (Query(text="exporter-0"), Query(text="exporter-0", outcome=(summary(0).outcome,))):
        with store.database.reading.connect() as connection:
            page = find(connection, query, None, 5)
            assert (page.rows, page.next is None) == ((), False)
            assert [row.sequence for row in everything(connection, query)] == [0]


@BOTH_DATABASES
def test_a_party_is_found_by_a_part_of_its_id(store):
    """However old its records are; as exporter and as recipient, the shortest id first, and no more than are asked for."""
    named: tuple[dict[str, tuple[str, ...]], ...] = (
        {"exporter": ("Clinic-77",), "recipient": ("clinic-7",)},
        {"exporter": ("lab_7",)},
        {},
    )
    append(store, *(entry(number, summary(number, named=each)) for number, each in enumerate(named)))
    with store.database.reading.connect() as connection:
        assert parties_with(connection, "CLIN 7", 9) == [("recipient", "clinic-7"), ("exporter", "Clinic-77")]
        assert parties_with(connection, "7", 1) == [("exporter", "lab_7")]
        assert parties_with(connection, "clinic_", 9) == parties_with(connection, " ", 9) == []


@BOTH_DATABASES
def test_a_bundle_is_found_by_how_its_digest_begins(store):
    """Of a digest the first digits are enough."""
    append(store, entry(0, summary(0, bundle="ab12" * 16)), entry(1, summary(1, bundle="ab34" * 16)))
    assert found(store, bundle=("ab12",)) == [0]
    assert found(store, bundle=("ab",)) == [1, 0]


@BOTH_DATABASES
def test_a_text_that_a_database_cannot_hold_is_recorded_and_not_found(store):
    """PostgreSQL has no text with a NUL; the record is worth more than its index."""
    append(store, entry(0, summary(0, named={"exporter": ("a\x00b",)}, answer="a\x00b")))
    assert found(store) == [0]
    assert found(store, exporter=("a\x00b",)) == []


@pytest.mark.parametrize("later", [0, 6])
@BOTH_DATABASES
def test_erasing_takes_a_party_out_of_the_index(store, later):
    """Only that record's: another that names the same party keeps it. Be it sorted in already, or not."""
    named = {"exporter": (SECRET,), "recipient": ("lab",)}
    append(store, *(entry(number, summary(number, named=named), exporter={"id": SECRET}) for number in range(2)))
    append(store, *map(entry, range(2, 2 + later)))
    assert asyncio.run(store.erase("id-0")) == 1
    assert found(store, exporter=(SECRET,)) == [1]
    assert found(store, recipient=("lab",)) == [1, 0]
    with store.database.reading.connect() as connection:
        assert [row.exporter for row in find(connection, Query()).rows][-2:] == [SECRET, None]


@pytest.mark.parametrize("later", [0, 6])
def test_the_last_erasure_leaves_nothing_of_a_party(in_file, later):
    """Neither in the index nor in any byte of the files."""
    named = {"exporter": (SECRET,)}
    append(in_file, *(entry(number, summary(number, named=named), exporter={"id": SECRET}) for number in range(2)))
    append(in_file, *map(entry, range(2, 3 + later)))
    assert in_file.database.path is not None
    assert any(SECRET.encode() in bytes for bytes in database_files(in_file.database.path).values())
    asyncio.run(in_file.erase("id-0"))
    asyncio.run(in_file.erase("id-1"))
    assert not [path for path, bytes in database_files(in_file.database.path).items() if SECRET.encode() in bytes]
    assert len(found(in_file)) == 3 + later


@BOTH_DATABASES
def test_a_party_that_is_not_personal_stays(store):
    """Erasing takes personal values only."""
    append(store, entry(0, summary(0, named={"exporter": ("org-1",)})))
    assert asyncio.run(store.erase("id-0")) == 0
    assert found(store, exporter=("org-1",)) == [0]


@BOTH_DATABASES
def test_a_word_of_a_failed_transaction_is_numbered_anew(store):
    """What failed leaves no number behind that could be another word's."""

    def fails(transaction: sa.Connection) -> None:
        store.record(transaction, [entry(0, summary(0, named={"provision": ("lost",)}))])
        store.record(transaction, [entry(1, summary(1, named={"provision": ("lost",)}))])
        raise LookupError

    with pytest.raises(LookupError):
        asyncio.run(store.do(fails))
    append(store, entry(2, summary(2, named={"provision": ("kept",)})))
    append(store, entry(3, summary(3, named={"provision": ("lost",)})))
    assert [found(store, provision=(word,)) for word in ("kept", "lost")] == [[0], [1]]


@BOTH_DATABASES
def test_two_processes_number_one_word_once(database):
    """Each remembers numbers of its own, and both find what the other wrote."""
    with Store.open(database) as one, Store.open(database) as other:
        for number in range(6):
            append((one, other)[number % 2], entry(number, summary(number, named={"provision": (f"a/{number // 2}",)})))
        assert found(one, provision=("a/0",)) == [1, 0]
        assert found(other, provision=("a/2",)) == [5, 4]


def unindex(store: Store, below: int) -> None:
    """Make records look like those of before there was an index."""

    def forget(transaction: sa.Connection) -> None:
        for table in ("entry", "entry_term"):
            transaction.exec_driver_sql(f"DELETE FROM {table} WHERE sequence < {below}")

    asyncio.run(store.do(forget))


@BOTH_DATABASES
def test_records_of_before_are_taken_in_when_the_log_is_opened(database):
    """Few enough are found after the next start."""
    with Store.open(database) as store:
        append(store, *map(entry, range(5)))
        unindex(store, 3)
        with store.database.reading.connect() as connection:
            page = find(connection, Query())
        assert ([row.sequence for row in page.rows], page.unindexed) == ([4, 3], 3)
    with Store.open(database) as store:
        assert (store.unindexed, len(found(store))) == (0, 5)


@BOTH_DATABASES
def test_many_records_of_before_are_taken_in_from_the_newest_down(store):
    """Some at a time, so that others write between."""
    append(store, *map(entry, range(10)))
    unindex(store, 10)
    left: list[int] = []
    assert index_older(store.database, 7, left.append, at_once=3) == 3
    assert left == [7, 4, 3]
    append(store, entry(10))
    assert index_older(store.database, 100) == 0
    with store.database.reading.connect() as connection:
        assert unindexed(connection) == 0
    assert len(found(store)) == 11


@BOTH_DATABASES
def test_an_index_that_is_completed_by_command_is_a_leaf(store):
    """With the number of the records."""
    append(store, *map(entry, range(5)))
    unindex(store, 5)
    reindex(store.database, 5, "boss")
    assert len(found(store)) == 5
    with store.database.reading.connect() as connection:
        leaves = connection.execute(sa.select(tree_leaf.c.leaf).where(tree_leaf.c.kind == "reindexed")).scalars()
        assert [json.loads(leaf)["records"] for leaf in leaves] == [5]
        assert not list(tree_faults(connection, store.database.log_key()))


@BOTH_DATABASES
def test_newer_records_come_in_order(store):
    """For whoever follows the log."""
    append(store, *map(entry, range(5)))
    with store.database.reading.connect() as connection:
        assert [row.sequence for row in newer(connection, 2, 10)] == [3, 4]


def test_every_search_goes_by_an_index(in_file):
    """No filter, and no two of them, read all rows of the index."""
    shorts = [drawn(random.Random(number), number) for number in range(20)]
    append(in_file, *(entry(number, short) for number, short in enumerate(shorts)))
    plans: list[str] = []

    def explain(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        raw = connection.connection.dbapi_connection
        plans.extend(row[3] for row in raw.execute(f"EXPLAIN QUERY PLAN {statement}", parameters))

    lowest = "SCAN entry"  # of the lowest number: the first row of the table is all that is read
    with in_file.database.reading.connect() as connection:
        sa.event.listen(in_file.database.reading, "before_cursor_execute", explain)
        for one in FIELDS:
            for other in FIELDS:
                words: dict[str, Any] = {
                    name: (value,) for name in (one, other) if (value := next(shorts_words(shorts, name), None))
                }
                find(connection, Query(since=START, until=START + timedelta(days=9), **words))
                find(connection, Query(**words))
        sa.event.remove(in_file.database.reading, "before_cursor_execute", explain)
    searches = len(FIELDS) ** 2 * 2
    assert plans.count(lowest) == searches
    assert not [plan for plan in plans if plan.startswith(("SCAN entry_term", "SCAN term", "SCAN record"))]


def shorts_words(shorts: Sequence[Summary], kind: str) -> Iterator[str]:
    """The words of a kind that some records have."""
    return (word for short in shorts for name, word in short.words if name == kind)
