"""The key numbers of a period: what an owner looks at first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from rakurs.app.asked import PivotAsked
from rakurs.app.measuring import MeasureParams, cut_of, frames_of_cut
from rakurs.app.params import checked_params
from rakurs.app.pivots import PivotParams, PivotQuestion
from rakurs.app.rights import Scope
from rakurs.core.metric import Metric
from rakurs.core.periods import Grain, Period
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.metrics import Cut, metric_named, pivot, series
from rakurs.metrics.cut import change_unit
from rakurs.warehouse.reading import Reader

Point = tuple[date, Any, bool]
"""First day of a bucket, its value, whether the bucket is finished."""

TILE_METRICS = ("revenue", "deals_created", "deals_won", "win_rate", "average_check", "cycle_days")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One key number of a period, against its comparison, with the line that led there, oldest point first."""

    metric: str
    title: Text
    unit: Unit
    value: Any
    compared: Any
    change: float | None
    change_unit: Unit
    spark: tuple[Point, ...]
    passport: Text


def tiles_of(
    reader: Reader, raw: Mapping[str, Any], *, today: date, scope: Scope, fiscal_year_start: int = 1
) -> tuple[Tile, ...]:
    """The key numbers of a company that has deals, orders, or both."""
    params = checked_params(MeasureParams, raw).bound(today, fiscal_year_start=fiscal_year_start)
    cut = cut_of(reader, params, (), scope)
    metrics = [metric_named(name) for name in TILE_METRICS]
    return _tiles(reader, metrics, cut, params, scope=scope)


def number_tiles(reader: Reader, asked: PivotAsked, params: PivotParams, *, scope: Scope) -> tuple[Tile, ...]:
    """The metrics of a question, its split aside, one tile each. `params` are bound to a day."""
    question = PivotQuestion(asked.model_copy(update={"rows": (), "columns": (), "top": None}), params)
    return _tiles(reader, question.metrics, question.cut(params), params, scope=scope)


def _tiles(
    reader: Reader, metrics: Sequence[Metric], cut: Cut, params: MeasureParams, *, scope: Scope
) -> tuple[Tile, ...]:
    frames = frames_of_cut(reader, cut, metrics, params, scope)
    (row,) = reader.collect(pivot(frames, metrics, cut)).to_pylist() or ({},)
    return tuple(_tile(metric, row, spark=_line(reader, metric, cut, params, scope=scope)) for metric in metrics)


def _line(reader: Reader, metric: Metric, cut: Cut, params: MeasureParams, *, scope: Scope) -> tuple[Point, ...]:
    frames = frames_of_cut(reader, cut, [metric], params, scope)
    line = series(frames, metric, cut, grain=spark_grain(cut.period), as_of=params.today)
    return tuple(
        (point["period_start"], point["value"], point["is_complete"]) for point in reader.collect(line).to_pylist()
    )


def _tile(metric: Metric, row: Mapping[str, Any], *, spark: tuple[Point, ...]) -> Tile:
    return Tile(
        metric=metric.name,
        title=metric.title,
        unit=metric.unit,
        value=row.get(metric.name),
        compared=row.get(f"{metric.name}_compared"),
        change=row.get(f"{metric.name}_change"),
        change_unit=change_unit(metric),
        spark=spark,
        passport=metric.definition,
    )


def spark_grain(period: Period) -> Grain:
    """The bucket that gives a small line about a dozen to thirty points."""
    days = period.days
    if days is None or days > 200:
        return Grain.MONTH
    return Grain.DAY if days <= 31 else Grain.WEEK
