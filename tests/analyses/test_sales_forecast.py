"""Is the forecast as good as published ones, honest about its past, and silent where there is nothing to see?"""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from statistics import mean

import numpy as np
import pytest
from numpy.typing import NDArray

from rakurs.marts.calendar import calendar
from rakurs.models.forecasting.day_kinds import KINDS, Days, foresee_by_days
from rakurs.models.forecasting.series import foresee

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


def by_days(
    first: date, last: date, ahead: int, worth: Callable[[date], float], noise: float
) -> tuple[Array, Days, Array]:
    """Months of days that sell 100 by what each is worth: the past, its kinds of days, and what will truly come."""
    random = np.random.default_rng(8)
    table = calendar(first, last).to_pylist()
    months = sorted({row["month"] for row in table})
    days, sold = np.zeros((len(months), KINDS)), np.zeros((len(months), KINDS))
    for row in table:
        place = months.index(row["month"]), 0 if row["holiday"] else row["weekday"]
        days[place] += 1
        sold[place] += 100 * worth(row["day"]) * (1 + random.normal(0, noise))
    past = len(months) - ahead
    return sold[:past].sum(axis=1), Days(past=days[:past], sold=sold[:past], ahead=days[past:]), sold[past:].sum(axis=1)


def test_a_month_of_holidays_is_foreseen_by_its_days() -> None:
    first, last = date(2021, 1, 1), date(2026, 12, 31)
    free = {row["day"] for row in calendar(first, last).to_pylist() if row["holiday"] or row["weekday"] >= 6}
    past, days, came = by_days(first, last, 12, lambda day: 0.05 if day in free else 1.0, 0.1)
    plain = foresee(past, season=12, ahead=12, level=0.8)
    found, is_by_days = foresee_by_days(past, days, season=12, ahead=12, level=0.8)
    assert is_by_days
    assert mape(found.values, came) < 0.6 * mape(plain.values, came)
    assert found.mase is not None
    assert plain.mase is not None
    assert found.mase < plain.mase
    assert np.mean((came >= found.low) & (came <= found.high)) >= 0.6


def test_days_that_sell_alike_are_not_told_apart() -> None:
    taken = []
    for noise in (0.2, 0.3, 0.4):
        past, days, _ = by_days(date(2021, 1, 1), date(2026, 12, 31), 6, lambda day: 1.0, noise)
        # A month is as long as it is: that alone may be allowed for.
        lengths = past / days.past.sum(axis=1) * 30
        taken.append(foresee_by_days(lengths, replace(days, sold=days.sold), season=12, ahead=6, level=0.8)[1])
    assert not any(taken)


def test_without_the_days_to_come_the_forecast_is_the_plain_one() -> None:
    past, days, _ = by_days(date(2022, 1, 1), date(2026, 12, 31), 6, lambda day: 1.0, 0.2)
    short = replace(days, ahead=days.ahead[:3])
    found, is_by_days = foresee_by_days(past, short, season=12, ahead=6, level=0.8)
    assert not is_by_days
    assert list(found.values) == list(foresee(past, season=12, ahead=6, level=0.8).values)
