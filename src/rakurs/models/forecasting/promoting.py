"""What do promotions do to demand, and how much of each bucket was, or will be, under one?

The effect is one for all products: a product of its own has too few promotions to tell. It is learned from products
against each other in the same bucket, so a promotion of everything teaches nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rakurs.core.periods import DAY
from rakurs.models.forecasting.price_panel import Panel, Slope, common_slopes

Array = NDArray[np.float64]

LEAST_PROMOTED = 10
"""Of fewer buckets of products with a promotion in them nothing is learned."""
UNBELIEVABLE = 10.0
"""Whoever finds that a promotion multiplies demand by more, or divides it, has found something else."""


def exposures(
    promotions: Iterable[Mapping[str, Any]],
    leaves: Sequence[tuple[str | None, str | None]],
    products: Sequence[int],
    edges: Sequence[date],
) -> Array:
    """The share of each bucket's days under a promotion, a row per leaf; `edges` are the buckets' first days and the end.

    A leaf is a category and a product by itself, or None for the rest of it; `products` says of how many it is made. Of
    the rest a promotion of a product counts for its part. A promotion with a product is the product's, one with a
    category the category's, one with neither everything's.
    """
    first, days = edges[0], (edges[-1] - edges[0]) // DAY
    under = np.zeros((len(leaves), days))
    own = {leaf: place for place, leaf in enumerate(leaves)}
    of_category: dict[str | None, list[int]] = {}
    for place, (category, _) in enumerate(leaves):
        of_category.setdefault(category, []).append(place)
    for one in promotions:
        begin, past = ((day - first) // DAY for day in (one["period_start"], one["until_on"] + DAY))
        if past <= 0 or begin >= days or past <= begin:
            continue
        held = slice(max(begin, 0), min(past, days))
        if one["row"] == "promoted whole":
            under[:, held] += 1.0
        elif one["row"] == "promoted category":
            under[of_category.get(one["category"], []), held] += 1.0
        elif (leaf := (one["category"], one["own_id"])) in own:
            under[own[leaf], held] += one["value"] / products[own[leaf]]
    starts = np.array([(edge - first) // DAY for edge in edges[:-1]])
    lengths = np.diff([*starts, days])
    return np.add.reduceat(np.minimum(under, 1.0), starts, axis=1) / lengths


def effect(pasts: Array, exposed: Array) -> Slope | None:
    """By how much (in logs) demand is higher under a promotion; None where the past does not clearly say.

    `pasts` and `exposed` are products by finished buckets. A product counts from its first to its last sale.
    """
    sold = pasts > 0
    alive = np.logical_or.accumulate(sold, axis=1) & np.logical_or.accumulate(sold[:, ::-1], axis=1)[:, ::-1]
    if (alive & (exposed > 0)).sum() < LEAST_PROMOTED:
        return None
    found = common_slopes(Panel(np.where(alive, pasts, 0.0), np.where(alive, exposed, np.nan)))
    if found is None:
        return None
    slope = found.slopes[0]
    is_clear = slope.low > 0 or slope.high < 0
    return slope if is_clear and abs(slope.value) < np.log(UNBELIEVABLE) else None
