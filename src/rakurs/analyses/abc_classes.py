"""Which few bring the most? The classes of ABC, by one rule for customers, products and whatever else."""

from collections.abc import Mapping
from typing import Any

import narwhals.stable.v2 as nw

from rakurs.core.frames import ratio
from rakurs.core.text import Text

Frame = nw.LazyFrame[Any]

PARTS_OF_SHARE = 10_000
"""Shares are compared in hundredths of a percent and cents in whole numbers: floats lose the one on the line."""
CLASSES: Mapping[str, Text] = {
    "A": Text(ru="A: основные", en="A: vital few"),
    "B": Text(ru="B: средние", en="B: middle"),
    "C": Text(ru="C: остальные", en="C: the rest"),
}


def with_abc(valued: Frame, *, a_share: float, b_share: float) -> Frame:
    """`valued`, one row per `id` with its `value` in money, with `class`, `share` and `cumulative_share`.

    Sorted by value descending, then id. A row whose cumulative share before it is less than `a_share` is A, less than
    `b_share` B, else C; zero and negative values are C and have no share. Shares are of the positive sum.
    """
    cents = valued.with_columns((nw.col("value") * 100).cast(nw.Int64()).alias("cents"))
    positive = cents.with_columns(
        nw.when(nw.col("cents") > 0).then(nw.col("cents")).otherwise(nw.lit(0)).alias("worth"),
        (-nw.col("cents")).alias("descending"),
    )
    running = positive.with_columns(
        nw.col("worth").sum().cast(nw.Int64()).alias("whole"),
        nw.col("worth").cum_sum().over(order_by=["descending", "id"]).cast(nw.Int64()).alias("up_to"),
    )
    before = (nw.col("up_to") - nw.col("worth")) * PARTS_OF_SHARE
    is_worth = nw.col("worth") > 0
    until_a, until_b = round(a_share * PARTS_OF_SHARE), round(b_share * PARTS_OF_SHARE)
    in_class = (
        nw.when(is_worth & (before < nw.col("whole") * until_a))
        .then(nw.lit("A"))
        .otherwise(nw.when(is_worth & (before < nw.col("whole") * until_b)).then(nw.lit("B")).otherwise(nw.lit("C")))
    )
    return running.with_columns(
        in_class.alias("class"),
        nw.when(is_worth).then(ratio(nw.col("worth"), nw.col("whole"))).alias("share"),
        nw.when(is_worth).then(ratio(nw.col("up_to"), nw.col("whole"))).alias("cumulative_share"),
    )
