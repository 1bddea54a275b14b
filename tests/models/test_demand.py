"""Is a season foreseen where it is planted, is the rate kept where nothing is to be known, and does a horizon hold its days?"""

from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from engines import ENGINES, inputs_on
from rakurs.core.model import Fitted, NotEnough
from rakurs.models.demand import GROUP, MODEL, OWN, RATE

FIRST = date(2023, 1, 2)
"""A Monday."""
WEEKS = 130
SEASON = 1 + 0.8 * np.sin(2 * np.pi * np.arange(WEEKS + 8) / 52)
"""Highest in the 14th week of a year, lowest in the 40th."""
TODAY = FIRST + timedelta(weeks=WEEKS) - timedelta(days=1)
"""The Sunday that ends the last whole week: the horizon begins with a Monday."""


def company(pieces: dict[str, tuple[str | None, NDArray[np.float64]]]) -> dict[str, list[dict[str, Any]]]:
    """Products with their category and the mean of what is sold of them in each week, on its Wednesday."""
    random = np.random.default_rng(5)
    rows: dict[str, list[dict[str, Any]]] = {"products": [], "orders": [], "order_lines": []}
    for week in range(WEEKS):
        day = FIRST + timedelta(weeks=week, days=2)
        rows["orders"].append({"order_id": f"{week}", "ordered_at": str(day), "customer_id": "c"})
    for number, (product, (category, means)) in enumerate(pieces.items()):
        rows["products"].append({"product_id": product, "category": category})
        rows["order_lines"] += [
            {"order_id": f"{week}", "product_id": product, "quantity": much, "price": 1, "line_no": number}
            for week, much in enumerate(random.poisson(means[:WEEKS]).tolist())
            if much
        ]
    return rows


def learned(
    rows: dict[str, list[dict[str, Any]]], *, today: date = TODAY, **params: Any
) -> tuple[Fitted, dict[str, dict[str, Any]]]:
    engine, bound = ENGINES[0], MODEL.params.model_validate(params).bound(today)
    inputs = inputs_on(engine, MODEL, rows)
    fitted = MODEL.fit(engine.collect(MODEL.samples(inputs, bound)).sort_by("product_id"), bound)
    said = MODEL.score(fitted.artefact, engine.collect(MODEL.present(inputs, bound)), bound).to_pylist()
    return fitted, {row["product_id"]: row for row in said}


SEASONAL = company(
    {
        **{f"big{n}": ("tea", 60 * SEASON) for n in range(4)},
        **{f"small{n}": ("tea", 6 * SEASON) for n in range(6)},
        "even": ("cups", np.full(WEEKS, 40.0)),
    }
)


def test_a_season_is_foreseen_by_product_and_for_the_rest_of_its_category() -> None:
    # 130 weeks are two years and a half: demand has just begun to fall from its mean to its lowest.
    fitted, said = learned(SEASONAL, horizon_days=42, top=5)
    card = fitted.card
    truth = SEASON[WEEKS : WEEKS + 6].mean() / 7
    rate = SEASON[WEEKS - 13 : WEEKS].mean() / 7
    assert truth < 0.7 * rate
    assert card.grade in {"A", "B"}
    assert {row["factor_1"] for name, row in said.items() if name.startswith("big")} == {OWN}
    assert {row["factor_1"] for name, row in said.items() if name.startswith("small")} == {GROUP}
    for name, size in (("big0", 60), ("big3", 60)):
        assert said[name]["expected_count"] == pytest.approx(size * truth, rel=0.12)
    small = sum(said[f"small{n}"]["expected_count"] for n in range(6))
    assert small == pytest.approx(36 * truth, rel=0.15)
    assert said["even"]["expected_count"] == pytest.approx(40 / 7, rel=0.1)
    wape = next(measure for measure in card.measures if measure.name == "wape")
    assert wape.baseline is not None
    assert wape.value < 0.7 * wape.baseline
    assert said["big0"]["score"] == pytest.approx(1.0)


def test_of_noise_the_rate_is_kept() -> None:
    noise = company({f"p{n}": ("g", np.full(WEEKS, 3.0 + n)) for n in range(12)})
    fitted, said = learned(noise)
    assert fitted.card.grade == "C"
    assert fitted.artefact == {}
    assert {row["factor_1"] for row in said.values()} == {RATE}
    # The pieces of the last 91 days, by the day: the 13 last Wednesdays.
    sold = {row["order_id"]: row["quantity"] for row in noise["order_lines"] if row["product_id"] == "p5"}
    assert said["p5"]["expected_count"] == pytest.approx(
        sum(sold.get(f"{week}", 0) for week in range(WEEKS - 13, WEEKS)) / 91
    )


def test_a_horizon_holds_its_days_of_each_week() -> None:
    fitted, _ = learned(SEASONAL, horizon_days=42, top=5)
    artefact = {**fitted.artefact, OWN: [("big0", [7.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])], GROUP: []}
    rows = ENGINES[0].collect(
        MODEL.present(inputs_on(ENGINES[0], MODEL, SEASONAL), MODEL.params().bound(TODAY)),
    )

    def a_day(today: date, horizon: int) -> float:
        bound = MODEL.params.model_validate({"horizon_days": horizon}).bound(today)
        said = MODEL.score(artefact, rows, bound).to_pylist()
        return float(next(row["expected_count"] for row in said if row["product_id"] == "big0"))

    assert a_day(TODAY, 7) == pytest.approx(7)  # the first week whole
    assert a_day(TODAY, 8) == pytest.approx((7 * 7 + 1) / 8)
    assert a_day(TODAY + timedelta(days=1), 7) == pytest.approx((6 * 7 + 1) / 7)
    assert a_day(TODAY + timedelta(days=7), 7) == pytest.approx(1)


def test_half_a_year_is_needed() -> None:  # the first week, begun on a Wednesday, does not count
    rows = company({"p": ("g", np.full(WEEKS, 5.0))})
    with pytest.raises(NotEnough) as refused:
        learned(rows, today=FIRST + timedelta(weeks=26, days=-1))
    assert (refused.value.missing[0].have, refused.value.missing[0].at_least) == (25, 26)
    fitted, _ = learned(rows, today=FIRST + timedelta(weeks=27, days=-1))
    assert fitted.card.grade == "C"


def test_what_was_said_is_held_against_what_came() -> None:
    engine, bound = ENGINES[0], MODEL.params.model_validate({"horizon_days": 14}).bound(TODAY)
    inputs = inputs_on(engine, MODEL, SEASONAL)
    day = TODAY - timedelta(days=14)
    said = engine.frame("said", engine.collect(MODEL.present(inputs, bound)))
    assert MODEL.held is not None
    numbers = engine.collect(inputs["calendar"]).to_pylist()
    number = next(row["day_number"] for row in numbers if row["day"] == day)
    came = engine.collect(MODEL.held(said, inputs, bound, number)).to_pylist()
    assert {row["came"] for row in came if row["product_id"].startswith("big")} == {1}
