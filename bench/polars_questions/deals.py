"""The questions about deals, asked of polars."""

from datetime import timedelta

import polars as pl

from bench.polars_questions.tables import Tables, Values, asked_deals, bounds, known_deals, ladder, moves, stays, stuck

STAGE = ["pipeline_id", "stage_id"]
DAY_SECONDS = 86400.0


def funnel(tables: Tables, values: Values) -> pl.LazyFrame:
    """One row per stage: deals that passed it, by the asked policy, and how long they stayed."""
    deals = asked_deals(tables, values)
    visits = moves(tables, deals.with_columns(pl.col("value").alias("amount"), pl.col("outcome").alias("deal_outcome")))
    visits = visits.cache()
    entered = visits.unique(["deal_id", *STAGE]).group_by(STAGE).agg(pl.len().alias("deals"), pl.col("amount").sum())
    stay = stays(visits)
    stages = ladder(tables)
    if values["pipeline"] is not None:
        stages = stages.filter(pl.col("pipeline_id") == values["pipeline"])
    stages = stages.join(deals.group_by("pipeline_id").agg(pl.len().alias("all_deals")), on="pipeline_id")
    passed = _passed(stages, visits, entered, values["policy"])
    side = pl.col("outcome") == "lost"
    return (
        stages.join(passed, on=STAGE, how="left")
        .join(stay, on=STAGE, how="left")
        .join(stuck(visits, stay, as_of=values["as_of"]), on=STAGE, how="left")
        .sort("pipeline_id", "position", "stage_id")
        .with_columns(pl.col("deals").fill_null(0), pl.col("amount").fill_null(0), pl.col("stuck").fill_null(0))
        .with_columns(
            pl.coalesce("name", "stage_id").alias("stage"),
            (pl.col("deals") / pl.col("all_deals")).alias("share_of_all"),
            pl.col("deals").shift(1).over("pipeline_id", side).alias("before"),
        )
        .with_columns(
            pl.when(~side, pl.col("before") > 0).then(pl.col("deals") / pl.col("before")).alias("share_of_previous")
        )
    )


def _passed(stages: pl.LazyFrame, visits: pl.LazyFrame, entered: pl.LazyFrame, policy: str) -> pl.LazyFrame:
    open_stages = stages.filter(pl.col("outcome") == "open")
    finals = visits.filter(pl.col("left_epoch").is_null(), pl.col("outcome") != "open")
    if policy in ("classic", "any"):
        return _with_standing(entered.join(open_stages, on=STAGE, how="semi"), finals)
    step = pl.col("step")
    before = step.cum_max().shift(1).over("deal_id", "pipeline_id").fill_null(0)
    reach = (
        visits.with_columns(before.alias("before"))
        .group_by("deal_id", "pipeline_id")
        .agg(
            step.max().fill_null(1).alias("furthest"),
            pl.col("before").filter(step > pl.col("before") + 1).min().alias("broken_at"),
            step.max().fill_null(0).alias("highest"),
            pl.col("amount").first(),
        )
        .with_columns(pl.coalesce("broken_at", "highest").alias("in_order"))
        .cache()
    )
    if policy == "strict":
        finals = finals.join(reach.filter(pl.col("broken_at").is_null()), on=["deal_id", "pipeline_id"], how="semi")
    climbed = (
        open_stages.join(
            reach.group_by(
                "pipeline_id", pl.col("furthest" if policy == "conversion" else "in_order").alias("reached")
            ).agg(pl.len().alias("deals"), pl.col("amount").sum()),
            on="pipeline_id",
        )
        .filter(pl.col("reached") >= step)
        .group_by(STAGE)
        .agg(pl.col("deals").sum(), pl.col("amount").sum())
    )
    return _with_standing(climbed, finals)


def _with_standing(passed: pl.LazyFrame, finals: pl.LazyFrame) -> pl.LazyFrame:
    """Open stages as passed; on final ones, the deals that stand there."""
    standing = finals.group_by(STAGE).agg(pl.len().alias("deals"), pl.col("amount").sum())
    return pl.concat([passed, standing], how="vertical_relaxed")


def stage_times(tables: Tables, values: Values) -> pl.LazyFrame:
    """One row per stage: visits, times, returns, skips."""
    deals = asked_deals(tables, values)
    visits = moves(tables, deals.with_columns(pl.col("value").alias("amount"), pl.col("outcome").alias("deal_outcome")))
    visits = visits.cache()
    at_stage = visits.group_by("deal_id", *STAGE).agg(pl.col("step").first(), pl.len().alias("visits"))
    at_stages = at_stage.group_by(STAGE).agg(
        pl.len().alias("deals"), pl.col("visits").sum(), (pl.col("visits") - 1).sum().alias("reentries")
    )
    furthest = (
        at_stage.group_by("deal_id", "pipeline_id")
        .agg(pl.col("step").max().alias("reached"))
        .group_by("pipeline_id", "reached")
        .agg(pl.len().alias("deals_there"))
    )
    stages = ladder(tables)
    if values["pipeline"] is not None:
        stages = stages.filter(pl.col("pipeline_id") == values["pipeline"])
    reached = (
        stages.filter(pl.col("outcome") == "open")
        .join(furthest, on="pipeline_id")
        .filter(pl.col("reached") >= pl.col("step"))
        .group_by(STAGE)
        .agg(pl.col("deals_there").sum().alias("reached"))
    )
    stay = stays(visits)
    counted = (
        stages.join(at_stages, on=STAGE, how="left")
        .join(reached, on=STAGE, how="left")
        .join(stay, on=STAGE, how="left")
        .join(stuck(visits, stay, as_of=values["as_of"]), on=STAGE, how="left")
    )
    counted = counted.filter(pl.col("outcome") == "open")
    zeros = ["visits", "stuck", "reentries"]
    skips = pl.col("reached") - pl.col("deals").fill_null(0)
    return counted.with_columns(*(pl.col(name).fill_null(0) for name in zeros), skips.fill_null(0).alias("skips")).sort(
        "pipeline_id", "position", "stage_id"
    )


