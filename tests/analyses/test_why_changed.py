"""Is a change taken apart to the cent, the planted cause named, and chance not called a cause?"""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from itertools import product
from math import exp, log
from random import Random
from typing import Any, get_args

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analyses.asking import answer, members
from company import TODAY, random_company
from effort import tries
from engines import PolarsUnderTest, frames_on
from rakurs.analyses import analysis_named
from rakurs.app.formats import Format
from rakurs.app.telling import sentences
from rakurs.core.text import Language

ANALYSIS = analysis_named("why_changed")
ENGINE = PolarsUnderTest()
METRICS = [item.value for item in ANALYSIS.params.model_fields["metric"].annotation]  # type: ignore[union-attr]
QUIET = settings(max_examples=tries(2, 6), deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
MARCH = {"from_day": "2026-03-01", "to_day": "2026-03-31"}


def asked(metric: str, **more: Any) -> Any:
    return ANALYSIS.params.model_validate({"metric": metric, **MARCH, **more}).bound(TODAY)


def cents(value: float | None) -> int:
    return round((value or 0.0) * 100)


def test_every_metric_but_overlapping_ones_and_medians_can_be_taken_apart() -> None:
    from rakurs.metrics import METRICS as ALL

    assert {metric.name for metric in ALL} - set(METRICS) >= {"customers", "cycle_days"}
    assert set(METRICS) <= {metric.name for metric in ALL}


@QUIET
@given(seed=st.integers(0, 10_000), metric=st.sampled_from(METRICS), basis=st.sampled_from(["deals", "orders"]))
def test_factors_and_splits_sum_to_the_change_to_the_cent(seed: int, metric: str, basis: str) -> None:
    frames = frames_on(ENGINE, random_company(seed, deals=40, orders=40))
    rows = answer(ANALYSIS, ENGINE, frames, asked(metric, basis=basis, against="previous"))
    if not rows:
        return
    bridge = [row for row in rows if row["dimension"] == "all"]
    change = cents(bridge[-1]["level"]) - cents(bridge[0]["level"])
    assert sum(cents(row["effect"]) for row in bridge) == change
    assert cents(bridge[-2]["level"]) == cents(bridge[-1]["level"])
    has_sums = any(row["factor"] == "change" for row in rows if row["dimension"] != "all")
    for split in {row["dimension"] for row in rows} - {"all"}:
        own = [row for row in rows if row["dimension"] == split]
        assert sum(cents(row["effect"]) for row in own if row["factor"] != "change") == change, split
        assert not has_sums or sum(cents(row["effect"]) for row in own if row["factor"] == "change") == change, split


@QUIET
@given(seed=st.integers(0, 10_000))
def test_the_whole_is_what_the_marts_hold(seed: int) -> None:
    frames = frames_on(ENGINE, random_company(seed, deals=40))
    rows = answer(ANALYSIS, ENGINE, frames, asked("won_amount"))
    deals = ENGINE.collect(frames["deal_outcomes"]).to_pylist()

    def won(first: date, last: date) -> Decimal:
        return sum(
            (row["amount"] or Decimal(0))
            for row in deals
            if row["outcome"] == "won" and first <= row["closed_on"] <= last
        ) or Decimal(0)  # fmt: skip

    if rows:
        assert cents(rows[0]["level"]) == won(date(2026, 2, 1), date(2026, 2, 28)) * 100
        known = [row for row in rows if row["factor"] == "after"]
        assert cents(known[0]["level"]) == won(date(2026, 3, 1), date(2026, 3, 31)) * 100


def counted(random: Random, win: Callable[[str, int], float]) -> pa.Table:
    """What `compute` would count of deals of ten channels and twenty managers, half a quarter each side."""
    channels = [f"c{number}" for number in range(10)]
    managers = [f"m{number}" for number in range(20)]
    groups: dict[tuple[str, str | None], dict[str, float]] = {}
    for side, _ in product((0, 1), range(1_600)):
        channel, manager = random.choice(channels), random.choice(managers)
        is_won = random.random() < win(channel, side)
        amount = round(exp(random.gauss(10, 1.2)), 2) if is_won else 0
        for key in (("all", None), ("channel", channel), ("manager", manager)):
            group = groups.setdefault(key, {})
            parts = {
                "created": 1,
                "closed": 1,
                "won": is_won,
                "lost": not is_won,
                "cohort_won": is_won,
                "amount": amount,
            }
            if is_won:
                parts |= {"sized": 1, "log_sum": log(amount), "log_squares": log(amount) ** 2}
            for name, value in parts.items():
                group[f"{name}_{side}"] = group.get(f"{name}_{side}", 0) + value
    names = [f"{part}_{side}" for part in PARTS for side in (0, 1)]
    rows = [
        {"dimension": split, "key": key, "name": key, "records": int(group["created_0"] + group["created_1"]),
         **{name: group.get(name, 0) for name in names}}
        for (split, key), group in groups.items()
    ]  # fmt: skip
    for row in rows:
        for side in (0, 1):
            row[f"amount_{side}"] = Decimal(str(row[f"amount_{side}"])).quantize(Decimal("0.01"))
    return pa.Table.from_pylist(rows)


PARTS = ("amount", "created", "closed", "won", "lost", "cohort_won", "sized", "log_sum", "log_squares")


@pytest.mark.parametrize("metric", ["won_amount", "win_rate", "conversion"])
def test_the_planted_cause_is_named_with_its_money_and_its_records(metric: str) -> None:
    table = counted(Random("planted"), lambda channel, side: 0.15 if (channel, side) == ("c3", 1) else 0.45)
    params = asked(metric)
    assert ANALYSIS.finish is not None
    assert ANALYSIS.story is not None
    found = ANALYSIS.finish(table, params)
    claims = [row for row in found.to_pylist() if row["is_claimed"]]
    assert {(row["dimension"], row["key"], row["factor"]) for row in claims} <= {
        ("channel", "c3", "win_rate"), ("channel", "c3", "rate"),
    }  # fmt: skip
    story = ANALYSIS.story(found, params)
    assert story[-1].cell == {"dimension": "channel", "key": "c3"}
    for language in get_args(Language):
        assert "c3" in sentences(story, Format(language=language))[-1]
        assert not [text for text in sentences(story, Format(language=language)) if "{" in text or "None" in text]


def test_chance_is_seldom_called_a_cause() -> None:
    tries, false = 40, 0
    for seed in range(tries):
        # The whole company fell from 50 % to 40 %: a change, and no part of it is the cause.
        table = counted(Random(seed), lambda _channel, side: 0.4 if side else 0.5)
        assert ANALYSIS.finish is not None
        false += any(row["is_claimed"] for row in ANALYSIS.finish(table, asked("won_amount")).to_pylist())
    assert false <= tries * 0.05 + 4 * (tries * 0.05 * 0.95) ** 0.5


def test_a_group_leads_to_its_deals_of_both_periods() -> None:
    example = ANALYSIS.example
    frames = frames_on(ENGINE, example.tables)
    found = members(ANALYSIS, ENGINE, frames, example.params, {"dimension": "channel", "key": "ads"})
    assert len(found) == 160
    assert all(deal_id.startswith("ads") for deal_id in found)


def test_no_cause_no_claim_is_said_in_words() -> None:
    table = counted(Random(3), lambda _channel, _side: 0.5)
    assert ANALYSIS.finish is not None
    assert ANALYSIS.story is not None
    found = ANALYSIS.finish(table, asked("win_rate"))
    assert (
        "Ни один не изменился иначе" in sentences(ANALYSIS.story(found, asked("win_rate")), Format(language="ru"))[-1]
    )
