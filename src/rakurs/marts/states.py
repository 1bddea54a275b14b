"""What was believed of each deal at the end of any day: its stage, amount, expected closing, manager?"""

from typing import Any

import narwhals.stable.v2 as nw

from rakurs.core.frames import conform, row_number
from rakurs.core.mart import MartSettings
from rakurs.marts.canonical import present
from rakurs.marts.tables import DEAL_STATES

Frame = nw.LazyFrame[Any]

FINAL = ("won", "lost")
_IN_TIME: Any = {"order_by": ["valid_from"]}


def deal_states(*, settings: MartSettings, moves: Frame, outcomes: Frame, deals: Frame, snapshots: Frame) -> Frame:
    """One row per deal and run of days; `valid_to` is the first day of the next run, null for the present.

    Stages come from the history of stages; the last final one counts from the day the deal was closed, and before the
    first of them the first open one stands. Amounts,
    expected closing and manager come from what the loads showed: on a day before the first of them the first known
    values stand (`is_seen` is false), as the present ones do for a deal no snapshot was kept of. What changes
    several times in a day counts as it stood at the day's end.
    """
    _ = settings
    entered = _entered(moves, outcomes)
    seen = _numbered(snapshots)
    runs = _runs(outcomes, entered, seen)
    placed = runs.join(entered.drop("valid_from"), on=["deal_id", "sequence"], how="left")
    known = placed.join(seen.drop("valid_from"), on=["deal_id", "snapshot"], how="left")
    of_deals = known.join(_present_values(deals), on="deal_id", how="left")
    has_snapshot = ~nw.col("seen_at").is_null()
    # A deal known only by its end stood open before it, on a stage nobody told of.
    is_before_end = ~nw.col("is_entered") & nw.col("outcome").is_in(FINAL).fill_null(value=False)

    def believed(name: str) -> nw.Expr:
        return nw.when(has_snapshot).then(nw.col(f"seen_{name}")).otherwise(nw.col(f"present_{name}")).alias(name)

    valued = of_deals.with_columns(
        believed("amount"),
        believed("expected_close_on"),
        believed("then_manager_id"),
        (has_snapshot & nw.col("is_after_snapshot")).alias("is_seen"),
        nw.when(is_before_end).then(nw.lit("open")).otherwise(nw.col("outcome").fill_null("open")).alias("outcome"),
        nw.when(~is_before_end).then(nw.col("stage_id")).alias("stage_id"),
        nw.when(~is_before_end).then(nw.col("position")).alias("position"),
        (nw.col("is_stage_seen").fill_null(value=False) & nw.col("is_entered")).alias("is_stage_seen"),
    )
    described = outcomes.drop("pipeline_id", "stage_id", "outcome", "amount", "expected_close_on")
    return conform(valued.join(described, on="deal_id", how="inner"), DEAL_STATES.columns)


def _entered(moves: Frame, outcomes: Frame) -> Frame:
    """The entries into stages with the day each is believed from, never before the deal's creation."""
    ends = outcomes.select("deal_id", "closed_on", "created_on")
    is_closing = nw.col("is_last") & nw.col("stage_outcome").is_in(FINAL).fill_null(value=False)
    day = nw.when(is_closing).then(nw.coalesce("closed_on", "entered_on")).otherwise(nw.col("entered_on"))
    return moves.join(ends, on="deal_id", how="inner").select(
        "deal_id",
        "sequence",
        "pipeline_id",
        "stage_id",
        "position",
        nw.col("stage_outcome").fill_null("open").alias("outcome"),
        (nw.col("is_timed") | is_closing).alias("is_stage_seen"),
        nw.max_horizontal(day, nw.col("created_on")).alias("valid_from"),
    )


def _numbered(snapshots: Frame) -> Frame:
    """Snapshots in time: 1, 2, 3 ... per deal."""
    return present(snapshots).select(
        "deal_id",
        "seen_at",
        nw.col("seen_on").alias("valid_from"),
        nw.col("amount_base").alias("seen_amount"),
        nw.col("expected_close_on").alias("seen_expected_close_on"),
        nw.col("manager_id").alias("seen_then_manager_id"),
        row_number(("deal_id",), ("seen_epoch", "seen_at")).alias("snapshot"),
    )


def _runs(outcomes: Frame, entered: Frame, seen: Frame) -> Frame:
    """One row per deal and day on which something of it changed: which stage entry and which snapshot hold then."""
    nothing = nw.lit(None).cast(nw.Int64())
    created = outcomes.select("deal_id", nw.col("created_on").alias("valid_from"))
    # A snapshot of a day before the creation is a wrong clock, not a wish: it holds from the creation on.
    seen_days = (
        seen.join(created.rename({"valid_from": "created_on"}), on="deal_id", how="inner")
        .with_columns(nw.max_horizontal("valid_from", "created_on").alias("valid_from"))
        .select("deal_id", "valid_from", nothing.alias("sequence"), "snapshot")
    )
    changes = nw.concat(
        [
            created.with_columns(nothing.alias("sequence"), nothing.alias("snapshot")),
            entered.select("deal_id", "valid_from", nw.col("sequence").cast(nw.Int64()), nothing.alias("snapshot")),
            seen_days,
        ]
    )
    daily = changes.group_by("deal_id", "valid_from").agg(nw.col("sequence").max(), nw.col("snapshot").max())
    # Zero is "none yet": engines do not agree on what a running maximum of an absent value is.
    held = daily.with_columns(
        nw.col("sequence").fill_null(0).cum_max().over("deal_id", **_IN_TIME).alias("sequence"),
        nw.col("snapshot").fill_null(0).cum_max().over("deal_id", **_IN_TIME).alias("snapshot"),
        nw.col("valid_from").shift(-1).over("deal_id", **_IN_TIME).alias("valid_to"),
    )
    return held.with_columns(
        (nw.col("snapshot") > 0).alias("is_after_snapshot"),
        (nw.col("sequence") > 0).alias("is_entered"),
        nw.max_horizontal("sequence", nw.lit(1)).alias("sequence"),
        nw.max_horizontal("snapshot", nw.lit(1)).alias("snapshot"),
    )


def _present_values(deals: Frame) -> Frame:
    return present(deals).select(
        "deal_id",
        nw.col("amount_base").alias("present_amount"),
        nw.col("expected_close_on").alias("present_expected_close_on"),
        nw.col("manager_id").alias("present_then_manager_id"),
    )
