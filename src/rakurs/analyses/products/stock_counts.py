"""What the last counts found: how much of each product lies in a place, or in all of them."""

from datetime import date
from typing import Any

import narwhals.stable.v2 as nw

from rakurs.core.frames import row_number
from rakurs.core.params import parameter
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.marts.canonical import present

Frame = nw.LazyFrame[Any]

PLACE: str | None = parameter(None, Text(ru="Склад или магазин", en="Warehouse or shop"), unit=Unit.TEXT)


def counted(stock: Frame, *, place: str | None, day: date) -> Frame:
    """One row per product: `on_hand`, what its last count by the end of `day` found free, and `counted_on`."""
    known = present(stock).filter(nw.col("counted_on") <= nw.lit(day))
    if place is not None:
        known = known.filter(nw.col("place") == nw.lit(place))
    named = known.with_columns(
        (-nw.col("counted_epoch")).alias("latest"), nw.coalesce(nw.col("place"), nw.lit("")).alias("place")
    )
    last = named.with_columns(row_number(("product_id", "place"), ("latest", "quantity")).alias("rank")).filter(
        nw.col("rank") == 1
    )
    return last.group_by("product_id").agg(
        (nw.col("quantity").cast(nw.Float64()) - nw.col("reserved").cast(nw.Float64()).fill_null(0.0))
        .sum()
        .alias("on_hand"),
        nw.col("counted_on").max().alias("counted_on"),
    )
