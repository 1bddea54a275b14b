"""How is a question asked of the two peers: SQL written by hand, and polars?"""

import re
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa

from bench.polars_questions import POLARS_QUESTIONS
from rakurs.marts.tables import CALENDAR

SQL_FOLDER = Path(__file__).parent / "sql"
_PARAMETER = re.compile(r"\$([a-z_]+)")


def handwritten_sql(name: str, values: Mapping[str, Any]) -> str:
    """The SQL of the question `name` with its parameters written in as constants, as a person would type them."""
    text = (SQL_FOLDER / f"{name}.sql").read_text(encoding="utf-8")
    return _PARAMETER.sub(lambda match: _constant(values[match[1]]), text)


def sql_answer(connection: duckdb.DuckDBPyConnection, name: str, values: Mapping[str, Any]) -> pa.Table:
    """The answer of hand-written SQL on the canonical tables in `connection`."""
    return connection.sql(handwritten_sql(name, values)).to_arrow_table()


def polars_answer(folder: Path, name: str, values: Mapping[str, Any]) -> pa.Table:
    """The answer of polars on the canonical tables kept as Parquet files in `folder`."""
    return POLARS_QUESTIONS[name](scanned(folder), values).collect().to_arrow()


def scanned(folder: Path) -> Callable[[str], pl.LazyFrame]:
    """A way to the canonical tables in `folder`, lazily; deleted rows are not there."""

    def table(name: str) -> pl.LazyFrame:
        scan = pl.scan_parquet(folder / f"{name}.parquet")
        return scan if name == CALENDAR.name else scan.filter(pl.col("deleted_at").is_null())

    return table


def _constant(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, date):
        return f"date '{value.isoformat()}'"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return str(value)
