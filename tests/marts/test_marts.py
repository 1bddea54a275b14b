"""The marts' rules, one small company each: outcomes, closing days, revenue, first purchases, the calendar."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from engines import ENGINES, EngineUnderTest, Rows, frames_on
from rakurs.core.mart import CalendarRules, MartSettings
from rakurs.marts import MARTS
from rakurs.marts.calendar import calendar

ON_EACH = pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.name)
STAGES = [
    {"pipeline_id": "p", "stage_id": stage, "position": position, "outcome": outcome}
    for stage, position, outcome in (("new", 1, "open"), ("talk", 2, "open"), ("won", 3, "won"), ("lost", 0, "lost"))
]


def by_key(engine: EngineUnderTest, rows: Rows, mart: str, key: str, **settings: Any) -> dict[Any, dict[str, Any]]:
    frames = frames_on(engine, rows, settings=MartSettings(**settings))
    return {row[key]: row for row in engine.collect(frames[mart]).to_pylist()}


def deal(deal_id: str, stage: str | None, **rest: Any) -> dict[str, Any]:
    return {"deal_id": deal_id, "pipeline_id": "p", "created_at": "2026-03-01", "stage_id": stage, **rest}


@ON_EACH
def test_outcome_is_that_of_the_last_stage_in_history(engine: EngineUnderTest) -> None:
    rows = {
        "stages": STAGES,
        "deals": [
            deal("reopened", "won", amount=5, closed_at="2026-03-02"),
            deal("without history", "won", closed_at="2026-03-05"),
            deal("no closing day", "lost", loss_reason_id="price"),
            deal("history stops short", "won", closed_at="2026-03-09"),
            deal("unknown stage", "archive", closed_at="2026-03-09"),
            deal("no pipeline said", "talk", pipeline_id=None),
            deal("deleted", "won", deleted_at=datetime.fromisoformat("2026-03-03")),
            deal("zero amount", "won", amount=0, closed_at="2026-02-01"),
        ],
        "deal_stage_events": [
            {"deal_id": "reopened", "stage_id": "won", "entered_at": "2026-03-02"},
            {"deal_id": "reopened", "stage_id": "talk", "entered_at": "2026-03-03"},
            {"deal_id": "no closing day", "stage_id": "talk", "entered_at": "2026-03-02"},
            {"deal_id": "no closing day", "stage_id": "lost", "entered_at": "2026-03-04 23:59"},
            {"deal_id": "history stops short", "stage_id": "new", "entered_at": "2026-03-01"},
            {"deal_id": "of no deal", "stage_id": "won", "entered_at": "2026-03-01"},
        ],
    }
    found = by_key(engine, rows, "deal_outcomes", "deal_id")
    assert {key: (row["outcome"], row["closed_on"]) for key, row in found.items()} == {
        "reopened": ("open", None),
        "without history": ("won", date(2026, 3, 5)),
        "no closing day": ("lost", date(2026, 3, 4)),
        "history stops short": ("won", date(2026, 3, 9)),
        "unknown stage": ("open", None),
        "no pipeline said": ("open", None),
        "zero amount": ("won", date(2026, 2, 1)),
    }
    assert found["no closing day"]["lost_from_stage_id"] == "talk"
    assert [found[key]["is_stage_known"] for key in ("unknown stage", "no pipeline said")] == [False, True]
    assert found["no pipeline said"]["pipeline_id"] == "p"
    assert found["zero amount"]["cycle_days"] is None  # closed before it was created: no cycle


@ON_EACH
def test_visits_keep_reentries_and_know_which_times_to_trust(engine: EngineUnderTest) -> None:
    at = ("2026-03-01", "2026-03-01", "2026-03-02", "2026-03-03", "2026-03-04 12:00")
    stages = ("new", "new", "talk", "new", "won")
    rows = {
        "stages": STAGES,
        "deals": [deal("d", "won"), deal("unseen", "talk")],
        "deal_stage_events": [
            {"deal_id": "d", "stage_id": stage, "entered_at": f"{moment}" if number != 1 else "2026-03-01 10:00"}
            for number, (stage, moment) in enumerate(zip(stages, at, strict=True))
        ],
    }
    frames = frames_on(engine, rows)
    visits = [row for row in engine.collect(frames["stage_visits"]).to_pylist() if row["deal_id"] == "d"]
    told = [
        (row["stage_id"], row["hours"], row["is_backward"], row["is_reentry"])
        for row in sorted(visits, key=lambda row: row["sequence"])
    ]
    # "new" twice in a row is one visit of 24 h.
    assert told == [
        ("new", 24, False, False),
        ("talk", 24, False, False),
        ("new", 36, True, True),
        ("won", None, False, False),
    ]
    (unseen,) = [row for row in engine.collect(frames["stage_visits"]).to_pylist() if row["deal_id"] == "unseen"]
    assert (unseen["is_timed"], unseen["hours"], unseen["provenance"]) == (False, None, "snapshot")


ORDERS = {
    "products": [{"product_id": "chair", "unit_cost": 4}, {"product_id": "lamp"}],
    "orders": [
        {"order_id": "by lines", "ordered_at": "2026-03-01", "customer_id": "c"},
        {"order_id": "with a return", "ordered_at": "2026-03-02", "customer_id": "c", "amount": 15},
        {"order_id": "cancelled", "ordered_at": "2026-03-01", "customer_id": "c", "amount": 9, "status": " Отменён"},
        {"order_id": "negative", "ordered_at": "2026-03-03", "customer_id": "c", "amount": -7},
        {"order_id": "refunded", "ordered_at": "2026-03-04", "amount": 50},
        {"order_id": "foreign", "ordered_at": "2026-03-04", "amount": 50, "currency": "USD"},
    ],
    "order_lines": [
        {"order_id": "by lines", "product_id": "chair", "quantity": "1.5", "price": "9.99", "discount": 1},
        {"order_id": "by lines", "product_id": "chair", "quantity": 1, "price": 5, "amount": 6, "cost": 2},
        {"order_id": "with a return", "product_id": "chair", "quantity": 2, "price": 10},
        {"order_id": "with a return", "product_id": "lamp", "quantity": 1, "price": 5, "is_return": True},
    ],
    "payments": [{"payment_id": "r", "order_id": "refunded", "paid_at": "2026-03-09", "amount": 20, "is_refund": True}],
}


@ON_EACH
def test_revenue_of_orders(engine: EngineUnderTest) -> None:
    found = by_key(engine, ORDERS, "sales", "sale_id", orders_dated_by="order")
    told = {key: (row["revenue"], row["returned"], row["margin"], row["is_sale"]) for key, row in found.items()}
    assert told == {
        # 1.5 * 9.99 - 1 = 13.985 -> 13.99, and 6; cost 1.5 * 4 + 2.
        "by lines": (Decimal("19.99"), Decimal(0), Decimal("11.99"), True),
        # Its own amount stands; the lamp's cost is unknown, so is the margin.
        "with a return": (Decimal(15), Decimal(-5), None, True),
        "negative": (Decimal(-7), Decimal(-7), None, False),
        "refunded": (Decimal(30), Decimal(-20), None, True),
        "foreign": (None, None, None, True),
    }
    assert found["foreign"]["is_rate_missing"]


@ON_EACH
def test_first_purchase_is_the_first_ever_and_ties_go_by_id(engine: EngineUnderTest) -> None:
    rows = {
        "orders": [
            {"order_id": "b", "ordered_at": "2026-03-02", "customer_id": "c", "amount": 1},
            {"order_id": "a", "ordered_at": "2026-03-02", "customer_id": "c", "amount": 1},
            {"order_id": "return first", "ordered_at": "2026-03-01", "customer_id": "c", "amount": -1},
            {"order_id": "nobody", "ordered_at": "2026-03-01", "amount": 1},
        ]
    }
    found = by_key(engine, rows, "sales", "sale_id")
    assert [key for key, row in found.items() if row["is_first"]] == ["a"]
    assert {key: row["first_sold_on"] for key, row in found.items()} == {
        "a": date(2026, 3, 2), "b": date(2026, 3, 2), "return first": date(2026, 3, 2), "nobody": None,
    }  # fmt: skip


@ON_EACH
@pytest.mark.parametrize(
    ("dated_by", "expected"),
    [
        ("order", {"paid": date(2026, 3, 1), "unpaid": date(2026, 3, 2), "no payments known": date(2026, 3, 3)}),
        ("payment", {"paid": date(2026, 3, 5)}),
        ("auto", {"paid": date(2026, 3, 5), "no payments known": date(2026, 3, 3)}),
    ],
)
def test_orders_are_dated_by_the_setting(engine: EngineUnderTest, dated_by: str, expected: dict[str, date]) -> None:
    rows = {
        "orders": [
            {"order_id": "paid", "ordered_at": "2026-03-01", "source": "shop", "amount": 1},
            {"order_id": "unpaid", "ordered_at": "2026-03-02", "source": "shop", "amount": 1},
            {"order_id": "no payments known", "ordered_at": "2026-03-03", "source": "files", "amount": 1},
        ],
        "payments": [{"payment_id": "1", "order_id": "paid", "paid_at": "2026-03-05", "amount": 1}],
    }
    found = by_key(engine, rows, "sales", "sale_id", orders_dated_by=dated_by)
    assert {key: row["sold_on"] for key, row in found.items()} == expected


@ON_EACH
def test_every_mart_has_one_row_per_key(engine: EngineUnderTest) -> None:
    from company import random_company

    calls = [{"call_id": "1", "started_at": "2026-03-01T10:00:00", "direction": "in", "customer_id": "c1"}]
    frames = frames_on(engine, {**random_company(7, deals=40, orders=40), "calls": calls})
    for mart in MARTS:
        table = engine.collect(frames[mart.table.name])
        assert table.column_names == list(mart.table.names)
        assert table.num_rows > 0
        keys = list(zip(*(table[name].to_pylist() for name in mart.table.key), strict=True))
        assert len(set(keys)) == len(keys), mart.table.name


def test_the_calendar_knows_russian_holidays_and_working_days() -> None:
    days = {row["day"]: row for row in calendar(date(2026, 1, 5), date(2026, 3, 31)).to_pylist()}
    assert min(days) == date(2026, 1, 5)
    assert max(days) == date(2026, 3, 31)
    assert not days[date(2026, 1, 5)]["is_working_day"]
    assert days[date(2026, 1, 5)]["working_day_of_month"] == 0
    assert not days[date(2026, 3, 9)]["is_working_day"]  # 8 March is a Sunday in 2026: the Monday is off
    assert (days[date(2026, 3, 10)]["working_day_of_month"], days[date(2026, 3, 10)]["working_days_in_month"]) == (
        6,
        21,
    )
    assert (days[date(2026, 3, 1)]["weekday"], days[date(2026, 3, 1)]["week"]) == (7, date(2026, 2, 23))
    assert days[date(2026, 3, 8)]["last_year_holiday"] == date(2025, 3, 8)
    assert days[date(2026, 3, 10)]["last_year_weekday"] == date(2025, 3, 11)
    assert days[date(2026, 1, 5)]["day_number"] == (date(2026, 1, 5) - date(1970, 1, 1)).days


def test_a_companys_own_days_overrule_the_calendar_and_are_counted() -> None:
    usual = {row["day"]: row for row in calendar(date(2026, 3, 1), date(2026, 3, 31)).to_pylist()}
    saturday, monday, holiday = date(2026, 3, 14), date(2026, 3, 16), date(2026, 3, 9)
    rules = CalendarRules(days_off=(monday,), working_days=(saturday, holiday))
    own = {row["day"]: row for row in calendar(date(2026, 3, 1), date(2026, 3, 31), rules).to_pylist()}
    changed = {day for day in own if own[day]["is_working_day"] != usual[day]["is_working_day"]}
    assert changed == {saturday, monday, holiday}
    assert own[saturday]["is_working_day"]
    assert not own[monday]["is_working_day"]
    assert own[holiday]["holiday"] == usual[holiday]["holiday"]
    assert own[holiday]["holiday"] or usual[date(2026, 3, 8)]["holiday"]
    (before,), (after,) = ({row["working_days_in_month"] for row in days.values()} for days in (usual, own))
    assert after == before + 1
    assert own[saturday]["working_day_of_month"] == usual[saturday]["working_day_of_month"] + 2


def test_the_calendar_of_a_fiscal_year_from_april() -> None:
    rules = CalendarRules(fiscal_year_start=4)
    rows = {row["day"]: row for row in calendar(date(2026, 3, 1), date(2026, 7, 1), rules).to_pylist()}
    last, first, third = rows[date(2026, 3, 31)], rows[date(2026, 4, 1)], rows[date(2026, 7, 1)]
    assert (last["fiscal_year"], last["fiscal_quarter"]) == (date(2025, 4, 1), date(2026, 1, 1))
    assert (first["fiscal_year"], first["fiscal_quarter"]) == (date(2026, 4, 1), date(2026, 4, 1))
    assert (third["fiscal_year"], third["fiscal_quarter"]) == (date(2026, 4, 1), date(2026, 7, 1))
    assert last["year"] == date(2026, 1, 1)
