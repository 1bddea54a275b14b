"""What do a customer's purchase days say: when is the next one due, and in which state of life is the customer?"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median

import numpy as np

from rakurs.analyses.clients.rhythm import LOST_AFTER, OWN_GAPS, SLEEPING_AFTER

FEWEST_GAPS = OWN_GAPS
"""With fewer gaps between purchases no next one is foretold."""


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
        expected_on=last + timedelta(days=int(usual + 0.5)),
        expected_from=last + timedelta(days=int(low)),
        expected_to=last + timedelta(days=int(np.ceil(high))),
    )


def life_state(days: Sequence[date], *, on: date, usual_gap: float | None) -> str | None:
    """new, active, regular, sleeping, lost or returned on the day `on`; None before the first purchase.

    As the report of lifecycle states has it; `usual_gap` is that of all customers on that day, None when nobody had
    come back by then.
    """
    known = [day for day in days if day <= on]
    if not known:
        return None
    gaps = gaps_of(known)
    if usual_gap is None:
        return "new"
    silent, measure = (on - known[-1]).days * OWN_GAPS, _measure(gaps, usual_gap)
    if silent > SLEEPING_AFTER * measure:
        return "lost" if silent > LOST_AFTER * measure else "sleeping"
    if not gaps:
        return "new"
    if gaps[-1] * OWN_GAPS > LOST_AFTER * _measure(gaps[:-1], usual_gap):
        return "returned"
    return "regular" if len(gaps) >= OWN_GAPS else "active"


def _measure(gaps: Sequence[int], usual_gap: float) -> float:
    """OWN_GAPS times the customer's measure: own gaps as far as they go, the usual gap for the missing ones."""
    counted = min(len(gaps), OWN_GAPS)
    own = float(median(gaps)) if gaps else usual_gap
    return own * counted + usual_gap * (OWN_GAPS - counted)
