"""Is a season that many small lines share found in the whole, left alone where there is none, and left to a line of its own?"""

import numpy as np
import pytest
from numpy.typing import NDArray

from rakurs.models.forecasting.season import common_season, foresee_in_season
from rakurs.models.forecasting.series import QUICK, foresee

WEEKS, AHEAD, LEVEL = 156, 8, 0.8
TIMES = np.arange(WEEKS + AHEAD)
SEASON = 1 + 0.35 * np.sin(2 * np.pi * (TIMES + 20) / 52)


def lines(season: NDArray[np.float64], *, seed: int, size: float = 5.0, count: int = 25) -> NDArray[np.float64]:
    return np.random.default_rng(seed).poisson(np.broadcast_to(size * season, (count, len(season)))).astype(float)


def found(past: NDArray[np.float64]) -> NDArray[np.float64] | None:
    return common_season(past, season=52, ahead=AHEAD, level=LEVEL, tried=QUICK)


def test_a_planted_season_is_found_to_a_twentieth() -> None:
    worth = found(lines(SEASON, seed=1)[:, :WEEKS].sum(axis=0))
    assert worth is not None
    assert worth == pytest.approx(SEASON / SEASON[:52].mean(), abs=0.08)
    assert np.abs(worth - SEASON / SEASON[:52].mean()).mean() < 0.04


@pytest.mark.parametrize("seed", range(5))
def test_of_noise_and_of_growth_no_season_is_made(seed: int) -> None:
    flat, grown = np.ones(WEEKS), np.linspace(1, 2, WEEKS)
    assert found(lines(flat, seed=seed).sum(axis=0)) is None
    worth = found(lines(grown, seed=seed).sum(axis=0))
    assert worth is None or np.ptp(worth) < 0.15


def test_less_than_two_years_show_no_season() -> None:
    assert found(lines(SEASON, seed=1)[:, :103].sum(axis=0)) is None


def test_small_lines_are_foreseen_better_in_the_season_of_the_whole() -> None:
    sold = lines(SEASON, seed=2)
    past, came = sold[:, :WEEKS], sold[:, WEEKS:].sum(axis=1)
    worth = found(past.sum(axis=0))
    assert worth is not None
    plain = [foresee(one, season=52, ahead=AHEAD, level=LEVEL, tried=QUICK) for one in past]
    seasonal = [
        foresee_in_season(one, worth, alone, ahead=AHEAD, level=LEVEL, tried=QUICK)
        for one, alone in zip(past, plain, strict=True)
    ]

    def missed(said: list[float]) -> float:
        return float(np.abs(np.array(said) - came).sum() / came.sum())

    assert missed([one.values.sum() for one in seasonal]) < 0.9 * missed([one.values.sum() for one in plain])


def test_a_line_with_a_season_of_its_own_keeps_it() -> None:
    contrary = 2 - SEASON
    past = lines(contrary, seed=3, size=200, count=1)[0, :WEEKS]
    alone = foresee(past, season=52, ahead=AHEAD, level=LEVEL, tried=QUICK)
    worth = SEASON / SEASON[:52].mean()
    chosen = foresee_in_season(past, worth, alone, ahead=AHEAD, level=LEVEL, tried=QUICK)
    assert chosen == alone
