"""
The exchanges of a log, coded, to be compared under two bundles: a database goes in, the rows of each block of records come out.

A block is read from the records once, and from what is kept of it beside the log afterwards (`coded_blocks`): its distinct exchanges as
canonical JSON, without their ids, and of each record the id, the moment, the day, the exchange and the ids in it. The words are those that
say which facts are ids. Ids that neither bundle reads make no difference. Erased values are left out of the exchanges. The log is read
only, while a service may write to it; where blocks cannot be kept, the records are read each time.
"""

import json
import os
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from hashlib import blake2b, sha256
from typing import Any

import sqlalchemy as sa

import engine
import engine.tables
from service.log.coded_blocks import BLOCK, erased_in, keep_block, kept_block, numbers_of
from service.log.leaf import erased, with_personal_values
from service.log.record import SCHEMA, exchange_of
from service.log.search_index import moment_of, numbers_between
from service.log.store import Stored, scan
from service.store.database import Database, DatabaseRefused, plain
from service.store.upgrade import open_present, reading

FORM = "1"  # of a block
AS_OF = "as_of"
DOCUMENTS = ("evidence", "claims")
MOST_IDS = 200_000  # ids of which it is remembered whether they are like any other


@dataclass(slots=True)
class _Block:
    """
    Records that follow each other. `exchanges` are the distinct ones: the facts that are ids, the fields of documents, and the JSON with
    "" for each id. Of each record: its id, its moment (None where it cannot be read), its day, and the number of its exchange with the
    ids in it, or why there is none. `erased` are the places of records without the personal values that were erased.
    """

    exchanges: list[tuple[list[str], list[str], str]] = field(default_factory=list)
    records: list[tuple[str, int | None, int, int | str, list[str]]] = field(default_factory=list)
    erased: list[int] = field(default_factory=list)

    def content(self) -> bytes:
        """The block as bytes."""
        told = json.dumps([self.exchanges, self.records, self.erased], ensure_ascii=False, separators=(",", ":"))
        return zlib.compress(told.encode(), 1)

    @classmethod
    def of(cls, content: bytes) -> "_Block":
        """A block from its bytes."""
        return cls(*json.loads(zlib.decompress(content)))


@dataclass(frozen=True, slots=True)
class BlockRows:
    """The distinct rows of a block, how many records are among them without erased values, and whether it was coded before."""

    rows: list[engine.ImpactRow]
    erased: int
    known: bool


