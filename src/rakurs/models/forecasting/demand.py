"""What was sold of each product by bucket, and how much of each will be needed: the whole, its categories, their products."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rakurs.core.frames import absent, row_number
from rakurs.core.periods import DAY, Grain, bucket_start, next_bucket
from rakurs.core.units import Unit
from rakurs.models.forecasting.demand_lines import Series, Worth, hierarchy, summed, worth_of
from rakurs.models.forecasting.hierarchy import reconciled
from rakurs.models.forecasting.season import foresee_in_season
from rakurs.models.forecasting.series import QUICK, Foreseen, foresee

Frame = nw.LazyFrame[Any]
Array = NDArray[np.float64]
Rows = Mapping[str, Sequence[Mapping[str, Any]]]
"""Rows of several sorts, by sort: see `demand_rows`."""

LEAST_BUCKETS = 6
SEASONS = {Grain.WEEK: 52, Grain.MONTH: 12, Grain.QUARTER: 4}
_UNITS = {
    "row": Unit.TEXT,
    "category": Unit.TEXT,
    "own_id": Unit.ID,
    "period_start": Unit.DAY,
    "until_on": Unit.DAY,
    "kind": Unit.POSITION,
    "days": Unit.COUNT,
    "value": Unit.NUMBER,
    "first_on": Unit.DAY,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """As of which day, in which buckets and how many of them ahead, and how many of the best selling products one by one."""

    today: date
    grain: Grain
    ahead: int
    top: int

    @property
    def unfinished(self) -> date:
        """The first day of the bucket that is not over by the end of the day of the question."""
        return bucket_start(self.today + DAY, self.grain)

    @property
    def coming(self) -> list[date]:
        """The first days of the buckets to come, and the day after the last."""
        starts = [self.unfinished]
        for _ in range(self.ahead):
            starts.append(next_bucket(starts[-1], self.grain))
        return starts


def in_buckets(lines: Frame, calendar: Frame, asked: Asked) -> Frame:
    """The `lines` sold (returns are no demand), with `value`, in buckets over by the day of the question; with `own_id`.

    `own_id` is the product where it is forecast by itself, null where it goes with the rest of its category.
    """
    days = calendar.select(nw.col("day").alias("sold_on"), nw.col(asked.grain.value).alias("period_start"))
    bought = lines.filter(~nw.col("is_return").fill_null(value=False), ~nw.col("product_id").is_null())
    known = bought.join(days, on="sold_on", how="inner").filter(nw.col("period_start") < nw.lit(asked.unfinished))
    best = known.group_by("product_id").agg(nw.col("value").sum().alias("whole"))
    ranked = best.with_columns((-nw.col("whole")).alias("least")).with_columns(
        row_number((), ("least", "product_id")).alias("rank")
    )
    own = ranked.select("product_id", nw.when(nw.col("rank") <= asked.top).then(nw.col("product_id")).alias("own_id"))
    return known.join(own, on="product_id", how="inner")


def demand_rows(lines: Frame, *, products: Frame, promotions: Frame, calendar: Frame, asked: Asked) -> Frame:
    """What `lines` in buckets tell, as rows of several sorts, told by `row`.

    `sold`: a category, a product by itself (null: the rest) and a bucket. `products`: of how many products such a line is.
    `days`: a bucket and a kind of its days, how many and what they sold, to the end of the forecast. `promoted ...`: from
    when until when a product (of the rest: how many products), a category or everything is promoted.
    """
    bought = lines.group_by("category", "own_id", "period_start").agg(
        nw.col("value").sum().alias("value"), nw.col("sold_on").min().alias("first_on")
    )
    own = lines.group_by("category", "own_id", "product_id").agg()
    counted = own.group_by("category", "own_id").agg(nw.len().alias("value"))
    rows = nw.concat(
        [
            _rows(bought, "sold", "category", "own_id", "period_start", "value", "first_on"),
            _rows(counted, "products", "category", "own_id", "value"),
            _days(lines, calendar, asked),
            *_promoted(own, promotions),
        ]
    )
    names = products.select(nw.col("product_id").alias("own_id"), "name")
    return rows.join(names, on="own_id", how="left")


def _rows(frame: Frame, row: str, *known: str) -> Frame:
    """`frame` as rows of one sort, null where they say nothing."""
    return frame.select(
        nw.lit(row).alias("row"),
        *(
            (nw.col(name).cast(unit.dtype) if name in known else absent(unit)).alias(name)
            for name, unit in _UNITS.items()
            if name != "row"
        ),
    )


def _days(lines: Frame, calendar: Frame, asked: Asked) -> Frame:
    by_day = lines.group_by("sold_on").agg(nw.col("value").sum().alias("value"))
    kind = nw.when(nw.col("holiday").is_null()).then(nw.col("weekday")).otherwise(nw.lit(0))
    days = (
        calendar.select(
            nw.col("day").alias("sold_on"), nw.col(asked.grain.value).alias("period_start"), kind.alias("kind")
        )
        .join(by_day.select(nw.col("sold_on").min().alias("first_on")), how="cross")
        .filter(nw.col("sold_on") >= nw.col("first_on"), nw.col("sold_on") < nw.lit(asked.coming[-1]))
        .join(by_day, on="sold_on", how="left")
    )
    found = days.group_by("period_start", "kind").agg(
        nw.len().alias("days"), nw.col("value").fill_null(0.0).sum().alias("value")
    )
    return _rows(found, "days", "period_start", "kind", "days", "value")


def _promoted(own: Frame, promotions: Frame) -> list[Frame]:
    known = promotions.filter(nw.col("starts_on") <= nw.col("ends_on")).select(
        nw.col("starts_on").alias("period_start"), nw.col("ends_on").alias("until_on"), "product_id", "category"
    )
    is_product, is_category = ~nw.col("product_id").is_null(), ~nw.col("category").is_null()
    products = (
        known.filter(is_product)
        .drop("category")
        .join(own, on="product_id", how="inner")
        .group_by("category", "own_id", "period_start", "until_on")
        .agg(nw.len().alias("value"))
    )
    span = ("period_start", "until_on")
    return [
        _rows(products, "promoted product", "category", "own_id", *span, "value"),
        _rows(known.filter(~is_product, is_category), "promoted category", "category", *span),
        _rows(known.filter(~is_product, ~is_category), "promoted whole", *span),
    ]


def by_sort(told: pa.Table) -> Rows:
    """The rows of `demand_rows`, by sort."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for row in told.to_pylist():
        rows.setdefault(row["row"], []).append(row)
    return rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """The whole, its categories and their products: how each goes on, made to add up. Arrays are lines by steps to come."""

    series: Sequence[Series]
    found: Sequence[Foreseen]
    usual: Array
    """Foreseen beside usual days and no promotion."""
    worth: Worth

    @property
    def foreseen(self) -> Array:
        """What will be needed."""
        return self._summed(self.worth.ahead)

    @property
    def unpromoted(self) -> Array:
        """What would be needed if there were no promotion."""
        return self._summed(self.worth.days_ahead)

    @property
    def promoted(self) -> Array:
        """How much of the usual demand falls under promotions."""
        return self._summed(self.worth.promoted)

    def _summed(self, weights: Array) -> Array:
        return summed(self.usual * weights, [one.parent for one in self.series])


