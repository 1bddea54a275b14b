"""What a model says of each row, in the columns of `model_scores`."""

from collections.abc import Sequence
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Array = NDArray[np.float64]

SUBJECTS = ("customer_id", "deal_id", "lead_id", "product_id")
"""Whom or what a score speaks of: those that do not concern it are null."""
REASON_COLUMNS = ("factor_1", "factor_2", "factor_3")


def scored(
    rows: pa.Table,
    *keys: str,
    score: Array,
    expected_count: Array | None = None,
    amount: Array | None = None,
    amount_low: Array | None = None,
    amount_high: Array | None = None,
    reasons: Sequence[Sequence[str | None]] = (),
) -> pa.Table:
    """One row per row given, of the subjects named by `keys`; what a model does not say is null. Money is rounded to the cent."""
    size = rows.num_rows
    columns: dict[str, pa.Array | pa.ChunkedArray] = {
        key: rows[key] if key in keys else pa.nulls(size, pa.string()) for key in SUBJECTS
    }
    columns["score"] = pa.array(score, pa.float64())
    columns["expected_count"] = _floats(expected_count, size)
    for name, money in (("amount", amount), ("amount_low", amount_low), ("amount_high", amount_high)):
        columns[name] = pc.round(_floats(money, size), 2).cast(pa.decimal128(38, 2), safe=False)
    for place, name in enumerate(REASON_COLUMNS):
        columns[name] = pa.array(reasons[place] if place < len(reasons) else [None] * size, pa.string())
    return pa.table(columns)


def with_came(
    said: nw.LazyFrame[Any], happened: nw.LazyFrame[Any], *keys: str, is_expected: bool = True
) -> nw.LazyFrame[Any]:
    """The scores with `came`: 1 for those whose `keys` are among what `happened` (distinct), or are not where it was
    expected not to.
    """
    yes, no = (1, 0) if is_expected else (0, 1)
    among = happened.select(*keys, nw.lit(yes).alias("came"))
    return said.join(among, on=list(keys), how="left").with_columns(nw.col("came").fill_null(no))


def nobody() -> pa.Table:
    """What is said where there is nobody to score: no row. Models themselves are not asked about it."""
    none = pa.table({key: pa.nulls(0, pa.string()) for key in SUBJECTS})
    return scored(none, *none.column_names, score=np.empty(0))


def _floats(values: Array | None, size: int) -> pa.Array:
    if values is None:
        return pa.nulls(size, pa.float64())
    return pa.array(values, pa.float64(), mask=np.isnan(values))
