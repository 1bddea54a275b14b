"""Which days is a bucket made of? Holidays and weekdays sell differently, and no two Mays have as many of each.

A series is divided by what its days are worth, foreseen, and multiplied by what the days to come are worth: where that would
have erred clearly less on its own past.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from rakurs.models.forecasting.series import CLEARLY, MOST_ORIGINS, SLOW, Foreseen, Way, foresee, origins_of

Array = NDArray[np.float64]

KINDS = 8
"""A public holiday is 0, other days are 1 (Monday) to 7."""
LEAST_DAYS = 10
"""Of fewer days of a kind nothing is learned: they are worth as much as any."""
WEEK = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """Buckets by the kinds of their days: how many there were, what they sold, and how many there will be."""

    past: Array
    sold: Array
    ahead: Array

    def worth(self, *, learned: int) -> tuple[Array, Array]:
        """What the days of each bucket, past and to come, are worth beside a usual bucket; learned from the first ones."""
        days, sold = self.past[:learned], self.sold[:learned]
        usual = sold.sum(axis=1) / np.maximum(days.sum(axis=1), 1.0)
        if days.sum(axis=1).max() <= 1:
            # Single days are held against the week around each.
            ones = np.ones(WEEK)
            usual = np.convolve(usual, ones, "same") / np.convolve(np.ones(len(usual)), ones, "same")
        expected = (days * usual[:, None]).sum(axis=0)
        is_known = (days.sum(axis=0) >= LEAST_DAYS) & (expected > 0)
        weights = np.where(is_known, sold.sum(axis=0) / np.where(is_known, expected, 1.0), 1.0)
        # A kind on which hardly anything is sold still must divide.
        weights = np.maximum(weights, 0.01)
        mean = float((self.past @ weights).mean())
        return self.past @ weights / mean, self.ahead @ weights / mean


def foresee_by_days(
    past: Array,
    days: Days,
    *,
    season: int,
    ahead: int,
    level: float,
    tried: tuple[Way, ...] = SLOW,
    most_origins: int = MOST_ORIGINS,
) -> tuple[Foreseen, bool]:
    """The next values of `past`, and whether the kinds of days were allowed for."""
    how = partial(foresee, season=season, ahead=ahead, level=level, tried=tried, most_origins=most_origins)
    plain = how(past)
    if not plain.origins or plain.mase is None or len(days.ahead) != ahead or days.ahead.sum(axis=1).min() <= 0:
        return plain, False
    ends = origins_of(len(past), season, ahead, most=most_origins)
    # On trial are only the days before the first forecast: what they are worth was known then.
    on_trial = _errors(past, days.worth(learned=min(ends))[0], ends, how=how, ahead=ahead)
    plain_error = float(np.abs(plain.errors).mean())
    if on_trial is None or not np.abs(on_trial).mean() < CLEARLY * plain_error:
        return plain, False
    worth, worth_ahead = days.worth(learned=len(past))
    found = how(past / worth)
    scale = plain_error / plain.mase
    return (
        replace(
            found,
            values=found.values * worth_ahead,
            low=found.low * worth_ahead,
            high=found.high * worth_ahead,
            mase=float(np.abs(on_trial).mean()) / scale if scale else None,
            naive_mase=plain.naive_mase,
            errors=on_trial,
        ),
        True,
    )


def _errors(
    past: Array, worth: Array, ends: list[int], *, how: Callable[[Array], Foreseen], ahead: int
) -> Array | None:
    """What came less what would have been said, in the series' own measure; None where nothing could be tried."""
    found = how(past / worth)
    if found.origins != len(ends):
        return None
    return found.errors * np.stack([worth[end : end + ahead] for end in ends])
