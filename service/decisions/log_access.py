"""
The log as a caller may read it: a search, one record, and the proof that it is in the log. A caller who belongs to a party gets its own.
"""

from dataclasses import replace

import sqlalchemy as sa

from service.callers.context import Reading
from service.ledger import party_view
from service.log.leaf import SHARES
from service.log.proofs import LogTree
from service.log.search import RecordPage, find
from service.log.search_query import FIELDS, Query
from service.log.store import Stored, record_of
from service.problems import RequestRefused
from service.transparency.tlog_proof import TlogProof

_OF_PARTY = ("outcome", "exporter", "recipient")  # the fields that a caller who belongs to a party may search by


def search(context: Reading, query: Query, cursor: str | None, limit: int, connection: sa.Connection) -> RecordPage:
    """The next page of a query, newest first. Raises RequestRefused and CursorRefused."""
    if context.party is None:
        return find(connection, query, cursor, limit)
    page = find(connection, _of_party(query, context.party), cursor, limit)
    # These may hold what the register says of others.
    return replace(page, rows=tuple(replace(row, answer="", recipient_country=None) for row in page.rows))


def record(context: Reading, id: str, connection: sa.Connection) -> Stored:
    """The record of a decision. Raises RequestRefused."""
    stored = record_of(connection, id)
    party_view.check_record(stored, context.caller)
    return stored


def shown(context: Reading, id: str, connection: sa.Connection) -> Stored:
    """The record of a decision as a caller may see it: a party does not see the shares, which are of all parties. Raises RequestRefused."""
    stored = record(context, id, connection)
    if context.party is None:
        return stored
    openings = (replace(each, salt=None, value=None) if each.pointer == SHARES else each for each in stored.entry.openings)
    return replace(stored, entry=replace(stored.entry, openings=tuple(openings)))


def proof(context: Reading, id: str, tree: LogTree) -> TlogProof:
    """The proof that a decision is in the log. Raises RequestRefused and NotInTree."""
    if context.party is not None:
        party_view.check_decision(record_of(tree.connection, id), context.caller)
    return tree.proof(id)


def _of_party(query: Query, party: str) -> Query:
    """The search of a caller who belongs to a party. Raises RequestRefused where it asks for what may be of others."""
    for name in (*FIELDS, "text"):
        if name not in _OF_PARTY and getattr(query, name):
            raise RequestRefused(
                "forbidden", f"a search by `{name}` may tell what the register says of others: it needs an operator's key"
            )
    if any(exporter != party for exporter in query.exporter):
        raise RequestRefused("forbidden", "the caller's key belongs to another party than the query names")
    return replace(query, exporter=(party,))
