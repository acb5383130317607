"""
Searching the log: a query goes in, a page of rows comes out, newest first.

The index keeps the rows of each word in the order of the answer. A search walks the rows of its rarest word, and at each row looks up
the other words. Several words may each be common and yet seldom occur together; a page would then have to look at very many records.
Such a page ends early, with fewer rows than asked for or none, and gives a cursor to go on from.

A text is looked for in the records that are walked, one after the other; no index has the words of answers. So a page of a text that few
records have ends early too. `parties_with` finds the parties of a text, of whatever age.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from itertools import product
from typing import Any, get_args

import sqlalchemy as sa

import engine
from service.log.record_summary import PARTIES, pair, yes_or_no
from service.log.search_index import datetime_of, has_word, moment_of, sorted_below, unindexed
from service.log.search_query import FIELDS, MOST_WORDS, Query, words_of
from service.store.tables import entry, entry_term, record, term

OUTCOMES: tuple[str, ...] = get_args(engine.Decision.model_fields["outcome"].annotation)
_WALKED = (500, 2_000, 8_000, 12_000)  # rows of a word in each step; after the last step the page ends
_COUNTED = 1_000  # rows of a word at most, when the rarest word is sought
_END = "\x7f"  # sorts after every digit

Key = tuple[int, int]
_Any = sa.Row[*tuple[Any, ...]]


class CursorRefused(ValueError):
    """A cursor that does not come from a page of this query."""


@dataclass(frozen=True, slots=True)
class RecordRow:
    """A record in short. A party is None if it was not sent or was erased."""

    sequence: int
    id: str
    recorded_at: datetime
    as_of: str
    outcome: str
    proceed: bool
    hypothetical: bool
    answer: str
    exporter: str | None
    recipient: str | None
    exporter_country: str | None
    recipient_country: str | None
    caller: str | None
    bundle: str


@dataclass(frozen=True, slots=True)
class RecordPage:
    """
    Some rows, and the cursor of the next page, None on the last page.

    `unindexed` counts the records that are not in the index yet, so that no search finds them. They are the oldest records.
    """

    rows: tuple[RecordRow, ...]
    next: str | None
    unindexed: int


def find(connection: sa.Connection, query: Query, cursor: str | None = None, limit: int = 50) -> RecordPage:
    """
    The next page of a query, newest first; without a cursor, the first page.

    A page may have fewer rows than `limit` and still not be the last. Raises CursorRefused.
    """
    at = None if cursor is None else _read(cursor, query)
    left = unindexed(connection)
    kinds = [_numbers(connection, kind, words) for kind, words in _words(query).items()]
    if not all(kinds):  # a word that no record has
        return RecordPage((), None, left)
    search = _Search(query, kinds, sorted_below(connection), words_of(query.text))
    if len(kinds) > 1:
        search = search.by_rarest(connection, at)
    rows, last = search.page(connection, at, limit)
    if kinds or search.texts:
        rows, last = _merged(rows, last, connection.execute(search.unsorted(at, limit + 1)).all(), limit)
    return RecordPage(tuple(_with_parties(connection, rows)), None if last is None else _written(last, query), left)


def cursor_after(row: RecordRow, query: Query) -> str:
    """The cursor by which a search goes on after one of its rows, for a caller who takes only some rows of a page."""
    return _written((moment_of(row.recorded_at), row.sequence), query)


def everything(connection: sa.Connection, query: Query, at_once: int = 1_000) -> Iterator[RecordRow]:
    """Every row of a query, newest first."""
    cursor = None
    while True:
        page = find(connection, query, cursor, at_once)
        yield from page.rows
        if page.next is None:
            return
        cursor = page.next


def parties_with(connection: sa.Connection, text: str, most: int) -> list[tuple[str, str]]:
    """
    Parties with every word of a text in their ids: `exporter` or `recipient` and the id, at most so many.

    They are looked for among all ids of the index, so records of every age are found by them.
    """
    words = words_of(text)
    if not words:
        return []
    named = sa.select(term.c.kind, term.c.value).where(
        term.c.kind.in_(PARTIES), *(_holds(term.c.value, each) for each in words)
    )
    rows = connection.execute(named.order_by(sa.func.length(term.c.value), term.c.value, term.c.kind).limit(most))
    return [(row.kind, row.value) for row in rows]


def newer(connection: sa.Connection, than: int, limit: int) -> list[RecordRow]:
    """The records after a sequence number, oldest first."""
    after = sa.select(*_COLUMNS).where(entry.c.sequence > than).order_by(entry.c.sequence).limit(limit)
    return list(_with_parties(connection, connection.execute(after).all()))


def of_numbers(connection: sa.Connection, numbers: Sequence[int]) -> dict[int, RecordRow]:
    """The records with these sequence numbers, those of them that are in the index, by number."""
    if not numbers:
        return {}
    rows = connection.execute(sa.select(*_COLUMNS).where(entry.c.sequence.in_(numbers))).all()
    return {row.sequence: row for row in _with_parties(connection, rows)}


def scoped(connection: sa.Connection, ids: Sequence[str], party: str, jurisdiction: str) -> tuple[set[str], set[str]]:
    """
    Of some decisions, by their ids, those on an exchange of a party and under the law of a jurisdiction, and those that are in the index.

    An empty text is any.
    """
    parties = {number for side in PARTIES if party for number in _numbers(connection, side, (party,))}
    laws = set(map(str, _numbers(connection, "jurisdiction", (jurisdiction,)))) if jurisdiction else set()
    inside, indexed = set(), set()
    rows = sa.select(record.c.id, entry.c.exporter, entry.c.recipient, entry.c.words)
    rows = rows.join(entry, entry.c.sequence == record.c.sequence)
    for at in range(0, len(ids), _COUNTED):
        for row in connection.execute(rows.where(record.c.id.in_(ids[at : at + _COUNTED]))):
            indexed.add(row.id)
            of_party = not party or not parties.isdisjoint((row.exporter, row.recipient))
            if of_party and (not jurisdiction or not laws.isdisjoint(row.words.split(","))):
                inside.add(row.id)
    return inside, indexed


def without(connection: sa.Connection, sequences: Sequence[int], kind: str, words: Sequence[str]) -> int:
    """How many of some records, which are in the index, have none of some words of a kind."""
    numbers, count = set(map(str, _numbers(connection, kind, tuple(words)))), 0
    for at in range(0, len(sequences), _COUNTED):
        chosen = sa.select(entry.c.words).where(entry.c.sequence.in_(sequences[at : at + _COUNTED]))
        count += sum(numbers.isdisjoint(row.words.split(",")) for row in connection.execute(chosen))
    return count


def newest(connection: sa.Connection) -> int:
    """The sequence number of the newest record in the index, -1 if there is none."""
    highest: int | None = connection.execute(sa.select(sa.func.max(entry.c.sequence))).scalar_one()
    return -1 if highest is None else highest


def _words(query: Query) -> Mapping[str, tuple[str, ...]]:
    """The words of a query, by their kind in the index. A record must have any one word of each kind."""
    found: dict[str, tuple[str, ...]] = {name: getattr(query, name) for name in FIELDS if getattr(query, name)}
    if query.proceed is not None:
        found["proceed"] = (yes_or_no(query.proceed),)
    starts, ends = query.exporter_country, query.recipient_country
    if starts and ends and len(starts) * len(ends) <= MOST_WORDS:
        del found["exporter_country"], found["recipient_country"]
        found["countries"] = tuple(pair(start, end) for start, end in product(starts, ends))
    return found


_COLUMNS = (
    entry.c.sequence,
    entry.c.id,
    entry.c.moment,
    entry.c.as_of,
    entry.c.outcome,
    entry.c.proceed,
    entry.c.hypothetical,
    entry.c.answer,
    entry.c.exporter,
    entry.c.recipient,
    entry.c.exporter_country,
    entry.c.recipient_country,
    entry.c.caller,
    entry.c.bundle,
)


@dataclass(frozen=True, slots=True)
class _Search:
    """
    A query with the numbers of its words, kind by kind. The rows of the first kind are walked; the others are looked up.

    `texts` are words to be found in the answer or in the id of a party.
    """

    query: Query
    kinds: Sequence[tuple[int, ...]]
    sorted_below: int
    texts: tuple[str, ...] = ()

    def by_rarest(self, connection: sa.Connection, at: Key | None) -> _Search:
        """The same search with its rarest kind first. Rows are counted from the key on."""
        kinds = sorted(self.kinds, key=lambda kind: self._commonness(connection, kind, at))
        return replace(self, kinds=kinds)

    def _commonness(self, connection: sa.Connection, kind: tuple[int, ...], at: Key | None) -> tuple[bool, int]:
        """
        A key that sorts the rarest kind first.

        A kind with few rows is ranked by their number. A kind with many is ranked by how far back its first `_COUNTED` rows reach: the
        rarer the kind, the further back they reach.
        """
        some = self._walk(kind, at, _COUNTED).subquery()
        count, earliest = connection.execute(sa.select(sa.func.count(), sa.func.min(some.c.moment))).one()
        return (True, earliest) if count == _COUNTED else (False, count)

    def page(self, connection: sa.Connection, at: Key | None, limit: int) -> tuple[Sequence[_Any], Key | None]:
        """The rows after a key, and the key to go on from, None at the end."""
        others = self.kinds[1:]
        rows: list[_Any] = []
        for size in _WALKED if others or self.texts else (limit + 1,):
            walked = self._walk(self.kinds[0] if self.kinds else None, at, size).cte("walked")
            rows += connection.execute(_matching(walked, others, self.texts, limit + 1 - len(rows))).all()
            if len(rows) > limit:
                return rows[:limit], (rows[limit - 1].moment, rows[limit - 1].sequence)
            if not others and not self.texts:
                return rows, None
            backwards = sa.select(walked.c.moment, walked.c.sequence, sa.func.count().over().label("walked"))
            last = connection.execute(backwards.order_by(walked.c.moment, walked.c.sequence).limit(1)).one_or_none()
            if last is None or last.walked < size:
                return rows, None
            at = (last.moment, last.sequence)
        return rows, at

    def unsorted(self, at: Key | None, size: int) -> sa.Select[*tuple[Any, ...]]:
        """The first matching records among those that are not sorted in yet. Those are few, and each is looked at."""
        # MATERIALIZED makes the database read these few records by number, and not all records by moment.
        unsorted = sa.select(*_COLUMNS).where(entry.c.sequence >= self.sorted_below, *(has_word(*kind) for kind in self.kinds))
        unsorted = unsorted.where(*map(_says, self.texts))
        few = unsorted.cte("unsorted").prefix_with("MATERIALIZED")
        return self._newest(sa.select(few), few.c.moment, few.c.sequence, at, size)

    def _walk(self, kind: tuple[int, ...] | None, at: Key | None, size: int) -> sa.Select[*tuple[Any, ...]]:
        """The keys of at most `size` records from a key on: those with any word of a kind, or all records if no kind is given."""
        if kind is None:
            rows = sa.select(entry.c.moment, entry.c.sequence)
            if self.texts:
                rows = rows.where(entry.c.sequence < self.sorted_below)
            return self._newest(rows, entry.c.moment, entry.c.sequence, at, size)
        moment, sequence = entry_term.c.moment, entry_term.c.sequence
        keys = sa.select(moment, sequence).where(sequence < self.sorted_below)
        each = [self._newest(keys.where(entry_term.c.term == number), moment, sequence, at, size) for number in kind]
        if len(each) == 1:
            return each[0]
        merged = sa.union(*(sa.select(some.subquery()) for some in each)).subquery()
        return (
            sa.select(merged.c.moment, merged.c.sequence).order_by(merged.c.moment.desc(), merged.c.sequence.desc()).limit(size)
        )

    def _newest(
        self,
        rows: sa.Select[*tuple[Any, ...]],
        moment: sa.ColumnElement[int],
        sequence: sa.ColumnElement[int],
        at: Key | None,
        size: int,
    ) -> sa.Select[*tuple[Any, ...]]:
        """At most `size` of some rows, newest first: those within the time of the query, from a key on."""
        if self.query.since is not None:
            rows = rows.where(moment >= moment_of(self.query.since))
        if self.query.until is not None:
            rows = rows.where(moment < moment_of(self.query.until))
        if at is not None:
            rows = rows.where(sa.tuple_(moment, sequence) < sa.tuple_(sa.literal(at[0]), sa.literal(at[1])))
        return rows.order_by(moment.desc(), sequence.desc()).limit(size)


def _merged(rows: Sequence[_Any], last: Key | None, unsorted: Sequence[_Any], limit: int) -> tuple[Sequence[_Any], Key | None]:
    """
    One page of two lists: the records that are sorted in, where the search goes on at `last`, and those that are not sorted in.

    A record of the second list that is older than `last` belongs to a later page.
    """
    found = sorted([*rows, *(row for row in unsorted if last is None or _key(row) >= last)], key=_key, reverse=True)
    if len(found) > limit:
        return found[:limit], _key(found[limit - 1])
    return found, last


def _key(row: _Any) -> Key:
    return row.moment, row.sequence


def _matching(
    walked: sa.CTE, others: Sequence[tuple[int, ...]], texts: Sequence[str], limit: int
) -> sa.Select[tuple[object, ...]]:
    """The rows of those walked records that have a word of every other kind, and every text."""
    # MATERIALIZED and the inner LIMIT make the database walk and look up in this order; it must not choose another plan.
    walked = walked.prefix_with("MATERIALIZED")
    matching = sa.select(*_COLUMNS).select_from(walked.join(entry, entry.c.sequence == walked.c.sequence))
    for kind in others:
        looked_up = sa.select(sa.literal(1)).where(
            entry_term.c.term.in_(kind), entry_term.c.moment == walked.c.moment, entry_term.c.sequence == walked.c.sequence
        )
        matching = matching.where(looked_up.limit(1).scalar_subquery().is_not(None))
    matching = matching.where(*map(_says, texts))
    return matching.order_by(walked.c.moment.desc(), walked.c.sequence.desc()).limit(limit)


def _says(text: str) -> sa.ColumnElement[bool]:
    """Whether a record has a text in its answer, or in the id of a party."""

    def named(party: sa.ColumnElement[int]) -> sa.ColumnElement[bool]:
        return (
            sa.select(sa.literal(1))
            .where(term.c.id == party, _holds(term.c.value, text))
            .limit(1)
            .scalar_subquery()
            .is_not(None)
        )

    return sa.or_(_holds(entry.c.answer, text), named(entry.c.exporter), named(entry.c.recipient))


def _holds(column: sa.ColumnElement[str], text: str) -> sa.ColumnElement[bool]:
    return column.icontains(text, autoescape=True)


def _numbers(connection: sa.Connection, kind: str, words: tuple[str, ...]) -> tuple[int, ...]:
    """The numbers of those words that some record has."""
    sound = [word for word in words if "\x00" not in word]
    if kind == "bundle":
        begins = [sa.and_(term.c.value >= word, term.c.value < word + _END) for word in sound]
        chosen = sa.or_(sa.false(), *begins)
    else:
        chosen = term.c.value.in_(sound)
    return tuple(connection.execute(sa.select(term.c.id).where(term.c.kind == kind, chosen)).scalars())


def _with_parties(connection: sa.Connection, rows: Sequence[_Any]) -> Iterator[RecordRow]:
    numbers = {number for row in rows for number in (row.exporter, row.recipient) if number is not None}
    names: dict[int | None, str] = {}
    if numbers:
        named = sa.select(term.c.id, term.c.value).where(term.c.id.in_(sorted(numbers)))
        names |= {row.id: row.value for row in connection.execute(named)}
    for row in rows:
        shown = dict(row._mapping)
        shown["recorded_at"] = datetime_of(shown.pop("moment"))
        yield RecordRow(**{**shown, "exporter": names.get(row.exporter), "recipient": names.get(row.recipient)})


def _written(key: Key, query: Query) -> str:
    text = f"{key[0]}.{key[1]}.{_mark(key, query)}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read(cursor: str, query: Query) -> Key:
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode("ascii")
        first, second, mark = text.split(".")
        key = int(first), int(second)
        if max(map(abs, key)) >= 2**63:
            raise ValueError
    except (ValueError, binascii.Error):
        raise CursorRefused("this is not a cursor from a page of results") from None
    if mark != _mark(key, query):
        raise CursorRefused("the cursor belongs to another search, or it was changed")
    return key


def _mark(key: Key, query: Query) -> str:
    """Binds a cursor to its query. This prevents mistakes only; a cursor gives access to nothing."""
    return sha256(repr((key, query)).encode()).hexdigest()[:12]
