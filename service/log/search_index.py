"""
The index of the log: summaries of records go in, rows to search by come out, in the transaction that holds the records.

Each word is kept once, under a number. A record first gets one row with the numbers of its words. Later it gets a row for each word,
in the order in which a search returns records. These rows lie far apart: written for one record at a time they would cost many times
what the record costs. So the words of many records are sorted in at once, and a search looks through the few records that are not
sorted in yet. The numbers of words are remembered here, except those of parties: a party's id may be personal, and another process may
erase it.

- INVARIANT (indexed or below): every record without a row in the index has a lower number than all records with one. New records are
  taken in when they are recorded. Where the index is made anew, records are taken in from the newest down.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from service.log.record_summary import PARTIES, Summary
from service.log.tree_leaves import LogEvent, append
from service.store.database import Database
from service.store.moments import now_text
from service.store.tables import BigInteger, entry, entry_term, head, personal, record, term

SORTED_AT_ONCE = 1_000  # records
_REMEMBERED = 100_000
_ASKED_AT_ONCE = 400
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

Word = tuple[str, str]


class Index:
    """Writes the index of a database. Only the holder of the writing lock may use it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._numbers: dict[Word, int] = {}
        self._transaction: sa.RootTransaction | None = None
        self._sorted = 0  # `sorted_below` when last read or set, perhaps in a failed transaction; only tells when to look again
        self._settled = 0  # words up to this number are older than this transaction, and stay if it fails

    def add(self, transaction: sa.Connection, records: Sequence[tuple[int, str, Summary]]) -> None:
        """Take in records, each given as its sequence number, its id and its summary."""
        values = [entry_values(*each) for each in records]
        numbers = self._numbered(transaction, {word for each in values for word in each["words"]})
        for each in values:
            for party in PARTIES:
                each[party] = None if each[party] is None else numbers[each[party]]
            each["words"] = ",".join([str(numbers[word]) for word in each["words"]])
        entries = [tuple(each.values()) for each in values]
        self._database.insert(transaction, entry, entries)

    def sort_in(self, transaction: sa.Connection, upto: int) -> None:
        """Sort in the words of the older records below a number, once enough records wait."""
        if upto - self._sorted < 2 * SORTED_AT_ONCE:
            return
        self._sorted = sorted_below(transaction)
        if upto - self._sorted >= 2 * SORTED_AT_ONCE:
            self.sort(transaction, self._sorted, upto - SORTED_AT_ONCE)
            self._sorted = upto - SORTED_AT_ONCE
            transaction.execute(sa.update(head).where(head.c.name == "sorted").values(next=self._sorted))

    def sort(self, transaction: sa.Connection, first: int, upto: int) -> None:
        """Sort in the words of the records from `first` up to, but not including, `upto`."""
        numbers = self._database.numbers_in(entry.c.words)
        word = sa.cast(numbers.c.value, BigInteger)
        rows = sa.select(word, entry.c.moment, entry.c.sequence).select_from(entry.join(numbers, sa.true()))
        rows = rows.where(entry.c.sequence >= first, entry.c.sequence < upto).order_by(word, entry.c.moment, entry.c.sequence)
        transaction.execute(sa.insert(entry_term).from_select(["term", "moment", "sequence"], rows))

    def erase(self, transaction: sa.Connection, sequence: int, texts: Iterable[str]) -> None:
        """Remove the parties of a record whose ids are among the erased texts."""
        found = sa.select(entry.c.moment, entry.c.exporter, entry.c.recipient, entry.c.words).where(
            entry.c.sequence == sequence
        )
        row = transaction.execute(found).one_or_none()
        if row is None:
            return
        erased = frozenset(texts)
        words: list[str] = row.words.split(",")
        for party in PARTIES:
            number = row._mapping[party]
            if transaction.execute(sa.select(term.c.value).where(term.c.id == number)).scalar_one_or_none() not in erased:
                continue
            words = [each for each in words if each != str(number)]
            changed = sa.update(entry).where(entry.c.sequence == sequence).values({party: None, "words": ",".join(words)})
            transaction.execute(changed)
            mine = (entry_term.c.term == number, entry_term.c.moment == row.moment, entry_term.c.sequence == sequence)
            transaction.execute(sa.delete(entry_term).where(*mine))
            if not self._used(transaction, number):
                transaction.execute(sa.delete(term).where(term.c.id == number))

    def _used(self, transaction: sa.Connection, number: int) -> bool:
        """Whether any record has this word."""
        used = sa.select(entry_term.c.term).where(entry_term.c.term == number)
        unsorted = sa.select(entry.c.sequence).where(entry.c.sequence >= sorted_below(transaction), has_word(number))
        return any(transaction.execute(each.limit(1)).first() is not None for each in (used, unsorted))

    def _numbered(self, transaction: sa.Connection, words: set[Word]) -> dict[Word, int]:
        """The numbers of words. A new word gets a new number."""
        known = self._numbers
        found = {word: known[word] for word in words if word in known}
        asked = [word for word in words if word not in found]
        if not asked:
            return found
        root = transaction.get_transaction()
        if root is not self._transaction:
            self._transaction, self._settled = root, _highest(transaction)
        if len(known) > _REMEMBERED:
            known.clear()
        for at in range(0, len(asked), _ASKED_AT_ONCE):
            pairs = sa.tuple_(term.c.kind, term.c.value).in_(asked[at : at + _ASKED_AT_ONCE])
            for number, kind, value in transaction.execute(sa.select(term.c.id, term.c.kind, term.c.value).where(pairs)):
                found[kind, value] = number
                # A word that this transaction added is not remembered: if the transaction fails, another word gets its number.
                if number <= self._settled and kind not in PARTIES:
                    known[kind, value] = number
        if new := sorted(word for word in asked if word not in found):
            first = _highest(transaction) + 1
            found |= {word: first + place for place, word in enumerate(new)}
            self._database.insert(transaction, term, [(found[word], *word) for word in new])
        return found


