"""
The rows of a table that are compared under two bundles: a file or folder goes in, batches of rows come out, equal rows of a chunk as one.

The columns are read by the old policies, under which the table was made. Nothing is decided here.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

import engine
import engine.tables
from service.tables.table_input import reading, table_parts

AS_OF = "as_of"


class NoDecision:
    """Decides nothing: of each distinct row it keeps the day."""

    name = "none"

    def decide(
        self, documents: Sequence[Mapping[str, Any]], days: Sequence[date], today: date | None
    ) -> list[engine.tables.RowOutcome]:
        return [engine.tables.RowOutcome(as_of=day, outcome="") for day in days]


def impact_rows(
    place: Path, form: str, old: engine.Bundle, new: engine.Bundle, as_of: date, mapping: engine.tables.TableMapping
) -> Iterator[list[engine.ImpactRow]]:
    """
    The rows of a file or folder, some hundred distinct ones at a time. `as_of` is the day of rows that state none.

    Raises TableRefused, ColumnsRefused.
    """
    reader = engine.tables.TableDecider(old, as_of=as_of, mapping=mapping, decider=NoDecision(), others=(new,))
    facts = engine.tables.fact_names(old)
    for part in table_parts(place, form):
        with reading(part, engine.tables.CHUNK, facts) as found:
            if found.names is not None:
                reader.check(found.names)
            for rows in reader.chunks(found.chunks, part.name):
                yield from _batches(rows, as_of)


def _batches(rows: engine.tables.DecidedRows, as_of: date) -> Iterator[list[engine.ImpactRow]]:
    batch: list[engine.ImpactRow] = []
    kinds, firsts, counts = np.unique(rows.places, return_index=True, return_counts=True)
    told = np.ascontiguousarray(rows.distinct.distinct[:, [each != AS_OF for each in rows.distinct.facts]])
    order = np.argsort(firsts)  # the first row of a kind names it
    for number, first, count in zip(*(each[order].tolist() for each in (kinds, firsts, counts)), strict=True):
        outcome, name = rows.outcomes[number], rows.keys[first]
        day = outcome.as_of or as_of
        if outcome.problems:
            problem = "; ".join(f"{each.pointer or '/'} ({each.code})" for each in outcome.problems)
            batch.append(engine.ImpactRow(name, {}, day, problem, count))
        else:
            document, key = dict(rows.exchange(first)), rows.key_of(first)
            if document.get(AS_OF) == day.isoformat():  # it is told beside the exchange; what is no day is left to the doors
                del document[AS_OF]
                key = key[0], told[int(rows.distinct.number[rows.begin + first])].tobytes()
            batch.append(engine.ImpactRow(name, document, day, count=count, key=key))
        if len(batch) >= engine.IMPACT_BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
