"""
The tree over the rows of a run on Spark: decided rows go in, as they were decided or as they were read back, and the same root comes out
as from one process.

Spark brings each bucket together. A worker sorts its buckets, beyond a limit in files, and makes their trees. At most 4,096 roots come
back.
"""

from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

from engine.tables import batches, of_batch, slices
from service.tables.row_tree import BucketTree, RowEntries, RowTree, bucket_trees, over_buckets, row_entry
from service.tables.table_output import NAMES, read_back

PARTITIONS = 64  # in which buckets are brought together, unless another number is named
_ROWS = 16_384
_ENTRIES = "bucket int, place binary, hash binary"
_TREES = "bucket int, root binary, rows bigint, twice array<string>, twice_count bigint"

SparkFrame: TypeAlias = Any  # `pyspark.sql.DataFrame`
PyArrowBatch: TypeAlias = Any  # `pyarrow.RecordBatch`


def spark_tree(decided: SparkFrame, partitions: int = PARTITIONS) -> RowTree:
    """
    The tree over rows that `engine.tables.spark.decide` decided, or that were read back from where they were written.

    Keys that occur twice are a fault of the run. So are rows without a key: their key is the empty text.
    """
    entries = decided.select(*NAMES[1:]).mapInArrow(_entries, _ENTRIES)
    trees = entries.repartition(partitions, "bucket").mapInArrow(_trees, _TREES).collect()
    # INVARIANT (together): a bucket in two partitions has no root; a cluster that divides otherwise gives none, and never another one.
    if len({each.bucket for each in trees}) < len(trees):
        raise RuntimeError("the cluster did not bring the rows of a bucket together")
    return over_buckets(BucketTree(**each.asDict()) for each in trees)


def _entries(found: Iterable[PyArrowBatch]) -> Iterator[PyArrowBatch]:
    """The entries of decided rows."""
    import pyarrow

    for batch in found:
        for some in slices(batches(batch), _ROWS):
            entries = [row_entry(each.key, each.digest.hex()) for each in read_back(of_batch(some), "arrow")]
            places, hashes = [place for place, _ in entries], [hash for _, hash in entries]
            columns = [
                pyarrow.array([int.from_bytes(place[:2]) for place in places], "int32"),
                *map(pyarrow.array, (places, hashes)),
            ]
            yield pyarrow.RecordBatch.from_arrays(columns, ["bucket", "place", "hash"])


def _trees(found: Iterable[PyArrowBatch]) -> Iterator[PyArrowBatch]:
    """The trees of the buckets of a partition."""
    import pyarrow

    entries = RowEntries()
    try:
        for batch in found:
            for entry in zip(batch.column("place").to_pylist(), batch.column("hash").to_pylist(), strict=True):
                entries.add(entry)
        trees = list(bucket_trees(entries))
    finally:
        entries.close()
    if trees:
        yield pyarrow.RecordBatch.from_arrays(
            [
                pyarrow.array([each.bucket for each in trees], "int32"),
                pyarrow.array([each.root for each in trees], "binary"),
                pyarrow.array([each.rows for each in trees], "int64"),
                pyarrow.array([each.twice for each in trees], pyarrow.list_(pyarrow.string())),
                pyarrow.array([each.twice_count for each in trees], "int64"),
            ],
            ["bucket", "root", "rows", "twice", "twice_count"],
        )
