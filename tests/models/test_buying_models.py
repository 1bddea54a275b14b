"""Do purchases and spending come out as published, and do the models hold what they promise?"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from effort import tries
from rakurs.models.purchases import BuyingModel, SpendingModel, fit_buying, fit_spending

DAYS = 7.0


@pytest.fixture(scope="module")
def cdnow() -> dict[str, np.ndarray]:
    """2,357 customers of CDNOW, 39 weeks: repeat purchases, recency, age in weeks and their mean spending."""
    from lifetimes.datasets import load_cdnow_summary_data_with_monetary_value

    found = load_cdnow_summary_data_with_monetary_value()
    return {
        "x": found["frequency"].to_numpy(float),
        "tx": found["recency"].to_numpy(float),
        "age": found["T"].to_numpy(float),
        "m": found["monetary_value"].to_numpy(float),
    }


def test_bg_nbd_is_as_published(cdnow: dict[str, np.ndarray]) -> None:
    model = fit_buying(cdnow["x"], cdnow["tx"], cdnow["age"], variant="bg")
    # Fader, Hardie and Lee 2005, and the BTYD walkthrough: .2426, 4.4137, .7930, 2.4262; log-likelihood -9582.43.
    assert (model.r, model.alpha, model.a, model.b) == pytest.approx((0.2426, 4.4137, 0.7930, 2.4262), rel=2e-3)
    assert model.log_likelihood == pytest.approx(-9582.43, abs=0.01)
    assert model.expected_new(52.0)[0] == pytest.approx(1.444004, rel=1e-4)
    one = (np.array([26.0]), np.array([30.85714]), np.array([31.0]))
    assert model.expected(*one, 52.0)[0] == pytest.approx(25.75659, rel=1e-4)
    assert model.alive(*one)[0] == pytest.approx(0.9688523, rel=1e-5)


def test_the_variant_is_as_another_program_fits_it(cdnow: dict[str, np.ndarray]) -> None:
    from lifetimes import ModifiedBetaGeoFitter

    x, tx, age = cdnow["x"], cdnow["tx"], cdnow["age"]
    model, other = fit_buying(x, tx, age), ModifiedBetaGeoFitter().fit(x, tx, age)
    fitted = [other.params_[name] for name in ("r", "alpha", "a", "b")]
    assert [model.r, model.alpha, model.a, model.b] == pytest.approx(fitted, rel=1e-3)
    assert model.alive(x, tx, age) == pytest.approx(
        np.asarray(other.conditional_probability_alive(x, tx, age)), abs=1e-5
    )
    ahead = other.conditional_expected_number_of_purchases_up_to_time(39, x, tx, age)
    assert model.expected(x, tx, age, 39.0) == pytest.approx(np.asarray(ahead), abs=1e-4)


def test_gamma_gamma_is_as_published(cdnow: dict[str, np.ndarray]) -> None:
    returned = cdnow["x"] > 0
    model = fit_spending(cdnow["x"][returned], cdnow["m"][returned])
    assert int(returned.sum()) == 946
    assert (model.p, model.q, model.v) == pytest.approx((6.25, 3.74, 15.44), rel=2e-3)
    assert model.log_likelihood == pytest.approx(-4055.92, abs=0.01)


def test_money_may_be_in_any_unit(cdnow: dict[str, np.ndarray]) -> None:
    returned = cdnow["x"] > 0
    x, m = cdnow["x"][returned], cdnow["m"][returned]
    small, large = fit_spending(x, m), fit_spending(x, m * 1000)
    assert large.mean(x, m * 1000) == pytest.approx(small.mean(x, m) * 1000, rel=1e-5)


@settings(max_examples=tries(8, 25), deadline=None)
@given(
    shape=st.tuples(st.floats(0.2, 3), st.floats(1, 30), st.floats(0.2, 3), st.floats(0.5, 5)),
    x=st.integers(0, 30),
    seen=st.floats(0, 1),
    silent=st.floats(0, 100),
)
def test_draws_agree_with_the_expectation(
    shape: tuple[float, float, float, float], x: int, seen: float, silent: float
) -> None:
    r, alpha, a, b = shape
    if abs(a - 1) < 0.01:
        a = 1.05  # the closed form divides by a - 1
    model = BuyingModel(r=r, alpha=alpha, a=a, b=b, variant="mbg", log_likelihood=0.0)
    tx = 50.0 * seen if x else 0.0
    one = (np.array([float(x)]), np.array([tx]), np.array([tx + silent]))
    drawn = model.simulated(*one, 26.0, draws=40_000, random=np.random.default_rng(7))[0]
    expected = float(model.expected(*one, 26.0)[0])
    # One who is hardly alive buys in none of the draws, or in one of them very often.
    often = 26.0 * (r + x + 1) / alpha
    spread = max(float(drawn.std()), (expected * often) ** 0.5 if expected < 0.01 else 0.0)
    assert drawn.mean() == pytest.approx(expected, abs=6 * spread / 200 + 1e-3)


def test_a_silent_one_time_buyer_is_not_alive_for_ever(cdnow: dict[str, np.ndarray]) -> None:
    once = np.zeros(4), np.zeros(4), np.array([1.0, 20.0, 100.0, 1000.0])
    plain = fit_buying(cdnow["x"], cdnow["tx"], cdnow["age"], variant="bg")
    model = fit_buying(cdnow["x"], cdnow["tx"], cdnow["age"])
    assert list(plain.alive(*once)) == [1.0] * 4
    alive = list(model.alive(*once))
    assert alive == sorted(alive, reverse=True)
    assert alive[-1] < 0.3


def test_planted_rates_come_back() -> None:
    """Customers drawn from the model itself: what is expected of them is what they then do."""
    random = np.random.default_rng(3)
    size, span, ahead = 20_000, 100.0, 50.0
    rate, leaving = random.gamma(1.5, 1 / 10, size), random.beta(0.8, 3.0, size)
    x, tx, later = np.zeros(size), np.zeros(size), np.zeros(size)
    clock, there = np.zeros(size), random.random(size) > leaving
    while there.any():
        clock = clock + random.exponential(1 / rate)
        bought = there & (clock <= span)
        x[bought] += 1
        tx[bought] = clock[bought]
        later[there & (clock > span) & (clock <= span + ahead)] += 1
        there &= (clock <= span + ahead) & (random.random(size) > leaving)
    model = fit_buying(x, tx, np.full(size, span))
    expected = model.expected(x, tx, np.full(size, span), ahead)
    assert expected.sum() == pytest.approx(later.sum(), rel=0.03)
    order = np.array_split(np.argsort(expected), 5)
    for part in order:
        error = later[part].std() / np.sqrt(len(part))
        assert expected[part].mean() == pytest.approx(later[part].mean(), abs=4 * error + 0.02)


def test_clients_who_are_all_alike_are_valued_too() -> None:
    """A great r: the rate is nearly one number, and the closed form overflows."""
    alike = BuyingModel(r=15_000.0, alpha=160_000.0, a=0.5, b=1.5, variant="mbg", log_likelihood=0.0)
    near = BuyingModel(r=600.0, alpha=6400.0, a=0.5, b=1.5, variant="mbg", log_likelihood=0.0)
    one = np.array([0.0, 3.0, 10.0]), np.array([40.0, 40.0, 40.0])
    assert alike.expected_alive(*one, 26.0) == pytest.approx(near.expected_alive(*one, 26.0), rel=0.05)


def test_where_few_returned_everybody_spends_the_mean() -> None:
    model = SpendingModel.of_everybody(700.0)
    assert model.mean(np.array([0.0, 3.0]), np.array([0.0, 9000.0])) == pytest.approx([700.0, 700.0], rel=0.05)
