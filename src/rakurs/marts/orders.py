"""Which orders are sales, on which day, for how much: payments, lines, returns and refunds put together."""

from typing import Any

import narwhals.stable.v2 as nw

from rakurs.core.frames import any_of, count_where, to_money
from rakurs.core.mart import MartSettings
from rakurs.core.units import Unit
from rakurs.marts.canonical import present

Frame = nw.LazyFrame[Any]

CANCELLED = (
    "cancelled",
    "canceled",
    "cancel",
    "void",
    "voided",
    "unavailable",
    "отменен",
    "отменён",
    "отмена",
    "отменена",
    "аннулирован",
    "аннулировано",
)
"""Statuses, in lower case, of orders that never became a sale."""

_NOTHING = nw.lit(0).cast(Unit.MONEY.dtype)


def priced_lines(order_lines: Frame, products: Frame) -> Frame:
    """Order lines with `line_amount`, `line_cost` and `line_discount` in the order's currency; a return's are negative.

    A line without amount is quantity * price - discount; without cost, quantity * the product's unit cost; its discount is
    what the amount lacks of quantity * price.
    """
    costs = products.select("product_id", "category", "brand", "unit_cost")
    lines = present(order_lines).join(costs, on="product_id", how="left")
    full = nw.col("quantity").cast(nw.Float64()) * nw.col("price").cast(nw.Float64())
    computed = full - nw.col("discount").fill_null(0).cast(nw.Float64())
    unit_cost = nw.col("quantity").cast(nw.Float64()) * nw.col("unit_cost").cast(nw.Float64())
    is_return = nw.col("is_return").fill_null(value=False)
    known = lines.with_columns(
        nw.coalesce(nw.col("amount").cast(Unit.MONEY.dtype), to_money(computed)).alias("line_amount"),
        nw.coalesce(nw.col("cost").cast(Unit.MONEY.dtype), to_money(unit_cost)).alias("line_cost"),
        is_return.alias("is_return"),
    )
    taken_off = known.with_columns((to_money(full.abs()) - nw.col("line_amount").abs()).alias("line_discount"))
    return taken_off.with_columns(
        nw.when(is_return).then(-nw.col("line_discount")).otherwise(nw.col("line_discount")).alias("line_discount"),
        nw.when(is_return).then(-nw.col("line_amount").abs()).otherwise(nw.col("line_amount")).alias("line_amount"),
        nw.when(is_return).then(-nw.col("line_cost").abs()).otherwise(nw.col("line_cost")).alias("line_cost"),
        nw.when(is_return).then(-nw.col("quantity").abs()).otherwise(nw.col("quantity")).alias("quantity"),
    )


def sold_orders(
    *, settings: MartSettings, orders: Frame, order_lines: Frame, payments: Frame, deals: Frame, products: Frame
) -> Frame:
    """One row per order that is a sale: day, revenue, returns, margin, discount in the company's currency."""
    totals = _line_totals(priced_lines(order_lines, products))
    paid = _payment_totals(present(payments))
    placed = (
        present(orders)
        .filter(~nw.col("status").fill_null("").str.to_lowercase().str.strip_chars().is_in(CANCELLED))
        .join(totals, on="order_id", how="left")
        .join(paid, on="order_id", how="left")
        .with_columns(nw.coalesce(nw.col("paid_on"), nw.col("first_paid_on")).alias("paid_on"))
    )
    return _valued(_dated(_with_deal(placed, deals), settings))


def _line_totals(lines: Frame) -> Frame:
    is_return = nw.col("line_amount") < 0
    return lines.group_by("order_id").agg(
        nw.col("line_amount").sum().alias("lines_amount"),
        nw.col("line_cost").sum().alias("lines_cost"),
        count_where(nw.col("line_cost").is_null()).alias("lines_without_cost"),
        nw.when(is_return).then(nw.col("line_amount")).otherwise(_NOTHING).sum().alias("lines_returned"),
    )


def _payment_totals(payments: Frame) -> Frame:
    is_refund = nw.col("is_refund").fill_null(value=False) | (nw.col("amount") < 0)
    return (
        payments.filter(~nw.col("order_id").is_null())
        .group_by("order_id")
        .agg(
            nw.when(~is_refund).then(nw.col("paid_on")).min().alias("first_paid_on"),
            nw.when(is_refund).then(nw.col("amount").abs()).otherwise(_NOTHING).sum().alias("refunded"),
        )
    )


