"""Which rules "whoever takes these takes that too" do the baskets hold, and which are more than chance?

In large baskets everything stands beside everything: with baskets of varying size even independent items seem to go
together. So each rule is held against what its own baskets, by their sizes, would bring anyway.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from rakurs.analyses.products.itemsets import Baskets, Ints, frequent
from rakurs.core.discoveries import benjamini_hochberg
from rakurs.core.errors import BadInput
from rakurs.core.text import Text

Floats = NDArray[np.float64]

MILLION = 1_000_000
SMALLEST = 1e-9
LARGEST_SIZE = 30
"""Baskets of more items are taken together when their sizes are accounted for."""
MOST_SETS = 100_000
"""Nobody reads more, and the number of sets can grow without end as the support falls."""
AT_ONCE = 20_000


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
    most_sets: int = MOST_SETS,
) -> list[Rule]:
    """Every rule with one effect whose items stand together in `least` baskets, with that confidence.

    With `false_share` below 1 only those that bring the effect more than `least_lift` times as often as expected, beyond
    chance. Thresholds are compared in whole numbers: a rule exactly on the bound is in. The correction for many looks is over
    every frequent cause with every frequent item beside it. Raises BadInput beyond `most_sets` sets.
    """
    sizes = _Sizes(baskets)
    sets = _counted(frequent(baskets, least=least, longest=longest), sizes, most_sets)
    found = list(_possible(sets))
    expected = sizes.expected(found, sets)
    p_values = _upper_tails(found, sets, least_lift * expected)
    # Rules below the support were looked at too: those that got there by chance are the luckiest of all.
    looks = _looks(sets, longest) / max(len(found), 1)
    q_values = [min(value * looks, 1.0) for value in benjamini_hochberg(p_values)]
    bound = round(least_confidence * MILLION)
    return [
        Rule(
            cause=cause,
            effect=effect,
            both=both,
            cause_baskets=sets[cause].baskets,
            effect_baskets=sets[(effect,)].baskets,
            expected=float(chance),
            q_value=q_value,
        )
        for (cause, effect, both), chance, q_value in zip(found, expected, q_values, strict=True)
        if both * MILLION >= bound * sets[cause].baskets and q_value <= false_share
    ]


@dataclass(frozen=True, slots=True)
class _Counted:
    """How many baskets hold a set of items, and how many of each size."""

    baskets: int
    by_size: Floats


_Sets = dict[tuple[int, ...], _Counted]
_Found = tuple[tuple[int, ...], int, int]
"""(cause, effect, baskets with both)."""


def _counted(sets: Iterable[tuple[tuple[int, ...], Ints]], sizes: "_Sizes", most: int) -> _Sets:
    """The sets with their counts; who holds each is not kept, so that memory does not grow with the baskets."""
    counted = {items: _Counted(len(holders), sizes.counted(holders)) for items, holders in islice(sets, most + 1)}
    if len(counted) > most:
        raise BadInput(
            Text(
                ru=f"Сочетаний больше {most}. Поднимите поддержку или уменьшите число товаров в правиле.",
                en=f"There are more than {most} sets. Raise the support or allow fewer items in a rule.",
            )
        )
    return counted


def _possible(sets: _Sets) -> Iterator[_Found]:
    """Every set of two items and more, with each of them as the effect."""
    for items, counted in sets.items():
        if len(items) > 1:
            for place, effect in enumerate(items):
                yield (*items[:place], *items[place + 1 :]), effect, counted.baskets


def _looks(sets: _Sets, longest: int) -> int:
    """How many rules could have been found: each frequent cause with each frequent item outside it."""
    singles = sum(len(items) == 1 for items in sets)
    return sum(singles - len(items) for items in sets if len(items) < longest)


def _upper_tails(found: list[_Found], sets: _Sets, expected: Floats) -> list[float]:
    """The chance of at least as many baskets with the effect, each holding it by itself."""
    from scipy.special import bdtrc  # noqa: PLC0415 - scipy is slow to import

    both = np.array([row[2] for row in found], dtype=np.float64)
    held = np.array([sets[row[0]].baskets for row in found], dtype=np.int64)
    share = np.clip(expected / np.maximum(held, 1), 0.0, 1.0)
    return [float(value) for value in bdtrc(both - 1, held, share)]


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

    def expected(self, found: list[_Found], sets: _Sets) -> Floats:
        """Of each rule, how many of the baskets that hold `cause` would hold `effect`, were the rest filled by popularity.

        A basket of s items that holds the k of the cause has s - k places left, which the other items share.
        """
        parts = [self._expected(found[start : start + AT_ONCE], sets) for start in range(0, len(found), AT_ONCE)]
        return np.concatenate([np.zeros(0), *parts])

    def _expected(self, found: list[_Found], sets: _Sets) -> Floats:
        by_size = np.array([sets[cause].by_size for cause, _, _ in found])
        length = np.array([len(cause) for cause, _, _ in found])
        taken = np.zeros_like(by_size)
        rows = np.repeat(np.arange(len(found)), length)
        np.add.at(taken, rows, self._shares[[item for cause, _, _ in found for item in cause]])
        left = np.maximum(self._mean_size - length[:, None], 0.0)
        others = np.maximum(self._mean_size - taken, SMALLEST)
        chance = np.minimum(self._shares[[effect for _, effect, _ in found]] * left / others, 1.0)
        return (by_size * chance).sum(axis=1)
