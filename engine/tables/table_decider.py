"""
Deciding a table: rows go in, coded, and the outcome of each comes out in the same order.

Each distinct exchange of a chunk is decided once; what the ordinary engines decided is remembered within a bound. Chunk size, order and
division never matter: the outcome of a row is a function of the row, the bundle, the day and the snapshots alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property, lru_cache
from typing import Any, TypeAlias

import numpy as np
from arro3.core import RecordBatch
from numpy.typing import NDArray

from engine.books.page import BOOKS
from engine.bundle import Bundle, accept_exchange
from engine.exchange import REGISTER
from engine.exchange_input.exchange_problems import ExchangeProblem, ExchangeRefused
from engine.exchange_input.ledger_shares import SHARES
from engine.rules import AS_OF
from engine.tables import arrow
from engine.tables.arrow import LEFT_OUT, ArrowStream, Codes
from engine.tables.coded_chunk import CodedChunk, of_batch
from engine.tables.column_mapping import FactColumn, FactPlaces, StatedColumns, TableMapping, stated_columns
from engine.tables.distinct_rows import DistinctRows, RowCoder, StatedExchange
from engine.tables.lane_columns import RowDays
from engine.tables.lane_rows import LaneRows
from engine.tables.one_by_one import CounterSource, OneByOne, RowDecider
from engine.tables.outcome_columns import OutcomeColumns
from engine.tables.outcomes import RowOutcome, refused
from engine.tables.row_counters import CounterSums
from engine.tables.unread_ids import UnreadIds
from engine.values import BadValue, read_date

CHUNK = 32_768  # rows at once
TOLD_AT_ONCE = 8_192  # rows whose texts are in memory, a whole number of words
FEW = 16  # distinct rows that are sooner decided one by one
MET = 4_096  # kinds of rows whose outcomes are kept from one chunk for the next
REMEMBERED = 20_000  # outcomes of the ordinary engines that are kept between chunks
COUNTERS = ("stated", "summed")
PROGRAMS = ("ordinary", "lanes")

# What a register said at a moment: the JSON of an exchange and its day to the same with the member `register`. Raises ExchangeRefused.
Register: TypeAlias = Callable[[Mapping[str, Any], date], Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class DecidedRows:
    """
    Rows that were decided: the number of the first, the key of each, outcomes, and for each row the place of its own among them.

    They begin with row `begin` of the chunk of `distinct`. `without_key` are the places of rows whose key is empty; they are named by
    their part and number.
    """

    first: int
    keys: Sequence[str]
    outcomes: OutcomeColumns
    places: NDArray[np.int64]
    distinct: DistinctRows
    begin: int = 0
    without_key: Sequence[int] = ()

    def __len__(self) -> int:
        return len(self.places)

    def outcome(self, place: int) -> RowOutcome:
        """The outcome of a row, by its place among these."""
        return self.outcomes[int(self.places[place])]

    def exchange(self, place: int) -> Mapping[str, Any]:
        """The exchange that a row states, as JSON."""
        return self.distinct.of_row(self.begin + place).document

    def key_of(self, place: int) -> tuple[int, bytes]:
        """What a row has in common with each row that states the same, in this table."""
        return self.distinct.epoch, self.distinct.key(int(self.distinct.number[self.begin + place]))

    def problem_rows(self) -> list[int]:
        """The places of the rows that the door refused."""
        if not self.outcomes.problems:
            return []
        return [int(each) for each in np.flatnonzero(self.outcomes.problem_counts()[self.places])]

    @property
    def words(self) -> tuple[Sequence[str], Codes]:
        """The words of the rows' outcomes, and for each row the number of its own."""
        words, codes = self.outcomes.texts["outcome"]
        return words, codes[self.places]

    def counts(self) -> dict[str, int]:
        """How many rows have each outcome."""
        return self._counted("outcome")

    def missing_counts(self) -> dict[str, int]:
        """In how many rows each fact is missing."""
        found: dict[str, int] = {}
        for text, count in self._counted("missing").items():
            for fact in _names(text):
                found[fact] = found.get(fact, 0) + count
        return found

    def _counted(self, column: str) -> dict[str, int]:
        """How many rows have each text of a column of texts."""
        texts, codes = self.outcomes.texts[column]
        counts = np.bincount(codes[self.places], minlength=len(texts))
        found: dict[str, int] = {}
        for number in np.flatnonzero(counts).tolist():
            found[texts[number]] = found.get(texts[number], 0) + int(counts[number])
        return found

    @cached_property
    def batch(self) -> RecordBatch:
        """The rows as a batch of Arrow."""
        numbers = np.arange(self.first, self.first + len(self), dtype=np.int64)
        columns = [arrow.numbers("row", numbers), arrow.plain_texts("key", self.keys), *self.outcomes.columns(self.places)]
        return arrow.batch_of(columns)


