"""Intervals against published and independently computed numbers."""

from math import isclose
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rakurs.core.intervals import Interval, auc_interval, bootstrap, net_share_interval, shrunk_shares, wilson

COUNTS = st.integers(1, 2000).flatmap(lambda trials: st.tuples(st.integers(0, trials), st.just(trials)))


@pytest.fixture(scope="module")
def binomtest() -> Any:
    """Scipy's, whose import takes seconds also of those who only look which tests there are."""
    from scipy import stats

    return stats.binomtest


@given(pair=COUNTS)
def test_wilson_equals_scipy_and_holds_the_share(binomtest: Any, pair: tuple[int, int]) -> None:
    won, trials = pair
    ours = wilson(won, trials)
    theirs = binomtest(won, trials).proportion_ci(method="wilson")
    assert ours is not None
    assert isclose(ours.low, theirs.low, abs_tol=1e-9)
    assert isclose(ours.high, theirs.high, abs_tol=1e-9)
    assert 0 <= ours.low <= won / trials <= ours.high <= 1


def test_wilson_of_nothing_is_unknown_and_of_all_ends_at_the_edge() -> None:
    assert wilson(0, 0) is None
    none, every = wilson(0, 10), wilson(10, 10)
    assert none is not None
    assert every is not None
    assert (none.low, every.high) == (0.0, 1.0)
    assert none.high == pytest.approx(0.27754, abs=1e-5)  # Newcombe 1998, Table I: 0/10 -> .2775


def test_touching_intervals_overlap() -> None:
    assert Interval(0.1, 0.3).overlaps(Interval(0.3, 0.4))
    assert not Interval(0.1, 0.3).overlaps(Interval(0.31, 0.4))


@given(st.lists(COUNTS, min_size=1, max_size=12))
def test_shrinking_stays_between_the_own_share_and_the_common_one(pairs: list[tuple[int, int]]) -> None:
    won, trials = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    mean = sum(won) / sum(trials)
    for shrunk, own, size in zip(shrunk_shares(won, trials), won, trials, strict=True):
        assert shrunk is not None
        assert min(own / size, mean) - 1e-9 <= shrunk <= max(own / size, mean) + 1e-9


def test_small_groups_are_pulled_harder_and_empty_ones_are_unknown() -> None:
    large, small, empty = shrunk_shares([300, 3, 0], [1000, 4, 0])
    assert empty is None
    assert large == pytest.approx(0.3, abs=0.01)
    assert small is not None
    assert 0.3 < small < 0.75


def test_groups_that_differ_by_chance_only_get_the_common_mean() -> None:
    assert shrunk_shares([5, 5, 5], [10, 10, 10]) == [0.5, 0.5, 0.5]
    assert shrunk_shares([0, 0], [10, 20]) == [0.0, 0.0]
    assert shrunk_shares([], []) == []


def test_bootstrap_is_repeatable_and_needs_two_values() -> None:
    values = [1.0, 2.0, 3.0, 10.0]
    first = bootstrap(values)
    assert first == bootstrap(values)
    assert first is not None
    assert 1 <= first.low < 4 < first.high <= 10
    assert bootstrap([1.0]) is None


def test_the_interval_of_an_auc_holds_it_as_often_as_promised() -> None:
    """Scores of two normal groups one deviation apart: the area is the chance that a difference of two is above zero."""
    random, area = np.random.default_rng(2), NormalDist().cdf(1 / 2**0.5)
    held = 0
    for _ in range(400):
        positives, negatives = random.normal(1, 1, 40), random.normal(0, 1, 60)
        auc = float((positives[:, None] > negatives[None, :]).mean())
        interval = auc_interval(auc, 40, 60)
        held += interval.low <= area <= interval.high
    assert 0.92 <= held / 400 <= 0.98
    assert auc_interval(1.0, 5, 5).high == 1.0


def test_the_interval_of_a_net_share_is_the_published_one() -> None:
    """Fagerland, Lydersen, Laake, Statistics in Medicine 33 (2014): 1 and 7 of 21; PropCIs 0.3 for R: 28 and 25 of 618 at 90 %."""
    found = net_share_interval(1, 7, 21)
    assert found is not None
    assert (round(found.low, 3), round(found.high, 3)) == (-0.517, -0.026)
    found = net_share_interval(28, 25, 618, z=NormalDist().inv_cdf(0.95))
    assert found is not None
    assert (round(found.low, 4), round(found.high, 4)) == (-0.0148, 0.0247)


@given(st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(0, 40)).filter(any))
def test_the_interval_of_a_net_share_holds_it_and_turns_with_the_sides(counts: tuple[int, int, int]) -> None:
    pluses, minuses, _ = counts
    total = sum(counts)
    found, turned = net_share_interval(pluses, minuses, total), net_share_interval(minuses, pluses, total)
    assert found is not None
    assert turned is not None
    assert -1 <= found.low <= (pluses - minuses) / total <= found.high <= 1
    assert isclose(found.low, -turned.high, abs_tol=1e-12)
    assert isclose(found.high, -turned.low, abs_tol=1e-12)
    assert found.low < found.high
    assert net_share_interval(0, 0, 0) is None
