"""Which products cannot be sold on a day, because no place has any?"""

from datetime import date
from typing import Any

import narwhals.stable.v2 as nw

from rakurs.core.frames import any_of
from rakurs.core.text import Text

Frame = nw.LazyFrame[Any]

NOT_SOLD_OUT = Text(
    ru="Чего по последним подсчётам нет нигде, то не предлагается.",
    en="What the last counts found nowhere is not offered.",
)


def without_sold_out(rows: Frame, availability: Frame, day: date) -> Frame:
    """`rows` but those whose product the last counts by the end of `day` found nowhere; what is never counted stays."""
    held = availability.filter(
        nw.col("from_on") <= nw.lit(day), nw.col("until_on").is_null() | (nw.col("until_on") > nw.lit(day))
    )
    found = held.group_by("product_id").agg(any_of(nw.col("is_there")).alias("is_anywhere"))
    return rows.join(found.filter(~nw.col("is_anywhere")).select("product_id"), on="product_id", how="anti")
