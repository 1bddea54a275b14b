"""Which sets of items stand together in many baskets? All of them, exactly, by ever smaller projections of the baskets.

Depth first: the baskets of a set hold only the items that come after its last one, so every set is met once and a
projection shrinks fast. Source: Zaki, IEEE Transactions on Knowledge and Data Engineering 12 (2000), 372-390 (Eclat);
Uno et al., FIMI 2004 (database reduction).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Baskets:
    """Who holds what: `items[start[b]:start[b + 1]]` are the items of basket `b`, each once, ascending."""

    start: Ints
    items: Ints

    @property
    def count(self) -> int:
        """How many baskets."""
        return len(self.start) - 1

    @property
    def sizes(self) -> Ints:
        """How many items each holds."""
        return np.diff(self.start)

    @classmethod
    def of(cls, baskets: Ints, items: Ints, *, count: int) -> "Baskets":
        """From pairs (basket, item), each pair once, baskets numbered from 0 to `count`."""
        order = np.lexsort((items, baskets))
        start = np.concatenate([[0], np.cumsum(np.bincount(baskets, minlength=count))])
        return cls(start.astype(np.int64), items[order].astype(np.int64))

    def holders(self, item: int) -> Ints:
        """The baskets that hold `item`, ascending."""
        return np.searchsorted(self.start, np.flatnonzero(self.items == item), side="right") - 1


def frequent(baskets: Baskets, *, least: int, longest: int) -> Iterator[tuple[tuple[int, ...], Ints]]:
    """Every set of up to `longest` items held by at least `least` baskets, and the baskets that hold it."""
    yield from _grown((), baskets, np.arange(baskets.count), least=least, longest=longest)


def _grown(
    prefix: tuple[int, ...], part: Baskets, ids: Ints, *, least: int, longest: int
) -> Iterator[tuple[tuple[int, ...], Ints]]:
    """The sets that begin with `prefix`; `part` holds what its baskets (called `ids`) hold after it."""
    counts = np.bincount(part.items) if len(part.items) else np.zeros(0, dtype=np.int64)
    is_frequent = counts >= least
    chosen = np.flatnonzero(is_frequent)
    if not len(chosen):
        return
    part, row_of = _only(is_frequent, part)
    counts = counts * is_frequent
    places = np.argsort(part.items, kind="stable")
    ends = np.cumsum(counts)
    for item in chosen:
        held = places[ends[item] - counts[item] : ends[item]]
        rows = row_of[held]
        found = (*prefix, int(item))
        yield found, ids[rows]
        if len(found) < longest:
            yield from _grown(found, _after(part, held, rows), ids[rows], least=least, longest=longest)


def _only(is_kept: NDArray[np.bool_], part: Baskets) -> tuple[Baskets, Ints]:
    """`part` without the other items, and of each item left whose it is."""
    is_left = is_kept[part.items]
    row_of = np.repeat(np.arange(part.count), part.sizes)[is_left]
    start = np.concatenate([[0], np.cumsum(is_left)])[part.start]
    return Baskets(start, part.items[is_left]), row_of


def _after(part: Baskets, held: Ints, rows: Ints) -> Baskets:
    """What the baskets `rows` hold after the places `held`."""
    first = held + 1
    lengths = part.start[rows + 1] - first
    start = np.concatenate([[0], np.cumsum(lengths)])
    taken = np.repeat(first - start[:-1], lengths) + np.arange(start[-1])
    return Baskets(start, part.items[taken])
