"""How does a series go on, and how far may that be trusted? Several ways are tried on its own past; the best goes on.

Every way forecasts from several past days what then came (rolling origins). The one with the least error is used, and
only where it clearly beats the seasonal naive; its interval is as wide as its own errors were, not as the way promises.

Sources: Hyndman, Koehler, International Journal of Forecasting 22 (2006), 679-688 (MASE); Svetunkov et al., Naval Research
Logistics 69 (2022), 1108-1123 (complex exponential smoothing); Fiorucci et al., IJF 32 (2016), 1151-1161 (theta); Stankeviciute
et al., NeurIPS 2021 (conformal intervals of several steps); Syntetos, Boylan, IJF 21 (2005), 303-314 (rare demand).
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Way = Literal["seasonal_naive", "naive", "ces", "theta", "level", "croston"]
SLOW: tuple[Way, ...] = ("theta", "ces")
"""Worth waiting for where one series is asked about."""
QUICK: tuple[Way, ...] = ("theta", "level", "croston")
"""For thousands of series, many of them with rare sales: a millisecond each."""

MOST_ORIGINS = 6
LEAST_ORIGINS = 2
LEAST_POINTS = 6
LONGEST_SMOOTHED = 26
CLEARLY = 0.95
"""A way must err less than this share of the naive's error to be taken: on noise some way always wins by a hair."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """The next values with their interval; how wrong the way was on its own past, beside the seasonal naive.

    `mase` below 1 is better than taking the last season over, in the past the series was learned on; `coverage` is the share of
    what came that an interval made without it held. None where the past is too short to try.
    """

    way: Way
    values: Array
    low: Array
    high: Array
    mase: float | None
    naive_mase: float | None
    coverage: float | None
    errors: Array
    """What came less what had been said, a row for each past day it was said on; none where the past is too short."""

    @property
    def origins(self) -> int:
        """From how many past days it was tried."""
        return len(self.errors)

    def width_of_sum(self, level: float) -> float:
        """Half of the interval of the sum of all steps."""
        return (
            quantile(np.abs(self.errors.sum(axis=1)), level) if self.origins else float((self.high - self.values).sum())
        )


def foresee(
    past: Array,
    *,
    season: int,
    ahead: int,
    level: float,
    tried: tuple[Way, ...] = SLOW,
    most_origins: int = MOST_ORIGINS,
) -> Foreseen:
    """The next `ahead` values of `past`; `season` is how many steps a year (or a week of days) has.

    It is tried from `most_origins` past days: of n errors no interval of more than n / (n + 1) can be told.
    """
    period = season if len(past) >= 2 * season else 1
    ways = {way: go_on for way, go_on in _ways(period).items() if way in (*tried, "seasonal_naive", "naive")}
    base: Way = "seasonal_naive" if period > 1 else "naive"
    origins = origins_of(len(past), season, ahead, most=most_origins)
    scale = _scale(past[: min(origins, default=0)], period)
    if len(origins) < LEAST_ORIGINS or scale == 0:
        return _untried(past, ways[base], base, period=period, ahead=ahead, level=level)
    errors = {way: np.stack([_error(past, end, go_on, ahead) for end in origins]) for way, go_on in ways.items()}
    mases = {way: float(np.nanmean(np.abs(found))) / scale for way, found in errors.items()}
    best = min(mases, key=lambda way: (mases[way], way))
    if mases[best] > CLEARLY * mases[base]:
        best = base
    misses = np.abs(errors[best])
    values = ways[best](past, ahead)
    width = _width(misses, level)
    low, high = values - width, values + width
    if past.min() >= 0:
        values, low, high = np.maximum(values, 0.0), np.maximum(low, 0.0), np.maximum(high, 0.0)
    return Foreseen(
        way=best,
        values=values,
        low=low,
        high=high,
        mase=mases[best],
        naive_mase=mases[base],
        coverage=_coverage(misses, level),
        errors=errors[best],
    )


def _ways(period: int) -> dict[Way, Callable[[Array, int], Array]]:
    """The ways that can be tried on a series of that period."""

    def repeated(past: Array, ahead: int) -> Array:
        return np.resize(past[-period:], ahead)

    def learned(model: Callable[..., Any], past: Array, ahead: int) -> Array:
        """What a library's model says; of a past without any change, or where the model fails, the last season again."""
        if np.ptp(past) == 0:
            return repeated(past, ahead)
        with np.errstate(all="ignore"):
            said = np.asarray(model(season_length=period).forecast(y=past, h=ahead)["mean"], dtype=np.float64)
        return np.where(np.isfinite(said), said, repeated(past, ahead))

    def smoothed(past: Array, ahead: int) -> Array:
        from statsforecast.models import AutoCES  # noqa: PLC0415 - takes seconds to import

        return learned(AutoCES, past, ahead)

    def theta(past: Array, ahead: int) -> Array:
        from statsforecast.models import DynamicOptimizedTheta  # noqa: PLC0415 - as above

        return learned(DynamicOptimizedTheta, past, ahead)

    def level_of(past: Array, ahead: int) -> Array:
        from statsforecast.models import SimpleExponentialSmoothingOptimized  # noqa: PLC0415 - as above

        return learned(lambda **_: SimpleExponentialSmoothingOptimized(), past, ahead)

    def croston(past: Array, ahead: int) -> Array:
        from statsforecast.models import CrostonSBA  # noqa: PLC0415 - as above

        return learned(lambda **_: CrostonSBA(), past, ahead)

    base: Way = "seasonal_naive" if period > 1 else "naive"
    quick: dict[Way, Callable[[Array, int], Array]] = {
        base: repeated,
        "theta": theta,
        "level": level_of,
        "croston": croston,
    }
    # Smoothing with a season of half a hundred steps takes minutes.
    return quick if period > LONGEST_SMOOTHED else {**quick, "ces": smoothed}


