"""The questions about sales and customers, asked of polars."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import polars as pl

from bench.polars_questions.tables import (
    Tables,
    Values,
    bounds,
    known_deals,
    of_asked_owner,
    order_costs,
    sales,
    within,
)

EVERY = {"day": "1d", "week": "1w", "month": "1mo", "quarter": "1q", "year": "1y"}
NAMES = {
    "customers": ("customers", "customer_id"),
    "managers": ("employees", "employee_id"),
    "channels": ("channels", "channel_id"),
    "products": ("products", "product_id"),
}
ID_OF = {"customers": "customer_id", "managers": "manager_id", "channels": "channel_id", "products": "product_id"}


def sales_dynamics(tables: Tables, values: Values) -> pl.LazyFrame:
    """One row per bucket of the asked grain, against the bucket it is held against."""
    first = (pl.col("sold_on") == pl.col("sold_on").min()) & (
        pl.col("sale_id") == pl.col("sale_id").sort_by("sold_on", "sale_id").first()
    )
    ranked = (
        sales(tables, {**values, "pipeline": None, "manager": None, "channel": None})
        .with_columns(first.over("customer_id", "is_sale").alias("is_earliest"))
        .filter(*of_asked_owner(values))
    )
    is_known = pl.col("customer_id").is_not_null()
    is_first = pl.col("is_earliest") & pl.col("is_sale") & is_known
    daily = (
        ranked.group_by("sold_on")
        .agg(
            pl.col("revenue").sum(),
            pl.col("is_sale").sum().alias("sales"),
            pl.col("revenue").filter(is_first).sum().alias("first_revenue"),
            pl.col("revenue").filter(is_known).sum().alias("known_revenue"),
        )
        .collect()
    )
    asked = daily.filter(within("sold_on", values))
    every = EVERY[values["grain"]]
    last = min(values["end"] - timedelta(days=1), values["as_of"])
    start = values["start"] or asked["sold_on"].dt.truncate(every).min()
    buckets = (
        pl.select(pl.date_range(start, last, "1d").alias("day"))
        .join(asked, left_on="day", right_on="sold_on", how="left")
        .group_by(pl.col("day").dt.truncate(every).alias("period_start"))
        .agg(
            pl.col("revenue", "sales", "first_revenue", "known_revenue").sum(),
            pl.col("day").min().alias("first_day"),
            pl.col("day").max().alias("last_day"),
        )
        .sort("period_start")
        .with_columns(pl.col("period_start").dt.offset_by(every).alias("next_start"))
        .with_columns(
            (
                (pl.col("last_day") == pl.col("next_start").dt.offset_by("-1d"))
                & (pl.col("first_day") == pl.col("period_start"))
            ).alias("is_complete")
        )
    )
    compared = _compared(buckets, daily, values, every)
    now, before = pl.col("revenue").cast(pl.Float64), pl.col("compared_revenue").cast(pl.Float64)
    return (
        buckets.with_columns(compared)
        .with_columns(
            (pl.col("known_revenue") - pl.col("first_revenue")).alias("repeat_revenue"),
            pl.when(pl.col("sales") > 0).then(now / pl.col("sales")).alias("average_check"),
            pl.when(before != 0).then((now - before) / before).alias("change"),
        )
        .lazy()
    )


def _compared(buckets: pl.DataFrame, daily: pl.DataFrame, values: Values, every: str) -> pl.Series:
    """The revenue of the days each bucket is held against; absent where that lies before all sales."""
    sums: list[object] = []
    for row in buckets.iter_rows(named=True):
        start, end = _held_against(row, values["compare"], every)
        is_known = end is not None and end > daily["sold_on"].min()
        days = daily.filter(pl.col("sold_on").is_between(start, end, closed="left")) if is_known else daily
        sums.append(days["revenue"].sum() if is_known else None)
    return pl.Series("compared_revenue", sums, dtype=daily.schema["revenue"])


def _held_against(row: Mapping[str, Any], compare: str, every: str) -> tuple[date | None, date | None]:
    """The first day of the comparison and the day after its last."""
    start, end = row["first_day"], row["last_day"] + timedelta(days=1)
    if compare == "previous":
        if row["is_complete"]:
            return _moved(start, f"-{every}"), start
        if start != row["period_start"]:
            return start - (end - start), start
        before = _moved(start, f"-{every}")
        return before, min(before + (end - start), start)
    offset = {"last_year": "-12mo", "weekdays": "-364d"}.get(compare)
    return (None, None) if offset is None else (_moved(start, offset), _moved(end, offset))


def _moved(day: date, offset: str) -> date:
    return pl.Series([day]).dt.offset_by(offset)[0]


def customer_rating(tables: Tables, values: Values) -> pl.LazyFrame:
    """One row per customer who bought in the period, best first."""
    bought = (
        sales(tables, values)
        .filter(within("sold_on", values), pl.col("customer_id").is_not_null())
        .group_by("customer_id")
        .agg(
            pl.col("is_sale").sum().alias("sales"),
            pl.col("revenue").sum(),
            pl.col("sold_on").filter("is_sale").min().alias("first_on"),
            pl.col("sold_on").filter("is_sale").max().alias("last_on"),
        )
    )
    created = (
        known_deals(tables)
        .filter(within("created_on", values), pl.col("customer_id").is_not_null(), *of_asked_owner(values))
        .group_by("customer_id")
        .agg(pl.len().alias("created"), (pl.col("outcome") == "won").sum().alias("won_of_created"))
    )
    names = tables("customers").select("customer_id", pl.col("name").alias("customer"))
    order = "sales" if values["order_by"] == "sales" else "revenue"
    return (
        bought.join(created, on="customer_id", how="full", coalesce=True)
        .join(names, on="customer_id", how="left")
        .with_columns(
            pl.col("created", "sales", "revenue").fill_null(0),
            pl.col("won_of_created").fill_null(0).alias("won"),
            (pl.col("won_of_created") / pl.col("created")).alias("success_ratio"),
        )
        .with_columns(
            pl.col(order).rank("min", descending=True).alias("place"),
            pl.when(pl.col("sales") > 0)
            .then((pl.col("revenue").cast(pl.Float64) / pl.col("sales")).round(2, mode="half_away_from_zero"))
            .alias("average_check"),
            *bounds(pl.col("won").cast(pl.Float64), pl.col("created").cast(pl.Float64), "success_low", "success_high"),
        )
        .sort(order, "customer_id", descending=[True, False])
    )


def rfm(tables: Tables, values: Values) -> pl.LazyFrame:
    """One row per customer who bought in the window, with ranks by the share of customers strictly worse."""
    since = values["as_of"] - timedelta(days=values["window_days"])
    customers = (
        sales(tables, values)
        .filter(pl.col("sold_on") > since, pl.col("sold_on") <= values["as_of"], pl.col("customer_id").is_not_null())
        .group_by("customer_id")
        .agg(
            (pl.lit(values["as_of"]) - pl.col("sold_on").filter("is_sale").max()).dt.total_days().alias("recency_days"),
            pl.col("is_sale").sum().alias("sales"),
            pl.col("revenue").sum(),
        )
        .filter(pl.col("sales") > 0)
    )

    def rank(better: pl.Expr) -> pl.Expr:
        worse = better.rank("min").cast(pl.Int64) - 1
        return 1 + values["ranks"] * worse // pl.len().cast(pl.Int64)

    return customers.with_columns(
        rank(-pl.col("recency_days")).alias("recency_rank"),
        rank(pl.col("sales")).alias("frequency_rank"),
        rank(pl.col("revenue")).alias("money_rank"),
    ).sort("customer_id")


def abc(tables: Tables, values: Values) -> pl.LazyFrame:
    """One row per customer, product, manager or channel, best first, with its class."""
    parts = _parts(tables, values).filter(pl.col("id").is_not_null())
    measure = values["measure"]
    value = pl.col("sale_id").n_unique() if measure == "sales" else pl.col(measure).sum()
    if measure == "margin":
        value = pl.when(pl.col("margin").count() > 0).then(value)
    table, key = NAMES[values["subject"]]
    names = tables(table).select(pl.col(key).alias("id"), "name")
    counted = pl.col("value").clip(lower_bound=0)
    before, total = pl.col("running") - pl.col("counted"), pl.col("counted").sum()
    return (
        parts.group_by("id")
        .agg(value.cast(pl.Float64).round(2).alias("value"))
        .join(names, on="id", how="left")
        .sort("value", "id", descending=[True, False])
        .with_columns((counted * 100).round().cast(pl.Int64).alias("counted"))
        .with_columns(pl.col("counted").cum_sum().alias("running"))
        .with_columns(
            pl.when(pl.col("value") > 0).then(pl.col("counted") / total).alias("share"),
            pl.when(pl.col("value") > 0).then(pl.col("running") / total).alias("cumulative_share"),
            pl.when(pl.col("value") <= 0)
            .then(pl.lit("C"))
            .when(before / total < values["a_share"])
            .then(pl.lit("A"))
            .when(before / total < values["b_share"])
            .then(pl.lit("B"))
            .otherwise(pl.lit("C"))
            .alias("class"),
        )
    )


def _parts(tables: Tables, values: Values) -> pl.LazyFrame:
    sold = sales(tables, values).filter(within("sold_on", values))
    if values["subject"] == "products" and values["basis"] == "orders":
        is_return = pl.col("is_return").fill_null(value=False)
        amount = pl.when(is_return).then(-pl.col("amount").abs()).otherwise(pl.col("amount"))
        cost = pl.when(is_return).then(-pl.col("cost").abs()).otherwise(pl.col("cost"))
        lines = tables("order_lines").join(sold.select("sale_id"), left_on="order_id", right_on="sale_id")
        return lines.select(
            pl.col("product_id").alias("id"),
            pl.col("order_id").alias("sale_id"),
            amount.alias("revenue"),
            (amount - cost).alias("margin"),
        )
    if values["measure"] == "margin":
        sold = _with_margin(tables, sold, values)
    return sold.with_columns(pl.col(ID_OF[values["subject"]]).alias("id"))


def _with_margin(tables: Tables, sold: pl.LazyFrame, values: Values) -> pl.LazyFrame:
    if values["basis"] == "deals":
        return sold
    return sold.join(order_costs(tables), on="sale_id", how="left").with_columns(
        (pl.col("revenue").cast(pl.Float64) - pl.col("cost")).alias("margin")
    )


def cohorts(tables: Tables, values: Values) -> pl.LazyFrame:
    """One row per cohort of first purchase and period since."""
    every = EVERY[values["grain"]]
    measure = values["measure"]
    sold = sales(tables, values).filter(pl.col("sold_on") <= values["as_of"], pl.col("customer_id").is_not_null())
    if measure == "margin":
        sold = _with_margin(tables, sold, values)
    amount = pl.col("margin").sum() if measure == "margin" else pl.col("revenue").sum()
    bought = (
        sold.group_by("customer_id", pl.col("sold_on").dt.truncate(every).alias("bucket"))
        .agg(amount.cast(pl.Float64).alias("value"))
        .with_columns(pl.col("bucket").min().over("customer_id").alias("cohort"))
    )
    if measure == "customers" and values["kept"] == "on_or_after":
        bought = bought.group_by("customer_id", "cohort").agg(pl.col("bucket").max())
    kept = pl.len().cast(pl.Float64) if measure == "customers" else pl.col("value").sum()
    active = bought.group_by("cohort", "bucket").agg(kept.alias("kept")).collect()
    sizes = (
        bought.group_by("cohort").agg(pl.col("customer_id").n_unique().alias("size")).filter(within("cohort", values))
    )
    periods = pl.select(
        pl.date_range(active["cohort"].min(), values["as_of"], every).dt.truncate(every).alias("bucket")
    ).lazy()
    cells = (
        sizes.join(periods, how="cross")
        .filter(pl.col("bucket") >= pl.col("cohort"))
        .join(active.lazy(), on=["cohort", "bucket"], how="left")
        .sort("cohort", "bucket")
        .with_columns(pl.col("kept").fill_null(0.0), (pl.int_range(pl.len()).over("cohort")).alias("period"))
    )
    if measure == "customers" and values["kept"] == "on_or_after":
        cells = cells.with_columns(pl.col("kept").cum_sum(reverse=True).over("cohort"))
    first = pl.col("kept").first().over("cohort")
    return cells.with_columns(
        pl.when(first != 0).then(pl.col("kept") / first).alias("share"),
        (pl.col("bucket").dt.offset_by(every) <= values["as_of"] + timedelta(days=1)).alias("is_complete"),
    )
