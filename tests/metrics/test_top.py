"""Is "the rest" counted together, not summed from rates, and do parts make the whole whatever the split?"""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mart_rows import deal, mart_frames, sale

from effort import tries
from engines import ENGINES, EngineUnderTest
from rakurs.core.metric import OTHERS, Top
from rakurs.core.periods import Period
from rakurs.metrics import Cut, dimension_named, measure_named, pivot

EXACT = [engine for engine in ENGINES if engine.name in {"duckdb", "polars"}]
ALWAYS = Period(None, None)
MANAGER, REGION = dimension_named("manager"), dimension_named("region")

# By hand: won of decided. a: 3 of 4; b: 1 of 4; c: 0 of 1; d: 1 of 1; nobody's: 1 of 2.
OUTCOMES = {"a": "wwwl", "b": "wlll", "c": "l", "d": "w", None: "wl"}
DEALS = [
    deal(f"{who}{number}", "2024-03-01", "won" if letter == "w" else "lost", "2024-03-05", manager_id=who, amount="10")
    for who, letters in OUTCOMES.items()
    for number, letter in enumerate(letters)
]


def rows_of(engine: EngineUnderTest, frames: Any, metrics: str, **cut: Any) -> list[dict[str, Any]]:
    measures = [measure_named(name) for name in metrics.split()]
    table = engine.collect(pivot(frames, measures, Cut(**{"period": ALWAYS, "basis": "orders", **cut})))
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


@pytest.mark.parametrize("engine", EXACT, ids=lambda engine: engine.name)
class TestCountedByHand:
    def top(self, engine: EngineUnderTest, metric: str, **more: Any) -> dict[str | None, tuple[int, float | None]]:
        frames = mart_frames(engine, {"deal_outcomes": DEALS})
        asked = Top(dimension=MANAGER, metric=measure_named(metric), **more)
        found = rows_of(engine, frames, "deals_won win_rate", by=(MANAGER,), top=asked)
        return {row["manager"]: (row["deals_won"], row["win_rate"]) for row in found}

    def test_the_rate_of_the_rest_is_the_rate_of_its_deals(self, engine: EngineUnderTest) -> None:
        # The rest is b, c, d: 2 won of 6. The mean of their rates would be 0.4167. A tie of b and d goes to b.
        assert self.top(engine, "deals_won", count=1) == {
            "a": (3, 0.75), OTHERS: (2, pytest.approx(2 / 6)), None: (1, 0.5)
        }  # fmt: skip
        assert set(self.top(engine, "deals_won", count=2)) == {"a", "b", OTHERS, None}

    def test_the_least_and_a_top_longer_than_the_list(self, engine: EngineUnderTest) -> None:
        assert set(self.top(engine, "win_rate", count=1, is_bottom=True)) == {"c", OTHERS, None}
        assert set(self.top(engine, "deals_won", count=9)) == {"a", "b", "c", "d", None}


SALE = st.tuples(
    st.sampled_from(["m1", "m2", "m3", "m4", None]),
    st.sampled_from(["север", "юг", None]),
    st.sampled_from(["c1", "c2", "c3"]),
    st.decimals(min_value=Decimal(1), max_value=Decimal(9999), places=2),
)


@settings(max_examples=tries(3, 12), deadline=None)
@given(sales=st.lists(SALE, min_size=1, max_size=14), count=st.integers(1, 3), turn=st.integers(0, 13))
def test_parts_make_the_whole_on_every_engine_in_every_order(sales: list[Any], count: int, turn: int) -> None:
    rows = [
        sale(str(number), "2024-03-01", str(amount), manager_id=manager, region=region, customer_id=customer)
        for number, (manager, region, customer, amount) in enumerate(sales)
    ]
    turned = rows[turn % len(rows) :] + rows[: turn % len(rows)]
    asked = {"by": (MANAGER, REGION), "top": Top(dimension=MANAGER, metric=measure_named("revenue"), count=count)}
    answers = []
    for engine, given_rows in zip(EXACT, (rows, turned), strict=True):
        frames = mart_frames(engine, {"sales": given_rows})
        whole = rows_of(engine, frames, "revenue customers average_check", **asked)
        down = rows_of(engine, frames, "revenue customers average_check", **asked, only=(MANAGER,))
        (total,) = rows_of(engine, frames, "revenue customers average_check", **asked, is_total=True)
        assert sum(row["revenue"] for row in whole) == sum(row["revenue"] for row in down) == total["revenue"]
        assert total["customers"] == len({row["customer_id"] for row in rows})
        for row in down:
            mine = [item for item in whole if item["manager"] == row["manager"]]
            assert sum(item["revenue"] for item in mine) == row["revenue"]
            assert max(item["customers"] for item in mine) <= row["customers"] <= total["customers"]
        assert len([row for row in down if row["manager"] not in (None, OTHERS)]) <= count
        answers.append((whole, down, total))
    assert answers[0] == answers[1]
