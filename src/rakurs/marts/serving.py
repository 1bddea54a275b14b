"""What did customers cost beyond the goods: deliveries and service, employees' time, payments waited for?"""

from typing import Any

import narwhals.stable.v2 as nw

from rakurs.core.frames import conform
from rakurs.core.mart import MartSettings
from rakurs.core.units import Unit
from rakurs.marts.canonical import elapsed, present, with_customer, with_owner, with_owner_of_contact
from rakurs.marts.tables import CUSTOMER_COSTS

Frame = nw.LazyFrame[Any]

HOUR_SECONDS = 3_600
YEAR_SECONDS = 365 * 24 * HOUR_SECONDS

OWNERS = ("customer_id", "channel_id", "manager_id", "pipeline_id")
"""Whose a row is, and how that is known: its own word, else its order's, its deal's, its customer's."""


def customer_costs(
    *,
    settings: MartSettings,
    service_costs: Frame,
    activities: Frame,
    calls: Frame,
    orders: Frame,
    payments: Frame,
    sales: Frame,
    deals: Frame,
    customers: Frame,
    employees: Frame,
) -> Frame:
    """One row per cost, per activity or call with a length, and per order paid later than it was placed.

    What a row does not say itself it takes from its order, then its deal, then its customer. Activities that are calls are
    left to the table of calls. An order is waited for from its placing to its payment (the first one, where the order
    names none), in its revenue.
    """
    _ = settings
    sold = sales.filter(nw.col("basis") == "orders").with_columns(nw.col("sale_id").alias("order_id"))
    parts = [
        _costs(present(service_costs)),
        _work(present(activities).filter((nw.col("kind") != "call").fill_null(value=True))),
        _talks(with_owner_of_contact(present(calls), present(customers), "phone")),
        _waiting(present(orders), present(payments), sold),
    ]
    rows = nw.concat(parts)
    for key, lender in (("order_id", sold), ("deal_id", present(deals)), ("customer_id", customers)):
        rows = _borrowed(rows, lender, key)
    return conform(with_owner(with_customer(rows, customers), employees), CUSTOMER_COSTS.columns)


def _borrowed(rows: Frame, lender: Frame, key: str) -> Frame:
    """`rows` with what they lack of their owners taken from the lender's row of the same `key`."""
    known = lender.collect_schema().names()
    lent = {name: f"lent_{name}" for name in OWNERS if name in known and name != key}
    found = lender.select(key, *(nw.col(name).alias(other) for name, other in lent.items()))
    filled = (nw.coalesce(nw.col(name), nw.col(other)).alias(name) for name, other in lent.items())
    return rows.join(found, on=key, how="left").with_columns(*filled).drop(*lent.values())


def _part(rows: Frame, kind: str, **values: nw.Expr) -> Frame:
    """What every part says, null where it says nothing."""
    units = {column.name: column.unit for column in CUSTOMER_COSTS.columns} | {"order_id": Unit.ID, "deal_id": Unit.ID}
    columns = (
        "record_id",
        "spent_on",
        "amount",
        "hours",
        "money_years",
        "is_rate_missing",
        "order_id",
        "deal_id",
        *OWNERS,
    )
    told = (values.get(name, nw.lit(None)).cast(units[name].dtype).alias(name) for name in columns)
    return rows.select(nw.lit(kind).alias("kind"), *told)


def _costs(costs: Frame) -> Frame:
    return _part(
        costs,
        "cost",
        record_id=nw.col("cost_id"),
        spent_on=nw.col("spent_on"),
        amount=nw.col("amount_base"),
        is_rate_missing=nw.col("amount_base").is_null() & ~nw.col("amount").is_null(),
        order_id=nw.col("order_id"),
        deal_id=nw.col("deal_id"),
        customer_id=nw.col("customer_id"),
    )


def _work(activities: Frame) -> Frame:
    return _part(
        activities.filter(nw.col("duration_seconds") > 0),
        "work",
        record_id=nw.concat_str(nw.lit("activity/"), nw.col("activity_id")),
        spent_on=nw.col("on"),
        hours=nw.col("duration_seconds").cast(nw.Float64()) / HOUR_SECONDS,
        deal_id=nw.col("deal_id"),
        customer_id=nw.col("customer_id"),
        manager_id=nw.col("employee_id"),
    )


def _talks(calls: Frame) -> Frame:
    return _part(
        calls.filter(nw.col("talk_seconds") > 0),
        "work",
        record_id=nw.concat_str(nw.lit("call/"), nw.col("call_id")),
        spent_on=nw.col("started_on"),
        hours=nw.col("talk_seconds").cast(nw.Float64()) / HOUR_SECONDS,
        deal_id=nw.col("deal_id"),
        customer_id=nw.coalesce(nw.col("customer_id"), nw.col("owner_id")),
        channel_id=nw.col("channel_id"),
        manager_id=nw.col("employee_id"),
    )


def _waiting(orders: Frame, payments: Frame, sold: Frame) -> Frame:
    is_refund = nw.col("is_refund").fill_null(value=False) | (nw.col("amount") < 0)
    first = (
        payments.filter(~nw.col("order_id").is_null(), ~is_refund)
        .group_by("order_id")
        .agg(nw.col("paid_epoch").min().alias("first_epoch"), nw.col("paid_on").min().alias("first_on"))
    )
    paid = (
        orders.select("order_id", "ordered_epoch", "paid_epoch", "paid_on")
        .join(first, on="order_id", how="left")
        .with_columns(nw.coalesce(nw.col("paid_epoch"), nw.col("first_epoch")).alias("paid_epoch"))
        .with_columns(elapsed("ordered_epoch", "paid_epoch", seconds=YEAR_SECONDS).alias("years"))
        .filter(nw.col("years") > 0)
    )
    revenues = sold.filter(nw.col("revenue") > 0).select("order_id", "revenue")
    return _part(
        paid.join(revenues, on="order_id", how="inner"),
        "waiting",
        record_id=nw.col("order_id"),
        spent_on=nw.coalesce(nw.col("paid_on"), nw.col("first_on")),
        money_years=nw.col("revenue").cast(nw.Float64()) * nw.col("years"),
        order_id=nw.col("order_id"),
    )
