"""Do subscriptions live on as another program counts them, and is a planted life valued at what it pays?"""

from datetime import date, timedelta
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.duration.survfunc import SurvfuncRight

from analyses.asking import answer
from analyses.test_properties import ENGINE, QUIET, SEEDS
from company import TODAY, random_company
from engines import frames_on
from rakurs.analyses import analysis_named
from rakurs.analyses.clients.survival import Group

VALUE, SURVIVAL = analysis_named("subscription_value"), analysis_named("subscription_survival")
NOW = date(2026, 1, 1)
MONTH = 30.4375


def asked(
    analysis: Any, rows: dict[str, list[dict[str, Any]]], today: date = NOW, **params: Any
) -> list[dict[str, Any]]:
    bound = analysis.params.model_validate(params).bound(today)
    return answer(analysis, ENGINE, frames_on(ENGINE, rows), bound)


def planted(count: int, *, leaves: float, plan: str = "free", price: float = 100) -> list[dict[str, Any]]:
    """Subscriptions that began on any day of three years and end with a constant chance a month."""
    random = Random(plan)
    made = []
    for number in range(count):
        began = NOW - timedelta(days=random.randrange(1, 1_095))
        ends = began + timedelta(days=int(random.expovariate(-np.log1p(-leaves)) * MONTH))
        made.append(
            {
                "subscription_id": f"{plan}{number}",
                "started_at": began.isoformat(),
                "ended_at": ends.isoformat() if ends <= NOW else None,
                "plan": plan,
                "monthly_price": price,
            }
        )
    return made


@given(
    counts=st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=12).filter(
        lambda counts: sum(map(sum, counts)) > 0
    )
)
def test_the_share_that_lives_on_is_that_of_another_program(counts: list[tuple[int, int]]) -> None:
    ended, active = (np.array(column, dtype=float) for column in zip(*counts, strict=True))
    group = Group("g", "g", ended, active, np.zeros(len(ended)), None)
    months = np.arange(len(ended))
    # An end within a month comes at its close, after whoever is in the middle of it has left the sight.
    times = np.r_[np.repeat(months + 1, ended.astype(int)), np.repeat(months, active.astype(int))]
    status = np.r_[np.ones(int(ended.sum())), np.zeros(int(active.sum()))]
    if not status.any():
        return
    known = SurvfuncRight(times, status)
    for time, share in zip(known.surv_times, known.surv_prob, strict=True):
        if 0 < time <= group.seen:
            assert group.survival(int(time))[-1] == pytest.approx(share)
            bounds = group.bounds(int(time))
            assert bounds is None or bounds[0] < share < bounds[1]


@pytest.mark.slow
def test_a_planted_chance_to_leave_comes_back_and_is_valued() -> None:
    rows = {"subscriptions": [*planted(3_000, leaves=0.05), *planted(3_000, leaves=0.01, plan="tied")]}
    found = {row["id"]: row for row in asked(VALUE, rows, discount=0, years=10)}
    for plan, leaves in (("free", 0.05), ("tied", 0.01)):
        row = found[plan]
        chance = 4 / np.sqrt(row["ended"])  # four standard deviations of a count
        assert row["monthly_churn"] == pytest.approx(leaves, rel=chance)
        assert row["kept_12"] == pytest.approx((1 - leaves) ** 12, abs=0.02)
        paid = 100 * (1 - (1 - leaves) ** 120) / leaves
        assert float(row["value_new"]) == pytest.approx(paid, rel=chance)
        # Who leaves by chance alone has no age: what is ahead of each is a new one's, less the first payment. Told beyond the
        # months seen by their latest hazard, which few ends make uncertain.
        assert float(row["value_left"]) == pytest.approx(row["active"] * (1 - leaves) * paid, rel=0.2)
    assert found["free"]["median_months"] == pytest.approx(np.log(0.5) / np.log(0.95), abs=2)
    curve = [row for row in asked(SURVIVAL, rows) if row["id"] == "free"]
    assert [row["month"] for row in curve] == list(range(1, len(curve) + 1))
    assert curve[11]["survival"] == pytest.approx(found["free"]["kept_12"])


def test_money_today_is_worth_more_than_money_ahead() -> None:
    rows = {"subscriptions": planted(500, leaves=0.02)}
    dear, plain = (float(asked(VALUE, rows, discount=rate)[0]["value_new"]) for rate in (0.2, 0.0))
    half = float(asked(VALUE, rows, discount=0, margin_share=0.5)[0]["value_new"])
    assert dear < plain
    assert half == pytest.approx(plain / 2, abs=0.01)


@pytest.mark.slow
@QUIET
@given(seed=SEEDS, by=st.sampled_from(["plans", "products", "channels", "kinds", "all"]))
def test_every_subscription_is_counted_once(seed: int, by: str) -> None:
    frames = frames_on(ENGINE, random_company(seed))
    rows = answer(VALUE, ENGINE, frames, VALUE.params.model_validate({"by": by}).bound(TODAY))
    known = [row for row in ENGINE.collect(frames["subscription_lives"]).to_pylist() if row["started_on"] <= TODAY]
    assert sum(row["subscriptions"] for row in rows) == len(known)
    gone = [row for row in known if row["ended_on"] is not None and row["ended_on"] <= TODAY]
    assert sum(row["ended"] for row in rows) == len(gone)
