"""What an administrator sees and changes of callers: the persons who are known, and the sessions at the pages."""

from collections.abc import Sequence
from datetime import timedelta

import sqlalchemy as sa

from service.callers import known_persons, sessions
from service.callers.context import Administering
from service.callers.known_persons import KnownPerson
from service.callers.sessions import Session
from service.problems import RequestRefused
from service.store.writer import Writer

Place = tuple[str, str]  # a moment and an id, after which a page begins


def persons(
    context: Administering, after: Place | None, limit: int, connection: sa.Connection
) -> tuple[Sequence[KnownPerson], Place | None]:
    """At most `limit` persons, the first one first; and the place to go on after, None at the end."""
    found = known_persons.listed(connection, after, limit + 1)
    return found[:limit], (found[limit - 1].known_at, found[limit - 1].id) if len(found) > limit else None


def erase_person(context: Administering, id: str, writer: Writer, transaction: sa.Connection) -> Sequence[str]:
    """Erase who a person is. Gives the ids of her sessions, which have ended. Raises KeysLeft, and RequestRefused if there is none."""
    hers = sessions.of_person(transaction, id)
    if not known_persons.forget(writer, transaction, id, context.caller.id, context.now):
        raise RequestRefused("not-found", "there is no person with this id, or she was erased before")
    return hers


def running_sessions(
    context: Administering, after: Place | None, limit: int, connection: sa.Connection
) -> tuple[Sequence[Session], Place | None]:
    """At most `limit` sessions that run, the newest first; and the place to go on after, None at the end."""
    idle = timedelta(minutes=context.settings.session_idle_minutes)
    found = sessions.running(connection, context.now, idle, after, limit + 1)
    return found[:limit], (found[limit - 1].created_at, found[limit - 1].id) if len(found) > limit else None


def end_session(context: Administering, id: str, transaction: sa.Connection) -> Session:
    """End a session. Raises RequestRefused if there is none."""
    ended = sessions.end(transaction, id, context.now)
    if ended is None:
        raise RequestRefused("not-found", "there is no session with this id")
    return ended
