"""
What a caller who belongs to a party may do and see: a caller and what it asks for go in, a refusal or nothing comes out.

What belongs to another party is refused in the same words as what is not there. What cannot be told apart by party is refused with the
reason. A caller who belongs to no party is refused nothing here.
"""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

import engine
from service.callers.caller import Caller
from service.ledger.counter_book import Book
from service.log.canonical_json import canonical
from service.log.leaf import with_personal_values
from service.log.store import Stored
from service.policies.live import Live
from service.problems import RequestRefused
from service.store.tables import commitment

EXPORTER = "exporter.id"
PAYS = "exporter"  # whoever supplies, on a page of the book of benefits


def check_sent(document: Mapping[str, Any], caller: Caller) -> None:
    """The exchange in a body, with the exporter's id as the register has it, must be the party's own. Raises RequestRefused."""
    if caller.party is not None and _exporter(document) != caller.party:
        detail = f"the caller's key belongs to a party: state the party's id, as the register has it, in `{EXPORTER}`"
        raise RequestRefused("forbidden", detail)


def check_counted(live: Live, exchange: engine.Exchange, caller: Caller) -> None:
    """No counter that others move may be filled in for a party, since the answer would tell it. Raises RequestRefused."""
    if caller.party is None:
        return
    counting = live.counting
    for counter in counting.counters:
        if EXPORTER not in counter.per and None not in counting.key(counter, exchange):
            detail = f"the counter `{counter.name}` of this exchange is moved by other parties too: it needs an operator's key"
            raise RequestRefused("forbidden", detail)


def check_decision(stored: Stored, caller: Caller) -> None:
    """A decision must be on an exchange of the party. Raises RequestRefused."""
    if caller.party is not None and _exporter(_request(stored)) != caller.party:
        raise RequestRefused("not-found", "no decision with this id is recorded")


def check_record(stored: Stored, caller: Caller) -> None:
    """The record of a decision must be the party's, and hold nothing that is said of others. Raises RequestRefused."""
    if caller.party is None:
        return
    check_decision(stored, caller)
    for page in _request(stored).get(engine.BOOKS, {}).values():
        if any(step.get("payer") != PAYS for step in page.get("steps", ())):
            detail = "the record holds what others pay by their agreements: it needs an operator's key"
            raise RequestRefused("forbidden", detail)
    for name, entity in _request(stored).get(engine.REGISTER, {}).items():
        if name != EXPORTER and entity.get("known") is not False:
            detail = f"the record holds what the register says of `{name}`: it needs an operator's key"
            raise RequestRefused("forbidden", detail)


def check_commitment(connection: sa.Connection, book: Book, id: str, caller: Caller) -> None:
    """A commitment must be the party's. Raises RequestRefused."""
    if caller.party is None:
        return
    row = connection.execute(sa.select(commitment.c.exporter).where(commitment.c.id == id)).one_or_none()
    if row is None or row.exporter != hashed(connection, book, caller.party):
        raise RequestRefused("not-found", "there is no commitment with this id")


def hashed(connection: sa.Connection, book: Book, party: str) -> str:
    """The hash by which the rows of the ledger have an exporter."""
    return book.hashed(connection, (EXPORTER,), (canonical(party).decode(),))


def of_exporter(asked: str | None, caller: Caller) -> str | None:
    """The party whose rows a list shows: the caller's if it belongs to one. Raises RequestRefused if another is asked for."""
    if caller.party is not None and asked not in (None, caller.party):
        raise RequestRefused("forbidden", "the caller's key belongs to another party: give the party's id, or none")
    return asked if caller.party is None else caller.party


def check_counter(live: Live, name: str, per: Mapping[str, Any], caller: Caller) -> None:
    """A counter must be kept for the party. Raises RequestRefused."""
    if caller.party is None:
        return
    kept = next((each.per for each in live.counting.counters if each.name == name), ())
    if EXPORTER not in kept or per.get(EXPORTER) != caller.party:
        detail = f"the caller's key belongs to a party: name a counter that is kept per `{EXPORTER}`, and the party's id"
        raise RequestRefused("forbidden", detail)


def _request(stored: Stored) -> Mapping[str, Any]:
    request: Mapping[str, Any] = with_personal_values(stored.entry.leaf, stored.entry.openings)["request"]
    return request


def _exporter(document: Mapping[str, Any]) -> Any:
    """The exporter's id in a document; None where it is not there, or was erased."""
    exporter = document.get("exporter")
    return exporter.get("id") if isinstance(exporter, Mapping) else None
