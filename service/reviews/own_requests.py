"""
Nobody approves what she asked for herself: not on her own decision, and not on another decision on the same facts. What she approved
does not count either in a decision that she asks for later.

Who asked is in the record, as the id of a caller. Looked at are the decision itself, the decisions on the same facts that anything was
signed for, and the callers whom the case of these facts remembers (`review_cases.MOST_ASKERS`). Two callers are the same person if they
have the same issuer and subject. Where the service knows no persons, since no key was ever made and no issuer is set, everybody is
`local`, and nobody can be told apart.
"""

from collections.abc import Iterator, Sequence

import sqlalchemy as sa

import engine
from service.callers import known_persons
from service.callers.caller import LOCAL, Caller
from service.log import review_cases
from service.log.leaf import clear
from service.log.store import Stored
from service.problems import RequestRefused
from service.store.tables import entry, record, sign_off

MOST_DECISIONS = 50  # on the same facts that anything was signed for, whose callers are looked at; the newest


def check(connection: sa.Connection, stored: Stored, facts: str, caller: Caller, token_issuer: str | None) -> None:
    """Raises RequestRefused if a caller may not approve a decision, since she asked for it or for another on the same facts."""
    if is_own(connection, stored, facts, caller, token_issuer):
        raise RequestRefused("own-request", "who asked for a decision may not approve it; another person has to")


def is_own(connection: sa.Connection, stored: Stored, facts: str, caller: Caller, token_issuer: str | None) -> bool:
    """Whether a caller asked for a decision, or for another on the same facts. `token_issuer` is the issuer of tokens that is set."""
    if caller.id == LOCAL.id:
        return False
    return not known_persons.names_of(connection, caller, token_issuer).isdisjoint(_askers(connection, stored, facts))


def of_others(
    connection: sa.Connection, found: Sequence[engine.Approval], asker: Caller | None, token_issuer: str | None
) -> list[engine.Approval]:
    """The approvals that count in a decision: those under which who asks for it has not signed. Nobody asks where `asker` is None."""
    if asker is None or asker.id == LOCAL.id or not found:
        return list(found)
    own = known_persons.names_of(connection, asker, token_issuer)
    return [each for each in found if own.isdisjoint((each.by, *(other.by for other in each.also)))]


def _askers(connection: sa.Connection, stored: Stored, facts: str) -> Iterator[str]:
    """The ids of the callers who asked for a decision, and for others on the same facts."""
    own = clear(stored.entry.leaf, stored.entry.openings).get("asked_by")
    if own is not None:
        yield str(own)
    signed = sa.select(sign_off.c.decision).where(sign_off.c.facts == facts).distinct()
    asked = sa.select(entry.c.caller).join(record, record.c.sequence == entry.c.sequence).where(record.c.id.in_(signed))
    for by in connection.execute(asked.order_by(entry.c.sequence.desc()).limit(MOST_DECISIONS)).scalars():
        if by is not None:
            yield str(by)
    yield from review_cases.askers_of(connection, facts)
