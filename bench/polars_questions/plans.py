"""The question about plans, asked of polars."""

from datetime import date

import polars as pl

from bench.polars_questions.tables import Tables, Values, sales

LEVELS = ("department", "employee", "pipeline", "product_category")
KEYS = {"employee": "manager_id", "pipeline": "pipeline_id", "department": "department", "product_category": "category"}
HISTORY_MONTHS = 12
FEWEST_MONTHS = 3


def plan_fact(tables: Tables, values: Values) -> pl.LazyFrame:
    """One row per key of the asked cut: target, fact, what is expected by now, forecast."""
    running = values["as_of"].replace(day=1)
    sold = _sold(tables, values).collect()
    share = _share(sold, tables("calendar").collect(), values["as_of"])
    targets = _targets(tables, values)
    facts = (
        sold.lazy()
        .join(targets.select("month").unique(), on="month", how="semi")
        .group_by("month", "key")
        .agg(pl.col("amount").sum().alias("fact"))
    )
    target, fact = pl.col("target").cast(pl.Float64), pl.col("fact").cast(pl.Float64)
    is_past = pl.col("month") < running
    return (
        targets.join(facts, on=["month", "key"], how="full", coalesce=True, nulls_equal=True)
        .with_columns(pl.col("fact").fill_null(0))
        .group_by("key")
        .agg(
            pl.col("target").sum(),
            pl.col("fact").sum(),
            (fact.sum() / target.sum()).alias("done"),
            pl.when(is_past).then(target).otherwise(target * share).sum().alias("expected_by_now"),
            pl.when(is_past).then(fact).otherwise(fact / share).sum().alias("forecast"),
        )
        .sort("key")
    )


def _targets(tables: Tables, values: Values) -> pl.LazyFrame:
    """The target of each month and key, from the nearest level that has one."""
    by = values["by"]
    departments = tables("employees").select("employee_id", pl.col("department").alias("own_department"))
    level = (
        pl.when(pl.col("employee_id").is_not_null())
        .then(pl.lit("employee"))
        .when(pl.col("pipeline_id").is_not_null())
        .then(pl.lit("pipeline"))
        .when(pl.col("product_category").is_not_null())
        .then(pl.lit("product_category"))
        .when(pl.col("department").is_not_null())
        .then(pl.lit("department"))
        .otherwise(pl.lit("company"))
    )
    keys = {
        "company": pl.lit("company"),
        "employee": pl.col("employee_id"),
        "pipeline": pl.col("pipeline_id"),
        "product_category": pl.col("product_category"),
        "department": pl.coalesce("department", "own_department"),
    }
    reached = {"company": ("company", *LEVELS), "department": ("department", "employee")}.get(by, (by,))
    in_period = pl.col("month") < values["end"]
    if values["start"] is not None:
        in_period &= pl.col("month") >= values["start"].replace(day=1)
    return (
        tables("plans")
        .filter(pl.col("metric") == values["metric"], in_period)
        .join(departments, on="employee_id", how="left")
        .with_columns(level.alias("level"), keys[by].alias("key"))
        .filter(pl.col("level").is_in(reached), pl.col("key").is_not_null())
        .with_columns(pl.col("level").replace_strict(reached, range(len(reached))).alias("distance"))
        .filter(pl.col("distance") == pl.col("distance").min().over("month", "key"))
        .group_by("month", "key")
        .agg(pl.col("target").sum())
    )


def _sold(tables: Tables, values: Values) -> pl.LazyFrame:
    by = values["by"]
    sold = sales(tables, {**values, "pipeline": None, "manager": None, "channel": None}).filter(
        pl.col("sold_on") <= values["as_of"]
    )
    departments = tables("employees").select(pl.col("employee_id").alias("manager_id"), "department")
    sold = sold.join(departments, on="manager_id", how="left")
    if by == "product_category":
        sold = sold.join(tables("products").select("product_id", "category"), on="product_id", how="left")
    amount = pl.col("revenue") if values["metric"] == "revenue" else pl.col("is_sale").cast(pl.Int64)
    return sold.select(
        "sold_on",
        pl.col("sold_on").dt.truncate("1mo").alias("month"),
        (pl.lit("company") if by == "company" else pl.col(KEYS[by])).alias("key"),
        amount.alias("amount"),
    )


def _share(sold: pl.DataFrame, calendar: pl.DataFrame, as_of: date) -> float:
    """What part of a month is usually sold by this part of its working days."""
    today = calendar.row(by_predicate=pl.col("day") == as_of, named=True)
    done, days = today["working_day_of_month"], today["working_days_in_month"]
    running = as_of.replace(day=1)
    earliest = max(sold["month"].min(), pl.Series([running]).dt.offset_by(f"-{HISTORY_MONTHS + 1}mo")[0])
    is_by_now = pl.col("working_day_of_month") <= (done * pl.col("working_days_in_month") / days).ceil()
    amount = pl.col("amount").cast(pl.Float64)
    months = (
        sold.filter(pl.col("month") > earliest, pl.col("month") < running)
        .join(calendar.drop("month"), left_on="sold_on", right_on="day")
        .group_by("month")
        .agg(amount.sum().alias("whole"), amount.filter(is_by_now).sum().alias("part"))
        .filter(pl.col("whole") > 0)
    )
    if months.height < FEWEST_MONTHS:
        return done / days
    return float((months["part"] / months["whole"]).median())
