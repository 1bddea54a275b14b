"""Is a period called strange as often as the level says, by its past alone, and only where there is a past?"""

from datetime import date, timedelta

import numpy as np
import pytest

from rakurs.core.periods import Grain
from rakurs.models.forecasting.expected import Expected, expected_of, last_finished

DAY = date(2026, 6, 1)
"""A Monday, and the first of a month."""


def series(values: list[float], *, last: date = DAY) -> dict[date, float]:
    return {last - timedelta(days=back): value for back, value in enumerate(reversed(values))}


def expected(by_day: dict[date, float], grain: Grain = Grain.DAY, level: float = 0.8, start: date = DAY) -> Expected:
    return expected_of(start, by_day, grain=grain, level=level, holidays=())


@pytest.mark.parametrize(("level", "least", "most"), [(0.8, 0.06, 0.36), (0.95, 0.0, 0.14)])
def test_noise_is_called_strange_about_as_often_as_the_level_says(level: float, least: float, most: float) -> None:
    # 45 looks: 0.2 and 0.05 of them give or take 2.5 standard errors.
    random = np.random.default_rng(5)
    out = 0
    for _ in range(45):
        by_day = series([float(value) for value in random.poisson(5, 7 * 46)], last=DAY + timedelta(days=6))
        week = sum(value for day, value in by_day.items() if day >= DAY)
        found = expected(by_day, Grain.WEEK, level)
        assert found.against == "forecast"
        out += not found.holds(week)
    assert least <= out / 45 <= most


def test_each_weekday_is_held_against_its_own_errors() -> None:
    random = np.random.default_rng(7)
    usual = [300, 300, 300, 300, 300, 40, 40]
    values = [random.normal(1, 0.2) * usual[place % 7] for place in range(70)]  # begins on a Monday
    widths = {}
    for weekday in (0, 6):
        start = DAY + timedelta(days=weekday)
        known = {day: value for day, value in series(values, last=DAY + timedelta(days=6)).items() if day < start}
        found = expected(known, start=start)
        widths[weekday] = found.high - found.low
    assert widths[0] > 2 * widths[6]


def test_nothing_of_the_period_or_after_it_is_looked_at() -> None:
    random = np.random.default_rng(3)
    before = series([float(value) for value in random.poisson(30, 40)], last=DAY - timedelta(days=1))
    after = {DAY + timedelta(days=ahead): 10_000.0 for ahead in range(30)}
    assert expected(before) == expected(before | after)


@pytest.mark.parametrize(
    ("days", "grain", "level", "against"),
    [
        (32, Grain.DAY, 0.95, "nothing"),
        (33, Grain.DAY, 0.95, "forecast"),
        (17, Grain.DAY, 0.8, "nothing"),
        (7 * 9, Grain.WEEK, 0.8, "usual"),
        (7 * 10, Grain.WEEK, 0.8, "forecast"),
        (7 * 24, Grain.WEEK, 0.95, "usual"),
        (7 * 4, Grain.WEEK, 0.95, "nothing"),
        (31 + 28 + 31 + 30 + 31, Grain.MONTH, 0.8, "usual"),
        (31 + 28 + 31 + 30 + 30, Grain.MONTH, 0.8, "nothing"),  # the first month begins in its middle
    ],
)
def test_a_past_too_short_for_a_forecast_is_said_to_be_so(days: int, grain: Grain, level: float, against: str) -> None:
    by_day = series([float(10 + number % 3) for number in range(days)], last=DAY - timedelta(days=1))
    assert expected(by_day, grain, level).against == against


def test_a_past_that_repeats_itself_lets_expect_the_same_again() -> None:
    by_day = series([float(100 * (place % 7)) for place in range(35)], last=DAY - timedelta(days=1))
    found = expected(by_day, level=0.95)
    assert (found.against, found.value, found.low, found.high) == ("forecast", 0, 0, 0), "on Mondays nothing is sold"


def test_the_last_finished_bucket() -> None:
    assert last_finished(DAY, Grain.DAY) == (date(2026, 5, 31), date(2026, 5, 31))
    assert last_finished(DAY, Grain.WEEK) == (date(2026, 5, 25), date(2026, 5, 31))
    assert last_finished(date(2026, 6, 30), Grain.MONTH) == (date(2026, 5, 1), date(2026, 5, 31))
