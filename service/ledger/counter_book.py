"""
The rows of the ledger: what moved each counter, and the counts that counters were opened with.

The contributions of an exchange go in. Later, for a counter and a key, their sums in a window come out. A row holds a keyed hash of a
key with its ids folded (semantics 1.9), and none of its values. The secret of the hash is sealed under the log's key
(service.store.counter_secret), so the database alone lets nobody check a guess at an erased value.
"""

import hmac
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date
from hashlib import sha256
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

import engine
from service.ledger import repeated_people, sealed_sums
from service.ledger.counter_sums import NOT_FOUND, NOTHING, CounterQuery, FoundCounts, Hashes, OpeningCount
from service.ledger.sealed_sums import PLACE, Numbers, Place
from service.log import tree_leaves
from service.log.canonical_json import canonical
from service.log.tree_leaves import LogEvent
from service.store import counter_secret
from service.store.counter_secret import LOST
from service.store.database import Database
from service.store.moments import now_text
from service.store.row_seals import OPENINGS, changing, sealed_rows
from service.store.tables import commitment, counted, movement, opening

_SECRET = "fifthfactor.counter_secret"  # what a connection keeps of it, so that it is opened once a connection
_AT_ONCE = 50  # counters in one statement
_IN_A_LEAF = 100  # movements, so that the leaf is small enough
_PLACE = tuple(movement.c[name] for name in PLACE)

_low, _high = movement.c.low, movement.c.high


def _whole(column: sa.ColumnElement[Any], *where: sa.ColumnElement[bool]) -> sa.ColumnElement[Any]:
    return sa.case((sa.and_(sa.true(), *where), column), else_=0)


def _over_movements(*where: sa.ColumnElement[bool]) -> tuple[sa.Label[Any], ...]:
    """The columns of a tally over movements; only those that meet some conditions have an upper end to add."""
    endless = sa.case((sa.and_(sa.true(), *where, _high.is_(None)), 1), else_=0)
    return (
        sa.func.coalesce(sa.func.max(_low), 0).label("largest"),
        sa.func.coalesce(sa.func.sum(_low), 0).label("least"),
        sa.func.coalesce(sa.func.sum(_whole(_high, _high.is_not(None), *where)), 0).label("most"),
        sa.func.coalesce(sa.func.sum(endless), 0).label("endless"),
    )


# Whoever is said to be counted already adds nothing to a day: `repeated_people` adds those of whom that no longer holds.
_MOVEMENTS = _over_movements(movement.c.same_as.is_(None))
_EVERY = _over_movements()
_LATER = sa.and_(
    movement.c.meaning.in_(sa.bindparam("meanings", expanding=True)),
    movement.c.sequence > sa.bindparam("after"),
    movement.c.commitment != sa.bindparam("without"),
    movement.c.live.is_(sa.true()),
)
_LATER_OF_KEYS = (
    sa.select(movement.c.meaning, movement.c.fact, *_EVERY, movement.c.key)
    .where(_LATER, movement.c.key.in_(sa.bindparam("keys", expanding=True)))
    .group_by(movement.c.meaning, movement.c.fact, movement.c.key)
)
_LATER_OF_ANY = (
    sa.select(movement.c.meaning, movement.c.fact, *_EVERY).where(_LATER).group_by(movement.c.meaning, movement.c.fact)
)
_OWN = sa.select(movement).where(movement.c.commitment == sa.bindparam("without"), movement.c.live.is_(sa.true()))
_OTHERS = (
    movement.c.meaning == sa.bindparam("meaning"),
    movement.c.key.in_(sa.bindparam("keys", expanding=True)),
    movement.c.day.between(sa.bindparam("first"), sa.bindparam("last")),
    movement.c.fact == sa.bindparam("fact"),
    movement.c.live.is_(sa.true()),
    movement.c.commitment != sa.bindparam("without"),
)
_AS_LARGE = sa.select(movement.c.commitment).where(
    *_OTHERS, movement.c.key.in_(sa.bindparam("own", expanding=True)), movement.c.low >= sa.bindparam("largest")
)
_exact = sa.case((movement.c.key.in_(sa.bindparam("own", expanding=True)), 1), else_=0).label("exact")
_LEFT = sa.select(_exact, *_MOVEMENTS).where(*_OTHERS).group_by(_exact)
_COUNTED = sa.select(counted)
_RECENT = (
    sa.select(commitment.c.counting)
    .where(commitment.c.sequence > sa.bindparam("after"), commitment.c.state == "committed")
    .distinct()
)


