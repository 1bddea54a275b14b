"""Does a model see on a past day only what was known by its end?"""

from datetime import date
from typing import Any

import pytest

from company import random_company
from effort import some_of
from engines import ENGINES, ON_EVERY_ENGINE, EngineUnderTest, inputs_on
from rakurs.core.model import Model
from rakurs.models import MODELS
from rakurs.models.churn import MODEL as CHURN
from rakurs.models.lifetime import MODEL as LIFETIME
from rakurs.models.win import MODEL as WIN

TODAY = date(2026, 2, 1)
STAGES = [
    {"pipeline_id": "p", "stage_id": "new", "name": "New", "position": 1, "outcome": "open"},
    {"pipeline_id": "p", "stage_id": "talk", "name": "Talk", "position": 2, "outcome": "open"},
    {"pipeline_id": "p", "stage_id": "won", "name": "Won", "position": 3, "outcome": "won"},
    {"pipeline_id": "p", "stage_id": "lost", "name": "Lost", "position": 4, "outcome": "lost"},
]
Rows = dict[str, list[dict[str, Any]]]


def _order(number: int, customer: str | None, day: str, amount: float, **more: Any) -> dict[str, Any]:
    return {
        "order_id": f"o{number}",
        "customer_id": customer,
        "ordered_at": day,
        "paid_at": day,
        "amount": amount,
        **more,
    }


def _deal(deal_id: str, created: str, path: dict[str, str], **more: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    events = [
        {"deal_id": deal_id, "pipeline_id": "p", "stage_id": stage, "entered_at": at} for stage, at in path.items()
    ]
    last, at = list(path.items())[-1]
    closed = {"closed_at": at} if last in {"won", "lost"} else {}
    made = {
        "deal_id": deal_id,
        "pipeline_id": "p",
        "created_at": created,
        "stage_id": last,
        "manager_id": "m",
        "amount": 100,
    }
    return {**made, "customer_id": "a", **closed, **more}, events


def _company(*, with_future: bool) -> Rows:
    orders = [
        _order(1, "a", "2025-12-01", 100),
        _order(2, "a", "2026-01-01 09:00", 200),
        _order(3, "a", "2026-01-01 18:00", 50),
        _order(4, "once", "2025-12-15", 300),
        _order(5, "edge", "2026-02-01 23:59", 70),
        _order(6, None, "2026-01-05", 900),
    ]
    paths: dict[str, dict[str, str]] = {
        "open": {"new": "2026-01-02", "talk": "2026-01-10"},
        "lost": {"new": "2026-01-02", "lost": "2026-01-20"},
        "won on the day": {"new": "2026-01-02", "won": "2026-02-01 23:59"},
    }
    if with_future:
        orders += [
            _order(7, "a", "2026-02-02", 999),
            _order(8, "new", "2026-02-02", 999),
            _order(9, "once", "2026-03-01", 1),
        ]
        paths["open"]["won"] = "2026-02-02"
        paths["later"] = {"new": "2026-02-02"}
    future_end = "2026-02-02" if with_future else None
    deals = [_deal(name, "2026-01-02" if name != "later" else "2026-02-02", path) for name, path in paths.items()]
    return {
        "stages": STAGES,
        "pipelines": [{"pipeline_id": "p", "name": "P"}],
        "employees": [{"employee_id": "m", "name": "M"}],
        "customers": [{"customer_id": name} for name in ("a", "once", "edge", "new")],
        "orders": orders,
        "order_lines": [
            {
                "order_id": order["order_id"],
                "product_id": ("cup", "pot")[number % 2],
                "quantity": 1,
                "price": order["amount"],
            }
            for number, order in enumerate(orders)
        ],
        "leads": [
            {"lead_id": "l", "created_at": "2026-01-15", "customer_id": "a", "converted_deal_id": "open"},
            *([{"lead_id": "later", "created_at": "2026-02-02", "customer_id": "a"}] if with_future else []),
        ],
        "experiment_assignments": [
            {"experiment_id": "e", "customer_id": "a", "arm": "control", "assigned_at": "2026-01-01"},
            *(
                [{"experiment_id": "f", "customer_id": "once", "arm": "treatment", "assigned_at": "2026-02-02"}]
                if with_future
                else []
            ),
        ],
        "deals": [deal for deal, _ in deals],
        "deal_stage_events": [event for _, events in deals for event in events],
        "subscriptions": [
            {
                "subscription_id": "1",
                "customer_id": "a",
                "started_at": "2025-11-01",
                "ended_at": future_end,
                "plan": "tied",
            },
            {"subscription_id": "2", "customer_id": "once", "started_at": "2025-11-01", "ended_at": "2026-02-01"},
            *([{"subscription_id": "3", "customer_id": "a", "started_at": "2026-02-02"}] if with_future else []),
        ],
    }


def present(
    model: Model, engine: EngineUnderTest, rows: Any, *, day: date = TODAY, **params: Any
) -> list[dict[str, Any]]:
    bound = model.params.model_validate(params).bound(day)
    found = engine.collect(model.present(inputs_on(engine, model, rows), bound)).to_pylist()
    return sorted(found, key=lambda row: (row[model.key], row.get("product_id") or ""))


@pytest.mark.parametrize(
    ("engine", "model"),
    [
        pytest.param(*engine.values, model, marks=engine.marks, id=f"{engine.id}-{model.name}")
        for engine in ON_EVERY_ENGINE
        for model in (some_of(MODELS, 3) if engine.id == "spark" else MODELS)
    ],
)
def test_future_facts_do_not_change_a_past_day(model: Model, engine: EngineUnderTest) -> None:
    then, now = (present(model, engine, _company(with_future=future)) for future in (False, True))
    assert then
    assert now == then


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2, 3))])
@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_engines_see_the_same(model: Model, seed: int) -> None:
    rows = random_company(seed, deals=30, orders=40)
    duckdb, polars = (present(model, engine, rows, day=date(2026, 3, 1)) for engine in ENGINES)
    assert len(duckdb) == len(polars)
    for one, other in zip(duckdb, polars, strict=True):
        assert (
            one == pytest.approx(other, nan_ok=True)
            if all(isinstance(value, (int, float)) for value in one.values())
            else {k: round(v, 9) if isinstance(v, float) else v for k, v in one.items()}
            == {k: round(v, 9) if isinstance(v, float) else v for k, v in other.items()}
        )


