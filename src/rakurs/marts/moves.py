"""How did each deal go through its stages: in which order, for how long, with which skips and returns?"""

from typing import Any

import narwhals.stable.v2 as nw

from rakurs.core.frames import any_of, conform, row_number, same
from rakurs.core.mart import MartSettings
from rakurs.marts.canonical import elapsed, present
from rakurs.marts.tables import DEAL_MOVES

Frame = nw.LazyFrame[Any]

HOUR = 3600
# Events of the same second: working stages first, in their order, then the final one.
ORDER = ("entered_epoch", "is_final", "sort_position", "stage_id")
PATH = ("deal_id", "pipeline_id")


def numbered_stages(stages: Frame) -> Frame:
    """Stages with `stage_index`: open ones count 1, 2, 3 by position (equal positions share a number), won
    ones stand right after the last open one, lost ones have none. `open_stages` is how many numbers there are.
    """
    open_position = nw.when(nw.col("outcome") == "open").then(nw.col("position"))
    indexed = present(stages).select(
        "pipeline_id",
        "stage_id",
        "position",
        nw.col("outcome").alias("stage_outcome"),
        open_position.alias("open_position"),
    )
    ranked = indexed.with_columns(
        nw.col("open_position").rank("dense").over("pipeline_id").cast(nw.Int64()).alias("open_index")
    )
    counted = ranked.with_columns(nw.col("open_index").max().over("pipeline_id").fill_null(0).alias("open_stages"))
    won = nw.when(nw.col("stage_outcome") == "won").then(nw.col("open_stages") + 1)
    return counted.with_columns(nw.coalesce(nw.col("open_index"), won).alias("stage_index")).drop(
        "open_position", "open_index"
    )


def deal_moves(*, settings: MartSettings, deals: Frame, deal_stage_events: Frame, stages: Frame) -> Frame:
    """One row per entry of a deal into a stage, in time.

    A deal's present stage that its history never reached is its last entry: at `closed_at` where the stage is
    final and that is known, otherwise at the creation or the last known entry, without a known time. So a deal
    loaded without history still stands somewhere. An entry into the stage where the deal already is is no move.
    `skipped` counts open stages passed over on the way further than ever before; losing skips nothing.
    """
    _ = settings
    known = numbered_stages(stages)
    entries = _entries(present(deals), present(deal_stage_events), present(stages), known)
    moved = entries.with_columns(
        nw.col("stage_id").shift(1).over("deal_id", order_by=list(ORDER)).alias("before_stage_id"),
        nw.col("pipeline_id").shift(1).over("deal_id", order_by=list(ORDER)).alias("before_pipeline_id"),
    ).filter(
        ~(
            (nw.col("before_stage_id") == nw.col("stage_id")).fill_null(value=False)
            & same(nw.col("before_pipeline_id"), nw.col("pipeline_id"))
        )
    )
    return conform(_described(_sequenced(moved)), DEAL_MOVES.columns)


def _entries(deals: Frame, events: Frame, stages: Frame, known: Frame) -> Frame:
    recorded = _recorded(deals, events, stages)
    entries = nw.concat([recorded, _unrecorded(deals, recorded, stages, known)])
    is_final = nw.col("stage_outcome").is_in(["won", "lost"]).fill_null(value=False)
    # A snapshot knows when a deal was closed or created; when it reached a stage in between, nobody knows.
    is_sure = (nw.col("provenance") != "snapshot") | is_final | (nw.col("stage_index") == 1).fill_null(value=False)
    return entries.join(known, on=["pipeline_id", "stage_id"], how="left").with_columns(
        (nw.col("is_timed") & is_sure).alias("is_timed"),
        nw.when(is_final).then(nw.lit(1)).otherwise(nw.lit(0)).alias("is_final"),
        nw.col("position").fill_null(-1).alias("sort_position"),
    )


