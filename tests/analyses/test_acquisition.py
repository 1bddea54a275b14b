"""When does a new client pay back, who costs more than he brings, and do all costs find their place?"""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyses.asking import answer, members
from analyses.test_properties import ENGINE, QUIET, SEEDS
from company import TODAY, random_company
from engines import frames_on
from rakurs.analyses import analysis_named

ACQUISITION = analysis_named("acquisition")
LATE = date(2026, 12, 31)


def order(customer: str, day: str, amount: float, **more: Any) -> dict[str, Any]:
    return {"order_id": f"{customer} {day}", "ordered_at": day, "customer_id": customer, "amount": amount, **more}


def asked(rows: dict[str, list[dict[str, Any]]], today: date = LATE, **params: Any) -> list[dict[str, Any]]:
    bound = ACQUISITION.params.model_validate({"discount": 0, **params}).bound(today)
    return answer(ACQUISITION, ENGINE, frames_on(ENGINE, rows), bound)


def lives(count: int, cost: float, *, channel: str = "ads") -> dict[str, list[dict[str, Any]]]:
    """Clients who bring 100 on their first day, 100 on the 30th after it and 100 on the 60th."""
    orders = [
        order(f"{channel}{number}", day, 100, channel_id=channel)
        for number in range(count)
        for day in ("2026-01-01", "2026-01-31", "2026-03-02")
    ]
    return {"orders": orders, "ad_costs": [{"spent_at": "2026-01-01", "amount": cost * count, "channel_id": channel}]}


@pytest.mark.parametrize(
    ("count", "cost", "today", "months"),
    [
        (30, 100, "2026-12-31", 1),
        # The 30th day after the first begins the second month of a life.
        (30, 101, "2026-12-31", 2),
        (30, 300, "2026-12-31", 3),
        (30, 301, "2026-12-31", None),
        # Fewer than thirty have lived through the month; and a month not yet over is nobody's.
        (29, 100, "2026-12-31", None),
        (30, 100, "2026-01-30", None),
        (30, 100, "2026-01-31", 1),
    ],
)
def test_payback_is_the_month_of_life_that_reaches_the_cost(
    count: int, cost: float, today: str, months: int | None
) -> None:
    (row,) = asked(lives(count, cost), date.fromisoformat(today))
    assert (row["newcomers"], float(row["cac"]), row["payback_months"]) == (count, cost, months)
    assert row["value"] is None  # the model has not spoken


def test_the_verdict_holds_the_interval_against_the_cost() -> None:
    def scored(customer: str, amount: float) -> dict[str, Any]:
        return {"model": "lifetime", "scored_on": "2026-12-31", "customer_id": customer, "score": 0.5, "amount": amount}

    rows: dict[str, list[dict[str, Any]]] = {"orders": [], "ad_costs": [], "model_scores": []}
    for channel, count, cost in (("dear", 20, 2_000), ("fair", 20, 400), ("near", 20, 900), ("few", 9, 400)):
        for name, found in lives(count, cost, channel=channel).items():
            rows[name] += found
        # 300 so far and 400 or 800 to come: 900 on average.
        rows["model_scores"] += [scored(f"{channel}{number}", 400 + 400 * (number % 2)) for number in range(count)]
    rows["ad_costs"].append({"spent_at": "2026-01-01", "amount": 5, "channel_id": "nobody"})
    found = {row["id"]: row for row in asked(rows)}
    verdicts = {name: row["verdict"] for name, row in found.items()}
    assert verdicts == {"dear": "loses", "fair": "pays", "near": "unclear", "few": "few", "nobody": "nobody"}
    assert float(found["fair"]["value"]) == 900
    assert float(found["dear"]["surplus"]) == -1_100


def test_a_month_is_held_against_the_same_month_a_year_ago() -> None:
    rows: dict[str, list[dict[str, Any]]] = {"orders": [], "ad_costs": [{"spent_at": "2025-01-01", "amount": 1}]}
    for month, amount in (
        ("2025-01", 100),
        ("2025-02", 100),
        ("2025-03", 100),
        ("2026-01", 60),
        ("2026-02", 100),
        ("2026-03", 60),
    ):
        people = 40 if month != "2026-03" else 29
        rows["orders"] += [order(f"{month} {n}", f"{month}-05", amount + n % 7) for n in range(people)]
    found = {row["id"]: row["trend"] for row in asked(rows, by="months")}
    assert found == {
        "2025-01": None,
        "2025-02": None,
        "2025-03": None,
        "2026-01": "falls",
        "2026-02": "same",
        "2026-03": None,
    }


@pytest.mark.slow
@QUIET
@given(seed=SEEDS, by=st.sampled_from(["channels", "campaigns", "months", "kinds", "regions"]))
def test_costs_leads_and_newcomers_add_up(seed: int, by: str) -> None:
    frames = frames_on(ENGINE, random_company(seed, orders=40))
    bound = ACQUISITION.params.model_validate({"by": by, "basis": "orders"}).bound(TODAY)
    rows = answer(ACQUISITION, ENGINE, frames, bound)
    spent = [row for row in ENGINE.collect(frames["ad_spending"]).to_pylist() if row["spent_on"] <= TODAY]
    sales = [row for row in ENGINE.collect(frames["sales"]).to_pylist() if row["basis"] == "orders" and row["is_first"]]
    whole = sum(float(row["amount"] or 0) for row in spent)
    shown = sum(float(row["cost"]) for row in rows)
    assert (
        shown == pytest.approx(whole, abs=0.05) if by in {"channels", "campaigns", "months"} else shown <= whole + 0.05
    )
    newcomers = {row["customer_id"] for row in sales if row["sold_on"] <= TODAY}
    assert sum(row["newcomers"] for row in rows) == len(newcomers)
    for row in rows:
        behind = members(ACQUISITION, ENGINE, frames, bound, {"id": row["id"]})
        assert len(behind) == len(set(behind)) == row["newcomers"]
