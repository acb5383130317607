"""
Tables on Spark: a data frame goes in, a data frame of outcomes comes out; rows are decided where they are.

Spark itself is not imported: a frame brings it. Workers need this package with the extra `tables`, and nothing of ours is put there by
hand: the policies travel with the job.
"""

from __future__ import annotations

from datetime import date
from typing import Any, TypeAlias

from engine.bundle import Bundle
from engine.tables.cluster_job import COLUMNS, cluster_job
from engine.tables.column_mapping import TableMapping

SparkFrame: TypeAlias = Any  # `pyspark.sql.DataFrame`, of Spark itself or of Spark Connect


def decide(
    frame: SparkFrame,
    bundle: Bundle,
    *,
    key: str,
    as_of: date | str,
    today: date | None = None,
    mapping: TableMapping | None = None,
    program: str = "lanes",
    lang: str = "en",
) -> SparkFrame:
    """
    The outcome of each row of a frame: its key, the columns of a run without the row's number, and `problem_details`.

    `key` is the column that names a row: rows have no numbers on a cluster. See TableDecider for the rest; counters are as the rows state
    them. Raises ColumnsRefused where a column states nothing, ValueError where no column is the key.
    """
    job = cluster_job(bundle, frame.columns, key=key, as_of=as_of, today=today, mapping=mapping, program=program, lang=lang)
    # A dot in a name is a member of a column to Spark: rows travel without names.
    bare = frame.toDF(*(f"c{number}" for number in range(len(job.columns))))
    return bare.mapInArrow(job.decide, ", ".join(f"{name} {kind}" for name, _, kind in COLUMNS))
