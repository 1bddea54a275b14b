"""Is leaving of subscribers learned from past days alone, known where it is planted, and refused where it is noise?"""

from datetime import date, timedelta
from random import Random
from typing import Any

import pytest

from engines import ENGINES, inputs_on
from rakurs.core.model import Fitted
from rakurs.models.cancelling import MODEL

TODAY = date(2026, 2, 1)
MONTH = 30.4375


def subscription(number: int, started: date, ended: date | None, **more: Any) -> dict[str, Any]:
    known = {"subscription_id": f"s{number}", "customer_id": f"c{number}", "plan": "free", "monthly_price": 100}
    return {**known, "started_at": started.isoformat(), "ended_at": ended.isoformat() if ended else None, **more}


def made(leaves: dict[str, float], count: int = 4_000) -> list[dict[str, Any]]:
    """Subscriptions of two years that end with a constant chance a month, by plan; prices say nothing."""
    random = Random(4)
    rows = []
    for number in range(count):
        plan = random.choice(sorted(leaves))
        started = TODAY - timedelta(days=random.randrange(1, 730))
        ended = started + timedelta(days=1 + int(random.expovariate(leaves[plan]) * MONTH))
        price = random.choice([50, 100, 150])
        rows.append(subscription(number, started, ended if ended <= TODAY else None, plan=plan, monthly_price=price))
    return rows


def learned(rows: list[dict[str, Any]]) -> tuple[Fitted, list[dict[str, Any]]]:
    engine, bound = ENGINES[0], MODEL.params().bound(TODAY)
    inputs = inputs_on(engine, MODEL, {"subscriptions": rows})
    fitted = MODEL.fit(engine.collect(MODEL.samples(inputs, bound)).sort_by(MODEL.key), bound)
    return fitted, MODEL.score(fitted.artefact, engine.collect(MODEL.present(inputs, bound)), bound).to_pylist()


def test_a_subscriber_is_seen_as_on_the_day() -> None:
    engine, bound = ENGINES[0], MODEL.params().bound(TODAY)
    rows = [
        subscription(1, date(2025, 2, 1), None),
        subscription(2, date(2025, 12, 1), TODAY, customer_id="c1"),
        # It ends tomorrow: today it is there. One that begins tomorrow is not.
        subscription(3, date(2026, 1, 1), TODAY + timedelta(days=1), monthly_price=70),
        subscription(4, TODAY + timedelta(days=1), None),
        subscription(5, date(2025, 1, 1), None, customer_id=None),
    ]
    found = engine.collect(MODEL.present(inputs_on(engine, MODEL, {"subscriptions": rows}), bound)).to_pylist()
    by_id = {row["customer_id"]: row for row in found}
    assert set(by_id) == {"c1", "c3"}
    assert (by_id["c1"]["subscriptions"], by_id["c1"]["ended_before"]) == (1, 1)
    assert by_id["c1"]["months"] == pytest.approx(365 / MONTH)
    assert by_id["c1"]["to_anniversary"] == pytest.approx(12 - 365 / MONTH)
    assert by_id["c3"]["price"] == 70


def test_planted_chances_come_back_by_plan() -> None:
    fitted, said = learned(made({"free": 0.10, "tied": 0.01}))
    assert fitted.card.grade in {"A", "B"}
    plans = {row["customer_id"]: row for row in said}
    rows = {f"c{number}": row for number, row in enumerate(made({"free": 0.10, "tied": 0.01}))}
    for plan, leaves in (("free", 0.10), ("tied", 0.01)):
        chances = [row["score"] for customer, row in plans.items() if rows[customer]["plan"] == plan]
        expected = 1 - (1 - leaves) ** (60 / MONTH)
        assert sum(chances) / len(chances) == pytest.approx(expected, rel=0.3)


@pytest.mark.slow
def test_where_all_leave_alike_nothing_is_claimed_to_tell_them_apart() -> None:
    fitted, said = learned(made({"free": 0.05, "tied": 0.05}))
    (auc,) = [item for item in fitted.card.measures if item.name == "auc"]
    assert auc.low is not None
    assert auc.low < 0.55
    assert fitted.card.grade in {"C", "early"}
    assert sum(row["score"] for row in said) / len(said) == pytest.approx(1 - 0.95 ** (60 / MONTH), rel=0.3)