class Book:
    """The rows of one database. Its methods take the connection to work on; those that write take a writing transaction."""

    def hashed(self, connection: sa.Connection, per: Sequence[str], key: engine.Key) -> str:
        """The hash of a key."""
        secret: bytes | None = connection.info.get(_SECRET)
        if secret is None:
            secret = connection.info[_SECRET] = counter_secret.open_secret(connection)
        named: list[Any] = [[fact, part] for fact, part in zip(per, key, strict=True)]
        return hmac.new(secret, canonical(named), sha256).hexdigest()

    def used(self, database: Database) -> bool:
        """Whether anything was ever committed."""
        return database.has_rows(counted)

    def key(self, connection: sa.Connection, counter: engine.Counter, key: engine.Key) -> str:
        """The hash under which rows of a key are written: that of the folded key."""
        return self.hashed(connection, counter.per, counter.folded(key))

    def keys(self, connection: sa.Connection, counter: engine.Counter, key: engine.Key) -> tuple[Hashes, Hashes]:
        """The hash of a key; and this with those of keys that may be the same. None of an unknown key."""
        if None in key:
            return (), ()
        hashed = tuple(self.hashed(connection, counter.per, each) for each in engine.covering(counter.folded(key)))
        return hashed[:1], hashed

    def find(
        self,
        connection: sa.Connection,
        wanted: Sequence[CounterQuery],
        given: Sequence[CounterQuery] = (),
        *,
        after: int | None = None,
        without: str | None = None,
    ) -> dict[str, FoundCounts]:
        """The sums of some counters, by their names: see `find_each`."""
        found = self.find_each(connection, wanted, given, after=after, without=without)
        return {each.counter.name: sums for each, sums in zip(wanted, found, strict=True)}

    def find_each(
        self,
        connection: sa.Connection,
        wanted: Sequence[CounterQuery],
        given: Sequence[CounterQuery] = (),
        *,
        after: int | None = None,
        without: str | None = None,
    ) -> list[FoundCounts]:
        """
        The sums of some counters, each in its own window; one counter may be wanted in several.

        `after` is the number of a record: what was committed later is also summed separately, for those in `given`. `without` is the id of
        a commitment that is left out of all sums.
        """
        meanings: dict[str, set[str]] = {}
        until: dict[str, str] = {}
        for row in connection.execute(_COUNTED):
            meanings.setdefault(row.counting, set()).add(row.meaning)
            until[row.counting] = max(row.last, until.get(row.counting, ""))
        if not until:
            return [NOT_FOUND for _ in wanted]
        asked = {number: each for number, each in enumerate(wanted) if each.keys}
        begun = self._openings(connection, asked) if asked else {}

        def overlooks(number: int, each: CounterQuery, counting: str, last: str) -> bool:
            opened = begun.get(number)
            if counting == LOST and opened and opened.day.isoformat() > last:
                return False
            return each.counter.meaning not in meanings[counting] and last >= each.first.isoformat()

        # INVARIANT (nothing is overlooked): a commitment not counted under the present meaning may add any number, and so may one that
        # was counted with a secret that is lost, unless the counter was opened since.
        found = [
            FoundCounts(foreign=any(overlooks(number, each, *counting) for counting in until.items()))
            for number, each in enumerate(wanted)
        ]
        if asked:
            places = list(asked)
            for start in range(0, len(places), _AT_ONCE):
                some = {place: asked[place] for place in places[start : start + _AT_ONCE]}
                self._sums(connection, some, begun, found)
            if without is not None:
                self._leave_out(connection, asked, without, found)
            repeated_people.add_uncovered(connection, asked, without, found)
        if after is not None and given:
            chosen = {number: each for number, each in enumerate(wanted) if any(each is one for one in given)}
            self._later(connection, chosen, meanings, after, without, found)
        return found

    def move(
        self,
        transaction: sa.Connection,
        commitment: str,
        sequence: int,
        moved: Sequence[tuple[engine.Contribution, engine.Counter, date]],
        data: repeated_people.DataSet = repeated_people.UNNAMED,
        *,
        first: bool = True,
    ) -> None:
        """
        Record what a commitment of a data set adds to each counter, each on a day of that counter's calendar.

        `first`: nothing was recorded of it before.
        """
        rows: list[dict[str, Any]] = []
        added: dict[Place, list[engine.Tally]] = {}
        for each, counter, day in moved:
            people = each.tally
            place = {
                "meaning": counter.meaning,
                "key": self.key(transaction, counter, each.key),
                "day": day.isoformat(),
                "fact": each.place,
            }
            more = {"counter": counter.name, "low": people.least, "high": people.most, **data.columns(counter)}
            rows.append({**place, **more})
            counts = replace(people, most=0) if "same_as" in more else people
            added.setdefault((place["meaning"], place["key"], place["day"], place["fact"]), []).append(counts)
        if rows:
            self.put(transaction, commitment, sequence, rows, added, first=first)

    def put(
        self,
        transaction: sa.Connection,
        commitment: str,
        sequence: int,
        rows: Sequence[Mapping[str, Any]],
        added: Mapping[Place, Sequence[engine.Tally]] = MappingProxyType({}),
        *,
        first: bool,
    ) -> None:
        """Record movements of a commitment, by their rows. `added` is what they add to the sums, if it is not what they count."""
        shared = {"commitment": commitment, "sequence": sequence, "live": True, "data_set": None, "same_as": None}
        made = [{**shared, **row} for row in rows]
        with repeated_people.sealing(transaction, commitment, made, first=first):
            transaction.execute(sa.insert(movement), made)
        added = added or {tuple(row[at] for at in PLACE): [engine.Tally(row["low"], row["low"], row["high"])] for row in rows}

        def of_day(place: Place, before: Numbers) -> Numbers:
            largest, least, most, endless = before
            for people in added[place]:
                largest, least = max(largest, people.largest), least + people.least
                most, endless = most + (people.most or 0), endless + int(people.most is None)
            return largest, least, most, endless

        sealed_sums.change(transaction, added, of_day)
        members: dict[str, Any] = {"commitment": commitment, "sequence": sequence}
        for start in range(0, len(rows), _IN_A_LEAF):
            told: list[Any] = [*map(dict, rows[start : start + _IN_A_LEAF])]
            tree_leaves.append(transaction, LogEvent("movements", now_text(), members, {"movements": told}))

    def end(self, transaction: sa.Connection, commitment: str, meanings: Collection[str] | None = None) -> None:
        """Stop counting what a commitment added: under all meanings, or only under those given."""
        mine = sa.and_(movement.c.commitment == commitment, movement.c.live.is_(sa.true()))
        if meanings is not None:
            mine = sa.and_(mine, movement.c.meaning.in_(meanings))
        rows = transaction.execute(sa.select(movement).where(mine)).mappings().all()
        with repeated_people.sealing(transaction, commitment, rows):
            transaction.execute(sa.update(movement).where(mine).values(live=False))
        self._again(transaction, rows)

    def revive(self, transaction: sa.Connection, commitment: str, fact: str, meaning: str) -> None:
        """Count again what a commitment added under a meaning."""
        mine = sa.and_(movement.c.commitment == commitment, movement.c.fact == fact, movement.c.meaning == meaning)
        rows = transaction.execute(sa.select(movement).where(mine)).mappings().all()
        with repeated_people.sealing(transaction, commitment, rows):
            transaction.execute(sa.update(movement).where(mine).values(live=True))
        self._again(transaction, rows)

    def _again(self, transaction: sa.Connection, rows: Sequence[Mapping[Any, Any]]) -> None:
        """Add up the days of some movements again, since the largest of a day cannot be subtracted."""
        places = {(row["meaning"], row["key"], row["day"], row["fact"]) for row in rows}
        if not places:
            return
        named = [column.in_(sorted({place[at] for place in places})) for at, column in enumerate(_PLACE)]
        again = sa.select(*_PLACE, *_MOVEMENTS).where(*named, movement.c.live.is_(sa.true())).group_by(*_PLACE)
        left = {tuple(row[:4]): tuple(map(int, row[4:])) for row in transaction.execute(again)}
        sealed_sums.change(transaction, places, lambda place, _: left.get(place, (0, 0, 0, 0)))

    def begin(
        self,
        transaction: sa.Connection,
        id: str,
        counter: engine.Counter,
        key: engine.Key,
        day: date,
        counts: Mapping[str, engine.Tally],
        *,
        at: str,
        by: str,
        reason: str | None,
    ) -> None:
        """Record the count of a counter at the beginning of a day; of each of its facts, and of money in a currency."""
        hashed = self.key(transaction, counter, key)
        rows = [
            {
                "id": id, "fact": fact, "counter": counter.name, "meaning": counter.meaning, "key": hashed,
                "day": day.isoformat(), "low": count.least, "high": count.most, "at": at, "by": by, "reason": reason,
            }
            for fact, count in counts.items()
        ]  # fmt: skip
        with changing(transaction, OPENINGS, hashed, within=(counter.meaning,)):
            transaction.execute(sa.insert(opening), rows)
        shown: dict[str, Any] = {"id": id, "counter": counter.name, "meaning": counter.meaning, "day": day.isoformat()}
        told: list[Any] = [{"fact": row["fact"], "low": row["low"], "high": row["high"]} for row in rows]
        hidden: dict[str, Any] = {"key": hashed, "counts": told, "by": by, "reason": reason}
        tree_leaves.append(transaction, LogEvent("counter-opening", at, shown, hidden))

    def note(self, transaction: sa.Connection, counting: engine.BundleCounters, day: date) -> None:
        """Record that all commitments up to a day are counted under these meanings."""
        last = day.isoformat()
        here = counted.c.counting == counting.meaning
        noted = transaction.execute(sa.select(sa.func.min(counted.c.last)).where(here)).scalar_one_or_none()
        if noted is not None and noted >= last:
            return
        told = {"counting": counting.meaning, "meanings": list(counting.meanings), "last": last}
        tree_leaves.append(transaction, LogEvent("counting", now_text(), {**told, "before": noted}))
        if noted is None:
            meanings = ("", *counting.meanings)  # the empty one, so that there is a row without counters too
            rows = [{"counting": counting.meaning, "meaning": each, "last": last} for each in meanings]
            transaction.execute(sa.insert(counted), rows)
        else:
            transaction.execute(sa.update(counted).where(here).values(last=last))

    def _sums(
        self,
        connection: sa.Connection,
        asked: Mapping[int, CounterQuery],
        begun: Mapping[int, OpeningCount],
        found: list[FoundCounts],
    ) -> None:
        since = {place: opened.day.isoformat() for place, opened in begun.items() if place in asked}
        for place, (window, from_then) in sealed_sums.of_windows(connection, asked, since).items():
            found[place] = replace(found[place], window=window, since=from_then, opening=begun.get(place))

    def _leave_out(
        self, connection: sa.Connection, asked: Mapping[int, CounterQuery], commitment: str, found: list[FoundCounts]
    ) -> None:
        """Take what a commitment adds out of the sums of some counters."""
        for row in connection.execute(_OWN, {"without": commitment}).all():
            for place, each in asked.items():
                if each.counter.meaning != row.meaning or row.key not in each.keys or not row.day <= each.last:
                    continue
                sums = found[place]
                if row.day >= each.first.isoformat():
                    sums = replace(sums, window=_left(connection, sums.window, each, each.first.isoformat(), row))
                if sums.opening is not None and row.day >= (day := sums.opening.day.isoformat()):
                    sums = replace(sums, since=_left(connection, sums.since, each, day, row))
                found[place] = sums

    def _later(
        self,
        connection: sa.Connection,
        wanted: Mapping[int, CounterQuery],
        meanings: Mapping[str, set[str]],
        after: int,
        without: str | None,
        found: list[FoundCounts],
    ) -> None:
        of_keys = [each for each in wanted.values() if each.keys]
        # The key of these is not known, so every commitment may belong to it.
        of_any = [each for each in wanted.values() if not each.keys]
        given: dict[str, Any] = {"after": after, "without": without or ""}
        rows: list[Any] = []
        if of_keys:
            keys = {"keys": [key for each in of_keys for key in each.keys]}
            asked = given | keys | {"meanings": [each.counter.meaning for each in of_keys]}
            rows = [*connection.execute(_LATER_OF_KEYS, asked)]
        any_rows: list[Any] = []
        if of_any:
            any_rows = [*connection.execute(_LATER_OF_ANY, given | {"meanings": [each.counter.meaning for each in of_any]})]
        whole = all(each.counter.meaning in known for known in meanings.values() for each in wanted.values())
        recent = [] if whole else connection.execute(_RECENT, {"after": after}).scalars().all()
        lost = any(after < int(records) for records in meanings.get(LOST, ()))
        for place, each in wanted.items():
            later: dict[str, engine.Tally] = {}
            for row in rows if each.keys else any_rows:
                if row.meaning == each.counter.meaning and (not each.keys or row.key in each.keys):
                    later[row.fact] = later.get(row.fact, NOTHING) + _tally(row, 2, certain=False)
            if lost or any(each.counter.meaning not in meanings.get(counting, ()) for counting in recent):
                later = dict.fromkeys(each.counter.facts, engine.Tally(most=None))
            found[place] = replace(found[place], later=later)

    def _openings(self, connection: sa.Connection, asked: Mapping[int, CounterQuery]) -> dict[int, OpeningCount]:
        """The newest opening of each counter: that of the latest day, and of several on this day the one recorded last."""
        meanings = [*{each.counter.meaning: None for each in asked.values()}]
        keys = [*{key: None for each in asked.values() for key in each.own}]
        found: dict[int, OpeningCount] = {}
        rows = sealed_rows(connection, OPENINGS, {'"meaning"': meanings, '"key"': keys})
        for row in sorted(rows, key=lambda row: (row.day, row.id), reverse=True):
            for place, each in asked.items():
                if (row.counter, row.meaning) != (each.counter.name, each.counter.meaning) or row.key not in each.own:
                    continue
                if row.day > each.last:
                    continue
                opened = found.setdefault(place, OpeningCount(row.id, date.fromisoformat(row.day), {}))
                if opened.id == row.id:
                    opened.counts[row.fact] = engine.Tally(row.low, row.low, row.high)
        return found


