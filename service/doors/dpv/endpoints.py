"""
`POST /v1/dpv/read`: a document in terms of the Data Privacy Vocabulary read as facts. `GET /v1/decisions/{id}/dpv`: a decision as such a
record. `GET /v1/dpv/transfers/{register}`: a register of transfers as such records. Nothing here decides or changes anything.
"""

from datetime import date
from typing import Any
from urllib.parse import quote, urlencode

import sqlalchemy as sa
from fastapi import Response
from pydantic import Field

from service.api import paging
from service.api.operations import DECISION_ID, Shown, in_path
from service.api.parameters import day, word
from service.api.request_bodies import body
from service.api.router import Call, Router
from service.callers.context import EvaluatingAll, Reading, ReadingAll
from service.decisions import log_access
from service.doors import graphs
from service.doors.dpv import written_records
from service.doors.dpv.document_reading import ReadDocument, read_document
from service.doors.dpv.record_reading import DpvFact, DpvUnread
from service.problems import ProblemPlace, RequestRefused, no_such
from service.reports.report_scope import Scope, ScopeRefused

LIMIT, MOST_ROWS = 100, 500
_DOCUMENT: dict[str, Any] = {
    graphs.JSON_LD: {"schema": {"type": "object", "description": "JSON-LD, with its context inside"}},
    graphs.TURTLE: {"schema": {"type": "string", "description": "Turtle"}},
}
_SENT: dict[str, Any] = {"application/json": _DOCUMENT[graphs.JSON_LD], **_DOCUMENT}
_WRITTEN: dict[int, dict[str, Any]] = {
    200: {"description": "Records in terms of DPV 2.3, in JSON-LD or Turtle", "content": _DOCUMENT}
}
FORM = word("form", "the form of the document", ("json-ld", "turtle"), default="json-ld")
FROM = day("from", "the first day; without it, twelve months before the last")
UNTIL = day("until", "the last day; without it, today")
_REGISTER = in_path("register", "the name of a register of transfers in the policies, like gdpr-30")
_MEDIA = {"json-ld": graphs.JSON_LD, "turtle": graphs.TURTLE}

router = Router("log")
reading = Router("facts")


class DpvFactShown(Shown):
    """A fact that a record states, and where."""

    fact: str
    value: Any = Field(description="the value, as an exchange states it; a set with `unknown` may hold more")
    pointers: tuple[str, ...] = Field(description="JSON Pointers into the document; in Turtle the names of the subjects")
    terms: tuple[str, ...] = Field(description="the terms that say so")


class DpvUnreadShown(Shown):
    """A term that was not understood; what it may have said is unknown."""

    term: str = Field(description="the term, or the name in full where it is of another vocabulary")
    pointer: str = Field(description="JSON Pointer into the document; in Turtle the name of the subject")
    why: str = Field(description="why it states nothing")


class DpvRecordShown(Shown):
    """One record, read."""

    record: str = Field(description="the name of the record in the document")
    exchange: dict[str, Any] = Field(description="what it states, as an exchange")
    facts: tuple[DpvFactShown, ...] = Field(description="the same, fact by fact, with places")
    not_understood: tuple[DpvUnreadShown, ...] = Field(description="what was not understood, each with its place")
    terms_not_understood: int = Field(description="how many different terms were not understood")
    others: tuple[str, ...] = Field(description="the properties of other vocabularies that it has; they are not read")
    contradictions: tuple[ProblemPlace, ...] | None = Field(
        default=None, description="why an exchange cannot be so, where the record contradicts itself"
    )


class DpvDocumentShown(Shown):
    """The records of a document, read by the mapping of the policies."""

    records: tuple[DpvRecordShown, ...]
    statements: int = Field(description="how many statements the document makes")
    mapping: str = Field(description="the name of the mapping that says how terms are read")
    digest: str = Field(description="the digest of the mapping")

    @classmethod
    def of(cls, read: ReadDocument) -> "DpvDocumentShown":
        """What was read, as it is shown."""
        return cls(
            records=tuple(
                DpvRecordShown(
                    record=each.record,
                    exchange=each.exchange,
                    facts=tuple(map(_fact, each.facts)),
                    not_understood=tuple(map(_unread, each.not_understood)),
                    terms_not_understood=len(each.terms_not_understood),
                    others=each.others,
                    contradictions=read.contradictions.get(each.record),
                )
                for each in read.records
            ),
            statements=read.statements,
            mapping=read.mapping,
            digest=read.digest,
        )


