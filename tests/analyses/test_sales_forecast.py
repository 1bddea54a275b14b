"""Is the forecast as good as published ones, honest about its past, and silent where there is nothing to see?"""

from statistics import mean

import numpy as np
import pytest
from numpy.typing import NDArray

from rakurs.analyses.forecast.series import foresee

Array = NDArray[np.float64]


@pytest.fixture(scope="module")
def passengers() -> Array:
    """AirPassengers, 1949 to 1960, by month."""
    from statsforecast.utils import AirPassengers

    return np.asarray(AirPassengers, dtype=np.float64)


def mape(said: Array, came: Array) -> float:
    return float(100 * np.mean(np.abs(said - came) / came))


def test_passengers_of_1960_are_foreseen_better_than_published_smoothing_does(passengers: Array) -> None:
    past, came = passengers[:132], passengers[132:]
    found = foresee(past, season=12, ahead=12, level=0.8)
    # Published on this hold-out: seasonal naive 9.988 %, ETS(M,Ad,M) 4.656 %, ARIMA on logarithms 2.904 %.
    assert mape(past[-12:], came) == pytest.approx(9.988, abs=0.001)
    assert mape(found.values, came) < 4.656
    assert found.mase is not None
    assert found.naive_mase is not None
    assert found.mase < 0.6 * found.naive_mase
    assert np.mean((came >= found.low) & (came <= found.high)) >= 0.7


def test_intervals_hold_about_what_they_promise() -> None:
    """Seasonal series with noise, many of them: the share of what came that the 80 % interval held."""
    random = np.random.default_rng(5)
    held, told = [], []
    for _ in range(40):
        months = np.arange(66)
        series = 100 + 0.5 * months + 20 * np.sin(2 * np.pi * months / 12) + random.normal(0, 8, 66)
        found = foresee(series[:60], season=12, ahead=6, level=0.8)
        held.append(float(np.mean((series[60:] >= found.low) & (series[60:] <= found.high))))
        assert found.coverage is not None
        told.append(found.coverage)
    assert mean(held) == pytest.approx(0.8, abs=0.12)
    assert mean(told) == pytest.approx(mean(held), abs=0.12)


def test_noise_has_no_season() -> None:
    random = np.random.default_rng(6)
    swings = []
    for _ in range(10):
        series = 100 + random.normal(0, 10, 48)
        found = foresee(series, season=12, ahead=12, level=0.8)
        swings.append(float(found.values.max() - found.values.min()))
        assert found.values.mean() == pytest.approx(100, abs=12)
    # The noise itself swings by about 40 in a year.
    assert mean(swings) < 20


def test_a_short_past_is_not_tried_and_says_so() -> None:
    found = foresee(np.array([5.0, 6.0, 4.0, 5.0, 6.0, 7.0]), season=12, ahead=6, level=0.8)
    assert (found.way, found.mase, found.coverage, found.origins) == ("naive", None, None, 0)
    assert list(found.values) == [7.0] * 6


@pytest.mark.parametrize(
    "series", [[3.0] * 30, [0.0] * 30, [0.0] * 29 + [5.0]], ids=["constant", "nothing", "one sale"]
)
def test_odd_pasts_are_answered(series: list[float]) -> None:
    found = foresee(np.array(series), season=12, ahead=4, level=0.95)
    assert np.isfinite(found.values).all()
    assert (found.low <= found.values).all()
    assert (found.values <= found.high).all()
    assert (found.low >= 0).all()


def test_a_longer_way_is_no_surer() -> None:
    random = np.random.default_rng(7)
    found = foresee(np.cumsum(random.normal(1, 3, 80)) + 100, season=12, ahead=12, level=0.8)
    width = found.high - found.low
    assert width[-1] >= width[0] - 1e-9
