"""What are the customers of an answer called?"""

from typing import Any

import narwhals.stable.v2 as nw

from rakurs.core.analysis import Frames

Frame = nw.LazyFrame[Any]


def with_customer_names(rows: Frame, frames: Frames, params: Any) -> Frame:
    """`rows` with `customer`, the name behind `customer_id`; a nameless or unknown one is called by the id."""
    _ = params
    names = frames["customers"].select("customer_id", nw.col("name").alias("customer"))
    return rows.join(names, on="customer_id", how="left").with_columns(
        nw.coalesce(nw.col("customer"), nw.col("customer_id")).alias("customer")
    )
