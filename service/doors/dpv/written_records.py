"""
Decisions and registers of transfers as documents in terms of the Data Privacy Vocabulary: records of the log go in, bytes come out.

What is written of a record is what it holds; a value that was erased is not written.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import sqlalchemy as sa

import engine
from service.doors import graphs
from service.doors.dpv.record_writing import DCT, SKOS, XSD, DecidedTransfer, record_name, write_record, write_register
from service.doors.dpv.term_table import PREFIXES, DpvTable
from service.doors.shacl import ShapeReport, check_shapes
from service.ledger.committed_records import CommittedRecord, of_records
from service.log.leaf import with_personal_values
from service.log.search import CursorRefused
from service.log.store import Stored
from service.reports import transfer_selection
from service.reports.report_scope import Scope
from service.reports.transfer_cells import standing

__all__ = ["CursorRefused", "check_document", "of_decision", "of_register", "of_rows"]

SHAPES = Path(__file__).with_name("shapes.ttl").read_text(encoding="utf-8")
PREFIXES_WRITTEN: Mapping[str, str] = {**PREFIXES, "dct": DCT, "skos": SKOS, "xsd": XSD}


def of_decision(stored: Stored, bundle: engine.Bundle, media_type: str, connection: sa.Connection) -> bytes:
    """A recorded decision as a record; of one that was committed, with the day. Raises RequestRefused."""
    record = with_personal_values(stored.entry.leaf, stored.entry.openings)
    made = of_records(connection, [stored.sequence]).get(stored.sequence)
    return graphs.written(write_record(DpvTable(bundle), _transfer(record, made)), media_type, PREFIXES_WRITTEN)


def of_register(
    name: str,
    text: engine.TransferRegisterText,
    scope: Scope,
    bundle: engine.Bundle,
    media_type: str,
    cursor: str | None,
    limit: int,
    connection: sa.Connection,
) -> tuple[bytes, str | None]:
    """Some rows of a register as a document, and the cursor of the next. Raises CursorRefused, RequestRefused."""
    page = transfer_selection.page(connection, text, scope, cursor, limit)
    return of_rows(name, text, page.rows, bundle, media_type), page.next


def of_rows(
    name: str,
    text: engine.TransferRegisterText,
    rows: Iterable[transfer_selection.TransferRow],
    bundle: engine.Bundle,
    media_type: str,
) -> bytes:
    """Rows of a register as a document. Raises RequestRefused."""
    table = DpvTable(bundle)
    transfers = [_transfer(row.record, row.made) for row in rows]

    def triples() -> Iterator[graphs.GraphTriple]:
        yield from write_register(name, text.title.en, [record_name(each.id) for each in transfers], "en")
        for each in transfers:
            yield from write_record(table, each)

    return graphs.written(triples(), media_type, PREFIXES_WRITTEN)


def check_document(raw: bytes, media_type: str) -> ShapeReport:
    """Whether a document fits the shapes of the records that this project writes. Raises RequestRefused."""
    return check_shapes(graphs.read_graph(raw, media_type), SHAPES)


def _transfer(record: Mapping[str, Any], made: CommittedRecord | None) -> DecidedTransfer:
    decision = record["decision"]
    return DecidedTransfer(
        id=record["id"],
        request=record["request"],
        standing=sorted(standing(record)),
        day=str(record["as_of"]),
        outcome=decision.get("outcome", ""),
        answer=decision.get("answer", ""),
        committed=made.day if made else "",
        ended=bool(made and made.ended),
    )
