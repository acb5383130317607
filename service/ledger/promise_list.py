"""
The promises of the ledger as they are read and reported: pages, the reports that they were kept, and what is said of these.

What was promised, by whom and to whom is read from the record of each commitment. An erased value is null.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

import sqlalchemy as sa
from pydantic import Field

import engine
from service.callers.caller import Caller
from service.callers.context import Administering, Committing, Reading, ReadingAll
from service.callers.sending import Sending
from service.ledger import party_view, promise_reports
from service.ledger.commitment_list import LedgerPart
from service.ledger.counter_book import Book
from service.ledger.hashed_names import party
from service.ledger.promise_book import Promises, origin
from service.ledger.promise_reports import PromiseReports, ReportedPromise
from service.log.leaf import with_personal_values
from service.log.store import of_ids
from service.policies.live import Live
from service.problems import RequestRefused, wrong_value
from service.store.moments import moment_text
from service.store.tables import commitment, promise

PromiseState = Literal["due", "overdue", "kept"]
PromiseFilter = Literal["due", "overdue", "kept", "late", "disputed"]

MOST_REPORTS = 100  # of a promise
_AT_ONCE = 200  # records
_ORDER = (promise.c.due, promise.c.commitment, promise.c.number)
_COLUMNS = (*promise.columns, commitment.c.evaluation)


class PromiseReportPart(LedgerPart):
    """A report that some of a promise was kept. Who reported, answered or settled it is told to an operator and to that party alone."""

    number: int = Field(ge=0, description="which report on the promise it is, from 0")
    dated: date = Field(description="the day of the document that shows it")
    amount: int | None = Field(default=None, description="how much was kept; null where one report shows the whole")
    evidence: str = Field(description="the kind of the document")
    document: str = Field(description="the SHA-256 of the document")
    reported_at: datetime = Field(description="when it was reported")
    reported_by: str | None = Field(default=None, description="the caller who reported it")
    answer: Literal["confirmed", "disputed"] | None = Field(
        default=None, description="what the party says that it was promised to"
    )
    answered_at: datetime | None = Field(default=None, description="when it was confirmed or disputed")
    answered_by: str | None = Field(default=None, description="the caller who did")
    reason: str | None = Field(default=None, description="the reason of the answer; null once it was erased")
    settled: Literal["counts", "dropped"] | None = Field(default=None, description="whether a report that was disputed counts")
    settled_at: datetime | None = Field(default=None, description="when it was settled")
    settled_by: str | None = Field(default=None, description="the caller who settled it")
    ruling: str | None = Field(default=None, description="the reason for which it was settled so; null once it was erased")


class PromisePart(LedgerPart):
    """
    A promise that a committed exchange brought with it, until the end of the day `due`.

    `kept` has documents that show it, `overdue` too few although the last day is over.
    """

    commitment: str = Field(description="the id of the commitment that brought it")
    number: int = Field(ge=0, description="which promise of the commitment it is, from 0")
    promise: str = Field(description="the name of the promise in the vocabulary")
    by: str | None = Field(default=None, description="the party that promises; null where it was not stated or was erased")
    to: str | None = Field(default=None, description="the party to which it is promised")
    terms: dict[str, Any] = Field(description="what is promised, as the exchange stated it; what was erased is not there")
    due: date = Field(description="the last day")
    state: PromiseState = Field(description="whether it is `due`, `overdue` or `kept`")
    promised: int | None = Field(default=None, description="how much is promised; null where one report shows the whole")
    reported: int = Field(default=0, description="how much was reported, without what was settled not to count")
    disputed: int = Field(default=0, description="how many of its reports are in dispute")
    kept_on: date | None = Field(default=None, description="the day of the document with which it was kept")
    late: bool | None = Field(default=None, description="whether that day is after the last day")
    evidence: str | None = Field(default=None, description="the kind of that document")
    document: str | None = Field(default=None, description="the SHA-256 of that document")
    reported_at: datetime | None = Field(default=None, description="when it was reported as kept")
    reported_by: str | None = Field(default=None, description="the caller who reported it")
    reports: list[PromiseReportPart] = Field(default=[], description="its reports, in the order of their days")


class PromiseCounts(LedgerPart):
    """How many promises are in each state."""

    due: int = Field(description="those whose last day is not over")
    overdue: int = Field(description="those that were not kept by their last day, and not later")
    kept: int = Field(description="those that were kept, the late ones too")
    late: int = Field(description="those that were kept late")
    disputed: int = Field(description="those with a report in dispute")


Place = tuple[str, str, int]  # last day, commitment, number


_BOOK = Book()


@dataclass(frozen=True, slots=True)
class PromiseQuery:
    """Which promises are asked for: by one party, to one, by or to one, in one state. `seen_by` is the caller to whom they are told."""

    by: str | None = None
    to: str | None = None
    either: str | None = None
    state: PromiseFilter | None = None
    seen_by: Caller | None = None


class KeptSent(Sending):
    """The report that a promise was kept, or some of it."""

    evidence: str = Field(max_length=160, description="the kind of the document, as the vocabulary names it")
    dated: date = Field(description="the day of the document")
    document: str = Field(pattern="^[0-9a-f]{64}$", description="the SHA-256 of the document, in hexadecimal")
    amount: int | None = Field(default=None, ge=1, le=10**9, description="how much it shows, where a number was promised")


class AnswerSent(Sending):
    """What the party says of a report that it was promised to."""

    answer: Literal["confirmed", "disputed"] = Field(description="whether it is as the report says")
    reason: str = Field(min_length=1, max_length=2000, description="why; it is erased with the decision that was committed")


class SettlementSent(Sending):
    """Whether a report in dispute counts, and why."""

    settled: Literal["counts", "dropped"] = Field(description="whether the report counts")
    reason: str = Field(min_length=1, max_length=2000, description="why; it is erased with the decision that was committed")


def page(
    context: Reading,
    of: str | None,
    to: str | None,
    state: PromiseFilter | None,
    after: Place | None,
    limit: int,
    connection: sa.Connection,
) -> tuple[list[PromisePart], Place | None]:
    """
    Promises in the order of their last days, after a place: those by one party, to one, or in one state, if given; none that is void.

    And the place to go on after, None at the end. A caller who belongs to a party gets what this party promised and what was promised to
    it. Raises RequestRefused.
    """
    return promises(context.live, context.today, asked(context, of, to, state), after, limit, connection)


def asked(context: Reading, of: str | None, to: str | None, state: PromiseFilter | None) -> PromiseQuery:
    """Which promises a caller asks for. Raises RequestRefused where none of the parties is the caller's own."""
    own = context.caller.party
    if own is not None and own not in (of, to):
        party_view.of_exporter(of or to, context.caller)
    return PromiseQuery(of, to, own if of is None and to is None else None, state, context.caller)


