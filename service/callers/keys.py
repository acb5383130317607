"""
API keys: making, listing, revoking and looking them up.

A key is `ff_<id>_<secret>`. The secret has 256 random bits and is shown once, when the key is made; the database holds its SHA-256. (A
slow hash protects secrets that can be guessed; this one cannot be.) Rows are never deleted. So an id in a record can always be looked
up, and a service that once needed keys always needs them.
"""

import asyncio
import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa

from service.callers import known_persons
from service.callers.caller import OF_A_PARTY, SCOPES, Caller
from service.callers.person import Person
from service.callers.row_cache import CACHED_SECONDS, RowCache
from service.log.tree_leaves import LogEvent, append
from service.store.admissions import admissions, changing_admissions
from service.store.database import Database
from service.store.moments import moment_text
from service.store.row_seals import KEY, PERSON, SealBroken, changing, check
from service.store.tables import caller as rows
from service.store.tables import entity_alias, person

MOST_CHARACTERS = 100  # in a name

# The keys with the persons to whom they belong.
_KEYS: sa.Select[Any] = sa.select(
    *(column for column in rows.c if column.name != "person"),
    rows.c.person.label("of_person"),
    person.c.issuer,
    person.c.subject,
    person.c.name.label("person_name"),
).select_from(rows.outerjoin(person, rows.c.person == person.c.id))
_KEY = re.compile(r"ff_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")


@dataclass(frozen=True, slots=True)
class Key:
    """
    A key as the database has it. `expires_on` is the last day, in UTC, on which it is valid.

    `party` is the id of the party to which it belongs, None for an operator's key. `person` is to whom it belongs, None for a program's.
    """

    id: str
    name: str
    scopes: tuple[str, ...]
    secret_hash: bytes
    created_at: str
    created_by: str
    expires_on: str | None
    revoked_at: str | None
    revoked_by: str | None
    party: str | None = None
    person: Person | None = None

    def good(self, now: datetime) -> bool:
        """Whether the key is neither revoked nor expired."""
        return self.revoked_at is None and (
            self.expires_on is None or now.astimezone(UTC).date().isoformat() <= self.expires_on
        )

    def shown(self) -> dict[str, Any]:
        """The key as it may be shown: without the hash."""
        shown = {name: getattr(self, name) for name in self.__slots__ if name != "secret_hash"}
        return {**shown, "person": None if self.person is None else asdict(self.person)}

    def caller(self) -> Caller:
        """The caller that the key stands for."""
        return Caller(f"key:{self.id}", frozenset(self.scopes), self.party, self.person, self.name)


@dataclass(frozen=True, slots=True)
class Presented:
    """A key as a caller sent it."""

    id: str
    secret: str

    @classmethod
    def read(cls, text: str) -> "Presented | None":
        """The parts of a key, or None where the text is not a key."""
        found = _KEY.fullmatch(text)
        return None if found is None else cls(found[1], found[2])

    def opens(self, key: Key) -> bool:
        """Whether this is that key. The check takes the same time for every wrong secret."""
        return hmac.compare_digest(_hash(self.secret), key.secret_hash)


def create(
    transaction: sa.Connection,
    name: str,
    scopes: Iterable[str],
    expires_on: date | None,
    by: str,
    now: datetime,
    party: str | None = None,
    person: Person | None = None,
) -> tuple[Key, str]:
    """
    Make a key, in a writing transaction. Returns the row, and the key itself, which cannot be shown again.

    A `party` that the register knows by another name is kept by its id there. Raises ValueError if a party's key would have a scope
    that is not in OF_A_PARTY.
    """
    secret = secrets.token_urlsafe(32)
    given = frozenset(scopes)
    if party is not None and not given <= set(OF_A_PARTY):
        raise ValueError("a party's key has another scope than a party may have")
    key = Key(
        id=secrets.token_hex(6),
        name=name,
        scopes=tuple(scope for scope in SCOPES if scope in given),
        secret_hash=_hash(secret),
        created_at=moment_text(now),
        created_by=by,
        expires_on=None if expires_on is None else expires_on.isoformat(),
        revoked_at=None,
        revoked_by=None,
        party=None if party is None else _registered(transaction, party),
        person=person,
    )
    of = None if person is None else known_persons.known(transaction, person, now)
    row = {
        "id": key.id,
        "name": key.name,
        "scopes": " ".join(key.scopes),
        "secret_hash": key.secret_hash,
        "created_at": key.created_at,
        "created_by": key.created_by,
        "expires_on": key.expires_on,
        "party": key.party,
        "person": of,
    }
    made = {"key": key.id, "scopes": list(key.scopes), "expires_on": key.expires_on}
    hidden = {"name": name, "by": by, "secret_hash": key.secret_hash.hex()}
    if key.party is not None:
        hidden["party"] = key.party
    if of is not None:
        made["person"] = of
    with changing(transaction, KEY, key.id), changing_admissions(transaction):
        transaction.execute(sa.insert(rows).values(row))
        append(transaction, LogEvent("key-made", key.created_at, made, hidden))
    return key, f"ff_{key.id}_{secret}"


