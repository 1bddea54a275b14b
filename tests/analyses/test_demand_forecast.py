"""Do forecasts of products add up to those of their groups, and is what is known better moved less?"""

from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from holidays import country_holidays
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from analyses.asking import answer
from analyses.test_properties import ENGINE
from engines import frames_on
from rakurs.analyses import analysis_named
from rakurs.models.forecasting.hierarchy import reconciled
from rakurs.models.forecasting.promoting import exposures
from rakurs.models.forecasting.series import QUICK, foresee

DEMAND = analysis_named("demand_forecast")
NUMBERS = st.lists(st.floats(0, 1e4), min_size=7, max_size=7)
PARENTS = [None, 0, 0, 1, 1, 1, 2]
"""Everything; two categories; three products and one."""


@settings(deadline=None)
@given(values=NUMBERS, errors=NUMBERS)
def test_wholes_are_the_sums_of_their_parts(values: list[float], errors: list[float]) -> None:
    moved = reconciled(np.array(values)[:, None], np.array(errors) ** 2 + 1e-6, PARENTS)[:, 0]
    assert moved[0] == pytest.approx(moved[1] + moved[2], rel=1e-6, abs=1e-4)
    assert moved[1] == pytest.approx(moved[3:6].sum(), rel=1e-6, abs=1e-4)
    assert moved[2] == pytest.approx(moved[6], rel=1e-6, abs=1e-4)
    assert (moved >= 0).all()


def test_what_adds_up_already_stays_and_what_was_known_better_moves_less() -> None:
    agreed = np.array([[10.0], [6.0], [4.0], [1.0], [2.0], [3.0], [4.0]])
    assert reconciled(agreed, np.ones(7), PARENTS) == pytest.approx(agreed)
    # The whole says 12, its two parts 4 and 6: of the gap of 2 each gives way by its variance.
    parents: list[int | None] = [None, 0, 0]
    moved = reconciled(np.array([[12.0], [4.0], [6.0]]), np.array([1.0, 1.0, 2.0]), parents)[:, 0]
    assert moved == pytest.approx([11.5, 4.5, 7.0])


def company(
    pieces: dict[str, tuple[str | None, NDArray[np.int64]]], first: str = "2023-01"
) -> dict[str, list[dict[str, Any]]]:
    """Products with their category and what was sold of them in each month."""
    rows: dict[str, list[dict[str, Any]]] = {"products": [], "orders": [], "order_lines": []}
    start = np.datetime64(first, "M")
    months = max(len(sold) for _, sold in pieces.values())
    rows["orders"] = [{"order_id": f"{n}", "ordered_at": f"{start + n}-01", "customer_id": "c"} for n in range(months)]
    for number, (product, (category, sold)) in enumerate(pieces.items()):
        rows["products"].append({"product_id": product, "category": category})
        rows["order_lines"] += [
            {"order_id": f"{n}", "product_id": product, "quantity": int(much), "price": 1, "line_no": number}
            for n, much in enumerate(sold)
            if much
        ]
    return rows


def asked(rows: dict[str, list[dict[str, Any]]], today: str, **params: Any) -> list[dict[str, Any]]:
    bound = DEMAND.params.model_validate(params).bound(date.fromisoformat(today))
    return answer(DEMAND, ENGINE, frames_on(ENGINE, rows), bound)


def test_planted_demand_is_foreseen_and_adds_up() -> None:
    random = np.random.default_rng(3)
    months = np.arange(39)
    season = 1 + 0.4 * np.sin(2 * np.pi * months / 12)
    means = {f"p{n}": 20 * (n + 1) * season for n in range(6)}
    made = {
        name: ("even" if n % 2 == 0 else None, random.poisson(mean)) for n, (name, mean) in enumerate(means.items())
    }
    rows = company({name: (category, sold[:36]) for name, (category, sold) in made.items()})
    found = asked(rows, "2025-12-31", ahead=3, top=4)
    by_level = {
        level: [row for row in found if row["level"] == level] for level in ("total", "category", "product", "rest")
    }
    (total,) = by_level["total"]
    assert len(by_level["product"]) == 4
    assert {row["product_id"] for row in by_level["product"]} == {"p2", "p3", "p4", "p5"}
    assert total["forecast"] == pytest.approx(sum(row["forecast"] for row in by_level["category"]))
    assert total["forecast"] == pytest.approx(sum(row["forecast"] for row in by_level["product"] + by_level["rest"]))
    assert sum(row["products"] for row in by_level["category"]) == total["products"] == 6
    came = sum(float(sold[36:].sum()) for _, sold in made.values())
    assert total["forecast"] == pytest.approx(came, rel=0.1)
    assert total["mase"] <= total["naive_mase"]
    assert total["came_a_year_ago"] == sum(int(sold[24:27].sum()) for _, sold in made.values())
    for row in by_level["product"]:
        assert row["forecast"] == pytest.approx(means[row["product_id"]][36:].sum(), rel=0.25)


