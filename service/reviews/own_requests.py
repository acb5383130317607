"""
Nobody approves what she asked for herself: not on her own decision, and not on another decision on the same facts. What she approved
does not count either in a decision that she asks for later: the decision is made, and waits in the queue, as if she had not signed.

Who asked is in the record, as the id of a caller. Looked at are the decision itself, the decisions on the same facts that anything was
signed for, and the callers whom the case of these facts remembers (`review_cases.MOST_ASKERS`). Two callers are the same person if they
have the same issuer and subject. Where the service knows no persons, since no key was ever made and no issuer is set, everybody is
`local`, and nobody can be told apart.

INVARIANT (an erasure lets nobody through): a person who was erased may be anybody whom the service did not know before the erasure.
"""

from collections.abc import Iterator, Sequence

import sqlalchemy as sa

from service.callers import known_persons
from service.callers.caller import LOCAL, Caller
from service.callers.known_persons import Identity
from service.log import review_cases
from service.log.leaf import with_personal_values
from service.log.store import Stored
from service.problems import RequestRefused
from service.reviews.standing_sign_off import Row
from service.store.tables import entry, record, sign_off

MOST_DECISIONS = 50  # on the same facts that anything was signed for, whose callers are looked at; the newest


def check(connection: sa.Connection, stored: Stored, facts: str, caller: Caller, token_issuer: str | None) -> None:
    """Raises RequestRefused if a caller may not approve a decision, since she asked for it or for another on the same facts."""
    if is_own(connection, stored, facts, caller, token_issuer):
        raise RequestRefused("own-request", "who asked for a decision may not approve it; another person has to")


def is_own(connection: sa.Connection, stored: Stored, facts: str, caller: Caller, token_issuer: str | None) -> bool:
    """
    Whether a caller asked for a decision, or for another on the same facts; or may have, before she was erased.

    `token_issuer` is the issuer of tokens that is set.
    """
    if caller.id == LOCAL.id:
        return False
    who = known_persons.identity(connection, caller, token_issuer)
    return who.may_be(_askers(connection, stored, facts), known_persons.erasures(connection))


def asker_of(stored: Stored) -> str | None:
    """The id of the caller who asked for a decision."""
    by = with_personal_values(stored.entry.leaf, stored.entry.openings).get("asked_by")
    return None if by is None else str(by)


class Counting:
    """
    Which sign-offs count in a decision: those that whoever asks for it did not give herself. Refusals always count.

    `token_issuer` is the issuer of tokens that is set. It remembers whom it has looked up, so it belongs to one reading.
    """

    def __init__(self, connection: sa.Connection, token_issuer: str | None) -> None:
        self._connection = connection
        self._token_issuer = token_issuer
        self._known: dict[str, Identity] = {}
        self._erased: dict[str, str] | None = None

    def for_caller(self, said: Sequence[Row], asker: Caller | None) -> Sequence[Row]:
        """Of the sign-offs of some facts, in order, those that count for a caller. Nobody asks where `asker` is None."""
        if asker is None or asker.id == LOCAL.id or not said:
            return said
        return self._of_others(said, known_persons.identity(self._connection, asker, self._token_issuer))

    def for_id(self, said: Sequence[Row], asked_by: str | None) -> Sequence[Row]:
        """Of the sign-offs of some facts, in order, those that count in a decision that the caller with an id asked for."""
        if asked_by is None or asked_by == LOCAL.id or not said:
            return said
        if asked_by not in self._known:
            self._known[asked_by] = known_persons.identity_of(self._connection, asked_by, self._token_issuer)
        return self._of_others(said, self._known[asked_by])

    def for_decision(self, said: Sequence[Row], stored: Stored) -> Sequence[Row]:
        """Of the sign-offs of some facts, in order, those that count in a decision on them."""
        return self.for_id(said, asker_of(stored)) if said else said

    def _of_others(self, said: Sequence[Row], who: Identity) -> Sequence[Row]:
        if self._erased is None:
            self._erased = known_persons.erasures(self._connection)
        erased = self._erased
        return [row for row in said if row["verdict"] != "approve" or not who.may_be((row["given_by"],), erased)]


def _askers(connection: sa.Connection, stored: Stored, facts: str) -> Iterator[str]:
    """The ids of the callers who asked for a decision, and for others on the same facts."""
    own = asker_of(stored)
    if own is not None:
        yield own
    signed = sa.select(sign_off.c.decision).where(sign_off.c.facts == facts).distinct()
    asked = sa.select(entry.c.caller).join(record, record.c.sequence == entry.c.sequence).where(record.c.id.in_(signed))
    for by in connection.execute(asked.order_by(entry.c.sequence.desc()).limit(MOST_DECISIONS)).scalars():
        if by is not None:
            yield str(by)
    yield from review_cases.askers_of(connection, facts)
