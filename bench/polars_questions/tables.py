"""What the polars questions share: deals with their outcome, the stages' ladder, moves, and what counts as a sale."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import polars as pl

Tables = Callable[[str], pl.LazyFrame]
Values = Mapping[str, Any]
CANCELLED = ("cancelled", "canceled", "отменён", "отменен")
HOUR = 3600.0
Z = 1.959963984540054
OF_DEAL = ("customer_id", "manager_id", "channel_id")


def ladder(tables: Tables) -> pl.LazyFrame:
    """Stages with `step`: open ones 1, 2, 3 by position, a won one right behind, lost ones none."""
    outcome, position = pl.col("outcome"), pl.col("position")
    stages = tables("stages").select("pipeline_id", "stage_id", "name", "position", "outcome")
    open_position = pl.when(outcome == "open").then(position)
    return stages.with_columns(
        pl.when(outcome == "open")
        .then(open_position.rank("dense").over("pipeline_id"))
        .when(outcome == "won")
        .then(open_position.drop_nulls().n_unique().over("pipeline_id") + 1)
        .cast(pl.Int64)
        .alias("step")
    )


def known_deals(tables: Tables) -> pl.LazyFrame:
    """Deals with their outcome; `ended_on` only where there is one."""
    stages = tables("stages").select("pipeline_id", "stage_id", "outcome")
    is_final = pl.col("outcome") != "open"
    return (
        tables("deals")
        .join(stages, on=["pipeline_id", "stage_id"], how="left")
        .with_columns(pl.col("outcome").fill_null("open"), pl.col("amount_base").alias("value"))
        .with_columns(pl.when(is_final).then("closed_on").alias("ended_on"))
    )


def asked_deals(tables: Tables, values: Values) -> pl.LazyFrame:
    """The deals of a question's cohort and filters."""
    return known_deals(tables).filter(*of_asked_owner(values), *_amounts(values), _in_cohort(values))


def of_asked_owner(values: Values) -> list[pl.Expr]:
    """What the asked pipeline, manager and channel demand of a row."""
    columns = {"pipeline": "pipeline_id", "manager": "manager_id", "channel": "channel_id"}
    return [pl.col(column) == values[name] for name, column in columns.items() if values.get(name) is not None]


def _amounts(values: Values) -> list[pl.Expr]:
    wanted: list[pl.Expr] = []
    if values.get("amount_from") is not None:
        wanted.append(pl.col("value") >= values["amount_from"])
    if values.get("amount_to") is not None:
        wanted.append(pl.col("value") <= values["amount_to"])
    return wanted


def _in_cohort(values: Values) -> pl.Expr:
    if values["cohort"] == "created":
        return within("created_on", values)
    if values["cohort"] == "closed":
        return within("ended_on", values)
    not_closed_before = pl.lit(value=True)
    if values["start"] is not None:
        not_closed_before = pl.col("ended_on").is_null() | (pl.col("ended_on") >= values["start"])
    return (pl.col("created_on") < values["end"]) & not_closed_before


def within(day: str, values: Values) -> pl.Expr:
    """Whether `day` falls into the asked period."""
    before_end = pl.col(day) < values["end"]
    return before_end if values["start"] is None else before_end & (pl.col(day) >= values["start"])


def moves(tables: Tables, deals: pl.LazyFrame) -> pl.LazyFrame:
    """Every entry of the given deals into a stage; the same stage twice in a row is one entry."""
    owners = deals.select("deal_id", pl.col("pipeline_id").alias("deal_pipeline_id"), "amount", "deal_outcome")
    events = (
        tables("deal_stage_events")
        .select("deal_id", "stage_id", "pipeline_id", "entered_epoch")
        .join(owners, on="deal_id")
        .with_columns(pl.coalesce("pipeline_id", "deal_pipeline_id").alias("pipeline_id"))
        .join(ladder(tables), on=["pipeline_id", "stage_id"])
        .with_columns((pl.col("outcome") != "open").alias("is_final"))
        .sort("deal_id", "entered_epoch", "is_final", "position", "stage_id")
    )
    same_deal = pl.col("deal_id") == pl.col("deal_id").shift(1)
    is_repeat = (same_deal & (pl.col("stage_id") == pl.col("stage_id").shift(1))).fill_null(value=False)
    stays = pl.col("deal_id") == pl.col("deal_id").shift(-1)
    return events.filter(~is_repeat).with_columns(
        pl.when(stays).then(pl.col("entered_epoch").shift(-1)).alias("left_epoch")
    )


def stays(visits: pl.LazyFrame) -> pl.LazyFrame:
    """Median and 90th percentile of finished visits to open stages."""
    hours = (pl.col("left_epoch") - pl.col("entered_epoch")) / HOUR
    return (
        visits.filter(pl.col("left_epoch").is_not_null(), pl.col("outcome") == "open")
        .group_by("pipeline_id", "stage_id")
        .agg(
            hours.quantile(0.5, "linear").alias("median_hours"),
            hours.quantile(0.9, "linear").alias("p90_hours"),
        )
    )


