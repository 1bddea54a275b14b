"""Periods: half-open runs of business days, their presets, grains and comparisons.

A business day is a day in the company's time zone; a `Period` never knows the zone, because every
`*_on` column already is such a day. Source of the rules: docs/definitions.md, "Periods".
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

import narwhals.stable.v2 as nw

DAY = timedelta(days=1)


class Grain(StrEnum):
    """The length of one bucket of time."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


class Preset(StrEnum):
    """The periods people ask for by name."""

    ALL = "all"
    TODAY = "today"
    LAST_7_DAYS = "last_7_days"
    LAST_30_DAYS = "last_30_days"
    LAST_90_DAYS = "last_90_days"
    LAST_365_DAYS = "last_365_days"
    THIS_WEEK = "this_week"
    LAST_WEEK = "last_week"
    THIS_MONTH = "this_month"
    LAST_MONTH = "last_month"
    THIS_QUARTER = "this_quarter"
    LAST_QUARTER = "last_quarter"
    THIS_YEAR = "this_year"
    LAST_YEAR = "last_year"
    THIS_FISCAL_QUARTER = "this_fiscal_quarter"
    LAST_FISCAL_QUARTER = "last_fiscal_quarter"
    THIS_FISCAL_YEAR = "this_fiscal_year"
    LAST_FISCAL_YEAR = "last_fiscal_year"
    CUSTOM = "custom"


class Comparison(StrEnum):
    """What a period is held against."""

    NONE = "none"
    PREVIOUS = "previous"
    LAST_YEAR = "last_year"
    WEEKDAYS = "weekdays"
    HOLIDAYS = "holidays"


@dataclass(frozen=True, slots=True)
class Period:
    """Days from `start` up to, not including, `end`. `None` is unbounded on that side.

    `grain` says what the days were asked as ("this quarter" on 10 January is a quarter, not a month); None where
    only the days are known. It decides what comes "before", and two periods of the same days are equal without it.
    """

    start: date | None
    end: date | None
    grain: Grain | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if self.start is not None and self.end is not None and self.end < self.start:
            raise ValueError(f"a period cannot end ({self.end}) before it starts ({self.start})")

    @property
    def days(self) -> int | None:
        """Length in days; None when unbounded."""
        return None if self.start is None or self.end is None else (self.end - self.start).days

    def contains(self, day: nw.Expr) -> nw.Expr:
        """The condition "the day column falls into this period"; false for a null day."""
        condition = ~day.is_null()
        if self.start is not None:
            condition = condition & (day >= nw.lit(self.start))
        if self.end is not None:
            condition = condition & (day < nw.lit(self.end))
        return condition

    def includes(self, day: date) -> bool:
        """Whether `day` falls into this period."""
        return (self.start is None or day >= self.start) and (self.end is None or day < self.end)


def day_number(day: date) -> int:
    """Days from 1 January 1970 to `day`: how the calendar numbers it."""
    return (day - date(1970, 1, 1)).days


def bucket_start(day: date, grain: Grain) -> date:
    """The first day of the bucket that holds `day`; weeks start on Monday."""
    return _BUCKET_START[grain](day)


def next_bucket(start: date, grain: Grain) -> date:
    """The first day of the bucket after the one that starts on `start`."""
    return bucket_start(start + _LONGEST[grain], grain)


