"""A document in terms of the Data Privacy Vocabulary: its bytes and a bundle go in, its records as facts come out. Nothing is decided."""

from collections.abc import Mapping
from dataclasses import dataclass

import engine
from service.doors.dpv.record_reading import DpvReading, read_records
from service.doors.dpv.term_table import DpvTable
from service.doors.graphs import read_graph
from service.problems import ProblemPlace


@dataclass(frozen=True, slots=True)
class ReadDocument:
    """The records of a document, by a mapping. `contradictions` says of a record why no exchange can be so."""

    records: tuple[DpvReading, ...]
    contradictions: Mapping[str, tuple[ProblemPlace, ...]]
    statements: int
    mapping: str
    digest: str


def read_document(raw: bytes, media_type: str, bundle: engine.Bundle) -> ReadDocument:
    """Raises RequestRefused."""
    table = DpvTable(bundle)
    triples = read_graph(raw, media_type)
    records = read_records(triples, table)
    contradictions = {}
    for each in records:
        try:
            engine.accept_exchange(bundle, each.exchange)
        except engine.ExchangeRefused as refused:
            contradictions[each.record] = tuple(
                ProblemPlace(pointer=problem.pointer, code=problem.code, detail=problem.detail) for problem in refused.problems
            )
    return ReadDocument(records, contradictions, len(triples), table.mapping.name, table.mapping.digest)
