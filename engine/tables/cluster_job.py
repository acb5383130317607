"""
A job on a cluster: what travels to its workers, and what a worker does with rows. Spark and Ray are called in `spark` and `ray`.

The files of a bundle travel with the job, compressed. A worker reads them once and keeps them by the job's digest; rows come as batches of
PyArrow, and their outcomes go as such. What a worker has read must be what was sent, to the digest.
"""

from __future__ import annotations

import json
import pickle
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from hashlib import sha256
from threading import Lock
from typing import Any, TypeAlias

from arro3.core import Array, DataType, Field, RecordBatch, Schema

from engine.bundle import Bundle, load_sources
from engine.policy_language.written_effects import PolicySettings
from engine.tables.arrow import slices
from engine.tables.coded_chunk import of_batch
from engine.tables.column_mapping import FactPlaces, TableMapping, stated_columns
from engine.tables.outcomes import LISTS
from engine.tables.table_decider import CHUNK, DecidedRows, TableDecider
from engine.version import VERSION

KEPT = 4  # jobs of which a worker keeps the bundle
PyArrowBatch: TypeAlias = Any  # `pyarrow.RecordBatch`: whoever has Spark or Ray has PyArrow

PyArrowTable: TypeAlias = Any  # `pyarrow.Table`

# The columns of a result. A row has no number: that would depend on how the rows are divided.
COLUMNS = (
    ("key", DataType.utf8(), "string"),
    ("as_of", DataType.date32(), "date"),
    *((name, DataType.utf8(), "string") for name in ("outcome", "low", "high")),
    ("proceed", DataType.bool(), "boolean"),
    *((name, DataType.utf8(), "string") for name in LISTS),
    ("problems", DataType.int32(), "int"),
    ("problem_details", DataType.utf8(), "string"),
)
SCHEMA = Schema([Field(name, kind) for name, kind, _ in COLUMNS])


class WorkerDiffers(RuntimeError):
    """A worker has another version of the engine, or reads the policies otherwise; the message says what to do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClusterJob:
    """What travels: the names of the columns, the files of a bundle and what was made of them, how rows are read, and the days."""

    digest: str
    columns: tuple[str, ...]
    files: bytes
    settings: PolicySettings
    semantics: int
    meaning: str
    version: str
    mapping: TableMapping
    as_of: date | str
    today: date | None
    program: str
    lang: str

    def decide(self, batches: Iterable[PyArrowBatch]) -> Iterator[PyArrowBatch]:
        """The outcomes of the rows of some batches, in their order."""
        import pyarrow

        worker = _worker(self)
        for batch in batches:
            named = batch.rename_columns(self.columns)
            for some in slices([RecordBatch.from_arrow(named)], CHUNK):
                yield from map(pyarrow.record_batch, worker.decide(some, self.lang))

    def decide_table(self, table: PyArrowTable) -> PyArrowTable:
        """The outcomes of the rows of a table of PyArrow."""
        import pyarrow

        batches = table.select(list(self.columns)).combine_chunks().to_batches()
        return pyarrow.Table.from_batches(self.decide(batches), schema=pyarrow.schema(SCHEMA))


def cluster_job(
    bundle: Bundle,
    columns: Iterable[str],
    *,
    key: str,
    as_of: date | str,
    today: date | None,
    mapping: TableMapping | None,
    program: str,
    lang: str,
) -> ClusterJob:
    """
    The job of deciding a table with some columns. Raises ColumnsRefused where one states nothing, ValueError where no column is the key.
    """
    mapping = mapping or TableMapping()
    if not key or mapping.key not in ("", key):
        raise ValueError(
            "on a cluster a column must be the key of the rows, one and the same for the table and its mapping: name it"
        )
    mapping = replace(mapping, key=key)
    names = tuple(columns)
    stated_columns([name for name in names if name != as_of], mapping, FactPlaces(bundle))
    files = zlib.compress(pickle.dumps(bundle.sources), 9)
    decided_by = (VERSION, bundle.settings, bundle.semantics, mapping, as_of, today, program, lang)
    return ClusterJob(
        digest=sha256(files + pickle.dumps(decided_by)).hexdigest(),
        columns=names,
        files=files,
        settings=bundle.settings,
        semantics=bundle.semantics,
        meaning=bundle.digests.meaning,
        version=VERSION,
        mapping=mapping,
        as_of=as_of,
        today=today,
        program=program,
        lang=lang,
    )


class _Worker:
    """Decides the rows of a job in one process."""

    def __init__(self, job: ClusterJob) -> None:
        if job.version != VERSION:
            raise WorkerDiffers(
                f"a worker has version {VERSION} of fifthfactor, and the job is of {job.version}: install the same on both"
            )
        # The files are as trusted as the job itself, which the cluster has unpickled.
        bundle = load_sources(pickle.loads(zlib.decompress(job.files)), job.settings, job.semantics, tests=False)
        if bundle.digests.meaning != job.meaning:
            raise WorkerDiffers(
                "a worker reads the policies otherwise than whoever sent the job: install the same engine on both"
            )
        self._decider = TableDecider(bundle, as_of=job.as_of, today=job.today, mapping=job.mapping, program=job.program)
        self._one_at_a_time = Lock()  # some clusters run their tasks as threads of one process

    def decide(self, batch: RecordBatch, lang: str) -> list[RecordBatch]:
        with self._one_at_a_time:
            return [_told(rows, lang) for rows in self._decider.chunks([of_batch(batch)])]


def _told(rows: DecidedRows, lang: str) -> RecordBatch:
    columns = {
        "key": Array(_keys(rows), DataType.utf8()),
        "problem_details": Array(_details(rows, lang), DataType.utf8()),
    }
    arrays = [columns.get(name) or rows.batch.column(name).cast(kind) for name, kind, _ in COLUMNS]
    return RecordBatch.from_arrays(arrays, schema=SCHEMA)


_workers: dict[str, _Worker] = {}
_making = Lock()


def _worker(job: ClusterJob) -> _Worker:
    """What decides the rows of a job in this process."""
    with _making:
        found = _workers.get(job.digest)
        if found is None:
            while len(_workers) >= KEPT:
                del _workers[next(iter(_workers))]
            found = _workers[job.digest] = _Worker(job)
        return found


def _keys(rows: DecidedRows) -> list[str | None]:
    """The key of each row; null where its column is empty: the number of a row in a batch is no name."""
    keys: list[str | None] = list(rows.keys)
    for place in rows.without_key:
        keys[place] = None
    return keys


def _details(rows: DecidedRows, lang: str) -> list[str]:
    """What the door refused of each row, as JSON."""
    details = ["[]"] * len(rows)
    for place in rows.problem_rows():
        problems = rows.outcome(place).problems
        told = [{"pointer": each.pointer, "code": each.code, "detail": each.told(lang)} for each in problems]
        details[place] = json.dumps(told, ensure_ascii=False)
    return details
