"""Do forecasts of products add up to those of their groups, and is what is known better moved less?"""

from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from analyses.asking import answer
from analyses.test_properties import ENGINE
from engines import frames_on
from rakurs.analyses import analysis_named
from rakurs.analyses.forecast.hierarchy import reconciled
from rakurs.analyses.forecast.series import QUICK, foresee

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
