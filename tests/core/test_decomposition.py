"""Do the parts of a change add up, and are false findings as rare as promised?"""

from decimal import Decimal
from itertools import permutations
from math import isclose, prod
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rakurs.core.decomposition import mix_and_rate, rounded_to_sum, shapley_of_product
from rakurs.core.discoveries import (
    benjamini_hochberg,
    count_change_differs,
    share_change_differs,
    size_change_differs,
    two_sided,
)

NUMBERS = st.floats(min_value=-1_000, max_value=1_000, allow_nan=False)


def by_orders(before: list[float], after: list[float]) -> list[float]:
    """The definition itself: change the factors one after another, in every order."""
    parts = [0.0] * len(before)
    orders = list(permutations(range(len(before))))
    for order in orders:
        now = list(before)
        for factor in order:
            was = prod(now)
            now[factor] = after[factor]
            parts[factor] += (prod(now) - was) / len(orders)
    return parts


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=4))
def test_shapley_parts_are_means_over_all_orders_and_leave_nothing(pairs: list[tuple[float, float]]) -> None:
    before, after = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    parts = shapley_of_product(before, after)
    size = 1 + max(abs(prod(before)), abs(prod(after)), *(abs(part) for part in parts))
    assert isclose(sum(parts), prod(after) - prod(before), abs_tol=1e-6 * size)
    expected = by_orders(before, after)
    size += max(abs(part) for part in expected)
    assert all(isclose(one, other, abs_tol=1e-6 * size) for one, other in zip(parts, expected, strict=True))


def test_two_factors_share_the_corner() -> None:
    # 10 x 5 -> 12 x 6: quantity 2 at the mean price 5.5, price 1 at the mean quantity 11.
    assert shapley_of_product([10, 5], [12, 6]) == [11, 11]


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(0, 50), st.integers(1, 50), st.integers(0, 50)), min_size=1))
def test_mix_and_rate_sum_to_the_change_of_the_mean(groups: list[tuple[int, int, int, int]]) -> None:
    sizes = [sum(group[0] for group in groups), sum(group[2] for group in groups)]
    wholes = (sum(group[1] for group in groups) / sizes[0], sum(group[3] for group in groups) / sizes[1])
    parts = [mix_and_rate((n0 / sizes[0], n1 / sizes[1]), (x0 / n0, x1 / n1), wholes) for n0, x0, n1, x1 in groups]
    assert isclose(sum(map(sum, parts)), wholes[1] - wholes[0], abs_tol=1e-9)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1), st.integers(-(10**8), 10**8))
def test_rounded_parts_sum_exactly(parts: list[float], cents: int) -> None:
    whole = Decimal(cents) / 100
    assert sum(rounded_to_sum(parts, whole)) == whole


def test_rounding_moves_no_part_by_more_than_a_cent_when_the_sum_is_its_own() -> None:
    assert rounded_to_sum([1 / 3, 1 / 3, 1 / 3], Decimal(1)) == [Decimal("0.34"), Decimal("0.33"), Decimal("0.33")]
    assert rounded_to_sum([], Decimal(0)) == []


def test_adjusted_p_values_of_the_article() -> None:
    # Benjamini and Hochberg 1995, section 3.2: fifteen tests, at 0.05 exactly the four smallest are rejected.
    published = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528,
                 0.7590, 1.0]  # fmt: skip
    adjusted = benjamini_hochberg(published)
    assert [value <= 0.05 for value in adjusted] == [True] * 4 + [False] * 11
    assert adjusted == sorted(adjusted)
    shuffled = Random(1).sample(range(15), 15)
    assert benjamini_hochberg([published[place] for place in shuffled]) == [adjusted[place] for place in shuffled]


def test_normal_tail() -> None:
    assert isclose(two_sided(1.959963984540054), 0.05, rel_tol=1e-9)


def test_what_stayed_and_what_went_with_the_others_is_no_news() -> None:
    fell, stayed = ((400, 800), (80, 800)), ((400, 800), (400, 800))
    assert share_change_differs(fell, stayed) < 1e-6
    assert share_change_differs(stayed, fell) > 0.9
    assert share_change_differs(fell, fell) > 0.9
    assert count_change_differs((100, 300), (1_000, 3_000)) > 0.9
    assert count_change_differs((100, 300), (1_000, 1_000)) < 1e-6


@pytest.mark.parametrize("test", ["share", "count", "size"])
def test_chance_alone_is_called_a_change_no_oftener_than_promised(test: str) -> None:
    random = Random(f"null {test}")
    tries = 1_500
    p_values = [NULLS[test](random) for _ in range(tries)]
    for level in (0.01, 0.05, 0.2):
        share = sum(p <= level for p in p_values) / tries
        assert share <= level + 4 * (level * (1 - level) / tries) ** 0.5


def _null_share(random: Random) -> float:
    draw = lambda trials: (sum(random.random() < 0.4 for _ in range(trials)), trials)  # noqa: E731
    return share_change_differs((draw(40), draw(30)), (draw(200), draw(200)))


def _null_count(random: Random) -> float:
    draw = lambda trials: sum(random.random() < 0.5 for _ in range(trials))  # noqa: E731
    return count_change_differs((draw(60), draw(60)), (draw(400), draw(400)))


def _null_size(random: Random) -> float:
    def draw(count: int) -> tuple[int, float, float]:
        logs = [random.gauss(9, 1.3) for _ in range(count)]
        return count, sum(logs), sum(value * value for value in logs)

    found = size_change_differs((draw(30), draw(35)), (draw(200), draw(200)))
    assert found is not None
    return found


NULLS = {"share": _null_share, "count": _null_count, "size": _null_size}