def _with_deal(orders: Frame, deals: Frame) -> Frame:
    """An order that came out of a deal takes from it what it does not say itself."""
    known = present(deals).select(
        "deal_id",
        "pipeline_id",
        nw.col("customer_id").alias("deal_customer_id"),
        nw.col("manager_id").alias("deal_manager_id"),
        nw.col("channel_id").alias("deal_channel_id"),
        nw.col("campaign_id").alias("deal_campaign_id"),
    )
    inherited = ("customer_id", "manager_id", "channel_id", "campaign_id")
    return orders.join(known, on="deal_id", how="left").with_columns(
        *(nw.coalesce(nw.col(name), nw.col(f"deal_{name}")).alias(name) for name in inherited)
    )


def _dated(orders: Frame, settings: MartSettings) -> Frame:
    """`sold_on` by the company's setting; orders that have no such day yet are no sales yet."""
    if settings.orders_dated_by == "order":
        return orders.with_columns(nw.col("ordered_on").alias("sold_on"))
    if settings.orders_dated_by == "payment":
        return orders.filter(~nw.col("paid_on").is_null()).with_columns(nw.col("paid_on").alias("sold_on"))
    knowing = orders.group_by("source").agg(any_of(~nw.col("paid_on").is_null()).alias("knows_payments"))
    day = nw.when(nw.col("knows_payments")).then(nw.col("paid_on")).otherwise(nw.col("ordered_on"))
    return (
        orders.join(knowing, on="source", how="left")
        .with_columns(day.alias("sold_on"))
        .filter(~nw.col("sold_on").is_null())
    )


def _valued(orders: Frame) -> Frame:
    """Revenue as the order says it (net), else the sum of its lines; refunds count where no line is a return.

    Money of the lines is brought to the company's currency at the order's own rate. An order in a currency
    without a rate has no revenue, and says so.
    """
    has_own = ~nw.col("amount").is_null()
    rate = (
        nw.when(has_own & (nw.col("amount") != 0))
        .then(nw.col("amount_base").cast(nw.Float64()) / nw.col("amount").cast(nw.Float64()))
        .otherwise(nw.lit(1.0))
    )
    rated = orders.with_columns(
        rate.alias("rate"),
        nw.col("lines_returned").fill_null(0).cast(Unit.MONEY.dtype).alias("lines_returned"),
        nw.col("refunded").fill_null(0).cast(Unit.MONEY.dtype).alias("refunded"),
    )
    in_base = rated.with_columns(
        nw.when(has_own)
        .then(nw.col("amount_base").cast(Unit.MONEY.dtype))
        .otherwise(nw.col("lines_amount"))
        .alias("net"),
        to_money(nw.col("lines_cost").cast(nw.Float64()) * nw.col("rate")).alias("cost"),
        to_money(nw.col("lines_returned").cast(nw.Float64()) * nw.col("rate")).alias("returned_lines"),
        to_money(nw.col("refunded").cast(nw.Float64()) * nw.col("rate")).alias("refunds"),
        to_money(nw.col("discount").cast(nw.Float64()) * nw.col("rate")).alias("discount"),
    )
    has_returns = (nw.col("returned_lines") < 0) | (nw.col("net") < 0).fill_null(value=False)
    refunds = nw.when(has_returns).then(_NOTHING).otherwise(nw.col("refunds"))
    settled = in_base.with_columns((nw.col("net") - refunds).alias("revenue"), refunds.alias("refunds"))
    is_negative = (nw.col("net") < 0).fill_null(value=False)
    returned = nw.when(is_negative).then(nw.col("net")).otherwise(nw.col("returned_lines") - nw.col("refunds"))
    is_costed = (nw.col("lines_without_cost") == 0).fill_null(value=False)
    return settled.with_columns(
        returned.alias("returned"),
        nw.when(is_costed).then(nw.col("revenue") - nw.col("cost")).alias("margin"),
        (~is_negative).alias("is_sale"),
        (has_own & nw.col("amount_base").is_null()).alias("is_rate_missing"),
    )
