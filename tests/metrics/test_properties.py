"""What must hold of any rows: parts sum to the whole, rates of totals are ratios of totals, order means nothing."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mart_rows import deal, mart_frames, sale

from effort import tries
from engines import ENGINES, EngineUnderTest
from rakurs.core.metric import Metric
from rakurs.core.periods import Comparison, Period
from rakurs.metrics import DIMENSIONS, METRICS, Cut, dimension_named, pivot

pytestmark = pytest.mark.slow

FIRST = date(2024, 1, 1)
DAYS = st.integers(0, 120).map(lambda number: (FIRST + timedelta(days=number)).isoformat())
FEW = st.sampled_from([None, "a", "b"])
SALES = st.lists(
    st.builds(
        lambda day, revenue, margin, person, channel, is_sale: {
            **sale("", day, revenue, customer_id=person, channel_id=channel, manager_id=person, margin=margin),
            "is_sale": is_sale,
            "is_first": is_sale and person is not None,
        },
        DAYS,
        st.integers(-10_000, 10_000).map(lambda cents: str(Decimal(cents) / 100)),
        st.sampled_from([None, "1.01", "-3.00"]),
        FEW,
        FEW,
        st.booleans(),
    ),
    max_size=20,
)
DEALS = st.lists(
    st.builds(
        lambda day, outcome, closed, manager, stage: deal(
            "", day, outcome, closed if outcome != "open" else None, manager_id=manager, stage_id=stage, amount="5.25"
        ),
        DAYS,
        st.sampled_from(["won", "lost", "open"]),
        DAYS,
        FEW,
        FEW,
    ),
    max_size=20,
)
PERIOD = Period(date(2024, 3, 1), date(2024, 4, 1))
SPLITS = [dimension for dimension in DIMENSIONS if dimension.name in {"week", "month", "manager", "channel", "stage"}]


def numbered(rows: list[dict[str, Any]], key: str) -> list[dict[str, Any]]:
    return [{**row, key: str(number)} for number, row in enumerate(rows)]


def answered(engine: EngineUnderTest, rows: dict[str, Any], metrics: list[Metric], cut: Cut) -> list[dict[str, Any]]:
    return engine.collect(pivot(mart_frames(engine, rows), metrics, cut)).to_pylist()


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.name)
@pytest.mark.parametrize("split", SPLITS, ids=lambda split: split.name)
@settings(max_examples=tries(3, 6), deadline=None)
@given(sales=SALES, deals=DEALS, compare=st.sampled_from(Comparison))
def test_parts_sum_to_the_whole(
    engine: EngineUnderTest, split: Any, sales: list[Any], deals: list[Any], compare: Comparison
) -> None:
    rows = {"sales": numbered(sales, "sale_id"), "deal_outcomes": numbered(deals, "deal_id")}
    metrics = [metric for metric in METRICS if split.fits(metric)]
    by_group = answered(engine, rows, metrics, Cut(period=PERIOD, basis="orders", by=(split,), compare=compare))
    [total] = answered(engine, rows, metrics, Cut(period=PERIOD, basis="orders", compare=compare))
    ends = ("",) if compare is Comparison.NONE else ("", "_compared")
    for name in (metric.name + end for metric in metrics if metric.is_additive for end in ends):
        parts = [row[name] for row in by_group if row[name] is not None]
        assert sum(parts) == (total[name] or 0), name


@settings(max_examples=tries(3, 6), deadline=None)
@given(deals=DEALS, sales=SALES)
def test_rates_of_totals_are_ratios_of_totals(deals: list[Any], sales: list[Any]) -> None:
    rows = {"sales": numbered(sales, "sale_id"), "deal_outcomes": numbered(deals, "deal_id")}
    [total] = answered(ENGINES[0], rows, list(METRICS), Cut(period=PERIOD, basis="orders"))
    decided = total["deals_won"] + total["deals_lost"]
    assert total["win_rate"] == (total["deals_won"] / decided if decided else None)
    if total["sales"]:
        assert abs(total["average_check"] * total["sales"] - total["revenue"]) <= Decimal("0.006") * total["sales"]
    else:
        assert total["average_check"] is None


@settings(max_examples=tries(3, 6), deadline=None)
@given(deals=DEALS, sales=SALES)
def test_the_order_of_rows_means_nothing(deals: list[Any], sales: list[Any]) -> None:
    rows = {"sales": numbered(sales, "sale_id"), "deal_outcomes": numbered(deals, "deal_id")}
    cut = Cut(period=PERIOD, basis="orders", by=(dimension_named("manager"),), compare=Comparison.LAST_YEAR)
    turned = {name: list(reversed(table)) for name, table in rows.items()}
    metrics = [metric for metric in METRICS if dimension_named("manager").fits(metric)]
    assert answered(ENGINES[0], rows, metrics, cut) == answered(ENGINES[0], turned, metrics, cut)


@settings(max_examples=tries(3, 6), deadline=None)
@given(deals=DEALS, sales=SALES)
def test_engines_agree(deals: list[Any], sales: list[Any]) -> None:
    rows = {"sales": numbered(sales, "sale_id"), "deal_outcomes": numbered(deals, "deal_id")}
    cut = Cut(period=PERIOD, basis="orders", by=(dimension_named("channel"),), compare=Comparison.PREVIOUS)
    first, *others = (answered(engine, rows, list(METRICS), cut) for engine in ENGINES)
    for other in others:
        assert [_rounded(row) for row in other] == [_rounded(row) for row in first]


def _rounded(row: dict[str, Any]) -> dict[str, Any]:
    return {name: pytest.approx(value, rel=1e-12) if isinstance(value, float) else value for name, value in row.items()}
