"""Which past day stands beside which day of the period? Every compared day has one place, so sums agree."""

from datetime import date
from typing import Any

import narwhals.stable.v2 as nw

from rakurs.core.periods import DAY, Comparison, Period, compared_period

Frame = nw.LazyFrame[Any]

_DAY, _COMPARED = nw.col("day"), nw.col("compared_on")


def paired_days(calendar: Frame, period: Period, comparison: Comparison) -> Frame:
    """One row per compared day: `compared_on`, and `day`, the day of `period` it stands beside.

    Days of months are paired by number when months stand against months (5 March beside 5 February),
    otherwise in order. A compared day without a partner of its own (29 February, or 31 January against
    February; 28 February against a period that begins on the 29th) joins the nearest day of its month. Holiday-aligned days are those of the calendar; a day
    aligned twice stands beside the holiday, otherwise beside the first. ValueError when `period` is unbounded: nothing can be beside it.
    """
    if comparison is Comparison.HOLIDAYS:
        return _by_holiday(calendar.filter(period.contains(_DAY)))
    compared = compared_period(period, comparison)
    if compared is None or compared.start is None or period.start is None or period.end is None:
        raise ValueError(f"no days to hold {period} against: {comparison}")
    own = calendar.filter(period.contains(_DAY))
    other = calendar.filter(compared.contains(_DAY)).select("day_number", compared_on="day")
    if _is_by_month(period.start, compared.start, comparison):
        months = _month_number(period.start) - _month_number(compared.start)
        return _by_month(own, other, months=months, last=period.end - DAY)
    shift = (period.start - compared.start).days
    shifted = other.with_columns(day_number=nw.col("day_number") + shift)
    return shifted.join(own.select("day", "day_number"), on="day_number", how="inner").select("day", "compared_on")


def _by_holiday(own: Frame) -> Frame:
    aligned = own.filter(~nw.col("last_year_holiday").is_null()).group_by("last_year_holiday")
    by_day = aligned.agg(holiday=nw.when(~nw.col("holiday").is_null()).then(_DAY).min(), first=_DAY.min())
    return by_day.select(compared_on="last_year_holiday", day=nw.coalesce("holiday", "first"))


def _is_by_month(start: date, compared_start: date, comparison: Comparison) -> bool:
    """Whether calendar months stand against calendar months."""
    months_begin = start.day == compared_start.day == 1
    return comparison is Comparison.LAST_YEAR or (comparison is Comparison.PREVIOUS and months_begin)


def _by_month(own: Frame, other: Frame, *, months: int, last: date) -> Frame:
    numbered = own.select("day", month=_month_of(_DAY), number=_day_of_month(_DAY))
    compared = other.select("compared_on", month=_month_of(_COMPARED) + months, number=_day_of_month(_COMPARED))
    edges = numbered.group_by("month").agg(first=_DAY.min(), latest=_DAY.max(), first_number=nw.col("number").min())
    nearest = nw.when(nw.col("number") < nw.col("first_number")).then(nw.col("first")).otherwise(nw.col("latest"))
    paired = compared.join(numbered, on=["month", "number"], how="left").join(edges, on="month", how="left")
    return paired.select("compared_on", day=nw.coalesce(_DAY, nearest, nw.lit(last)))


def _month_of(day: nw.Expr) -> nw.Expr:
    return day.dt.year().cast(nw.Int64()) * 12 + day.dt.month().cast(nw.Int64()) - 1


def _day_of_month(day: nw.Expr) -> nw.Expr:
    return day.dt.day().cast(nw.Int64())


def _month_number(day: date) -> int:
    return day.year * 12 + day.month - 1
