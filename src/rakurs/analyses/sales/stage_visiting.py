"""How long do deals stand on a stage, and which of them stand too long?"""

from datetime import date
from typing import Any

import narwhals.stable.v2 as nw

from rakurs.analyses.filters import end_of
from rakurs.core.frames import count_where, quantiles_by, ratio

Frame = nw.LazyFrame[Any]

HOUR = 3600
STAGE = ("pipeline_id", "stage_id")


def visits_by(visits: Frame, today: date) -> Frame:
    """The visits begun by the end of `today`."""
    return visits.filter(nw.col("entered_on") <= nw.lit(today))


def finished_by(today: date) -> nw.Expr:
    """Whether a visit ended by the end of `today`; null where it never did. Its hours count from then on."""
    return nw.col("left_on") <= nw.lit(today)


def stage_hours(visits: Frame, today: date) -> Frame:
    """Median and 90th percentile of the hours of finished visits, per open stage; exact, linearly interpolated."""
    finished = visits.filter(nw.col("stage_outcome") == "open", finished_by(today), ~nw.col("hours").is_null())
    cuts = {"median_hours": 0.5, "p90_hours": 0.9}
    return quantiles_by(finished.select(*STAGE, "hours"), STAGE, "hours", shares=cuts, count="finished")


def timed_stages(visits: Frame, today: date) -> Frame:
    """`stage_hours` with `stuck`: visits of open deals that last, by the end of `today`, longer than the stage's p90.

    The hours stand once in the query: an engine would else work them out for the answer and again for the comparison.
    """
    standing = visits.filter(
        nw.col("stage_outcome") == "open",
        nw.col("outcome") == "open",
        nw.col("left_on").is_null() | (nw.col("left_on") > nw.lit(today)),
        nw.col("is_timed"),
    )
    so_far = ratio(nw.lit(end_of(today)) - nw.col("entered_epoch"), nw.lit(HOUR))
    waiting = standing.select(*STAGE, so_far.alias("so_far"))
    together = stage_hours(visits, today).join(waiting, on=list(STAGE), how="left")
    return together.group_by(*STAGE).agg(
        *(nw.col(name).min().alias(name) for name in ("finished", "median_hours", "p90_hours")),
        count_where(nw.col("so_far") > nw.col("p90_hours")).alias("stuck"),
    )


def with_names(stages: Frame, pipelines: Frame) -> Frame:
    """The stages with their pipeline's name; a nameless one is called by its id."""
    named = pipelines.select("pipeline_id", nw.col("name").alias("pipeline"))
    known = stages.filter(nw.col("deleted_at").is_null()).select(
        "pipeline_id",
        "stage_id",
        nw.coalesce(nw.col("name"), nw.col("stage_id")).alias("stage"),
        "position",
        "outcome",
        "norm_hours",
    )
    return known.join(named, on="pipeline_id", how="left").with_columns(
        nw.coalesce(nw.col("pipeline"), nw.col("pipeline_id")).alias("pipeline")
    )
