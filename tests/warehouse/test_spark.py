"""Spark keeps and answers tables like any other engine, and says plainly what it lacks."""

import subprocess
import sys
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import narwhals.stable.v2 as nw
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rakurs.core.errors import BadInput, UnknownName
from rakurs.warehouse.engine import Engine
from rakurs.warehouse.spark import SparkEngine, SparkSettings, open_session
from spark_session import needs_spark, spark_engine

# Times are stored as UTC without an offset.
NOON = datetime.fromisoformat("2024-03-31T02:30:00")
ROWS = pa.table(
    {
        "sale_id": ["1", "2", None],
        "revenue": pa.array([Decimal("10.50"), None, Decimal("-1.00")], pa.decimal128(18, 2)),
        "sold_at": pa.array([NOON, None, NOON], pa.timestamp("us")),
        "sold_on": pa.array([date(2024, 2, 29), None, date(1969, 12, 31)]),
        "is_first": [True, False, None],
    }
)


@pytest.fixture
def engine(tmp_path: Path) -> SparkEngine:
    return SparkEngine(spark_engine().session, tmp_path / "tables")


def sorted_rows(table: pa.Table) -> list[dict[str, object]]:
    return sorted(table.to_pylist(), key=str)


class TestSparkEngine:
    pytestmark = needs_spark

    def test_is_an_engine(self, engine: Engine) -> None:
        assert engine.name == "spark"

    def test_what_is_kept_comes_back_as_it_was(self, engine: SparkEngine) -> None:
        engine.keep("sales", ROWS)
        back = engine.collect(engine.table("sales"))
        assert back.schema.equals(ROWS.schema)
        assert sorted_rows(back) == sorted_rows(ROWS)

    def test_a_frame_may_replace_the_table_it_reads(self, engine: SparkEngine) -> None:
        engine.keep("sales", ROWS)
        for _ in range(3):
            engine.keep("sales", nw.concat([engine.table("sales"), engine.table("sales")]))
        assert engine.collect(engine.table("sales")).num_rows == 24
        assert len(list((engine.folder / "sales").iterdir())) == 2

    def test_a_write_cut_short_changes_nothing(self, engine: SparkEngine) -> None:
        engine.keep("sales", ROWS)
        half = engine.folder / "sales" / "000002"
        half.mkdir()
        (half / "part-0.parquet").write_bytes(b"half of a file")
        assert engine.collect(engine.table("sales")).num_rows == 3
        engine.keep("sales", ROWS.slice(0, 1))
        assert engine.collect(engine.table("sales")).num_rows == 1

    def test_names_the_nearest_table(self, engine: SparkEngine) -> None:
        engine.keep("sales", ROWS)
        with pytest.raises(UnknownName) as raised:
            engine.table("sale")
        assert raised.value.did_you_mean == "sales"

    def test_reads_parquet_of_the_warehouse(self, engine: SparkEngine, tmp_path: Path) -> None:
        pq.write_table(ROWS, tmp_path / "sales.parquet")
        total = engine.parquet(tmp_path / "sales.parquet").select(nw.col("revenue").sum())
        assert engine.collect(total).to_pylist() == [{"revenue": Decimal("9.50")}]

    def test_shows_the_plan(self, engine: SparkEngine) -> None:
        engine.keep("sales", ROWS)
        plan = engine.sql(engine.table("sales").filter(nw.col("is_first")))
        assert "Filter" in plan
        assert "is_first" in plan

    def test_leaves_nothing_in_the_working_folder(self, engine: SparkEngine) -> None:
        engine.keep("sales", ROWS)
        assert not [name for name in ("spark-warehouse", "metastore_db", "derby.log") if Path(name).exists()]


def test_says_that_java_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(BadInput, match="Java 17"):
        open_session(SparkSettings(folder=tmp_path))


def test_says_that_the_extra_is_missing() -> None:
    script = (
        "import sys; sys.modules['pyspark'] = None\n"
        "try:\n    import rakurs.warehouse.spark\n"
        "except Exception as error:\n    print(type(error).__name__, error)"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "BadInput Spark needs the pyspark library: install rakurs[spark]."