def _recorded(deals: Frame, events: Frame, stages: Frame) -> Frame:
    """The entries that sources report, of deals that exist, each with its pipeline."""
    owners = deals.select("deal_id", nw.col("pipeline_id").alias("deal_pipeline_id"))
    entries = (
        events.select("deal_id", "stage_id", "pipeline_id", "entered_on", "entered_epoch", "provenance")
        .join(owners, on="deal_id", how="inner")
        .with_columns(nw.coalesce(nw.col("pipeline_id"), nw.col("deal_pipeline_id")).alias("pipeline_id"))
    )
    return _with_sole_pipeline(entries, stages).select(
        "deal_id",
        "stage_id",
        "pipeline_id",
        "entered_on",
        "entered_epoch",
        nw.lit(value=True).alias("is_timed"),
        nw.col("provenance").fill_null("history").alias("provenance"),
    )


def _with_sole_pipeline(entries: Frame, stages: Frame) -> Frame:
    """An entry without a pipeline belongs to the only pipeline that has such a stage."""
    sole = (
        stages.group_by("stage_id")
        .agg(nw.len().alias("pipelines"), nw.col("pipeline_id").min().alias("sole_pipeline_id"))
        .filter(nw.col("pipelines") == 1)
        .select("stage_id", "sole_pipeline_id")
    )
    return entries.join(sole, on="stage_id", how="left").with_columns(
        nw.coalesce(nw.col("pipeline_id"), nw.col("sole_pipeline_id")).alias("pipeline_id")
    )


def _unrecorded(deals: Frame, recorded: Frame, stages: Frame, known: Frame) -> Frame:
    """The present stage of every deal whose history never reached it."""
    last = recorded.group_by("deal_id").agg(
        nw.col("entered_epoch").max().alias("last_epoch"), nw.col("entered_on").max().alias("last_on")
    )
    current = _with_sole_pipeline(deals.filter(~nw.col("stage_id").is_null()), stages)
    outcomes = known.select("pipeline_id", "stage_id", "stage_outcome", "stage_index")
    unreached = (
        current.select("deal_id", "stage_id", "pipeline_id", "created_on", "created_epoch", "closed_on", "closed_epoch")
        .join(recorded.select("deal_id", "stage_id"), on=["deal_id", "stage_id"], how="anti")
        .join(outcomes, on=["pipeline_id", "stage_id"], how="left")
        .join(last, on="deal_id", how="left")
    )
    is_final = nw.col("stage_outcome").is_in(["won", "lost"]).fill_null(value=False)
    is_closing = is_final & ~nw.col("closed_epoch").is_null()
    starts_there = nw.col("last_epoch").is_null() & (nw.col("stage_index") == 1).fill_null(value=False)
    at_epoch = nw.when(is_closing).then(nw.col("closed_epoch")).otherwise(nw.col("created_epoch"))
    at_day = nw.when(is_closing).then(nw.col("closed_on")).otherwise(nw.col("created_on"))
    return unreached.select(
        "deal_id",
        "stage_id",
        "pipeline_id",
        nw.max_horizontal(at_day, nw.col("last_on")).alias("entered_on"),
        nw.max_horizontal(at_epoch, nw.col("last_epoch")).alias("entered_epoch"),
        (is_closing | starts_there).alias("is_timed"),
        nw.lit("snapshot").alias("provenance"),
    )


def _sequenced(moved: Frame) -> Frame:
    """Adds what the neighbours in time say: number, leaving, time in stage, where the deal was before."""
    deal = {"order_by": list(ORDER)}
    neighbours = moved.with_columns(
        row_number(("deal_id",), ORDER).alias("sequence"),
        nw.col("entered_epoch").shift(-1).over("deal_id", **deal).alias("left_epoch"),
        nw.col("entered_on").shift(-1).over("deal_id", **deal).alias("left_on"),
        nw.col("is_timed").shift(-1).over("deal_id", **deal).alias("is_left_timed"),
    )
    is_measured = nw.col("is_timed") & nw.col("is_left_timed")
    return neighbours.with_columns(
        nw.when(is_measured).then(elapsed("entered_epoch", "left_epoch", seconds=HOUR)).alias("hours"),
        nw.col("left_epoch").is_null().alias("is_last"),
        # Where the deal stands on the line: a final stage stands behind every open one.
        nw.when(nw.col("is_final") == 1)
        .then(nw.col("open_stages") + 1)
        .otherwise(nw.col("stage_index"))
        .alias("place"),
        nw.col("stage_index").fill_null(0).alias("progress"),
        # A deal that was lost at once is supposed to have passed the first open stage, and no more.
        nw.coalesce(nw.col("stage_index"), nw.when(nw.col("stage_outcome") == "lost").then(nw.lit(1)), nw.lit(0)).alias(
            "supposed"
        ),
    )


