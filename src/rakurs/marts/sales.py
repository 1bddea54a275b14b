"""What was sold, when, to whom, by whom, and was it the customer's first purchase? By deals and by orders."""

from typing import Any

import narwhals.stable.v2 as nw

from rakurs.core.frames import absent, conform, row_number, to_money
from rakurs.core.mart import MartSettings
from rakurs.core.table import Column
from rakurs.core.units import Unit
from rakurs.marts.canonical import with_category, with_customer, with_owner
from rakurs.marts.orders import priced_lines, sold_orders
from rakurs.marts.tables import SALE_LINES, SALES

Frame = nw.LazyFrame[Any]

DEALS_BASIS = "deals"
ORDERS_BASIS = "orders"

_COMPUTED = ("is_first", "first_sold_on")
_OF_PEOPLE = ("customer_kind", "region", "department", "branch")
_PLAIN: tuple[Column, ...] = tuple(column for column in SALES.columns if column.name not in (*_COMPUTED, *_OF_PEOPLE))


def sales(
    *,
    settings: MartSettings,
    outcomes: Frame,
    orders: Frame,
    order_lines: Frame,
    payments: Frame,
    deals: Frame,
    products: Frame,
    customers: Frame,
    employees: Frame,
) -> Frame:
    """One row per won deal, and one per order that counts as sold; each basis is complete by itself.

    `is_first` marks the customer's first sale ever in that basis (earliest day, then id); a sale without a
    customer is neither first nor repeated, and a return is not a sale.
    """
    ordered = sold_orders(
        settings=settings,
        orders=orders,
        order_lines=order_lines,
        payments=payments,
        deals=deals,
        products=products,
    )
    plain = nw.concat([conform(_won_deals(outcomes), _PLAIN), conform(_as_sales(ordered), _PLAIN)])
    people = with_owner(with_customer(plain, customers), employees)
    return conform(_with_first(people), SALES.columns)


def _won_deals(outcomes: Frame) -> Frame:
    nothing = nw.lit(0).cast(Unit.MONEY.dtype)
    return outcomes.filter(nw.col("outcome") == "won").with_columns(
        nw.lit(DEALS_BASIS).alias("basis"),
        nw.col("deal_id").alias("sale_id"),
        nw.col("closed_on").alias("sold_on"),
        nw.col("amount").alias("revenue"),
        nothing.alias("returned"),
        absent(Unit.MONEY).alias("discount"),
        nw.lit(value=True).alias("is_sale"),
    )


def _as_sales(orders: Frame) -> Frame:
    return orders.with_columns(nw.lit(ORDERS_BASIS).alias("basis"), nw.col("order_id").alias("sale_id"))


def _with_first(rows: Frame) -> Frame:
    is_counted = nw.col("is_sale") & ~nw.col("customer_id").is_null()
    order = nw.when(is_counted).then(nw.lit(0)).otherwise(nw.lit(1))
    ranked = rows.with_columns(order.alias("is_uncounted")).with_columns(
        row_number(("basis", "customer_id"), ("is_uncounted", "sold_on", "sale_id")).alias("purchase"),
        nw.when(is_counted).then(nw.col("sold_on")).min().over("basis", "customer_id").alias("first_sold_on"),
    )
    return ranked.with_columns((is_counted & (nw.col("purchase") == 1)).alias("is_first"))


def sale_lines(
    *,
    settings: MartSettings,
    sales: Frame,
    outcomes: Frame,
    orders: Frame,
    order_lines: Frame,
    products: Frame,
) -> Frame:
    """One row per product of a sale; a deal, or an order without lines, is one row with its own product or none.

    Line amounts are as the lines say; an order's own amount may differ from their sum (delivery, a discount on
    the whole), so the lines of an order need not add up to its revenue.
    """
    _ = settings
    by_deals = _deal_lines(sales, outcomes, products)
    days = orders.select(nw.col("order_id").alias("sale_id"), "ordered_on")
    ordered = sales.filter(nw.col("basis") == ORDERS_BASIS).join(days, on="sale_id", how="left")
    by_orders = _order_lines(ordered, orders, order_lines, products)
    unlisted = ordered.join(
        order_lines.filter(nw.col("deleted_at").is_null()).select(nw.col("order_id").alias("sale_id")),
        on="sale_id",
        how="anti",
    )
    rest = _single_line(unlisted.with_columns(absent(Unit.ID).alias("product_id")), products)
    return nw.concat([conform(part, SALE_LINES.columns) for part in (by_deals, by_orders, rest)])


def _deal_lines(sales: Frame, outcomes: Frame, products: Frame) -> Frame:
    owned = outcomes.select(nw.col("deal_id").alias("sale_id"), "product_id", nw.col("closed_on").alias("ordered_on"))
    return _single_line(sales.filter(nw.col("basis") == DEALS_BASIS).join(owned, on="sale_id", how="left"), products)


def _single_line(sold: Frame, products: Frame) -> Frame:
    return with_category(sold, products).with_columns(
        nw.lit(1).alias("line_no"),
        nw.lit(1).cast(Unit.QUANTITY.dtype).alias("quantity"),
        (~nw.col("is_sale")).alias("is_return"),
    )


def _order_lines(ordered: Frame, orders: Frame, order_lines: Frame, products: Frame) -> Frame:
    lines = priced_lines(order_lines, products).select(
        nw.col("order_id").alias("sale_id"),
        "line_no",
        "product_id",
        "category",
        "brand",
        "quantity",
        "line_amount",
        "line_cost",
        "line_discount",
        "is_return",
    )
    rates = orders.select(
        nw.col("order_id").alias("sale_id"),
        nw.when(~nw.col("amount").is_null() & (nw.col("amount") != 0))
        .then(nw.col("amount_base").cast(nw.Float64()) / nw.col("amount").cast(nw.Float64()))
        .otherwise(nw.lit(1.0))
        .alias("rate"),
    )
    sold = ordered.drop("revenue", "margin", "discount")
    joined = lines.join(sold, on="sale_id", how="inner").join(rates, on="sale_id", how="left")
    revenue = to_money(nw.col("line_amount").cast(nw.Float64()) * nw.col("rate"))
    cost = to_money(nw.col("line_cost").cast(nw.Float64()) * nw.col("rate"))
    discount = to_money(nw.col("line_discount").cast(nw.Float64()) * nw.col("rate"))
    return joined.with_columns(revenue.alias("revenue"), (revenue - cost).alias("margin"), discount.alias("discount"))
