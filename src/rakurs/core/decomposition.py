"""What does each factor of a number have to do with its change? Parts that add up to the change exactly."""

from collections.abc import Sequence
from decimal import ROUND_FLOOR, Decimal
from itertools import combinations
from math import factorial, prod

CENT = Decimal("0.01")


def shapley_of_product(before: Sequence[float], after: Sequence[float]) -> list[float]:
    """The part of each factor in the change of their product: the mean over all orders in which they change.

    The parts sum to `prod(after) - prod(before)`; a factor that did not change has none; zeros and negative factors
    are fine, and the order of the factors does not matter. Sources: Shapley, 1953; Albrecht, François, Schors,
    Energy Policy 30 (2002), 727–736, where it is called the complete decomposition without a residual.
    """
    count = len(before)
    others = [[other for other in range(count) if other != own] for own in range(count)]
    return [
        sum(
            _weight(size, count) * (after[own] - before[own]) * _product(changed, others[own], before, after)
            for size in range(count)
            for changed in combinations(others[own], size)
        )
        for own in range(count)
    ]


def _weight(size: int, count: int) -> float:
    return factorial(size) * factorial(count - size - 1) / factorial(count)


def _product(changed: Sequence[int], others: Sequence[int], before: Sequence[float], after: Sequence[float]) -> float:
    return prod(after[other] if other in changed else before[other] for other in others)


def mix_and_rate(
    weights: tuple[float, float], rates: tuple[float, float], wholes: tuple[float, float]
) -> tuple[float, float]:
    """The parts of one group in the change of a mean: of its weight, and of its own rate, before and after.

    Over all groups they sum to the change of the mean. A group that grew adds by its weight only as far as it differs
    from the mean of all. Source: Kitagawa, JASA 50 (1955), 1168–1194.
    """
    (weight_before, weight_after), (before, after) = weights, rates
    mix = (weight_after - weight_before) * ((before + after) / 2 - sum(wholes) / 2)
    return mix, (weight_before + weight_after) / 2 * (after - before)


def rounded_to_sum(parts: Sequence[float], whole: Decimal, *, step: Decimal = CENT) -> list[Decimal]:
    """`parts` rounded to `step` so that they sum to `whole` exactly: the largest remainders get the missing steps.

    `whole` must be a multiple of `step`; no parts at all sum to nothing.
    """
    if not parts:
        return []
    exact = [Decimal(repr(part)) / step for part in parts]
    floors = [part.to_integral_value(ROUND_FLOOR) for part in exact]
    missing = int(whole / step - sum(floors))
    by_remainder = sorted(range(len(parts)), key=lambda place: (floors[place] - exact[place], place))
    each, extra = divmod(missing, len(parts))
    for rank, place in enumerate(by_remainder):
        floors[place] += each + (rank < extra)
    return [part * step for part in floors]
