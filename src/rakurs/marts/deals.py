"""What became of each deal, which stages it passed, and how long it stood on each?"""

from typing import Any

import narwhals.stable.v2 as nw

from rakurs.core.frames import absent, conform
from rakurs.core.mart import MartSettings
from rakurs.core.units import Unit
from rakurs.marts.canonical import elapsed, present, with_category, with_customer, with_owner
from rakurs.marts.moves import entered_stages, numbered_stages, passed_stages
from rakurs.marts.tables import DEAL_OUTCOMES, DEAL_STAGES, STAGE_VISITS

Frame = nw.LazyFrame[Any]

DAY_SECONDS = 86_400
FINAL = ("won", "lost")


def deal_outcomes(
    *, settings: MartSettings, deals: Frame, moves: Frame, employees: Frame, customers: Frame, products: Frame
) -> Frame:
    """One row per deal. Its outcome is that of the last stage in its history, never read from an amount.

    A deal on a stage that `stages` does not list stays open (`is_stage_known` is false). A deal on a final
    stage without `closed_at` closed when it entered that stage. Open deals have no closing day.
    """
    _ = settings
    last = moves.filter(nw.col("is_last")).select(
        "deal_id",
        nw.col("pipeline_id").alias("last_pipeline_id"),
        nw.col("stage_id").alias("last_stage_id"),
        nw.col("position").alias("stage_position"),
        nw.col("stage_outcome").fill_null("open").alias("outcome"),
        nw.col("entered_on").alias("last_on"),
        nw.col("entered_epoch").alias("last_epoch"),
    )
    joined = (
        present(deals)
        .join(last, on="deal_id", how="left")
        .join(_lost_from(moves), on="deal_id", how="left")
        .with_columns(nw.col("outcome").fill_null("open").alias("outcome"))
    )
    is_final = nw.col("outcome").is_in(FINAL)
    closed = joined.with_columns(
        nw.coalesce(nw.col("last_pipeline_id"), nw.col("pipeline_id")).alias("pipeline_id"),
        nw.coalesce(nw.col("last_stage_id"), nw.col("stage_id")).alias("stage_id"),
        nw.when(is_final).then(nw.coalesce(nw.col("closed_on"), nw.col("last_on"))).alias("closed_on"),
        nw.when(is_final).then(nw.coalesce(nw.col("closed_epoch"), nw.col("last_epoch"))).alias("closed_epoch"),
        (~nw.col("stage_position").is_null()).alias("is_stage_known"),
        (~nw.col("amount").is_null() & nw.col("amount_base").is_null()).alias("is_rate_missing"),
        nw.when(nw.col("outcome") == "lost").then(nw.col("loss_reason_id")).alias("loss_reason_id"),
        nw.when(nw.col("outcome") == "lost").then(nw.col("lost_from_stage_id")).alias("lost_from_stage_id"),
    )
    in_base = closed.with_columns(
        elapsed("created_epoch", "closed_epoch", seconds=DAY_SECONDS).alias("cycle_days"),
        nw.col("amount_base").alias("amount"),
        nw.col("margin_base").alias("margin"),
    )
    known = with_owner(with_customer(with_category(in_base, products), customers), employees)
    return conform(known, DEAL_OUTCOMES.columns)


def _lost_from(moves: Frame) -> Frame:
    """The last open stage before the loss, of every deal whose last entry is a lost stage."""
    lost = moves.filter(nw.col("is_last"), nw.col("stage_outcome") == "lost").select("deal_id", "pipeline_id")
    open_moves = moves.filter(nw.col("stage_outcome") == "open").select(
        "deal_id", "pipeline_id", "sequence", nw.col("stage_id").alias("lost_from_stage_id")
    )
    on_way = open_moves.join(lost, on=["deal_id", "pipeline_id"], how="inner")
    latest = on_way.group_by("deal_id").agg(nw.col("sequence").max().alias("sequence"))
    return on_way.join(latest, on=["deal_id", "sequence"], how="inner").select("deal_id", "lost_from_stage_id")


def deal_stages(*, settings: MartSettings, moves: Frame, outcomes: Frame, stages: Frame) -> Frame:
    """One row per deal and stage it entered or passed by the conversion rule, per pipeline it went through.

    Reaching an open stage passes every earlier one; winning passes all; a deal lost from stage k passes up to
    k; a deal lost at once passes the first open stage only.
    """
    _ = settings
    known = numbered_stages(stages)
    passed = passed_stages(moves, known)
    entered = entered_stages(moves)
    final = entered.join(
        known.filter(nw.col("stage_outcome").is_in(FINAL)).select("pipeline_id", "stage_id"),
        on=["pipeline_id", "stage_id"],
        how="semi",
    ).select("deal_id", "pipeline_id", "stage_id", absent(Unit.DAY).alias("passed_on"))
    rows = nw.concat([passed, final]).join(entered, on=["deal_id", "pipeline_id", "stage_id"], how="left")
    described = rows.join(
        known.select("pipeline_id", "stage_id", "position", "stage_outcome", "stage_index"),
        on=["pipeline_id", "stage_id"],
        how="left",
    )
    of_deals = _flagged(described).join(_deal_columns(outcomes), on="deal_id", how="inner")
    lost_here = (nw.col("lost_from_stage_id") == nw.col("stage_id")) & (
        nw.col("deal_pipeline_id") == nw.col("pipeline_id")
    )
    return conform(of_deals.with_columns(lost_here.fill_null(value=False).alias("is_lost_here")), DEAL_STAGES.columns)


def _flagged(rows: Frame) -> Frame:
    """What each row of a way says of its stage; told before the deal's own columns make the rows wide."""
    is_entered = nw.col("is_entered").fill_null(value=False)
    is_open = nw.col("stage_outcome") == "open"
    # A deal lost at once never stood on the first stage, yet it skipped nothing: it left.
    went_on = nw.col("stage_index") < nw.col("furthest_index").fill_null(0)
    furthest = nw.when(is_entered & ~nw.col("stage_index").is_null()).then(nw.col("stage_index"))
    return rows.with_columns(furthest.max().over("deal_id", "pipeline_id").alias("furthest_index")).with_columns(
        is_entered.alias("is_entered"),
        (is_open & ~is_entered).alias("is_supposed"),
        (~nw.col("in_order_on").is_null()).alias("is_in_order"),
        nw.col("is_start").fill_null(value=False).alias("is_start"),
        (is_open & ~is_entered & went_on).alias("is_skipped"),
        nw.col("is_current").fill_null(value=False).alias("is_current"),
    )


def stage_visits(*, settings: MartSettings, moves: Frame, outcomes: Frame) -> Frame:
    """One row per entry of a deal into a stage, with what is known of the deal; re-entries are rows of their own."""
    _ = settings
    return conform(moves.join(_deal_columns(outcomes), on="deal_id", how="inner"), STAGE_VISITS.columns)


def _deal_columns(outcomes: Frame) -> Frame:
    """What the rows of a deal's way repeat of the deal itself."""
    return outcomes.select(
        "deal_id",
        nw.col("pipeline_id").alias("deal_pipeline_id"),
        "created_on",
        "created_epoch",
        "closed_on",
        "outcome",
        nw.col("amount").cast(Unit.MONEY.dtype).alias("amount"),
        "product_id",
        "loss_reason_id",
        "lost_from_stage_id",
        "customer_id",
        "customer_kind",
        "region",
        "channel_id",
        "campaign_id",
        "manager_id",
        "department",
        "branch",
    )
