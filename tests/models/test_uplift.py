"""Is the effect of campaigns learned where it is planted, from what was known before each, and not found where it is not?"""

from datetime import date, timedelta
from random import Random
from typing import Any

import numpy as np
import pytest

from engines import ENGINES, ON_EVERY_ENGINE, EngineUnderTest, inputs_on
from rakurs.core.model import Fitted, NotEnough
from rakurs.models.uplift import MODEL

TODAY = date(2026, 3, 31)
BEGAN = date(2026, 2, 1)
Rows = dict[str, list[dict[str, Any]]]


def order(customer: str, day: date, *, number: int = 0, amount: float = 100) -> dict[str, Any]:
    at = day.isoformat()
    return {"order_id": f"{customer} {at} {number}", "customer_id": customer, "ordered_at": at, "amount": amount}


def taken(experiment: str, customer: str, arm: str, day: date) -> dict[str, Any]:
    return {"experiment_id": experiment, "customer_id": customer, "arm": arm, "assigned_at": day.isoformat()}


def made(effects: dict[str, float], count: int = 3_000, seed: int = 5) -> Rows:
    """One campaign; whoever bought lately ("warm") buys with .3 and, written to, by his effect more. Others buy with .1."""
    random = Random(seed)
    rows: Rows = {"orders": [], "experiment_assignments": []}
    for number in range(count):
        kind = random.choice(sorted(effects))
        name = f"{kind} {number}"
        last = BEGAN - timedelta(days=random.randrange(1, 20) if kind == "warm" else random.randrange(200, 400))
        for back in range(random.randrange(1, 4)):
            rows["orders"].append(order(name, last - timedelta(days=30 * back)))
        arm = random.choice(["treatment", "control"])
        rows["experiment_assignments"].append(taken("letter", name, arm, BEGAN))
        chance = (0.3 if kind == "warm" else 0.1) + (effects[kind] if arm == "treatment" else 0)
        if random.random() < chance:
            rows["orders"].append(order(name, BEGAN + timedelta(days=random.randrange(30))))
    return rows


def learned(rows: Rows) -> tuple[Fitted, dict[str, dict[str, Any]]]:
    engine, bound = ENGINES[0], MODEL.params().bound(TODAY)
    inputs = inputs_on(engine, MODEL, rows)
    fitted = MODEL.fit(engine.collect(MODEL.samples(inputs, bound)).sort_by(MODEL.key), bound)
    said = MODEL.score(fitted.artefact, engine.collect(MODEL.present(inputs, bound)), bound).to_pylist()
    return fitted, {row["customer_id"]: row for row in said}


@pytest.mark.parametrize("engine", ON_EVERY_ENGINE)
def test_a_customer_is_seen_as_on_the_day_before_each_experiment(engine: EngineUnderTest) -> None:
    rows = {
        "orders": [
            order("a", date(2026, 1, 1)),
            order("a", date(2026, 1, 31), amount=300),
            # On the first and on the last of thirty days; the next is too late.
            order("a", BEGAN, amount=50),
            order("b", date(2026, 3, 2)),
            order("late", date(2026, 3, 3)),
        ],
        "experiment_assignments": [
            taken("letter", "a", "treatment", BEGAN),
            taken("letter", "b", "control", BEGAN),
            taken("letter", "late", "control", BEGAN),
            # He takes part in another: by then he has bought once more.
            taken("call", "a", "control", date(2026, 3, 2)),
            # The last of its days is tomorrow.
            taken("new", "a", "control", date(2026, 3, 3)),
        ],
    }
    bound = MODEL.params().bound(TODAY)
    found = {
        tuple(row["customer_id"].split("\t")): row
        for row in engine.collect(MODEL.samples(inputs_on(engine, MODEL, rows), bound)).to_pylist()
    }
    assert {key: (row["treated"], row["label"]) for key, row in found.items()} == {
        ("letter", "a"): (1, 1),
        ("letter", "b"): (0, 1),
        ("letter", "late"): (0, 0),
        ("call", "a"): (0, 0),
    }
    then, later = found["letter", "a"], found["call", "a"]
    assert (then["purchases"], then["recency"], then["revenue_365"]) == (2, 0, 400)
    assert (later["purchases"], later["recency"], later["revenue_365"]) == (3, 28, 450)
    assert found["letter", "b"]["purchases"] is None


@pytest.mark.slow
def test_whom_a_campaign_moves_is_found_where_it_is_planted() -> None:
    fitted, said = learned(made({"warm": 0.25, "cold": 0.0}))
    assert fitted.card.chosen.en.startswith("Trees")
    assert fitted.card.grade in {"A", "B"}
    warm, cold = (
        np.mean([row["score"] for name, row in said.items() if name.startswith(kind)]) for kind in ("warm", "cold")
    )
    assert warm == pytest.approx(0.25, abs=0.06)
    assert cold == pytest.approx(0.0, abs=0.04)
    # No order has a cost: there is no margin to expect.
    assert {row["amount"] for row in said.values()} == {None}


@pytest.mark.slow
def test_whom_a_campaign_puts_off_is_found() -> None:
    _, said = learned(made({"warm": -0.25, "cold": 0.1}))
    assert np.mean([row["score"] for name, row in said.items() if name.startswith("warm")]) < -0.1
    assert np.mean([row["score"] for name, row in said.items() if name.startswith("cold")]) > 0.02


@pytest.mark.slow
def test_an_equal_effect_is_called_equal() -> None:
    found = [learned(made({"warm": 0.1, "cold": 0.1}, seed=seed)) for seed in range(4)]
    same = [
        said for fitted, said in found if fitted.card.chosen.en == "The same for everybody" and fitted.card.grade == "C"
    ]
    # One in forty may look otherwise by chance.
    assert len(same) >= 3
    for said in same:
        (told,) = {row["score"] for row in said.values()}
        assert told == pytest.approx(0.1, abs=0.04)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_no_effect_is_called_none(seed: int) -> None:
    fitted, _ = learned(made({"warm": 0.0, "cold": 0.0}, seed=seed))
    assert fitted.card.grade == "early"
    assert len(fitted.card.notes) == 2


def test_few_customers_are_too_few() -> None:
    with pytest.raises(NotEnough):
        learned(made({"warm": 0.25}, count=300))
