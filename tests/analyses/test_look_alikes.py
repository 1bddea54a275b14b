"""Are those found who are like the best customers, with nothing claimed where the best are like everybody?"""

from random import Random
from statistics import mean
from typing import Any

import pytest

from analyses.asking import answer
from analyses.test_properties import ENGINE
from company import TODAY
from engines import frames_on, inputs_on
from rakurs.analyses import analysis_named

ALIKE = analysis_named("look_alikes")


def asked(rows: dict[str, list[dict[str, Any]]], **params: Any) -> list[dict[str, Any]]:
    bound = ALIKE.params.model_validate({"as_of": "2025-12-31", **params}).bound(TODAY)
    return answer(ALIKE, ENGINE, frames_on(ENGINE, rows), bound)


def made(*, is_told: bool, count: int = 4_000) -> dict[str, list[dict[str, Any]]]:
    """A half of the customers bought. Where it is told, they spend much if they are companies of region 1, most often."""
    random = Random(9)
    rows: dict[str, list[dict[str, Any]]] = {"customers": [], "orders": []}
    for number in range(count):
        kind, region = random.choice(["person", "company"]), f"r{random.randrange(10)}"
        name = f"c{number}"
        rows["customers"].append({"customer_id": name, "kind": kind, "region": region})
        if number % 2:
            spends = random.random() < (0.8 if kind == "company" and region == "r1" else 0.1) if is_told else False
            amount = random.uniform(1_000, 2_000) if spends else random.uniform(1, 900)
            rows["orders"].append({"order_id": name, "customer_id": name, "ordered_at": "2025-10-01", "amount": amount})
    return rows


def test_those_who_have_not_bought_are_found_by_what_they_share_with_the_best() -> None:
    rows = made(is_told=True)
    kinds = {row["customer_id"]: (row["kind"], row["region"]) for row in rows["customers"]}
    found = asked(rows, best_share=0.13, only_silent=True)
    assert {int(row["customer_id"][1:]) % 2 for row in found} == {0}
    top = [row for row in found if kinds[row["customer_id"]] == ("company", "r1")]
    assert {row["customer_id"] for row in found[: len(top)]} == {row["customer_id"] for row in top}
    assert {(row["trait"], row["because"]) for row in top} == {("region", "r1")}
    others = [row["alike_share"] for row in found[len(top) :]]
    assert top[0]["alike_share"] > 3 * mean(others)


def test_where_the_best_are_like_everybody_nobody_is_more_alike() -> None:
    found = asked(made(is_told=False), best_share=0.2)
    assert all(0.5 < row["likeness"] < 1.8 for row in found)
    # A tenth of all customers are the best.
    assert mean(row["alike_share"] for row in found[:1_000]) == pytest.approx(0.1, abs=0.05)


def test_a_chosen_segment_takes_the_place_of_the_best() -> None:
    rows = made(is_told=False)
    is_liked = [row for row in rows["customers"] if row["region"] == "r2" and row["kind"] == "person"]
    inside, outside = is_liked[:150], {row["customer_id"] for row in is_liked[150:]}
    run = {"segment_id": "ideal", "since": "2025-12-31"}
    rows["segment_memberships"] = [
        *({"customer_id": row["customer_id"], **run} for row in inside),
        # Of another segment, gone by the day of the question, and not there yet.
        *({"customer_id": f"c{n}", "segment_id": "other", "since": "2025-01-01"} for n in range(500)),
        *({"customer_id": f"c{n}", **run, "since": "2025-01-01", "until": "2025-12-31"} for n in range(500, 900)),
        *({"customer_id": f"c{n}", **run, "since": "2026-01-01"} for n in range(900, 1_500)),
    ]
    found = asked(rows, like_segment="ideal")
    assert len(found) == 4_000 - len(inside)
    assert {row["customer_id"] for row in found[: len(outside)]} == outside
    assert found[0]["likeness"] > 3


def test_too_small_a_segment_is_said_to_be_so() -> None:
    rows = made(is_told=False)
    rows["segment_memberships"] = [
        {"segment_id": "few", "customer_id": f"c{n}", "since": "2025-01-01"} for n in range(49)
    ]
    frames = inputs_on(ENGINE, ALIKE, rows)
    (need,) = ALIKE.gate.needs
    bound = ALIKE.params.model_validate({"as_of": "2025-12-31", "like_segment": "few"}).bound(TODAY)
    assert ENGINE.collect(need.rows(frames, bound)).num_rows == 49 < need.at_least