def promises(
    live: Live, today: date, of: PromiseQuery, after: Place | None, limit: int, connection: sa.Connection
) -> tuple[list[PromisePart], Place | None]:
    """The same for work that no caller asks for."""
    query = sa.select(*_COLUMNS).join(commitment, commitment.c.id == promise.c.commitment)
    query = query.where(*_where(of, connection)).order_by(*_ORDER).limit(limit + 1)
    if of.state is not None:
        query = query.where(_in_states(today)[of.state])
    if after is not None:
        due, id, number = after
        later = sa.and_(
            promise.c.due == due,
            sa.or_(promise.c.commitment > id, sa.and_(promise.c.commitment == id, promise.c.number > number)),
        )
        query = query.where(sa.or_(promise.c.due > due, later))
    rows = connection.execute(query).all()
    last = rows[limit - 1] if len(rows) > limit else None
    told = _told(live, today, connection, rows[:limit], of.seen_by)
    return told, None if last is None else (last.due, last.commitment, last.number)


def counts(today: date, of: PromiseQuery, connection: sa.Connection) -> PromiseCounts:
    """How many promises of a query are in each state, whichever one it asks for."""
    states = _in_states(today).items()
    numbers = (sa.func.coalesce(sa.func.sum(sa.case((holds, 1), else_=0)), 0).label(name) for name, holds in states)
    query = sa.select(*numbers).select_from(promise).join(commitment, commitment.c.id == promise.c.commitment)
    row = connection.execute(query.where(*_where(of, connection))).one()
    return PromiseCounts(**{name: int(number) for name, number in row._mapping.items()})


def of_commitment(context: ReadingAll, id: str, limit: int, connection: sa.Connection) -> list[PromisePart]:
    """The promises of one commitment, the first ones; none if it ended, since they are void then."""
    query = sa.select(*_COLUMNS).join(commitment, commitment.c.id == promise.c.commitment)
    query = query.where(promise.c.commitment == id, commitment.c.state == "committed").order_by(*_ORDER).limit(limit)
    return _told(context.live, context.today, connection, connection.execute(query).all(), context.caller)


