"""Is the end of a month told by what erred less before, do keys add up to the company, and are months to come foreseen?"""

from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from analyses.asking import answer
from analyses.test_properties import ENGINE
from engines import frames_on
from rakurs.analyses import analysis_named

PLAN = analysis_named("plan_fact")
SALES = analysis_named("sales_forecast")
FIRST = date(2023, 1, 1)
Rows = dict[str, list[dict[str, Any]]]


def company(today: date, *, level: Any, shape: Any, managers: tuple[str, ...] = ("anna", "boris")) -> Rows:
    """A sale of each manager on each day: the `level` of its month spread by the `shape` of a day; Anna sells twice as much."""
    orders: list[dict[str, Any]] = []
    day = FIRST
    while day <= today:
        for place, manager in enumerate(managers):
            amount = round(level(day) * shape(day) * (2 if place == 0 else 1), 2)
            orders.append(
                {"order_id": f"{manager} {day}", "ordered_at": str(day), "manager_id": manager, "amount": amount}
            )
        day += timedelta(days=1)
    months = sorted({f"{day:%Y-%m}" for day in (FIRST + timedelta(days=n) for n in range(1461))})
    plans = [
        {"month": month, "metric": "revenue", "target": 1_000, "employee_id": manager}
        for month in months
        for manager in managers
    ]
    return {
        "employees": [{"employee_id": name, "name": name} for name in managers],
        "orders": orders,
        "plans": plans,
    }


def asked(rows: Rows, today: date, **params: Any) -> list[dict[str, Any]]:
    bound = PLAN.params.model_validate({"basis": "orders", **params}).bound(today)
    return answer(PLAN, ENGINE, frames_on(ENGINE, rows), bound)


def whole(rows: Rows, today: date, **params: Any) -> dict[str, Any]:
    (row,) = asked(rows, today, by="company", **params)
    return row


def _seasonal(day: date) -> float:
    return 100 + 60 * np.sin(2 * np.pi * day.month / 12)


def _spiky(day: date) -> float:
    """Within a month sales come in lumps, another day each month."""
    return 10.0 if day.day == 1 + (day.month * 7 + day.year * 3) % 27 else 0.1


def test_early_in_a_month_of_lumps_the_forecast_is_taken_and_is_that_of_the_sales_forecast() -> None:
    today = date(2026, 3, 3)
    rows = company(today, level=_seasonal, shape=_spiky)
    row = whole(rows, today, period="this_month")
    assert row["foreseen_by"] == "forecast"
    bound = SALES.params.model_validate({"basis": "orders", "ahead": 1}).bound(today)
    foretold = next(one for one in answer(SALES, ENGINE, frames_on(ENGINE, rows), bound) if one["is_forecast"])
    share = float(row["expected_by_now"] / row["target"])
    assert float(row["forecast"]) == pytest.approx(
        float(row["fact"]) + (1 - share) * float(foretold["forecast"]), rel=1e-4
    )
    truth = sum(3 * _seasonal(day) * _spiky(day) for day in (date(2026, 3, 1) + timedelta(days=n) for n in range(31)))
    assert float(row["forecast_low"]) <= truth <= float(row["forecast_high"])
    paced = whole(rows, today, period="this_month", foreseen_by="pace")
    assert abs(float(row["forecast"]) - truth) < abs(float(paced["forecast"]) - truth)


def test_where_months_run_alike_the_pace_is_taken() -> None:
    # Every month runs evenly, but how much it brings is anybody's guess.
    random = np.random.default_rng(1)
    levels = {(year, month): 50 + 400 * random.random() for year in range(2023, 2028) for month in range(1, 13)}
    today = date(2026, 3, 20)
    rows = company(today, level=lambda day: levels[day.year, day.month], shape=lambda _day: 1.0)
    row = whole(rows, today, period="this_month")
    assert row["foreseen_by"] == "pace"
    truth = 3 * 31 * levels[2026, 3]
    assert float(row["forecast"]) == pytest.approx(truth, rel=0.1)  # days are counted by working days
    assert row["forecast"] == whole(rows, today, period="this_month", foreseen_by="pace")["forecast"]
    assert float(row["forecast_low"]) <= truth <= float(row["forecast_high"])
    assert row["forecast_low"] >= row["fact"]


@pytest.mark.parametrize("foreseen_by", ["pace", "forecast", "better"])
def test_employees_add_up_to_the_company_with_months_to_come(foreseen_by: str) -> None:
    today = date(2026, 3, 15)
    rows = company(today, level=_seasonal, shape=lambda day: 1 + day.day % 3)
    asking = {"period": "this_year", "to_end": True, "foreseen_by": foreseen_by}
    row = whole(rows, today, **asking)
    people = {one["key"]: one for one in asked(rows, today, by="employee", **asking)}
    assert float(sum(one["forecast"] for one in people.values())) == pytest.approx(float(row["forecast"]), abs=0.05)
    assert people["anna"]["forecast"] > people["boris"]["forecast"] * 19 / 10
    assert people["anna"]["forecast_low"] is None
    # The nine months to come are foreseen, not taken for nothing.
    truth = sum(
        3 * _seasonal(day) * (1 + day.day % 3) for day in (date(2026, 1, 1) + timedelta(days=n) for n in range(365))
    )
    assert row["target"] == 12 * 2_000
    assert whole(rows, today, period="this_year")["target"] == 3 * 2_000
    assert float(row["forecast"]) == pytest.approx(truth, rel=0.05)


def test_of_a_short_past_months_to_come_sell_by_the_working_day_as_the_last_ones() -> None:
    # January to March 2023 with 17, 18 and 22 working days, a sale of 3 a day of any kind.
    today = date(2023, 4, 3)
    rows = company(today, level=lambda _day: 1.0, shape=lambda _day: 1.0)
    row = whole(rows, today, period="custom", from_day="2023-05-01", to_day="2023-05-31")
    days = frames_on(ENGINE, rows)["calendar"]
    known = ENGINE.collect(days).to_pylist()
    worked = [one["day"] for one in known if one["is_working_day"] and FIRST <= one["day"] <= today]
    coming = [one["day"] for one in known if one["is_working_day"] and one["month"] == date(2023, 5, 1)]
    sold = 3 * ((today - FIRST).days + 1)
    assert float(row["forecast"]) == pytest.approx(sold / len(worked) * len(coming), abs=0.01)
    assert row["fact"] == 0
    assert row["forecast_low"] is None


def test_without_a_sale_the_pace_is_that_of_working_days() -> None:
    rows = {**company(FIRST, level=lambda _day: 1.0, shape=lambda _day: 1.0), "orders": []}
    row = whole(rows, date(2026, 3, 10), period="this_month")
    # 6 of the 21 working days of March 2026 are over.
    assert float(row["expected_by_now"]) == pytest.approx(2_000 * 6 / 21, abs=0.01)
    assert (row["fact"], row["forecast"]) == (0, 0)
