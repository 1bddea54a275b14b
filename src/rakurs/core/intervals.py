"""Intervals: how sure a number is. Wilson for shares, empirical Bayes for small groups, bootstrap for means."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import copysign, inf, sqrt
from statistics import NormalDist, median

import narwhals.stable.v2 as nw
import numpy as np
from numpy.typing import NDArray

Z_95 = 1.959963984540054  # the standard normal quantile of 0.975


@dataclass(frozen=True, slots=True)
class Interval:
    """The 95 % interval from `low` to `high`, both included."""

    low: float
    high: float

    def overlaps(self, other: "Interval") -> bool:
        """Whether two numbers are «неразличимы»: their intervals share a point."""
        return self.low <= other.high and other.low <= self.high


def wilson(successes: float, trials: int, *, z: float = Z_95) -> Interval | None:
    """The Wilson score interval of a share; None without trials. Of a mean of numbers from 0 to 1 (`successes` is their sum) it is one too,
    wider than need be: nothing on that scale varies more than a share does.

    Source: Wilson, JASA 22 (1927), 209–212. Stays inside 0..1 and works at 0 and at `trials` successes.
    """
    if trials == 0:
        return None
    share = successes / trials
    denominator = 1 + z * z / trials
    centre = (share + z * z / (2 * trials)) / denominator
    half = z * sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials)) / denominator
    low = 0.0 if successes == 0 else centre - half
    high = 1.0 if successes == trials else centre + half
    return Interval(low, high)


def net_share_interval(pluses: int, minuses: int, trials: int, *, z: float = Z_95) -> Interval | None:
    """The score interval of `(pluses - minuses) / trials`, as of promoters less detractors; None without trials.

    Stays inside -1..1 and works for few trials, and where nobody is on one side. With no minuses it is not Wilson's: that there might be
    some is part of it. Source: Tango, Statistics in Medicine 17 (1998), 891-908; pluses and minuses are its discordant pairs.
    """
    if trials == 0:
        return None
    net = (pluses - minuses) / trials

    def distance(supposed: float) -> float:
        """How many standard errors the data are from a supposed net share, the likeliest shares with that net being true."""
        half = (2 * trials - pluses + minuses) * supposed - pluses - minuses
        rest = 8 * trials * minuses * supposed * (1 - supposed)
        of_minuses = (sqrt(max(half * half + rest, 0.0)) - half) / (4 * trials)
        variance = trials * (2 * of_minuses + supposed * (1 - supposed))
        missed = pluses - minuses - trials * supposed
        return missed / sqrt(variance) if variance > 0 else copysign(inf, missed)

    def where(wanted: float, low: float, high: float) -> float:
        for _ in range(60):  # halves to the last bit; the distance falls as the supposed share rises
            middle = (low + high) / 2
            low, high = (middle, high) if distance(middle) > wanted else (low, middle)
        return (low + high) / 2

    low = -1.0 if net == -1.0 else where(z, -1.0, net)
    high = 1.0 if net == 1.0 else where(-z, net, 1.0)
    return Interval(low, high)


def auc_interval(auc: float, positives: int, negatives: int, *, z: float = Z_95) -> Interval:
    """The interval of the area under an ROC curve, from both counts of at least one.

    Source: Hanley, McNeil, Radiology 143 (1982), 29-36.
    """
    for_positives, for_negatives = auc / (2 - auc), 2 * auc * auc / (1 + auc)
    spread = (
        auc * (1 - auc) + (positives - 1) * (for_positives - auc * auc) + (negatives - 1) * (for_negatives - auc * auc)
    )
    half = z * sqrt(max(spread, 0.0) / (positives * negatives))
    return Interval(max(0.0, auc - half), min(1.0, auc + half))


def wilson_bounds(successes: nw.Expr, trials: nw.Expr, *, z: float = Z_95) -> tuple[nw.Expr, nw.Expr]:
    """`wilson` inside an engine: its low and high bound, null without trials."""
    won, size = successes.cast(nw.Float64()), trials.cast(nw.Float64())
    centre = (won + z * z / 2) / (size + z * z)
    half = z * (won * (size - won) / size + z * z / 4).sqrt() / (size + z * z)
    low = nw.when(won == 0.0).then(nw.lit(0.0)).otherwise(centre - half)
    high = nw.when(won == size).then(nw.lit(1.0)).otherwise(centre + half)
    has_trials = size > 0.0
    return nw.when(has_trials).then(low), nw.when(has_trials).then(high)


def shrunk_shares(successes: Sequence[int], trials: Sequence[int]) -> list[float | None]:
    """Each group's share pulled to the common mean by empirical Bayes; None for a group without trials.

    A beta prior is fitted by the method of moments with the sampling variance taken out; where groups do
    not differ more than chance explains, every group gets the common mean. Source: Casella, The American
    Statistician 39 (1985), 83–87.
    """
    wins, total = np.asarray(successes, dtype=float), np.asarray(trials, dtype=float)
    known = total > 0
    if not known.any():
        return [None] * len(wins)
    mean = wins[known].sum() / total[known].sum()
    strength = _prior_strength(wins[known], total[known], mean)
    shrunk = np.full(len(wins), mean) if strength is None else (wins + strength * mean) / (total + strength)
    return [float(share) if is_known else None for share, is_known in zip(shrunk, known, strict=True)]


def _prior_strength(wins: NDArray[np.float64], total: NDArray[np.float64], mean: float) -> float | None:
    """Prior trials behind the common mean; None is infinitely many (no difference between groups)."""
    groups = len(total)
    if groups < 2 or mean in (0.0, 1.0):
        return None
    size = total.sum() - (total**2).sum() / total.sum()
    between = (total * (wins / total - mean) ** 2).sum()
    variance = (between - (groups - 1) * mean * (1 - mean)) / size
    # Strictly inside: a beta distribution cannot vary as much as a coin that always falls one way.
    variance = min(variance, mean * (1 - mean) * 0.999)
    return None if variance <= 0 else mean * (1 - mean) / variance - 1


def bootstrap(
    values: Sequence[float],
    statistic: Callable[[NDArray[np.float64]], float] = lambda sample: float(np.mean(sample)),
    *,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval | None:
    """The percentile bootstrap interval of `statistic`; None for fewer than two values.

    Deterministic by `seed`. Source: Efron, Annals of Statistics 7 (1979), 1–26.
    """
    data = np.asarray(values, dtype=float)
    if len(data) < 2:
        return None
    random = np.random.default_rng(seed)
    drawn = [statistic(data[random.integers(0, len(data), len(data))]) for _ in range(resamples)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Interval(float(low), float(high))


MAD_OF_NORMAL = 1.4826
"""What turns a median absolute deviation into the standard deviation of normal numbers."""


def usual_bounds(values: Sequence[float], *, confidence: float = 0.99) -> tuple[float, float]:
    """Between which bounds does the next value fall as a rule? Around the median, by the median absolute deviation.

    Exact for normal numbers of many values; a few wild ones among `values` do not widen it. Needs a value.
    Source: Hampel, The Influence Curve and its Role in Robust Estimation, JASA 1974.
    """
    middle = median(values)
    deviation = MAD_OF_NORMAL * median(abs(value - middle) for value in values)
    spread = NormalDist().inv_cdf((1 + confidence) / 2) * deviation
    return middle - spread, middle + spread
