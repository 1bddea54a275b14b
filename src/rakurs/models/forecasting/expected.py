"""Did a period come as its past let expect? The finished bucket against a forecast made of the buckets before it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rakurs.core.intervals import usual_bounds
from rakurs.core.periods import DAY, Grain, bucket_start, next_bucket
from rakurs.models.forecasting.day_kinds import KINDS, WEEK, Days, foresee_by_days
from rakurs.models.forecasting.series import QUICK, origins_of, quantile

SEASONS = {Grain.DAY: (WEEK,), Grain.WEEK: (52, 1), Grain.MONTH: (12, 1)}
"""The longest first that the past holds enough of; days without their week would say nothing."""
READ_DAYS = {Grain.DAY: timedelta(days=400), Grain.WEEK: timedelta(weeks=208), Grain.MONTH: timedelta(days=3660)}
"""How far back is read: a year of days for their kinds, four years of weeks, ten of months."""
MOST_TRIES = 39
"""So many errors tell the bounds of 80 % and of 95 % exactly: the 32nd and the 38th of 39."""
USUAL_PAST, LEAST_USUAL = 8, 5
LEANS_ON = 1

Array = NDArray[np.float64]
Against = Literal["forecast", "usual", "nothing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a bucket was expected to be, and by what: a forecast, the usual bounds of the few like it, or nothing."""

    against: Against
    value: float | None = None
    low: float | None = None
    high: float | None = None

    def holds(self, value: float) -> bool:
        """Whether `value` is inside, or nothing was expected."""
        return self.low is None or self.high is None or self.low <= value <= self.high


NOTHING = Expected(against="nothing")


def last_finished(today: date, grain: Grain) -> tuple[date, date]:
    """The first and the last day of the bucket that was over before `today`."""
    last = bucket_start(today, grain) - DAY
    return bucket_start(last, grain), last


def expected_of(
    start: date, by_day: Mapping[date, float], *, grain: Grain, level: float, holidays: Collection[date]
) -> Expected:
    """What the bucket that begins on `start` was expected to be; `by_day` is a sum that is absent on days without any.

    Only days before `start` are looked at. A forecast needs as many tries on the past as the level takes (4 at 80 %, 19 at
    95 %); with fewer a week or a month is held against the usual bounds (99 %) of the last eight, and with fewer than five of them,
    as of days, nothing is expected. The first bucket is left out where it began before the first value.
    """
    past = {day: value for day, value in by_day.items() if day < start}
    first = min((day for day, value in past.items() if value), default=start)
    starts = _starts(first, start, grain)
    days = _kinds([*starts, start], past, grain, holidays)
    values = days.sold.sum(axis=1)
    season = next((step for step in SEASONS[grain] if _is_enough(len(values), step, level)), None)
    if season is None:
        return _usual(values, grain)
    found, _ = foresee_by_days(values, days, season=season, ahead=1, level=level, tried=QUICK, most_origins=MOST_TRIES)
    value = float(found.values[0])
    if not found.origins:  # a past that repeats itself to the cent has nothing to err by
        return Expected(against="forecast", value=value, low=float(found.low[0]), high=float(found.high[0]))
    ends = origins_of(len(values), season, 1, most=MOST_TRIES)
    kinds = np.array([starts[end].weekday() if grain is Grain.DAY else 0 for end in ends])
    width = _width(np.abs(found.errors[:, 0]), kinds, start.weekday() if grain is Grain.DAY else 0, level)
    low = max(0.0, value - width) if values.min() >= 0 else value - width
    return Expected(against="forecast", value=value, low=low, high=value + width)


def _width(misses: Array, kinds: NDArray[np.int64], kind: int, level: float) -> float:
    """Half of the interval of a bucket of `kind`: the conformal quantile of the errors, each in the measure of its kind.

    A Sunday errs by less than a Friday. The measure of a kind is the mean of its errors, leaning on the mean of all as if on
    one error more; an error is measured without itself.
    Source: Papadopoulos, Gammerman, Vovk, AIA 2008, 64-69 (normalised conformal intervals).
    """
    if len(set(kinds.tolist())) == 1 or not misses.any():
        return quantile(misses, level)
    leaned = LEANS_ON * float(misses.mean())
    sums, counts = np.bincount(kinds, misses, minlength=WEEK), np.bincount(kinds, minlength=WEEK)
    measures = (sums[kinds] - misses + leaned) / (counts[kinds] - 1 + LEANS_ON)
    return quantile(misses / measures, level) * float((sums[kind] + leaned) / (counts[kind] + LEANS_ON))


def _starts(first: date, end: date, grain: Grain) -> list[date]:
    """The whole buckets between the first value and the one in question."""
    start = bucket_start(first, grain)
    start = start if start == first else next_bucket(start, grain)
    starts: list[date] = []
    while start < end:
        starts.append(start)
        start = next_bucket(start, grain)
    return starts


def _is_enough(points: int, season: int, level: float) -> bool:
    """Whether the past holds whole seasons and so many tries that their errors can tell this level."""
    tries = len(origins_of(points, season, 1, most=MOST_TRIES)) if points >= 2 * season else 0
    return tries > 1 and ceil((tries + 1) * level) <= tries


def _kinds(starts: list[date], past: Mapping[date, float], grain: Grain, holidays: Collection[date]) -> Days:
    """The days of the buckets by kind; the last bucket is the one to come."""
    counted, sold = np.zeros((len(starts), KINDS)), np.zeros((len(starts), KINDS))
    for place, start in enumerate(starts):
        day = start
        while day < next_bucket(start, grain):
            kind = 0 if day in holidays else day.isoweekday()
            counted[place, kind] += 1
            sold[place, kind] += past.get(day, 0.0)
            day += DAY
    return Days(past=counted[:-1], sold=sold[:-1], ahead=counted[-1:])


def _usual(values: Array, grain: Grain) -> Expected:
    # Of days, five of the same weekday are more than a forecast takes.
    alike = [] if grain is Grain.DAY else [float(value) for value in values[-USUAL_PAST:]]
    if len(alike) < LEAST_USUAL:
        return NOTHING
    low, high = usual_bounds(alike)
    return Expected(against="usual", value=float(np.median(alike)), low=low, high=high)
