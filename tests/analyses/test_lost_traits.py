"""Is a trait of those who left told only where customers alike stay, as another program counts it?"""

from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.contingency_tables import StratifiedTable

from analyses.asking import answer
from analyses.test_properties import ENGINE
from company import TODAY
from engines import frames_on
from rakurs.analyses import analysis_named
from rakurs.analyses.clients.lost_traits import _Held

LOST = analysis_named("lost_traits")
Rows = dict[str, list[dict[str, Any]]]


@given(
    strata=st.lists(st.tuples(*[st.integers(1, 40)] * 4), min_size=1, max_size=5),
)
def test_the_chance_is_that_of_another_program(strata: list[tuple[int, int, int, int]]) -> None:
    held = _Held("channel", "ads", "ads")
    for gone, stayed, others_gone, others_stayed in strata:
        size, everybody = gone + stayed, gone + stayed + others_gone + others_stayed
        row = {"customers": size, "gone": gone, "everybody": everybody, "all_gone": gone + others_gone, "revenue": None}
        held.add(row)
    tables = [np.array([[a, b], [c, d]]) for a, b, c, d in strata]
    known = StratifiedTable(tables).test_null_odds(correction=False)
    assert held.chance == pytest.approx(float(known.pvalue), abs=1e-9)


def made(leaves: Any, count: int = 3_000, seed: int = 2) -> Rows:
    """Customers by kind and channel; companies come by "trade" mostly and buy more often. `leaves` says who goes."""
    random = Random(seed)
    rows: Rows = {"customers": [], "orders": []}
    for number in range(count):
        kind = random.choice(["person", "company"])
        channel = "trade" if random.random() < (0.8 if kind == "company" else 0.2) else "ads"
        name = f"c{number}"
        rows["customers"].append(
            {"customer_id": name, "kind": kind, "channel_id": channel, "region": f"r{number % 20}"}
        )
        days = [
            f"2025-0{random.randrange(1, 7)}-{random.randrange(1, 29):02}" for _ in range(3 if kind == "company" else 1)
        ]
        if random.random() >= leaves(kind, channel):
            days.append("2025-12-20")
        rows["orders"] += [
            {"order_id": f"{name} {place}", "customer_id": name, "ordered_at": day, "amount": 10}
            for place, day in enumerate(days)
        ]
    return rows


def asked(rows: Rows) -> list[dict[str, Any]]:
    bound = LOST.params.model_validate({"as_of": "2025-12-31", "gone_days": 170}).bound(TODAY)
    return answer(LOST, ENGINE, frames_on(ENGINE, rows), bound)


@pytest.mark.slow
def test_what_only_goes_along_with_the_cause_is_not_told() -> None:
    found = asked(made(lambda kind, channel: 0.6 if kind == "person" else 0.2))
    assert {(row["trait"], row["value"]) for row in found if row["trait"] in {"channel", "region"}} == set()
    # Kind and number of purchases cannot be told apart here: neither is held against the other.
    assert {row["value"] for row in found if row["trait"] == "kind"} <= {"person", "company"}


def test_a_trait_with_which_customers_leave_is_told() -> None:
    found = asked(made(lambda kind, channel: 0.5 if channel == "ads" else 0.2))
    told = {row["value"]: row for row in found if row["trait"] == "channel"}
    assert told["ads"]["difference"] == pytest.approx(0.3, abs=0.06)
    assert told["trade"]["difference"] == pytest.approx(-0.3, abs=0.06)


@pytest.mark.slow
def test_nothing_is_told_where_leaving_has_no_reason() -> None:
    found = [asked(made(lambda kind, channel: 0.4, count=1_500, seed=seed)) for seed in range(6)]
    # One answer in twenty may hold a false trait.
    assert sum(1 for rows in found if rows) <= 1