def stuck(visits: pl.LazyFrame, stay: pl.LazyFrame, *, as_of: date) -> pl.LazyFrame:
    """Open deals that stand on their stage longer than nine of ten finished visits did."""
    end_of_day = (as_of.toordinal() + 1 - date(1970, 1, 1).toordinal()) * 86400
    waited = (end_of_day - pl.col("entered_epoch")) / HOUR
    return (
        visits.filter(pl.col("left_epoch").is_null(), pl.col("outcome") == "open", pl.col("deal_outcome") == "open")
        .join(stay, on=["pipeline_id", "stage_id"])
        .filter(waited > pl.col("p90_hours"))
        .group_by("pipeline_id", "stage_id")
        .agg(pl.len().alias("stuck"))
    )


def sales(tables: Tables, values: Values) -> pl.LazyFrame:
    """One row per won deal or paid order of the asked pipeline, manager and channel."""
    sold = _won_deals(tables) if values["basis"] == "deals" else _sold_orders(tables)
    return sold.filter(*of_asked_owner(values))


def _won_deals(tables: Tables) -> pl.LazyFrame:
    return (
        known_deals(tables)
        .filter(pl.col("outcome") == "won")
        .select(
            pl.col("deal_id").alias("sale_id"),
            pl.col("ended_on").alias("sold_on"),
            pl.col("value").alias("revenue"),
            pl.col("margin_base").alias("margin"),
            "customer_id",
            "manager_id",
            "channel_id",
            "pipeline_id",
            "product_id",
            pl.lit(value=True).alias("is_sale"),
        )
    )


def _sold_orders(tables: Tables) -> pl.LazyFrame:
    is_refund = pl.col("is_refund").fill_null(value=False) | (pl.col("amount") < 0)
    paid = (
        tables("payments")
        .group_by("order_id")
        .agg(
            pl.col("paid_on").filter(~is_refund).min().alias("first_paid_on"),
            pl.col("amount").abs().filter(is_refund).sum().alias("refunded"),
        )
    )
    returned = (
        tables("order_lines")
        .filter(pl.col("is_return"))
        .select("order_id")
        .unique()
        .with_columns(pl.lit(value=True).alias("has_returns"))
    )
    status = pl.col("status").fill_null("").str.strip_chars().str.to_lowercase()
    refund = pl.when(pl.col("has_returns").is_null()).then(pl.col("refunded").fill_null(0)).otherwise(0)
    return (
        tables("orders")
        .filter(~status.is_in(CANCELLED))
        .join(paid, on="order_id", how="left")
        .join(returned, on="order_id", how="left")
        .join(tables("deals").select("deal_id", "pipeline_id", *OF_DEAL), on="deal_id", how="left", suffix="_of_deal")
        .select(
            pl.col("order_id").alias("sale_id"),
            pl.coalesce("paid_on", "first_paid_on").alias("sold_on"),
            (pl.col("amount_base") - refund).alias("revenue"),
            *(pl.coalesce(name, f"{name}_of_deal").alias(name) for name in OF_DEAL),
            "pipeline_id",
            (pl.col("amount_base") >= 0).fill_null(value=True).alias("is_sale"),
        )
        .filter(pl.col("sold_on").is_not_null())
    )


def order_costs(tables: Tables) -> pl.LazyFrame:
    """What the goods of each order cost; absent where one line has no cost."""
    product_cost = tables("products").select("product_id", "unit_cost")
    cost = pl.coalesce(
        pl.col("cost").cast(pl.Float64), pl.col("quantity").cast(pl.Float64) * pl.col("unit_cost").cast(pl.Float64)
    ).round(2)
    signed = pl.when(pl.col("is_return").fill_null(value=False)).then(-cost.abs()).otherwise(cost)
    return (
        tables("order_lines")
        .join(product_cost, on="product_id", how="left")
        .group_by(pl.col("order_id").alias("sale_id"))
        .agg(pl.when(cost.is_not_null().all()).then(signed.sum()).alias("cost"))
    )


def bounds(good: pl.Expr, tried: pl.Expr, low: str, high: str) -> tuple[pl.Expr, pl.Expr]:
    """Wilson's interval of 95 %; nothing where nothing was tried."""
    centre, size = good + Z * Z / 2, tried + Z * Z
    half = Z * (good * (tried - good) / tried + Z * Z / 4).sqrt()
    known = tried > 0
    return (
        pl.when(known).then(pl.when(good == 0).then(0.0).otherwise((centre - half) / size)).alias(low),
        pl.when(known).then(pl.when(good == tried).then(1.0).otherwise((centre + half) / size)).alias(high),
    )
