"""How did a number go, bucket by bucket, and is the last bucket finished?"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import narwhals.stable.v2 as nw

from rakurs.core.frames import conform
from rakurs.core.metric import Metric
from rakurs.core.periods import DAY, Comparison, Grain, Period, bucket_start, next_bucket
from rakurs.core.table import Column
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.metrics.catalogue import dimension_named
from rakurs.metrics.cut import Cut
from rakurs.metrics.pivot import pivot

Frame = nw.LazyFrame[Any]


def series_columns(metric: Metric) -> tuple[Column, ...]:
    """What a series holds: the bucket, its value, whether it is finished."""
    return (
        Column(name="period_start", unit=Unit.DAY, title=Text(ru="Начало периода", en="Period start")),
        Column(name="value", unit=metric.unit, title=metric.title),
        Column(name="is_complete", unit=Unit.FLAG, title=Text(ru="Период завершён", en="Is complete")),
    )


def series(frames: Mapping[str, Frame], metric: Metric, cut: Cut, *, grain: Grain, as_of: date) -> Frame:
    """One row per bucket of the period, oldest first: `period_start`, `value`, `is_complete`.

    `frames` holds the tables of `cut.tables` and the calendar. Buckets nothing fell into are there: 0 for sums
    and counts, empty for rates. An unbounded period starts with the first bucket that has something and ends
    with `as_of`. A bucket is complete when all of its days are in the period and not after `as_of`.
    """
    bucket = dimension_named(grain.value)
    period = _until(cut.period, as_of)
    asked = replace(cut, by=(bucket,), period=period, compare=Comparison.NONE)
    values = pivot(frames, [metric], asked).rename({bucket.column: "period_start", metric.name: "value"})
    buckets = _buckets(frames["calendar"], values, period, grain)
    known = buckets.join(values.select("period_start", "value"), on="period_start", how="left")
    value = nw.col("value")
    unfinished = nw.col("period_start").is_in(unfinished_buckets(period, grain))
    finished = known.with_columns(
        value=value.fill_null(0) if _is_zero_when_empty(metric) else value, is_complete=~unfinished
    )
    return conform(finished, series_columns(metric)).sort("period_start")


def _until(period: Period, as_of: date) -> Period:
    end = as_of + DAY if period.end is None else min(period.end, as_of + DAY)
    return Period(period.start, end if period.start is None else max(end, period.start))


def _buckets(calendar: Frame, values: Frame, period: Period, grain: Grain) -> Frame:
    start = nw.col(grain.value).alias("period_start")
    buckets = calendar.filter(period.contains(nw.col("day"))).select(start).group_by("period_start").agg()
    if period.start is not None:
        return buckets
    first = values.select(first=nw.col("period_start").min())
    return buckets.join(first, how="cross").filter(nw.col("period_start") >= nw.col("first")).drop("first")


def unfinished_buckets(period: Period, grain: Grain) -> list[date]:
    """The first days of the buckets that an edge of the period cuts."""
    cut: list[date] = []
    if period.start is not None and bucket_start(period.start, grain) < period.start:
        cut.append(bucket_start(period.start, grain))
    if period.end is not None:
        last = bucket_start(period.end - DAY, grain)
        if next_bucket(last, grain) > period.end:
            cut.append(last)
    return cut


def _is_zero_when_empty(metric: Metric) -> bool:
    if metric.operands:
        return False
    parts = list(metric.measures[0].parts.values())
    return len(parts) == 1 and parts[0].empty == 0