class CodedLog:
    """
    The exchanges of a log from `since` on and before `until`, for two bundles. `on` is the day of records that cannot be read.

    `prepare` is called before processes are forked, and `rows` in each of them. `close` closes what a process opened.
    """

    def __init__(
        self, url: str, old: engine.Bundle, new: engine.Bundle, since: datetime | None, until: datetime | None, on: date
    ) -> None:
        self._url, self._since, self._until, self._on = url, since, until, on
        self._database: Database | None = None
        self._process = 0
        facts = old.vocabulary.facts
        self._ids = {name: name.split(".") for name, fact in facts.items() if fact.type.kind == "id" and not fact.type.many}
        self._members = {name.partition(".")[0] for name in facts} | {*DOCUMENTS, AS_OF, engine.REGISTER, engine.SHARES}
        self._words = sha256(json.dumps([FORM, sorted(self._ids), sorted(self._members)]).encode()).hexdigest()
        self._unread = engine.tables.UnreadIds(old, new)
        self._among: dict[tuple[str, ...], frozenset[str]] = {}
        self._plain: dict[tuple[str, str], bool] = {}

    def prepare(self) -> list[int]:
        """The first number of each block that has records of the time. Raises DatabaseRefused."""
        with reading(self._url) as connection:
            asked = numbers_between(connection, self._since, self._until)
        return list(range(asked.start // BLOCK * BLOCK, asked.stop, BLOCK)) if asked else []

    def rows(self, first: int) -> BlockRows:
        """The distinct rows of a block, each named by the decision of its first record. Raises DatabaseRefused."""
        database = self._opened()
        try:
            with database.reading.connect() as connection:
                content = kept_block(connection, first, self._words)
                if content is not None:
                    return self._rows_of(_Block.of(content), known=True)
                before = erased_in(connection, first)
                numbers = numbers_of(first)
                block = _Block()
                places: dict[str, int] = {}
                for stored in scan(connection, numbers.start, numbers.stop):
                    self._code(stored, block, places)
        except sa.exc.SQLAlchemyError as failed:
            raise DatabaseRefused(f"the database cannot be read: {plain(failed)}") from None
        with suppress(sa.exc.SQLAlchemyError):  # then it is coded again the next time
            keep_block(database, first, len(block.records), self._words, block.content(), before)
        return self._rows_of(block, known=False)

    def close(self) -> None:
        """Close what this process opened."""
        if self._database is not None and self._process == os.getpid():
            self._database.close()
            self._database = None

    def _opened(self) -> Database:
        """
        The database, which each process opens once.

        INVARIANT (locks hold): a database file is opened once in a process. To open and close it a second time would drop the locks of
        SQLite on it, and another process could take away the write-ahead log that is being read.
        """
        if self._database is None or self._process != os.getpid():
            self._database, self._process = open_present(self._url), os.getpid()
        return self._database

    # From a record to what is kept

    def _code(self, stored: Stored, block: _Block, places: dict[str, int]) -> None:
        entry = stored.entry
        moment, day, document, problem = self._read(stored)
        ids: list[str] = []
        if problem:
            block.records.append((entry.id, moment, day, problem, ids))
            return
        if erased(entry.openings):
            block.erased.append(len(block.records))
        facts = self._take_ids(document, ids)
        text = json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        place = places.get(text)
        if place is None:
            place = places[text] = len(block.exchanges)
            block.exchanges.append((facts, sorted({*_fields(document)}), text))
        block.records.append((entry.id, moment, day, place, ids))

    def _read(self, stored: Stored) -> tuple[int | None, int, dict[str, Any], str]:
        """The moment and the day of a record, its exchange, and why it cannot be compared."""
        moment, day = None, self._on.toordinal()
        with suppress(ValueError, LookupError, TypeError):
            moment = moment_of(datetime.fromisoformat(json.loads(stored.entry.leaf)["recorded_at"]))
        if faults := stored.faults():
            return moment, day, {}, f"the record has a fault: {faults[0]}"
        record = with_personal_values(stored.entry.leaf, stored.entry.openings)
        if record.get("schema") != SCHEMA:
            return moment, day, {}, "the record has a shape that this version does not know"
        day = date.fromisoformat(record[AS_OF]).toordinal()
        for pointer in erased(stored.entry.openings):
            _leave_out(record["request"], pointer)
        raw = json.dumps(exchange_of(record), ensure_ascii=False).encode()
        try:
            document = dict(engine.read_object(raw, engine.MAX_BYTES, "exchange"))
        except engine.ExchangeRefused as refused:
            codes = "; ".join(f"{each.pointer or '/'} ({each.code})" for each in refused.problems)
            return moment, day, {}, codes
        document.pop(AS_OF, None)  # the day of the record says it
        return moment, day, document, ""

    def _take_ids(self, document: dict[str, Any], ids: list[str]) -> list[str]:
        """Take the ids out of an exchange that has facts alone; the names of their facts."""
        facts = []
        for name, (*path, last) in self._ids.items() if document.keys() <= self._members else ():
            here: Any = document
            for step in path:
                here = here.get(step) if isinstance(here, dict) else None
            if isinstance(here, dict) and isinstance(here.get(last), str) and here[last]:
                facts.append(name)
                ids.append(here[last])
                here[last] = ""
        return facts

    # From what is kept to rows

    def _rows_of(self, block: _Block, known: bool) -> BlockRows:
        since, until = (None if each is None else moment_of(each) for each in (self._since, self._until))
        kinds = [self._kind(*each) for each in block.exchanges]
        counts: dict[tuple[Any, ...], int] = {}
        firsts: dict[tuple[Any, ...], int] = {}
        everyone = since is None and until is None
        within: set[int] = set()
        for place, (_, moment, day, exchange, ids) in enumerate(block.records):
            if moment is not None and not everyone:
                if (since is not None and moment < since) or (until is not None and moment >= until):
                    continue
                within.add(place)
            if isinstance(exchange, str):
                key: tuple[Any, ...] = (day, exchange)
            else:
                digest, read, plain = kinds[exchange]
                key = (day, digest, *(ids[at] for at in read))
                if not all(self._is_plain(name, ids[at]) for name, at in plain):
                    key = (*key, "", *ids)
            if key in counts:
                counts[key] += 1
            else:
                counts[key] = 1
                firsts[key] = place
        rows = [self._row(block, firsts[key], key, count) for key, count in counts.items()]
        left_out = sum(everyone or place in within for place in block.erased)
        return BlockRows(rows, left_out, known)

    def _row(self, block: _Block, place: int, key: tuple[Any, ...], count: int) -> engine.ImpactRow:
        id, _, day, exchange, ids = block.records[place]
        if isinstance(exchange, str):
            return engine.ImpactRow(id, {}, date.fromordinal(day), exchange, count, exchange)
        facts, _, text = block.exchanges[exchange]
        return engine.ImpactRow(id, partial(self._whole, facts, text, ids), date.fromordinal(day), "", count, key[1:])

    def _whole(self, facts: list[str], text: str, ids: list[str]) -> Mapping[str, Any]:
        """An exchange with its ids."""
        document: dict[str, Any] = json.loads(text)
        for name, id in zip(facts, ids, strict=True):
            *path, last = name.split(".")
            here = document
            for step in path:
                here = here[step]
            here[last] = id
        return document

    def _kind(self, facts: list[str], fields: list[str], text: str) -> tuple[bytes, list[int], list[tuple[str, int]]]:
        """The digest of an exchange, the places of ids that tell such exchanges apart, and the facts and places of the other ids."""
        told = tuple(fields)
        among = self._among.get(told)
        if among is None:
            among = self._among[told] = self._unread.among(told)
        read = [at for at, name in enumerate(facts) if name not in among]
        plain = [(name, at) for at, name in enumerate(facts) if name in among]
        return blake2b(text.encode(), digest_size=16).digest(), read, plain

    def _is_plain(self, name: str, id: str) -> bool:
        found = self._plain.get((name, id))
        if found is None:
            if len(self._plain) >= MOST_IDS:
                self._plain.clear()
            found = self._plain[name, id] = self._unread.is_plain(name, id)
        return found


def _fields(document: Mapping[str, Any]) -> Iterator[str]:
    """The names of the fields that documents and claims may state, those in a register too."""
    for group in (*DOCUMENTS, engine.REGISTER):
        yield from _names(document.get(group))


def _names(value: Any) -> Iterator[str]:
    for name, each in value.items() if isinstance(value, dict) else ():
        yield name
        yield from _names(each)


def _leave_out(document: Any, pointer: str) -> None:
    *path, last = (step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:])
    for step in path:
        document = document[step]
    del document[last]