@reading.post(
    "/v1/dpv/read",
    "readDpv",
    "Read records of the Data Privacy Vocabulary",
    "not-found",
    "not-installed",
    body=_SENT,
    repeatable=False,
)
async def read(context: EvaluatingAll, call: Call[None]) -> DpvDocumentShown:
    """
    Reads the records of a document as facts of exchanges, each with its place. Nothing is decided, and nothing recorded.

    What is not understood is listed, and unknown: a set that may hold more has `unknown`. Nothing is fetched.
    """
    limit = min(graphs.MOST_BYTES, call.service.settings.body_limit)
    raw = await body(call.request, limit, None)
    kind = call.request.headers.get("content-type", "")
    found = await call.service.turns.run(context.caller.id, lambda: read_document(raw, kind, context.live.bundle))
    return DpvDocumentShown.of(found)


@router.get(
    "/v1/decisions/{id}/dpv",
    "getDecisionDpv",
    "A decision as a record of the Data Privacy Vocabulary",
    "not-found",
    "not-installed",
    parameters=[DECISION_ID, FORM],
    answers=_WRITTEN,
    response_class=Response,
)
def decision(context: Reading, call: Call[None], connection: sa.Connection) -> Response:
    """
    The exchange and its outcome as a record of a transfer in DPV 2.3: proposed, or going on where it was committed.

    A value without a term of DPV has a name of this project. What was not stated, or was erased, is not written.
    """
    stored = log_access.shown(context, call.path["id"], connection)
    media = _MEDIA[FORM.of(call.query) or "json-ld"]
    return Response(written_records.of_decision(stored, context.live.bundle, media, connection), media_type=media)


@router.get(
    "/v1/dpv/transfers/{register}",
    "getDpvTransfers",
    "A register of transfers as records of the Data Privacy Vocabulary",
    "not-found",
    "not-installed",
    parameters=[_REGISTER, FORM, FROM, UNTIL, *paging.parameters(LIMIT, MOST_ROWS, "records")],
    answers=_WRITTEN,
    response_class=Response,
)
def transfers(context: ReadingAll, call: Call[None], connection: sa.Connection) -> Response:
    """
    The committed exchanges for which a law asks for the register, the newest first, as records in DPV 2.3.

    The header `Link` has the address of the next page.
    """
    query, name, live = call.query, call.path["register"], context.live.bundle
    text = live.vocabulary.transfer_registers.get(name)
    if text is None:
        raise RequestRefused("not-found", no_such("register of transfers", name, live.vocabulary.transfer_registers))
    form = FORM.of(query) or "json-ld"
    first, last, page = FROM.of(query), UNTIL.of(query), paging.Asked.in_query(query, LIMIT, MOST_ROWS)
    scope = _scope(first, last, context.today)
    try:
        made, following = written_records.of_register(
            name, text, scope, live, _MEDIA[form], page.cursor, page.limit, connection
        )
    except written_records.CursorRefused:
        raise paging.unknown() from None
    headers = {}
    if following is not None:
        again = {"form": form, "from": scope.first.isoformat(), "until": scope.last.isoformat(), "limit": page.limit}
        address = f"/v1/dpv/transfers/{quote(name, safe='')}?{urlencode({**again, 'cursor': following})}"
        headers["Link"] = f'<{address}>; rel="next"'
    return Response(made, media_type=_MEDIA[form], headers=headers)


def _scope(first: date | None, last: date | None, today: date) -> Scope:
    days = {name: each.isoformat() for name, each in (("from", first), ("until", last)) if each is not None}
    try:
        return Scope.read(days, today)
    except ScopeRefused as refused:
        raise RequestRefused("bad-request", str(refused), parameter="from") from None


def _fact(each: DpvFact) -> DpvFactShown:
    return DpvFactShown(fact=each.fact, value=each.value, pointers=each.pointers, terms=each.terms)


def _unread(each: DpvUnread) -> DpvUnreadShown:
    return DpvUnreadShown(term=each.term, pointer=each.pointer, why=each.why)