def entry_values(sequence: int, id: str, summary: Summary) -> dict[str, Any]:
    """
    The entry of a record, by column in order. Exporter, recipient and words are words here; the row has their numbers.
    """
    parties = {kind: (kind, word) for kind, word in summary.words if kind in PARTIES}
    return {
        "sequence": sequence,
        "moment": moment_of(summary.recorded_at),
        "id": id,
        "as_of": summary.as_of,
        "outcome": summary.outcome,
        "proceed": summary.proceed,
        "hypothetical": summary.hypothetical,
        "answer": summary.answer.replace("\x00", ""),
        "exporter": parties.get("exporter"),
        "recipient": parties.get("recipient"),
        "exporter_country": summary.one("exporter_country"),
        "recipient_country": summary.one("recipient_country"),
        "caller": summary.caller,
        "bundle": summary.bundle,
        "words": summary.words,
    }


def first_since(connection: sa.Connection, moment: datetime) -> int | None:
    """The number of the first record that was made at a moment or later, or None; as far as records are in the index."""
    later = sa.select(entry.c.sequence).where(entry.c.moment >= moment_of(moment)).order_by(entry.c.moment, entry.c.sequence)
    found: int | None = connection.execute(later.limit(1)).scalar_one_or_none()
    return found


def newest_moment(connection: sa.Connection) -> datetime | None:
    """When the latest record was made, by the clock of whoever made it; None of an empty log."""
    newest: int | None = connection.execute(sa.select(sa.func.max(entry.c.moment))).scalar()
    return None if newest is None else _EPOCH + newest * _MICROSECOND


