"""Since when, and until when, was a product there or not in each place?"""

from typing import Any

import narwhals.stable.v2 as nw

from rakurs.core.frames import conform, row_number
from rakurs.core.mart import MartSettings
from rakurs.marts.canonical import present
from rakurs.marts.tables import AVAILABILITY

Frame = nw.LazyFrame[Any]

KEY = ("product_id", "place")


def availability(*, settings: MartSettings, stock: Frame) -> Frame:
    """One row per product, place and day of a count: the last count of a day holds until the day of the next."""
    _ = settings
    free = nw.col("quantity").cast(nw.Float64()) - nw.col("reserved").cast(nw.Float64()).fill_null(0.0)
    counted = present(stock).with_columns(
        nw.coalesce(nw.col("place"), nw.lit("")).alias("place"),
        (-nw.col("counted_epoch")).alias("latest"),
        (free > 0).alias("is_there"),
    )
    last = counted.with_columns(row_number([*KEY, "counted_on"], ["latest", "quantity"]).alias("rank")).filter(
        nw.col("rank") == 1
    )
    held = last.select(
        *KEY,
        nw.col("counted_on").alias("from_on"),
        "is_there",
        nw.col("counted_on").shift(-1).over(*KEY, order_by="counted_on").alias("until_on"),
    )
    return conform(held, AVAILABILITY.columns)