def origins_of(points: int, season: int, ahead: int, *, most: int = MOST_ORIGINS) -> list[int]:
    """The places in the past to forecast from: the latest first, each with enough before it and all of it after."""
    period = season if points >= 2 * season else 1
    least = max(2 * period, LEAST_POINTS)
    step = max(1, ahead // 2)
    return list(range(points - ahead, least - 1, -step))[:most]


def _scale(past: Array, period: int) -> float:
    """The mean error of taking the last season over, within the past."""
    return float(np.abs(past[period:] - past[:-period]).mean()) if len(past) > period else 0.0


def _error(past: Array, end: int, go_on: Callable[[Array, int], Array], ahead: int) -> Array:
    said = go_on(past[:end], ahead)
    return past[end : end + ahead] - said


def _width(misses: Array, level: float) -> Array:
    """Half of the interval at each step: the quantile of the past errors of that half of the way, never narrower later."""
    steps = misses.shape[1]
    near = max(1, (steps + 1) // 2)
    first = quantile(misses[:, :near], level)
    far = max(first, quantile(misses[:, near:], level)) if steps > near else first
    return np.where(np.arange(steps) < near, first, far)


def quantile(misses: Array, level: float) -> float:
    """The conformal quantile: of n errors the ceil((n + 1) level)-th; the greatest where there are too few."""
    ordered = np.sort(misses.ravel())
    return float(ordered[min(len(ordered), ceil((len(ordered) + 1) * level)) - 1])


def _coverage(misses: Array, level: float) -> float:
    """The share of what came inside an interval made of the other origins' errors."""
    held = [misses[row] <= _width(np.delete(misses, row, axis=0), level) for row in range(len(misses))]
    return float(np.mean(held))


def _untried(
    past: Array, go_on: Callable[[Array, int], Array], way: Way, *, period: int, ahead: int, level: float
) -> Foreseen:
    """A past too short to try anything on: the last season again, as wide as seasons differed."""
    values = go_on(past, ahead)
    steps = np.abs(past[period:] - past[:-period]) if len(past) > period else np.abs(past)
    width = quantile(steps.reshape(1, -1), level) if len(steps) else 0.0
    low = np.maximum(values - width, 0.0) if past.min() >= 0 else values - width
    return Foreseen(
        way=way,
        values=values,
        low=low,
        high=values + width,
        mase=None,
        naive_mase=None,
        coverage=None,
        errors=np.zeros((0, ahead)),
    )
