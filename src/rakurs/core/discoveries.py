"""Is a difference more than chance, and how many of many such claims would be false?"""

from collections.abc import Sequence
from math import erfc, log, sqrt

HALF = 0.5
"""Added to every count, so that none is zero (Haldane and Anscombe)."""


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """The least share of false claims at which each would be made: its adjusted p-value, in the given order.

    Source: Benjamini, Hochberg, Journal of the Royal Statistical Society B 57 (1995), 289–300.
    """
    count = len(p_values)
    adjusted = [1.0] * count
    least = 1.0
    for rank, place in reversed(list(enumerate(sorted(range(count), key=lambda item: p_values[item]), start=1))):
        least = min(least, p_values[place] * count / rank)
        adjusted[place] = least
    return adjusted


def two_sided(z: float) -> float:
    """The chance that a standard normal number is at least so far from zero."""
    return erfc(abs(z) / sqrt(2))


def _surely(own: float, own_variance: float, rest: float, rest_variance: float) -> float:
    """The p-value of "changed, and otherwise than the rest": the larger of the two p-values, so that both must hold.

    A group that stayed as it was while another changed is not news, though it too differs from the rest.
    """
    changed = two_sided(own / sqrt(own_variance))
    return max(changed, two_sided((own - rest) / sqrt(own_variance + rest_variance)))


Shares = tuple[tuple[int, int], tuple[int, int]]
"""(successes, trials) before and after."""


def share_change_differs(own: Shares, rest: Shares) -> float:
    """The p-value of "the share changed, and otherwise than the others' share".

    Differences of log-odds. Source: Woolf, Annals of Human Genetics 19 (1955), 251–253.
    """
    return _surely(*_log_odds_change(own), *_log_odds_change(rest))


def _log_odds_change(shares: Shares) -> tuple[float, float]:
    (before, before_variance), (after, after_variance) = (
        (log(won / lost), 1 / won + 1 / lost)
        for successes, trials in shares
        for won, lost in [(successes + HALF, trials - successes + HALF)]
    )
    return after - before, before_variance + after_variance


def count_change_differs(own: tuple[int, int], rest: tuple[int, int]) -> float:
    """The p-value of "the count changed, and not in the proportion of the others'": before and after."""
    (one, one_variance), (other, other_variance) = (
        (log(after / before), 1 / before + 1 / after)
        for pair in (own, rest)
        for before, after in [(pair[0] + HALF, pair[1] + HALF)]
    )
    return _surely(one, one_variance, other, other_variance)


Moments = tuple[int, float, float]
"""How many, the sum of logarithms, the sum of their squares."""


def size_change_differs(own: tuple[Moments, Moments], rest: tuple[Moments, Moments]) -> float | None:
    """The p-value of "the usual size changed, and not in the proportion of the others'"; None with too little to tell.

    Differences of mean logarithms (amounts are skewed), by Welch's standard error.
    """
    if min(count for count, _, _ in (*own, *rest)) < 2:
        return None
    (one, one_variance), (other, other_variance) = (_mean_change(pair) for pair in (own, rest))
    return None if one_variance <= 0 else _surely(one, one_variance, other, other_variance)


def _mean_change(pair: tuple[Moments, Moments]) -> tuple[float, float]:
    (before, before_variance), (after, after_variance) = (
        (mean, max(squares / count - mean * mean, 0.0) / (count - 1))
        for count, total, squares in pair
        for mean in [total / count]
    )
    return after - before, before_variance + after_variance