def test_a_new_product_is_not_told_from_months_before_it_was_sold() -> None:
    sold = {"old": ("a", np.full(24, 10)), "new": ("a", np.r_[np.zeros(20, dtype=int), np.full(4, 30)])}
    found = {row["product_id"]: row for row in asked(company(sold), "2024-12-31") if row["level"] == "product"}
    assert found["new"]["forecast"] == pytest.approx(90)
    assert found["new"]["mase"] is None


def test_a_category_without_products_by_themselves_is_a_line_of_its_own() -> None:
    sold = {"big": ("a", np.full(12, 50)), "small": ("b", np.full(12, 1))}
    found = asked(company(sold), "2023-12-31", top=1)
    assert [(row["level"], row["category"]) for row in found] == [
        ("total", None), ("category", "a"), ("product", "a"), ("category", "b"),
    ]  # fmt: skip


def test_on_noise_the_quick_ways_promise_little_more_than_the_mean() -> None:
    random = np.random.default_rng(8)
    said = [
        foresee(random.poisson(30, 36).astype(float), season=12, ahead=3, level=0.8, tried=QUICK) for _ in range(60)
    ]
    assert np.mean([one.values.mean() for one in said]) == pytest.approx(30, rel=0.05)
    assert np.mean([one.coverage or 0 for one in said]) == pytest.approx(0.8, abs=0.1)


def test_rare_sales_are_foreseen_by_their_rate() -> None:
    random = np.random.default_rng(9)
    said = [
        foresee(
            (random.random(48) < 0.25) * random.poisson(4, 48).astype(float), season=12, ahead=6, level=0.8, tried=QUICK
        )
        for _ in range(60)
    ]
    assert np.mean([one.values.mean() for one in said]) == pytest.approx(1.0, rel=0.2)


def promoted(rows: dict[str, list[dict[str, Any]]], effect: float, *, seed: int = 5) -> tuple[float, float]:
    """Eight products of four categories, each category promoted in a third of 36 months; what the last three would sell with
    the category `a` promoted in all of them, and all of that category without.
    """
    random = np.random.default_rng(seed)
    pieces: dict[str, tuple[str | None, NDArray[np.int64]]] = {}
    promotions = []
    for category in "abcd":
        months = np.sort(random.choice(36, 12, replace=False))
        for number in range(2):
            mean = np.full(36, 60.0 * (number + 1))
            mean[months] *= effect
            pieces[f"{category}{number}"] = (category, random.poisson(mean))
        promotions += [month_of(category, int(month)) for month in months]
    promotions += [month_of("a", month) for month in (36, 37, 38)]
    rows |= company(pieces) | {"promotions": promotions}
    return 3 * 180.0 * effect, 3 * 180.0


def month_of(category: str, month: int) -> dict[str, Any]:
    start = np.datetime64("2023-01", "M") + month
    last = (start + 1).astype("datetime64[D]") - 1
    return {
        "promotion_id": f"{category} {start}",
        "category": category,
        "starts_on": f"{start}-01",
        "ends_on": str(last),
    }


