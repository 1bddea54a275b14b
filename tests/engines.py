"""The engines every mart and analysis must agree on, and the frames that stand for a few canonical rows."""

import atexit
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

import duckdb
import narwhals.stable.v2 as nw
import polars as pl
import pyarrow as pa
import pytest

from rakurs.core.analysis import Analysis
from rakurs.core.mart import MartSettings
from rakurs.core.model import Model
from rakurs.marts import CALENDAR_MART, MARTS
from rakurs.schema import TABLES
from rakurs.schema.rows import stored_rows
from rakurs.schema.scores import MODEL_SCORES
from rakurs.schema.segments import SEGMENT_MEMBERSHIPS
from spark_session import needs_spark, spark_engine

Frame = nw.LazyFrame[Any]
Rows = Mapping[str, Sequence[Mapping[str, Any]]]

_GIVEN = {table.name: table for table in (*TABLES, MODEL_SCORES, SEGMENT_MEMBERSHIPS)}
"""Canonical tables, and those that Rakurs writes itself and questions read."""

_MARTS = {mart.table.name: mart for mart in MARTS}

CALENDAR_FROM, CALENDAR_TO = date(2014, 1, 1), date(2027, 12, 31)


class EngineUnderTest(Protocol):
    name: str

    def frame(self, table: str, data: pa.Table) -> Frame:
        """`data` as a lazy frame of the engine, kept under `table`."""

    def kept(self, table: str, frame: Frame) -> Frame:
        """`frame` computed once, so that later marts do not compute it again."""

    def collect(self, frame: Frame) -> pa.Table: ...


@dataclass
class DuckDBUnderTest:
    name: str = "duckdb"

    def __post_init__(self) -> None:
        self.connection = duckdb.connect()
        atexit.register(self.connection.close)
        self.connection.execute("set timezone = 'UTC'")

    def frame(self, table: str, data: pa.Table) -> Frame:
        self.connection.register("incoming", data)
        self.connection.execute(f'create or replace table "{table}" as select * from incoming')
        self.connection.unregister("incoming")
        return nw.from_native(self.connection.table(table)).lazy()

    def kept(self, table: str, frame: Frame) -> Frame:
        return self.frame(table, self.collect(frame))

    def collect(self, frame: Frame) -> pa.Table:
        return frame.to_native().to_arrow_table()


@dataclass
class PolarsUnderTest:
    name: str = "polars"

    def frame(self, table: str, data: pa.Table) -> Frame:
        return nw.from_native(pl.from_arrow(data).lazy())

    def kept(self, table: str, frame: Frame) -> Frame:
        return nw.from_native(frame.to_native().collect().lazy())

    def collect(self, frame: Frame) -> pa.Table:
        return frame.to_native().collect().to_arrow()


@dataclass
class SparkUnderTest:
    name: str = "spark"

    def frame(self, table: str, data: pa.Table) -> Frame:
        return spark_engine().frame(data)

    def kept(self, table: str, frame: Frame) -> Frame:
        return self.frame(table, self.collect(frame))

    def collect(self, frame: Frame) -> pa.Table:
        return spark_engine().collect(frame)


ENGINES: list[EngineUnderTest] = [DuckDBUnderTest(), PolarsUnderTest()]

ON_EVERY_ENGINE = [
    *(pytest.param(engine, id=engine.name) for engine in ENGINES),
    pytest.param(SparkUnderTest(), id="spark", marks=needs_spark),
]
"""For `pytest.mark.parametrize("engine", ON_EVERY_ENGINE)`."""

_CALENDAR: list[pa.Table] = []


def calendar_rows() -> pa.Table:
    if not _CALENDAR:
        _CALENDAR.append(CALENDAR_MART.build(CALENDAR_FROM, CALENDAR_TO))
    return _CALENDAR[0]


class Made(dict[str, Frame]):
    """Every canonical table and every mart by name, each made when it is first asked for."""

    def __init__(self, make: Callable[[str], Frame]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, name: str) -> Frame:
        self[name] = self._make(name)
        return self[name]


def frames_on(engine: EngineUnderTest, rows: Rows, *, settings: MartSettings | None = None) -> Made:
    """Every canonical table and every mart, by name, made of `rows` on `engine`; tables not given are empty."""
    unknown = set(rows) - set(_GIVEN)
    assert not unknown, f"no such tables: {unknown}"

    def make(name: str) -> Frame:
        if name == "calendar":
            return engine.frame(name, calendar_rows())
        if name in _GIVEN:
            return engine.frame(name, stored_rows(_GIVEN[name], rows.get(name, ())))
        mart = _MARTS[name]
        inputs = {argument: made[table.name] for argument, table in mart.inputs.items()}
        return engine.kept(name, mart.build(settings=settings or MartSettings(), **inputs))

    made = Made(make)
    return made


def handed_on(engine: EngineUnderTest, rows: Rows) -> Made:
    """As `frames_on`, for questions of an engine that takes seconds to make a mart: DuckDB makes them."""
    if engine.name != "spark":
        return frames_on(engine, rows)
    maker = DuckDBUnderTest()
    made = frames_on(maker, rows)
    return Made(lambda name: engine.frame(name, maker.collect(made[name])))


def inputs_on(engine: EngineUnderTest, analysis: Analysis | Model, rows: Rows) -> dict[str, Frame]:
    """What `analysis` (or a model) reads, by argument, and nothing else; its marts as `handed_on` has them."""
    made = handed_on(engine, rows)
    return {argument: made[table.name] for argument, table in analysis.inputs.items()}
