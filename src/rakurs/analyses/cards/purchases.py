"""What do a customer's purchase days say: when is the next one due, and in which state of life is the customer?"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median

import numpy as np

FEWEST_GAPS = 3
"""With fewer gaps between purchases no next one is foretold."""
STILL, GONE = 2.0, 4.0
"""Silent for more than so many usual gaps: sleeping, lost."""
REGULAR_FROM = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """The customer's own gaps in days; the next purchase as a day with the interval that 8 of 10 gaps fell into.

    The days are None while there are fewer than FEWEST_GAPS gaps; `gap_days` while there is none.
    """

    purchases: int
    gaps: int
    gap_days: float | None
    expected_on: date | None
    expected_from: date | None
    expected_to: date | None


def gaps_of(days: Sequence[date]) -> list[int]:
    """Days between neighbouring purchase days, which must be sorted and different."""
    return [(after - before).days for before, after in itertools.pairwise(days)]


def rhythm(days: Sequence[date]) -> Rhythm:
    """The rhythm of sorted, different purchase days."""
    gaps = gaps_of(days)
    usual = float(median(gaps)) if gaps else None
    if usual is None or len(gaps) < FEWEST_GAPS:
        return Rhythm(
            purchases=len(days), gaps=len(gaps), gap_days=usual, expected_on=None, expected_from=None, expected_to=None
        )
    # Rounded first: 24 days and a trillionth are 24 days.
    low, high = (round(float(np.quantile(gaps, share)), 6) for share in (0.1, 0.9))
    last = days[-1]
    return Rhythm(
        purchases=len(days),
        gaps=len(gaps),
        gap_days=usual,
        expected_on=last + timedelta(days=round(usual)),
        expected_from=last + timedelta(days=int(low)),
        expected_to=last + timedelta(days=int(np.ceil(high))),
    )


def life_state(days: Sequence[date], *, on: date, usual_gap: float | None) -> str | None:
    """new, active, regular, sleeping, lost or returned on the day `on`; None before the first purchase.

    The yardstick is the customer's own median gap, or the company's `usual_gap` while there are too few; without
    either it is 30 days.
    """
    known = [day for day in days if day <= on]
    if not known:
        return None
    gaps = gaps_of(known)
    own = float(median(gaps)) if len(gaps) >= FEWEST_GAPS else usual_gap
    yardstick = max(own if own is not None else 30.0, 1.0)
    silent = (on - known[-1]).days / yardstick
    if silent > GONE:
        return "lost"
    if silent > STILL:
        return "sleeping"
    if len(known) == 1:
        return "new"
    if gaps[-1] / yardstick > GONE:
        return "returned"
    return "regular" if len(known) >= REGULAR_FROM else "active"