def _described(sequenced: Frame) -> Frame:
    """Adds skips, backward moves and re-entries, each within the deal's way through one pipeline."""
    path = {"order_by": ["sequence"]}
    known_sequence = nw.when(~nw.col("position").is_null()).then(nw.col("sequence"))
    on_path = sequenced.with_columns(
        nw.col("progress").cum_max().over(*PATH, **path).alias("furthest"),
        nw.col("supposed").cum_max().over(*PATH, **path).alias("reached"),
        nw.col("place").shift(1).over(*PATH, **path).alias("before_place"),
        known_sequence.max().over(*PATH).alias("last_known_sequence"),
        row_number((*PATH, "stage_id"), ("sequence",)).alias("visit"),
    )
    reached = on_path.with_columns(
        nw.col("furthest").shift(1).over(*PATH, **path).fill_null(0).alias("furthest_before"),
        nw.col("reached").shift(1).over(*PATH, **path).fill_null(0).alias("reached_before"),
    )
    jump = nw.col("stage_index") - nw.col("furthest_before") - 1
    skipping = reached.with_columns(nw.when(jump > 0).then(jump).otherwise(nw.lit(0)).alias("skipped"))
    is_open = (nw.col("stage_outcome") == "open").fill_null(value=False)
    return skipping.with_columns(
        (nw.col("skipped").cum_sum().over(*PATH, **path) == 0).alias("is_in_order"),
        (nw.col("sequence") == nw.col("last_known_sequence")).fill_null(value=False).alias("is_last_in_pipeline"),
        (is_open & (nw.col("stage_index") < nw.col("before_place")).fill_null(value=False)).alias("is_backward"),
        (nw.col("visit") > 1).alias("is_reentry"),
    )


def entered_stages(moves: Frame) -> Frame:
    """One row per deal, pipeline and known stage it entered."""
    known = moves.filter(~nw.col("position").is_null())
    in_order_on = nw.when(nw.col("is_in_order")).then(nw.col("entered_on"))
    first = known.with_columns(
        in_order_on.alias("in_order_on"),
        (nw.col("sequence").min().over(*PATH) == nw.col("sequence")).alias("is_start"),
    )
    return (
        first.group_by("deal_id", "pipeline_id", "stage_id")
        .agg(
            nw.col("in_order_on").min().alias("in_order_on"),
            any_of(nw.col("is_start")).alias("is_start"),
            any_of(nw.col("is_last_in_pipeline")).alias("is_current"),
            nw.col("entered_on").min().alias("entered_on"),
            nw.col("entered_on").max().alias("last_entered_on"),
            nw.col("left_on").max().alias("left_on"),
        )
        .with_columns(
            nw.lit(value=True).alias("is_entered"),
            nw.when(~nw.col("is_current")).then(nw.col("left_on")).alias("left_on"),
        )
    )


def passed_stages(moves: Frame, known: Frame) -> Frame:
    """One row per deal, pipeline and open stage it passed by the conversion rule, with the day it did.

    A move further than ever passes every open stage between where the deal had been and where it came to.
    """
    open_stages = known.filter(nw.col("stage_outcome") == "open").select("pipeline_id", "stage_id", "stage_index")
    return (
        moves.filter(nw.col("reached") > nw.col("reached_before"))
        .select("deal_id", "pipeline_id", "reached_before", "reached", nw.col("entered_on").alias("passed_on"))
        .join(open_stages, on="pipeline_id", how="inner")
        .filter(nw.col("stage_index") > nw.col("reached_before"), nw.col("stage_index") <= nw.col("reached"))
        .select("deal_id", "pipeline_id", "stage_id", "passed_on")
    )
