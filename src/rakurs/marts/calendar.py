"""The calendar: which week, month and year is a day in, is it worked, and which day a year ago is it held against?"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import holidays
import pyarrow as pa

from rakurs.core.mart import CalendarRules
from rakurs.core.periods import DAY, Grain, add_months, bucket_start, day_number, fiscal_start
from rakurs.marts.tables import CALENDAR
from rakurs.schema.rows import arrow_schema

USUAL = CalendarRules()
LANGUAGES = {"RU": "ru", "BY": "ru", "KZ": "ru"}
"""In which language the names of a country's holidays are kept; elsewhere its own."""
YEAR_OF_WEEKS = 364 * DAY


def calendar(first: date, last: date, rules: CalendarRules = USUAL) -> pa.Table:
    """One row per day from `first` to `last`, both included, oldest first.

    A working day is Monday to Friday without a public holiday of the company's country, moved days off included; the
    company's own days off and working days overrule both. A holiday keeps its name on a day the company works.
    `working_day_of_month` counts the working days of the month up to and including the day, so that a weekend
    carries the number of the Friday before it (0 before the month's first working day).
    `last_year_holiday` is the same public holiday a year earlier (the same day of a run of holidays); any
    other day is held against the same weekday, 364 days earlier.
    """
    # A year before and the rest of the last month: counts and comparisons reach over the asked edges.
    begin = date(first.year - 2, 1, 1)
    named = _holidays(rules.country, begin.year, last.year + 1)
    rows = list(_rows(date(first.year, first.month, 1), last, named, rules))
    columns = {name: [row[name] for row in rows if row["day"] >= first] for name in CALENDAR.names}
    return pa.table(columns, schema=arrow_schema(CALENDAR))


def _holidays(country: str, first_year: int, last_year: int) -> dict[date, str]:
    known = holidays.country_holidays(country, years=range(first_year, last_year + 1), language=LANGUAGES.get(country))
    return {day: str(name) for day, name in sorted(known.items())}


def _rows(first: date, last: date, named: Mapping[date, str], rules: CalendarRules) -> Iterator[dict[str, Any]]:
    nth = _occurrences(named)
    by_occurrence = {(day.year, name, count): day for day, (name, count) in nth.items()}
    day, worked, in_month = first, 0, _working_days(first, named, rules)
    while day <= last:
        if day.day == 1:
            worked, in_month = 0, _working_days(day, named, rules)
        is_working = _is_working(day, named, rules)
        worked += is_working
        yield {
            "day": day,
            "day_number": day_number(day),
            **{grain.value: bucket_start(day, grain) for grain in Grain if grain is not Grain.DAY},
            "fiscal_quarter": fiscal_start(day, Grain.QUARTER, first_month=rules.fiscal_year_start),
            "fiscal_year": fiscal_start(day, Grain.YEAR, first_month=rules.fiscal_year_start),
            "weekday": day.isoweekday(),
            "is_working_day": is_working,
            "holiday": named.get(day),
            "working_day_of_month": worked,
            "working_days_in_month": in_month,
            "last_year_date": add_months(day, -12),
            "last_year_weekday": day - YEAR_OF_WEEKS,
            "last_year_holiday": _holiday_last_year(day, nth, by_occurrence),
        }
        day += DAY


def _holiday_last_year(
    day: date, nth: Mapping[date, tuple[str, int]], by_occurrence: Mapping[tuple[int, str, int], date]
) -> date:
    if day in nth:
        name, count = nth[day]
        found = by_occurrence.get((day.year - 1, name, count))
        if found is not None:
            return found
    return day - YEAR_OF_WEEKS


def _occurrences(named: Mapping[date, str]) -> dict[date, tuple[str, int]]:
    """Which of the year's days of the same holiday a day is: the third day of the New Year holidays."""
    seen: dict[tuple[int, str], int] = {}
    found: dict[date, tuple[str, int]] = {}
    for day, name in named.items():
        seen[(day.year, name)] = seen.get((day.year, name), 0) + 1
        found[day] = (name, seen[(day.year, name)])
    return found


def _is_working(day: date, named: Mapping[date, str], rules: CalendarRules) -> bool:
    if day in rules.working_days:
        return True
    return day.isoweekday() <= 5 and day not in named and day not in rules.days_off


def _working_days(month: date, named: Mapping[date, str], rules: CalendarRules) -> int:
    after = add_months(month, 1)
    return sum(_is_working(month + number * DAY, named, rules) for number in range((after - month).days))
