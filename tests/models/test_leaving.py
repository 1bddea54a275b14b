"""Is leaving at any time fitted as published, and does the likelier of two laws tell what comes?"""

import numpy as np
import pyarrow as pa
import pytest
from scipy.special import hyp2f1

from rakurs.models.laws import MBG, PARETO, Customers, Laws, fit_laws
from rakurs.models.leaving import LeavingModel, fit_leaving


@pytest.fixture(scope="module")
def cdnow() -> dict[str, np.ndarray]:
    from lifetimes.datasets import load_cdnow_summary

    found = load_cdnow_summary()
    names = {"x": "frequency", "tx": "recency", "age": "T"}
    return {ours: found[theirs].to_numpy(float) for ours, theirs in names.items()}


def test_pareto_nbd_is_as_published(cdnow: dict[str, np.ndarray]) -> None:
    model = fit_leaving(**cdnow)
    # The BTYD walkthrough: .553, 10.578, .606, 11.669; log-likelihood -9594.976.
    assert (model.r, model.alpha, model.s, model.beta) == pytest.approx((0.553, 10.578, 0.606, 11.669), rel=1e-3)
    assert model.log_likelihood == pytest.approx(-9594.976, abs=0.01)
    assert model.expected_new(52.0)[0] == pytest.approx(1.473434, rel=1e-5)
    one = (np.array([26.0]), np.array([30.85714]), np.array([31.0]))
    assert model.expected(*one, 52.0)[0] == pytest.approx(25.45647, rel=1e-4)
    assert model.alive(*one)[0] == pytest.approx(0.997874, rel=1e-5)


@pytest.mark.parametrize("scales", [(10.6, 11.7), (0.3, 40.0), (50.0, 2.0)])
def test_the_chance_to_be_there_equals_the_closed_form(scales: tuple[float, float]) -> None:
    (r, s), (alpha, beta) = (0.55, 0.61), scales
    x, tx, age = (
        np.array([0.0, 0.0, 1.0, 7.0, 26.0]),
        np.array([0.0, 0.0, 5.0, 30.0, 30.0]),
        np.array([1.0, 60.0, 60.0, 31.0, 90.0]),
    )
    total, wide, narrow = r + s + x, max(alpha, beta), min(alpha, beta)
    other = s + 1 if alpha >= beta else r + x

    def part(at: np.ndarray) -> np.ndarray:
        return hyp2f1(total, other, total + 1, (wide - narrow) / (wide + at)) / (wide + at) ** total

    odds = s / total * (alpha + age) ** (r + x) * (beta + age) ** s * (part(tx) - part(age))
    model = LeavingModel(r=r, alpha=alpha, s=s, beta=beta, log_likelihood=0.0)
    assert model.alive(x, tx, age) == pytest.approx(1 / (1 + odds), rel=1e-7)


def test_a_client_who_buys_today_is_there_and_time_is_continuous_at_s_of_one() -> None:
    model, near = (LeavingModel(r=1.0, alpha=5.0, s=s, beta=9.0, log_likelihood=0.0) for s in (1.0, 1.0 + 1e-6))
    today = (np.array([3.0]), np.array([40.0]), np.array([40.0]))
    assert model.alive(*today)[0] == 1.0
    assert model.expected(*today, 52.0) == pytest.approx(near.expected(*today, 52.0), rel=1e-4)


def _clients(random: np.random.Generator, size: int, *, rate: float, life: float) -> pa.Table:
    """Clients who live an exponential time and buy at gamma rates until then; times in weeks, told in days."""
    age = random.uniform(20, 150, size)
    own = random.gamma(1.5, rate / 1.5, size)
    ends = np.minimum(random.exponential(life, size), age)
    times = [np.sort(random.uniform(0, end, random.poisson(speed * end))) for end, speed in zip(ends, own, strict=True)]
    x = np.array([float(len(found)) for found in times])
    tx = np.array([found[-1] if len(found) else 0.0 for found in times])
    money = np.where(x > 0, 100.0 * x, 0.0)
    named = {"x": x, "tx": 7 * tx, "age": 7 * age, "purchases": x + 1, "repeat_money": money, "revenue": money + 100}
    nothing = np.full(size, np.nan)
    return pa.table({**named, "margin": nothing, "revenue_with_margin": nothing, "kind": pa.nulls(size, pa.string())})


def _of_kind(rows: pa.Table, kind: str) -> pa.Table:
    return rows.set_column(rows.column_names.index("kind"), "kind", pa.array([kind] * rows.num_rows))


@pytest.mark.slow
def test_lives_that_end_at_any_time_are_known_far_ahead() -> None:
    """The other law, where leaving waits for a purchase and hardly anybody loyal ever goes, is refused by the likelihood."""
    random = np.random.default_rng(5)
    customers = Customers(_clients(random, 6_000, rate=0.2, life=45.0))
    laws = fit_laws(customers)
    assert laws.rest.name == PARETO
    # A newcomer stays 45 weeks on average, whatever the horizon, and buys every fifth week of them.
    assert laws.rest.buying.expected_new(520.0)[0] == pytest.approx(45 * 0.2, rel=0.1)
    assert Laws.read(laws.kept()) == laws


@pytest.mark.slow
def test_kinds_get_laws_of_their_own_only_where_they_live_apart() -> None:
    random = np.random.default_rng(6)
    short, long = (_clients(random, 2_000, rate=0.2, life=life) for life in (30.0, 150.0))
    apart = fit_laws(Customers(pa.concat_tables([_of_kind(short, "person"), _of_kind(long, "company")])))
    assert len(apart.by_kind) == 1
    alike = fit_laws(
        Customers(pa.concat_tables([_of_kind(short.slice(0, 1000), "person"), _of_kind(short.slice(1000), "company")]))
    )
    assert not alike.by_kind
    # A kind too small for a law of its own goes with the largest: nobody is left without one.
    few = pa.concat_tables([_of_kind(short, "person"), _of_kind(long, "company"), long.slice(0, 20)])
    laws = fit_laws(Customers(few))
    covered = sum(rows.astype(int) for rows, _, _ in laws.groups(Customers(few)))
    assert np.array_equal(covered, np.ones(few.num_rows, dtype=int))


def test_buying_days_of_a_shop_are_told_by_the_likelier_law(cdnow: dict[str, np.ndarray]) -> None:
    size = len(cdnow["x"])
    x = cdnow["x"]
    rows = {
        "x": x,
        "tx": 7 * cdnow["tx"],
        "age": 7 * cdnow["age"],
        "purchases": x + 1,
        "repeat_money": x,
        "revenue": x + 1,
    }
    nothing = np.full(size, np.nan)
    laws = fit_laws(
        Customers(pa.table({**rows, "margin": nothing, "revenue_with_margin": nothing, "kind": [None] * size}))
    )
    assert laws.rest.name in {MBG, PARETO}
    assert laws.rest.buying.log_likelihood >= fit_leaving(**cdnow).log_likelihood