@lru_cache(maxsize=REMEMBERED)
def _names(text: str) -> tuple[str, ...]:
    """The names in a list of them."""
    return tuple(json.loads(text))


def no_rows() -> DecidedRows:
    """The outcomes of no rows: a table with all columns."""
    none = np.zeros(0, dtype=np.int64)
    nothing = np.zeros((0, 0), dtype=np.int32)
    distinct = DistinctRows(np.zeros(0, dtype=np.int32), none, 0, nothing, nothing, (), (), (), ())
    return DecidedRows(first=1, keys=[], outcomes=OutcomeColumns.of([]), places=none, distinct=distinct)


@dataclass(slots=True)
class _Met:
    """The kinds of rows that were met within one epoch of the coder: their outcomes, and the places of these by their keys."""

    epoch: int = -1
    outcomes: OutcomeColumns | None = None
    places: dict[bytes, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Remembered:
    """The outcomes of distinct rows by their keys, within one epoch of the coder."""

    epoch: int = -1
    outcomes: dict[bytes, RowOutcome] = field(default_factory=dict)

    def of(self, epoch: int) -> dict[bytes, RowOutcome]:
        if epoch != self.epoch or len(self.outcomes) > REMEMBERED:
            self.outcomes.clear()
            self.epoch = epoch
        return self.outcomes


class TableDecider:
    """
    Decides tables under one bundle.

    `as_of` is the day of each row that states none, or the name of the column that states it. A row may proceed only where its day is
    `today`; without a `today` no row may. `counters` are as the rows "stated" them,
    "summed" over the rows in their order, or from what a ledger said at a moment. `register` is what a register said then. `decider`
    decides; the ordinary engines if it is left out. With the `program` "lanes" the rows of a chunk are
    decided at once, as far as they state everything themselves; with "ordinary" each is decided by itself. `others` are bundles that read
    the distinct rows too: what one of them reads tells rows apart.
    """

    def __init__(
        self,
        bundle: Bundle,
        *,
        as_of: date | str,
        today: date | None = None,
        mapping: TableMapping | None = None,
        counters: str | CounterSource = "stated",
        register: Register | None = None,
        decider: RowDecider | None = None,
        program: str = "lanes",
        others: Sequence[Bundle] = (),
    ) -> None:
        if program not in PROGRAMS:
            raise ValueError(f"a program is {' or '.join(PROGRAMS)}, not `{program}`")
        if isinstance(counters, str) and counters not in COUNTERS:
            raise ValueError(f"counters are {', '.join(COUNTERS)} or a snapshot of a ledger, not `{counters}`")
        self._mapping = mapping or TableMapping()
        if isinstance(as_of, str):
            columns = (*self._mapping.columns, FactColumn(as_of, AS_OF))
            self._mapping = TableMapping(columns, self._mapping.constants, self._mapping.key, self._mapping.ignored)
        self._bundle = bundle
        self._day = as_of if isinstance(as_of, date) else None
        self._today = today
        self._places = FactPlaces(bundle)
        reads_ids = counters != "stated" or register is not None
        self._remembered = _Remembered()
        self._met = _Met()
        self._stated: tuple[tuple[str, ...], StatedColumns] | None = None  # of the last table
        self._register = register
        self.decider: RowDecider = decider or OneByOne(bundle)
        self._lanes: LaneRows | None = None
        # What merely is stated and must be shown is read otherwise (semantics 4.11): lanes have values as they were stated.
        as_stated = not reads_ids and not bundle.vocabulary.must_be_shown
        if program == "lanes" and isinstance(self.decider, OneByOne) and as_stated:
            self._lanes = LaneRows(bundle, self.decider.pdp, self.decider.readers[False])
        unread = None if reads_ids else UnreadIds(bundle, *others)
        self._coder = RowCoder(self._places, self._mapping.constants, unread, each=self._lanes is not None)
        self.program = f"lanes, else {self.decider.name}" if self._lanes else self.decider.name
        self._ordinary = None  # where counters are filled in, rows are decided by the ordinary engines
        self._fill: CounterSource | None = None if isinstance(counters, str) else counters
        self._sums: CounterSums | None = None
        if counters != "stated":
            self._ordinary = self.decider if isinstance(self.decider, OneByOne) else OneByOne(bundle)
            if self._fill is None:
                self._sums = CounterSums(self._ordinary.pdp)

    def table(self, table: ArrowStream, part: str = "", chunk: int = CHUNK) -> Iterator[DecidedRows]:
        """Decide a table of Arrow. Raises ColumnsRefused before the first row, TypeError where it is no table."""
        reader = arrow.batches(table)
        stated_columns(reader.schema.names, self._mapping, self._places)
        return self.chunks((of_batch(each) for each in arrow.slices(reader, chunk)), part)

    def check(self, names: Sequence[str]) -> None:
        """Check the columns of a table. Raises ColumnsRefused with all that state nothing."""
        stated_columns(names, self._mapping, self._places)

    def chunks(self, chunks: Iterable[CodedChunk], part: str = "") -> Iterator[DecidedRows]:
        """Decide the rows of a source, some at once. Rows are numbered from 1; a row without a key is named by `part` and its number."""
        first = 1
        for chunk in chunks:
            yield from self._decided(chunk, part, first)
            first += chunk.rows

    def _decided(self, chunk: CodedChunk, part: str, first: int) -> Iterator[DecidedRows]:
        columns = self._columns(chunk)
        rows = self._coder.distinct([(column, chunk.columns[number]) for number, column in columns.facts], chunk.rows)
        keys, without = _keys(chunk, columns.key, part, first)
        for begin, outcomes, places in self._places_of(rows, chunk):
            end = begin + len(places)
            broken = [place for place in chunk.broken if begin <= place < end]
            if broken and self._sums is None:
                places[np.array(broken) - begin] = np.arange(len(outcomes), len(outcomes) + len(broken))
                outcomes = outcomes.followed_by(OutcomeColumns.of([refused([chunk.broken[at]], None) for at in broken]))
            yield DecidedRows(
                first=first + begin,
                keys=keys[begin:end],
                outcomes=outcomes,
                places=places,
                distinct=rows,
                begin=begin,
                without_key=[at - begin for at in without if begin <= at < end and at not in chunk.broken],
            )

    def _places_of(self, rows: DistinctRows, chunk: CodedChunk) -> Iterator[tuple[int, OutcomeColumns, NDArray[np.int64]]]:
        """The outcomes of some rows after the other: where they begin, outcomes, and for each row the place of its own among them."""
        if self._sums is not None:
            yield 0, *self._summed(self._sums, rows, chunk)
            return
        if not rows.each and len(rows) <= MET:
            outcomes, of_kind = self._met_before(rows)
            yield 0, outcomes, of_kind[rows.number]
            return
        first = 0
        for outcomes in self._outcomes(rows):
            if rows.each:
                yield first, outcomes, np.arange(len(outcomes), dtype=np.int64)
                first += len(outcomes)
            else:
                yield first, outcomes, rows.number.astype(np.int64)

    def _met_before(self, rows: DistinctRows) -> tuple[OutcomeColumns, NDArray[np.int64]]:
        """The outcomes of kinds of rows, and for each of them the place of its own; kinds that were met in a chunk before are known."""
        met = self._met
        if met.epoch != rows.epoch or len(met.places) > MET:
            met = self._met = _Met(rows.epoch)
        keys = rows.keys()
        new = [number for number, key in enumerate(keys) if key not in met.places]
        if new:
            for outcomes in self._outcomes(rows.some(new)):
                met.outcomes = outcomes if met.outcomes is None else met.outcomes.followed_by(outcomes)
            met.places |= {keys[number]: place for place, number in enumerate(new, len(met.places))}
        assert met.outcomes is not None
        return met.outcomes, np.array([met.places[key] for key in keys], dtype=np.int64)

    def _columns(self, chunk: CodedChunk) -> StatedColumns:
        """What the columns of a chunk state; a member of an object that states nothing is left to the door of exchanges."""
        if chunk.closed:
            names = tuple(chunk.names)
            if self._stated is None or self._stated[0] != names:
                self._stated = names, stated_columns(names, self._mapping, self._places)
            return self._stated[1]
        mapped = self._mapping.by_column()
        key, facts = -1, []
        for number, name in enumerate(chunk.names):
            if name in mapped:
                facts += [(number, each) for each in mapped[name]]
            elif name == self._mapping.key and name not in self._places.names:
                key = number
            elif name not in self._mapping.ignored:
                facts.append((number, FactColumn(name, name)))
            if name == self._mapping.key:
                key = number
        return StatedColumns(tuple(facts), key)

    def _outcomes(self, rows: DistinctRows) -> Iterator[OutcomeColumns]:
        """
        The outcomes of distinct rows: lanes decide many at once, and the ordinary engines those that are left. Where each row is a distinct
        one, they come some at a time, so that not all texts are in memory.
        """
        count = len(rows)
        days, unread = self._days(rows)
        if self._lanes is None or count < FEW or unread.all():
            yield OutcomeColumns.of(self._one_by_one(rows, range(count)))
            return
        found, left = self._lanes.decide(rows, unread, days)
        size = TOLD_AT_ONCE if rows.each else count
        for first in range(0, count, size):
            end = min(first + size, count)
            others = np.flatnonzero(left[first:end])
            outcomes = OutcomeColumns.of(self._one_by_one(rows, (others + first).tolist()))
            yield found.columns(first, end).with_others(others, outcomes)

    def _one_by_one(self, rows: DistinctRows, wanted: Sequence[int]) -> list[RowOutcome]:
        """The outcomes of some distinct rows; those that were decided before are remembered."""
        known = self._remembered.of(rows.epoch)
        keys = [rows.key(number) for number in wanted]
        asked: dict[bytes, tuple[Mapping[str, Any], date]] = {}
        for key, number in zip(keys, wanted, strict=True):
            if key not in known and key not in asked:
                document, day, problems = self._row(rows.exchange(number))
                if problems or day is None:
                    known[key] = refused(problems, day)
                else:
                    asked[key] = document, day
        documents, days = [document for document, _ in asked.values()], [day for _, day in asked.values()]
        if self._ordinary is not None:
            decided = self._ordinary.decide(documents, days, self._today, self._fill)
        else:
            decided = self.decider.decide(documents, days, self._today)
        known.update(zip(asked, decided, strict=True))
        return [known[key] for key in keys]

    def _days(self, rows: DistinctRows) -> tuple[RowDays, NDArray[np.bool_]]:
        """The days of distinct rows, and which rows have none that can be read."""
        said, number = rows.stated_in(AS_OF)
        read = [self._stated_day(each) for each in said]
        days = list(dict.fromkeys(day for day in read if day is not None))
        codes = np.array([days.index(day) if day is not None else 0 for day in read], dtype=np.int32)
        unread = np.array([day is None for day in read], dtype=np.bool_)
        return RowDays(days, codes[number], self._today), unread[number]

    def _stated_day(self, said: Any) -> date | None:
        """The day that a row states; None where it states none that can be read."""
        try:
            return self._day if said is None else read_date(said)
        except (TypeError, BadValue):
            return None

    def _summed(self, sums: CounterSums, rows: DistinctRows, chunk: CodedChunk) -> tuple[OutcomeColumns, NDArray[np.int64]]:
        """The outcomes of rows in their order, each with the counters that the rows before it add up to."""
        assert self._ordinary is not None
        found = []
        prepared = [self._row(rows.exchange(number)) for number in range(len(rows))]
        for place, number in enumerate(rows.number.tolist()):
            document, day, problems = prepared[number]
            if place in chunk.broken:
                found.append(refused([chunk.broken[place]], None))
            elif problems or day is None:
                found.append(refused(problems, day))
            else:
                found += self._ordinary.decide([document], [day], self._today, sums.fill, sums.add)
        return OutcomeColumns.of(found), np.arange(chunk.rows, dtype=np.int64)

    def _row(self, stated: StatedExchange) -> tuple[Mapping[str, Any], date | None, tuple[ExchangeProblem, ...]]:
        """The exchange of a row with what the register says, its day, and what is wrong with it before the door reads it."""
        document: Mapping[str, Any] = stated.document
        day = self._stated_day(document.get(AS_OF))
        problems = stated.problems
        # INVARIANT (one source): what a register, its books and a ledger say is from them, and never from a row.
        problems += tuple(
            ExchangeProblem(f"/{member}", "unknown-key", "no row states this; leave it out")
            for member in (REGISTER, BOOKS, SHARES)
            if member in document
        )
        no_day = ExchangeProblem(f"/{AS_OF}", "no-day", "the row states no day; fill the column")
        if day is None and AS_OF in document:
            problems = problems or self._refusal(document) or (no_day,)
        elif day is None:
            problems = (*problems, no_day)
        elif self._register is not None and not problems:
            try:
                document = self._register(document, day)
            except ExchangeRefused as refusal:
                problems = refusal.problems
        return document, day, problems

    def _refusal(self, document: Mapping[str, Any]) -> tuple[ExchangeProblem, ...]:
        """What the door finds wrong with an exchange."""
        try:
            accept_exchange(self._bundle, document)
        except ExchangeRefused as refusal:
            return refusal.problems
        return ()


def _keys(chunk: CodedChunk, number: int, part: str, first: int) -> tuple[list[str], list[int]]:
    """The key of each row, and the places of rows that have none in its column."""
    own = [f"{part}#{row}" if part else str(row) for row in range(first, first + chunk.rows)] if number < 0 else []
    if own:
        return own, []
    cells = chunk.columns[number]
    told = [each.isoformat() if isinstance(each, date) else str(each) for each in cells.values]
    without = [place for place, code in enumerate(cells.codes.tolist()) if code == LEFT_OUT or not told[code]]
    found = [told[code] for code in cells.codes.tolist()] if told else [""] * chunk.rows
    for place in without:
        found[place] = f"{part}#{first + place}" if part else str(first + place)
    return found, without
