"""
Tables on Ray: a data set goes in, a data set of outcomes comes out; rows are decided where they are.

Ray itself is not imported: a data set brings it. Workers need this package with the extra `tables`; the policies travel with the job.
"""

from __future__ import annotations

from datetime import date
from typing import Any, TypeAlias

from engine.bundle import Bundle
from engine.tables.cluster_job import cluster_job
from engine.tables.column_mapping import TableMapping

RayDataset: TypeAlias = Any  # `ray.data.Dataset`


def decide(
    dataset: RayDataset,
    bundle: Bundle,
    *,
    key: str,
    as_of: date | str,
    today: date | None = None,
    mapping: TableMapping | None = None,
    program: str = "lanes",
    lang: str = "en",
) -> RayDataset:
    """The outcome of each row of a data set, as `engine.tables.spark.decide` has it for a frame."""
    names = dataset.columns()
    job = cluster_job(bundle, names, key=key, as_of=as_of, today=today, mapping=mapping, program=program, lang=lang)
    return dataset.map_batches(job.decide_table, batch_format="pyarrow")