def keep(context: Committing, id: str, number: int, sent: KeptSent, transaction: sa.Connection) -> PromisePart:
    """Report that a promise was kept, or some of it, by a document of a day. Raises RequestRefused."""
    party_view.check_commitment(transaction, _BOOK, id, context.caller)
    row = _standing(transaction, id, number)
    if row.kept_on is not None:
        raise RequestRefused("promise-kept", f"what was reported reached what was promised on {row.kept_on}")
    promised = promised_by(context.live).get(row.name)
    if promised is None:
        raise RequestRefused("not-found", "the policies no longer have this promise")
    if sent.evidence not in promised.evidence:
        raise wrong_value("/evidence", f"it is shown by {', '.join(f'`{each}`' for each in promised.evidence)}")
    if not date.fromisoformat(row.as_of) <= sent.dated <= context.today:
        raise wrong_value("/dated", f"must be a day from {row.as_of}, when it was promised, until today")
    if (sent.amount is None) != (row.promised is None):
        said = f"say how many of the {row.promised:,} it shows" if row.promised else "no number was promised; leave it out"
        raise wrong_value("/amount", said)
    of = ReportedPromise(id, row.evaluation, row)
    if len(_reports(transaction, of)) >= MOST_REPORTS:
        raise wrong_value("/document", f"a promise takes {MOST_REPORTS} reports; put what several documents show into one")
    at, by = moment_text(context.now), context.caller.id
    reports = PromiseReports(Promises(_BOOK, context.settings.callers_counts))
    reports.report(transaction, of, sent.dated, sent.amount, sent.evidence, sent.document, at, by)
    return _told_again(context, transaction, id, number)


def answer(context: Committing, id: str, number: int, report: int, sent: AnswerSent, transaction: sa.Connection) -> PromisePart:
    """The party that a promise was made to confirms a report on it, or disputes it, once. Raises RequestRefused."""
    if context.caller.party is None:
        raise RequestRefused("forbidden", "the party that it was promised to says so: use a key that belongs to this party")
    of, found = _reported(transaction, id, number, report, party(_BOOK, transaction, context.caller.party))
    if found.answer is not None:
        raise RequestRefused(
            "not-answerable",
            f"the report was {found.answer} on {context.settings.day_of(datetime.fromisoformat(found.answered_at))}",
        )
    at, by = moment_text(context.now), context.caller.id
    reports = PromiseReports(Promises(_BOOK, context.settings.callers_counts))
    reports.answer(transaction, of, found, sent.answer, sent.reason, at, by)
    return _told_again(context, transaction, id, number)


def settle(
    context: Administering, id: str, number: int, report: int, sent: SettlementSent, transaction: sa.Connection
) -> PromisePart:
    """Settle whether a report in dispute counts. Raises RequestRefused."""
    of, found = _reported(transaction, id, number, report, None)
    if found.answer != promise_reports.DISPUTED or found.settled is not None:
        raise RequestRefused("not-answerable", "the report is not in dispute")
    at, by = moment_text(context.now), context.caller.id
    reports = PromiseReports(Promises(_BOOK, context.settings.callers_counts))
    reports.settle(transaction, of, found, sent.settled, sent.reason, at, by)
    return _told_again(context, transaction, id, number)


def promised_by(live: Live) -> Mapping[str, engine.Promise]:
    """The promises of a vocabulary, by their names."""
    return {each.name: each for each in live.counting.promises}


def _one(connection: sa.Connection, id: str, number: int) -> Any:
    here = (promise.c.commitment == id, promise.c.number == number)
    query = sa.select(*_COLUMNS, commitment.c.state, commitment.c.as_of)
    return connection.execute(query.join(commitment, commitment.c.id == promise.c.commitment).where(*here)).one_or_none()


def _standing(connection: sa.Connection, id: str, number: int, to: str | None = None) -> Any:
    """The row of a promise that stands; with a party, only one to it. Raises RequestRefused."""
    row = _one(connection, id, number)
    if row is None or (to is not None and row.to != to):
        raise RequestRefused("not-found", "the commitment has no such promise")
    if row.state != "committed":
        raise RequestRefused("commitment-ended", f"the commitment is {row.state}, so its promises are void")
    return row


def _reported(connection: sa.Connection, id: str, number: int, report: int, to: str | None) -> tuple[ReportedPromise, Any]:
    """A promise that stands, and one of its reports. Raises RequestRefused."""
    row = _standing(connection, id, number, to)
    of = ReportedPromise(id, row.evaluation, row)
    found = next((each for each in _reports(connection, of) if each.number == report), None)
    if found is None:
        raise RequestRefused("not-found", "the promise has no such report")
    return of, found