def foreseen_demand(rows: Rows, asked: Asked, *, level: float) -> Demand | None:
    """How each line goes on; None of fewer than 6 finished buckets.

    A series begins with its first sale; later buckets without one are 0. The first bucket is left out where sales began in the
    middle of it. What its days and its promotions make a bucket worth is taken out before, and put back after.
    """
    bought = rows.get("sold", [])
    starts = _starts(bought, asked)
    if len(starts) < LEAST_BUCKETS:
        return None
    season = SEASONS[asked.grain]
    series = hierarchy(bought, rows["products"], starts)
    parents = [one.parent for one in series]
    worth = worth_of(rows, series, [*starts, *asked.coming], season=season, ahead=asked.ahead, level=level)
    usual = summed(np.stack([one.past for one in series]) / worth.before, parents)
    found = [_foreseen(_lived(past), worth, season=season, ahead=asked.ahead, level=level) for past in usual]
    values = reconciled(np.stack([one.values for one in found]), np.array([_variance(one) for one in found]), parents)
    return Demand(series=series, found=found, usual=values, worth=worth)


def _starts(bought: Sequence[Mapping[str, Any]], asked: Asked) -> list[date]:
    """The buckets that are whole and over, in order, without a hole."""
    if not bought:
        return []
    first, first_on = min(row["period_start"] for row in bought), min(row["first_on"] for row in bought)
    start = next_bucket(first, asked.grain) if first_on > first else first
    starts: list[date] = []
    while start < asked.unfinished:
        starts.append(start)
        start = next_bucket(start, asked.grain)
    return starts


def _foreseen(past: Array, worth: Worth, *, season: int, ahead: int, level: float) -> Foreseen:
    """How a line goes on: in its own season, or in that of the whole."""
    plain = foresee(past, season=season, ahead=ahead, level=level, tried=QUICK)
    if worth.season is None:
        return plain
    return foresee_in_season(past, worth.season, plain, ahead=ahead, level=level, tried=QUICK)


def _lived(past: Array) -> Array:
    """The past from the first sale on; of fewer than two buckets nothing can be told, so zeros before it stay."""
    sold_in = np.flatnonzero(past)
    first = int(sold_in[0]) if len(sold_in) else 0
    return past[min(first, len(past) - 2) :]


def _variance(said: Foreseen) -> float:
    """Of one step's error in the past; where nothing was tried, by the width of the interval."""
    errors = said.errors if said.origins else (said.high - said.values)[None, :]
    return float(np.mean(errors**2)) + 1e-9