def revoke(transaction: sa.Connection, id: str, by: str, now: datetime) -> Key | None:
    """Revoke a key for good, in a writing transaction. Returns the row, or None where there is none. The first revocation stays."""
    if "\x00" in id:  # PostgreSQL cannot store such a text
        return None
    at = moment_text(now)
    changed = sa.update(rows).where(rows.c.id == id, rows.c.revoked_at.is_(None)).values(revoked_at=at, revoked_by=by)
    with changing(transaction, KEY, id), changing_admissions(transaction):
        if transaction.execute(changed).rowcount:
            append(transaction, LogEvent("key-revoked", at, {"key": id}, {"by": by}))
    return find(transaction, id)


def find(connection: sa.Connection, id: str) -> Key | None:
    """
    The key with this id, revoked or not.

    Raises SealBroken where it, or the person to whom it belongs, has not its seal, or is an older one.
    """
    check(connection, KEY, [id])
    row = connection.execute(_KEYS.where(rows.c.id == id)).one_or_none()
    known = admissions(connection)
    if known is not None and row is not None:
        known.check_key(id, revoked=row.revoked_at is not None)
    if row is not None and row.of_person is not None:
        check(connection, PERSON, [row.of_person])
    return None if row is None else _key(row)


def listed(connection: sa.Connection, after: tuple[str, str] | None = None, limit: int | None = None) -> list[Key]:
    """All keys that were ever made, the oldest first; at most `limit` of them, `after` a moment and an id, if these are given."""
    query = _KEYS.order_by(rows.c.created_at, rows.c.id).limit(limit)
    if after is not None:
        query = query.where(sa.tuple_(rows.c.created_at, rows.c.id) > sa.tuple_(*map(sa.literal, after)))
    return [_key(row) for row in connection.execute(query)]


class KeyRing:
    """
    The keys of a database as one process read them lately, so that its requests seldom wait for the database.

    Belongs to an event loop; the database is read in a thread.
    """

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock
        self._cache: RowCache[Key] = RowCache()
        self._any_made = False
        self._none_made_until = 0.0
        self._changes = 0

    async def caller(self, presented: Presented) -> Caller | None:
        """The caller that a key stands for; None where it is unknown, wrong, revoked or expired. Passes on errors of the database."""
        key = await self._find(presented.id)
        return key.caller() if key is not None and presented.opens(key) and key.good(self._clock()) else None

    async def owner(self, id: str) -> Caller | None:
        """The caller of the key with this id; None where it is unknown, revoked or expired. Passes on errors of the database."""
        key = await self._find(id)
        return key.caller() if key is not None and key.good(self._clock()) else None

    async def any_made(self) -> bool:
        """Whether a key was ever made. Passes on errors of the database."""
        if not self._any_made and time.monotonic() >= self._none_made_until:
            until, changes = time.monotonic() + CACHED_SECONDS, self._changes
            found = await asyncio.to_thread(self._look_for_any)
            self._any_made = self._any_made or found
            if changes == self._changes:
                self._none_made_until = until
        return self._any_made

    def any_good(self) -> bool:
        """Whether any key would be accepted now. Waits for the database."""
        now = self._clock()
        with self._database.reading.connect() as connection:
            return any(key.good(now) for key in listed(connection))

    def changed(self, id: str) -> None:
        """This process made or revoked a key, so its cached entry is dropped at once."""
        self._changes += 1  # a read that is under way may be older than this change
        self._cache.changed(id)
        self._none_made_until = 0.0

    async def _find(self, id: str) -> Key | None:
        return await self._cache.find(id, self._look_for)

    def _look_for(self, id: str) -> Key | None:
        with self._database.reading.connect() as connection:
            return find(connection, id)

    def _look_for_any(self) -> bool:
        with self._database.reading.connect() as connection:
            found = connection.execute(sa.select(rows.c.id).limit(1)).first() is not None
            known = None if found else admissions(connection)
            if known is not None and known.keys:
                raise SealBroken("the keys")
            return found


def _registered(transaction: sa.Connection, party: str) -> str:
    """The id of a party in the register, where the register knows it by another name; otherwise the name as it is."""
    here = sa.select(entity_alias.c.id).where(entity_alias.c.kind == "party", entity_alias.c.alias == party)
    return transaction.execute(here).scalar_one_or_none() or party


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("ascii")).digest()


def _key(row: sa.Row[Any]) -> Key:
    values = row._asdict()
    del values["of_person"]
    issuer, subject, named = (values.pop(name) for name in ("issuer", "subject", "person_name"))
    values["person"] = None if issuer is None else Person(issuer, subject, named)
    return Key(**{**values, "scopes": tuple(values["scopes"].split()), "secret_hash": bytes(values["secret_hash"])})
