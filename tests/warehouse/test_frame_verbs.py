"""The verbs of core/frames that branch on the engine give the same everywhere."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import narwhals.stable.v2 as nw
import pyarrow as pa
import pytest

from engines import ON_EVERY_ENGINE, EngineUnderTest, Frame
from rakurs.core.frames import (
    count_distinct,
    money_each,
    rows_beside,
    sums_by_each,
    to_money,
    with_day,
    with_epoch,
    with_json_text,
    with_local_time,
)
from rakurs.core.intervals import wilson, wilson_bounds

pytestmark = pytest.mark.parametrize("engine", ON_EVERY_ENGINE)

time = datetime.fromisoformat
WALL = time("2024-03-31T22:30:05")


def values(engine: EngineUnderTest, frame: Frame, column: str) -> list[Any]:
    return engine.collect(frame.select(column))[column].to_pylist()


@pytest.mark.parametrize("key", ["Город", "a.b", "д\"о'м", "~/%`*?[0]", "back\\slash", "Адрес доставки"])
def test_custom_fields_under_any_name(engine: EngineUnderTest, key: str) -> None:
    objects = [{key: "Казань", "other": "1"}, {key: None}, {}, {key: 'с "кавычками"\n'}]
    rows = pa.table({"custom": [*(json.dumps(item, ensure_ascii=False) for item in objects), None]})
    frame = with_json_text(engine.frame("custom_rows", rows), "custom", key, name="value")
    assert values(engine, frame, "value") == ["Казань", None, None, 'с "кавычками"\n', None]


@pytest.mark.parametrize(
    ("given", "local"),
    [
        (pa.array([WALL, None], pa.timestamp("us")), WALL),
        (pa.array([WALL, None], pa.timestamp("ns")), WALL),
        (pa.array([WALL.replace(tzinfo=UTC), None], pa.timestamp("us", tz="UTC")), time("2024-04-01T01:30:05")),
        (pa.array([date(2024, 3, 31), None]), time("2024-03-31")),
        (pa.array(["2024-03-31T22:30:05", None]), WALL),
        (pa.array(["2024-03-31", None]), time("2024-03-31")),
    ],
    ids=["local", "nanoseconds", "with offset", "day", "text", "text of a day"],
)
def test_local_times(engine: EngineUnderTest, given: pa.Array, local: datetime) -> None:
    frame = with_local_time(engine.frame("times", pa.table({"at": given})), "at", "Europe/Moscow")
    assert values(engine, frame, "at") == [local, None]


def test_days_of_numbers(engine: EngineUnderTest) -> None:
    rows = pa.table({"number": pa.array([0, -1, 20_543, 60_000, None], pa.int64())})
    days = [date(1970, 1, 1), date(1969, 12, 31), date(2026, 3, 31), date(2134, 4, 11), None]
    assert values(engine, with_day(engine.frame("day_numbers", rows), "number", name="day"), "day") == days


def test_epochs(engine: EngineUnderTest) -> None:
    times = [time("1970-01-01"), time("1969-12-31T23:59:59"), WALL, None]
    frame = engine.frame("moments", pa.table({"at": pa.array(times, pa.timestamp("us"))}))
    expected = [0, -1, int(WALL.replace(tzinfo=UTC).timestamp()), None]
    assert values(engine, with_epoch(frame, "at", name="epoch"), "epoch") == expected


def test_rows_beside_can_be_joined(engine: EngineUnderTest) -> None:
    frame = engine.frame("mine", pa.table({"id": ["a", "b"]}))
    other = rows_beside(frame, pa.table({"id": ["b", "c"], "number": [1, 2]}))
    assert engine.collect(frame.join(other, on="id", how="inner")).to_pylist() == [{"id": "b", "number": 1}]


ODD = 'д"о`м {1}'
SETS = ((), ("city",), (ODD,), ("city", ODD), ("is_new", "city"))


def test_sums_by_each_set_of_keys(engine: EngineUnderTest) -> None:
    rows = pa.table(
        {
            "city": ["Омск", "Омск", None, "Тула", "Тула"],
            ODD: ["a", None, "a", "b", "b"],
            "is_new": pa.array([True, None, True, None, None]),
            "amount": pa.array([1, 2, 4, None, None], pa.int64()),
        }
    )
    summed = engine.collect(sums_by_each(engine.frame("sold", rows), SETS, ["amount"])).to_pylist()
    told = {(row["set"], row["city"], row[ODD], row["is_new"]): row["amount"] for row in summed}
    assert len(told) == len(summed)
    assert told == {
        (0, None, None, None): 7,
        (1, "Омск", None, None): 3,
        (1, "Тула", None, None): 0,
        (2, None, "a", None): 5,
        (2, None, "b", None): 0,
        (3, "Омск", "a", None): 1,
        (3, "Тула", "b", None): 0,
        (4, "Омск", None, True): 1,
    }


def test_what_lacks_a_value_may_be_a_group_of_its_own(engine: EngineUnderTest) -> None:
    rows = pa.table({"city": ["Омск", None, "Омск", None], ODD: [None, "a", "a", None], "amount": [1, 2, 4, 8]})
    sets = ((), ("city",), (ODD,))
    summed = engine.collect(
        sums_by_each(engine.frame("lacking", rows), sets, ["amount"], keeps_absent=True)
    ).to_pylist()
    told = {(row["set"], row["city"], row[ODD]): row["amount"] for row in summed}
    assert len(told) == len(summed)
    assert told == {
        (0, None, None): 15,
        (1, "Омск", None): 5,
        (1, None, None): 10,
        (2, None, "a"): 6,
        (2, None, None): 9,
    }


def test_sums_of_everything_and_by_the_only_key(engine: EngineUnderTest) -> None:
    frame = engine.frame("cities", pa.table({"city": ["Омск", "Тула", "Омск"], "amount": [1, 2, 4]}))
    summed = engine.collect(sums_by_each(frame, ((), ("city",)), ["amount"])).to_pylist()
    told = sorted((row["set"], row["city"] or "", row["amount"]) for row in summed)
    assert told == [(0, "", 7), (1, "Омск", 5), (1, "Тула", 2)]


def test_sums_of_nothing(engine: EngineUnderTest) -> None:
    schema = pa.schema([("city", pa.string()), (ODD, pa.string()), ("is_new", pa.bool_()), ("amount", pa.int64())])
    frame = engine.frame("unsold", schema.empty_table())
    for keeps_absent in (False, True):
        assert engine.collect(sums_by_each(frame, SETS, ["amount"], keeps_absent=keeps_absent)).to_pylist() == []


def test_half_cents_round_away_from_zero(engine: EngineUnderTest) -> None:
    frame = engine.frame("amounts", pa.table({"amount": [0.125, -0.125, 0.375, 2.675, 0.0, None]}))
    cents = [Decimal(text) for text in ("0.13", "-0.13", "0.38", "2.68", "0.00")]
    assert values(engine, frame.select(amount=to_money(nw.col("amount"))), "amount") == [*cents, None]


def test_money_each_is_empty_over_nothing(engine: EngineUnderTest) -> None:
    money = pa.array([Decimal("1.00"), Decimal("1.00"), None], pa.decimal128(18, 2))
    frame = engine.frame("sums", pa.table({"money": money, "count": [8, 0, 2]}))
    each = frame.select(each=money_each(nw.col("money"), nw.col("count")))
    assert values(engine, each, "each") == [Decimal("0.13"), None, None]


def test_distinct_values_are_counted_without_nulls(engine: EngineUnderTest) -> None:
    frame = engine.frame("pairs", pa.table({"group": ["a", "a", "a", "b"], "value": ["x", "x", None, None]}))
    counted = frame.group_by("group").agg(count_distinct("value").alias("different")).sort("group")
    assert values(engine, counted, "different") == [1, 0]
    nothing = frame.filter(nw.col("group") == "c").select(different=count_distinct("value"))
    assert values(engine, nothing, "different") == [0]


def test_wilson_inside_the_engine_is_wilson(engine: EngineUnderTest) -> None:
    pairs = [(0, 0), (0, 7), (7, 7), (3, 10), (4238, 6711)]
    frame = engine.frame("trials", pa.table({"won": [won for won, _ in pairs], "all": [size for _, size in pairs]}))
    low, high = wilson_bounds(nw.col("won"), nw.col("all"))
    found = engine.collect(frame.select(low=low, high=high)).to_pylist()
    for (won, size), bounds in zip(pairs, found, strict=True):
        interval = wilson(won, size)
        if interval is None:
            assert bounds == {"low": None, "high": None}
        else:
            assert bounds == {"low": pytest.approx(interval.low), "high": pytest.approx(interval.high)}
