"""
Sessions: who signed in at the pages, for how long, and when she was seen last.

A session belongs to a person, whom an issuer of identities named, or to an API key. Its cookie is `<id>_<secret>`. The secret has 256
random bits; the database holds its SHA-256. A session ends when its time is over, when it was not used for long, when somebody signs out,
when its key is revoked, and when its person is erased or belongs to another issuer than the one that is set.

- INVARIANT (no fixation): every sign-in makes a new session and ends the one that the browser had.
- INVARIANT (once): no second session has the same `sign_in`.
"""

import asyncio
import hashlib
import hmac
import re
import secrets
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from service.callers import known_persons
from service.callers.caller import SCOPES, Caller
from service.callers.keys import KeyRing
from service.callers.person import Person
from service.callers.row_cache import RowCache
from service.limits import ENDED_SESSION_DAYS
from service.log.tree_leaves import LogEvent, append
from service.store.admissions import admissions, changing_admissions
from service.store.database import Database
from service.store.moments import moment_text
from service.store.row_seals import KEY, PERSON, SealBroken, changing, check
from service.store.tables import person as persons
from service.store.tables import session as rows
from service.store.writer import NotRecorded

SEEN_SECONDS = 60  # `seen_at` is written again after so long
PURGED_AT_ONCE = 100
MOST_LISTED = 1000
FAR = timedelta(hours=1)  # clocks of machines that work together differ by less

