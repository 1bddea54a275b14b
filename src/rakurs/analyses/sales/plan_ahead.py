"""How will the months of a plan end? By the pace of the running month or by the sales forecast, whichever erred less before."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from rakurs.core.periods import Grain, bucket_start, next_bucket
from rakurs.models.forecasting.day_kinds import KINDS, Days, foresee_by_days
from rakurs.models.forecasting.series import CLEARLY, Foreseen, origins_of, quantile

Array = NDArray[np.float64]
Way = Literal["pace", "forecast"]

HISTORY_MONTHS = 12
FEWEST_MONTHS = 3
"""With fewer finished months of sales the pace is linear in working days."""
LEAST_FORECAST = 6
"""Of fewer finished months nothing is forecast: months to come sell by the working day as the last ones did."""
LATELY = 3
"""By the sales of so many finished months and the running one it is told whose part of what comes is how great."""
LEVEL = 0.8
YEAR = 12


@dataclass(frozen=True, slots=True)
class Month:
    """A month of the whole company: sold in all, and up to the part of its working days that today is of the running one."""

    start: date
    total: float
    early: float

    @property
    def share(self) -> float:
        """The part of it that was sold early, 0..1."""
        return min(1.0, max(0.0, self.early / self.total))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """What is known of how the months end: the usual share by now, what each will sell, and which way to take."""

    share: float
    months: Mapping[date, float]
    """The whole company's sales of the running month and of those to come."""
    way: Way
    misses: Array
    """How far the way was off on past months: a row each, a column per month ahead, the running one first."""

    def half_width(self, steps: Sequence[int]) -> float | None:
        """Half of the 80 % interval of the sum of some months; None where nothing was tried."""
        if not len(self.misses) or not steps:
            return None
        return quantile(np.abs(self.misses[:, list(steps)].sum(axis=1)), LEVEL)


class History:
    """Sales and working days of the whole company by day."""

    def __init__(self, days: Iterable[Mapping[str, Any]], calendar: Iterable[Mapping[str, Any]], today: date) -> None:
        self.today, self.current = today, bucket_start(today, Grain.MONTH)
        self.calendar = {row["day"]: row for row in calendar}
        self.sold = {row["day"]: float(row["amount"] or 0) for row in days}
        self.done, self.whole = self._part(today)
        self.finished = self._finished()

    def _part(self, day: date) -> tuple[int, int]:
        row = self.calendar.get(day)
        return (1, 1) if row is None else (int(row["count"]), int(row["amount"]))

    def _finished(self) -> list[Month]:
        """The finished months; the first one with sales may have begun before the data did, and is left out."""
        total: dict[date, float] = {}
        early: dict[date, float] = {}
        for day, amount in self.sold.items():
            month = bucket_start(day, Grain.MONTH)
            total[month] = total.get(month, 0.0) + amount
            worked, working = self._part(day)
            until = -(-self.done * working // self.whole)
            early[month] = early.get(month, 0.0) + (amount if worked <= until else 0.0)
        if not total:
            return []
        found: list[Month] = []
        start = next_bucket(min(total), Grain.MONTH)
        while start < self.current:
            found.append(Month(start, total.get(start, 0.0), early.get(start, 0.0)))
            start = next_bucket(start, Grain.MONTH)
        return found

    def pace(self, before: int | None = None) -> float:
        """The share of a month usually done by now, told from the finished months, or from the first so many of them."""
        known = self.finished[:before][-HISTORY_MONTHS:]
        shares = [month.share for month in known if month.total > 0]
        return median(shares) if len(shares) >= FEWEST_MONTHS else self.done / self.whole

    def ahead(self, last: date, *, by: Way | None) -> Ahead:
        """How the running month and those up to `last` will end; `by` None takes the way that erred less before."""
        months = [self.current]
        while months[-1] < last:
            months.append(next_bucket(months[-1], Grain.MONTH))
        if len(self.finished) < LEAST_FORECAST or (by == "pace" and len(months) == 1):
            plain = dict(zip(months, self._by_working_days(months), strict=True))
            return Ahead(share=self.pace(), months=plain, way="pace", misses=np.zeros((0, len(months))))
        found = self._foreseen(months)
        paced, forecast = self._misses(found)
        is_better = bool(len(paced)) and np.abs(forecast[:, 0]).mean() < CLEARLY * np.abs(paced[:, 0]).mean()
        way: Way = by or ("forecast" if is_better else "pace")
        return Ahead(
            share=self.pace(),
            months=dict(zip(months, found.values.tolist(), strict=True)),
            way=way,
            misses=forecast if way == "forecast" else paced,
        )

    def _by_working_days(self, months: Sequence[date]) -> list[float]:
        since = self.finished[-LATELY].start if len(self.finished) >= LATELY else date.min
        lately = {day: amount for day, amount in self.sold.items() if day >= since}
        first = max(since, min(lately, default=self.today))
        worked = sum(1 for day, row in self.calendar.items() if first <= day <= self.today and row["is_working"])
        rate = sum(lately.values()) / max(worked, 1)
        return [rate * sum(1 for day in self._days_of(month) if self.calendar[day]["is_working"]) for month in months]

    def _days_of(self, month: date) -> list[date]:
        end = next_bucket(month, Grain.MONTH)
        return [day for day in self.calendar if month <= day < end]

    def _foreseen(self, months: Sequence[date]) -> Foreseen:
        past = np.array([month.total for month in self.finished])
        kinds, sold = self._kinds([*(month.start for month in self.finished), *months])
        size = len(past)
        days = Days(past=kinds[:size], sold=sold[:size], ahead=kinds[size:])
        return foresee_by_days(past, days, season=YEAR, ahead=len(months), level=LEVEL)[0]

    def _kinds(self, months: Sequence[date]) -> tuple[Array, Array]:
        """Months by kinds of their days: how many, and what they sold."""
        places = {month: place for place, month in enumerate(months)}
        counted, sold = np.zeros((len(months), KINDS)), np.zeros((len(months), KINDS))
        for day, row in self.calendar.items():
            place = places.get(bucket_start(day, Grain.MONTH))
            if place is not None:
                counted[place, row["kind"]] += 1
                sold[place, row["kind"]] += self.sold.get(day, 0.0)
        return counted, sold

    def _misses(self, found: Foreseen) -> tuple[Array, Array]:
        """What came less what the pace, and the forecast, would have said on the same part of past months."""
        steps = len(found.values)
        ends = origins_of(len(self.finished), YEAR, steps)[: found.origins]
        paced, forecast = found.errors[: len(ends)].copy(), found.errors[: len(ends)].copy()
        known = [row for row, end in enumerate(ends) if end >= FEWEST_MONTHS]
        for row, end in enumerate(ends):
            month, share = self.finished[end], self.pace(end)
            paced[row, 0] = month.total - month.early / share if share else found.errors[row, 0]
            forecast[row, 0] = month.total - month.early - (1 - share) * (month.total - found.errors[row, 0])
        return paced[known], forecast[known]