def index_older(database: Database, at_most: int, done: Callable[[int], None] = lambda left: None, at_once: int = 200) -> int:
    """
    Take in records that are not in the index, newest first, some at a time. Returns how many are left.

    Other writers may write in between. `done` is called with the number of records left. Raises sqlalchemy.exc.SQLAlchemyError.
    """
    index = Index(database)
    with database.reading.connect() as connection:
        left = unindexed(connection)
    while left and at_most > 0:
        with database.writing.connect() as transaction, transaction.begin():
            database.lock(transaction)
            upto = unindexed(transaction)
            first = max(0, upto - min(at_once, at_most))
            index.add(transaction, list(_between(transaction, first, upto)))
            index.sort(transaction, first, upto)
        left, at_most = first, at_most - (upto - first)
        done(left)
    return left


def reindex(database: Database, records: int, by: str, done: Callable[[int], None] = lambda left: None) -> None:
    """Take in as many records that are not in the index, and append a leaf that says so. Raises as `index_older`, and LogRefused."""
    with database.transaction() as transaction:  # first, since a log that cannot be written is to be left as it is
        append(transaction, LogEvent("reindexed", now_text(), {"records": records}, {"by": by}))
    index_older(database, records, done)


def unindexed(connection: sa.Connection) -> int:
    """How many records are not in the index; they are those with the lowest numbers."""
    lowest = connection.execute(sa.select(entry.c.sequence).order_by(entry.c.sequence).limit(1)).scalar_one_or_none()
    if lowest is not None:
        return int(lowest)
    return int(connection.execute(sa.select(head.c.next).where(head.c.name == "record")).scalar_one())


def numbers_between(connection: sa.Connection, since: datetime | None, until: datetime | None) -> range:
    """
    The numbers among which are all records from a moment on, and before another; None is no limit.

    Records of one moment may have been numbered in another order, so some of these records may lie outside the time. Records that are
    not in the index yet are among them.
    """
    upto = int(connection.execute(sa.select(head.c.next).where(head.c.name == "record")).scalar_one())
    if since is None and until is None:
        return range(upto)
    chosen = sa.select(sa.func.min(entry.c.sequence), sa.func.max(entry.c.sequence))
    if since is not None:
        chosen = chosen.where(entry.c.moment >= moment_of(since))
    if until is not None:
        chosen = chosen.where(entry.c.moment < moment_of(until))
    lowest, highest = connection.execute(chosen).one()
    left = unindexed(connection)
    if lowest is None:
        return range(left)
    return range(0 if left else lowest, highest + 1)


def sorted_below(connection: sa.Connection) -> int:
    """The number below which all records of the index are sorted in."""
    return int(connection.execute(sa.select(head.c.next).where(head.c.name == "sorted")).scalar_one())


def has_word(*numbers: int) -> sa.ColumnElement[bool]:
    """Whether an entry has any of some words. This is slow, and meant for the few entries that are not sorted in."""
    words = "," + entry.c.words + ","
    return sa.or_(*(words.like(f"%,{number},%") for number in numbers))


def moment_of(moment: datetime) -> int:
    """A moment as the index holds it: microseconds since 1970."""
    return (moment - _EPOCH) // _MICROSECOND


def datetime_of(moment: int) -> datetime:
    """The moment that the index holds."""
    return _EPOCH + moment * _MICROSECOND


def _between(connection: sa.Connection, first: int, upto: int) -> Iterator[tuple[int, str, Summary]]:
    leaf = sa.cast(record.c.leaf, sa.LargeBinary).label("leaf")
    chosen = (record.c.sequence >= first, record.c.sequence < upto)
    for row in connection.execute(sa.select(record.c.sequence, record.c.id, leaf).where(*chosen)).all():
        openings = sa.select(personal.c.pointer, personal.c.value).where(personal.c.sequence == row.sequence)
        values = {each.pointer: each.value for each in connection.execute(openings)}
        yield row.sequence, row.id, Summary.of_leaf(row.leaf, values)


def _highest(connection: sa.Connection) -> int:
    return connection.execute(sa.select(sa.func.max(term.c.id))).scalar_one() or 0
