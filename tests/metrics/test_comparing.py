"""Every compared day has one place, whatever the months and the years."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mart_rows import mart_frames, on, sale

from engines import ENGINES, ON_EVERY_ENGINE, EngineUnderTest, Frame, calendar_rows
from rakurs.core.periods import Comparison, Period, compared_period
from rakurs.metrics import Cut, dimension_named, metric_named, pivot
from rakurs.metrics.comparing import paired_days

DAY = timedelta(days=1)
PLAIN = [Comparison.PREVIOUS, Comparison.LAST_YEAR, Comparison.WEEKDAYS]

_CALENDAR: list[Frame] = []


def pairs(period: Period, comparison: Comparison, engine: EngineUnderTest = ENGINES[1]) -> dict[date, date]:
    """The day of `period` beside which each compared day stands."""
    if not _CALENDAR:
        _CALENDAR.append(ENGINES[1].frame("calendar", calendar_rows()))
    calendar = _CALENDAR[0] if engine is ENGINES[1] else engine.frame("calendar_of_pairs", calendar_rows())
    found = engine.collect(paired_days(calendar, period, comparison)).to_pylist()
    assert len({row["compared_on"] for row in found}) == len(found)
    return {row["compared_on"]: row["day"] for row in found}


def days(period: Period) -> set[date]:
    assert period.start
    return {period.start + DAY * number for number in range(period.days or 0)}


periods = st.builds(
    lambda start, length: Period(start, start + length * DAY),
    st.dates(date(2018, 1, 1), date(2024, 12, 31)),
    st.integers(1, 400),
)


@settings(deadline=None, max_examples=60)
@given(period=periods, comparison=st.sampled_from(PLAIN))
def test_every_compared_day_has_one_place_in_the_period(period: Period, comparison: Comparison) -> None:
    compared = compared_period(period, comparison)
    assert compared
    found = pairs(period, comparison)
    assert set(found) == days(compared)
    assert set(found.values()) <= days(period)
    in_order = [found[day] for day in sorted(found)]
    assert in_order == sorted(in_order)


@pytest.mark.parametrize("engine", ON_EVERY_ENGINE)
def test_a_period_that_begins_on_the_29th_of_february_keeps_its_order(engine: EngineUnderTest) -> None:
    found = pairs(Period(on("2024-02-29"), on("2024-03-03")), Comparison.LAST_YEAR, engine)
    assert found == {on("2023-02-28"): on("2024-02-29"), **{on(f"2023-03-0{n}"): on(f"2024-03-0{n}") for n in (1, 2)}}


@pytest.mark.parametrize("engine", ON_EVERY_ENGINE)
def test_march_stands_against_february(engine: EngineUnderTest) -> None:
    found = pairs(Period(on("2023-03-01"), on("2023-03-11")), Comparison.PREVIOUS, engine)
    assert found == {on(f"2023-02-{day:02}"): on(f"2023-03-{day:02}") for day in range(1, 11)}


def test_the_end_of_a_longer_month_joins_the_last_day() -> None:
    found = pairs(Period(on("2023-02-01"), on("2023-03-01")), Comparison.PREVIOUS)
    assert len(found) == 31
    assert [found[on(day)] for day in ("2023-01-27", "2023-01-28", "2023-01-29", "2023-01-31")] == [
        on("2023-02-27"),
        on("2023-02-28"),
        on("2023-02-28"),
        on("2023-02-28"),
    ]


def test_a_leap_day_of_last_year_joins_28_february() -> None:
    found = pairs(Period(on("2025-01-01"), on("2026-01-01")), Comparison.LAST_YEAR)
    assert len(found) == 366
    assert found[on("2024-02-29")] == found[on("2024-02-28")] == on("2025-02-28")
    assert found[on("2024-03-01")] == on("2025-03-01")


def test_a_leap_day_of_this_year_has_no_partner() -> None:
    found = pairs(Period(on("2024-02-01"), on("2024-04-01")), Comparison.LAST_YEAR)
    assert len(found) == 59
    assert on("2024-02-29") not in found.values()
    assert found[on("2023-02-28")] == on("2024-02-28")


def test_mondays_stand_against_mondays() -> None:
    found = pairs(Period(on("2024-02-20"), on("2024-03-10")), Comparison.WEEKDAYS)
    assert all(day.weekday() == compared.weekday() for compared, day in found.items())


def test_holidays_stand_against_themselves() -> None:
    found = pairs(Period(on("2024-05-01"), on("2024-05-10")), Comparison.HOLIDAYS)
    assert found[on("2023-05-09")] == on("2024-05-09")
    assert found[on("2023-05-01")] == on("2024-05-01")


@pytest.mark.parametrize("engine", ON_EVERY_ENGINE)
def test_months_of_a_running_quarter_stand_against_the_months_before(engine: EngineUnderTest) -> None:
    sold = [
        *(sale(f"a{day}", f"2024-{day}", "10") for day in ("01-05", "02-10", "02-29", "03-10", "03-12")),
        *(sale(f"b{day}", f"2023-{day}", "1") for day in ("10-05", "11-10", "11-30", "12-01", "12-10", "12-11")),
    ]
    cut = Cut(
        period=Period(on("2024-01-01"), on("2024-03-11")),
        basis="orders",
        by=(dimension_named("month"),),
        compare=Comparison.PREVIOUS,
    )
    rows = engine.collect(pivot(mart_frames(engine, {"sales": sold}), [metric_named("revenue")], cut)).to_pylist()
    # 70 days from 1 October end on 9 December; 30 November stands in February.
    assert [(row["month"], row["revenue"], row["revenue_compared"]) for row in rows] == [
        (on("2024-01-01"), Decimal(10), Decimal(1)),
        (on("2024-02-01"), Decimal(20), Decimal(2)),
        (on("2024-03-01"), Decimal(10), Decimal(1)),
    ]


def test_an_endless_period_cannot_be_paired() -> None:
    with pytest.raises(ValueError, match="no days to hold"):
        pairs(Period(None, on("2024-01-01")), Comparison.PREVIOUS)
