"""
What a commitment's outcome rests on besides the day: policies, entries of the register, counters, the books of rights, sign-offs, what is
confirmed or signed of documents and who is trusted to sign, and that nothing is erased.

A ground is kept as a short token, which moves when the ground does. So a round compares tokens, and decides again only what has moved.
A token holds nothing of an entity or of a key: they are named by keyed hashes, as in the ledger.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

import sqlalchemy as sa

from service.ledger import rights_book
from service.ledger.counter_book import Book
from service.ledger.counter_sums import ALWAYS, NOT_FOUND, CounterQuery
from service.ledger.counter_totals import Moment
from service.policies.live import Live
from service.store.tables import document_confirmation, entity, entity_alias, movement, sign_off
from service.watch.watched_commitments import WatchedRow

# Why a commitment is decided again. `new`: the watch has not seen it. `day`: a day comes near on which a test may change.
Reason = Literal["new", "erased", "bundle", "register", "counters", "rights", "sign-offs", "documents", "day"]
# In the place of a key that is not known, where the caller stated a count: whatever anybody commits is added to it.
ANY_KEY = "*"
_REGISTER = ("register",)  # what the hash of an entity's name is per


@dataclass(frozen=True, slots=True)
class PromisedDuty:
    """A duty that was promised, and its last day."""

    day: date
    duty: str
    who: str


@dataclass(frozen=True, slots=True)
class Grounds:
    """
    The tokens by which a commitment was decided. `dues` are the duties not told yet.

    `entities` has a token for the hash of each entity, `counters` the name, the meaning, the keys and the token of each counter, `rights` a
    token for the hash of the asset, `documents` the token of what is confirmed; it is empty where no document is stated with a hash.
    """

    entities: Mapping[str, str] = field(default_factory=dict)
    counters: tuple[tuple[str, str, tuple[str, ...], str], ...] = ()
    dues: tuple[PromisedDuty, ...] = ()
    rights: Mapping[str, str] = field(default_factory=dict)
    documents: str = ""

    def text(self) -> str:
        """As a row holds it."""
        dues = [[each.day.isoformat(), each.duty, each.who] for each in self.dues]
        held = {
            "entities": dict(self.entities),
            "counters": self.counters,
            "dues": dues,
            "rights": dict(self.rights),
            "documents": self.documents,
        }
        return json.dumps({name: each for name, each in held.items() if each}, separators=(",", ":"))

    @classmethod
    def read(cls, text: str) -> "Grounds":
        """From a row."""
        held = json.loads(text)
        return cls(
            held.get("entities", {}),
            tuple((name, meaning, tuple(keys), token) for name, meaning, keys, token in held.get("counters", ())),
            tuple(PromisedDuty(date.fromisoformat(day), duty, who) for day, duty, who in held.get("dues", ())),
            held.get("rights", {}),
            held.get("documents", ""),
        )


class GroundTokens:
    """
    The present tokens of all grounds, for one round. Those of counters are looked up once each.

    `signers` is the digest of the trusted signers of documents.
    """

    def __init__(
        self, connection: sa.Connection, live: Live, book: Book, today: date, now: datetime | None, signers: str = ""
    ) -> None:
        self.live = live
        self.moment = Moment(today, now)
        self._book = book
        self._by_meaning = {each.meaning: each for each in live.counting.counters}
        self._counters: dict[tuple[str, tuple[str, ...]], str] = {}
        self._rights: dict[str, str] = {}
        self._entities = self._registered(connection)
        self.sign_offs: int = connection.execute(
            sa.select(sa.func.coalesce(sa.func.max(sign_off.c.number), -1) + 1)
        ).scalar_one()

        confirmed = sa.select(sa.func.max(document_confirmation.c.number), sa.func.count(document_confirmation.c.binding))
        # With the trusted signers, since what is signed counts by them. Without any the token is what it was before there were signers.
        self.documents: str = " ".join([*map(str, connection.execute(confirmed).one()), *filter(None, [signers])])

    @property
    def registers(self) -> bool:
        """Whether the register ever had anything."""
        return bool(self._entities)

    def hashed(self, connection: sa.Connection, kind: str, id: str) -> str:
        """The keyed hash of an entity's name."""
        return self._book.hashed(connection, _REGISTER, (f"{kind}/{id}",))

    def held(self, connection: sa.Connection, kind: str, id: str) -> bool:
        """Whether the register ever had an entity of this name."""
        return bool(self._entities) and bool(self.entity(self.hashed(connection, kind, id)))

    def entity(self, hashed: str) -> str:
        """The token of an entity: it moves with each version. Empty where the register has none."""
        return self._entities.get(hashed, "")

    def counter(self, connection: sa.Connection, meaning: str, keys: tuple[str, ...]) -> str:
        """The token of a counter for a key: its sums in the window of today. Empty where the policies have no such counter."""
        place = meaning, keys
        if place not in self._counters:
            found = ""
            if keys == (ANY_KEY,):
                newest = sa.select(sa.func.max(movement.c.sequence)).where(movement.c.meaning == meaning)
                found = str(connection.execute(newest).scalar_one())
            elif counter := self._by_meaning.get(meaning):
                day = self.moment.day(counter)
                last = ALWAYS if self.moment.now else day.isoformat()
                wanted = CounterQuery(counter, keys[:1], keys, counter.window.first(day), last)
                sums = self._book.find(connection, [wanted]).get(counter.name, NOT_FOUND)
                opening = sums.opening.id if sums.opening else ""
                tallies = [
                    [fact, each.largest, each.least, each.most]
                    for part in (sums.window, sums.since)
                    for fact, each in part.items()
                ]
                found = f"{opening} {sums.foreign} {json.dumps(sorted(tallies, key=repr))}"
            self._counters[place] = found
        return self._counters[place]

    def rights(self, connection: sa.Connection, asset: str) -> str:
        """The token of an asset in the books of rights: it moves with what is withdrawn, ended or opened; empty before that."""
        if asset not in self._rights:
            self._rights[asset] = rights_book.change_mark(connection, asset)
        return self._rights[asset]

    def reasons(self, connection: sa.Connection, row: WatchedRow, until: date) -> tuple[Reason, ...]:
        """Why a commitment is to be decided again, with a look ahead until a day; none where nothing has moved."""
        seen = row.watched
        if seen is None:
            return ("new",)
        held = Grounds.read(seen.watched_grounds)
        moved: dict[Reason, bool] = {
            "erased": row.erased and not seen.watched_erased,
            "bundle": seen.watched_meaning != self.live.digests.meaning,
            "register": any(self.entity(hashed) != token for hashed, token in held.entities.items()),
            "counters": bool(self.moved_counters(connection, held)),
            "rights": any(self.rights(connection, asset) != token for asset, token in held.rights.items()),
            "sign-offs": 0 <= seen.watched_sign_offs < self.sign_offs,
            "documents": held.documents not in ("", self.documents),
            "day": seen.watched_next_day is not None and seen.watched_next_day <= until.isoformat(),
        }
        if seen.watched_erased:
            return ("day",) if moved["day"] else ()
        return tuple(reason for reason, yes in moved.items() if yes)

    def moved_counters(self, connection: sa.Connection, held: Grounds) -> list[str]:
        """The names of the counters whose tokens have moved."""
        return [name for name, meaning, keys, token in held.counters if self.counter(connection, meaning, keys) != token]

    def _registered(self, connection: sa.Connection) -> dict[str, str]:
        columns = (entity.c.kind, entity.c.id, entity.c.version, entity.c.state, entity.c.recorded_at)
        tokens: dict[tuple[str, str], str] = {}
        for row in connection.execute(sa.select(*columns).order_by(entity.c.kind, entity.c.id, entity.c.version)):
            tokens[row.kind, row.id] = f"{row.version} {row.state} {row.recorded_at}"
        found = {self.hashed(connection, kind, id): token for (kind, id), token in tokens.items()}
        for row in connection.execute(sa.select(entity_alias)):
            found[self.hashed(connection, row.kind, row.alias)] = tokens.get((row.kind, row.id), "")
        return found
