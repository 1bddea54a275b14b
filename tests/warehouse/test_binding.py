"""Is a step bound once, for as long as the tables it reads are the same, and never longer?"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import narwhals.stable.v2 as nw
import pytest

from rakurs.core.mart import Mart, MartSettings
from rakurs.core.units import Unit
from rakurs.warehouse import binding
from rakurs.warehouse.duckdb_engine import Cursor, DuckDBEngine, frame_of
from rakurs.warehouse.reading import Reader
from rakurs.warehouse.warehouse import Warehouse
from warehouse.arriving import delivery
from warehouse.trial_marts import TOTALS, TOTALS_MART, totals


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[DuckDBEngine]:
    made = DuckDBEngine.on_file(tmp_path / "data.duckdb", scratch=tmp_path, memory_limit="200MB")
    with made.cursor() as cursor:
        cursor.execute("create table sales as select 'a' as who, 10 as amount")
    yield made
    made.close()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts the binder is really asked about."""
    texts: list[str] = []
    ask = binding.ask

    def listening(con: Cursor, sql: str, *rest: Any) -> Any:
        texts.append(sql)
        return ask(con, sql, *rest)

    monkeypatch.setattr(binding, "ask", listening)
    return texts


def doubled(cursor: Cursor, table: str = "sales") -> list[dict[str, object]]:
    frame = frame_of(cursor, table).filter(nw.col("amount") > 0).with_columns((nw.col("amount") * 2).alias("twice"))
    joined = frame.join(frame_of(cursor, table), on="who", how="left")
    return joined.group_by("who").agg(nw.col("twice").sum()).collect("pyarrow").to_native().to_pylist()


def test_the_second_time_nobody_is_asked(engine: DuckDBEngine, asked: list[str]) -> None:
    with engine.cursor() as one, engine.cursor() as other:
        assert doubled(one) == [{"who": "a", "twice": 20}]
        assert len(asked) > 4
        asked.clear()
        assert doubled(other) == doubled(one) == [{"who": "a", "twice": 20}]
        assert asked == []


def test_rows_that_come_later_are_seen(engine: DuckDBEngine) -> None:
    with engine.cursor() as cursor:
        doubled(cursor)
        cursor.execute("insert into sales values ('a', 5), ('b', 1)")
        assert sorted(doubled(cursor), key=str) == [{"who": "a", "twice": 60}, {"who": "b", "twice": 2}]


def test_another_warehouse_knows_nothing_of_it(engine: DuckDBEngine, tmp_path: Path) -> None:
    other = DuckDBEngine.on_file(tmp_path / "other.duckdb", scratch=tmp_path, memory_limit="200MB")
    with engine.cursor() as here, other.cursor() as there:
        doubled(here)
        there.execute("create table sales as select 'a' as who, 1.5 as amount, 'x' as more")
        assert [float(row["twice"]) for row in doubled(there)] == [3.0]  # type: ignore[arg-type]
    other.close()


def test_a_passing_table_may_change_its_columns(tmp_path: Path) -> None:
    warehouse = Warehouse.open(tmp_path / "home", timezone="UTC", currency="RUB")
    with warehouse.reading() as reader:
        deals = reader.frame("deals")
        for names in (["deal_id"], ["deal_id", "amount"], ["title"]):
            assert kept_columns(reader, deals.select(*names)) == [*names, "more"]
    warehouse.close()


def test_marts_of_another_release_have_its_columns_at_once(tmp_path: Path) -> None:
    """What was read of the old marts is forgotten when the new ones are made, in the same process."""

    def wider(*, settings: MartSettings, orders: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
        return totals(settings=settings, orders=orders).with_columns(nw.lit("new").alias("more"))

    more = replace(TOTALS.columns[0], name="more", unit=Unit.TEXT)
    newer = Mart(
        table=replace(TOTALS, columns=(*TOTALS.columns, more)),
        inputs=TOTALS_MART.inputs,
        build=wider,
        sort=TOTALS_MART.sort,
    )
    warehouse = Warehouse.open(tmp_path / "home", timezone="UTC", currency="RUB")
    for mart in (TOTALS_MART, newer):
        warehouse.load(
            [
                delivery(
                    tmp_path,
                    "orders",
                    f"order_id,customer_id,ordered_at,amount\n{len(mart.table.columns)},c,2026-01-01,5\n",
                )
            ],
            marts=[mart],
        )
        with warehouse.reading() as reader:
            told = reader.collect(reader.frame(TOTALS.name).with_columns(nw.lit(1).alias("one")))
        assert told.column_names == [*mart.table.names, "one"]
    assert told["more"].to_pylist() == ["new"]
    warehouse.close()


def kept_columns(reader: Reader, frame: nw.LazyFrame[Any]) -> list[str]:
    with reader.kept(frame) as (kept, _rows):
        return reader.collect(kept.with_columns(nw.lit(1).alias("more"))).column_names


def test_a_text_the_binder_refuses_is_refused_every_time(engine: DuckDBEngine) -> None:
    with engine.cursor() as cursor:
        for _ in range(2):
            with pytest.raises(Exception, match="not found"):
                frame_of(cursor, "sales").select(nw.col("nowhere"))
