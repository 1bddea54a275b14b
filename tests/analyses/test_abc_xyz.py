"""Is the variation of demand what plain Python says of the same lines?"""

from collections import defaultdict
from datetime import date
from decimal import Decimal
from statistics import fmean, pstdev
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from analyses.asking import answer
from analyses.test_properties import ENGINE, QUIET, SEEDS
from company import random_company
from engines import frames_on
from rakurs.analyses import analysis_named
from rakurs.core.periods import add_months

XYZ = analysis_named("abc_xyz")


def months_of(as_of: date, count: int) -> list[date]:
    """The first days of the last finished months, oldest first; `as_of` is not the last day of its month."""
    return [add_months(as_of.replace(day=1), -back) for back in range(count, 0, -1)]


@pytest.mark.slow
@QUIET
@given(seed=SEEDS, count=st.sampled_from([3, 4, 6]))
def test_the_variation_is_the_deviation_by_the_mean(seed: int, count: int) -> None:
    as_of = date(2026, 4, 10)
    frames = frames_on(ENGINE, random_company(seed, orders=60))
    asked = XYZ.params.model_validate({"as_of": as_of, "months": count, "basis": "orders"})
    months = months_of(as_of, count)
    demand: dict[Any, dict[date, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    first: dict[Any, date] = {}
    for row in ENGINE.collect(frames["sale_lines"]).to_pylist():
        if row["basis"] != "orders" or row["product_id"] is None or row["sold_on"] >= as_of.replace(day=1):
            continue
        month = row["sold_on"].replace(day=1)
        if not row["is_return"]:
            first[row["product_id"]] = min(month, first.get(row["product_id"], month))
        if month >= months[0]:
            demand[row["product_id"]][month] += row["quantity"]
    rows = {row["product_id"]: row for row in answer(XYZ, ENGINE, frames, asked)}
    assert set(rows) == set(demand)
    for product, sold in demand.items():
        counted = [float(sold.get(month, 0)) for month in months if product in first and month >= first[product]]
        told = rows[product]
        if product in first:
            assert told["months"] == len(counted)
        if len(counted) < 3 or sum(counted) <= 0:
            assert (told["xyz"], told["variation"]) == ("unclear", None)
            continue
        variation = pstdev(counted) / fmean(counted)
        assert told["variation"] == pytest.approx(variation, abs=1e-9)
        if min(abs(variation - 0.5), abs(variation - 1.0)) > 1e-9:
            assert told["xyz"] == ("X" if variation < 0.5 else "Y" if variation < 1.0 else "Z")


@pytest.mark.parametrize("crossed", [{"a_share": 0.9, "b_share": 0.8}, {"x_to": 0.9, "y_to": 0.8}])
def test_bounds_do_not_cross(crossed: dict[str, float]) -> None:
    with pytest.raises(ValidationError, match="cannot be less"):
        XYZ.params.model_validate(crossed)
