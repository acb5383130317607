"""
The rows of the ledger: what moved each counter, and what counts began with.

Contributions of an exchange in; later, for a counter and a key, what was found of them in a window. A row holds no value of a key but a
keyed hash of it. The key of that hash is a secret of this database, made with its tables: once the values in the log are erased,
whoever has a row and not the database cannot tell whether a guess is right.
"""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from pydantic import JsonValue

import engine
from service.log.canonical import canonical
from service.store.tables import about, commitment, counted, movement, opening

NOTHING = engine.Tally()
ALWAYS = date.max.isoformat()

SECRET = "ledger_secret"
_NEVER = 2**62  # no record has this number

_low, _high = movement.c.low, movement.c.high


def _sums(*where: sa.ColumnElement[bool]) -> list[sa.ColumnElement[Any]]:
    """The largest low, all lows, all highs, and how many have none, of the rows where something holds."""
    here = sa.and_(sa.true(), *where)
    return [
        sa.func.coalesce(sa.func.max(sa.case((here, _low), else_=0)), 0),
        sa.func.coalesce(sa.func.sum(sa.case((here, _low), else_=0)), 0),
        sa.func.coalesce(sa.func.sum(sa.case((sa.and_(here, _high.is_not(None)), _high), else_=0)), 0),
        sa.func.coalesce(sa.func.sum(sa.case((sa.and_(here, _high.is_(None)), 1), else_=0)), 0),
    ]


@lru_cache(maxsize=64)
def _moved(count: int) -> sa.CompoundSelect[Any]:
    """What moved so many counters, each row with the number of its counter: one statement, so that it is one way to the database."""
    return sa.union_all(*(_moved_one(number) for number in range(count)))


def _moved_one(number: int) -> sa.Select[Any]:
    def of(name: str, **more: Any) -> sa.BindParameter[Any]:
        return sa.bindparam(f"{name}_{number}", **more)

    exact = sa.case((movement.c.key == of("key"), 1), else_=0).label("exact")
    return (
        sa.select(
            sa.literal_column(str(number)).label("number"),
            movement.c.fact,
            exact,
            *_sums(),
            *_sums(movement.c.day >= of("since")),
            *_sums(movement.c.sequence > sa.bindparam("after")),
        )
        .where(
            movement.c.counter == of("counter"),
            movement.c.key.in_(of("keys", expanding=True)),
            movement.c.day.between(of("first"), of("last")),
            movement.c.meaning == of("meaning"),
            movement.c.commitment != sa.bindparam("without"),
            movement.c.live.is_(sa.true()),
        )
        .group_by(movement.c.fact, exact)
    )


_MOVED_LATER = (
    sa.select(movement.c.fact, *_sums())
    .where(
        movement.c.counter == sa.bindparam("counter"),
        movement.c.sequence > sa.bindparam("after"),
        movement.c.commitment != sa.bindparam("without"),
        movement.c.live.is_(sa.true()),
    )
    .group_by(movement.c.fact)
)
_OPENINGS = (
    sa.select(opening)
    .where(
        opening.c.counter.in_(sa.bindparam("counters", expanding=True)), opening.c.key.in_(sa.bindparam("keys", expanding=True))
    )
    .order_by(opening.c.day.desc(), opening.c.id.desc())
)
_COUNTED = sa.select(counted)
_RECENT = sa.select(commitment.c.counting).where(commitment.c.sequence > sa.bindparam("after")).distinct()


@dataclass(frozen=True, slots=True)
class Wanted:
    """
    A counter of somebody in a window, both ends inclusive.

    `keys` are hashes: first that of the key itself, then those of the keys that may be this one; there is none where the key is not known.
    """

    counter: engine.Counter
    keys: tuple[str, ...]
    first: date
    last: str = ALWAYS


@dataclass(frozen=True, slots=True)
class Opening:
    """The count of a day's beginning, as somebody attested it, for each fact of a counter."""

    id: str
    day: date
    counts: dict[str, engine.Tally]


