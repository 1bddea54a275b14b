"""What had each customer bought by the end of a day? One row per customer, and nothing from after that day."""

from datetime import date, timedelta
from typing import Any, Protocol

import narwhals.stable.v2 as nw

from rakurs.core.frames import count_where, ratio, sum_where
from rakurs.core.periods import day_number

Frame = nw.LazyFrame[Any]

KEY = "customer_id"


class Rounds(Protocol):
    """How far ahead a model looks, and how far apart the days it learns from lie."""

    @property
    def today(self) -> date: ...
    @property
    def horizon_days(self) -> int: ...
    @property
    def step_days(self) -> int: ...


def day_of_round(params: Rounds, back: int) -> int:
    """The day number of a round: judged (0) is a horizon ago, the first that teaches a horizon before it, so that what it
    learned was known on the judged day.
    """
    horizons = params.horizon_days * (1 if back == 0 else 2)
    return day_number(params.today) - horizons - params.step_days * max(0, back - 1)


def days_of_rounds(params: Rounds, count: int) -> dict[int, str]:
    """Which day each of `count` rounds is, as ISO text."""
    today = day_number(params.today)
    return {back: str(params.today - timedelta(days=today - day_of_round(params, back))) for back in range(count)}


def numbered(sales: Frame, calendar: Frame) -> Frame:
    """The sales of known customers with `day_number`, the number of the day they were made on."""
    days = calendar.select(nw.col("day").alias("sold_on"), "day_number")
    return sales.filter(~nw.col(KEY).is_null()).join(days, on="sold_on", how="inner")


def with_number(rows: Frame, day: str, name: str, calendar: Frame) -> Frame:
    """`rows` with `name`, the number of the day in the column `day`; null where that is."""
    numbers = calendar.select(nw.col("day").alias(day), nw.col("day_number").alias(name))
    return rows.join(numbers, on=day, how="left")


def buying_days(sales: Frame, until: int) -> Frame:
    """One row per customer and day with a sale up to `until`: several sales of a day are one purchase."""
    return (
        sales.filter(nw.col("day_number") <= nw.lit(until))
        .group_by(KEY, "day_number")
        .agg(
            count_where(nw.col("is_sale")).alias("sales"),
            nw.col("revenue").sum().alias("revenue"),
            nw.col("returned").sum().alias("returned"),
            nw.col("margin").sum().alias("margin"),
            sum_where("revenue", ~nw.col("margin").is_null()).alias("revenue_with_margin"),
            nw.col("discount").sum().alias("discount"),
        )
    )


def bought(days: Frame, until: int) -> Frame:
    """One row per customer who bought up to `until`: when, how many times, for how much.

    `x` repeat purchases, `tx` days from the first to the last, `age` days from the first to `until`, `repeat_money`
    the money of the repeat purchases; returns are taken off the money of the day they came on.
    """
    is_purchase = nw.col("sales") > 0
    first = days.filter(is_purchase).group_by(KEY).agg(nw.col("day_number").min().alias("first_day"))
    recent = nw.col("day_number") > nw.lit(until - 365)
    last_quarter = nw.col("day_number") > nw.lit(until - 90)
    floats = {name: nw.col(name).cast(nw.Float64()) for name in ("revenue", "margin", "returned", "discount")}
    with_floats = days.with_columns(
        *(value.alias(name) for name, value in floats.items()),
        nw.col("revenue_with_margin").cast(nw.Float64()).alias("revenue_with_margin"),
    )
    return (
        with_floats.join(first, on=KEY, how="inner")
        .group_by(KEY)
        .agg(
            nw.col("first_day").min().alias("first_day"),
            nw.when(is_purchase).then(nw.col("day_number")).max().alias("last_day"),
            count_where(is_purchase).alias("purchases"),
            count_where(is_purchase & recent).alias("purchases_365"),
            count_where(is_purchase & last_quarter).alias("purchases_90"),
            nw.col("revenue").sum().alias("revenue"),
            nw.when(nw.col("day_number") > nw.col("first_day")).then(nw.col("revenue")).sum().alias("repeat_money"),
            nw.when(recent).then(nw.col("revenue")).sum().alias("revenue_365"),
            nw.col("margin").sum().alias("margin"),
            nw.col("revenue_with_margin").sum().alias("revenue_with_margin"),
            nw.col("returned").sum().alias("returned"),
            nw.col("discount").sum().alias("discount"),
        )
        .with_columns(
            (nw.col("purchases") - 1).alias("x"),
            (nw.col("last_day") - nw.col("first_day")).alias("tx"),
            (nw.lit(until) - nw.col("first_day")).alias("age"),
            (nw.lit(until) - nw.col("last_day")).alias("recency"),
        )
        .with_columns(
            ratio(nw.col("tx"), nw.col("x")).alias("gap"),
            ratio(nw.col("revenue"), nw.col("purchases")).alias("average_check"),
            ratio(nw.col("returned").abs(), nw.col("revenue")).alias("returned_share"),
            ratio(nw.col("discount"), nw.col("revenue")).alias("discount_share"),
        )
        .with_columns(ratio(nw.col("recency"), nw.col("gap")).alias("overdue"))
    )


def bought_between(sales: Frame, after: int, until: int) -> Frame:
    """One row per customer who bought on the days from `after` (exclusive) to `until`: on how many, for how much."""
    days = buying_days(sales.filter(nw.col("day_number") > nw.lit(after)), until)
    return days.group_by(KEY).agg(
        count_where(nw.col("sales") > 0).alias("came"),
        nw.col("revenue").cast(nw.Float64()).sum().alias("came_money"),
    )