def _reports(connection: sa.Connection, of: ReportedPromise) -> Sequence[Any]:
    return promise_reports.of_promises(connection, [of.origin]).get(of.origin, ())


def _where(of: PromiseQuery, connection: sa.Connection) -> list[sa.ColumnElement[bool]]:
    """Which rows a query asks for, in whichever state."""

    def is_party(*columns: sa.Column[Any], id: str) -> sa.ColumnElement[bool]:
        hashed = party(_BOOK, connection, id)
        return sa.or_(*(column == hashed for column in columns))

    found: list[sa.ColumnElement[bool]] = [commitment.c.state == "committed"]
    if of.by is not None:
        found.append(is_party(promise.c.by, id=of.by))
    if of.to is not None:
        found.append(is_party(promise.c.to, id=of.to))
    if of.either is not None:
        found.append(is_party(promise.c.by, promise.c.to, id=of.either))
    return found


def _in_states(today: date) -> dict[PromiseFilter, sa.ColumnElement[bool]]:
    kept, over = promise.c.kept_on.is_not(None), promise.c.due < today.isoformat()
    return {
        "due": ~kept & ~over,
        "overdue": ~kept & over,
        "kept": kept,
        "late": promise.c.kept_on > promise.c.due,
        "disputed": promise.c.disputed > 0,
    }


def _told_again(context: Committing | Administering, transaction: sa.Connection, id: str, number: int) -> PromisePart:
    return _told(context.live, context.today, transaction, [_one(transaction, id, number)], context.caller)[0]


def _told(
    live: Live, day: date, connection: sa.Connection, rows: Sequence[Any], caller: Caller | None = None
) -> list[PromisePart]:
    requests = dict(_requests(connection, {row.evaluation for row in rows}))
    today, promised = day.isoformat(), promised_by(live)
    origins = {(row.commitment, row.number): origin(row.commitment, row._mapping) for row in rows}
    reports = promise_reports.of_promises(connection, origins.values())
    own = None if caller is None or caller.party is None else party(_BOOK, connection, caller.party)
    found = []
    for row in rows:
        of_it = reports.get(origins[row.commitment, row.number], ())
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
                promised=row.promised,
                reported=promise_reports.counted(of_it),
                disputed=row.disputed,
                kept_on=None if row.kept_on is None else date.fromisoformat(row.kept_on),
                late=None if row.kept_on is None else row.kept_on > row.due,
                evidence=row.evidence,
                document=row.document,
                reported_at=None if row.reported_at is None else datetime.fromisoformat(row.reported_at),
                reported_by=row.reported_by if own in (None, row.by) else None,
                reports=[_report(each, own in (None, row.by), own in (None, row.to), own is None) for each in of_it],
            )
        )
    return found


def _report(row: Any, of_promiser: bool, of_promisee: bool, of_operator: bool) -> PromiseReportPart:
    """A report as it is told to a caller: who acted for another party is not."""

    def moment(text: str | None) -> datetime | None:
        return None if text is None else datetime.fromisoformat(text)

    return PromiseReportPart(
        number=row.number,
        dated=date.fromisoformat(row.dated),
        amount=row.amount,
        evidence=row.evidence,
        document=row.document,
        reported_at=datetime.fromisoformat(row.at),
        reported_by=row.by if of_promiser else None,
        answer=row.answer,
        answered_at=moment(row.answered_at),
        answered_by=row.answered_by if of_promisee else None,
        reason=row.reason,
        settled=row.settled,
        settled_at=moment(row.settled_at),
        settled_by=row.settled_by if of_operator else None,
        ruling=row.ruling,
    )


def _requests(connection: sa.Connection, decisions: Iterable[str]) -> Iterable[tuple[str, Mapping[str, Any]]]:
    """The requests of some records, by the ids of their decisions."""
    asked = sorted(decisions)
    for at in range(0, len(asked), _AT_ONCE):
        for stored in of_ids(connection, asked[at : at + _AT_ONCE]):
            yield stored.entry.id, with_personal_values(stored.entry.leaf, stored.entry.openings)["request"]


def _at(request: Mapping[str, Any], fact: str) -> Any:
    """What a request states of a fact; None where it states nothing, or where it was erased."""
    value = engine.fact_at(request, fact)
    erased = isinstance(value, Mapping) and value.keys() == {"commitment"}
    return None if erased or value == "unknown" else value
