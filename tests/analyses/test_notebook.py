"""The same question of the same rows, whatever frames they come in."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa
import pytest

import rakurs
from rakurs.core.errors import BadInput, BadParameter, UnknownName
from rakurs.schema import ORDERS
from rakurs.schema.derived import stored
from spark_session import needs_spark, spark_engine

ORDERS_GIVEN = pa.table(
    {
        "order_id": [1, 2, 3, 4],
        "ordered_at": pa.array(
            [
                datetime.fromisoformat(text)
                for text in ("2026-03-31T23:59:00", "2026-03-01", "2026-02-01", "2025-12-01")
            ],
            pa.timestamp("us"),
        ),
        "customer_id": ["best", "best", "once", None],
        "amount": [10.125, 20.0, 30.0, 7.0],
        "colour": ["red", "blue", "red", None],
    }
)
CUSTOMERS_GIVEN = pa.table({"customer_id": ["best"], "name": ["Анна"]})
EXPECTED = [
    {"customer_id": "best", "customer": "Анна", "recency_days": 0.0, "sales": 2, "revenue": 30.13},
    {"customer_id": "once", "customer": "once", "recency_days": 58.0, "sales": 1, "revenue": 30.0},
]


def of_duckdb(*tables: pa.Table) -> list[Any]:
    connection = duckdb.connect()
    for number, table in enumerate(tables):
        connection.register("given", table)
        connection.execute(f"create table given_{number} as select * from given")
        connection.unregister("given")
    return [connection.table(f"given_{number}") for number in range(len(tables))]


KINDS = [
    pytest.param(of_duckdb, lambda answer: answer.to_arrow_table(), duckdb.DuckDBPyRelation, id="duckdb"),
    pytest.param(
        lambda *tables: [pl.DataFrame(pl.from_arrow(table)) for table in tables],
        lambda answer: answer.collect().to_arrow(),
        pl.LazyFrame,
        id="polars",
    ),
    pytest.param(
        lambda *tables: [pl.DataFrame(pl.from_arrow(table)).lazy() for table in tables],
        lambda answer: answer.collect().to_arrow(),
        pl.LazyFrame,
        id="polars lazy",
    ),
    pytest.param(
        lambda *tables: [table.to_pandas() for table in tables],
        lambda answer: answer.to_arrow_table(),
        duckdb.DuckDBPyRelation,
        id="pandas",
    ),
    pytest.param(
        lambda *tables: list(tables), lambda answer: answer.to_arrow_table(), duckdb.DuckDBPyRelation, id="arrow"
    ),
    pytest.param(
        lambda *tables: [spark_engine().session.createDataFrame(table) for table in tables],
        lambda answer: answer.toArrow(),
        None,
        id="spark",
        marks=needs_spark,
    ),
]


@pytest.mark.parametrize(("given", "read", "kind"), KINDS)
def test_every_kind_of_frame(given: Any, read: Any, kind: type | None) -> None:
    orders, customers = given(ORDERS_GIVEN, CUSTOMERS_GIVEN)
    answer = rakurs.analyses.rfm(orders=orders, customers=customers, window_days=90)
    assert kind is None or isinstance(answer, kind)
    rows = [{name: plain_number(row[name]) for name in EXPECTED[0]} for row in read(answer).to_pylist()]
    assert rows == EXPECTED


def plain_number(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value


@pytest.mark.parametrize("name", [analysis.name for area in rakurs.analyses.AREAS for analysis in area.analyses])
def test_every_analysis_answers_its_example_in_a_notebook(name: str) -> None:
    analysis = rakurs.analyses.analysis_named(name)
    tables = {table: pl.from_dicts([plain(row) for row in rows]) for table, rows in columns_filled(analysis.example)}
    params = {key: value for key, value in analysis.example.params if value is not None}
    answer = getattr(rakurs.analyses, name)(**tables, **params, timezone="UTC").collect().to_dicts()
    assert len(answer) == len(analysis.example.expect)
    for row, expected in zip(answer, analysis.example.expect, strict=True):
        for column, value in expected.items():
            assert same(row[column], value), column


def columns_filled(example: Any) -> list[tuple[str, list[dict[str, Any]]]]:
    """The example's tables with every column in every row, as a frame wants them."""
    filled = []
    for table, rows in example.tables.items():
        names = list(dict.fromkeys(name for row in rows for name in row))
        if rows:
            filled.append((table, [{name: row.get(name) for name in names} for row in rows]))
    return filled


def plain(row: dict[str, Any]) -> dict[str, Any]:
    """Columns of an example mix numbers and text, as a file would; flags stay flags."""
    return {name: value if value is None or isinstance(value, bool) else str(value) for name, value in row.items()}


def same(one: Any, other: Any) -> bool:
    if isinstance(one, date):
        return one.isoformat() == str(other)
    if one is None or other is None or isinstance(one, (str, bool)):
        return one == other
    return float(one) == pytest.approx(float(other), rel=1e-5)


def test_times_with_an_offset_are_moved() -> None:
    orders = pl.DataFrame(
        {"order_id": ["1"], "ordered_at": [datetime.fromisoformat("2026-03-31T22:00:00")], "amount": [1]}
    )
    aware = orders.with_columns(pl.col("ordered_at").dt.replace_time_zone("UTC"))

    def day(**options: Any) -> date:
        dynamics = rakurs.analyses.sales_dynamics(orders=aware, grain="day", compare="none", **options)
        return dynamics.collect()["period_start"][0]

    assert day(timezone="UTC") == date(2026, 3, 31)
    assert day(timezone="Europe/Moscow") == date(2026, 4, 1)


def test_money_of_another_currency_is_not_added() -> None:
    orders = ORDERS_GIVEN.append_column("currency", pa.array(["RUB", None, "USD", "RUB"]))
    answer = rakurs.analyses.sales_dynamics(orders=orders, grain="year", compare="none").to_arrow_table()
    assert [float(value) for value in answer["revenue"].to_pylist()] == [7.0, 30.13]


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"orders": ORDERS_GIVEN, "rank": 3}, UnknownName, "Did you mean “ranks”"),
        ({"order": ORDERS_GIVEN}, UnknownName, "Did you mean “orders”"),
        ({"orders": ORDERS_GIVEN, "ranks": 1}, BadParameter, "“ranks”"),
        ({"orders": ORDERS_GIVEN.drop(["order_id"])}, BadInput, "required columns are missing: order_id"),
        ({}, BadInput, "At least one table"),
        ({"orders": ORDERS_GIVEN, "customers": pl.DataFrame({"customer_id": ["1"]})}, BadInput, "one engine"),
        ({"orders": ORDERS_GIVEN.slice(0, 0)}, BadInput, "no time of any event"),
        ({"orders": ORDERS_GIVEN.slice(3, 1)}, BadInput, "1 more needed: sales to known customers"),
    ],
)
def test_mistakes_are_named(given: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        rakurs.analyses.rfm(**given)


def test_an_unknown_analysis_is_an_unknown_attribute() -> None:
    with pytest.raises(AttributeError, match="Did you mean “rfm”"):
        _ = rakurs.analyses.rfmm
    assert "rfm" in dir(rakurs.analyses)


def test_help_is_written_by_the_analysis() -> None:
    said = rakurs.analyses.rfm.__doc__
    assert "Whom to keep, to wake, to let go?" in said
    assert "window_days" in said
    assert stored(ORDERS).name in said
