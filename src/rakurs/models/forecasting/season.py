"""Which season do all lines share? A product sells too little to show its own; the whole shows it, and each line may take it.

Learned from the whole's buckets held against the year around each, as a smooth curve over the year; used where it clearly erred
less on the past.

Source: Dekker, van Donselaar, Ouwehand, International Journal of Production Economics 90 (2004), 151-167 (seasons of groups).
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from rakurs.models.forecasting.series import CLEARLY, Foreseen, Way, foresee, origins_of

Array = NDArray[np.float64]

MOST_WAVES = 3


def common_season(past: Array, *, season: int, ahead: int, level: float, tried: tuple[Way, ...]) -> Array | None:
    """What buckets are worth by the time of the year, those of `past` and `ahead` more; None where nothing clearly says so."""
    plain = foresee(past, season=season, ahead=ahead, level=level, tried=tried)
    if not plain.origins or plain.mase is None:
        return None
    # On trial is only what was known before the first forecast.
    known = min(origins_of(len(past), season, ahead)[: plain.origins])
    worth = _curve(past[:known], season=season, until=len(past) + ahead)
    if worth is None or not _errs_less(past, worth, plain, ahead=ahead, level=level, tried=tried):
        return None
    return _curve(past, season=season, until=len(past) + ahead)


def foresee_in_season(
    past: Array, worth: Array, plain: Foreseen, *, ahead: int, level: float, tried: tuple[Way, ...]
) -> Foreseen:
    """How `past` goes on in the season that `worth` tells of it and what comes: where that erred no more than `plain`."""
    found = _in_season(past, worth, ahead=ahead, level=level, tried=tried)
    rows = min(found.origins, plain.origins)
    if rows and np.abs(found.errors[:rows]).mean() > np.abs(plain.errors[:rows]).mean():
        return plain
    if not rows and plain.origins:
        return plain
    scale = float(np.abs(plain.errors).mean()) / plain.mase if plain.mase else 0.0
    return replace(
        found,
        mase=float(np.abs(found.errors).mean()) / scale if scale else None,
        naive_mase=plain.naive_mase if scale else None,
    )


def _errs_less(past: Array, worth: Array, plain: Foreseen, *, ahead: int, level: float, tried: tuple[Way, ...]) -> bool:
    found = _in_season(past, worth, ahead=ahead, level=level, tried=tried)
    rows = min(found.origins, plain.origins)
    return bool(rows and np.abs(found.errors[:rows]).mean() < CLEARLY * np.abs(plain.errors[:rows]).mean())


def _in_season(past: Array, worth: Array, *, ahead: int, level: float, tried: tuple[Way, ...]) -> Foreseen:
    """The series divided by its season, foreseen, and multiplied by the season to come."""
    before, coming = worth[-ahead - len(past) : -ahead], worth[-ahead:]
    found = foresee(past / before, season=1, ahead=ahead, level=level, tried=tried)
    ends = origins_of(len(past), 1, ahead)[: found.origins]
    errors = found.errors * np.stack([before[end : end + ahead] for end in ends]) if ends else found.errors
    return replace(found, values=found.values * coming, low=found.low * coming, high=found.high * coming, errors=errors)


def _curve(past: Array, *, season: int, until: int) -> Array | None:
    """A smooth curve over the year, around 1; None of less than two years, or where a year sold nothing."""
    if len(past) < 2 * season:
        return None
    # An even season has no middle bucket: half of both ends.
    weights = np.ones(season + 1) / season
    weights[[0, -1]] /= 2
    trend = np.convolve(past, weights, "valid")
    if trend.min() <= 0:
        return None
    places = np.arange(len(trend)) + season // 2
    ratios = past[places] / trend
    weight = np.linalg.lstsq(_waves(places, season), ratios, rcond=None)[0]
    whole = _waves(np.arange(until), season) @ weight
    return np.maximum(whole, 0.05) / float(whole[:season].mean())


def _waves(places: NDArray[np.int64], season: int) -> Array:
    turns = 2 * np.pi * places[:, None] / season * np.arange(1, min(MOST_WAVES, (season - 1) // 2) + 1)
    return np.hstack([np.ones((len(places), 1)), np.cos(turns), np.sin(turns)])