@dataclass(frozen=True, slots=True)
class Found:
    """
    What the ledger has of a counter: in the `window`, of that since the `opening`, and of that `later` than some record.

    `foreign`: there are commitments in the window that were not counted under what the counter means now; they may be any number more.
    """

    window: Mapping[str, engine.Tally] = field(default_factory=dict)
    opening: Opening | None = None
    since: Mapping[str, engine.Tally] = field(default_factory=dict)
    later: Mapping[str, engine.Tally] = field(default_factory=dict)
    foreign: bool = False


NOT_FOUND = Found()


class Book:
    """The rows of one database. Its methods take the connection to work on; those that write take a writing transaction."""

    def __init__(self) -> None:
        self._secret: bytes | None = None

    def hashed(self, connection: sa.Connection, per: Sequence[str], key: engine.Key) -> str:
        """The hash of a key."""
        if self._secret is None:
            kept: str = connection.execute(sa.select(about.c.value).where(about.c.name == SECRET)).scalar_one()
            self._secret = bytes.fromhex(kept)
        named: list[JsonValue] = [[fact, part] for fact, part in zip(per, key, strict=True)]
        return hmac.new(self._secret, canonical(named), sha256).hexdigest()

    def covering(self, connection: sa.Connection, counter: engine.Counter, key: engine.Key) -> tuple[str, ...]:
        """The hashes of a key and of the keys that may be this one; nothing where a part of it is not known."""
        if None in key:
            return ()
        return tuple(self.hashed(connection, counter.per, each) for each in engine.covering(key))

    def find(
        self, connection: sa.Connection, wanted: Sequence[Wanted], *, after: int | None = None, without: str = ""
    ) -> dict[str, Found]:
        """
        What the ledger has of some counters, by their names.

        `after` is the number of a record: what was committed later is told apart. `without` is a commitment that is left out.
        """
        meanings: dict[str, set[str]] = {}
        until: dict[str, str] = {}
        for row in connection.execute(_COUNTED):
            meanings.setdefault(row.counting, set()).add(row.meaning)
            until[row.counting] = max(row.last, until.get(row.counting, ""))
        if not until:
            return {}
        since = _NEVER if after is None else after
        found: dict[str, Found] = {}
        asked = []
        for each in wanted:
            # INVARIANT (nothing is overlooked): what was not counted under this meaning may come to any number.
            foreign = any(
                each.counter.meaning not in meanings[counting] and last >= each.first.isoformat()
                for counting, last in until.items()
            )
            found[each.counter.name] = Found(foreign=foreign)
            if each.keys:
                asked.append(each)
            elif after is not None:
                found[each.counter.name] = self._anybody_s(connection, each.counter, since, without, foreign)
        if asked:
            begun = self._openings(connection, asked)
            self._moved(connection, asked, begun, since, without, found)
        if after is not None:
            recent = connection.execute(_RECENT, {"after": after}).scalars().all()
            for each in wanted:
                if any(each.counter.meaning not in meanings.get(counting, ()) for counting in recent):
                    unbounded = dict.fromkeys(each.counter.facts, engine.Tally(most=None))
                    found[each.counter.name] = replace(found[each.counter.name], later=unbounded)
        return found

    def move(
        self,
        transaction: sa.Connection,
        commitment: str,
        sequence: int,
        moved: Sequence[tuple[engine.Contribution, engine.Counter, date]],
    ) -> None:
        """Note what a commitment adds, each on the day that counts for it."""
        rows = []
        for each, counter, day in moved:
            tally = engine.Tally.of(each.people)
            key = self.hashed(transaction, counter.per, each.key)
            rows.append(
                {
                    "commitment": commitment, "fact": each.fact, "meaning": counter.meaning, "counter": counter.name, "key": key,
                    "day": day.isoformat(), "low": tally.least, "high": tally.most, "sequence": sequence, "live": True,
                }
            )  # fmt: skip
        if rows:
            transaction.execute(sa.insert(movement), rows)

    def begin(
        self,
        transaction: sa.Connection,
        id: str,
        counter: engine.Counter,
        key: engine.Key,
        day: date,
        counts: Mapping[str, engine.Range],
        *,
        at: str,
        by: str,
        reason: str | None,
    ) -> None:
        """Note what a counter of somebody was at the beginning of a day."""
        hashed = self.hashed(transaction, counter.per, key)
        rows = []
        for fact in counter.facts:
            tally = engine.Tally.of(counts[fact]) if fact in counts else engine.Tally(most=None)
            rows.append(
                {
                    "id": id, "fact": fact, "counter": counter.name, "meaning": counter.meaning, "key": hashed,
                    "day": day.isoformat(), "low": tally.least, "high": tally.most, "at": at, "by": by, "reason": reason,
                }
            )  # fmt: skip
        transaction.execute(sa.insert(opening), rows)

    def note(self, transaction: sa.Connection, counting: engine.Counting, day: date) -> None:
        """Note that what was committed until a day was counted under these meanings."""
        last = day.isoformat()
        here = counted.c.counting == counting.meaning
        noted = transaction.execute(sa.select(sa.func.min(counted.c.last)).where(here)).scalar_one_or_none()
        if noted is None:
            meanings = ["", *(each.meaning for each in counting.counters)]  # the empty one stands where there is no counter
            rows = [{"counting": counting.meaning, "meaning": each, "last": last} for each in meanings]
            transaction.execute(sa.insert(counted), rows)
        elif noted < last:
            transaction.execute(sa.update(counted).where(here).values(last=last))

    def _anybody_s(self, connection: sa.Connection, counter: engine.Counter, after: int, without: str, foreign: bool) -> Found:
        """Whose the counter is, is not known: whatever was committed since may be the same one's."""
        rows = connection.execute(_MOVED_LATER, {"counter": counter.name, "after": after, "without": without})
        return Found(later={row.fact: _tally(row, 1, certain=False) for row in rows}, foreign=foreign)

    def _moved(
        self,
        connection: sa.Connection,
        asked: Sequence[Wanted],
        begun: Mapping[str, Opening],
        after: int,
        without: str,
        found: dict[str, Found],
    ) -> None:
        given: dict[str, Any] = {"after": after, "without": without}
        for number, each in enumerate(asked):
            opened = begun.get(each.counter.name)
            given |= {
                f"counter_{number}": each.counter.name,
                f"meaning_{number}": each.counter.meaning,
                f"key_{number}": each.keys[0],
                f"keys_{number}": each.keys,
                f"first_{number}": each.first.isoformat(),
                f"last_{number}": each.last,
                f"since_{number}": opened.day.isoformat() if opened else ALWAYS,
            }
        parts: list[tuple[dict[str, engine.Tally], ...]] = [({}, {}, {}) for _ in asked]
        for row in connection.execute(_moved(len(asked)), given):
            for column, part in zip((3, 7, 11), parts[row.number], strict=True):
                part[row.fact] = part.get(row.fact, NOTHING) + _tally(row, column, certain=bool(row.exact))
        for each, (window, since, later) in zip(asked, parts, strict=True):
            name = each.counter.name
            found[name] = Found(window, begun.get(name), since, later, found[name].foreign)

    def _openings(self, connection: sa.Connection, asked: Sequence[Wanted]) -> dict[str, Opening]:
        """The last count that each counter was opened with: of the latest day, and of these the one told last."""
        by_counter = {each.counter.name: each for each in asked}
        given = {"counters": list(by_counter), "keys": [each.keys[0] for each in asked]}
        found: dict[str, Opening] = {}
        for row in connection.execute(_OPENINGS, given):
            each = by_counter[row.counter]
            if (row.key, row.meaning) != (each.keys[0], each.counter.meaning) or row.day > each.last:
                continue
            opened = found.setdefault(row.counter, Opening(row.id, date.fromisoformat(row.day), {}))
            if opened.id == row.id:
                opened.counts[row.fact] = engine.Tally(row.low, row.low, row.high)
        return found


def _tally(row: Any, at: int, *, certain: bool) -> engine.Tally:
    """The sums of a row from a column on; rows of another key that may be this one add nothing for certain."""
    largest, least, most, endless = (int(each) for each in row[at : at + 4])
    return engine.Tally(largest if certain else 0, least if certain else 0, None if endless else most)
