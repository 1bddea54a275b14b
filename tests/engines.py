"""The engines every mart and analysis must agree on, and the frames that stand for a few canonical rows."""

import atexit
from collections.abc import Mapping, Sequence
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


def frames_on(engine: EngineUnderTest, rows: Rows, *, settings: MartSettings | None = None) -> dict[str, Frame]:
    """Every canonical table and every mart, by name, made of `rows` on `engine`; tables not given are empty."""
    unknown = set(rows) - set(_GIVEN)
    assert not unknown, f"no such tables: {unknown}"
    names = [*_GIVEN, *(mart.table.name for mart in MARTS)]
    return _made(engine, names, rows, settings or MartSettings())


def handed_on(engine: EngineUnderTest, rows: Rows) -> dict[str, Frame]:
    """As `frames_on`, for questions of an engine that takes seconds to make a mart: DuckDB makes them."""
    if engine.name != "spark":
        return frames_on(engine, rows)
    maker = DuckDBUnderTest()
    return {name: engine.frame(name, maker.collect(frame)) for name, frame in frames_on(maker, rows).items()}


def inputs_on(engine: EngineUnderTest, analysis: Analysis | Model, rows: Rows) -> dict[str, Frame]:
    """What `analysis` (or a model) reads, by argument, and nothing else; its marts as `handed_on` has them."""
    maker = DuckDBUnderTest() if engine.name == "spark" else engine
    made = _made(maker, [table.name for table in analysis.inputs.values()], rows, MartSettings())
    if maker is not engine:
        made = {name: engine.frame(name, maker.collect(frame)) for name, frame in made.items()}
    return {argument: made[table.name] for argument, table in analysis.inputs.items()}


def _made(engine: EngineUnderTest, names: Sequence[str], rows: Rows, settings: MartSettings) -> dict[str, Frame]:
    """The named tables and marts, and what the marts are made of."""
    marts = {mart.table.name: mart for mart in MARTS}
    frames: dict[str, Frame] = {"calendar": engine.frame("calendar", calendar_rows())}

    def frame(name: str) -> Frame:
        if name not in frames and name in marts:
            inputs = {argument: frame(table.name) for argument, table in marts[name].inputs.items()}
            frames[name] = engine.kept(name, marts[name].build(settings=settings, **inputs))
        elif name not in frames:
            frames[name] = engine.frame(name, stored_rows(_GIVEN[name], rows.get(name, ())))
        return frames[name]

    for name in names:
        frame(name)
    return frames