def _left(
    connection: sa.Connection, sums: Mapping[str, engine.Tally], wanted: CounterQuery, first: str, own: Any
) -> dict[str, engine.Tally]:
    """The sums of a counter from a day on without one movement."""
    before = sums.get(own.fact, NOTHING)
    others = {
        "meaning": own.meaning,
        "keys": wanted.keys,
        "first": max(first, wanted.first.isoformat()),
        "last": wanted.last,
        "fact": own.fact,
        "without": own.commitment,
        "own": wanted.own,
    }
    exact = own.key in wanted.own
    largest = exact and own.low > 0 and own.low >= before.largest
    if largest and connection.execute(_AS_LARGE.limit(1), {**others, "largest": before.largest}).first() is not None:
        largest = False
    if largest or before.most is None or own.high is None:
        # The largest cannot be subtracted, nor can what has no end: the others are added up again.
        rows = connection.execute(_LEFT, others)
        return {**sums, own.fact: sum((_tally(row, 1, certain=bool(row.exact)) for row in rows), NOTHING)}
    low, high = own.low if exact else 0, own.high if own.same_as is None else 0
    return {**sums, own.fact: engine.Tally(before.largest, before.least - low, before.most - high)}


def _tally(row: Any, at: int, *, certain: bool) -> engine.Tally:
    """The sums of a row from a column on. A row of another key, which may be the same key, adds nothing for certain."""
    largest, least, most, endless = (int(each) for each in row[at : at + 4])
    return engine.Tally(largest if certain else 0, least if certain else 0, None if endless else most)
