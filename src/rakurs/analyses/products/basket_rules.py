"""Which rules "whoever takes these takes that too" do the baskets hold, and which are more than chance?

In large baskets everything stands beside everything: with baskets of varying size even independent items seem to go
together. So each rule is held against what its own baskets, by their sizes, would bring anyway.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rakurs.analyses.products.itemsets import Baskets, Ints, frequent
from rakurs.core.discoveries import benjamini_hochberg

Floats = NDArray[np.float64]

MILLION = 1_000_000
SMALLEST = 1e-9
LARGEST_SIZE = 30
"""Baskets of more items are taken together when their sizes are accounted for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Baskets that hold all of `cause`, and how many of them hold `effect` too.

    `expected` is how many would by the sizes of those baskets alone; `q_value` the least share of false claims at which
    "more than that by `least_lift`" would be claimed of it.
    """

    cause: tuple[int, ...]
    effect: int
    both: int
    cause_baskets: int
    effect_baskets: int
    expected: float
    q_value: float


def rules_of(
    baskets: Baskets,
    *,
    least: int,
    longest: int,
    least_confidence: float,
    least_lift: float = 1.1,
    false_share: float = 1.0,
) -> list[Rule]:
    """Every rule with one effect whose items stand together in `least` baskets, with that confidence.

    With `false_share` below 1 only those that bring the effect more than `least_lift` times as often as expected, beyond
    chance. Thresholds are compared in whole numbers: a rule exactly on the bound is in. The correction for many looks is over
    every frequent cause with every frequent item beside it, whether or not they met often enough.
    """
    sets = list(frequent(baskets, least=least, longest=longest))
    counts = {items: len(holders) for items, holders in sets}
    sizes = _Sizes(baskets)
    by_size = {items: sizes.counted(holders) for items, holders in sets}
    found: list[tuple[tuple[int, ...], int, int, int]] = []
    expected: list[float] = []
    for items, holders in sets:
        if len(items) > 1:
            for effect in items:
                cause = tuple(item for item in items if item != effect)
                found.append((cause, effect, len(holders), counts[cause]))
                expected.append(sizes.expected(by_size[cause], cause, effect))
    looked_at = _looked_at(counts, longest) / max(len(found), 1)
    tails = _upper_tails(found, [least_lift * chance for chance in expected])
    # What did not reach the support was looked at too, and would not have been claimed.
    q_values = [min(1.0, q_value * looked_at) for q_value in benjamini_hochberg(tails)]
    bound = round(least_confidence * MILLION)
    return [
        Rule(
            cause=cause,
            effect=effect,
            both=both,
            cause_baskets=held,
            effect_baskets=counts[(effect,)],
            expected=chance,
            q_value=q_value,
        )
        for (cause, effect, both, held), chance, q_value in zip(found, expected, q_values, strict=True)
        if both * MILLION >= bound * held and q_value <= false_share
    ]


def _looked_at(counts: Mapping[tuple[int, ...], int], longest: int) -> int:
    """How many rules could have been claimed: each frequent cause with each frequent item it does not hold."""
    items = sum(len(held) == 1 for held in counts)
    return sum(items - len(held) for held in counts if len(held) < longest)


def _upper_tails(found: Sequence[tuple[tuple[int, ...], int, int, int]], expected: Sequence[float]) -> list[float]:
    """The chance of at least as many baskets with the effect, each holding it by itself."""
    from scipy.stats import binom  # noqa: PLC0415 - scipy is slow to import

    both = np.array([row[2] for row in found], dtype=np.float64)
    held = np.array([row[3] for row in found], dtype=np.int64)
    share = np.clip(np.divide(np.array(expected), held, out=np.zeros(len(found)), where=held > 0), 0.0, 1.0)
    return [float(value) for value in binom.sf(both - 1, held, share)]


class _Sizes:
    """How often each item stands in baskets of each size."""

    def __init__(self, baskets: Baskets) -> None:
        self._size_of = np.minimum(baskets.sizes, LARGEST_SIZE)
        width = int(baskets.items.max()) + 1 if len(baskets.items) else 0
        number = np.bincount(self._size_of, minlength=LARGEST_SIZE + 1).astype(np.float64)
        pairs = np.repeat(self._size_of, baskets.sizes) * width + baskets.items
        held = np.bincount(pairs, minlength=(LARGEST_SIZE + 1) * width).reshape(LARGEST_SIZE + 1, width)
        self._shares: Floats = (held / np.maximum(number, 1.0)[:, None]).T
        # Baskets beyond the cap are as large as they are on average.
        totals = np.bincount(self._size_of, weights=baskets.sizes, minlength=LARGEST_SIZE + 1)
        self._mean_size: Floats = np.maximum(totals / np.maximum(number, 1.0), 1.0)

    def counted(self, holders: Ints) -> Floats:
        """How many of these baskets have each size."""
        return np.bincount(self._size_of[holders], minlength=LARGEST_SIZE + 1).astype(np.float64)

    def expected(self, by_size: Floats, cause: Sequence[int], effect: int) -> float:
        """How many of the baskets that hold `cause` would hold `effect`, were the rest of each filled by popularity.

        A basket of s items that holds the k of the cause has s - k places left, which the other items share.
        """
        left = np.maximum(self._mean_size - len(cause), 0.0) / self._mean_size
        taken = self._shares[list(cause)].sum(axis=0) / self._mean_size
        chance = np.minimum(self._shares[effect] * left / np.maximum(1.0 - taken, SMALLEST), 1.0)
        return float(by_size @ chance)
