"""
Rows are decided on Spark as in one process, and the tree over them has the same root: on Sail, which speaks Spark Connect without Java
(`make test-tables`), and on Spark itself with two executors (`make spark`).
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import engine
import engine.tables.spark
from engine.tables import ColumnsRefused, read_mapping
from engine.tables.cluster_job import WorkerDiffers, cluster_job
from service.tables.spark_tree import spark_tree
from tests.engine.tables.small_policies import DAY
from tests.pages import blocks
from tests.service.tables.small_tables import BUNDLE, MAPPING, NAMES, rows, run, write_csv

HERE = os.environ.get("SPARK", "")  # `sail` or `java`, where one of the two is installed: then nothing is passed over
EXECUTORS = "local-cluster[2,1,1024]"
COUNT = 2_000
ROWS = rows(COUNT, seed=7)
COLUMNS = read_mapping(BUNDLE, "mapping.yaml", MAPPING)

pytestmark = pytest.mark.skipif(not HERE and find_spec("pyspark") is None, reason="Spark is not installed: `make test-tables`")


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    """A session of Spark with batches of a hundred rows."""
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.config("spark.sql.execution.arrow.maxRecordsPerBatch", "100")
    if HERE == "java":
        folders = (".", *os.environ["PYTHONPATH"].split(os.pathsep))  # executors have another current folder
        path = os.pathsep.join(str(Path(each).resolve()) for each in folders)
        session = (
            builder.master(EXECUTORS)
            .config("spark.ui.enabled", "false")
            .config("spark.executorEnv.PYTHONPATH", path)
            .config("spark.sql.shuffle.partitions", "4")
            .getOrCreate()
        )
        session.sparkContext.setLogLevel("OFF")
        yield session
        session.stop()
        return
    from pysail.spark import SparkConnectServer

    server = SparkConnectServer("127.0.0.1", 0)
    server.start(background=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARK_REMOTE", f"sc://127.0.0.1:{server.listening_address[1]}")  # where the example of the page finds it
        session = builder.getOrCreate()
        yield session
        session.stop()
    server.stop()


def frame(spark: Any, found: list[tuple[str, ...]], parts: int = 4) -> Any:
    """Rows as a frame of so many parts; an empty cell is null."""
    cells = [tuple(cell or None for cell in row) for row in found]
    return spark.createDataFrame(cells, ", ".join(f"`{name}` string" for name in NAMES)).repartition(parts)


def decided(spark_frame: Any, **more: Any) -> Any:
    settings: dict[str, Any] = {"key": "number", "as_of": DAY, "today": DAY, "mapping": COLUMNS}
    return engine.tables.spark.decide(spark_frame, BUNDLE, **(settings | more))


@pytest.fixture(scope="module")
def one_process(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, dict[str, Any]], str]:
    """The rows that one process decides, by their keys, and the root over them."""
    folder = tmp_path_factory.mktemp("run")
    manifest = run(write_csv(folder / "rows.csv", ROWS), folder / "out.jsonl")
    told = map(json.loads, (folder / "out.jsonl").read_text("utf-8").splitlines())
    found = {each["key"]: {name: value for name, value in each.items() if name != "row"} for each in told}
    return found, manifest.tree.root


def test_each_row_comes_out_as_in_one_process(spark: Any, one_process: Any) -> None:
    """Every column of every row, and what is wrong with a row."""
    expected, _ = one_process
    found = {each["key"]: each.asDict() for each in decided(frame(spark, ROWS)).collect()}
    assert found.keys() == expected.keys()
    for key, row in found.items():
        assert len(json.loads(row.pop("problem_details"))) == row["problems"]
        lists = {name: json.loads(row[name]) for name in engine.tables.LISTS}
        assert row | lists | {"as_of": row["as_of"].isoformat()} == expected[key]
    assert len({row["outcome"] for row in found.values()}) >= 5


def test_the_root_is_that_of_one_process(spark: Any, one_process: Any, tmp_path: Path) -> None:
    """However the rows are divided, as they are decided and as they are read back; one changed row makes another root."""
    _, root = one_process
    outcomes = decided(frame(spark, ROWS))
    tree = spark_tree(outcomes, partitions=3)
    assert (tree.root.hex(), tree.rows, tree.twice_count) == (root, COUNT, 0)
    outcomes.write.parquet(str(tmp_path / "decided"))
    read = spark.read.parquet(str(tmp_path / "decided"))
    assert spark_tree(read.repartition(5), partitions=7).root.hex() == root
    assert spark_tree(read.replace("n-9", "n-0009", "key"), partitions=1).root.hex() != root


def test_the_example_of_the_page_runs_as_written(spark: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """But for the folder that it writes: it submits a job, reads the result, and shows what the door refused."""
    [example] = [block for block in blocks("service/docs/tables-on-clusters.md") if block.kind == "python spark"]
    text = example.text.replace('"decisions"', repr(str(tmp_path / "decisions")))
    found: dict[str, Any] = {}
    exec(compile(text, str(example), "exec"), found)
    assert "did you mean" in capsys.readouterr().out
    assert {each["key"]: each["outcome"] for each in found["decisions"].collect()} == {
        "t-1": "undetermined",
        "t-2": "undetermined",
        "t-3": "problem",
    }
    assert (found["tree"].rows, found["tree"].twice) == (3, [])
    assert (tmp_path / "decisions").is_dir()


def test_tables_of_ray_are_decided_by_the_same_job(one_process: Any) -> None:
    """Ray gives whole tables of PyArrow, whose columns may be in chunks."""
    import pyarrow

    job = cluster_job(BUNDLE, NAMES, key="number", as_of=DAY, today=DAY, mapping=COLUMNS, program="lanes", lang="en")
    columns = {name: [row[at] or None for row in ROWS] for at, name in enumerate(NAMES)}
    halves = [pyarrow.table({name: cells[half::2] for name, cells in columns.items()}) for half in (0, 1)]
    found = job.decide_table(pyarrow.concat_tables(halves)).to_pylist()
    assert {each["key"]: each["outcome"] for each in found} == {key: row["outcome"] for key, row in one_process[0].items()}


def test_a_key_that_occurs_twice_or_not_at_all_is_a_fault(spark: Any) -> None:
    """The tree names it; a row without a key has none that depends on how rows are divided."""
    found = [*ROWS[:20], ROWS[3], ("", *ROWS[4][1:]), ("", *ROWS[5][1:])]
    outcomes = decided(frame(spark, found, parts=2))
    assert outcomes.filter("key is null").count() == 2
    tree = spark_tree(outcomes, partitions=2)
    assert (tree.rows, sorted(tree.twice), tree.twice_count) == (23, ["", "n-3"], 2)


def test_what_cannot_be_decided_is_refused_before_the_job(spark: Any) -> None:
    """A column that states nothing, and a table without a key."""
    some = frame(spark, ROWS[:2])
    with pytest.raises(ColumnsRefused, match=r"exporter\.contry"):
        decided(some.toDF(*(name.replace("country", "contry") for name in NAMES)))
    with pytest.raises(ValueError, match="must be the key"):
        decided(some, key="")
    with pytest.raises(ValueError, match="must be the key"):
        decided(some, key="exporter.country")


def test_a_worker_that_would_decide_otherwise_decides_nothing() -> None:
    """It has another engine, or reads the policies otherwise."""
    job = cluster_job(BUNDLE, NAMES, key="number", as_of=DAY, today=None, mapping=COLUMNS, program="lanes", lang="en")
    for other in (replace(job, digest="1", version="0.0.1"), replace(job, digest="2", meaning="0" * 64)):
        with pytest.raises(WorkerDiffers, match="install the same"):
            list(other.decide([]))


@pytest.mark.skipif(HERE != "java", reason="only executors of Spark are processes that can be killed: `make spark`")
def test_an_executor_that_is_killed_in_the_middle_changes_nothing(spark: Any, one_process: Any, tmp_path: Path) -> None:
    """One of the two is killed once, after it has passed on some rows: Spark begins again what it lost, and the root is the same."""
    killed = tmp_path / "killed"

    def once(batches: Iterator[Any]) -> Iterator[Any]:
        for number, batch in enumerate(batches):
            if number == 2 and not killed.exists():
                killed.write_text(str(os.getppid()))
                # The process of the rows is a child of the one that begins them, and that one of the executor.
                executor = int(Path(f"/proc/{os.getppid()}/stat").read_text().rpartition(")")[2].split()[1])
                os.kill(executor, signal.SIGKILL)
            yield batch

    some = frame(spark, ROWS)
    names = some.columns
    bare = some.toDF(*(f"c{number}" for number in range(len(names))))
    passed = bare.mapInArrow(once, bare.schema).toDF(*names)
    assert spark_tree(decided(passed), partitions=3).root.hex() == one_process[1]
    assert killed.exists()
