"""What are the products of an answer called?"""

from typing import Any

import narwhals.stable.v2 as nw

from rakurs.analyses.columns import column
from rakurs.core.analysis import Frames
from rakurs.core.units import Unit

Frame = nw.LazyFrame[Any]

PRODUCT = (
    column("product_id", Unit.ID, "Код товара", "Product id"),
    column("product", Unit.TEXT, "Товар", "Product"),
)


def with_product_names(rows: Frame, frames: Frames, *, by: str, name: str) -> Frame:
    """`rows` with `name`, what the product in `by` is called; a nameless or unknown one is called by the id."""
    names = frames["products"].select(nw.col("product_id").alias(by), nw.col("name").alias(name))
    return rows.join(names, on=by, how="left").with_columns(nw.coalesce(nw.col(name), nw.col(by)).alias(name))
