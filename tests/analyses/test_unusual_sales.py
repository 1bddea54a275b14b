"""Is what was planted found, is nothing found where there is nothing, and does a pair say more than its parts?"""

from collections.abc import Callable
from datetime import date
from random import Random
from typing import Any

import pytest

from analyses.asking import answer, members
from analyses.test_properties import ENGINE
from engines import frames_on
from rakurs.analyses import analysis_named

UNUSUAL = analysis_named("unusual_sales")
DAY = date(2026, 12, 31)
MANAGERS = [f"m{number}" for number in range(8)]
PRODUCTS = [f"p{number}" for number in range(25)]


def company(random: Random, chance: Callable[[str, str], float], sales: int = 8_000) -> dict[str, list[dict[str, Any]]]:
    """Sales of one product by one manager, a part of them through the shop without any, returned by `chance`."""
    rows: dict[str, list[dict[str, Any]]] = {"orders": [], "order_lines": [], "products": []}
    rows["products"] = [{"product_id": product, "category": f"g{place % 5}"} for place, product in enumerate(PRODUCTS)]
    for number in range(sales):
        manager, product = random.choice(MANAGERS), random.choice(PRODUCTS)
        is_shop = random.random() < 0.3
        rows["orders"].append(
            {
                "order_id": f"{number}",
                "ordered_at": f"2026-0{random.randrange(1, 9)}-{random.randrange(1, 28):02}",
                "customer_id": f"c{number % 500}",
                "manager_id": None if is_shop else manager,
            }
        )
        line = {"order_id": f"{number}", "product_id": product, "quantity": 1, "price": 10, "line_no": 1}
        rows["order_lines"].append(line)
        if random.random() < (0.05 if is_shop else chance(manager, product)):
            rows["order_lines"].append({**line, "quantity": -1, "line_no": 2, "is_return": True})
    return rows


def asked(rows: dict[str, list[dict[str, Any]]], **params: Any) -> tuple[list[dict[str, Any]], Any, Any]:
    frames = frames_on(ENGINE, rows)
    bound = UNUSUAL.params.model_validate(params).bound(DAY)
    return answer(UNUSUAL, ENGINE, frames, bound), frames, bound


@pytest.mark.slow
def test_a_planted_pair_is_found_and_its_records_are_behind_it() -> None:
    found, frames, bound = asked(
        company(Random(1), lambda manager, product: 0.9 if (manager, product) == ("m3", "p7") else 0.05)
    )
    pairs = [row for row in found if row["other_trait"]]
    planted = next(row for row in pairs if (row["id"], row["other_id"]) == ("m3", "p7"))
    assert planted["lift"] > 8
    assert planted["share"] == pytest.approx(0.9, abs=0.15)
    cell = {name: planted[name] for name in UNUSUAL.members.by}
    assert len(members(UNUSUAL, ENGINE, frames, bound, cell)) == planted["cases"]
    # Neither the manager nor the product alone, nor any pair with other values of theirs.
    strangers = [row for row in pairs if not {"m3", "p7", "g2"} & {row["id"], row["other_id"]}]
    assert len(strangers) <= 1


@pytest.mark.slow
def test_a_bad_product_makes_no_pair_with_whoever_sells_it() -> None:
    found, _, _ = asked(
        company(Random(2), lambda _manager, product: 0.4 if product == "p7" else 0.05), max_support=0.05
    )
    assert ("product", "p7", None) in {(row["trait"], row["id"], row["other_trait"]) for row in found}
    assert not [row for row in found if row["trait"] == "manager" and row["other_trait"] == "product"]


@pytest.mark.slow
def test_where_nothing_is_planted_hardly_anything_is_found() -> None:
    # A twentieth of the finds may be false; of a world without any, one company in twenty has some.
    found = [len(asked(company(Random(seed), lambda *_: 0.05), max_support=1)[0]) for seed in range(3, 9)]
    assert sum(count > 0 for count in found) <= 2


@pytest.mark.slow
def test_the_shop_without_managers_is_not_what_they_are_compared_with() -> None:
    # All managers' sales come back four times as often as the shop's: none of them is unusual for that.
    found, _, _ = asked(company(Random(10), lambda *_: 0.2), max_support=1)
    assert not [row for row in found if row["trait"] == "manager" and not row["other_trait"]]
