"""
The promises of the ledger as they are read and reported: pages, and the report that one was kept.

What was promised, by whom and to whom is read from the record of each commitment. An erased value is null.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Literal

import sqlalchemy as sa
from pydantic import Field

import engine
from service.callers.context import Committing, Reading, ReadingAll
from service.callers.sending import Sending
from service.ledger import party_view
from service.ledger.commitment_list import LedgerPart
from service.ledger.counter_book import Book
from service.ledger.hashed_names import party
from service.ledger.promise_book import Promises
from service.log.leaf import with_personal_values
from service.log.store import of_ids
from service.policies.live import Live
from service.problems import ProblemPlace, RequestRefused
from service.store.moments import moment_text
from service.store.tables import commitment, promise

PromiseState = Literal["due", "overdue", "kept"]

_AT_ONCE = 200  # records
_ORDER = (promise.c.due, promise.c.commitment, promise.c.number)
_COLUMNS = (*promise.columns, commitment.c.evaluation)


class PromisePart(LedgerPart):
    """
    A promise that a committed exchange brought with it, until the end of the day `due`.

    `kept` has a document that shows it, `overdue` none although the last day is over.
    """

    commitment: str = Field(description="the id of the commitment that brought it")
    number: int = Field(ge=0, description="which promise of the commitment it is, from 0")
    promise: str = Field(description="the name of the promise in the vocabulary")
    by: str | None = Field(default=None, description="the party that promises; null where it was not stated or was erased")
    to: str | None = Field(default=None, description="the party to which it is promised")
    terms: dict[str, Any] = Field(description="what is promised, as the exchange stated it; what was erased is not there")
    due: date = Field(description="the last day")
    state: PromiseState = Field(description="whether it is `due`, `overdue` or `kept`")
    kept_on: date | None = Field(default=None, description="the day of the document that shows that it was kept")
    late: bool | None = Field(default=None, description="whether that day is after the last day")
    evidence: str | None = Field(default=None, description="the kind of that document")
    document: str | None = Field(default=None, description="the SHA-256 of that document")
    reported_at: datetime | None = Field(default=None, description="when it was reported as kept")
    reported_by: str | None = Field(default=None, description="the caller who reported it")


Place = tuple[str, str, int]  # last day, commitment, number


_BOOK = Book()


class KeptSent(Sending):
    """The report that a promise was kept."""

    evidence: str = Field(max_length=160, description="the kind of the document, as the vocabulary names it")
    dated: date = Field(description="the day of the document")
    document: str = Field(pattern="^[0-9a-f]{64}$", description="the SHA-256 of the document, in hexadecimal")


def page(
    context: Reading,
    of: str | None,
    state: PromiseState | None,
    after: Place | None,
    limit: int,
    connection: sa.Connection,
) -> tuple[list[PromisePart], Place | None]:
    """
    Promises in the order of their last days, after a place: those of one party or in one state, if given; none that is void.

    And the place to go on after, None at the end. A caller who belongs to a party gets what this party promised. Raises RequestRefused.
    """
    of = party_view.of_exporter(of, context.caller)
    return promises(context.live, context.today, of, state, after, limit, connection)


def promises(
    live: Live,
    today: date,
    of: str | None,
    state: PromiseState | None,
    after: Place | None,
    limit: int,
    connection: sa.Connection,
) -> tuple[list[PromisePart], Place | None]:
    """The same for work that no caller asks for."""
    query = sa.select(*_COLUMNS).join(commitment, commitment.c.id == promise.c.commitment)
    query = query.where(commitment.c.state == "committed").order_by(*_ORDER).limit(limit + 1)
    if of is not None:
        query = query.where(promise.c.by == party(_BOOK, connection, of))
    match state:
        case "kept":
            query = query.where(promise.c.kept_on.is_not(None))
        case "overdue":
            query = query.where(promise.c.kept_on.is_(None), promise.c.due < today.isoformat())
        case "due":
            query = query.where(promise.c.kept_on.is_(None), promise.c.due >= today.isoformat())
    if after is not None:
        due, id, number = after
        later = sa.and_(
            promise.c.due == due,
            sa.or_(promise.c.commitment > id, sa.and_(promise.c.commitment == id, promise.c.number > number)),
        )
        query = query.where(sa.or_(promise.c.due > due, later))
    rows = connection.execute(query).all()
    last = rows[limit - 1] if len(rows) > limit else None
    return _told(live, today, connection, rows[:limit]), None if last is None else (last.due, last.commitment, last.number)


def of_commitment(context: ReadingAll, id: str, limit: int, connection: sa.Connection) -> list[PromisePart]:
    """The promises of one commitment, the first ones; none if it ended, since they are void then."""
    query = sa.select(*_COLUMNS).join(commitment, commitment.c.id == promise.c.commitment)
    query = query.where(promise.c.commitment == id, commitment.c.state == "committed").order_by(*_ORDER).limit(limit)
    return _told(context.live, context.today, connection, connection.execute(query).all())


def keep(context: Committing, id: str, number: int, sent: KeptSent, transaction: sa.Connection) -> PromisePart:
    """Report that a promise was kept, by a document of a day. Raises RequestRefused."""
    party_view.check_commitment(transaction, _BOOK, id, context.caller)
    row = _one(transaction, id, number)
    if row is None:
        raise RequestRefused("not-found", "the commitment has no such promise")
    if row.state != "committed":
        raise RequestRefused("commitment-ended", f"the commitment is {row.state}, so its promises are void")
    if row.kept_on is not None:
        raise RequestRefused("promise-kept", f"it was reported as kept on {row.kept_on}")
    promised = promised_by(context.live).get(row.name)
    if promised is None:
        raise RequestRefused("not-found", "the policies no longer have this promise")
    if sent.evidence not in promised.evidence:
        raise _wrong("/evidence", f"it is shown by {', '.join(f'`{each}`' for each in promised.evidence)}")
    if not date.fromisoformat(row.as_of) <= sent.dated <= context.today:
        raise _wrong("/dated", f"must be a day from {row.as_of}, when it was promised, until today")
    kept = Promises(_BOOK, context.settings.callers_counts)
    at, by = moment_text(context.now), context.caller.id
    kept.keep(transaction, id, number, sent.dated, sent.evidence, sent.document, at, by)
    return _told(context.live, context.today, transaction, [_one(transaction, id, number)])[0]


def promised_by(live: Live) -> Mapping[str, engine.Promise]:
    """The promises of a vocabulary, by their names."""
    return {each.name: each for each in live.counting.promises}


def _one(connection: sa.Connection, id: str, number: int) -> Any:
    here = (promise.c.commitment == id, promise.c.number == number)
    query = sa.select(*_COLUMNS, commitment.c.state, commitment.c.as_of)
    return connection.execute(query.join(commitment, commitment.c.id == promise.c.commitment).where(*here)).one_or_none()


def _told(live: Live, day: date, connection: sa.Connection, rows: Sequence[Any]) -> list[PromisePart]:
    requests = dict(_requests(connection, {row.evaluation for row in rows}))
    today, promised = day.isoformat(), promised_by(live)
    found = []
    for row in rows:
        request, known = requests[row.evaluation], promised.get(row.name)
        names = {} if known is None else {"by": known.by, "to": known.to}
        parties = {name: _at(request, fact) for name, fact in names.items()}
        terms = {} if known is None else {name: _at(request, fact) for name, fact in known.terms.items()}
        found.append(
            PromisePart(
                commitment=row.commitment,
                number=row.number,
                promise=row.name,
                by=parties.get("by"),
                to=parties.get("to"),
                terms={name: value for name, value in terms.items() if value is not None},
                due=date.fromisoformat(row.due),
                state="kept" if row.kept_on else "overdue" if row.due < today else "due",
                kept_on=None if row.kept_on is None else date.fromisoformat(row.kept_on),
                late=None if row.kept_on is None else row.kept_on > row.due,
                evidence=row.evidence,
                document=row.document,
                reported_at=None if row.reported_at is None else datetime.fromisoformat(row.reported_at),
                reported_by=row.reported_by,
            )
        )
    return found


def _requests(connection: sa.Connection, decisions: Iterable[str]) -> Iterable[tuple[str, Mapping[str, Any]]]:
    """The requests of some records, by the ids of their decisions."""
    asked = sorted(decisions)
    for at in range(0, len(asked), _AT_ONCE):
        for stored in of_ids(connection, asked[at : at + _AT_ONCE]):
            yield stored.entry.id, with_personal_values(stored.entry.leaf, stored.entry.openings)["request"]


def _at(request: Mapping[str, Any], fact: str) -> Any:
    """What a request states of a fact; None where it states nothing, or where it was erased."""
    value: Any = request
    for step in fact.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    erased = isinstance(value, Mapping) and value.keys() == {"commitment"}
    return None if erased or value == "unknown" else value


def _wrong(pointer: str, detail: str) -> RequestRefused:
    return RequestRefused("bad-request", detail, errors=(ProblemPlace(pointer=pointer, code="wrong-value", detail=detail),))
