"""Periods: half-open days, presets, comparisons; every rule at its edges."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rakurs.core.periods import (
    DAY,
    Comparison,
    Grain,
    Period,
    Preset,
    add_months,
    bucket_start,
    compared_period,
    next_bucket,
    preset_period,
)

DAYS = st.dates(min_value=date(1990, 1, 1), max_value=date(2090, 12, 31))
GRAINS = st.sampled_from(list(Grain))


def days(start: str, end: str) -> Period:
    """Both days included."""
    return Period(date.fromisoformat(start), date.fromisoformat(end) + DAY)


@given(day=DAYS, grain=GRAINS)
def test_a_day_lies_in_its_bucket_and_the_next_one_begins_where_it_ends(day: date, grain: Grain) -> None:
    start = bucket_start(day, grain)
    after = next_bucket(start, grain)
    assert start <= day < after
    assert bucket_start(after, grain) == after
    assert bucket_start(after - DAY, grain) == start


@given(day=DAYS, months=st.integers(-60, 60))
def test_moving_by_months_keeps_the_day_or_takes_the_last(day: date, months: int) -> None:
    moved = add_months(day, months)
    assert (moved.year * 12 + moved.month) - (day.year * 12 + day.month) == months
    assert moved.day == day.day or (moved.day < day.day and (moved + DAY).day == 1)


def test_a_leap_day_a_year_earlier_is_the_28th() -> None:
    assert add_months(date(2024, 2, 29), -12) == date(2023, 2, 28)
    assert add_months(date(2026, 1, 31), 1) == date(2026, 2, 28)


@pytest.mark.parametrize(
    ("preset", "expected"),
    [
        (Preset.TODAY, days("2026-03-11", "2026-03-11")),
        (Preset.LAST_7_DAYS, days("2026-03-05", "2026-03-11")),
        (Preset.LAST_30_DAYS, days("2026-02-10", "2026-03-11")),
        (Preset.THIS_WEEK, days("2026-03-09", "2026-03-11")),
        (Preset.LAST_WEEK, days("2026-03-02", "2026-03-08")),
        (Preset.THIS_MONTH, days("2026-03-01", "2026-03-11")),
        (Preset.LAST_MONTH, days("2026-02-01", "2026-02-28")),
        (Preset.THIS_QUARTER, days("2026-01-01", "2026-03-11")),
        (Preset.LAST_QUARTER, days("2025-10-01", "2025-12-31")),
        (Preset.THIS_YEAR, days("2026-01-01", "2026-03-11")),
        (Preset.LAST_YEAR, days("2025-01-01", "2025-12-31")),
        (Preset.ALL, Period(None, date(2026, 3, 12))),
    ],
)
def test_presets_on_a_wednesday(preset: Preset, expected: Period) -> None:
    assert preset_period(preset, today=date(2026, 3, 11)) == expected


@pytest.mark.parametrize(
    ("period", "comparison", "expected"),
    [
        (days("2026-03-01", "2026-03-10"), Comparison.PREVIOUS, days("2026-02-01", "2026-02-10")),
        (days("2026-03-01", "2026-03-31"), Comparison.PREVIOUS, days("2026-02-01", "2026-02-28")),
        (days("2026-03-01", "2026-03-30"), Comparison.PREVIOUS, days("2026-02-01", "2026-02-28")),
        (days("2026-03-05", "2026-03-11"), Comparison.PREVIOUS, days("2026-02-26", "2026-03-04")),
        (days("2026-01-01", "2026-03-31"), Comparison.PREVIOUS, days("2025-10-01", "2025-12-31")),
        (days("2026-02-10", "2026-02-10"), Comparison.PREVIOUS, days("2026-02-09", "2026-02-09")),
        (days("2026-03-01", "2026-03-10"), Comparison.LAST_YEAR, days("2025-03-01", "2025-03-10")),
        (days("2024-02-01", "2024-02-29"), Comparison.LAST_YEAR, days("2023-02-01", "2023-02-28")),
        (days("2024-02-01", "2024-02-28"), Comparison.LAST_YEAR, days("2023-02-01", "2023-02-28")),
        (days("2024-02-28", "2024-02-28"), Comparison.LAST_YEAR, days("2023-02-28", "2023-02-28")),
        (days("2025-02-01", "2025-02-28"), Comparison.LAST_YEAR, days("2024-02-01", "2024-02-29")),
        (days("2026-03-09", "2026-03-11"), Comparison.WEEKDAYS, days("2025-03-10", "2025-03-12")),
    ],
)
def test_comparisons(period: Period, comparison: Comparison, expected: Period) -> None:
    assert compared_period(period, comparison) == expected


@pytest.mark.parametrize(
    ("preset", "today", "expected"),
    [
        (Preset.TODAY, "2026-03-01", days("2026-02-28", "2026-02-28")),
        (Preset.LAST_7_DAYS, "2026-03-07", days("2026-02-22", "2026-02-28")),
        (Preset.THIS_WEEK, "2026-03-11", days("2026-03-02", "2026-03-04")),
        (Preset.LAST_WEEK, "2026-06-10", days("2026-05-25", "2026-05-31")),
        (Preset.THIS_MONTH, "2026-01-10", days("2025-12-01", "2025-12-10")),
        (Preset.THIS_QUARTER, "2026-01-10", days("2025-10-01", "2025-10-10")),
        (Preset.THIS_YEAR, "2026-02-15", days("2025-01-01", "2025-02-15")),
        (Preset.LAST_YEAR, "2026-02-15", days("2024-01-01", "2024-12-31")),
    ],
)
def test_what_comes_before_a_preset_depends_on_what_was_asked(preset: Preset, today: str, expected: Period) -> None:
    period = preset_period(preset, today=date.fromisoformat(today))
    assert compared_period(period, Comparison.PREVIOUS) == expected


def test_nothing_to_compare_with() -> None:
    assert compared_period(Period(None, date(2026, 3, 1)), Comparison.PREVIOUS) is None
    assert compared_period(days("2026-03-01", "2026-03-02"), Comparison.NONE) is None


def test_holidays_are_aligned_by_the_calendar() -> None:
    easter = {date(2026, 4, 12): date(2025, 4, 20)}
    shifted = compared_period(
        Period(date(2026, 4, 12), date(2026, 4, 14)), Comparison.HOLIDAYS, holiday_shift=lambda day: easter[day]
    )
    assert shifted == Period(date(2025, 4, 20), date(2025, 4, 22))
    with pytest.raises(ValueError, match="calendar"):
        compared_period(Period(date(2026, 4, 12), date(2026, 4, 14)), Comparison.HOLIDAYS)


@given(start=DAYS, length=st.integers(0, 400))
def test_weekday_comparison_keeps_weekdays_and_length(start: date, length: int) -> None:
    period = Period(start, start + timedelta(days=length))
    compared = compared_period(period, Comparison.WEEKDAYS)
    assert compared is not None
    assert compared.start is not None
    assert compared.days == period.days
    assert compared.start.weekday() == start.weekday()


@given(start=DAYS, length=st.integers(1, 400))
def test_a_comparison_ends_before_the_period_begins_and_is_never_longer(start: date, length: int) -> None:
    period = Period(start, start + timedelta(days=length))
    compared = compared_period(period, Comparison.PREVIOUS)
    assert compared is not None
    assert compared.end is not None
    assert compared.end <= start


def test_a_period_cannot_end_before_it_starts() -> None:
    with pytest.raises(ValueError, match="cannot end"):
        Period(date(2026, 3, 2), date(2026, 3, 1))


def test_a_period_includes_its_first_day_and_not_its_end() -> None:
    period = Period(date(2026, 3, 1), date(2026, 3, 31))
    assert [period.includes(day) for day in (date(2026, 2, 28), date(2026, 3, 1), date(2026, 3, 30), date(2026, 3, 31))] == [
        False, True, True, False,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("preset", "today", "expected"),
    [
        (Preset.THIS_FISCAL_YEAR, "2026-03-31", days("2025-04-01", "2026-03-31")),
        (Preset.THIS_FISCAL_YEAR, "2026-04-01", days("2026-04-01", "2026-04-01")),
        (Preset.LAST_FISCAL_YEAR, "2026-03-31", days("2024-04-01", "2025-03-31")),
        (Preset.LAST_FISCAL_YEAR, "2026-04-01", days("2025-04-01", "2026-03-31")),
        (Preset.THIS_FISCAL_QUARTER, "2026-02-10", days("2026-01-01", "2026-02-10")),
        (Preset.LAST_FISCAL_QUARTER, "2026-04-01", days("2026-01-01", "2026-03-31")),
    ],
)
def test_a_fiscal_year_begins_with_its_own_month(preset: Preset, today: str, expected: Period) -> None:
    found = preset_period(preset, today=date.fromisoformat(today), fiscal_year_start=4)
    assert (found.start, found.end) == (expected.start, expected.end)


@given(day=DAYS)
def test_a_fiscal_year_from_january_is_the_calendar_one(day: date) -> None:
    for fiscal, usual in (
        (Preset.THIS_FISCAL_YEAR, Preset.THIS_YEAR),
        (Preset.LAST_FISCAL_YEAR, Preset.LAST_YEAR),
        (Preset.THIS_FISCAL_QUARTER, Preset.THIS_QUARTER),
        (Preset.LAST_FISCAL_QUARTER, Preset.LAST_QUARTER),
    ):
        assert preset_period(fiscal, today=day) == preset_period(usual, today=day)