_COOKIE = re.compile(r"([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
_ROWS: sa.Select[Any] = sa.select(rows, persons.c.issuer, persons.c.subject, persons.c.name).select_from(
    rows.outerjoin(persons, rows.c.person == persons.c.id)
)

Do = Callable[[Callable[[sa.Connection], Any]], Awaitable[Any]]


class SignedInBefore(Exception):
    """A session began with this sign-in already."""


@dataclass(frozen=True, slots=True)
class Lifetime:
    """How long a session lasts: in all, and without being used."""

    whole: timedelta
    idle: timedelta


@dataclass(frozen=True, slots=True)
class Session:
    """A session as the database has it. Moments are texts. `person` is None for a session of a key, and after an erasure."""

    id: str
    secret_hash: bytes
    person_id: str | None
    person: Person | None
    key: str | None
    scopes: tuple[str, ...]
    party: str | None
    created_at: str
    seen_at: str
    expires_at: str
    ended_at: str | None

    @property
    def caller_id(self) -> str:
        """The id of the caller whom the session stands for."""
        return f"key:{self.key}" if self.key else f"{known_persons.PREFIX}{self.person_id}"

    def runs(self, now: datetime, idle: timedelta) -> bool:
        """
        Whether the session has not ended, its time is not over, and it was used lately.

        One that was used far in the future is of a clock that was ahead: its time would be over much too late.
        """
        lately = moment_text(now - idle) < self.seen_at <= moment_text(now + FAR)
        return lately and self.ended_at is None and moment_text(now) < self.expires_at

    def shown(self) -> dict[str, Any]:
        """The session as it may be shown: without the hash."""
        said = {"id": self.id, "caller": self.caller_id, "name": None if self.person is None else self.person.shown}
        times = {name: getattr(self, name) for name in ("created_at", "seen_at", "expires_at", "ended_at")}
        return {**said, "scopes": list(self.scopes), "party": self.party, **times}


@dataclass(frozen=True, slots=True)
class SessionGrant:
    """
    What somebody who signs in gets. Either `person` or `key`, the id of a key, is not None.

    `sign_in` is a digest of the sign-in, None if it may happen twice. `replaces` is the id of the session that ends with it.
    """

    scopes: Sequence[str]
    person: Person | None = None
    key: str | None = None
    party: str | None = None
    sign_in: str | None = None
    replaces: str | None = None


def begin(transaction: sa.Connection, grant: SessionGrant, lifetime: Lifetime, now: datetime) -> tuple[Session, str]:
    """
    Begin a session, in a writing transaction. Returns it, and the value of its cookie, which cannot be shown again.

    A person who is new is written down, also into the log. Raises SignedInBefore.
    """
    if grant.sign_in is not None:
        same = sa.select(rows.c.id).where(rows.c.sign_in == grant.sign_in)
        if transaction.execute(same).first() is not None:
            raise SignedInBefore
    of = None if grant.person is None else known_persons.known(transaction, grant.person, now)
    secret = secrets.token_urlsafe(32)
    made = Session(
        id=secrets.token_hex(6),
        secret_hash=_hash(secret),
        person_id=of,
        person=grant.person,
        key=grant.key,
        scopes=tuple(scope for scope in SCOPES if scope in grant.scopes),
        party=grant.party,
        created_at=moment_text(now),
        seen_at=moment_text(now),
        expires_at=moment_text(now + lifetime.whole),
        ended_at=None,
    )
    row = {
        "id": made.id,
        "secret_hash": made.secret_hash,
        "person": of,
        "key": made.key,
        "scopes": " ".join(made.scopes),
        "party": made.party,
        "sign_in": grant.sign_in,
        "created_at": made.created_at,
        "seen_at": made.seen_at,
        "expires_at": made.expires_at,
    }
    owner = {"key": made.key} if made.key else {"person": of}
    told: dict[str, Any] = {"session": made.id, "scopes": list(made.scopes), "until": made.expires_at, **owner}
    with _changing(transaction, of, made.key):
        transaction.execute(sa.insert(rows).values(row))
        append(transaction, LogEvent("session-begun", made.created_at, told, {"party": made.party}))
    if grant.replaces is not None:
        end(transaction, grant.replaces, now)
    return made, f"{made.id}_{secret}"


def end(transaction: sa.Connection, id: str, now: datetime) -> Session | None:
    """End a session, in a writing transaction; None where there is none. The first end stays."""
    if "\x00" in id:  # PostgreSQL cannot store such a text
        return None
    session, at = find(transaction, id), moment_text(now)
    if session is None or session.ended_at is not None:
        return session
    with _changing(transaction, session.person_id, session.key), changing_admissions(transaction):
        transaction.execute(sa.update(rows).where(rows.c.id == id).values(ended_at=at))
        append(transaction, LogEvent("session-ended", at, {"session": id}))
    return find(transaction, id)


def find(connection: sa.Connection, id: str) -> Session | None:
    """The session with an id, ended or not. Raises SealBroken where its owner has not its seal, or its row is an older one."""
    row = connection.execute(_ROWS.where(rows.c.id == id)).one_or_none()
    if row is None:
        return None
    check(connection, *((PERSON, [row.person]) if row.key is None else (KEY, [row.key])))
    known = admissions(connection)
    if known is not None:
        known.check_session(id, ended=row.ended_at is not None)
    return _session(row)


def running(
    connection: sa.Connection,
    now: datetime,
    idle: timedelta,
    after: tuple[str, str] | None = None,
    limit: int = MOST_LISTED,
) -> list[Session]:
    """
    The sessions that run, at most `limit`, the newest first; `after` the moment at which one began and its id, if these are given.

    That of a revoked key is among them, and is worth nothing.
    """
    lately = (rows.c.seen_at > moment_text(now - idle), rows.c.seen_at <= moment_text(now + FAR))
    still = (rows.c.ended_at.is_(None), rows.c.expires_at > moment_text(now), *lately)
    query = _ROWS.where(*still).order_by(rows.c.created_at.desc(), rows.c.id).limit(limit)
    if after is not None:
        began, id = after
        query = query.where(sa.or_(rows.c.created_at < began, sa.and_(rows.c.created_at == began, rows.c.id > id)))
    return [_session(row) for row in connection.execute(query)]


def of_person(connection: sa.Connection, person_id: str) -> list[str]:
    """The ids of the sessions of a person that did not end."""
    if "\x00" in person_id:
        return []
    mine = sa.select(rows.c.id).where(rows.c.person == person_id, rows.c.ended_at.is_(None))
    return list(connection.execute(mine).scalars())


def purge(transaction: sa.Connection, now: datetime) -> int:
    """Delete some of the sessions whose time is long over; returns how many."""
    old = transaction.execute(sa.select(rows.c.id, rows.c.person, rows.c.key).where(_is_old(now)).limit(PURGED_AT_ONCE)).all()
    persons_of, keys_of = ({each[at] for each in old if each[at] is not None} for at in (1, 2))
    owners = changing(transaction, PERSON, *sorted(persons_of)), changing(transaction, KEY, *sorted(keys_of))
    with owners[0], owners[1], changing_admissions(transaction):
        transaction.execute(sa.delete(rows).where(rows.c.id.in_([each.id for each in old])))
    return len(old)


def seen(transaction: sa.Connection, id: str, at: str) -> None:
    """Write when a session was used, in a writing transaction."""
    session = find(transaction, id)
    if session is not None and session.ended_at is None and session.seen_at < at:
        with _changing(transaction, session.person_id, session.key):
            transaction.execute(sa.update(rows).where(rows.c.id == id).values(seen_at=at))


def _changing(transaction: sa.Connection, person_id: str | None, key: str | None) -> AbstractContextManager[None]:
    """The change of a session, whose seal is that of its owner."""
    return changing(transaction, KEY, key) if key is not None else changing(transaction, PERSON, str(person_id))


def any_old(connection: sa.Connection, now: datetime) -> bool:
    """Whether there are sessions to delete."""
    return connection.execute(sa.select(rows.c.id).where(_is_old(now)).limit(1)).first() is not None


class Sessions:
    """
    The sessions of a database as one process read them lately, so that its pages seldom wait for it.

    `issuer` is the issuer of identities that is set, None if there is none; `do` does work in a writing transaction. Belongs to an event
    loop; the database is read in a thread.
    """

    def __init__(
        self,
        database: Database,
        keys: KeyRing,
        do: Do,
        clock: Callable[[], datetime],
        issuer: str | None,
        lifetime: Lifetime,
    ) -> None:
        self.lifetime = lifetime
        self._database = database
        self._keys = keys
        self._do = do
        self._clock = clock
        self._issuer = issuer
        self._cache: RowCache[Session] = RowCache()
        self._seeing: dict[str, asyncio.Task[None]] = {}

    async def caller(self, cookie: str) -> tuple[Caller, str] | None:
        """The caller whose session a cookie opens, and the session's id; None where it opens none. Passes on errors of the database."""
        sent = _COOKIE.fullmatch(cookie)
        if sent is None:
            return None
        session = await self._cache.find(sent[1], self._look_for)
        now = self._clock()
        if session is None or not hmac.compare_digest(_hash(sent[2]), session.secret_hash):
            return None
        if not session.runs(now, self.lifetime.idle):
            return None
        caller = await self._caller_of(session)
        if caller is None:
            return None
        if session.seen_at <= moment_text(now - timedelta(seconds=SEEN_SECONDS)):
            self._see(session.id)
        return caller, session.id

    def changed(self, *ids: str | None) -> None:
        """This process began or ended sessions, so they are read again at once."""
        self._cache.changed(*(id for id in ids if id is not None))

    async def _caller_of(self, session: Session) -> Caller | None:
        if session.key is not None:
            return await self._keys.owner(session.key)
        if session.person is None or session.person.issuer != self._issuer:
            return None
        return Caller(session.caller_id, frozenset(session.scopes), session.party, session.person)

    def _see(self, id: str) -> None:
        """Write that a session is used now, beside the request that uses it."""
        if id not in self._seeing:
            self._seeing[id] = asyncio.create_task(self._seen(id))

    async def _seen(self, id: str) -> None:
        at = moment_text(self._clock())
        try:
            with suppress(NotRecorded, SealBroken, sa.exc.SQLAlchemyError):
                await self._do(lambda transaction: seen(transaction, id, at))
                self._cache.changed(id)
        finally:
            del self._seeing[id]

    def _look_for(self, id: str) -> Session | None:
        with self._database.reading.connect() as connection:
            return find(connection, id)


def _is_old(now: datetime) -> sa.ColumnElement[bool]:
    return rows.c.expires_at < moment_text(now - timedelta(days=ENDED_SESSION_DAYS))


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("ascii")).digest()


def _session(row: sa.Row[Any]) -> Session:
    who = None if row.issuer is None else Person(row.issuer, row.subject, row.name)
    return Session(
        id=row.id,
        secret_hash=bytes(row.secret_hash),
        person_id=row.person,
        person=who,
        key=row.key,
        scopes=tuple(row.scopes.split()),
        party=row.party,
        created_at=row.created_at,
        seen_at=row.seen_at,
        expires_at=row.expires_at,
        ended_at=row.ended_at,
    )
