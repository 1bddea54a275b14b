"""What did customers cost beyond the goods? By hand, with every way a row has to find its customer."""

from datetime import date, datetime
from typing import Any

import pytest

from marts.test_calls import frame
from rakurs.core.mart import MartSettings
from rakurs.marts.serving import customer_costs
from rakurs.marts.tables import SALES
from rakurs.schema import ACTIVITIES, CALLS, CUSTOMERS, DEALS, EMPLOYEES, ORDERS, PAYMENTS, SERVICE_COSTS

DAY = date(2026, 3, 1)
DAY_SECONDS = 86_400
GONE = datetime(2026, 3, 6)  # noqa: DTZ001 - as stored


def asked(**rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    tables = {
        "service_costs": SERVICE_COSTS, "activities": ACTIVITIES, "calls": CALLS, "orders": ORDERS, "payments": PAYMENTS,
        "sales": SALES, "deals": DEALS, "customers": CUSTOMERS, "employees": EMPLOYEES,
    }  # fmt: skip
    frames = {name: frame(table, rows.get(name, [])) for name, table in tables.items()}
    found = customer_costs(settings=MartSettings(), **frames).collect().to_native().to_dicts()
    assert len({(row["kind"], row["record_id"]) for row in found}) == len(found)
    return {row["record_id"]: row for row in found}


def cost(cost_id: str, **more: Any) -> dict[str, Any]:
    return {"cost_id": cost_id, "spent_on": DAY, "amount": 100, "amount_base": 100, **more}


def test_a_cost_belongs_to_its_order_then_its_deal_then_its_customer() -> None:
    found = asked(
        service_costs=[
            cost("of an order", order_id="o"),
            cost("of a deal", deal_id="d"),
            cost("of a customer", customer_id="Анна"),
            cost("of its own customer", order_id="o", customer_id="Анна"),
            cost("of nobody"),
            cost("without a rate", customer_id="Анна", amount_base=None),
            cost("gone", customer_id="Анна", deleted_at=GONE),
        ],
        sales=[{"basis": "orders", "sale_id": "o", "customer_id": "Пётр", "channel_id": "ads", "manager_id": "m", "revenue": 1}],
        deals=[{"deal_id": "d", "customer_id": "Пётр", "pipeline_id": "p"}],
        customers=[
            {"customer_id": "Анна", "kind": "person", "region": "Тула", "channel_id": "search"},
            {"customer_id": "Пётр", "kind": "company", "channel_id": "search"},
        ],
        employees=[{"employee_id": "m", "department": "Опт", "branch": "Юг"}],
    )  # fmt: skip
    assert "gone" not in found
    told = {
        name: (row["customer_id"], row["channel_id"], row["pipeline_id"], row["amount"]) for name, row in found.items()
    }
    assert told == {
        "of an order": ("Пётр", "ads", None, 100),
        "of a deal": ("Пётр", "search", "p", 100),
        "of a customer": ("Анна", "search", None, 100),
        "of its own customer": ("Анна", "ads", None, 100),
        "of nobody": (None, None, None, 100),
        "without a rate": ("Анна", "search", None, None),
    }
    assert [name for name, row in found.items() if row["is_rate_missing"]] == ["without a rate"]
    assert (found["of an order"]["department"], found["of an order"]["branch"]) == ("Опт", "Юг")
    assert (found["of a customer"]["customer_kind"], found["of a customer"]["region"]) == ("person", "Тула")


def test_time_is_that_of_activities_that_are_no_calls_and_of_talks() -> None:
    found = asked(
        activities=[
            {"activity_id": "a", "on": DAY, "kind": "meeting", "duration_seconds": 5_400, "customer_id": "c", "employee_id": "e"},
            {"activity_id": "of a deal", "on": DAY, "duration_seconds": 3_600, "deal_id": "d"},
            {"activity_id": "a call", "on": DAY, "kind": "call", "duration_seconds": 600, "customer_id": "c"},
            {"activity_id": "no length", "on": DAY, "kind": "task", "customer_id": "c"},
            {"activity_id": "nothing", "on": DAY, "kind": "task", "duration_seconds": 0, "customer_id": "c"},
        ],
        calls=[
            {"call_id": "t", "started_on": DAY, "talk_seconds": 360, "customer_id": "c", "employee_id": "e"},
            {"call_id": "missed", "started_on": DAY, "talk_seconds": 0, "customer_id": "c"},
        ],
        deals=[{"deal_id": "d", "customer_id": "c"}],
    )  # fmt: skip
    assert {name: (row["customer_id"], row["hours"], row["manager_id"]) for name, row in found.items()} == {
        "activity/a": ("c", 1.5, "e"),
        "activity/of a deal": ("c", 1.0, None),
        "call/t": ("c", 0.1, "e"),
    }


def test_a_payment_is_waited_for_from_the_order_to_its_first_payment() -> None:
    def order(order_id: str, **more: Any) -> dict[str, Any]:
        return {"order_id": order_id, "ordered_epoch": 0, **more}

    def paid(order_id: str, days: int, **more: Any) -> dict[str, Any]:
        return {"order_id": order_id, "amount": 5, "paid_on": DAY, "paid_epoch": days * DAY_SECONDS, **more}

    names = ("73 days", "by payments", "at once", "before", "never", "a return")
    found = asked(
        orders=[
            order("73 days", paid_epoch=73 * DAY_SECONDS, paid_on=DAY),
            order("by payments"),
            order("at once", paid_epoch=0, paid_on=DAY),
            order("before", paid_epoch=-DAY_SECONDS, paid_on=DAY),
            order("never"),
            order("a return", paid_epoch=73 * DAY_SECONDS, paid_on=DAY),
        ],
        payments=[
            {"payment_id": "1", **paid("by payments", 365)},
            {"payment_id": "2", **paid("by payments", 146)},
            {"payment_id": "3", **paid("by payments", 1, is_refund=True)},
            {"payment_id": "4", **paid("by payments", 2, deleted_at=GONE)},
        ],
        sales=[
            {"basis": "orders", "sale_id": name, "customer_id": "c", "revenue": -1_000 if name == "a return" else 1_000}
            for name in names
        ],
    )
    assert {name: row["money_years"] for name, row in found.items()} == {
        "73 days": pytest.approx(200),
        "by payments": pytest.approx(400),
    }
    assert {row["spent_on"] for row in found.values()} == {DAY}
