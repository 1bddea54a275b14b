"""Does the margin of all parts make the margin of the whole, and is the curve that of a whale?"""

from collections import defaultdict
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyses.asking import answer
from analyses.test_properties import ENGINE, QUIET, SEEDS
from company import TODAY, random_company
from engines import frames_on
from rakurs.analyses import analysis_named
from rakurs.app.asking import chart_rows

WHALE = analysis_named("profitability")
BASES = st.sampled_from(["deals", "orders"])
OF_SALES = {"customers": "customer_id", "regions": "region", "channels": "channel_id", "kinds": "customer_kind"}
OF_LINES = {"products": "product_id", "categories": "category"}


def money(value: Decimal | None) -> Decimal:
    return value or Decimal(0)


def costs_of(frames: Any, key: str | None) -> dict[Any, Decimal]:
    """What serving cost whoever `key` tells, at 600 an hour and 20 % a year; nobody anything without a key."""
    spent = defaultdict[Any, Decimal](Decimal)
    for row in ENGINE.collect(frames["customer_costs"]).to_pylist() if key else []:
        if row["spent_on"] <= TODAY and not (row[key] is None and key == "customer_id"):
            parts = row["amount"], row["hours"] and row["hours"] * 600, row["money_years"] and row["money_years"] * 0.2
            if any(part is not None for part in parts):
                spent[row[key]] += sum(Decimal(str(part or 0)) for part in parts)
    return spent


@pytest.mark.slow
@QUIET
@given(seed=SEEDS, basis=BASES, by=st.sampled_from([*OF_SALES, *OF_LINES]))
def test_the_parts_are_counted_as_the_rows_say(seed: int, basis: str, by: str) -> None:
    frames = frames_on(ENGINE, random_company(seed, orders=40))
    asked = WHALE.params.model_validate({"basis": basis, "by": by, "hour_cost": 600, "money_rate": 0.2}).bound(TODAY)
    rows = answer(WHALE, ENGINE, frames, asked)
    key = {**OF_SALES, **OF_LINES}[by]
    revenue, margin, unknown, returned = (defaultdict[Any, Decimal](Decimal) for _ in range(4))
    known: set[Any] = set()
    for row in ENGINE.collect(frames["sale_lines" if by in OF_LINES else "sales"]).to_pylist():
        if row["basis"] != basis or row["sold_on"] is None or row["sold_on"] > TODAY:
            continue
        if row[key] is None and by in {"customers", "products"}:
            continue
        revenue[row[key]] += money(row["revenue"])
        is_back = row["is_return"] if by in OF_LINES else True
        returned[row[key]] += money(row["revenue" if by in OF_LINES else "returned"]) if is_back else 0
        if row["margin"] is None:
            unknown[row[key]] += money(row["revenue"])
        else:
            known.add(row[key])
            margin[row[key]] += row["margin"]
    spent = costs_of(frames, key if by in OF_SALES else None)
    only_served = set(spent) - set(revenue)
    assert {row["id"]: row["revenue"] for row in rows} == dict.fromkeys(only_served, 0) | dict(revenue)
    margins = {name: margin[name] if name in known else None for name in revenue}
    assert {row["id"]: row["margin"] for row in rows} == dict.fromkeys(only_served, 0) | margins
    for row in rows:
        assert (row["profit"] is None) == (row["margin"] is None)
        if row["profit"] is not None:
            assert row["profit"] == pytest.approx(row["margin"] - spent.get(row["id"], Decimal(0)), abs=Decimal("0.1"))
    assert {row["id"]: money(row["unknown_revenue"]) for row in rows} == {row["id"]: unknown[row["id"]] for row in rows}
    assert {row["id"]: money(row["returned"]) for row in rows} == {row["id"]: returned[row["id"]] for row in rows}
    for row in rows:
        if row["margin"] is not None:
            assert row["revenue"] - row["unknown_revenue"] - row["cost"] == row["margin"]


@pytest.mark.slow
@QUIET
@given(seed=SEEDS)
def test_the_curve_climbs_over_the_whole_and_comes_back_to_it(seed: int) -> None:
    frames = frames_on(ENGINE, random_company(seed, orders=40))
    rows = answer(WHALE, ENGINE, frames, WHALE.params.model_validate({"break_even": 0}).bound(TODAY))
    curve = [row["cumulative_share"] for row in rows if row["cumulative_share"] is not None]
    assert [row["place"] for row in rows] == list(range(1, len(rows) + 1))
    if not curve:
        return
    assert curve[-1] == pytest.approx(1.0)
    highest = sum(row["share"] for row in rows if row["class"] == "profitable")
    assert max(curve) == pytest.approx(highest)
    losses = [row for row in rows if row["class"] == "loss_making"]
    assert (max(curve) > 1 + 1e-12) == bool(losses)
    assert all(row["margin"] < 0 for row in losses)


@pytest.mark.parametrize("rows", [0, 1, WHALE.chart.limit, WHALE.chart.limit + 1, 100_003])
def test_a_curve_is_drawn_from_its_first_row_to_its_last(rows: int) -> None:
    drawn = chart_rows(pa.table({"place": pa.array(range(1, rows + 1), pa.int64())}), WHALE)["place"].to_pylist()
    assert len(drawn) == len(set(drawn)) == min(rows, WHALE.chart.limit)
    assert drawn[:1] + drawn[-1:] == [1, rows] * bool(rows)