def loss_reasons(tables: Tables, values: Values) -> pl.LazyFrame:
    """One row per stage lost from and reason."""
    lost = asked_deals(tables, values).filter(pl.col("outcome") == "lost")
    before_loss = (
        tables("deal_stage_events")
        .select("deal_id", "stage_id", "entered_epoch")
        .join(lost.select("deal_id", "pipeline_id"), on="deal_id")
        .join(ladder(tables).filter(pl.col("outcome") == "open"), on=["pipeline_id", "stage_id"])
        .sort("entered_epoch", "position", "stage_id")
        .group_by("deal_id")
        .agg(pl.col("stage_id").last().alias("lost_from"))
    )
    names = tables("loss_reasons").select("loss_reason_id", pl.col("name").alias("loss_reason"))
    counted = (
        lost.join(before_loss, on="deal_id", how="left")
        .group_by("pipeline_id", pl.col("lost_from").alias("stage_id"), "loss_reason_id")
        .agg(pl.len().alias("deals"), pl.col("value").sum().alias("amount"))
    )
    return (
        counted.join(names, on="loss_reason_id", how="left")
        .with_columns((pl.col("deals") / pl.col("deals").sum()).alias("share"))
        .sort("deals", "pipeline_id", "stage_id", "loss_reason_id", descending=[True, False, False, False])
    )


def managers(tables: Tables, values: Values) -> pl.LazyFrame:
    """One row per manager: deals, conversion with its interval, money, cycle."""
    outcome, amount = pl.col("outcome"), pl.col("value")
    cycle = (pl.col("closed_epoch") - pl.col("created_epoch")) / DAY_SECONDS
    usual = known_deals(tables).filter(pl.col("ended_on") <= values["as_of"]).select(cycle.median()).collect().item()
    age = (pl.lit(values["as_of"] + timedelta(days=1)).dt.epoch("s") - pl.col("created_epoch")) / DAY_SECONDS
    people = (
        asked_deals(tables, values)
        .group_by("manager_id")
        .agg(
            pl.len().alias("created"),
            (outcome == "open").sum().alias("in_progress"),
            ((outcome == "open") & (age < usual)).sum().alias("in_transit"),
            (outcome == "won").sum().alias("won"),
            (outcome == "lost").sum().alias("lost"),
            amount.filter(outcome == "won").sum().alias("won_amount"),
            cycle.filter(outcome != "open").median().alias("median_cycle_days"),
        )
        .collect()
    )
    names = tables("employees").select(
        pl.col("employee_id").alias("manager_id"), pl.col("name").alias("manager"), "department"
    )
    won, created = pl.col("won").cast(pl.Float64), pl.col("created").cast(pl.Float64)
    closed = won + pl.col("lost")
    money = pl.col("won_amount").cast(pl.Float64)
    mean, weight = _prior(people)
    shrunk = pl.lit(mean) if weight is None else (won + weight * mean) / (created + weight)
    return (
        people.lazy()
        .join(names, on="manager_id", how="left")
        .with_columns(
            (won / created).alias("conversion"),
            *bounds(won, created, "conversion_low", "conversion_high"),
            shrunk.alias("conversion_shrunk"),
            pl.when(closed > 0).then(won / closed).alias("win_rate"),
            *bounds(won, closed, "win_rate_low", "win_rate_high"),
            pl.when(won > 0).then(money / won).alias("average_check"),
            (money / money.sum()).alias("contribution"),
        )
        .sort("won_amount", "manager_id", descending=[True, False])
    )


def _prior(people: pl.DataFrame) -> tuple[float, float | None]:
    """The common conversion and how many deals of prior it is worth; None where managers do not differ."""
    won, created = people["won"].cast(pl.Float64), people["created"].cast(pl.Float64)
    total = float(created.sum())
    mean = float(won.sum()) / total
    spread = mean * (1 - mean)
    size = total - float((created**2).sum()) / total
    between = float((created * (won / created - mean) ** 2).sum())
    variance = min((between - (people.height - 1) * spread) / size, spread * 0.999) if size else 0.0
    return mean, spread / variance - 1 if variance > 0 else None