def test_what_a_customer_has_bought_is_summed_by_days() -> None:
    rows = {row["customer_id"]: row for row in present(LIFETIME, ENGINES[0], _company(with_future=False))}
    assert set(rows) == {"a", "once", "edge"}
    # Two orders of 1 January are one purchase; 31 days lie between it and the first, 62 between that and today.
    a = rows["a"]
    assert (a["x"], a["tx"], a["age"], a["repeat_money"], a["revenue"]) == (1, 31, 62, 250, 350)
    assert (rows["once"]["x"], rows["once"]["tx"], rows["once"]["age"]) == (0, 0, 48)
    assert rows["edge"]["age"] == 0


def test_whoever_bought_too_long_ago_has_left_already() -> None:
    rows = present(CHURN, ENGINES[0], _company(with_future=False), active_days=48)
    # The last purchase of "once" is 48 days old: the window of 48 days begins the day after.
    assert [row["customer_id"] for row in rows] == ["a", "edge"]
    assert {row["customer_id"]: row["recency"] for row in rows} == {"a": 31, "edge": 0}


def test_a_deal_closed_on_the_day_is_no_longer_open() -> None:
    (row,) = present(WIN, ENGINES[0], _company(with_future=False))
    assert (row["deal_id"], row["stage"], row["age"], row["still"]) == ("open", "p/talk", 30, 22)
    # One of two deals closed by then was won: the share of one manager's two is pulled to the half it is.
    assert row["manager_rate"] == pytest.approx(0.5)
    assert row["won_before"] == 1


def test_returns_and_a_company_without_costs_are_valued() -> None:
    rows = _company(with_future=False)
    rows["orders"] += [_order(20 + n, f"c{n}", f"2025-{month:02}-10", 100) for n in range(60) for month in (6,)]
    rows["orders"] += [_order(200 + n, f"c{n}", f"2025-10-{1 + n % 28:02}", 100) for n in range(60)]
    bound = LIFETIME.params.model_validate({"years": 1}).bound(TODAY)
    inputs = inputs_on(ENGINES[0], LIFETIME, rows)
    fitted = LIFETIME.fit(ENGINES[0].collect(LIFETIME.samples(inputs, bound)), bound)
    assert "of revenue, not of margin" in fitted.card.notes[0].en
    said = LIFETIME.score(fitted.artefact, ENGINES[0].collect(LIFETIME.present(inputs, bound)), bound).to_pylist()
    assert all(0 <= row["score"] <= 1 and row["amount"] >= 0 for row in said)
    assert all(row["amount_low"] <= row["amount_high"] for row in said)
    assert {row["customer_id"] for row in said} >= {"once", "c0"}
