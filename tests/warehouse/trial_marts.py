"""Small marts to try a warehouse with: one of a table, one of a mart, one of days."""

from datetime import date

import narwhals.stable.v2 as nw
import pyarrow as pa

from rakurs.core.mart import CalendarMart, CalendarRules, Mart
from rakurs.core.table import Table
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.schema import ORDERS
from rakurs.schema.columns import column

TITLE = Text(ru="Проба", en="Trial")
CUSTOMER = column("customer_id", Unit.ID, "Клиент", "Customer")
AMOUNT = column("amount", Unit.MONEY, "Сумма", "Amount")


def _table(name: str, *columns) -> Table:
    return Table(name=name, title=TITLE, grain=TITLE, key=(columns[0].name,), columns=columns)


PER_CUSTOMER = _table("per_customer", CUSTOMER, AMOUNT)
BEST = _table("best", CUSTOMER)
DAYS = _table("days", column("day", Unit.DAY, "День", "Day"))
TOTALS = _table("totals", AMOUNT, column("orders", Unit.COUNT, "Заказы", "Orders"))


def per_customer(*, settings, orders):
    return orders.group_by("customer_id").agg(nw.col("amount_base").sum().alias("amount"))


def best(*, settings, sums):
    return sums.filter(nw.col("amount") >= 10).select("customer_id")


def days(first: date, last: date, rules: CalendarRules) -> pa.Table:
    return pa.table({"day": [first, last]})


def totals(*, settings, orders):
    return orders.group_by("amount").agg(nw.len().alias("orders"))


MARTS = (
    Mart(table=BEST, inputs={"sums": PER_CUSTOMER}, build=best),
    CalendarMart(table=DAYS, build=days),
    Mart(table=PER_CUSTOMER, inputs={"orders": ORDERS}, build=per_customer, sort=("amount", "customer_id")),
)
TOTALS_MART = Mart(table=TOTALS, inputs={"orders": ORDERS}, build=totals, sort=("amount",))
