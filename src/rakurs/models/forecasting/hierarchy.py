"""Forecasts of parts and of wholes, made to add up: whoever was known better gives way less.

Source: Wickramasuriya, Athanasopoulos, Hyndman, JASA 114 (2019), 804-819, with the variances of the past errors alone.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def reconciled(values: Array, variances: Array, parents: Sequence[int | None]) -> Array:
    """`values` (series, steps) moved as little as their variances allow so that every whole is the sum of its parts.

    `parents` says of each series which one it is a part of. No part is below zero afterwards.
    """
    wholes = sorted({parent for parent in parents if parent is not None})
    if not wholes:
        return np.maximum(values, 0.0)
    gaps = np.zeros((len(wholes), len(values)))
    for place, whole in enumerate(wholes):
        gaps[place, whole] = 1.0
        gaps[place, [part for part, parent in enumerate(parents) if parent == whole]] = -1.0
    spread = gaps * np.maximum(variances, np.finfo(float).tiny)
    moved = values - spread.T @ np.linalg.solve(spread @ gaps.T, gaps @ values)
    is_whole = np.isin(np.arange(len(values)), wholes)
    summed = np.where(is_whole[:, None], 0.0, np.maximum(moved, 0.0))
    # The least whole first: its own sum is a part of the next.
    for part in sorted(range(len(values)), key=lambda number: -_depth(number, parents)):
        whole = parents[part]
        if whole is not None:
            summed[whole] += summed[part]
    return summed


def _depth(number: int, parents: Sequence[int | None]) -> int:
    above = parents[number]
    return 0 if above is None else 1 + _depth(above, parents)