def test_a_planted_effect_of_promotions_is_found_and_foreseen() -> None:
    rows: dict[str, list[dict[str, Any]]] = {}
    under, without = promoted(rows, 1.6)
    found = asked(rows, "2025-12-31", ahead=3)
    by_category = {row["category"]: row for row in found if row["level"] == "category"}
    assert by_category["a"]["promotion_effect"] == pytest.approx(0.6, abs=0.06)
    assert by_category["a"]["promotion_effect_low"] < 0.6 < by_category["a"]["promotion_effect_high"]
    assert by_category["a"]["forecast"] == pytest.approx(under, rel=0.1)
    assert by_category["b"]["forecast"] == pytest.approx(without, rel=0.1)
    assert [by_category[name]["promoted"] for name in "abcd"] == pytest.approx([1, 0, 0, 0])
    assert by_category["a"]["by_promotions"] == pytest.approx(by_category["a"]["promotion_effect"])
    assert by_category["b"]["by_promotions"] == pytest.approx(0)
    (total,) = (row for row in found if row["level"] == "total")
    assert total["forecast"] == pytest.approx(sum(row["forecast"] for row in by_category.values()))
    assert total["promoted"] == pytest.approx(0.25, abs=0.02)
    assert 0.1 < total["by_promotions"] < 0.2
    # Who does not know of the promotions takes the mean of both for what comes.
    blind = asked({**rows, "promotions": []}, "2025-12-31", ahead=3)
    assert blind[0]["promotion_effect"] is None
    unaware = next(row["forecast"] for row in blind if row["level"] == "category" and row["category"] == "a")
    assert without * 1.05 < unaware < under * 0.95


@pytest.mark.parametrize("seed", range(5))
def test_promotions_that_do_nothing_change_nothing(seed: int) -> None:
    rows: dict[str, list[dict[str, Any]]] = {}
    promoted(rows, 1.0, seed=seed)
    found, blind = (asked(told, "2025-12-31", ahead=3) for told in (rows, {**rows, "promotions": []}))
    assert [row["forecast"] for row in found] == [row["forecast"] for row in blind]
    assert {row["promotion_effect"] for row in found} == {None}
    assert found[0]["promoted"] == pytest.approx(0.25, abs=0.03)


def test_a_promotion_counts_by_its_days_and_by_whom_it_concerns() -> None:
    def promotion(row: str, begin: date, end: date, **more: Any) -> dict[str, Any]:
        return {
            "row": row,
            "period_start": begin,
            "until_on": end,
            "category": None,
            "own_id": None,
            "value": None,
        } | more

    edges = [date(2026, 1, 1), date(2026, 1, 11), date(2026, 1, 21)]
    found = exposures(
        [
            # Two days before and the first of the first bucket; twice the same days count once.
            promotion("promoted product", date(2025, 12, 30), date(2026, 1, 1), category="a", own_id="p", value=1.0),
            promotion("promoted product", date(2026, 1, 1), date(2026, 1, 1), category="a", own_id="p", value=1.0),
            # One of the four products that are the rest, on the last day of the first bucket and the first of the second.
            promotion("promoted product", date(2026, 1, 10), date(2026, 1, 11), category="a", value=1.0),
            promotion("promoted category", date(2026, 1, 20), date(2026, 2, 20), category="a"),
            promotion("promoted whole", date(2026, 1, 12), date(2026, 1, 13)),
            # Outside, and back to front.
            promotion("promoted whole", date(2026, 1, 21), date(2026, 1, 30)),
            promotion("promoted whole", date(2025, 1, 1), date(2025, 12, 31)),
        ],
        [("a", "p"), ("a", None), ("b", None)],
        [1, 4, 2],
        edges,
    )
    assert found == pytest.approx(np.array([[0.1, 0.3], [0.025, 0.325], [0.0, 0.2]]))


def test_weeks_with_holidays_are_worth_less_where_holidays_sell_less() -> None:
    days = np.arange(np.datetime64("2022-01-03"), np.datetime64("2025-12-22"))
    closed = country_holidays("RU", years=range(2022, 2026))
    orders = [{"order_id": str(day), "ordered_at": str(day), "customer_id": "c"} for day in days]
    sold = {str(day): 3 if day.astype(object) in closed else 10 for day in days}
    lines = [
        {"order_id": day, "product_id": "p", "quantity": quantity, "price": 1, "line_no": 1}
        for day, quantity in sold.items()
    ]
    rows = {"products": [{"product_id": "p"}], "orders": orders, "order_lines": lines}
    (total, *_) = asked(rows, "2025-12-21", ahead=3, grain="week")
    assert total["by_days"]
    ahead = [date(2025, 12, 22) + timedelta(day) for day in range(21)]
    coming = country_holidays("RU", years=(2025, 2026))
    assert sum(day in coming for day in ahead) == 10
    assert total["forecast"] == pytest.approx(10 * 3 + 11 * 10, rel=0.05)
