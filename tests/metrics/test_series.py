"""A series has every bucket, and says which are not finished."""

from decimal import Decimal
from typing import Any

import pytest
from mart_rows import deal, mart_frames, on, sale

from engines import ON_EVERY_ENGINE, EngineUnderTest
from rakurs.core.periods import Grain, Period
from rakurs.metrics import Cut, metric_named, series

ROWS: dict[str, Any] = {
    "sales": [sale("1", "2024-01-15", "10"), sale("2", "2024-03-31", "5"), sale("3", "2024-04-10", "1")],
    "deal_outcomes": [deal("1", "2024-01-15", "won", "2024-01-20"), deal("2", "2024-04-01", "open")],
}


def values(engine: EngineUnderTest, metric: str, period: Period, **options: Any) -> list[tuple[Any, ...]]:
    asked = {"grain": Grain.MONTH, "as_of": on("2024-04-10"), **options}
    cut = Cut(period=period, basis="orders")
    found = engine.collect(series(mart_frames(engine, ROWS), metric_named(metric), cut, **asked)).to_pylist()
    return [(row["period_start"].isoformat(), row["value"], row["is_complete"]) for row in found]


@pytest.mark.parametrize("engine", ON_EVERY_ENGINE)
class TestSeries:
    def test_empty_buckets_are_zero_and_cut_ones_are_marked(self, engine: EngineUnderTest) -> None:
        assert values(engine, "revenue", Period(on("2024-01-10"), on("2025-01-01"))) == [
            ("2024-01-01", Decimal(10), False),
            ("2024-02-01", Decimal(0), True),
            ("2024-03-01", Decimal(5), True),
            ("2024-04-01", Decimal(1), False),
        ]

    def test_rates_are_empty_where_nothing_was_tried(self, engine: EngineUnderTest) -> None:
        assert values(engine, "conversion", Period(on("2024-01-01"), on("2024-05-01")), as_of=on("2024-05-31")) == [
            ("2024-01-01", 1.0, True),
            ("2024-02-01", None, True),
            ("2024-03-01", None, True),
            ("2024-04-01", 0.0, True),
        ]

    def test_all_time_starts_with_the_first_bucket_that_has_something(self, engine: EngineUnderTest) -> None:
        assert values(engine, "sales", Period(None, None), grain=Grain.QUARTER) == [
            ("2024-01-01", 2, True),
            ("2024-04-01", 1, False),
        ]

    def test_nothing_at_all_is_no_buckets(self, engine: EngineUnderTest) -> None:
        before = on("2020-01-01")
        assert values(engine, "sales", Period(None, before), as_of=before) == []


@pytest.mark.parametrize("grain", list(Grain))
def test_every_grain_sums_to_the_total(grain: Grain) -> None:
    engine = ON_EVERY_ENGINE[0].values[0]
    found = values(engine, "revenue", Period(on("2023-12-30"), on("2024-04-11")), grain=grain)
    assert sum(value for _, value, _ in found) == 16
    assert [start for start, _, _ in found] == sorted({start for start, _, _ in found})
