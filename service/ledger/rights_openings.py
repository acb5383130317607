"""
Openings of the books of rights: what a party had of an asset before anything was committed here.

A statement goes in, with evidence; lines come out that count as registered. The evidence is what was shown, and not title: nobody here
looks at it. An opening says whether the book is then complete for its party and asset. It can be withdrawn, and then never counted.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Annotated, Any

import sqlalchemy as sa
from pydantic import Field, StringConstraints
from uuid_utils import uuid7

import engine
from service.callers.context import Administering, ReadingAll
from service.callers.sending import Reason, Sending
from service.ledger import hashed_names
from service.ledger.commitment_list import LedgerPart
from service.ledger.counter_book import Book
from service.ledger.rights_book import RightsBook, line_of, opening_grant
from service.log import tree_leaves
from service.log.canonical_json import NotCanonical, canonical
from service.log.tree_leaves import LogEvent
from service.policies.live import Live
from service.problems import ProblemPlace, RequestRefused, wrong_value
from service.register import entity_versions
from service.register.entity import ASSET, PARTY
from service.store.moments import moment_text
from service.store.row_seals import GRANTS, changing
from service.store.tables import right_line, right_opening

MOST_RIGHTS = 32  # of one opening
PERPETUAL = "perpetual"
PURPOSES = "the purposes for which it is; null if not known"
TERRITORY = "the countries in which it is, or `worldwide`; null if not known"
ABOUT_PARTY = "the party's id, as the register or the exchanges have it"
ABOUT_ASSET = "the asset's id, as the register or the exchanges have it"
ONWARD = "whether it may be passed on; null if not known"

Line = Annotated[str, StringConstraints(min_length=1, max_length=256, pattern=r"^[^\x00-\x1f\x7f]+$")]
Term = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Words = Annotated[list[Term], Field(min_length=1, max_length=512)]
Id = Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[^\x00-\x1f\x7f]+$")]

_BOOK = Book()


class RightPart(LedgerPart):
    """
    A right and how far it reaches. What is left out is not known, and then proves nothing.

    It lasts for a `term` that begins on the first day of the opening, or `until` a day; `perpetual` is a term.
    """

    right: Term = Field(description="the right, as exchanges state it", examples=["operate"])
    purposes: Words | None = Field(default=None, description=PURPOSES, examples=[["research"]])
    territory: Words | None = Field(default=None, description=TERRITORY, examples=[["worldwide"]])
    term: Term | None = Field(default=None, description="how long it lasts from the first day on", examples=["3 years"])
    until: date | None = Field(default=None, description="its last day, in the place of a term")
    onward: bool | None = Field(default=None, description=ONWARD)


class RightsEvidencePart(LedgerPart):
    """What was shown for the rights. It is kept as it was stated."""

    kind: str = Field(
        pattern=r"^[a-z][a-z0-9-]{0,63}$",
        description="what it is",
        examples=["contract", "own-production", "authorisation", "certificate"],
    )
    dated: date | None = Field(default=None, description="the day of the document")
    hash: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$", description="the SHA-256 of the document's bytes")
    attested_by: Line | None = Field(default=None, description="who gave it or attests it")


class RightsOpeningSent(Sending):
    """What a party has of an asset, from a day on."""

    party: Id = Field(description=ABOUT_PARTY)
    asset: Id = Field(description=ABOUT_ASSET)
    rights: list[RightPart] = Field(max_length=MOST_RIGHTS, description="the rights; none only if `complete`")
    from_: date = Field(alias="from", description="the first day on which the party has these rights")
    complete: bool = Field(description="whether the book then has everything that the party has of the asset")
    evidence: list[RightsEvidencePart] = Field(max_length=16, description="what was shown")
    reason: Reason = Field(description="where this comes from")
    book: Line | None = Field(default=None, description="the book of the vocabulary, where there are several")


class WithdrawOpeningSent(Sending):
    """Why an opening is withdrawn."""

    reason: Reason = Field(description="why it is withdrawn")


class RightsOpening(LedgerPart):
    """What a party had of an asset, from a day on."""

    id: str = Field(description="the id of the opening")
    book: str = Field(description="the name of the book in the vocabulary")
    party: str | None = Field(description="the party; null if its name is erased")
    asset: str | None = Field(description="the asset")
    from_: date = Field(serialization_alias="from", description="the first day on which the party has these rights")
    complete: bool = Field(description="whether the book then has everything that the party has of the asset")
    rights: list[RightPart] = Field(description="the rights; what has no end has the term `perpetual`")
    evidence: list[RightsEvidencePart] = Field(description="what was shown")
    reason: str = Field(description="where this comes from")
    opened_at: datetime = Field(description="when it was recorded")
    opened_by: str = Field(description="who recorded it")
    withdrawn_at: datetime | None = Field(default=None, description="when it was withdrawn; null where it was not")
    withdrawn_by: str | None = Field(default=None, description="who withdrew it")
    withdrawn_reason: str | None = Field(default=None, description="why it was withdrawn")


def begin(context: Administering, sent: RightsOpeningSent, transaction: sa.Connection) -> RightsOpening:
    """Record what a party has of an asset, in the only book, or in the one that is named. Raises RequestRefused."""
    book = _book(context.live, sent.book).book
    if not sent.rights and not sent.complete:
        raise wrong_value("/rights", "name the rights; an empty list says something only where `complete` is true")
    party, asset = (
        entity_versions.known_as(transaction, PARTY, sent.party),
        entity_versions.known_as(transaction, ASSET, sent.asset),
    )
    id, at = str(uuid7()), moment_text(context.now)
    hashes = {
        "asset": hashed_names.asset(_BOOK, transaction, asset),
        "party": hashed_names.party(_BOOK, transaction, party),
    }
    lines = []
    for number, each in enumerate(sent.rights):
        grant = opening_grant(_grant(context.live, book, each, f"/rights/{number}", id, sent.from_, hashes["party"]))
        lines.append({"number": number, **line_of(grant, book.name, hashes["asset"])})
    day, shown = sent.from_.isoformat(), [each.model_dump(mode="json", exclude_none=True) for each in sent.evidence]
    kept = json.dumps(shown, ensure_ascii=False, separators=(",", ":"))
    hidden: dict[str, Any] = {
        "party": party,
        "asset": asset,
        **{f"{name}_hash": hashed for name, hashed in hashes.items()},
        "lines": lines,
        "evidence": kept,
        "by": context.caller.id,
        "reason": sent.reason,
    }
    members: dict[str, Any] = {"id": id, "book": book.name, "complete": sent.complete, "day": day}
    happening = LogEvent("rights-opening", at, members, hidden, f"entity/{PARTY}/{party}", frozenset({"party"}))
    (leaf,) = tree_leaves.append(transaction, happening)
    row = {**members, **hashes, "leaf": leaf, "evidence": kept, "by": context.caller.id, "reason": sent.reason, "at": at}
    with changing(transaction, GRANTS, id):
        transaction.execute(sa.insert(right_opening).values(row))
        if lines:
            transaction.execute(sa.insert(right_line), [{**line, "source": id, "sequence": None, "at": at} for line in lines])
    return _one(transaction, id)


def withdraw(context: Administering, id: str, sent: WithdrawOpeningSent, transaction: sa.Connection) -> RightsOpening:
    """Withdraw an opening: what it stated never counted. Raises RequestRefused."""
    row = transaction.execute(sa.select(right_opening).where(right_opening.c.id == id)).one_or_none()
    if row is None:
        raise _no_opening()
    if row.withdrawn_at is not None:
        raise RequestRefused("not-endable", "the opening is withdrawn already")
    at, by = moment_text(context.now), context.caller.id
    gone = {"withdrawn_at": at, "withdrawn_by": by, "withdrawn_reason": sent.reason}
    with changing(transaction, GRANTS, id):
        transaction.execute(sa.update(right_opening).where(right_opening.c.id == id).values(gone))
    RightsBook(_BOOK).void(transaction, id, at)
    members: dict[str, Any] = {"opening": id}
    tree_leaves.append(transaction, LogEvent("rights-opening-withdrawn", at, members, {"by": by, "reason": sent.reason}))
    return _one(transaction, id)


def one(context: ReadingAll, id: str, connection: sa.Connection) -> RightsOpening:
    """An opening. Raises RequestRefused."""
    return _one(connection, id)


def page(
    context: ReadingAll, party: str | None, asset: str | None, after: str | None, limit: int, connection: sa.Connection
) -> tuple[list[RightsOpening], str | None]:
    """Openings in order, after one of them; of a party and of an asset, if given. And the one to go on after, None at the end."""
    query = sa.select(right_opening).where(right_opening.c.id > (after or "")).order_by(right_opening.c.id).limit(limit + 1)
    if party is not None:
        query = query.where(right_opening.c.party == hashed_names.party(_BOOK, connection, party))
    if asset is not None:
        query = query.where(right_opening.c.asset == hashed_names.asset(_BOOK, connection, asset))
    rows = connection.execute(query).all()
    return _told(connection, rows[:limit]), rows[limit - 1].id if len(rows) > limit else None


def _one(connection: sa.Connection, id: str) -> RightsOpening:
    rows = connection.execute(sa.select(right_opening).where(right_opening.c.id == id)).all()
    if not rows:
        raise _no_opening()
    return _told(connection, rows)[0]


def _told(connection: sa.Connection, rows: Sequence[Any]) -> list[RightsOpening]:
    names = tree_leaves.opened(connection, [row.leaf for row in rows])
    lines: dict[str, list[Any]] = {}
    mine = right_line.c.source.in_([row.id for row in rows])
    for line in connection.execute(sa.select(right_line).where(mine).order_by(right_line.c.source, right_line.c.number)):
        lines.setdefault(line.source, []).append(line)
    return [
        RightsOpening(
            id=row.id,
            book=row.book,
            party=names.get(row.leaf, {}).get("party"),
            asset=names.get(row.leaf, {}).get("asset"),
            from_=date.fromisoformat(row.day),
            complete=row.complete,
            rights=[_right(line) for line in lines.get(row.id, ())],
            evidence=[RightsEvidencePart.model_validate(each) for each in json.loads(row.evidence)],
            reason=row.reason,
            opened_at=datetime.fromisoformat(row.at),
            opened_by=row.by,
            withdrawn_at=None if row.withdrawn_at is None else datetime.fromisoformat(row.withdrawn_at),
            withdrawn_by=row.withdrawn_by,
            withdrawn_reason=row.withdrawn_reason,
        )
        for row in rows
    ]


def _right(line: Any) -> RightPart:
    endless = line.until == engine.PERPETUAL.isoformat()
    return RightPart(
        right=line.conveyed,
        purposes=None if line.purposes is None else json.loads(line.purposes),
        territory=None if line.territory is None else json.loads(line.territory),
        term=PERPETUAL if endless else None,
        until=None if endless or line.until is None else date.fromisoformat(line.until),
        onward=line.onward,
    )


def _grant(live: Live, book: engine.BookFacts, sent: RightPart, at: str, id: str, first: date, holder: str) -> engine.Grant:
    """A right that was sent, read as the facts of an exchange. Raises RequestRefused."""
    if sent.term is not None and sent.until is not None:
        raise wrong_value(f"{at}/until", "send a `term` or `until`, not both")
    if sent.until is not None and sent.until < first:
        raise wrong_value(f"{at}/until", "is before the first day")
    facts: Mapping[str, Any] = {
        book.granted: [sent.right],
        book.purposes: sent.purposes,
        book.territory: sent.territory,
        book.term: sent.term,
        book.onward: sent.onward,
    }
    names = {book.granted: "right", book.purposes: "purposes", book.territory: "territory", book.term: "term"}
    document: dict[str, Any] = {}
    for fact, value in facts.items():
        if value is not None:
            document = engine.with_fact_set(document, fact, value)
    try:
        exchange = engine.parse_exchange(live.bundle, canonical(document))
    except NotCanonical:
        raise wrong_value(at, "the body holds a text that JSON cannot carry safely") from None
    except engine.ExchangeRefused as refused:
        places = []
        for each in refused.problems:
            name = next((name for fact, name in names.items() if each.pointer.startswith("/" + fact.replace(".", "/"))), "")
            places.append(ProblemPlace(pointer=f"{at}/{name}".rstrip("/"), code=each.code, detail=each.detail))
        raise RequestRefused("bad-request", "a right cannot be stated so", errors=tuple(places)) from None
    made = engine.grants(book, exchange.value, first, id, -1, None, holder)
    if not made:
        raise wrong_value(f"{at}/right", "name one right that is known")
    (grant,) = made
    return grant if sent.until is None else replace(grant, until=sent.until)


def _book(live: Live, name: str | None) -> engine.BookReader:
    books = {reader.book.name: reader for reader in live.bundle.reader.books}
    if name is None and len(books) == 1:
        return next(iter(books.values()))
    if name is None or name not in books:
        known = ", ".join(f"`{each}`" for each in books) or "none"
        raise RequestRefused("not-found", f"name a book of the vocabulary; the books are: {known}"[:400])
    return books[name]


def _no_opening() -> RequestRefused:
    return RequestRefused("not-found", "there is no opening with this id")