def add_months(day: date, months: int) -> date:
    """`day` moved by whole months; a day the month lacks becomes its last one (31 Jan + 1 = 28/29 Feb)."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    first = date(year, month + 1, 1)
    last_day = (date(year + (month + 1) // 12, (month + 1) % 12 + 1, 1) - DAY).day
    return first.replace(day=min(day.day, last_day))


def fiscal_start(day: date, grain: Grain, *, first_month: int) -> date:
    """The first day of the fiscal quarter or year that holds `day`, of a year that begins with `first_month`."""
    moved = add_months(day.replace(day=1), 1 - first_month)
    return add_months(bucket_start(moved, grain), first_month - 1)


def preset_period(preset: Preset, *, today: date, fiscal_year_start: int = 1) -> Period:
    """The days `preset` means on the business day `today`. Running periods end with today itself."""
    if preset in FISCAL_PRESETS:
        grain, is_whole = FISCAL_PRESETS[preset]
        start = fiscal_start(today, grain, first_month=fiscal_year_start)
        before = fiscal_start(start - DAY, grain, first_month=fiscal_year_start)
        return Period(before, start, grain) if is_whole else Period(start, today + DAY, grain)
    return _PRESETS[preset](today)


def compared_period(
    period: Period, comparison: Comparison, *, holiday_shift: Callable[[date], date] | None = None
) -> Period | None:
    """The period that `period` is held against, of the same number of days; None when nothing fits.

    previous: the days right before. A running or whole calendar month, quarter or year starts its
    comparison at the previous one's first day, so that 1–10 March stands against 1–10 February; a running week
    at the previous Monday. The length of a period asked by its days alone says which of these it is.
    last_year: the same dates a year earlier (29 Feb -> 28 Feb). weekdays: 364 days earlier, so that
    Mondays stand against Mondays. holidays: as `holiday_shift` moves each end (Easter to Easter).
    """
    if period.start is None or period.end is None or comparison is Comparison.NONE:
        return None
    if comparison is Comparison.WEEKDAYS:
        return Period(period.start - 364 * DAY, period.end - 364 * DAY)
    if comparison is Comparison.HOLIDAYS:
        if holiday_shift is None:
            raise ValueError("a holiday-aligned comparison needs the company's calendar")
        start = holiday_shift(period.start)
        return Period(start, start + (period.end - period.start))
    if comparison is Comparison.LAST_YEAR:
        return Period(add_months(period.start, -12), _a_year_before_end(period.end))
    return _previous(period.start, period.end, period.grain)


def _a_year_before_end(end: date) -> date:
    """The end that keeps the last day: 1..28 Feb 2024 stands against 1..28 Feb 2023, whole months against whole."""
    return add_months(end, -12) if end.day == 1 else add_months(end - DAY, -12) + DAY


def _previous(start: date, end: date, asked: Grain | None) -> Period:
    length = end - start
    if asked in {Grain.DAY, Grain.WEEK} or length == DAY:
        return _week_before(start, length) if asked is Grain.WEEK else Period(start - length, start)
    for grain, months in ((Grain.MONTH, 1), (Grain.QUARTER, 3), (Grain.YEAR, 12)):
        whole = add_months(start, months)
        # What was asked by name starts where its bucket does, a fiscal one too; bare days must say so themselves.
        is_whole_start = start.day == 1 if asked is grain else asked is None and bucket_start(start, grain) == start
        if is_whole_start and end <= whole:
            before = add_months(start, -months)
            return Period(before, start if end == whole else min(before + length, start))
    return Period(start - length, start)


def _week_before(start: date, length: timedelta) -> Period:
    before = start - timedelta(days=7)
    return Period(before, before + length)


def _quarter_start(day: date) -> date:
    return date(day.year, (day.month - 1) // 3 * 3 + 1, 1)


_BUCKET_START: dict[Grain, Callable[[date], date]] = {
    Grain.DAY: lambda day: day,
    Grain.WEEK: lambda day: day - timedelta(days=day.weekday()),
    Grain.MONTH: lambda day: day.replace(day=1),
    Grain.QUARTER: _quarter_start,
    Grain.YEAR: lambda day: date(day.year, 1, 1),
}
_LONGEST = {
    Grain.DAY: DAY,
    Grain.WEEK: timedelta(days=7),
    Grain.MONTH: timedelta(days=31),
    Grain.QUARTER: timedelta(days=92),
    Grain.YEAR: timedelta(days=366),
}


def _last(days: int) -> Callable[[date], Period]:
    return lambda today: Period(today - timedelta(days=days - 1), today + DAY, Grain.DAY)


def _this(grain: Grain) -> Callable[[date], Period]:
    return lambda today: Period(bucket_start(today, grain), today + DAY, grain)


def _whole_last(grain: Grain) -> Callable[[date], Period]:
    def period(today: date) -> Period:
        end = bucket_start(today, grain)
        return Period(bucket_start(end - DAY, grain), end, grain)

    return period


FISCAL_PRESETS: dict[Preset, tuple[Grain, bool]] = {
    Preset.THIS_FISCAL_QUARTER: (Grain.QUARTER, False),
    Preset.LAST_FISCAL_QUARTER: (Grain.QUARTER, True),
    Preset.THIS_FISCAL_YEAR: (Grain.YEAR, False),
    Preset.LAST_FISCAL_YEAR: (Grain.YEAR, True),
}
"""Of which length, and whether the whole one before; offered where the fiscal year does not begin in January."""

_PRESETS: dict[Preset, Callable[[date], Period]] = {
    Preset.ALL: lambda today: Period(None, today + DAY),
    Preset.TODAY: _last(1),
    Preset.LAST_7_DAYS: _last(7),
    Preset.LAST_30_DAYS: _last(30),
    Preset.LAST_90_DAYS: _last(90),
    Preset.LAST_365_DAYS: _last(365),
    Preset.THIS_WEEK: _this(Grain.WEEK),
    Preset.LAST_WEEK: _whole_last(Grain.WEEK),
    Preset.THIS_MONTH: _this(Grain.MONTH),
    Preset.LAST_MONTH: _whole_last(Grain.MONTH),
    Preset.THIS_QUARTER: _this(Grain.QUARTER),
    Preset.LAST_QUARTER: _whole_last(Grain.QUARTER),
    Preset.THIS_YEAR: _this(Grain.YEAR),
    Preset.LAST_YEAR: _whole_last(Grain.YEAR),
}
